//! What the ranges of sorted sets select: bounds, order, offset and limit, read from arguments and
//! turned into ranks.

use std::ops::Range;

use holdfast_formats::DecimalBuffer;

use crate::args::Args;
use crate::commands::index_range::IndexRange;
use crate::error::CommandError;
use crate::number::parse_f64;
use crate::values::direction::Direction;
use crate::values::sorted_set::{LexBound, LexRange, ScoreBound, ScoreRange, SortedSet};

/// What the bounds of a range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Index,
    Score,
    Lex,
}

/// Reads `min` and `max` as scores.
pub(super) fn parse_scores(min: &[u8], max: &[u8]) -> Result<ScoreRange, CommandError> {
    Ok(ScoreRange {
        min: score_bound(min)?,
        max: score_bound(max)?,
    })
}

fn score_bound(text: &[u8]) -> Result<ScoreBound, CommandError> {
    let (text, is_exclusive) = match text.strip_prefix(b"(") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let score = parse_f64(text).ok_or(CommandError::ScoreBound)?;
    Ok(if is_exclusive {
        ScoreBound::Exclusive(score)
    } else {
        ScoreBound::Inclusive(score)
    })
}

/// Reads `min` and `max` as members.
pub(super) fn parse_lex<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, CommandError> {
    Ok(LexRange {
        min: lex_bound(min)?,
        max: lex_bound(max)?,
    })
}

const fn lex_bound(text: &[u8]) -> Result<LexBound<'_>, CommandError> {
    match text {
        b"-" => Ok(LexBound::Smallest),
        b"+" => Ok(LexBound::Greatest),
        [b'[', member @ ..] => Ok(LexBound::Inclusive(member)),
        [b'(', member @ ..] => Ok(LexBound::Exclusive(member)),
        _ => Err(CommandError::LexBound),
    }
}

/// The ranks, in ascending order, of the members in the range.
///
/// The order of members is that of the set only where all scores are equal. Where they are not,
/// Redis leaves the answer open; its small encoding walks from the lowest score, and so does this,
/// so that the answer is the same in every encoding and on every node.
pub(super) fn ranks_by_lex(set: &SortedSet, range: &LexRange<'_>) -> Range<usize> {
    let score_at = |rank| set.at_rank(rank).map(|(_, score)| score);
    if score_at(0) == score_at(set.len().saturating_sub(1)) {
        return set.ranks_by_lex(range);
    }
    let mut text = DecimalBuffer::new();
    let start = set
        .iter()
        .position(|(member, _)| match range.min {
            LexBound::Smallest => true,
            LexBound::Greatest => false,
            LexBound::Inclusive(min) => member.to_bytes(&mut text) >= min,
            LexBound::Exclusive(min) => member.to_bytes(&mut text) > min,
        })
        .unwrap_or(set.len());
    let count = set
        .range(start..set.len(), Direction::Forward)
        .take_while(|(member, _)| match range.max {
            LexBound::Smallest => false,
            LexBound::Greatest => true,
            LexBound::Inclusive(max) => member.to_bytes(&mut text) <= max,
            LexBound::Exclusive(max) => member.to_bytes(&mut text) < max,
        })
        .count();
    start..start + count
}

#[derive(Clone, Copy, Debug)]
enum Bounds<'a> {
    Index(IndexRange),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

/// A part of a sorted set, and the order in which it is walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection<'a> {
    bounds: Bounds<'a>,
    /// The order of the walk.
    pub(super) direction: Direction,
    /// The reply has scores.
    pub(super) with_scores: bool,
    /// Elements to pass over; `None`, which clients write as a negative number, for all.
    offset: Option<usize>,
    /// Elements to select at most.
    limit: usize,
}

/// What a command fixes of its selection; the rest are its options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// What the bounds are; `None` where an option says it.
    pub(super) by: Option<By>,
    /// The order; `None` where an option says it.
    pub(super) direction: Option<Direction>,
    /// The selection is stored, so it has its scores without saying so.
    pub(super) is_stored: bool,
}

impl<'a> Selection<'a> {
    /// Reads the bounds and all options after them.
    pub(super) fn read(args: &mut Args<'a>, form: Form) -> Result<Self, CommandError> {
        let (first, second) = (args.next()?, args.next()?);
        let (mut by, mut direction) = (form.by, form.direction);
        let (mut with_scores, mut limits) = (false, (0, -1));
        while !args.is_done() {
            if !form.is_stored && args.accept("WITHSCORES") {
                with_scores = true;
            } else if args.remaining() >= 3 && args.accept("LIMIT") {
                limits = (args.next_i64()?, args.next_i64()?);
            } else if direction.is_none() && args.accept("REV") {
                direction = Some(Direction::Backward);
            } else if by.is_none() && args.accept("BYSCORE") {
                by = Some(By::Score);
            } else if by.is_none() && args.accept("BYLEX") {
                by = Some(By::Lex);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        let by = by.unwrap_or(By::Index);
        let direction = direction.unwrap_or(Direction::Forward);
        if by == By::Index && limits.1 != -1 {
            return Err(CommandError::LimitByIndex);
        }
        if by == By::Lex && with_scores {
            return Err(CommandError::ScoresByLex);
        }
        // Backwards, the upper bound comes first; indexes count from the end of the walk anyway.
        let (min, max) = match (by, direction) {
            (By::Score | By::Lex, Direction::Backward) => (second, first),
            _ => (first, second),
        };
        Ok(Self {
            bounds: match by {
                By::Index => Bounds::Index(IndexRange::parse(min, max)?),
                By::Score => Bounds::Score(parse_scores(min, max)?),
                By::Lex => Bounds::Lex(parse_lex(min, max)?),
            },
            direction,
            with_scores,
            offset: usize::try_from(limits.0).ok(),
            limit: usize::try_from(limits.1).unwrap_or(usize::MAX),
        })
    }

    /// The ranks, in ascending order, of what it selects of a set.
    pub(super) fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let len = set.len();
        let ranks = match &self.bounds {
            Bounds::Index(range) => {
                let range = range.within(len);
                return match self.direction {
                    Direction::Forward => range,
                    Direction::Backward => len - range.end..len - range.start,
                };
            }
            Bounds::Score(range) => set.ranks_by_score(range),
            Bounds::Lex(range) => ranks_by_lex(set, range),
        };
        let offset = self.offset.unwrap_or(usize::MAX).min(ranks.len());
        let count = self.limit.min(ranks.len() - offset);
        match self.direction {
            Direction::Forward => {
                let start = ranks.start + offset;
                start..start + count
            }
            Direction::Backward => {
                let end = ranks.end - offset;
                end - count..end
            }
        }
    }
}
