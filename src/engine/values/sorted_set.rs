//! `SortedSet`: members with scores, ordered by score, then by the members' bytes.
//!
//! Called by the sorted-set commands, and by all that store, load or digest values. Small sets are
//! one listpack; big ones, which clients know as `skiplist`, are an order-statistics tree with a
//! hash index. Always holds: no score is NaN or -0.0; a set that became big stays big; every answer
//! is the same in both encodings.
//!
//! Files: `pairs` the small encoding; `indexed` the big one, made of `elements`, `tree` and a hash
//! table; `range` ranges and boundaries; `iter` walks.
//!
//! Every range is first turned into ranks (`ranks_by_score`, `ranks_by_lex`: one or two searches),
//! so that counting, walking with offset and limit, and removing are the same for all of them.

mod elements;
mod indexed;
mod iter;
mod pairs;
mod range;
mod shared;
mod tree;

use std::ops::Range;

use holdfast_formats::{DecimalBuffer, Element, Listpack};

pub use iter::Iter;
pub use range::{LexBound, LexRange, ScoreBound, ScoreRange};
pub use shared::SharedElements;

use crate::values::direction::Direction;
use crate::values::encodings::Encodings;
use indexed::Indexed;
use pairs::Pairs;

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The member is new.
    Added,
    /// The member was there with another score.
    Updated,
    /// The member was there with this score.
    Same,
}

/// Members with scores, in order.
#[derive(Clone)]
pub struct SortedSet {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Pairs(Pairs),
    Indexed(Box<Indexed>),
}

