//! What the reads of one command saw, noted while it runs: the batch that its reply depends on,
//! expired keys that it found hidden, hits and misses. Cells, because a reader has `&Keyspace`.

use std::cell::{Cell, RefCell};

use super::DatabaseIndex;

/// A key that a read found expired: the dispatcher removes it by a logged DEL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenKey {
    /// The database that holds it.
    pub database: DatabaseIndex,
    /// The key.
    pub key: Box<[u8]>,
}

/// What reads saw since it was last taken.
#[derive(Debug, Default)]
pub struct Observed {
    need: Cell<u64>,
    hidden: RefCell<Vec<HiddenKey>>,
    any_hidden: Cell<bool>,
    hits: Cell<u64>,
    misses: Cell<u64>,
}

impl Observed {
    /// The reply depends on this batch, too.
    pub(super) fn depend_on(&self, batch: u64) {
        if batch > self.need.get() {
            self.need.set(batch);
        }
    }

    pub(super) fn hide(&self, database: DatabaseIndex, key: &[u8]) {
        self.any_hidden.set(true);
        self.hidden.borrow_mut().push(HiddenKey {
            database,
            key: key.into(),
        });
    }

    pub(super) fn count_lookup(&self, found: bool) {
        let counter = if found { &self.hits } else { &self.misses };
        counter.set(counter.get() + 1);
    }

    /// The batch that the reads so far depend on; starts anew.
    pub fn take_need(&self) -> u64 {
        self.need.replace(0)
    }

    /// The expired keys that reads found; starts anew. Allocates nothing when there are none.
    pub fn take_hidden(&self) -> Vec<HiddenKey> {
        if self.any_hidden.replace(false) {
            self.hidden.take()
        } else {
            Vec::new()
        }
    }

    /// Successful and failed lookups since the last reset (`keyspace_hits`, `keyspace_misses`).
    pub fn lookups(&self) -> (u64, u64) {
        (self.hits.get(), self.misses.get())
    }

    /// `CONFIG RESETSTAT`.
    pub fn reset_lookups(&self) {
        self.hits.set(0);
        self.misses.set(0);
    }
}
