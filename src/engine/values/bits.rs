//! Strings as arrays of bits. Bit 0 is the highest bit of the first byte, as in Redis.
//!
//! Called by the bitmap commands. Always holds: bits past the end of a string read as zero, and
//! nothing here makes a string longer; whoever writes has made room before.

mod overflow;

use std::ops::RangeInclusive;

pub use overflow::Overflow;

/// The bit at a position.
pub fn get(bytes: &[u8], position: u64) -> bool {
    byte_at(bytes, position >> 3) & mask_of(position) != 0
}

/// Sets the bit at a position inside the string; returns what it was.
///
/// # Panics
/// If the position lies behind the end.
pub fn set(bytes: &mut [u8], position: u64, bit: bool) -> bool {
    let byte = usize::try_from(position >> 3)
        .ok()
        .and_then(|at| bytes.get_mut(at))
        .expect("the caller made room for the bit");
    let was = *byte & mask_of(position) != 0;
    if bit {
        *byte |= mask_of(position);
    } else {
        *byte &= !mask_of(position);
    }
    was
}

fn byte_at(bytes: &[u8], at: u64) -> u8 {
    usize::try_from(at)
        .ok()
        .and_then(|at| bytes.get(at).copied())
        .unwrap_or(0)
}

fn mask_of(position: u64) -> u8 {
    0x80 >> (position & 7)
}

/// How many bits are set in the whole string.
pub fn count(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(8);
    let rest: u64 = words
        .remainder()
        .iter()
        .map(|byte| u64::from(byte.count_ones()))
        .sum();
    rest + words
        .map(|word| u64::from(word_of(word).count_ones()))
        .sum::<u64>()
}

fn word_of(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("the caller cuts eight bytes"))
}

/// How many bits are set in a range of bits that lies inside the string.
pub fn count_between(bytes: &[u8], bits: &RangeInclusive<u64>) -> u64 {
    let (whole, outside) = cover(bytes, bits);
    count(whole)
        - outside
            .into_iter()
            .map(|byte| u64::from(byte.count_ones()))
            .sum::<u64>()
}

/// The bytes that hold a range of bits, and of the first and the last of them the bits that are not
/// in the range.
fn cover<'a>(bytes: &'a [u8], bits: &RangeInclusive<u64>) -> (&'a [u8], [u8; 2]) {
    let (first, last) = (*bits.start(), *bits.end());
    if first > last {
        return (&[], [0; 2]);
    }
    let index = |bit: u64| usize::try_from(bit >> 3).unwrap_or(usize::MAX);
    let whole = bytes.get(index(first)..=index(last)).unwrap_or_default();
    let before = !(0xff >> (first & 7));
    let behind = 0x7f >> (last & 7);
    (
        whole,
        [
            byte_at(bytes, first >> 3) & before,
            byte_at(bytes, last >> 3) & behind,
        ],
    )
}

/// The position of the first bit of this value in a range of bits that lies inside the string.
pub fn position(bytes: &[u8], bits: &RangeInclusive<u64>, bit: bool) -> Option<u64> {
    let (mut at, last) = (*bits.start(), *bits.end());
    while at <= last {
        let byte = byte_at(bytes, at >> 3);
        // What is looked for becomes a set bit; those before the range are cleared.
        let wanted = if bit { byte } else { !byte } & (0xff >> (at & 7));
        if wanted != 0 {
            let found = (at & !7) + u64::from(wanted.leading_zeros());
            return (found <= last).then_some(found);
        }
        at = skip_words(bytes, (at & !7) + 8, bit);
    }
    None
}

/// Passes over whole words without a bit of this value, from the first bit of a byte on.
fn skip_words(bytes: &[u8], from: u64, bit: bool) -> u64 {
    let barren = if bit { 0 } else { u64::MAX };
    let start = usize::try_from(from >> 3).unwrap_or(usize::MAX);
    let rest = bytes.get(start..).unwrap_or_default();
    let words = rest
        .chunks_exact(8)
        .take_while(|word| word_of(word) == barren)
        .count();
    from + words as u64 * 64
}

