//! Keys that somebody outside waits for: WATCH and blocked commands.
//!
//! The server registers a key and counts how often; every change of such a key is noted, so that
//! the server can end transactions and wake sessions after the command. While nothing is
//! registered a change costs one comparison.

use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

use super::DatabaseIndex;

type Place = (DatabaseIndex, Box<[u8]>);
type Hashing = std::hash::BuildHasherDefault<SipHasher13>;

/// What happened to a registered key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Its value changed: watchers and waiters are concerned.
    Changed,
    /// Only those who wait for it are to look again.
    Wake,
}

/// The registered keys, and those of them that changed.
#[derive(Debug, Default)]
pub struct Interest {
    registered: HashMap<Place, usize, Hashing>,
    touched: Vec<(Place, Touch)>,
}

impl Interest {
    /// Registers a key once more.
    pub fn register(&mut self, database: DatabaseIndex, key: &[u8]) {
        *self.registered.entry((database, key.into())).or_insert(0) += 1;
    }

    /// Takes one registration back.
    pub fn release(&mut self, database: DatabaseIndex, key: &[u8]) {
        let place = (database, Box::from(key));
        if let Some(count) = self.registered.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.registered.remove(&place);
            }
        }
    }

    /// Notes a change of a key.
    pub(super) fn touch(&mut self, database: DatabaseIndex, key: &[u8]) {
        self.note(database, key, Touch::Changed);
    }

    /// Notes that those who wait for a key are to look at it.
    pub(super) fn wake(&mut self, database: DatabaseIndex, key: &[u8]) {
        self.note(database, key, Touch::Wake);
    }

    fn note(&mut self, database: DatabaseIndex, key: &[u8], touch: Touch) {
        if self.registered.is_empty() {
            return;
        }
        let place = (database, Box::from(key));
        if self.registered.contains_key(&place) {
            self.touched.push((place, touch));
        }
    }

    /// Notes a change of every key of a database that `is_affected` says so of.
    pub(super) fn touch_database(
        &mut self,
        database: DatabaseIndex,
        is_affected: impl Fn(&[u8]) -> bool,
    ) {
        let places = self.registered.keys();
        let places = places.filter(|place| place.0 == database && is_affected(&place.1));
        let touched = places.cloned().map(|place| (place, Touch::Changed));
        self.touched.extend(touched);
    }

    /// Whether a registered key changed since the last `take_touched`.
    pub fn any_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// What happened to registered keys, in order.
    pub fn take_touched(&mut self) -> Vec<(Place, Touch)> {
        std::mem::take(&mut self.touched)
    }
}
