//! The keyspace: numbered databases of keys, and everything that must happen when a key is looked
//! at or changed. Handlers reach it through the contexts of [`crate::context`].
//!
//! What always holds: every lookup notes what the reply depends on; every change marks its key
//! dirty; nothing expired is ever shown.
//!
//! - `entry` one key with its value · `database` the keys of one database · `counts` keys by slot
//! - `dirty` which batches changed which keys · `observed` what reads saw · `interest` watched keys
//! - `access` the clocks of LRU and LFU · `expiry`, `evict` what removes keys without a command
//! - `replacement` data from a snapshot before it is installed · `capture` a snapshot being taken

mod access;
mod capture;
mod counts;
mod database;
mod dirty;
mod entry;
mod evict;
mod expiry;
mod interest;
mod observed;
mod replacement;

use std::cell::Cell;

pub use access::{AccessClock, EvictionPolicy, Usage};
pub use capture::{CaptureEnd, Walk};
pub use counts::SLOTS;
pub use dirty::DirtyTable;
pub(crate) use entry::Contents;
pub use entry::Entry;
pub use interest::{Interest, Touch};
pub use observed::{HiddenKey, Observed};
pub use replacement::{ArrivingKey, Replacement};

use capture::Capture;
use database::Database;
use smallvec::SmallVec;

use crate::hashing::HashSeed;
use crate::notify::{Notice, NotifyClasses};
use crate::scripts::ScriptStore;
use crate::value::Value;
use crate::values::encodings::Encodings;

/// Below so many keys a database's tables and entries are in the caches anyway.
const KEYS_WARMED_MIN: usize = 4096;

/// Most keys that [`Keyspace::warm`] looks at.
pub const KEYS_WARMED_AT_ONCE: usize = 16;

/// Values with more parts than this are freed by the server's background thread.
const WEIGHT_FREED_IN_PLACE_MAX: usize = 64;

/// The number of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatabaseIndex(pub u32);

/// Where a key belongs: the same on every node, as the seed of the hash is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    /// The cluster's hash slot.
    pub slot: u16,
    /// The hash of the whole key.
    pub hash: u64,
}

/// A key with its hash: computed once for each argument.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The key.
    pub bytes: &'a [u8],
    /// Where it belongs.
    pub place: KeyHash,
}

/// What a deadline becomes when a value is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The key keeps the deadline that it has.
    Keep,
    /// The key has no deadline.
    Never,
    /// The key expires at this time, in milliseconds since 1970.
    At(i64),
}

/// Whether commands of clients run, or effects from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The leader executes: expired keys are hidden and removed.
    Execute,
    /// Effects are replayed: only what the log says happens (RULES.md 11).
    Replay,
}

/// Counters of what happened to keys, for INFO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// Keys removed because their time had come.
    pub expired: u64,
    /// Keys removed because memory was short.
    pub evicted: u64,
}

/// All data, and what the commands that run on it leave behind for the server.
#[derive(Debug)]
pub struct Keyspace {
    databases: Vec<Database>,
    seed: HashSeed,
    random: Cell<u64>,
    now_ms: i64,
    mode: Mode,
    /// Thresholds of the compact encodings.
    pub encodings: Encodings,
    /// Longest string that a command may build, in bytes (`proto-max-bulk-len`).
    pub string_bytes_max: u64,
    /// Which notifications are wanted.
    pub notify: NotifyClasses,
    /// The clocks of LRU and LFU.
    pub access: AccessClock,
    /// Which keys have uncommitted effects.
    pub dirty: DirtyTable,
    /// What the running command's reads saw.
    pub observed: Observed,
    /// Keys that sessions watch or wait for.
    pub interest: Interest,
    /// What happened, for subscribers; the server takes it after each command.
    pub notices: Vec<Notice>,
    /// Large values that were removed; the server frees them on another thread.
    pub discarded: Vec<Discarded>,
    /// Scripts and function libraries.
    pub scripts: ScriptStore,
    /// How often a key, or a database as a whole, was changed by commands.
    pub changes_count: u64,
    /// Counters for INFO.
    pub stats: KeyspaceStats,
    eviction_pool: evict::EvictionPool,
    /// The snapshot that is being taken.
    capture: Option<Box<Capture>>,
}

