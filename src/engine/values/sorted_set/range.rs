//! Ranges over a sorted set: by score, by member, and the boundaries between elements that both
//! become.
//!
//! Commands make `ScoreRange` and `LexRange` from their arguments; both encodings answer them
//! through `Boundary`. Always holds: whether an element stands before a boundary depends on that
//! element and the boundary alone, and is monotone in the order of the set, so that a binary search
//! and a walk give the same answer.

use std::cmp::Ordering;

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScoreBound {
    /// The score itself belongs to the range.
    Inclusive(f64),
    /// The range ends right before the score.
    Exclusive(f64),
}

impl ScoreBound {
    fn score(self) -> f64 {
        match self {
            Self::Inclusive(score) | Self::Exclusive(score) => score,
        }
    }
}

/// A range of scores. It may be empty or upside down, which selects nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: ScoreBound,
    /// The upper end.
    pub max: ScoreBound,
}

impl ScoreRange {
    /// Whether no score at all lies in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let closed = matches!(
            (self.min, self.max),
            (ScoreBound::Inclusive(_), ScoreBound::Inclusive(_))
        );
        match self.min.score().partial_cmp(&self.max.score()) {
            Some(Ordering::Less) => false,
            Some(Ordering::Equal) => !closed,
            Some(Ordering::Greater) | None => true,
        }
    }

    /// The boundaries that enclose the range's elements.
    pub(super) fn boundaries(&self) -> (Boundary<'static>, Boundary<'static>) {
        let from = match self.min {
            ScoreBound::Inclusive(score) => Boundary::BeforeScore(score),
            ScoreBound::Exclusive(score) => Boundary::AfterScore(score),
        };
        let to = match self.max {
            ScoreBound::Inclusive(score) => Boundary::AfterScore(score),
            ScoreBound::Exclusive(score) => Boundary::BeforeScore(score),
        };
        (from, to)
    }
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before every member (`-`).
    Smallest,
    /// After every member (`+`).
    Greatest,
    /// The member itself belongs to the range (`[`).
    Inclusive(&'a [u8]),
    /// The range ends right before the member (`(`).
    Exclusive(&'a [u8]),
}

impl LexBound<'_> {
    /// Whether a range that begins here contains the member.
    pub(super) fn lies_before(&self, other: &[u8]) -> bool {
        match *self {
            Self::Smallest => true,
            Self::Greatest => false,
            Self::Inclusive(member) => member <= other,
            Self::Exclusive(member) => member < other,
        }
    }

    /// Whether a range that ends here contains the member.
    pub(super) fn lies_behind(&self, other: &[u8]) -> bool {
        match *self {
            Self::Smallest => false,
            Self::Greatest => true,
            Self::Inclusive(member) => member >= other,
            Self::Exclusive(member) => member > other,
        }
    }
}

/// A range of members, which means something only where all scores are equal, or where the order
/// by score is the order of the members, too.
///
/// Where it is not, Redis leaves the answer open. Here the ends are found by halving the ranks, so
/// that every encoding and every node gives the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl<'a> LexRange<'a> {
    /// The boundaries that enclose the range's elements in a set whose lowest score is `score`.
    pub(super) fn boundaries(&self, score: f64) -> (Boundary<'a>, Boundary<'a>) {
        let from = match self.min {
            LexBound::Smallest => Boundary::Start,
            LexBound::Greatest => Boundary::End,
            LexBound::Inclusive(member) => Boundary::Before(score, member),
            LexBound::Exclusive(member) => Boundary::After(score, member),
        };
        let to = match self.max {
            LexBound::Smallest => Boundary::Start,
            LexBound::Greatest => Boundary::End,
            LexBound::Inclusive(member) => Boundary::After(score, member),
            LexBound::Exclusive(member) => Boundary::Before(score, member),
        };
        (from, to)
    }
}

/// A place between two elements in the order of a set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Boundary<'a> {
    /// Before every element.
    Start,
    /// Before the first element of at least this score.
    BeforeScore(f64),
    /// After the last element of at most this score.
    AfterScore(f64),
    /// Before this element, or where it would stand.
    Before(f64, &'a [u8]),
    /// After this element, or where it would stand.
    After(f64, &'a [u8]),
    /// After every element.
    End,
}

impl Boundary<'_> {
    /// Whether an element stands before this boundary. `member` is only read where scores are equal.
    #[inline(always)]
    pub(super) fn is_after<'m>(self, score: f64, member: impl FnOnce() -> &'m [u8]) -> bool {
        match self {
            Self::Start => false,
            Self::BeforeScore(bound) => score < bound,
            Self::AfterScore(bound) => score <= bound,
            Self::Before(bound, text) => score < bound || (score == bound && member() < text),
            Self::After(bound, text) => score < bound || (score == bound && member() <= text),
            Self::End => true,
        }
    }
}
