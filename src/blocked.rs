//! Sessions that wait for a key: registered when their command finds nothing, served in the turn
//! in which the key changes, in the order in which they came, as in Redis. Their replies are held
//! like any other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use holdfast_engine::keyspace::{DatabaseIndex, Touch};
use holdfast_engine::{Block, Caller, OnTimeout};
use holdfast_resp::Reply;
use std::collections::HashMap;

use crate::core::Core;
use crate::dispatch;
use crate::registry::Found;
use crate::session::{Blocked, Session, SessionId};

type Place = (DatabaseIndex, Box<[u8]>);

/// Which sessions wait for which keys, first come first.
#[derive(Debug, Default)]
pub struct BlockedKeys {
    waiting: HashMap<Place, VecDeque<SessionId>>,
    sessions_count: usize,
}

impl BlockedKeys {
    /// How many sessions wait.
    pub const fn sessions_count(&self) -> usize {
        self.sessions_count
    }

    /// How many keys are waited for.
    pub fn keys_count(&self) -> usize {
        self.waiting.len()
    }

    fn add(&mut self, id: SessionId, database: DatabaseIndex, keys: &[Box<[u8]>]) {
        self.sessions_count += 1;
        for key in keys {
            let ids = self.waiting.entry((database, key.clone())).or_default();
            if !ids.contains(&id) {
                ids.push_back(id);
            }
        }
    }

    fn remove(&mut self, id: SessionId, database: DatabaseIndex, keys: &[Box<[u8]>]) {
        self.sessions_count -= 1;
        for key in keys {
            let place = (database, key.clone());
            if let Some(ids) = self.waiting.get_mut(&place) {
                ids.retain(|&waiting| waiting != id);
                if ids.is_empty() {
                    self.waiting.remove(&place);
                }
            }
        }
    }

    fn waiting_for(&self, place: &Place) -> Vec<SessionId> {
        self.waiting
            .get(place)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default()
    }
}

/// Makes a session wait with its command.
pub(crate) fn block(core: &mut Core, session: &mut Session, block: Block, arguments: &[&[u8]]) {
    if session.blocked.is_some() {
        return; // it ran again for nothing, and goes on waiting as before
    }
    for key in &block.keys {
        core.keyspace.interest.register(session.database, key);
    }
    core.blocked.add(session.id, session.database, &block.keys);
    session.blocked = Some(Blocked {
        command: block
            .command
            .unwrap_or_else(|| arguments.iter().map(|&argument| argument.into()).collect()),
        database: session.database,
        keys: block.keys,
        deadline: block
            .timeout_ms
            .map(|ms| Instant::now() + Duration::from_millis(ms)),
        on_timeout: block.on_timeout,
    });
}

impl Core {
    /// Acts on changes of keys that sessions watch or wait for, until nothing more follows.
    pub(crate) fn after_touch(&mut self) {
        // What was changed may have expired while the command ran: nobody is served that.
        self.tick();
        while self.keyspace.interest.any_touched() {
            for (place, touch) in self.keyspace.interest.take_touched() {
                if touch == Touch::Changed {
                    self.touch_watched(&place);
                }
                for id in self.blocked.waiting_for(&place) {
                    self.try_again(id, &place.1);
                }
            }
        }
        self.flush_others();
    }

    /// Runs a waiting session's command once more, because of a change of this key.
    fn try_again(&mut self, id: SessionId, key: &[u8]) {
        let Some(mut session) = self.sessions.take(id) else {
            return;
        };
        if let Some(blocked) = session.blocked.take() {
            self.try_again_with(&mut session, blocked, key);
        }
        self.sessions.put_back(session);
    }

    fn try_again_with(&mut self, session: &mut Session, blocked: Blocked, key: &[u8]) {
        let arguments: Vec<&[u8]> = blocked.command.iter().map(AsRef::as_ref).collect();
        let registry = std::rc::Rc::clone(&self.registry);
        let Found::Command(command) = registry.find(&arguments) else {
            return;
        };
        let woken_by = blocked.keys.iter().position(|known| **known == *key);
        let caller = Caller {
            may_block: true,
            has_waited: true,
            woken_by: woken_by.unwrap_or(0),
            no_touch: session.no_touch,
            in_script: false,
        };
        let selected = std::mem::replace(&mut session.database, blocked.database);
        // In place while the command runs, so that waiting again changes nothing.
        session.blocked = Some(Blocked {
            command: Vec::new(),
            keys: Vec::new(),
            ..blocked
        });
        let reply_before = session.out.reply.len();
        self.replicas.unit_only_reads = false;
        self.command_began = std::time::Instant::now();
        let need = dispatch::call(self, session, command, &arguments, caller);
        session.database = selected;
        if session.out.reply.len() == reply_before {
            session.blocked = Some(blocked);
            self.settle_effects();
            return;
        }
        session.blocked = None;
        self.stop_waiting(session.id, &blocked);
        self.settle(session, need);
        session.wake();
    }

    fn stop_waiting(&mut self, id: SessionId, blocked: &Blocked) {
        for key in &blocked.keys {
            self.keyspace.interest.release(blocked.database, key);
        }
        self.blocked.remove(id, blocked.database, &blocked.keys);
    }

    /// The session's time is over: answers as its command does then.
    pub(crate) fn time_out(&mut self, session: &mut Session) {
        let Some(blocked) = session.blocked.take() else {
            return;
        };
        self.stop_waiting(session.id, &blocked);
        match blocked.on_timeout {
            OnTimeout::NullArray => session.out.reply.null_array(),
            OnTimeout::Null => session.out.reply.null(),
            OnTimeout::Zero => session.out.reply.integer(0),
        }
        // That nothing came is a fact about the keys: it depends on all that was executed.
        let need = self.keyspace.dirty.need_of_all();
        self.settle(session, need);
    }

    /// Ends a session's wait with an error (`CLIENT UNBLOCK … ERROR`, loss of leadership).
    pub(crate) fn unblock_with_error(&mut self, id: SessionId, text: &str) {
        let waiting = self
            .sessions
            .get(id)
            .and_then(|session| session.blocked.as_ref());
        if let Some(blocked) = waiting {
            let words: Vec<&[u8]> = blocked.command.iter().map(AsRef::as_ref).collect();
            if let Found::Command(command) = self.registry.find(&words) {
                command.calls.failed.set(command.calls.failed.get() + 1);
            }
            self.stats.count_error(text);
        }
        self.unblock_with(id, |reply| reply.error(text));
    }

    /// Ends a session's wait with a reply that depends on no batch.
    pub(crate) fn unblock_with(&mut self, id: SessionId, write: impl FnOnce(&mut Reply)) {
        let Some(mut session) = self.sessions.take(id) else {
            return;
        };
        if let Some(blocked) = session.blocked.take() {
            self.stop_waiting(id, &blocked);
            write(&mut session.out.reply);
            self.settle(&mut session, 0);
            session.wake();
        }
        self.sessions.put_back(session);
    }

    /// Ends a session's wait as if its time were over (`CLIENT UNBLOCK … TIMEOUT`).
    pub(crate) fn unblock_as_timed_out(&mut self, id: SessionId) {
        let Some(mut session) = self.sessions.take(id) else {
            return;
        };
        self.time_out(&mut session);
        session.wake();
        self.sessions.put_back(session);
    }

    /// A session that waited is gone.
    pub(crate) fn forget_blocked(&mut self, session: &mut Session) {
        if let Some(blocked) = session.blocked.take() {
            self.stop_waiting(session.id, &blocked);
        }
    }
}
