//! A hash table that never stops the world: no insert or removal moves more than about a thousand
//! items, however many there are.
//!
//! The keyspace (one table for each hash slot), hashes, sets and sorted sets keep their items in it.
//! A small table is one `hashbrown` table. Past [`SEGMENT_SLOTS_MAX`] slots it becomes [`Segments`]:
//! many such tables, found through a directory by the first bits of the hash (extendible hashing).
//! Items are placed by a 64-bit hash that the caller computes; callers hand the same function in
//! again as `rehash` where items move.
//!
//! What always holds: an item stands in the segment that the first bits of its hash lead to, and
//! the order of a scan is that of the first bits of the hash, whatever the table has been through.

mod row;
mod scan;
mod segments;

use std::fmt;
use std::sync::Arc;

use hashbrown::HashTable;

pub use scan::{POSITION_BITS, position_of};
use segments::Segments;

/// Slots at which a segment is split rather than doubled: 896 items. A split costs some 50-100 µs.
const SEGMENT_SLOTS_MAX: usize = 1024;

/// A table is made smaller when fewer than one in this many of its slots is used.
const SLOTS_PER_ITEM_MAX: usize = 8;

/// Slots below which a table is never made smaller: there is nothing to gain.
const SLOTS_KEPT: usize = 16;

/// A hash table of items that know their own key. `H` holds the segments of a large one.
#[derive(Clone)]
pub struct Table<T, H = HashTable<T>> {
    shape: Shape<T, H>,
}

/// A table whose clone shares its segments until one of the two is changed: a clone costs one count
/// for each segment, and the first change to a segment copies the at most 896 items of that one.
pub type SharedTable<T> = Table<T, Arc<HashTable<T>>>;

#[derive(Clone)]
enum Shape<T, H> {
    One(HashTable<T>),
    Many(Box<Segments<H>>),
}

/// How a large table holds one segment: alone, or shared with clones of the table.
pub trait Hold: Sized {
    /// What the segment is of.
    type Item;
    /// Takes a segment in.
    fn hold(items: HashTable<Self::Item>) -> Self;
    /// The segment.
    fn items(&self) -> &HashTable<Self::Item>;
    /// The segment, to be changed: nobody else sees that.
    fn items_mut(&mut self) -> &mut HashTable<Self::Item>;
    /// Takes the segment out; an empty one stays.
    fn take(&mut self) -> HashTable<Self::Item>;
}

impl<T> Hold for HashTable<T> {
    type Item = T;

    fn hold(items: Self) -> Self {
        items
    }

    #[inline]
    fn items(&self) -> &Self {
        self
    }

    #[inline]
    fn items_mut(&mut self) -> &mut Self {
        self
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl<T: Clone> Hold for Arc<HashTable<T>> {
    type Item = T;

    fn hold(items: HashTable<T>) -> Self {
        Self::new(items)
    }

    #[inline]
    fn items(&self) -> &HashTable<T> {
        self
    }

    #[inline]
    fn items_mut(&mut self) -> &mut HashTable<T> {
        Self::make_mut(self)
    }

    fn take(&mut self) -> HashTable<T> {
        Self::unwrap_or_clone(std::mem::take(self))
    }
}

impl<T, H: Hold<Item = T>> Table<T, H> {
    /// A table without items and without an allocation.
    pub const fn new() -> Self {
        Self {
            shape: Shape::One(HashTable::new()),
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        match &self.shape {
            Shape::One(items) => items.len(),
            Shape::Many(segments) => segments.len(),
        }
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item with this hash that `eq` accepts.
    #[inline]
    pub fn get(&self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&T> {
        let items = match &self.shape {
            Shape::One(items) => items,
            Shape::Many(segments) => segments.of(hash),
        };
        items.find(inner_hash(hash), eq)
    }

    /// As [`Table::get`], to be changed; its hash must stay what it is.
    #[inline]
    pub fn get_mut(&mut self, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let items = match &mut self.shape {
            Shape::One(items) => items,
            Shape::Many(segments) => segments.of_mut(hash),
        };
        items.find_mut(inner_hash(hash), eq)
    }

    /// Adds an item that is not there; the caller has looked.
    #[inline]
    pub fn insert_unique(&mut self, hash: u64, item: T, rehash: impl Fn(&T) -> u64) -> &mut T {
        if let Shape::One(items) = &mut self.shape
            && wants_split(items)
        {
            self.shape = Shape::Many(Box::new(Segments::from_one(std::mem::take(items))));
        }
        match &mut self.shape {
            Shape::One(items) => add(items, hash, item, rehash),
            Shape::Many(segments) => segments.insert_unique(hash, item, rehash),
        }
    }

    /// Takes out the item with this hash that `eq` accepts.
    #[inline]
    pub fn remove(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) -> Option<T> {
        match &mut self.shape {
            Shape::One(items) => {
                let removed = take(items, hash, eq)?;
                shrink_if_sparse(items, &rehash);
                Some(removed)
            }
            Shape::Many(segments) => {
                let removed = segments.remove(hash, eq, &rehash)?;
                if let Some(items) = segments.take_only_segment() {
                    self.shape = Shape::One(items);
                }
                Some(removed)
            }
        }
    }

    /// Every item, unordered.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.tables().flat_map(HashTable::iter)
    }

    /// Every item, unordered, to be changed; its hash must stay what it is.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let (one, many) = match &mut self.shape {
            Shape::One(items) => (Some(items), None),
            Shape::Many(segments) => (None, Some(segments.tables_mut())),
        };
        let tables = one.into_iter().chain(many.into_iter().flatten());
        tables.flat_map(HashTable::iter_mut)
    }

    /// One item of all, each with the same chance (to within one in a thousand).
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<&T> {
        match &self.shape {
            Shape::One(items) => random_of(items, random),
            Shape::Many(segments) => segments.random(random),
        }
    }

    /// Takes out up to `count` items, unordered: for freeing a table in pieces. The table gives its
    /// own memory back bit by bit, too.
    pub fn take_some(&mut self, count: usize) -> Vec<T> {
        let taken = match &mut self.shape {
            Shape::One(items) => items.extract_if(|_| true).take(count).collect(),
            Shape::Many(segments) => segments.take_some(count),
        };
        if self.is_empty() {
            *self = Self::new();
        }
        taken
    }

    /// What the allocator was asked for, items' own allocations not counted.
    pub fn allocated_bytes(&self) -> usize {
        let tables: usize = self.tables().map(HashTable::allocation_size).sum();
        match &self.shape {
            Shape::One(_) => tables,
            Shape::Many(segments) => tables + segments.own_bytes(),
        }
    }

    fn tables(&self) -> impl Iterator<Item = &HashTable<T>> {
        let (one, many) = match &self.shape {
            Shape::One(items) => (Some(items), None),
            Shape::Many(segments) => (None, Some(segments.tables())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

impl<T, H: Hold<Item = T>> Default for Table<T, H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, H: Hold<Item = T>> IntoIterator for Table<T, H> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        let (now, later) = match self.shape {
            Shape::One(items) => (items, Vec::new()),
            Shape::Many(segments) => (HashTable::new(), segments.into_tables()),
        };
        IntoIter {
            now: now.into_iter(),
            later: later.into_iter(),
        }
    }
}

/// The items of a table that is being taken apart, unordered. Memory is given back segment by
/// segment on the way.
pub struct IntoIter<T> {
    now: hashbrown::hash_table::IntoIter<T>,
    later: std::vec::IntoIter<HashTable<T>>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.now.next() {
                return Some(item);
            }
            self.now = self.later.next()?.into_iter();
        }
    }
}

impl<T, H: Hold<Item = T>> fmt::Debug for Table<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("len", &self.len()).finish()
    }
}

