//! A snapshot of the keyspace, taken while commands go on changing it (DESIGN.md section 7).
//!
//! The server begins it at a batch boundary and lets it walk some keys at a time. The walk goes
//! through the databases in the order of SCAN positions, which growing tables do not change. Before
//! a key that it has not reached is changed for the first time, the key is captured as it is, and
//! marked to be passed over; so is a key that is new. A database that is flushed moves in here.
//!
//! What always holds: each key that existed at the beginning is captured exactly once, as it was
//! then, and no other; `keys_left` of a source counts those that are still to come.

use super::database::{Database, scan_position};
use super::{DatabaseIndex, Discarded, Entry, Key, Keyspace};
use crate::captured::CapturedKeys;
use crate::hashing::HashSeed;
use crate::table::Table;

/// A snapshot that is being taken.
#[derive(Debug)]
pub(super) struct Capture {
    /// The databases as they were numbered at the beginning.
    sources: Vec<Source>,
    /// Which source each database of the keyspace holds now; none after a flush.
    held: Vec<Option<usize>>,
    /// The source that is being walked.
    at: usize,
    captured: CapturedKeys,
    captured_count: usize,
    seed: HashSeed,
}

/// One database as it was at the beginning.
#[derive(Debug)]
struct Source {
    place: Place,
    /// Keys at this SCAN position and after it have not been reached; all have once it is `None`.
    next: Option<u64>,
    keys_left: usize,
    /// Keys that have not been reached and are captured already, or are new.
    passed: Table<Mark>,
}

#[derive(Debug)]
enum Place {
    /// The keyspace has it, under this number.
    Keyspace(DatabaseIndex),
    /// It was flushed: nobody but the walk needs it.
    Own(Box<Database>),
    /// It was walked.
    Done,
}

/// Names a key by its hash and a checksum that has nothing to do with it: 128 bits in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    hash: u64,
    checksum: u64,
}

impl Mark {
    fn new(hash: u64, key: &[u8]) -> Self {
        let checksum = holdfast_formats::crc64(0, key);
        Self { hash, checksum }
    }
}

impl Source {
    fn has_reached(&self, key: Key<'_>) -> bool {
        self.next.is_none_or(|next| scan_position(key.place) < next)
    }

    fn is_passed(&self, mark: Mark) -> bool {
        self.passed.get(mark.hash, |known| *known == mark).is_some()
    }

    fn pass(&mut self, mark: Mark) {
        self.passed.insert_unique(mark.hash, mark, |mark| mark.hash);
    }

    /// Forgets a mark; says whether there was one.
    fn take_mark(&mut self, mark: Mark) -> bool {
        let found = self
            .passed
            .remove(mark.hash, |known| *known == mark, |mark| mark.hash);
        found.is_some()
    }
}

/// How a capture came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureEnd {
    /// How many keys were captured.
    pub keys_count: usize,
    /// How many keys that were there at the beginning were not: anything but 0 is a bug, and the
    /// snapshot must not be used.
    pub missed_count: usize,
}

/// What one step of a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// There are keys left.
    Underway,
    /// Every key has been captured.
    Done,
}

impl Keyspace {
    /// Begins to capture all keys as they are now; a capture in progress is given up. Returns the
    /// number of keys, and of those with a deadline, by database.
    pub fn begin_capture(&mut self) -> Vec<(usize, usize)> {
        self.end_capture();
        let numbers = (0..self.databases_count()).map(DatabaseIndex);
        let sources = numbers.clone().map(|index| Source {
            place: Place::Keyspace(index),
            next: Some(0),
            keys_left: self.len(index),
            passed: Table::new(),
        });
        self.capture = Some(Box::new(Capture {
            sources: sources.collect(),
            held: (0..self.databases.len()).map(Some).collect(),
            at: 0,
            captured: CapturedKeys::default(),
            captured_count: 0,
            seed: self.seed,
        }));
        let counts = |index| (self.len(index), self.volatile_len(index));
        numbers.map(counts).collect()
    }

    /// Walks about `count` keys further. A table of more than a thousand keys is walked in pieces of
    /// that size, so that a step takes a fraction of a millisecond however large it is.
    pub fn walk_capture(&mut self, count: usize) -> Walk {
        let Some(mut capture) = self.capture.take() else {
            return Walk::Done;
        };
        let walked = capture.walk(self, count);
        self.capture = Some(capture);
        walked
    }

    /// What was captured since this was asked last; what is captured next goes into `empty`.
    pub fn take_captured(&mut self, empty: CapturedKeys) -> CapturedKeys {
        self.capture
            .as_mut()
            .map(|capture| std::mem::replace(&mut capture.captured, empty))
            .unwrap_or_default()
    }

    /// How many bytes of captured keys nobody has taken yet.
    pub fn captured_bytes(&self) -> usize {
        self.capture
            .as_ref()
            .map_or(0, |capture| capture.captured.bytes())
    }

    /// How many keys have been captured so far, and how many are still to come.
    pub fn capture_progress(&self) -> Option<(usize, usize)> {
        let capture = self.capture.as_ref()?;
        let left = capture.sources.iter().map(|source| source.keys_left).sum();
        Some((capture.captured_count, left))
    }

