//! `Indexed`: the big encoding, which clients know as `skiplist`.
//!
//! Called by `SortedSet` only. `Elements` keeps scores and members, `Tree` their order, a hash table
//! finds a member's id. Always holds: the three name the same elements; each change ends with all of
//! them in step.

use std::ops::Range;

use holdfast_formats::DecimalBuffer;

use super::elements::Elements;
use super::range::Boundary;
use super::tree::Tree;
use super::{Inserted, Iter};
use crate::hashing::HashSeed;
use crate::table::Table;
use crate::values::direction::Direction;

/// Elements taken out of the tree at once, so that a long removal needs no long list of ids.
const RUN_MAX: usize = 64;

#[derive(Clone)]
pub(super) struct Indexed {
    elements: Elements,
    tree: Tree,
    index: Table<u32>,
    seed: HashSeed,
}

impl Indexed {
    /// Takes over elements that come in order; `None` if a member comes twice.
    pub(super) fn from_sorted<M: AsRef<[u8]>>(
        pairs: impl ExactSizeIterator<Item = (M, f64)>,
        seed: HashSeed,
    ) -> Option<Self> {
        // Whoever outgrew the small encoding is about to add one more.
        let mut elements = Elements::with_capacity(pairs.len() + 1);
        let ids: Vec<u32> = pairs
            .map(|(member, score)| elements.insert(score, member.as_ref()))
            .collect();
        let tree = Tree::from_sorted(&elements, &ids);
        let index = Table::new();
        let mut indexed = Self {
            elements,
            tree,
            index,
            seed,
        };
        for id in ids {
            if indexed.find(indexed.elements.member(id)).is_some() {
                return None;
            }
            indexed.index_insert(id);
        }
        Some(indexed)
    }

    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    pub(super) const fn elements(&self) -> &Elements {
        &self.elements
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(member).map(|id| self.elements.score(id))
    }