impl Keyspace {
    /// An empty keyspace. `seed` is replicated state; `random` is this node's own.
    pub fn new(databases_count: u32, encodings: Encodings, random: u64) -> Self {
        let seed = encodings.seed;
        Self {
            databases: (0..databases_count.max(1))
                .map(|_| Database::new(seed))
                .collect(),
            seed,
            random: Cell::new(random | 1),
            now_ms: 0,
            mode: Mode::Execute,
            encodings,
            string_bytes_max: 512 * 1024 * 1024,
            notify: NotifyClasses::NONE,
            access: AccessClock::default(),
            dirty: DirtyTable::default(),
            observed: Observed::default(),
            interest: Interest::default(),
            notices: Vec::new(),
            discarded: Vec::new(),
            changes_count: 0,
            stats: KeyspaceStats::default(),
            scripts: ScriptStore::default(),
            eviction_pool: evict::EvictionPool::default(),
            capture: None,
        }
    }

    /// The leader's time, in milliseconds since 1970, at which commands run now.
    pub const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Sets the time; the server does so before each turn. It never goes back.
    pub fn set_now_ms(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
        self.access.set_now_ms(self.now_ms);
    }

    /// Whether commands or the log drive it.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// How many databases there are.
    pub fn databases_count(&self) -> u32 {
        u32::try_from(self.databases.len()).expect("created from a u32")
    }

