//! Walks over a sorted set's elements by rank, in both directions and both encodings.
//!
//! Made by `SortedSet::range`. Always holds: a walk costs one search at its start and, in the big
//! encoding, one more per leaf; it never looks at an element outside its ranks.

use std::ops::Range;

use holdfast_formats::{Element, ListpackIter};

use super::indexed::Indexed;
use super::pairs::{Pairs, next_pair, read_score};
use crate::values::direction::Direction;

/// The elements of some ranks, with their scores. Ranks stay those of the ascending order; only the
/// way through them changes with the direction.
#[derive(Clone)]
pub struct Iter<'a> {
    left: usize,
    direction: Direction,
    source: Source<'a>,
}

#[derive(Clone)]
enum Source<'a> {
    Pairs(ListpackIter<'a>),
    Indexed {
        set: &'a Indexed,
        /// Ids of the leaf that the walk is in.
        leaf: &'a [u32],
        /// Where in the leaf the next element is; at or past its length when the leaf is done.
        at: usize,
        /// The rank of the next element.
        rank: usize,
    },
}

impl<'a> Iter<'a> {
    pub(super) fn of_pairs(pairs: &'a Pairs, ranks: Range<usize>, direction: Direction) -> Self {
        let mut elements = pairs.block().iter();
        let skip = match direction {
            Direction::Forward => ranks.start,
            Direction::Backward => pairs.len().saturating_sub(ranks.end),
        };
        if let Some(last) = (skip * 2).checked_sub(1) {
            match direction {
                Direction::Forward => elements.nth(last),
                Direction::Backward => elements.nth_back(last),
            };
        }
        Self {
            left: ranks.len(),
            direction,
            source: Source::Pairs(elements),
        }
    }

    pub(super) fn of_indexed(set: &'a Indexed, ranks: Range<usize>, direction: Direction) -> Self {
        let rank = match direction {
            Direction::Forward => ranks.start,
            Direction::Backward => ranks.end.saturating_sub(1),
        };
        let (leaf, at) = set.leaf_at(rank);
        let source = Source::Indexed {
            set,
            leaf,
            at,
            rank,
        };
        Self {
            left: ranks.len(),
            direction,
            source,
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        match (&mut self.source, self.direction) {
            (Source::Pairs(elements), Direction::Forward) => next_pair(elements),
            (Source::Pairs(elements), Direction::Backward) => {
                let score = elements.next_back().and_then(read_score)?;
                Some((elements.next_back()?, score))
            }
            (
                Source::Indexed {
                    set,
                    leaf,
                    at,
                    rank,
                },
                direction,
            ) => {
                if *at >= leaf.len() {
                    (*leaf, *at) = set.leaf_at(*rank);
                }
                let (member, score) = set.element(*leaf.get(*at)?);
                // One before the first wraps to past the last: the leaf is done either way.
                let step = match direction {
                    Direction::Forward => 1,
                    Direction::Backward => usize::MAX,
                };
                *at = at.wrapping_add(step);
                *rank = rank.wrapping_add(step);
                Some((Element::Text(member), score))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
