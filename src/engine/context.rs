//! What a handler works with: the keyspace for readers, the keyspace and the effects for writers.
//!
//! A reader cannot write. A writer records what it changed, in the order in which it changed it:
//! [`WriteContext::log_as_given`] where the command itself is a pure function of the state,
//! [`WriteContext::log`] where chance, time or order had a part in it (RULES.md 11).

use crate::args::Args;
use crate::effects::Effects;
use crate::error::CommandError;
use crate::keyspace::{Contents, DatabaseIndex, Entry, Expiry, Key, Keyspace, Mode};
use crate::notify::NotifyClasses;
use crate::value::{Collection, Value, ValueRef};
use crate::values::encodings::Encodings;
use crate::values::string::{StringRef, StringValue};

/// Who runs the command, as far as a handler may know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The command may block (not in MULTI, not in a script).
    pub may_block: bool,
    /// The command has waited, and runs again because a key that it waits for was changed.
    pub has_waited: bool,
    /// A script calls the command: what has no order is put in one.
    pub in_script: bool,
    /// Which key that is, counted among those that it waits for; of no meaning before it has waited.
    pub woken_by: usize,
    /// The reads do not count as a use of the keys (`CLIENT NO-TOUCH`).
    pub no_touch: bool,
}

/// What a reader works with.
#[derive(Clone, Copy, Debug)]
pub struct ReadContext<'a> {
    /// All data.
    pub keyspace: &'a Keyspace,
    /// The session's database.
    pub database: DatabaseIndex,
    /// Who asks.
    pub caller: Caller,
}

impl<'a> ReadContext<'a> {
    /// The key with its place.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.keyspace.key(bytes)
    }

    /// The entry of a key; nothing if it has expired.
    pub fn entry(&self, key: Key<'_>) -> Option<&'a Entry> {
        if self.caller.no_touch {
            self.keyspace.peek(self.database, key)
        } else {
            self.keyspace.read(self.database, key)
        }
    }

    /// The value of a key.
    pub fn value(&self, key: Key<'_>) -> Option<ValueRef<'a>> {
        self.entry(key).map(Entry::value)
    }

    /// The string at a key.
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn string(&self, key: Key<'_>) -> Result<Option<StringRef<'a>>, CommandError> {
        self.value(key).map(string_of).transpose()
    }

    /// The collection at a key.
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn get<C: Collection>(&self, key: Key<'_>) -> Result<Option<&'a C>, CommandError> {
        self.value(key)
            .map(|value| C::of(value).ok_or(CommandError::WrongType))
            .transpose()
    }

    /// The leader's time in milliseconds since 1970.
    pub const fn now_ms(&self) -> i64 {
        self.keyspace.now_ms()
    }
}

/// How a blocked command answers when nothing came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    /// A null array (`*-1`).
    NullArray,
    /// A null bulk string (`$-1`).
    Null,
    /// The number 0.
    Zero,
}

/// A command that waits: it runs again whenever one of the keys changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The command that runs then, where it is not the one that was given (XREAD's `$` is the last
    /// id of the time when it began to wait).
    pub command: Option<Vec<Box<[u8]>>>,
    /// The keys that it waits for, in the session's database.
    pub keys: Vec<Box<[u8]>>,
    /// How long it waits, in milliseconds; `None` for ever.
    pub timeout_ms: Option<u64>,
    /// What it answers then.
    pub on_timeout: OnTimeout,
}

/// What a writer works with.
#[derive(Debug)]
pub struct WriteContext<'a> {
    /// All data. Change it through this context, so that nothing goes unrecorded.
    pub keyspace: &'a mut Keyspace,
    /// The session's database.
    pub database: DatabaseIndex,
    /// Who asks.
    pub caller: Caller,
    effects: &'a mut Effects,
    given: &'a [&'a [u8]],
    block: Option<Block>,
}

