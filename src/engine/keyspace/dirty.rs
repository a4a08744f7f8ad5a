//! Which keys have effects that are not committed yet, and which keys somebody waits for.
//!
//! A read of a key depends on the last batch that changed it. A fixed table of batch numbers,
//! indexed by a hash of database and key, tells which one that is: a collision only makes a read
//! wait a little longer (DESIGN.md section 2, RULES.md 4).

use super::DatabaseIndex;

const CELLS: usize = 1 << 20;
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The last batch that changed each key, as far as it is not committed.
#[derive(Debug)]
pub struct DirtyTable {
    /// Batch numbers relative to `base`; 0 is "clean".
    cells: Box<[u32]>,
    base: u64,
    /// The last batch with a write that is not confined to named keys.
    all: u64,
    /// The last batch that changed the loaded scripts.
    scripts: u64,
    /// The last batch that changed the function libraries.
    libraries: u64,
    /// The batch that is being filled: what executes now becomes part of it.
    filling: u64,
    /// The last batch that was filled or has something in it.
    newest: u64,
    committed: u64,
}

impl Default for DirtyTable {
    fn default() -> Self {
        Self {
            cells: vec![0; CELLS].into_boxed_slice(),
            base: 0,
            all: 0,
            scripts: 0,
            libraries: 0,
            filling: 1,
            newest: 0,
            committed: 0,
        }
    }
}

impl DirtyTable {
    /// Says which batch is filled from now on. Batches are numbered upwards from 1.
    pub fn fill(&mut self, batch: u64) {
        assert!(
            batch >= self.filling,
            "batch {batch} after batch {}",
            self.filling
        );
        self.filling = batch;
        if batch - self.base > u64::from(u32::MAX / 2) && self.committed == self.newest {
            self.cells.fill(0);
            self.base = batch - 1;
        }
    }

    /// Says that all batches up to this one are committed.
    pub fn commit(&mut self, batch: u64) {
        self.committed = self.committed.max(batch);
    }

    /// Forgets everything: a new epoch, or a state that was replaced.
    pub fn clear(&mut self) {
        self.cells.fill(0);
        self.base = self.filling - 1;
        self.all = 0;
        self.scripts = 0;
        self.libraries = 0;
        self.newest = 0;
        self.committed = self.filling - 1;
    }

    /// Marks a key as changed by the batch that is being filled.
    pub(super) fn mark(&mut self, database: DatabaseIndex, hash: u64) {
        self.newest = self.filling;
        let relative = u32::try_from(self.filling - self.base)
            .expect("`fill` moves the base long before the distance needs 32 bits");
        if let Some(cell) = self.cells.get_mut(index(database, hash)) {
            *cell = relative;
        }
    }

    /// Marks every key there is.
    pub(super) fn mark_all(&mut self) {
        self.newest = self.filling;
        self.all = self.filling;
    }

    /// Marks the loaded scripts.
    pub(crate) const fn mark_scripts(&mut self) {
        self.newest = self.filling;
        self.scripts = self.filling;
    }

    /// Marks the function libraries.
    pub(crate) const fn mark_libraries(&mut self) {
        self.newest = self.filling;
        self.libraries = self.filling;
    }

    /// The batch that a use of a loaded script depends on.
    pub const fn need_of_scripts(&self) -> u64 {
        self.scripts
    }

    /// The batch that a use of a function depends on.
    pub const fn need_of_libraries(&self) -> u64 {
        self.libraries
    }

    /// The batch that a read of this key depends on; 0 when it depends on none.
    pub(super) fn need(&self, database: DatabaseIndex, hash: u64) -> u64 {
        if self.committed >= self.newest {
            return 0;
        }
        let cell = self
            .cells
            .get(index(database, hash))
            .map_or(0, |&cell| cell);
        let own = if cell == 0 {
            0
        } else {
            self.base + u64::from(cell)
        };
        own.max(self.all)
    }

    /// Reads a key's cell, so that the processor has it at hand.
    pub(super) fn warm(&self, database: DatabaseIndex, hash: u64) -> u32 {
        self.cells.get(index(database, hash)).copied().unwrap_or(0)
    }

    /// The batch that a look at the whole keyspace depends on.
    pub fn need_of_all(&self) -> u64 {
        self.newest
    }

    /// The batch that is being filled.
    pub const fn filling(&self) -> u64 {
        self.filling
    }
}

const fn index(database: DatabaseIndex, hash: u64) -> usize {
    let mixed = hash ^ (database.0 as u64).wrapping_mul(SPREAD);
    (mixed as usize) & (CELLS - 1)
}
