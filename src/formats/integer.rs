//! Decimal text of signed 64-bit integers, exactly as Redis reads and writes it.
//!
//! Used by the packed encodings here (which store such text as a number) and by the engine. The
//! work is `resp`'s, so that a number on the wire and a number in a value can never differ; this
//! file names it and adds sizes.

/// Room for the decimal text of one integer, so that formatting needs no allocation.
pub use holdfast_resp::DecimalText as DecimalBuffer;
pub use holdfast_resp::parse_i64;

/// The longest decimal text of an `i64`: a sign and nineteen digits.
pub const DECIMAL_BYTES_MAX: usize = 20;

/// How many bytes the canonical decimal text of `value` has.
#[must_use]
pub fn decimal_len(value: i64) -> usize {
    DecimalBuffer::new().format(value).len()
}

/// A `u32` as a size. Every target that Holdfast builds for has at least 32-bit sizes.
#[inline]
pub(crate) fn size_from_u32(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_text_is_a_number() {
        for (text, want) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("99999999999999999999", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("1.0", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), want, "{text:?}");
            if let Some(value) = want {
                assert_eq!(decimal_len(value), text.len());
            }
        }
    }
}
