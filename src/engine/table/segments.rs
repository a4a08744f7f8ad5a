//! A large table: many `hashbrown` tables and the directory that leads to them.
//!
//! Only [`super::Table`] calls it. The directory has one entry for each value of the first `depth`
//! bits of a hash, and is doubled by writing each entry twice. A segment has a `depth` of its own:
//! all directory entries that begin with its `prefix` lead to it. What always holds: the segments'
//! prefixes cover every hash exactly once.

use hashbrown::HashTable;

use super::row::Row;
use super::{
    Hold, SEGMENT_SLOTS_MAX, add, below, inner_hash, random_of, room_in, shrink_if_sparse, take,
    wants_split,
};

/// Longest prefix of a hash that the directory tells apart. Segments grow without splitting beyond
/// that, which takes ten thousand million items.
const DEPTH_MAX: u8 = 24;

/// Two neighbours are merged when they have fewer items together than this: a quarter of what makes
/// a segment split, so that inserts and removals in turn do not split and merge each time.
const MERGED_ITEMS_MAX: usize = room_in(SEGMENT_SLOTS_MAX) / 4;

#[derive(Clone)]
pub(super) struct Segments<H> {
    len: usize,
    /// How many first bits of a hash the directory is indexed by.
    depth: u8,
    directory: Vec<u32>,
    segments: Row<Segment<H>>,
    /// How many segments have each depth: when none is as deep as the directory, it is halved.
    count_by_depth: [u32; DEPTH_MAX as usize + 1],
}

#[derive(Clone)]
struct Segment<H> {
    items: H,
    /// The first `depth` bits of its items' hashes, as a number.
    prefix: u32,
    depth: u8,
}

impl<T, H: Hold<Item = T>> Segments<H> {
    /// Makes one table the only segment.
    pub(super) fn from_one(items: HashTable<T>) -> Self {
        let mut count_by_depth = [0; DEPTH_MAX as usize + 1];
        count_by_depth[0] = 1;
        Self {
            len: items.len(),
            depth: 0,
            directory: vec![0],
            segments: Row::of(Segment {
                items: H::hold(items),
                prefix: 0,
                depth: 0,
            }),
            count_by_depth,
        }
    }

    /// The only segment, if there is but one.
    pub(super) fn take_only_segment(&mut self) -> Option<HashTable<T>> {
        (self.segments.len() == 1).then(|| self.segments[0].items.take())
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The segment that an item with this hash is in.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> &HashTable<T> {
        self.segments[self.index_of(hash)].items.items()
    }

    #[inline]
    pub(super) fn of_mut(&mut self, hash: u64) -> &mut HashTable<T> {
        let index = self.index_of(hash);
        self.segments[index].items.items_mut()
    }

    #[inline]
    fn index_of(&self, hash: u64) -> usize {
        self.directory[first_bits(hash, self.depth)] as usize
    }

    pub(super) fn insert_unique(
        &mut self,
        hash: u64,
        item: T,
        rehash: impl Fn(&T) -> u64,
    ) -> &mut T {
        let full = self.index_of(hash);
        let segment = &self.segments[full];
        // One split for one insert bounds its time. Should all items have gone to one side, that
        // side grows beyond its bound this once and is split by the next insert.
        if wants_split(segment.items.items()) && segment.depth < DEPTH_MAX {
            self.split(full, &rehash);
        }
        self.len += 1;
        add(self.of_mut(hash), hash, item, rehash)
    }

    pub(super) fn remove(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        rehash: &impl Fn(&T) -> u64,
    ) -> Option<T> {
        let index = self.index_of(hash);
        let removed = take(self.segments[index].items.items_mut(), hash, eq)?;
        self.len -= 1;
        if self.segments[index].items.items().len() < MERGED_ITEMS_MAX && !self.merge(index, rehash)
        {
            shrink_if_sparse(self.segments[index].items.items_mut(), rehash);
        }
        Some(removed)
    }

    /// Moves the items whose next bit is set from one segment to a new one.
    fn split(&mut self, index: usize, rehash: &impl Fn(&T) -> u64) {
        if self.segments[index].depth == self.depth {
            self.directory = self
                .directory
                .iter()
                .flat_map(|&leads| [leads; 2])
                .collect();
            self.depth += 1;
        }
        let segment = &mut self.segments[index];
        self.count_by_depth[usize::from(segment.depth)] -= 1;
        segment.depth += 1;
        segment.prefix <<= 1;
        let (depth, prefix) = (segment.depth, segment.prefix | 1);
        self.count_by_depth[usize::from(depth)] += 2;

        let items = segment.items.take();
        let half = items.len() / 2;
        let (mut low, mut high) = (
            HashTable::with_capacity(half),
            HashTable::with_capacity(half),
        );
        for item in items {
            let hash = rehash(&item);
            let side = if first_bits(hash, depth) == prefix as usize {
                &mut high
            } else {
                &mut low
            };
            side.insert_unique(inner_hash(hash), item, |item| inner_hash(rehash(item)));
        }
        segment.items = H::hold(low);
        let added = self.segments.len();
        self.segments.push(Segment {
            items: H::hold(high),
            prefix,
            depth,
        });
        self.lead(prefix, depth, added);
    }

    /// Joins a segment with the other half of their common prefix, if that is whole and both are
    /// sparse. Says whether it did.
    fn merge(&mut self, index: usize, rehash: &impl Fn(&T) -> u64) -> bool {
        let segment = &self.segments[index];
        let (prefix, depth) = (segment.prefix, segment.depth);
        if depth == 0 {
            return false;
        }
        let other = self.directory[((prefix ^ 1) as usize) << (self.depth - depth)] as usize;
        let joined_len = segment.items.items().len() + self.segments[other].items.items().len();
        if self.segments[other].depth != depth || joined_len >= MERGED_ITEMS_MAX {
            return false;
        }
        let moved = self.segments[other].items.take();
        let segment = &mut self.segments[index];
        for item in moved {
            let hash = rehash(&item);
            add(segment.items.items_mut(), hash, item, rehash);
        }
        segment.prefix >>= 1;
        segment.depth -= 1;
        self.count_by_depth[usize::from(depth)] -= 2;
        self.count_by_depth[usize::from(depth - 1)] += 1;
        self.lead(prefix >> 1, depth - 1, index);
        self.drop_segment(other);
        self.halve_directory();
        true
    }

    /// Removes a segment that nothing leads to; the last one takes its place.
    fn drop_segment(&mut self, index: usize) {
        self.segments.swap_remove(index);
        if let Some(moved) = self.segments.get(index) {
            self.lead(moved.prefix, moved.depth, index);
        }
    }

    fn halve_directory(&mut self) {
        while self.depth > 0 && self.count_by_depth[usize::from(self.depth)] == 0 {
            self.directory = self.directory.iter().copied().step_by(2).collect();
            self.depth -= 1;
        }
    }

    /// Makes all directory entries with this prefix lead to `index`.
    fn lead(&mut self, prefix: u32, depth: u8, index: usize) {
        let index = u32::try_from(index).expect("there are at most 2^24 segments");
        let spread = self.depth - depth;
        let first = (prefix as usize) << spread;
        self.directory[first..first + (1 << spread)].fill(index);
    }

    pub(super) fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<&T> {
        if self.len == 0 {
            return None;
        }
        // A segment and a slot of it are drawn as if each had the largest number of slots: so each
        // item has the same chance. Merging keeps about one slot in ten in use.
        const DRAWS_MAX: usize = 1024;
        let drawn = (0..DRAWS_MAX).find_map(|_| {
            let random = random();
            let segment = &self.segments[below(random >> 32, self.segments.len())];
            let items = segment.items.items();
            let slot = below(random, items.num_buckets().max(SEGMENT_SLOTS_MAX));
            (slot < items.num_buckets()).then(|| items.get_bucket(slot))?
        });
        drawn.or_else(|| {
            let sparse = self.tables().find(|items| !items.is_empty())?;
            random_of(sparse, random)
        })
    }

    /// Takes out up to `count` items, from the last segments first.
    pub(super) fn take_some(&mut self, count: usize) -> Vec<T> {
        let mut taken = Vec::new();
        for segment in self.segments.iter_mut().rev() {
            let left = count - taken.len();
            if left == 0 {
                break;
            }
            let items = segment.items.items_mut();
            taken.extend(items.extract_if(|_| true).take(left));
            if items.is_empty() {
                *items = HashTable::new();
            }
        }
        self.len -= taken.len();
        taken
    }

    /// All segments' tables, unordered.
    pub(super) fn tables<'s>(&'s self) -> impl Iterator<Item = &'s HashTable<T>>
    where
        T: 's,
    {
        self.segments.iter().map(|segment| segment.items.items())
    }