/// The hash as a segment sees it. `hashbrown` takes the slot from its low bits and a tag from its
/// first seven; those first bits are alike in a segment, so it gets the halves swapped.
#[inline]
const fn inner_hash(hash: u64) -> u64 {
    hash.rotate_left(32)
}

/// Whether the next insert would make `items` larger than a segment may be.
#[inline]
fn wants_split<T>(items: &HashTable<T>) -> bool {
    items.len() == items.capacity() && items.num_buckets() >= SEGMENT_SLOTS_MAX && !is_worn(items)
}

/// Whether so many of the slots hold but traces of removals that a table without room is to be
/// cleaned rather than made larger.
#[inline]
fn is_worn<T>(items: &HashTable<T>) -> bool {
    // `hashbrown` by itself cleans only below half, and doubles a table of constant size else.
    items.len() < room_in(items.num_buckets()) / 4 * 3
}

/// How many items `hashbrown` puts into so many slots before it takes more.
const fn room_in(slots: usize) -> usize {
    if slots < 8 { slots - 1 } else { slots / 8 * 7 }
}

/// Adds an item to a segment.
#[inline]
fn add<T>(items: &mut HashTable<T>, hash: u64, item: T, rehash: impl Fn(&T) -> u64) -> &mut T {
    if items.len() == items.capacity() && is_worn(items) {
        clean(items, &rehash);
    }
    items
        .insert_unique(inner_hash(hash), item, |item| inner_hash(rehash(item)))
        .into_mut()
}

/// Rids a table of the traces of removals.
#[cold]
fn clean<T>(items: &mut HashTable<T>, rehash: &impl Fn(&T) -> u64) {
    let room = room_in(items.num_buckets());
    for item in std::mem::replace(items, HashTable::with_capacity(room)) {
        let hash = inner_hash(rehash(&item));
        items.insert_unique(hash, item, |item| inner_hash(rehash(item)));
    }
}

#[inline]
fn take<T>(items: &mut HashTable<T>, hash: u64, eq: impl FnMut(&T) -> bool) -> Option<T> {
    let found = items.find_entry(inner_hash(hash), eq).ok()?;
    Some(found.remove().0)
}

#[inline]
fn shrink_if_sparse<T>(items: &mut HashTable<T>, rehash: &impl Fn(&T) -> u64) {
    let slots = items.num_buckets();
    if slots > SLOTS_KEPT && items.len() < slots / SLOTS_PER_ITEM_MAX {
        // Twice the items, so that neither the next insert nor the next removal moves them again.
        items.shrink_to(items.len() * 2, |item| inner_hash(rehash(item)));
    }
}

/// One item, each with the same chance: slots are drawn until one is in use.
fn random_of<'a, T>(items: &'a HashTable<T>, random: &mut dyn FnMut() -> u64) -> Option<&'a T> {
    if items.is_empty() {
        return None;
    }
    // At least one slot in sixteen is in use, so that this many draws practically never fail.
    const DRAWS_MAX: usize = 256;
    let drawn = (0..DRAWS_MAX).find_map(|_| {
        let slot = below(random(), items.num_buckets());
        items.get_bucket(slot)
    });
    drawn.or_else(|| items.iter().next())
}

/// A number below `bound`, which is below 2^32, from the low half of a random one.
#[inline]
fn below(random: u64, bound: usize) -> usize {
    (((random & 0xffff_ffff) * bound as u64) >> 32) as usize
}

#[cfg(test)]
mod tests;
