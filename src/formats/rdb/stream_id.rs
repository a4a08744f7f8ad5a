//! The order and the text of stream ids.
//!
//! `StreamId` itself stands with the parts that carry it. Always holds: ids are ordered by time, then
//! by number.

use std::fmt;

use super::part::StreamId;

impl StreamId {
    /// The smallest id, which no entry has.
    pub const MIN: Self = Self { ms: 0, sequence: 0 };
    /// The largest id.
    pub const MAX: Self = Self {
        ms: u64::MAX,
        sequence: u64::MAX,
    };

    /// The id right after this one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.ms, self.sequence) {
            (u64::MAX, u64::MAX) => None,
            (ms, u64::MAX) => Some(Self {
                ms: ms.wrapping_add(1),
                sequence: 0,
            }),
            (ms, sequence) => Some(Self {
                ms,
                sequence: sequence.wrapping_add(1),
            }),
        }
    }

    /// The id right before this one.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match (self.ms, self.sequence) {
            (0, 0) => None,
            (ms, 0) => Some(Self {
                ms: ms.wrapping_sub(1),
                sequence: u64::MAX,
            }),
            (ms, sequence) => Some(Self {
                ms,
                sequence: sequence.wrapping_sub(1),
            }),
        }
    }
}

impl fmt::Display for StreamId {
    /// As clients see it: `1526919030474-55`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_carry_over_and_end_at_the_ends() {
        let id = |ms, sequence| StreamId { ms, sequence };
        for (one, two) in [
            (id(0, 0), id(0, 1)),
            (id(5, 7), id(5, 8)),
            (id(5, u64::MAX), id(6, 0)),
        ] {
            assert_eq!(one.next(), Some(two), "{one}");
            assert_eq!(two.previous(), Some(one), "{two}");
        }
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.previous(), None);
        assert_eq!(id(5, 7).to_string(), "5-7");
    }
}
