//! All sessions. One that runs a command is taken out and put back, so that its command can work
//! on it and on the rest of the core at once.

use std::collections::HashMap;

use crate::session::{Session, SessionId};

/// The sessions by id.
#[derive(Debug, Default)]
pub struct Sessions {
    // Boxed: taking one out moves a pointer.
    all: HashMap<SessionId, Option<Box<Session>>, std::hash::BuildHasherDefault<IdHasher>>,
    newest: u64,
}

/// Ids are counted, not chosen by clients: they are spread by a multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl std::hash::Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0 ^ id)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32);
    }
}

impl Sessions {
    /// The id of a session that is about to be added.
    pub fn next_id(&mut self) -> SessionId {
        self.newest += 1;
        SessionId(self.newest)
    }

    /// Adds a session.
    pub fn add(&mut self, session: Session) {
        self.all.insert(session.id, Some(Box::new(session)));
    }

    /// Takes one out to work on it; the place is kept.
    pub fn take(&mut self, id: SessionId) -> Option<Box<Session>> {
        self.all.get_mut(&id)?.take()
    }

    /// Puts one back that was taken out.
    pub fn put_back(&mut self, session: Box<Session>) {
        if let Some(place) = self.all.get_mut(&session.id) {
            *place = Some(session);
        }
    }

    /// Removes a session for good.
    pub fn remove(&mut self, id: SessionId) -> Option<Box<Session>> {
        self.all.remove(&id)?
    }

    /// A session that is not being worked on.
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.all.get_mut(&id)?.as_deref_mut()
    }

    /// A session that is not being worked on.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.all.get(&id)?.as_deref()
    }

    /// How many there are, the ones being worked on included.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All that are not being worked on, oldest first.
    pub fn ids(&self) -> Vec<SessionId> {
        let mut ids: Vec<_> = self.all.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// All that are not being worked on, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.all.values().filter_map(|place| place.as_deref())
    }

    /// All that are not being worked on, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.all
            .values_mut()
            .filter_map(|place| place.as_deref_mut())
    }
}
