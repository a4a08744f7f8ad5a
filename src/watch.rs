//! WATCH: which sessions watch which keys, and whose transaction must fail.

use holdfast_engine::keyspace::DatabaseIndex;
use std::collections::{HashMap, HashSet};

use crate::core::Core;
use crate::session::{Session, SessionId, Watched};

type Place = (DatabaseIndex, Box<[u8]>);

/// Watched keys, and the sessions for which one of them changed.
#[derive(Debug, Default)]
pub struct Watches {
    watchers: HashMap<Place, Vec<SessionId>>,
    failed: HashSet<SessionId>,
}

impl Watches {
    /// A key changed: those who watch it cannot execute their transactions.
    pub(crate) fn touch(&mut self, place: &Place) {
        if let Some(watchers) = self.watchers.get(place) {
            self.failed.extend(watchers);
        }
    }

    /// Whether a key that the session watches has changed.
    pub(crate) fn has_failed(&self, id: SessionId) -> bool {
        self.failed.contains(&id)
    }
}

impl Core {
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
        let was_expired = stored.is_some_and(|entry| entry.is_expired(now_ms));
        self.keyspace.interest.register(database, key);
        let watchers = self
            .watches
            .watchers
            .entry((database, key.into()))
            .or_default();
        watchers.push(session.id);
        session.watched.push(Watched {
            database,
            key: key.into(),
            was_expired,
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
                watchers.retain(|&id| id != session.id);
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
                !watched.was_expired && stored.is_some_and(|entry| entry.is_expired(now_ms))
            })
    }
}
