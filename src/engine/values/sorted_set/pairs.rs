//! `Pairs`: the small encoding, one listpack of member, score, member, score, in order.
//!
//! Called by `SortedSet` only; everything is a walk. Always holds: an even number of elements, every
//! score reads as a number that is not NaN, pairs ascend by score, then member. Redis keeps the same
//! bytes, so DUMP payloads and RDB files take the block as it is.

use std::io::Write;
use std::ops::Range;

use holdfast_formats::{DecimalBuffer, Element, Listpack, Position};

use super::Inserted;
use super::range::Boundary;

/// No score's text is longer.
pub(super) const SCORE_BYTES_MAX: usize = 32;

#[derive(Clone)]
pub(super) struct Pairs {
    block: Listpack,
}

impl Pairs {
    pub(super) fn new() -> Self {
        Self {
            block: Listpack::new(),
        }
    }

    /// Takes over a block that others wrote; `None` unless everything that this file promises holds.
    pub(super) fn from_block(block: Listpack) -> Option<Self> {
        let mut identities = Vec::with_capacity(block.len() / 2);
        let mut previous: Option<(Element<'_>, f64)> = None;
        let mut elements = block.iter();
        while let Some(member) = elements.next() {
            let score = read_score(elements.next()?)?;
            if let Some((last, lower)) = previous
                && !ascends(last, lower, member, score)
            {
                return None;
            }
            previous = Some((member, score));
            identities.push(Identity::of(member));
        }
        // The order proves that pairs differ, not that members do.
        identities.sort_unstable();
        let unique = identities.is_sorted_by(|one, two| one < two);
        drop(identities);
        unique.then_some(Self { block })
    }

    pub(super) fn block(&self) -> &Listpack {
        &self.block
    }

    pub(super) fn len(&self) -> usize {
        self.block.len() / 2
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        let position = self.block.find(member, 1)?;
        self.score_after(position)
    }

    /// Sets the score of a member that is there; `None` if there is none.
    pub(super) fn update(&mut self, member: &[u8], score: f64) -> Option<Inserted> {
        let position = self.block.find(member, 1)?;
        if self.score_after(position) == Some(score) {
            return Some(Inserted::Same);
        }
        self.block.remove_at(position, 2);
        self.add(member, score);
        Some(Inserted::Updated)
    }

    /// Adds a member that is not there.
    pub(super) fn add(&mut self, member: &[u8], score: f64) {
        match self.position(Boundary::Before(score, member)).1 {
            Some(position) => {
                let text = ScoreText::new(score);
                let position = self.block.insert_before(position, member);
                self.block.insert_after(position, text.bytes());
            }
            None => append(&mut self.block, member, score),
        }
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let position = self.block.find(member, 1)?;
        let score = self.score_after(position);
        self.block.remove_at(position, 2);
        score
    }

    pub(super) fn rank_of_member(&self, member: &[u8]) -> Option<usize> {
        let wanted = self.block.find(member, 1)?;
        self.block
            .positions()
            .position(|position| position == wanted)
            .map(|at| at / 2)
    }

    /// How many elements stand before `boundary`.
    pub(super) fn rank(&self, boundary: Boundary<'_>) -> usize {
        self.position(boundary).0
    }

    /// Takes out the pairs of these ranks; `each` sees them before they go.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>, mut each: impl FnMut(&[u8], f64)) {
        let mut elements = self.block.iter().skip(ranks.start * 2);
        for _ in ranks.clone() {
            if let Some((member, score)) = next_pair(&mut elements) {
                each(member.to_bytes(&mut DecimalBuffer::new()), score);
            }
        }
        if let Some(position) = self.block.positions().nth(ranks.start * 2) {
            self.block.remove_at(position, ranks.len() * 2);
        }
    }

    /// The rank of the first element that is not before `boundary`, and where it stands.
    fn position(&self, boundary: Boundary<'_>) -> (usize, Option<Position>) {
        let mut elements = self.block.iter();
        let mut positions = self.block.positions();
        let mut rank = 0;
        let mut buffer = DecimalBuffer::new();
        while let Some(position) = positions.next() {
            let Some((member, score)) = next_pair(&mut elements) else {
                break;
            };
            if !boundary.is_after(score, || member.to_bytes(&mut buffer)) {
                return (rank, Some(position));
            }
            positions.next();
            rank += 1;
        }
        (rank, None)
    }

    fn score_after(&self, member: Position) -> Option<f64> {
        let position = self.block.next(member)?;
        self.block.element(position).and_then(read_score)
    }
}

/// Adds a pair at the end of a block.
pub(super) fn append(block: &mut Listpack, member: &[u8], score: f64) {
    block.append_pair(member, ScoreText::new(score).bytes());
}

/// The next member and score of a walk from the front.
#[inline]
pub(super) fn next_pair<'a>(
    elements: &mut impl Iterator<Item = Element<'a>>,
) -> Option<(Element<'a>, f64)> {
    let member = elements.next()?;
    let score = elements.next().and_then(read_score)?;
    Some((member, score))
}

/// Reads a stored score.
#[inline]
pub(super) fn read_score(element: Element<'_>) -> Option<f64> {
    match element {
        // Exact: integers are only written for scores that are equal to them.
        Element::Integer(value) => Some(value as f64),
        Element::Text(text) => {
            let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            // Others may have written -0.0; see `SortedSet::insert`.
            (!score.is_nan()).then_some(score + 0.0)
        }
    }
}

/// What makes members equal; the order is of no meaning.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Number(i64),
    Text(&'a [u8]),
}

impl<'a> Identity<'a> {
    fn of(member: Element<'a>) -> Self {
        // A foreign block may hold the same number as a number and as text.
        match (member.as_integer(), member) {
            (Some(number), _) | (None, Element::Integer(number)) => Self::Number(number),
            (None, Element::Text(text)) => Self::Text(text),
        }
    }
}

/// Whether the second pair may stand right after the first.
fn ascends(member: Element<'_>, score: f64, next_member: Element<'_>, next_score: f64) -> bool {
    score < next_score
        || (score == next_score
            && member.to_bytes(&mut DecimalBuffer::new())
                < next_member.to_bytes(&mut DecimalBuffer::new()))
}

/// The text under which the small encoding stores a score: integers as integers, else the shortest
/// text that reads back as the same number.
struct ScoreText {
    buffer: [u8; SCORE_BYTES_MAX],
    len: usize,
}

impl ScoreText {
    fn new(score: f64) -> Self {
        /// Below this magnitude a cast to `i64` is exact for every whole number.
        const WHOLE_MAX: f64 = 9.0e18;
        let mut buffer = [0; SCORE_BYTES_MAX];
        let mut rest = buffer.as_mut_slice();
        let written = if score.abs() < WHOLE_MAX && score.trunc() == score {
            write!(rest, "{}", score as i64)
        } else if (1e-5..1e17).contains(&score.abs()) || score.is_infinite() {
            write!(rest, "{score}")
        } else {
            // Plain notation would write hundreds of digits.
            write!(rest, "{score:e}")
        };
        written.expect("17 digits, a sign, zeros or an exponent are below the bound");
        let len = SCORE_BYTES_MAX - rest.len();
        Self { buffer, len }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}