    /// The key with its place.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key {
            bytes,
            place: database::place_of(self.seed, bytes),
        }
    }

    /// The next random number. Nothing that reaches the log may depend on it but by its outcome.
    pub fn random(&self) -> u64 {
        // xorshift64*: fast, and good enough for choices that nobody gains from guessing.
        let mut state = self.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.set(state);
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn database(&self, index: DatabaseIndex) -> &Database {
        &self.databases[index.0 as usize]
    }

    fn database_mut(&mut self, index: DatabaseIndex) -> &mut Database {
        &mut self.databases[index.0 as usize]
    }

    // ---- looking -------------------------------------------------------------------------------

    /// Looks a key up for a command: notes the dependency, hides what has expired, counts the
    /// lookup, touches the access clock.
    pub fn read(&self, index: DatabaseIndex, key: Key<'_>) -> Option<&Entry> {
        let found = self.peek(index, key);
        self.observed.count_lookup(found.is_some());
        if let Some(entry) = found {
            self.access.touch(entry, || self.random());
        }
        found
    }

    /// The same without counting it or touching the access clock (`OBJECT`, `TTL`, `TYPE` …).
    pub fn peek(&self, index: DatabaseIndex, key: Key<'_>) -> Option<&Entry> {
        self.observed
            .depend_on(self.dirty.need(index, key.place.hash));
        let entry = self.database(index).find(key)?;
        if self.mode == Mode::Execute && entry.is_expired(self.now_ms) {
            self.observed.hide(index, key.bytes);
            return None;
        }
        Some(entry)
    }

    /// Brings what commands on these keys will look at into the processor's caches: first the
    /// tables of all, then the entries of all. One key after the other, each command would wait for
    /// three or four memory accesses in a row; here those of all keys are under way at once.
    pub fn warm<'k>(&self, index: DatabaseIndex, keys: impl Iterator<Item = &'k [u8]>) {
        let database = self.database(index);
        if database.len() < KEYS_WARMED_MIN {
            return;
        }
        let mut seen = 0;
        let places: SmallVec<[KeyHash; KEYS_WARMED_AT_ONCE]> = keys
            .take(KEYS_WARMED_AT_ONCE)
            .map(|key| {
                let place = database::place_of(self.seed, key);
                seen |= database.slot_len(place.slot);
                place
            })
            .collect();
        let entries: SmallVec<[&Entry; KEYS_WARMED_AT_ONCE]> = places
            .iter()
            .filter_map(|&place| {
                seen |= self.dirty.warm(index, place.hash) as usize;
                database.candidate(place)
            })
            .collect();
        for entry in entries {
            seen |= entry.access() as usize;
        }
        std::hint::black_box(seen);
    }

    /// A key as it is stored, expired or not, without noting anything: for the server's own work.
    pub fn stored(&self, index: DatabaseIndex, key: Key<'_>) -> Option<&Entry> {
        self.database(index).find(key)
    }

    /// Number of keys, the expired ones that nobody has met yet included.
    pub fn len(&self, index: DatabaseIndex) -> usize {
        self.database(index).len()
    }

    /// Whether no database holds a key.
    pub fn is_empty(&self) -> bool {
        self.databases.iter().all(|database| database.len() == 0)
    }

    /// Number of keys with a deadline.
    pub fn volatile_len(&self, index: DatabaseIndex) -> usize {
        self.database(index).volatile_len()
    }

    /// Number of keys in a hash slot.
    pub fn slot_len(&self, index: DatabaseIndex, slot: u16) -> usize {
        self.database(index).slot_len(slot)
    }

    /// The mean time to live of the keys with a deadline, in milliseconds, from a sample.
    pub fn mean_ttl_ms(&self, index: DatabaseIndex) -> i64 {
        self.database(index).mean_ttl_ms(self.now_ms)
    }

    /// The reply being made depends on every effect so far.
    pub fn observe_all(&self) {
        self.observed.depend_on(self.dirty.need_of_all());
    }

    /// Every entry of a database, the expired ones included, in no particular order.
    pub fn iter(&self, index: DatabaseIndex) -> impl Iterator<Item = &Entry> {
        self.database(index).iter()
    }

    /// Every entry of a hash slot, the expired ones included, in no particular order.
    pub fn iter_slot(&self, index: DatabaseIndex, slot: u16) -> impl Iterator<Item = &Entry> {
        self.database(index).iter_slot(slot)
    }

    /// One entry at random, expired or not.
    pub fn random_entry(&self, index: DatabaseIndex) -> Option<&Entry> {
        self.database(index).random(&mut || self.random())
    }

    /// One entry with a deadline at random, expired or not.
    pub fn random_volatile_entry(&self, index: DatabaseIndex) -> Option<&Entry> {
        self.database(index).random_volatile(&mut || self.random())
    }

    /// The entry that expires first.
    pub fn first_to_expire(&self, index: DatabaseIndex) -> Option<&Entry> {
        self.database(index).first_to_expire()
    }

    /// Walks about `count` entries from a SCAN position; returns the next, or `None` at the end.
    pub fn scan(
        &self,
        index: DatabaseIndex,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(&Entry),
    ) -> Option<u64> {
        self.database(index).scan(from, count, visit)
    }

    // ---- changing ------------------------------------------------------------------------------

    pub(crate) fn entry_mut(&mut self, index: DatabaseIndex, key: Key<'_>) -> Option<&mut Entry> {
        self.before_change(index, key);
        self.database_mut(index).find_mut(key)
    }

    /// Puts a value; what was there is discarded. Returns whether the key is new.
    pub(crate) fn put(
        &mut self,
        index: DatabaseIndex,
        key: Key<'_>,
        contents: Contents<'_>,
        expiry: Expiry,
    ) -> bool {
        self.before_change(index, key);
        let access = self.access.fresh();
        let database = &mut self.databases[index.0 as usize];
        let Some(entry) = database.find_mut(key) else {
            let deadline = match expiry {
                Expiry::At(at) => Some(at),
                Expiry::Keep | Expiry::Never => None,
            };
            database.insert(key, contents, deadline, access);
            return true;
        };
        let old = entry.replace(contents);
        // How often a key is used says nothing of its value, so the counter outlives it.
        if !self.access.policy.counts_uses() {
            entry.set_access(access);
        }
        let deadline = match expiry {
            Expiry::Keep => entry.expires_at_ms(),
            Expiry::Never => None,
            Expiry::At(at) => Some(at),
        };
        if entry.expires_at_ms() != deadline {
            database.set_deadline(key, deadline);
        }
        if let Some(old) = old {
            self.discard(old);
        }
        false
    }

    pub(crate) fn set_deadline(
        &mut self,
        index: DatabaseIndex,
        key: Key<'_>,
        expires_at_ms: Option<i64>,
    ) -> bool {
        self.before_change(index, key);
        self.database_mut(index).set_deadline(key, expires_at_ms)
    }

    /// Takes a key out with its value and deadline.
    pub(crate) fn take(
        &mut self,
        index: DatabaseIndex,
        key: Key<'_>,
    ) -> Option<(Value, Option<i64>)> {
        self.before_change(index, key);
        let entry = self.database_mut(index).remove(key)?;
        let deadline = entry.expires_at_ms();
        Some((entry.into_value(), deadline))
    }

    /// Removes a key; says whether it was there.
    pub(crate) fn remove(&mut self, index: DatabaseIndex, key: Key<'_>) -> bool {
        match self.take(index, key) {
            Some((value, _)) => {
                self.discard(value);
                true
            }
            None => false,
        }
    }

    /// Frees a value: small ones here, large ones on the server's background thread.
    pub(crate) fn discard(&mut self, value: Value) {
        if value.as_ref().weight() > WEIGHT_FREED_IN_PLACE_MAX {
            self.discarded.push(Discarded(Garbage::Value(value)));
        }
    }

    /// Marks a key as changed: readers wait for this batch, watchers and waiters learn of it.
    /// What the log says happened is committed already: nobody waits for that.
    pub(crate) fn mark_changed(&mut self, index: DatabaseIndex, key: Key<'_>) {
        if self.mode == Mode::Execute {
            self.changes_count += 1;
            self.dirty.mark(index, key.place.hash);
            self.interest.touch(index, key.bytes);
        }
    }

    /// Marks a key as changed in something that watchers and waiters do not look at.
    pub(crate) fn mark_changed_beside(&mut self, index: DatabaseIndex, key: Key<'_>) {
        if self.mode == Mode::Execute {
            self.changes_count += 1;
            self.dirty.mark(index, key.place.hash);
        }
    }

    /// Lets those who wait for a key look at it again.
    pub(crate) fn wake_waiting(&mut self, index: DatabaseIndex, key: Key<'_>) {
        if self.mode == Mode::Execute {
            self.interest.wake(index, key.bytes);
        }
    }

    /// Marks every key as changed, and says so to those who watch a key that is in one of the
    /// databases, by which name they may know it.
    fn mark_databases_changed(&mut self, indexes: &[DatabaseIndex]) {
        if self.mode != Mode::Execute {
            return;
        }
        self.changes_count += 1;
        self.dirty.mark_all();
        let (databases, seed) = (&self.databases, self.seed);
        // One that has expired counts: whoever waits for it comes across it, and removes it.
        let is_in_any = |name: &[u8]| {
            let key = Key {
                bytes: name,
                place: database::place_of(seed, name),
            };
            let mut found = indexes
                .iter()
                .filter_map(|index| databases[index.0 as usize].find(key));
            found.next().is_some()
        };
        for &index in indexes {
            self.interest.touch_database(index, is_in_any);
        }
    }

    /// Notes an event for subscribers, where anybody can have asked for it.
    pub(crate) fn notice(
        &mut self,
        index: DatabaseIndex,
        class: NotifyClasses,
        event: &'static str,
        key: &[u8],
    ) {
        if self.notify.has(class) {
            self.notices.push(Notice {
                database: index,
                event,
                key: key.into(),
            });
        }
    }

    /// Empties one database; returns how many keys it held.
    pub(crate) fn flush(&mut self, index: DatabaseIndex) -> usize {
        self.mark_databases_changed(&[index]);
        let empty = Database::new(self.seed);
        let old = std::mem::replace(self.database_mut(index), empty);
        let count = old.len();
        self.let_go(index, old);
        count
    }

    /// Drops all data, as it is before the first batch: to be rebuilt from the log.
    pub fn reset(&mut self) {
        for number in 0..self.databases_count() {
            self.flush(DatabaseIndex(number));
        }
        self.scripts.clear_scripts();
        self.scripts.clear_libraries();
        self.dirty.clear();
        self.notices.clear();
        self.observed.take_need();
    }

    /// Exchanges two databases.
    pub(crate) fn swap(&mut self, one: DatabaseIndex, other: DatabaseIndex) {
        self.databases.swap(one.0 as usize, other.0 as usize);
        self.capture_swapped(one, other);
        self.mark_databases_changed(&[one, other]);
    }
}

/// Something large that left the keyspace, to be freed on whichever thread drops it.
#[derive(Debug)]
pub struct Discarded(Garbage);

impl Discarded {
    fn database(database: Box<Database>) -> Self {
        Self(Garbage::Database(database))
    }

    /// How many values it holds.
    pub fn objects_count(&self) -> u64 {
        match &self.0 {
            Garbage::Value(_) => 1,
            Garbage::Database(database) => database.len() as u64,
        }
    }
}

#[derive(Debug)]
enum Garbage {
    #[expect(
        dead_code,
        reason = "held only so that its drop happens where the owner wants it"
    )]
    Value(Value),
    Database(Box<Database>),
}