    /// As `tables`, to be changed.
    pub(super) fn tables_mut<'s>(&'s mut self) -> impl Iterator<Item = &'s mut HashTable<T>>
    where
        T: 's,
    {
        self.segments
            .iter_mut()
            .map(|segment| segment.items.items_mut())
    }

    pub(super) fn into_tables(self) -> Vec<HashTable<T>> {
        let segments = self.segments.into_iter();
        segments.map(|mut segment| segment.items.take()).collect()
    }

    /// The segments in the order of their items' hashes, from the one that holds `hash` on, each
    /// with the first hash of the next one (none after the last).
    pub(super) fn in_order<'s>(
        &'s self,
        hash: u64,
    ) -> impl Iterator<Item = (&'s HashTable<T>, Option<u64>)>
    where
        T: 's,
    {
        let mut at = Some(first_bits(hash, self.depth));
        std::iter::from_fn(move || {
            let index = *self.directory.get(at?)?;
            let segment = &self.segments[index as usize];
            let next_prefix = (segment.prefix as usize + 1) << (self.depth - segment.depth);
            at = (next_prefix < self.directory.len()).then_some(next_prefix);
            let next_hash = at.map(|at| (at as u64) << (u64::BITS - u32::from(self.depth)));
            Some((segment.items.items(), next_hash))
        })
    }

    /// The bytes of the directory and the segments' heads.
    pub(super) fn own_bytes(&self) -> usize {
        size_of::<Self>()
            + self.directory.capacity() * size_of::<u32>()
            + self.segments.allocated_bytes()
    }

    #[cfg(test)]
    pub(super) fn check(&self, rehash: impl Fn(&T) -> u64) {
        assert_eq!(self.directory.len(), 1 << self.depth);
        let mut count_by_depth = [0; DEPTH_MAX as usize + 1];
        let mut len = 0;
        for (at, segment) in self.segments.iter().enumerate() {
            count_by_depth[usize::from(segment.depth)] += 1;
            len += segment.items.items().len();
            for item in segment.items.items() {
                assert_eq!(
                    first_bits(rehash(item), segment.depth),
                    segment.prefix as usize
                );
            }
            let leading = self
                .directory
                .iter()
                .filter(|&&to| to as usize == at)
                .count();
            assert_eq!(leading, 1 << (self.depth - segment.depth), "segment {at}");
        }
        assert_eq!((count_by_depth, len), (self.count_by_depth, self.len));
    }
}

/// The first `count` bits of a hash as a number.
#[inline]
const fn first_bits(hash: u64, count: u8) -> usize {
    // Two shifts, because a shift by all 64 bits is not defined.
    (hash >> 1 >> (63 - count)) as usize
}