impl SortedSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self {
            form: Form::Pairs(Pairs::new()),
        }
    }

    /// Takes over a listpack of member, score pairs that a file or a payload held. `None` if it is
    /// not a sorted set: an odd count, a score that is none, a member twice, pairs out of order.
    #[must_use]
    pub fn from_listpack(block: Listpack, encodings: &Encodings) -> Option<Self> {
        let pairs = Pairs::from_block(block)?;
        let fits = pairs.len() <= encodings.zset_max_listpack_entries
            && pairs
                .block()
                .iter()
                .step_by(2)
                .all(|member| member.bytes_len() <= encodings.zset_max_listpack_value);
        let mut set = Self {
            form: Form::Pairs(pairs),
        };
        if !fits {
            set.make_indexed(encodings);
        }
        Some(set)
    }

    /// Builds a set from elements in any order, faster than by inserting them one by one. `None` if
    /// a member comes twice or a score is NaN.
    #[must_use]
    pub fn from_elements<M: AsRef<[u8]>>(
        mut elements: Vec<(M, f64)>,
        encodings: &Encodings,
    ) -> Option<Self> {
        let mut fits = elements.len() <= encodings.zset_max_listpack_entries;
        for (member, score) in &mut elements {
            if score.is_nan() {
                return None;
            }
            *score += 0.0;
            fits &= member.as_ref().len() <= encodings.zset_max_listpack_value;
        }
        // Files hold the highest score first; the sort finds such runs in one pass.
        elements.sort_by(|one, two| {
            let by_score = one.1.total_cmp(&two.1);
            by_score.then_with(|| one.0.as_ref().cmp(two.0.as_ref()))
        });
        let mut block = Listpack::new();
        for (member, score) in &elements {
            fits &= block.has_room_for(member.as_ref().len() + pairs::SCORE_BYTES_MAX, 2);
            if !fits {
                let indexed = Indexed::from_sorted(elements.into_iter(), encodings.seed)?;
                return Some(Self {
                    form: Form::Indexed(Box::new(indexed)),
                });
            }
            pairs::append(&mut block, member.as_ref(), *score);
        }
        Some(Self {
            form: Form::Pairs(Pairs::from_block(block)?),
        })
    }

    /// Sets the score of a member, adding the member if it is new.
    ///
    /// -0.0 is kept as 0.0: Redis's small encoding does so too, and a state that depended on the
    /// encoding could differ between nodes.
    ///
    /// # Panics
    /// If the score is NaN, which has no place in the order.
    pub fn insert(&mut self, member: &[u8], score: f64, encodings: &Encodings) -> Inserted {
        assert!(!score.is_nan(), "a score is never NaN");
        let score = score + 0.0;
        if let Form::Pairs(pairs) = &mut self.form {
            if let Some(inserted) = pairs.update(member, score) {
                return inserted;
            }
            // A block's own limit is far above any sensible threshold, but thresholds are a client's.
            let fits = pairs.len() < encodings.zset_max_listpack_entries
                && member.len() <= encodings.zset_max_listpack_value
                && pairs
                    .block()
                    .has_room_for(member.len() + pairs::SCORE_BYTES_MAX, 2);
            if fits {
                pairs.add(member, score);
                return Inserted::Added;
            }
            self.make_indexed(encodings);
        }
        match &mut self.form {
            Form::Indexed(set) => set.insert(member, score),
            Form::Pairs(_) => unreachable!("the set was made big above"),
        }
    }

    /// Takes a member out and returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.form {
            Form::Pairs(pairs) => pairs.remove(member),
            Form::Indexed(set) => set.remove(member),
        }
    }

    /// A member's score.
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Pairs(pairs) => pairs.score(member),
            Form::Indexed(set) => set.score(member),
        }
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Pairs(pairs) => pairs.len(),
            Form::Indexed(set) => set.len(),
        }
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements stand before a member, seen from the end where a walk in this direction
    /// begins.
    #[must_use]
    pub fn rank(&self, member: &[u8], direction: Direction) -> Option<usize> {
        let rank = match &self.form {
            Form::Pairs(pairs) => pairs.rank_of_member(member),
            Form::Indexed(set) => set.rank_of_member(member),
        }?;
        Some(match direction {
            Direction::Forward => rank,
            Direction::Backward => self.len() - 1 - rank,
        })
    }

    /// The ranks, in ascending order, of the elements whose scores lie in the range. Its length is
    /// their count.
    #[must_use]
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        self.ranks_between(range.boundaries())
    }

    /// The ranks, in ascending order, of the elements whose members lie in the range.
    #[must_use]
    pub fn ranks_by_lex(&self, range: &LexRange<'_>) -> Range<usize> {
        let (Some((_, lowest)), Some((_, highest))) =
            (self.at_rank(0), self.at_rank(self.len().saturating_sub(1)))
        else {
            return 0..0;
        };
        if lowest.total_cmp(&highest).is_eq() {
            return self.ranks_between(range.boundaries(lowest));
        }
        let start = self.first_rank(|member| range.min.lies_before(member));
        let end = self.first_rank(|member| !range.max.lies_behind(member));
        start..end.max(start)
    }

    /// The first rank whose member `is_past`, found by halving: as if the members were in order.
    fn first_rank(&self, is_past: impl Fn(&[u8]) -> bool) -> usize {
        let (mut from, mut to) = (0, self.len());
        let mut text = DecimalBuffer::new();
        while from < to {
            let middle = from + (to - from) / 2;
            let found = self.at_rank(middle);
            if found.is_some_and(|(member, _)| is_past(member.to_bytes(&mut text))) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        from
    }

    /// Walks over the elements of these ranks of the ascending order; ranks past the end are left
    /// out. `Backward` begins at the last of them.
    #[must_use]
    pub fn range(&self, ranks: Range<usize>, direction: Direction) -> Iter<'_> {
        let ranks = self.clamp(ranks);
        match &self.form {
            Form::Pairs(pairs) => Iter::of_pairs(pairs, ranks, direction),
            Form::Indexed(set) => Iter::of_indexed(set, ranks, direction),
        }
    }

    /// All elements in ascending order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len(), Direction::Forward)
    }

    /// The element of this rank; with random ranks, a random element.
    #[must_use]
    pub fn at_rank(&self, rank: usize) -> Option<(Element<'_>, f64)> {
        self.range(rank..rank.checked_add(1)?, Direction::Forward)
            .next()
    }

    /// Takes out the elements of these ranks of the ascending order; `each` sees them, in that
    /// order, before they go. Costs one search per 60 elements or so beside their own removal, and
    /// can be done in pieces.
    pub fn remove_ranks(&mut self, ranks: Range<usize>, each: impl FnMut(&[u8], f64)) -> usize {
        let ranks = self.clamp(ranks);
        let count = ranks.len();
        match &mut self.form {
            Form::Pairs(pairs) => pairs.remove_ranks(ranks, each),
            Form::Indexed(set) => set.remove_ranks(ranks, each),
        }
        count
    }

    /// Takes out up to `count` elements from the end where a walk in this direction begins, in the
    /// order of that walk.
    pub fn pop(&mut self, count: usize, direction: Direction) -> Vec<(Vec<u8>, f64)> {
        let len = self.len();
        let count = count.min(len);
        let ranks = match direction {
            Direction::Forward => 0..count,
            Direction::Backward => len - count..len,
        };
        let mut popped = Vec::with_capacity(count);
        self.remove_ranks(ranks, |member, score| popped.push((member.to_vec(), score)));
        if direction == Direction::Backward {
            popped.reverse();
        }
        popped
    }

    /// Visits about `count` elements from a position on, 0 at first, and returns where to go on;
    /// `None` at the end. Elements that are there all the time are visited at least once. A small
    /// set is visited at once, in order; a big one in the order of hashes, see `Table::scan`.
    pub fn scan(
        &self,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(Element<'_>, f64),
    ) -> Option<u64> {
        match &self.form {
            Form::Pairs(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                None
            }
            Form::Indexed(set) => set.scan(from, count, &mut |member, score| {
                visit(Element::Text(member), score);
            }),
        }
    }

    /// The name that OBJECT ENCODING gives.
    #[must_use]
    pub fn encoding_name(&self) -> &'static str {
        match self.form {
            Form::Pairs(_) => "listpack",
            Form::Indexed(_) => "skiplist",
        }
    }

    /// The block of the small encoding, which files and payloads hold as it is.
    #[must_use]
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.form {
            Form::Pairs(pairs) => Some(pairs.block()),
            Form::Indexed(_) => None,
        }
    }

    /// Bytes asked of the allocator, beyond the value itself.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        match &self.form {
            Form::Pairs(pairs) => pairs.block().allocated_bytes(),
            Form::Indexed(set) => set.allocated_bytes(),
        }
    }

    /// About how many allocations freeing the set visits: what decides whether another thread does.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.form {
            Form::Pairs(_) => 1,
            Form::Indexed(set) => set.weight(),
        }
    }

    fn ranks_between(
        &self,
        (from, to): (range::Boundary<'_>, range::Boundary<'_>),
    ) -> Range<usize> {
        let rank = |boundary| match &self.form {
            Form::Pairs(pairs) => pairs.rank(boundary),
            Form::Indexed(set) => set.rank(boundary),
        };
        let start = rank(from);
        // A range that is upside down selects nothing.
        start..rank(to).max(start)
    }

    fn clamp(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }

    fn make_indexed(&mut self, encodings: &Encodings) {
        let pairs = self.iter().map(|(member, score)| (member.to_vec(), score));
        let indexed =
            Indexed::from_sorted(pairs, encodings.seed).expect("no member is twice in a set");
        self.form = Form::Indexed(Box::new(indexed));
    }
}

impl Default for SortedSet {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
