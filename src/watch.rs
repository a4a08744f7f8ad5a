//! WATCH: which sessions watch which keys, and whose transaction must fail.

use holdfast_engine::keyspace::DatabaseIndex;
use std::collections::{HashMap, HashSet};

use crate::core::Core;
use crate::session::{Session, SessionId, Watched};

type Place = (DatabaseIndex, Box<[u8]>);

/// Watched keys, and the sessions for which one of them changed.
#[derive(Debug, Default)]
pub struct Watches {
    watchers: HashMap<Place, Vec<Watcher>>,
    failed: HashSet<SessionId>,
}

#[derive(Clone, Copy, Debug)]
struct Watcher {
    id: SessionId,
    found_it_alive: bool,
}

impl Watches {
    /// A key changed: those who watch it cannot execute their transactions. If it `is_gone`, that is
    /// no change for those who found nothing alive when they began to watch it.
    fn touch(&mut self, place: &Place, is_gone: bool) {
        if let Some(watchers) = self.watchers.get(place) {
            let concerned = watchers
                .iter()
                .filter(|watcher| !is_gone || watcher.found_it_alive);
            self.failed.extend(concerned.map(|watcher| watcher.id));
        }
    }

    /// Whether a key that the session watches has changed.
    pub(crate) fn has_failed(&self, id: SessionId) -> bool {
        self.failed.contains(&id)
    }
}

impl Core {
    /// Tells those who watch a key that it changed.
    pub(crate) fn touch_watched(&mut self, place: &Place) {
        let (database, name) = place;
        let key = self.keyspace.key(name);
        let now_ms = self.keyspace.now_ms();
        let stored = self.keyspace.stored(*database, key);
        let is_gone = stored.is_none_or(|entry| entry.is_expired(now_ms));
        self.watches.touch(place, is_gone);
    }

    /// Watches a key for a session.
    pub(crate) fn watch(&mut self, session: &mut Session, key: &[u8]) {
        let database = session.database;
        let is_known = |watched: &Watched| watched.database == database && *watched.key == *key;
        if session.watched.iter().any(is_known) {
            return;
        }
        let hashed = self.keyspace.key(key);
        let now_ms = self.keyspace.now_ms();
        let stored = self.keyspace.stored(database, hashed);
        let is_expired = stored.is_some_and(|entry| entry.is_expired(now_ms));
        let is_alive = stored.is_some() && !is_expired;
        self.keyspace.interest.register(database, key);
        let watchers = self
            .watches
            .watchers
            .entry((database, key.into()))
            .or_default();
        watchers.push(Watcher {
            id: session.id,
            found_it_alive: is_alive,
        });
        session.watched.push(Watched {
            database,
            key: key.into(),
            was_alive: is_alive,
        });
    }

    /// Watches nothing any more.
    pub(crate) fn unwatch(&mut self, session: &mut Session) {
        for watched in session.watched.drain(..) {
            self.keyspace
                .interest
                .release(watched.database, &watched.key);
            let place = (watched.database, watched.key);
            if let Some(watchers) = self.watches.watchers.get_mut(&place) {
                watchers.retain(|watcher| watcher.id != session.id);
                if watchers.is_empty() {
                    self.watches.watchers.remove(&place);
                }
            }
        }
        self.watches.failed.remove(&session.id);
    }

    /// Whether a watched key changed, or expired since it was watched.
    pub(crate) fn watch_has_failed(&mut self, session: &Session) -> bool {
        if self.keyspace.interest.any_touched() {
            self.after_touch();
        }
        let now_ms = self.keyspace.now_ms();
        self.watches.has_failed(session.id)
            || session.watched.iter().any(|watched| {
                let key = self.keyspace.key(&watched.key);
                let stored = self.keyspace.stored(watched.database, key);
                watched.was_alive && stored.is_some_and(|entry| entry.is_expired(now_ms))
            })
    }
}
