//! What becomes of a number that does not fit into its field. Called by BITFIELD.

use super::Field;

/// What is done with a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits are kept.
    Wrap,
    /// The nearest number that fits takes its place.
    Saturate,
    /// Nothing is written.
    Fail,
}

impl Field {
    /// What is to be written when the field is set; nothing where that fails.
    pub fn assigned(self, value: i64, overflow: Overflow) -> Option<i64> {
        self.sum(value, 0, overflow)
    }

    /// What is to be written when something is added to the field's number; nothing where that
    /// fails.
    pub fn increased(self, current: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        self.sum(current, increment, overflow)
    }

    fn sum(self, value: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let limit = match self.exceeded(value, increment) {
            None => return Some(value.wrapping_add(increment)),
            Some(limit) => limit,
        };
        match overflow {
            Overflow::Wrap => Some(self.wrapped(value.wrapping_add(increment))),
            Overflow::Saturate => Some(limit),
            Overflow::Fail => None,
        }
    }

    /// The limit beyond which a sum lies.
    fn exceeded(self, value: i64, increment: i64) -> Option<i64> {
        if !self.is_signed {
            // A negative number that is assigned counts as a huge one.
            let value = i128::from(value.cast_unsigned());
            let sum = value + i128::from(increment);
            let max = (1_i128 << self.bits) - 1;
            return if sum > max {
                Some(i64::try_from(max).expect("63 bits at most"))
            } else {
                (sum < 0).then_some(0)
            };
        }
        let max = i64::MAX >> (64 - self.bits);
        let min = -max - 1;
        // Redis computes the distance to the upper limit in 64 bits. For a number that is close
        // to the lowest one this wraps, and the number is taken for one that is too large.
        let is_misjudged = self.bits < 64 && increment > max.wrapping_sub(value);
        let sum = i128::from(value) + i128::from(increment);
        if sum > i128::from(max) || is_misjudged {
            Some(max)
        } else {
            (sum < i128::from(min)).then_some(min)
        }
    }

    fn wrapped(self, value: i64) -> i64 {
        let unused = 64 - self.bits;
        if self.is_signed {
            value << unused >> unused
        } else {
            (value.cast_unsigned() << unused >> unused).cast_signed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Overflow::{Fail, Saturate, Wrap};

    fn signed(bits: u32) -> Field {
        Field {
            is_signed: true,
            bits,
        }
    }

    fn unsigned(bits: u32) -> Field {
        Field {
            is_signed: false,
            bits,
        }
    }

    #[test]
    fn sums_that_do_not_fit_wrap_saturate_or_fail() {
        for (field, current, increment, wrapped, saturated) in [
            (unsigned(8), 255, 1, 0, 255),
            (unsigned(8), 0, -1, 255, 0),
            (unsigned(8), 100, 1000, 76, 255),
            (unsigned(63), i64::MAX, 2, 1, i64::MAX),
            (unsigned(63), 1, i64::MIN, 1, 0),
            (signed(8), 127, 1, -128, 127),
            (signed(8), -128, -1, 127, -128),
            (signed(1), 0, 1, -1, 0),
            (signed(64), i64::MAX, 1, i64::MIN, i64::MAX),
            (signed(64), i64::MIN, -1, i64::MAX, i64::MIN),
            (signed(8), -1, i64::MIN, -1, -128),
        ] {
            let with = |overflow| field.increased(current, increment, overflow);
            let all = [with(Wrap), with(Saturate), with(Fail)];
            let want = [Some(wrapped), Some(saturated), None];
            assert_eq!(all, want, "{field:?} {current} + {increment}");
        }
        assert_eq!(signed(64).increased(-1, 5, Fail), Some(4));
        assert_eq!(unsigned(4).increased(7, 8, Fail), Some(15));
    }

    #[test]
    fn assigned_numbers_obey_the_same_limits() {
        assert_eq!(unsigned(8).assigned(-1, Saturate), Some(255));
        assert_eq!(unsigned(8).assigned(-1, Wrap), Some(255));
        assert_eq!(signed(8).assigned(-1000, Saturate), Some(-128));
        assert_eq!(signed(8).assigned(-1000, Wrap), Some(24));
        assert_eq!(signed(8).assigned(-129, Fail), None);
        assert_eq!(signed(8).assigned(-128, Fail), Some(-128));
    }

    #[test]
    fn the_lowest_number_of_all_saturates_at_the_wrong_end_as_in_redis() {
        assert_eq!(signed(8).assigned(i64::MIN, Saturate), Some(127));
        assert_eq!(signed(8).assigned(i64::MIN + 1000, Saturate), Some(-128));
    }
}