    /// See `SortedSet::insert`; the score is never NaN here.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) -> Inserted {
        let Some(id) = self.find(member) else {
            let id = self.elements.insert(score, member);
            self.tree.insert(&self.elements, id);
            self.index_insert(id);
            return Inserted::Added;
        };
        if self.elements.score(id) == score {
            return Inserted::Same;
        }
        let rank = self.rank_of(id);
        if self.stays_in_place(rank, id, score) {
            self.elements.set_score(id, score);
        } else {
            let mut taken = Vec::with_capacity(1);
            self.tree.remove_run(&self.elements, rank, 1, &mut taken);
            self.elements.set_score(id, score);
            self.tree.insert(&self.elements, id);
        }
        Inserted::Updated
    }

    /// Takes a member out and returns its score.
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let id = self.find(member)?;
        let score = self.elements.score(id);
        let rank = self.rank_of(id);
        self.remove_ranks(rank..rank + 1, |_, _| ());
        Some(score)
    }

    pub(super) fn rank_of_member(&self, member: &[u8]) -> Option<usize> {
        self.find(member).map(|id| self.rank_of(id))
    }

    /// How many elements stand before `boundary`.
    pub(super) fn rank(&self, boundary: Boundary<'_>) -> usize {
        self.tree.rank(&self.elements, boundary)
    }

    /// The leaf that holds the element of this rank, and how far into it.
    pub(super) fn leaf_at(&self, rank: usize) -> (&[u32], usize) {
        self.tree.leaf_at(rank)
    }

    pub(super) fn element(&self, id: u32) -> (&[u8], f64) {
        let (score, member) = self.elements.get(id);
        (member.bytes(), score)
    }

    /// Takes out the elements of these ranks, in order; `each` sees them before they go.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>, mut each: impl FnMut(&[u8], f64)) {
        let mut left = ranks.len();
        if left == self.len() {
            // Nothing stays: freeing all at once costs far less than keeping three parts in step.
            for (member, score) in Iter::of_indexed(self, ranks, Direction::Forward) {
                each(member.to_bytes(&mut DecimalBuffer::new()), score);
            }
            *self = Self {
                elements: Elements::with_capacity(0),
                tree: Tree::from_sorted(&self.elements, &[]),
                index: Table::new(),
                seed: self.seed,
            };
            return;
        }
        let mut taken = Vec::with_capacity(left.min(RUN_MAX));
        while left > 0 {
            taken.clear();
            let max = left.min(RUN_MAX);
            self.tree
                .remove_run(&self.elements, ranks.start, max, &mut taken);
            if taken.is_empty() {
                break;
            }
            left -= taken.len();
            for &id in &taken {
                let (score, member) = self.elements.get(id);
                each(member.bytes(), score);
                self.index_remove(id);
                self.elements.remove(id);
            }
            for _ in &taken {
                self.give_back();
            }
        }
    }

    /// Visits some elements in hash order; see `Table::scan`.
    pub(super) fn scan(
        &self,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(&[u8], f64),
    ) -> Option<u64> {
        let seed = self.seed;
        self.index.scan(
            from,
            count,
            |&id| seed.hash(self.element(id).0),
            &mut |&id| {
                let (member, score) = self.element(id);
                visit(member, score);
            },
        )
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        size_of::<Self>()
            + self.elements.allocated_bytes()
            + self.tree.allocated_bytes()
            + self.index.allocated_bytes()
    }

    /// About how many allocations freeing this visits.
    pub(super) fn weight(&self) -> usize {
        self.tree.len() + self.tree.leaves_estimate()
    }

    /// Moves one element down into a free slot, if many are free after removals.
    fn give_back(&mut self) {
        let Some(last) = self.elements.worth_moving() else {
            return;
        };
        let rank = self.rank_of(last);
        self.index_remove(last);
        let id = self.elements.move_last_into_hole(last);
        self.tree.set(&self.elements, rank, id);
        self.index_insert(id);
    }

    /// Whether the element of this rank could have another score without passing a neighbour.
    /// Only asked inside one leaf: the tree notes the first score of each.
    fn stays_in_place(&self, rank: usize, id: u32, score: f64) -> bool {
        let (ids, at) = self.tree.leaf_at(rank);
        let (Some(before), Some(after)) = (at.checked_sub(1), at.checked_add(1)) else {
            return false;
        };
        let (Some(&before), Some(&after)) = (ids.get(before), ids.get(after)) else {
            return false;
        };
        let member = self.elements.member(id);
        let stands_before = |one: u32, boundary: Boundary<'_>| {
            boundary.is_after(self.elements.score(one), || self.elements.member(one))
        };
        stands_before(before, Boundary::Before(score, member))
            && !stands_before(after, Boundary::Before(score, member))
    }

    fn rank_of(&self, id: u32) -> usize {
        let (score, member) = self.elements.get(id);
        self.rank(Boundary::Before(score, member.bytes()))
    }

    #[inline]
    fn find(&self, member: &[u8]) -> Option<u32> {
        let hash = self.seed.hash(member);
        self.index
            .get(hash, |&id| self.elements.member(id) == member)
            .copied()
    }

    fn index_insert(&mut self, id: u32) {
        let Self {
            elements,
            index,
            seed,
            ..
        } = self;
        let hash = seed.hash(elements.member(id));
        index.insert_unique(hash, id, |&other| seed.hash(elements.member(other)));
    }

    fn index_remove(&mut self, id: u32) {
        let Self {
            elements,
            index,
            seed,
            ..
        } = self;
        let hash = seed.hash(elements.member(id));
        let rehash = |&other: &u32| seed.hash(elements.member(other));
        let removed = index.remove(hash, |&other| other == id, rehash);
        assert!(removed.is_some(), "element {id} is not in the hash index");
    }

    /// Panics unless the three parts agree.
    #[cfg(test)]
    pub(super) fn check(&self) {
        self.tree.check(&self.elements);
        assert_eq!(self.index.len(), self.tree.len());
        for rank in 0..self.tree.len() {
            let id = self.tree.get(rank).expect("the rank is below the length");
            assert_eq!(self.find(self.elements.member(id)), Some(id));
        }
    }
}
