//! Indexes as clients write them: from 0 at the front, from -1 at the back. For lists and sorted
//! sets.

use std::ops::Range;

use crate::args::Args;
use crate::error::CommandError;

/// An inclusive range of indexes, each from the front or from the back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexRange {
    start: i64,
    stop: i64,
}

impl IndexRange {
    /// Reads both ends.
    pub(crate) fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        Ok(Self {
            start: args.next_i64()?,
            stop: args.next_i64()?,
        })
    }

    /// Reads both ends from two texts.
    pub(crate) fn parse(start: &[u8], stop: &[u8]) -> Result<Self, CommandError> {
        Self::read(&mut Args::new(&[start, stop], 0))
    }

    /// What it selects of `len` elements.
    pub(crate) fn within(self, len: usize) -> Range<usize> {
        let start = from_front(self.start, len).max(0);
        let end = from_front(self.stop, len).saturating_add(1);
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(len);
        let end = usize::try_from(end.max(0)).unwrap_or(usize::MAX).min(len);
        start..end.max(start)
    }
}

/// The place of one index among `len` elements, if it is inside.
pub(crate) fn place(index: i64, len: usize) -> Option<usize> {
    usize::try_from(from_front(index, len))
        .ok()
        .filter(|&at| at < len)
}

fn from_front(index: i64, len: usize) -> i64 {
    if index < 0 {
        index.saturating_add(i64::try_from(len).unwrap_or(i64::MAX))
    } else {
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_elements() {
        for (start, stop, want) in [
            (0, -1, 0..5),
            (1, 2, 1..3),
            (-2, -1, 3..5),
            (-100, 1, 0..2),
            (3, 100, 3..5),
            (i64::MIN, i64::MAX, 0..5),
            (0, i64::MIN, 0..0),
        ] {
            assert_eq!(IndexRange { start, stop }.within(5), want, "{start} {stop}");
        }
        for (start, stop) in [(3, 2), (5, 9), (i64::MAX, i64::MAX), (-1, -3)] {
            assert!(
                IndexRange { start, stop }.within(5).is_empty(),
                "{start} {stop}"
            );
        }
        assert!(IndexRange { start: 0, stop: -1 }.within(0).is_empty());
    }

    #[test]
    fn single_indexes_are_found_from_both_ends() {
        assert_eq!(place(0, 3), Some(0));
        assert_eq!(place(-1, 3), Some(2));
        assert_eq!(place(3, 3), None);
        assert_eq!(place(-4, 3), None);
        assert_eq!(place(i64::MIN, 3), None);
    }
}