/// A number of some width inside a string (`i16`, `u7`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// It has a sign, in two's complement.
    pub is_signed: bool,
    /// Its width: at most 64, and 63 without a sign, so that any value is an `i64`.
    pub bits: u32,
}

impl Field {
    /// The number at a position of bits, highest bit first.
    pub fn get(self, bytes: &[u8], position: u64) -> i64 {
        let raw = self.window(bytes, position) << (position & 7);
        let top = u64::try_from(raw >> 64).expect("the window is 72 bits at the top");
        let unused = 64 - self.bits;
        if self.is_signed {
            top.cast_signed() >> unused
        } else {
            (top >> unused).cast_signed()
        }
    }

    /// Writes the low bits of a number at a position of bits.
    ///
    /// # Panics
    /// If the field does not lie inside the string.
    pub fn set(self, bytes: &mut [u8], position: u64, value: i64) {
        for at in 0..u64::from(self.bits) {
            let weight = u64::from(self.bits) - 1 - at;
            set(bytes, position + at, (value >> weight) & 1 != 0);
        }
    }

    /// The nine bytes that hold any field at this position, at the top of a number.
    fn window(self, bytes: &[u8], position: u64) -> u128 {
        let first = position >> 3;
        (0..9).fold(0, |window, at| {
            let byte = byte_at(bytes, first.saturating_add(at));
            window | u128::from(byte) << (120 - 8 * at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"\x00\xff\x0f\xf0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff";

    /// Bit by bit, the slow way.
    fn bits(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8)
            .map(|at| get(bytes, at))
            .collect()
    }

    #[test]
    fn ranges_are_counted_and_searched_as_bit_by_bit() {
        let all = bits(TEXT);
        for start in 0..all.len() {
            for end in start..all.len() {
                let range = start as u64..=end as u64;
                let slow = all[start..=end].iter().filter(|&&bit| bit).count() as u64;
                assert_eq!(count_between(TEXT, &range), slow, "{range:?}");
                for bit in [false, true] {
                    let slow = all[start..=end].iter().position(|&found| found == bit);
                    let slow = slow.map(|at| (start + at) as u64);
                    assert_eq!(position(TEXT, &range, bit), slow, "{bit} in {range:?}");
                }
            }
        }
        assert_eq!(count(TEXT), 33);
    }

    #[test]
    fn bits_past_the_end_are_zero() {
        assert!(!get(b"\xff", 8));
        assert!(!get(b"\xff", u64::MAX));
        let field = Field {
            is_signed: false,
            bits: 16,
        };
        assert_eq!(field.get(b"\xff", 0), 0xff00);
        assert_eq!(field.get(b"\xff", 4), 0xf000);
        assert_eq!(field.get(b"", u64::MAX), 0);
    }

    #[test]
    fn fields_of_any_width_are_read_as_they_were_written() {
        for width in 1..=64 {
            for position in [0, 1, 7, 8, 13, 64] {
                for is_signed in [true, false] {
                    let field = Field {
                        is_signed,
                        bits: width,
                    };
                    if width == 64 && !is_signed {
                        continue;
                    }
                    for background in [0x00, 0xff] {
                        let mut bytes = vec![background; 17];
                        let before = bits(&bytes);
                        let value = 0x5a5a_1234_8765_f0f1_i64 >> (64 - width);
                        field.set(&mut bytes, position, value);
                        let unused = 64 - width;
                        let read = if is_signed {
                            value << unused >> unused
                        } else {
                            ((value.cast_unsigned() << unused) >> unused).cast_signed()
                        };
                        assert_eq!(field.get(&bytes, position), read, "{field:?} at {position}");
                        let inside = position..position + u64::from(width);
                        for (at, bit) in bits(&bytes).into_iter().enumerate() {
                            let is_inside = inside.contains(&(at as u64));
                            assert!(is_inside || bit == before[at], "bit {at} is not its own");
                        }
                    }
                }
            }
        }
    }
}
