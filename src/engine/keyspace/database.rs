//! One numbered database: its keys grouped by hash slot, and the deadlines of those that expire.
//!
//! Only [`super::Keyspace`] calls it. What always holds: a key's deadline is in `deadlines` exactly
//! when its entry has one; the counts equal what the tables hold.

use std::collections::BTreeSet;

use super::counts::{SLOTS, SlotCounts};
use super::entry::{Contents, Entry};
use super::{Key, KeyHash};
use crate::hashing::{HashSeed, hash_slot};
use crate::table::Table;

/// Bits of a SCAN position that belong to the place inside a slot.
const SCAN_PLACE_BITS: u32 = 39;

/// The keys of one database.
#[derive(Debug)]
pub(super) struct Database {
    /// One table for each hash slot; empty until the first key arrives.
    slots: Vec<Table<Entry>>,
    counts: SlotCounts,
    volatile: SlotCounts,
    deadlines: BTreeSet<Deadline>,
    seed: HashSeed,
}

/// Deadline, slot and hash of a key in one number, so that the set of them is ordered by time and
/// costs 16 bytes a key: 48 bits of milliseconds, 16 of slot, 64 of hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deadline(u128);

impl Deadline {
    fn new(expires_at_ms: i64, place: KeyHash) -> Self {
        let ms = u128::from(expires_at_ms.clamp(0, (1 << 48) - 1).unsigned_abs());
        Self(ms << 80 | u128::from(place.slot) << 64 | u128::from(place.hash))
    }

    const fn ms(self) -> i64 {
        (self.0 >> 80) as i64
    }

    const fn place(self) -> KeyHash {
        KeyHash {
            slot: (self.0 >> 64) as u16,
            hash: self.0 as u64,
        }
    }
}

