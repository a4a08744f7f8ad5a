//! Whole numbers as decimal text, and the `$12\r\n` headers that are made of them.
//!
//! Replies, effects and the parser call it for every command, so it avoids `core::fmt` and the
//! heap. Always holds: `parse_i64` accepts exactly the texts that `DecimalText` gives.

/// The longest decimal text of an `i64`: a sign and nineteen digits.
const DECIMAL_BYTES_MAX: usize = 20;

/// A marker, the longest number and the line end.
const HEADER_BYTES_MAX: usize = 24;

/// The texts of 0 to 99. Two digits a division halve the divisions.
const DIGIT_PAIRS: [[u8; 2]; 100] = digit_pairs();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time, where a mistake does not compile"
)]
const fn digit_pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[b'0'; 2]; 100];
    let (mut index, mut tens) = (0, b'0');
    while tens <= b'9' {
        let mut ones = b'0';
        while ones <= b'9' {
            pairs[index] = [tens, ones];
            index += 1;
            ones += 1;
        }
        tens += 1;
    }
    pairs
}

/// Room for the decimal text of one integer, so that formatting needs no allocation.
#[derive(Clone, Debug)]
pub struct DecimalText([u8; DECIMAL_BYTES_MAX]);

impl DecimalText {
    /// Room without content.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self([0; DECIMAL_BYTES_MAX])
    }

    /// Writes `value` and returns its text: no plus sign, no leading zeros.
    #[inline]
    pub fn format(&mut self, value: i64) -> &[u8] {
        let start = write_backwards(&mut self.0, value);
        self.0.get(start..).unwrap_or(&[])
    }
}

impl Default for DecimalText {
    fn default() -> Self {
        Self::new()
    }
}

/// Room for one header line: a marker, a number and the line end.
pub(crate) struct HeaderText([u8; HEADER_BYTES_MAX]);

impl HeaderText {
    #[inline]
    pub(crate) const fn new() -> Self {
        let mut room = [0; HEADER_BYTES_MAX];
        let [.., carriage_return, line_feed] = &mut room;
        *carriage_return = b'\r';
        *line_feed = b'\n';
        Self(room)
    }

    /// Writes the line for `marker` and `value` and returns it.
    #[inline]
    pub(crate) fn format(&mut self, marker: u8, value: i64) -> &[u8] {
        let Some((body, _line_end)) = self.0.split_last_chunk_mut::<2>() else {
            return &[];
        };
        let start = write_backwards(body, value).saturating_sub(1);
        if let Some(first) = body.get_mut(start) {
            *first = marker;
        }
        self.0.get(start..).unwrap_or(&[])
    }

    /// The line for `marker` and a size or count.
    #[inline]
    pub(crate) fn format_len(&mut self, marker: u8, len: usize) -> &[u8] {
        // Nothing in memory is larger than `isize::MAX` bytes, so the cap is never met.
        self.format(marker, i64::try_from(len).unwrap_or(i64::MAX))
    }
}

/// Writes `value` at the end of `room` and returns where it begins.
#[inline]
fn write_backwards(room: &mut [u8], value: i64) -> usize {
    let mut magnitude = value.unsigned_abs();
    let mut rest = room;
    while magnitude >= 100 {
        rest = put_last(rest, pair_of(magnitude % 100));
        magnitude /= 100;
    }
    let [tens, ones] = pair_of(magnitude);
    rest = put_last(rest, [ones]);
    if magnitude >= 10 {
        rest = put_last(rest, [tens]);
    }
    if value < 0 {
        rest = put_last(rest, [b'-']);
    }
    rest.len()
}

/// Writes `bytes` at the end of `room` and returns the room before them.
#[inline]
fn put_last<const N: usize>(room: &mut [u8], bytes: [u8; N]) -> &mut [u8] {
    match room.split_last_chunk_mut::<N>() {
        Some((head, tail)) => {
            *tail = bytes;
            head
        }
        // Both rooms are made for the longest number.
        None => &mut [],
    }
}

#[inline]
fn pair_of(value: u64) -> [u8; 2] {
    usize::try_from(value)
        .ok()
        .and_then(|index| DIGIT_PAIRS.get(index))
        .copied()
        .unwrap_or(*b"00")
}

/// Reads decimal text as strictly as the protocol does: no blanks, no plus sign, no leading
/// zeros, no `-0`, in range. Anything else is `None`.
#[must_use]
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, text),
    };
    match digits {
        [] => None,
        [b'0'] if negative => None,
        [b'0', _, ..] => None,
        _ => {
            let magnitude = parse_digits(digits)?;
            if negative {
                0i64.checked_sub_unsigned(magnitude)
            } else {
                i64::try_from(magnitude).ok()
            }
        }
    }
}

/// Reads a header of one to three digits, as nearly all are, at the front of `input`: its number
/// and how many bytes it has, with the carriage return and the byte after that, whatever it is.
/// `None` means to look closer.
#[inline]
pub(crate) fn short_header(input: &[u8], marker: u8) -> Option<(u16, usize)> {
    fn digit(byte: u8) -> u16 {
        u16::from(byte.wrapping_sub(b'0'))
    }
    match input {
        [first, a @ b'0'..=b'9', b'\r', _, ..] if *first == marker => Some((digit(*a), 4)),
        [first, a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', _, ..] if *first == marker => {
            Some((digit(*a).wrapping_mul(10).wrapping_add(digit(*b)), 5))
        }
        [
            first,
            a @ b'1'..=b'9',
            b @ b'0'..=b'9',
            c @ b'0'..=b'9',
            b'\r',
            _,
            ..,
        ] if *first == marker => {
            let tens = digit(*a).wrapping_mul(10).wrapping_add(digit(*b));
            Some((tens.wrapping_mul(10).wrapping_add(digit(*c)), 6))
        }
        _ => None,
    }
}

#[inline]
fn parse_digits(digits: &[u8]) -> Option<u64> {
    let mut magnitude = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_canonical_text_is_a_number() {
        for (text, want) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("99999999999999999999", None),
            ("184467440737095516160", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("00", None),
            ("01", None),
            ("-01", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("1x", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn numbers_at_every_power_of_ten_have_their_text() {
        let mut value = 1i64;
        loop {
            for near in [value.saturating_sub(1), value, value.saturating_add(1)] {
                for value in [near, near.saturating_neg()] {
                    let text = value.to_string();
                    assert_eq!(DecimalText::new().format(value), text.as_bytes());
                    let header = format!("${text}\r\n");
                    assert_eq!(HeaderText::new().format(b'$', value), header.as_bytes());
                }
            }
            match value.checked_mul(10) {
                Some(next) => value = next,
                None => break,
            }
        }
        assert_eq!(
            DecimalText::new().format(i64::MIN),
            i64::MIN.to_string().as_bytes()
        );
    }

    proptest! {
        #[test]
        fn every_number_comes_back(value: i64) {
            let mut room = DecimalText::new();
            let text = room.format(value);
            prop_assert_eq!(text.to_vec(), value.to_string().into_bytes());
            prop_assert_eq!(parse_i64(text), Some(value));
        }
    }
}