impl<'a> WriteContext<'a> {
    pub(crate) fn new(
        keyspace: &'a mut Keyspace,
        effects: &'a mut Effects,
        database: DatabaseIndex,
        caller: Caller,
        given: &'a [&'a [u8]],
    ) -> Self {
        Self {
            keyspace,
            database,
            caller,
            effects,
            given,
            block: None,
        }
    }

    pub(crate) fn into_block(self) -> Option<Block> {
        self.block
    }

    /// The same keyspace for reading, with what has expired at `keys` removed before.
    ///
    /// A replica replays the effect on its own copy of these keys: what the leader hides must be
    /// gone there as well, and before.
    pub fn reading(&mut self, keys: &[Key<'_>]) -> ReadContext<'_> {
        for &key in keys {
            self.expire_if_due(key);
        }
        ReadContext {
            keyspace: self.keyspace,
            database: self.database,
            caller: self.caller,
        }
    }

    /// The key with its place.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.keyspace.key(bytes)
    }

    /// The leader's time in milliseconds since 1970.
    pub const fn now_ms(&self) -> i64 {
        self.keyspace.now_ms()
    }

    /// Thresholds of the compact encodings.
    pub const fn encodings(&self) -> Encodings {
        self.keyspace.encodings
    }

    /// Runs `body` as if another database were selected.
    pub fn in_database<R>(
        &mut self,
        database: DatabaseIndex,
        body: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let selected = std::mem::replace(&mut self.database, database);
        let result = body(self);
        self.database = selected;
        result
    }

    // ---- looking -------------------------------------------------------------------------------

    /// Removes a key whose time has come, as an effect of its own.
    pub fn expire_if_due(&mut self, key: Key<'_>) -> bool {
        // Most databases have few deadlines or none: then this costs no look-up.
        let due = self.keyspace.mode() == Mode::Execute
            && self.keyspace.volatile_len(self.database) > 0
            && self
                .keyspace
                .stored(self.database, key)
                .is_some_and(|entry| entry.is_expired(self.keyspace.now_ms()));
        if due {
            self.keyspace.expire(self.effects, self.database, key);
        }
        due
    }

    /// The entry of a key; one that has expired is removed first.
    pub fn entry(&mut self, key: Key<'_>) -> Option<&Entry> {
        self.expire_if_due(key);
        self.keyspace.read(self.database, key)
    }

    /// The value of a key.
    pub fn value(&mut self, key: Key<'_>) -> Option<ValueRef<'_>> {
        self.entry(key).map(Entry::value)
    }

    /// Whether the key is there.
    pub fn exists(&mut self, key: Key<'_>) -> bool {
        self.entry(key).is_some()
    }

    /// The string at a key.
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn string(&mut self, key: Key<'_>) -> Result<Option<StringRef<'_>>, CommandError> {
        self.value(key).map(string_of).transpose()
    }

    /// The collection at a key.
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn get<C: Collection>(&mut self, key: Key<'_>) -> Result<Option<&C>, CommandError> {
        self.value(key)
            .map(|value| C::of(value).ok_or(CommandError::WrongType))
            .transpose()
    }

    /// The collection at a key, to be changed. Whoever takes its last element calls
    /// [`Self::remove_if_empty`]; whoever changes it calls [`Self::changed`].
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn get_mut<C: Collection>(&mut self, key: Key<'_>) -> Result<Option<&mut C>, CommandError> {
        if self.entry(key).is_none() {
            return Ok(None);
        }
        let entry = self.keyspace.entry_mut(self.database, key);
        entry
            .map(|entry| entry.collection_mut().ok_or(CommandError::WrongType))
            .transpose()
    }

    /// The collection at a key, created when there is none. The caller puts an element in, or
    /// calls [`Self::remove_if_empty`].
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn get_or_create<C: Collection>(&mut self, key: Key<'_>) -> Result<&mut C, CommandError> {
        if self.entry(key).is_none() {
            self.put(key, C::empty().into_value(), Expiry::Never);
        }
        let entry = self.keyspace.entry_mut(self.database, key);
        let entry = entry.expect("the key is there or was just put");
        entry.collection_mut().ok_or(CommandError::WrongType)
    }

    // ---- changing ------------------------------------------------------------------------------

    /// Puts a value in place of whatever is there.
    pub fn put(&mut self, key: Key<'_>, value: Value, expiry: Expiry) {
        self.put_contents(key, Contents::Value(value), expiry);
    }

    fn put_contents(&mut self, key: Key<'_>, contents: Contents<'_>, expiry: Expiry) {
        if self.keyspace.put(self.database, key, contents, expiry) {
            self.keyspace
                .notice(self.database, NotifyClasses::NEW, "new", key.bytes);
        }
    }

    /// Puts a string, as an integer where it is the canonical text of one.
    pub fn put_string(&mut self, key: Key<'_>, bytes: &[u8], expiry: Expiry) {
        let string = StringRef::from_bytes(bytes);
        self.put_contents(key, Contents::String(string), expiry);
    }

    /// Changes the bytes of a string in place; an absent one starts empty.
    ///
    /// # Errors
    /// `WRONGTYPE` when something else is there.
    pub fn edit_string<R>(
        &mut self,
        key: Key<'_>,
        edit: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> Result<R, CommandError> {
        if self.entry(key).is_none() {
            self.put(
                key,
                Value::String(StringValue::Edited(Vec::new())),
                Expiry::Never,
            );
        }
        let entry = self.keyspace.entry_mut(self.database, key);
        let entry = entry.expect("the key is there or was just put");
        entry.edit_string(edit).ok_or(CommandError::WrongType)
    }

    /// Sets or removes the deadline of a key; says whether the key is there.
    pub fn set_deadline(&mut self, key: Key<'_>, expires_at_ms: Option<i64>) -> bool {
        self.expire_if_due(key);
        self.keyspace
            .set_deadline(self.database, key, expires_at_ms)
    }

    /// Sets the access clock of a key.
    pub fn set_access(&mut self, key: Key<'_>, access: u32) {
        if let Some(entry) = self.keyspace.entry_mut(self.database, key) {
            entry.set_access(access);
        }
    }

    /// Removes a key; says whether it was there. Large values are freed in the background.
    pub fn remove(&mut self, key: Key<'_>) -> bool {
        self.expire_if_due(key);
        self.keyspace.remove(self.database, key)
    }

    /// Takes a key out with its value and deadline (`RENAME`, `MOVE`).
    pub fn take(&mut self, key: Key<'_>) -> Option<(Value, Option<i64>)> {
        self.expire_if_due(key);
        self.keyspace.take(self.database, key)
    }

    /// Removes the key if its collection has no element left, and says so to subscribers.
    pub fn remove_if_empty<C: Collection>(&mut self, key: Key<'_>) -> bool {
        let found = self.keyspace.stored(self.database, key);
        let is_empty = found
            .and_then(|entry| C::of(entry.value()))
            .is_some_and(Collection::has_no_elements);
        if is_empty {
            self.keyspace.remove(self.database, key);
            self.changed(key, NotifyClasses::GENERIC, "del");
        }
        is_empty
    }

    // ---- telling -------------------------------------------------------------------------------

    /// Says that a key was changed, and by what: readers of it wait for this batch, transactions
    /// that watch it fail, blocked commands run again, subscribers are told.
    pub fn changed(&mut self, key: Key<'_>, class: NotifyClasses, event: &'static str) {
        self.keyspace.mark_changed(self.database, key);
        self.keyspace.notice(self.database, class, event, key.bytes);
    }

    /// Says that a key was changed in a way of which Redis tells its subscribers nothing.
    pub fn changed_quietly(&mut self, key: Key<'_>) {
        self.keyspace.mark_changed(self.database, key);
    }

    /// Says that something about a key was changed which is not its value to those who watch it or
    /// wait for it: consumer groups. Readers wait for this batch; nobody else is told.
    pub fn changed_beside(&mut self, key: Key<'_>) {
        self.keyspace.mark_changed_beside(self.database, key);
    }

    /// Lets the commands that wait for a key run again. The key counts as changed only if
    /// [`Self::changed`] says so.
    pub fn wake_waiting(&mut self, key: Key<'_>) {
        self.keyspace.wake_waiting(self.database, key);
    }

    /// Tells subscribers only.
    pub fn notify(&mut self, key: Key<'_>, class: NotifyClasses, event: &'static str) {
        self.keyspace.notice(self.database, class, event, key.bytes);
    }

    /// Records the command as the client gave it.
    pub fn log_as_given(&mut self) {
        self.log(self.given);
    }

    /// Records another command that has the same effect and leaves nothing to chance.
    pub fn log(&mut self, command: &[&[u8]]) {
        if self.keyspace.mode() == Mode::Execute {
            self.effects.push(self.database, command);
        }
    }

    /// The effects of the batch so far, for the few that execute commands of their own (EXEC, SORT).
    pub fn effects(&mut self) -> &mut Effects {
        self.effects
    }

    /// Blocks the session until one of the keys changes. Nothing may have been changed or replied.
    pub fn block(&mut self, block: Block) {
        debug_assert!(
            self.caller.may_block,
            "a caller that may not block gets a reply instead"
        );
        self.block = Some(block);
    }

    /// The words as the client gave them, the name first.
    pub const fn given_words(&self) -> &'a [&'a [u8]] {
        self.given
    }

    /// The arguments as the client gave them.
    pub const fn given(&self) -> Args<'a> {
        Args::new(self.given, 0)
    }
}

const fn string_of(value: ValueRef<'_>) -> Result<StringRef<'_>, CommandError> {
    match value {
        ValueRef::String(string) => Ok(string),
        _ => Err(CommandError::WrongType),
    }
}