impl Database {
    pub(super) fn new(seed: HashSeed) -> Self {
        Self {
            slots: Vec::new(),
            counts: SlotCounts::default(),
            volatile: SlotCounts::default(),
            deadlines: BTreeSet::new(),
            seed,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.counts.total()
    }

    pub(super) const fn volatile_len(&self) -> usize {
        self.volatile.total()
    }

    pub(super) fn slot_len(&self, slot: u16) -> usize {
        self.slots.get(usize::from(slot)).map_or(0, Table::len)
    }

    pub(super) fn find(&self, key: Key<'_>) -> Option<&Entry> {
        self.slots
            .get(usize::from(key.place.slot))?
            .get(key.place.hash, |entry| entry.key() == key.bytes)
    }

    /// The entry that is most likely the one at a place, by its hash alone and without a look at it:
    /// touches the table's memory, not the entry's.
    #[inline]
    pub(super) fn candidate(&self, place: KeyHash) -> Option<&Entry> {
        self.slots
            .get(usize::from(place.slot))?
            .get(place.hash, |_| true)
    }

    pub(super) fn find_mut(&mut self, key: Key<'_>) -> Option<&mut Entry> {
        self.slots
            .get_mut(usize::from(key.place.slot))?
            .get_mut(key.place.hash, |entry| entry.key() == key.bytes)
    }

    /// Adds a key that is not there.
    pub(super) fn insert(
        &mut self,
        key: Key<'_>,
        contents: Contents<'_>,
        expires_at_ms: Option<i64>,
        access: u32,
    ) -> &mut Entry {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Table::new);
        }
        self.counts.increase(key.place.slot);
        if let Some(deadline) = expires_at_ms {
            self.add_deadline(deadline, key.place);
        }
        let entry = Entry::new(key.bytes, contents, expires_at_ms, access);
        let seed = self.seed;
        self.slots[usize::from(key.place.slot)]
            .insert_unique(key.place.hash, entry, |entry| seed.hash(entry.key()))
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, key: Key<'_>) -> Option<Entry> {
        let seed = self.seed;
        let entry = self.slots.get_mut(usize::from(key.place.slot))?.remove(
            key.place.hash,
            |entry| entry.key() == key.bytes,
            |entry| seed.hash(entry.key()),
        )?;
        self.counts.decrease(key.place.slot);
        if let Some(deadline) = entry.expires_at_ms() {
            self.remove_deadline(deadline, key.place);
        }
        Some(entry)
    }

    /// Sets or removes a key's deadline; says whether the key is there.
    pub(super) fn set_deadline(&mut self, key: Key<'_>, expires_at_ms: Option<i64>) -> bool {
        let Some(entry) = self.find_mut(key) else {
            return false;
        };
        let before = entry.expires_at_ms();
        if before == expires_at_ms {
            return true;
        }
        entry.set_expires_at_ms(expires_at_ms);
        if let Some(deadline) = before {
            self.remove_deadline(deadline, key.place);
        }
        if let Some(deadline) = expires_at_ms {
            self.add_deadline(deadline, key.place);
        }
        true
    }

    fn add_deadline(&mut self, expires_at_ms: i64, place: KeyHash) {
        self.deadlines.insert(Deadline::new(expires_at_ms, place));
        self.volatile.increase(place.slot);
    }

    fn remove_deadline(&mut self, expires_at_ms: i64, place: KeyHash) {
        self.deadlines.remove(&Deadline::new(expires_at_ms, place));
        self.volatile.decrease(place.slot);
    }

    /// The key whose deadline comes first, with that deadline.
    pub(super) fn first_to_expire(&self) -> Option<&Entry> {
        let first = self.deadlines.first()?;
        let place = first.place();
        let seed = self.seed;
        self.slots
            .get(usize::from(place.slot))?
            .get(place.hash, |entry| {
                entry
                    .expires_at_ms()
                    .is_some_and(|at| Deadline::new(at, place).ms() == first.ms())
                    && seed.hash(entry.key()) == place.hash
            })
    }

    /// The mean of the deadlines of up to a few keys, for `avg_ttl`.
    pub(super) fn mean_ttl_ms(&self, now_ms: i64) -> i64 {
        let sample = self
            .deadlines
            .iter()
            .step_by(1 + self.deadlines.len() / 16)
            .take(16);
        let (sum, count) = sample.fold((0, 0), |(sum, count), deadline| {
            (sum + (deadline.ms() - now_ms).max(0), count + 1)
        });
        if count == 0 { 0 } else { sum / count }
    }

    /// One key of all, each with about the same chance.
    pub(super) fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<&Entry> {
        let nth = below(random, self.counts.total())?;
        let slot = self.counts.slot_of_nth(nth)?;
        self.slots.get(usize::from(slot))?.random(random)
    }

    /// One key of those that have a deadline. A slot with few of them among many others may give
    /// none; the caller tries again.
    pub(super) fn random_volatile(&self, random: &mut dyn FnMut() -> u64) -> Option<&Entry> {
        const TRIES: usize = 32;
        let nth = below(random, self.volatile.total())?;
        let table = self
            .slots
            .get(usize::from(self.volatile.slot_of_nth(nth)?))?;
        let drawn = (0..TRIES).find_map(|_| {
            let entry = table.random(random)?;
            entry.expires_at_ms().is_some().then_some(entry)
        });
        drawn.or_else(|| self.first_to_expire())
    }

    /// Every key, slot by slot, in no particular order inside one.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flat_map(Table::iter)
    }

    /// The keys of one hash slot, in no particular order.
    pub(super) fn iter_slot(&self, slot: u16) -> impl Iterator<Item = &Entry> {
        self.slots
            .get(usize::from(slot))
            .into_iter()
            .flat_map(Table::iter)
    }

    /// Visits about `count` keys from a position on; returns where to go on, or `None` at the end.
    /// A position is (slot, place inside it) and means the same on any node with the same seed.
    pub(super) fn scan(
        &self,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(&Entry),
    ) -> Option<u64> {
        let mut slot = u16::try_from(from >> SCAN_PLACE_BITS).ok()?;
        let mut place = from & ((1 << SCAN_PLACE_BITS) - 1);
        let mut visited = 0;
        let seed = self.seed;
        while let Some(occupied) = self.counts.next_occupied(slot) {
            if occupied != slot {
                place = 0;
            }
            let table = &self.slots[usize::from(occupied)];
            let left = count.saturating_sub(visited).max(1);
            let mut count_and_visit = |entry: &Entry| {
                visited += 1;
                visit(entry);
            };
            let next = table.scan(
                place,
                left,
                |entry| seed.hash(entry.key()),
                &mut count_and_visit,
            );
            match next {
                Some(place) => return Some(position(occupied, place)),
                None => slot = occupied + 1,
            }
            place = 0;
            if visited >= count {
                let next = self.counts.next_occupied(slot)?;
                return Some(position(next, 0));
            }
        }
        None
    }
}

/// Where a key stands in a scan: everything before it has been visited once a scan is there.
pub(super) fn scan_position(place: KeyHash) -> u64 {
    position(place.slot, crate::table::position_of(place.hash))
}

fn position(slot: u16, place: u64) -> u64 {
    u64::from(slot) << SCAN_PLACE_BITS | place
}

fn below(random: &mut dyn FnMut() -> u64, bound: usize) -> Option<usize> {
    let bound = u64::try_from(bound).ok().filter(|&bound| bound > 0)?;
    usize::try_from(random() % bound).ok()
}

/// The place of a key: its hash slot and its hash.
pub(super) fn place_of(seed: HashSeed, key: &[u8]) -> KeyHash {
    KeyHash {
        slot: hash_slot(key),
        hash: seed.hash(key),
    }
}