    /// Ends a capture, or gives it up.
    pub fn end_capture(&mut self) -> Option<CaptureEnd> {
        let capture = self.capture.take()?;
        let end = CaptureEnd {
            keys_count: capture.captured_count,
            missed_count: capture.sources.iter().map(|source| source.keys_left).sum(),
        };
        for source in capture.sources {
            if let Place::Own(database) = source.place {
                self.discarded.push(Discarded::database(database));
            }
        }
        Some(end)
    }

    /// A key is about to be changed, removed or created: a capture that has not reached it takes it
    /// as it is.
    #[inline]
    pub(super) fn before_change(&mut self, index: DatabaseIndex, key: Key<'_>) {
        if self.capture.is_some() {
            self.capture_before_change(index, key);
        }
    }

    #[cold]
    fn capture_before_change(&mut self, index: DatabaseIndex, key: Key<'_>) {
        let Some(mut capture) = self.capture.take() else {
            return;
        };
        if let Some(number) = capture.held[index.0 as usize] {
            let found = self.database(index).find(key);
            capture.before_change(self, number, key, found);
        }
        self.capture = Some(capture);
    }

    /// A database leaves the keyspace. A capture that has not walked it keeps it.
    pub(super) fn let_go(&mut self, index: DatabaseIndex, database: Database) {
        let database = Box::new(database);
        let Some(capture) = &mut self.capture else {
            return self.discarded.push(Discarded::database(database));
        };
        let number = capture.held[index.0 as usize].take();
        match number.map(|number| &mut capture.sources[number]) {
            Some(source) if source.next.is_some() => source.place = Place::Own(database),
            _ => self.discarded.push(Discarded::database(database)),
        }
    }

    /// Two databases exchange their numbers.
    pub(super) fn capture_swapped(&mut self, one: DatabaseIndex, other: DatabaseIndex) {
        let Some(capture) = &mut self.capture else {
            return;
        };
        capture.held.swap(one.0 as usize, other.0 as usize);
        for index in [one, other] {
            if let Some(number) = capture.held[index.0 as usize]
                && let Place::Keyspace(place) = &mut capture.sources[number].place
            {
                *place = index;
            }
        }
    }
}

impl Capture {
    fn before_change(
        &mut self,
        keyspace: &Keyspace,
        number: usize,
        key: Key<'_>,
        found: Option<&Entry>,
    ) {
        let source = &mut self.sources[number];
        if source.has_reached(key) {
            return;
        }
        let mark = Mark::new(key.place.hash, key.bytes);
        if source.is_passed(mark) {
            return;
        }
        source.pass(mark);
        if let Some(entry) = found {
            self.take(keyspace, number, entry);
        }
    }

    fn take(&mut self, keyspace: &Keyspace, number: usize, entry: &Entry) {
        let database = DatabaseIndex(u32::try_from(number).expect("numbered by a u32"));
        let usage = keyspace.access.usage(entry);
        self.captured.take(database, entry, usage);
        self.captured_count += 1;
        let left = &mut self.sources[number].keys_left;
        *left = left
            .checked_sub(1)
            .expect("no more keys are captured than there were");
    }

    fn walk(&mut self, keyspace: &mut Keyspace, count: usize) -> Walk {
        let mut left = count.max(1);
        while let Some(source) = self.sources.get_mut(self.at) {
            let Some(from) = source.next else {
                self.at += 1;
                continue;
            };
            // Taken out for the walk, so that both it and `self` can be reached.
            let place = std::mem::replace(&mut source.place, Place::Done);
            let (next, visited) = match &place {
                Place::Keyspace(index) => {
                    self.walk_database(keyspace, keyspace.database(*index), from, left)
                }
                Place::Own(database) => self.walk_database(keyspace, database, from, left),
                Place::Done => (None, 0),
            };
            let source = &mut self.sources[self.at];
            source.next = next;
            match place {
                Place::Own(database) if next.is_none() => {
                    keyspace.discarded.push(Discarded::database(database));
                }
                place => source.place = place,
            }
            if next.is_none() {
                source.passed = Table::new();
            }
            left = left.saturating_sub(visited);
            if left == 0 {
                break;
            }
        }
        let is_done = self.sources.iter().all(|source| source.next.is_none());
        if is_done { Walk::Done } else { Walk::Underway }
    }

    fn walk_database(
        &mut self,
        keyspace: &Keyspace,
        database: &Database,
        from: u64,
        count: usize,
    ) -> (Option<u64>, usize) {
        let number = self.at;
        let seed = self.seed;
        let mut visited = 0;
        let next = database.scan(from, count, &mut |entry| {
            visited += 1;
            let source = &mut self.sources[number];
            // Most of the time nothing is marked: then a key is not hashed again.
            let is_passed = !source.passed.is_empty()
                && source.take_mark(Mark::new(seed.hash(entry.key()), entry.key()));
            if !is_passed {
                self.take(keyspace, number, entry);
            }
        });
        (next, visited)
    }
}

#[cfg(test)]
mod tests;
