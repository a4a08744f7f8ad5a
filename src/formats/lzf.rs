//! LZF, the compression of long strings in RDB files.
//!
//! Called by the RDB writer and reader for single strings. A stream is a row of control bytes:
//! below 32 that many and one literal bytes follow; else the top three bits are a length (7: one more
//! byte adds to it) and thirteen bits a distance back. Always holds: what `compress` gives,
//! `decompress` turns back; `decompress` never writes or allocates more than it was told to expect.

use crate::integer::size_from_u32;

const LITERALS_MAX: usize = 32;
const MATCH_BYTES_MIN: usize = 3;
const MATCH_BYTES_MAX: usize = 264;
const DISTANCE_MAX: usize = 8192;
/// Three bytes of input give at most `MATCH_BYTES_MAX` of output.
const EXPANSION_MAX: usize = 88;
/// The table of recent positions is as large as the input deserves, between these.
const TABLE_BITS_MIN: u32 = 8;
const TABLE_BITS_MAX: u32 = 14;

/// Why bytes are not the compressed form of what was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LzfError {
    /// The compressed bytes end inside an item.
    #[error("compressed string ends inside an item")]
    Cut,
    /// A copy refers to bytes before the start.
    #[error("compressed string refers to before its start")]
    Distance,
    /// The stream gives another size than announced, or no stream of its size could give it.
    #[error("compressed string gives another size than the {expected} bytes announced")]
    Size {
        /// The announced size.
        expected: usize,
    },
}

/// Turns `input` back into exactly `expected` bytes.
///
/// # Errors
/// On every stream that does not give exactly that many; nothing large is allocated for a small
/// stream.
pub fn decompress(input: &[u8], expected: usize) -> Result<Vec<u8>, LzfError> {
    let size_error = LzfError::Size { expected };
    if expected > input.len().saturating_mul(EXPANSION_MAX) {
        return Err(size_error);
    }
    let mut output = Vec::with_capacity(expected);
    let mut rest = input;
    while let Some((&control, after)) = rest.split_first() {
        let room = expected.saturating_sub(output.len());
        if control < 32 {
            let count = usize::from(control).saturating_add(1);
            let (literals, after) = after.split_at_checked(count).ok_or(LzfError::Cut)?;
            if count > room {
                return Err(size_error);
            }
            output.extend_from_slice(literals);
            rest = after;
            continue;
        }
        let mut length = usize::from(control >> 5);
        let mut after = after;
        if length == 7 {
            let (&more, later) = after.split_first().ok_or(LzfError::Cut)?;
            length = length.saturating_add(usize::from(more));
            after = later;
        }
        let (&low, after) = after.split_first().ok_or(LzfError::Cut)?;
        let distance = usize::from(u16::from_be_bytes([control & 0x1f, low])).saturating_add(1);
        let length = length.saturating_add(2);
        if length > room {
            return Err(size_error);
        }
        copy_back(&mut output, distance, length)?;
        rest = after;
    }
    if output.len() == expected {
        Ok(output)
    } else {
        Err(size_error)
    }
}

/// Appends `length` bytes that stand `distance` back; the copy may read what it just wrote.
fn copy_back(output: &mut Vec<u8>, distance: usize, length: usize) -> Result<(), LzfError> {
    let start = output
        .len()
        .checked_sub(distance)
        .ok_or(LzfError::Distance)?;
    let mut left = length;
    while left > 0 {
        // The pattern repeats: what was copied so far doubles what can be copied at once.
        let count = left.min(output.len().saturating_sub(start));
        output.extend_from_within(start..start.saturating_add(count));
        left = left.saturating_sub(count);
    }
    Ok(())
}

/// Compresses strings; keeps its table of positions between them.
#[derive(Debug, Default)]
pub struct Compressor {
    /// Where three bytes with this hash were last seen, plus one; 0 is never.
    table: Vec<u32>,
}

impl Compressor {
    /// A compressor that has allocated nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The compressed form of `input`, or `None` if it would be longer than `output_max` bytes.
    pub fn compress(&mut self, input: &[u8], output_max: usize) -> Option<Vec<u8>> {
        let bits = u32::try_from(input.len())
            .ok()?
            .checked_ilog2()?
            .clamp(TABLE_BITS_MIN, TABLE_BITS_MAX);
        let slots = 1usize.checked_shl(bits)?;
        self.table.clear();
        self.table.resize(slots, 0);

        let mut output = Vec::with_capacity(output_max.min(input.len()) / 2);
        let mut literals_from = 0usize;
        let mut at = 0usize;
        while let Some(three) = input.get(at..).and_then(<[u8]>::first_chunk::<3>) {
            let found = self.remember(three, at, bits);
            match match_bytes(input, found, at) {
                Some((distance, length)) => {
                    put_literals(&mut output, input.get(literals_from..at)?);
                    put_match(&mut output, distance, length);
                    at = at.saturating_add(length);
                    literals_from = at;
                }
                None => at = at.saturating_add(1),
            }
            if output.len() > output_max {
                return None;
            }
        }
        put_literals(&mut output, input.get(literals_from..)?);
        (output.len() <= output_max).then_some(output)
    }

    /// Notes that `three` bytes stand at `at`, and says where such bytes stood before, plus one.
    fn remember(&mut self, three: &[u8; 3], at: usize, bits: u32) -> u32 {
        let [a, b, c] = *three;
        let hash = u32::from_le_bytes([0, a, b, c]).wrapping_mul(0x9e37_79b1);
        let slot = size_from_u32(hash.checked_shr(32u32.saturating_sub(bits)).unwrap_or(0));
        match self.table.get_mut(slot) {
            Some(place) => {
                let now = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
                std::mem::replace(place, now)
            }
            None => 0,
        }
    }
}

/// Distance and length of the match between `at` and the place that `found` (plus one) names.
fn match_bytes(input: &[u8], found: u32, at: usize) -> Option<(usize, usize)> {
    let earlier = size_from_u32(found).checked_sub(1)?;
    let distance = at.checked_sub(earlier)?;
    if distance > DISTANCE_MAX {
        return None;
    }
    let length = input
        .get(earlier..)?
        .iter()
        .zip(input.get(at..)?)
        .take(MATCH_BYTES_MAX)
        .take_while(|(one, two)| one == two)
        .count();
    (length >= MATCH_BYTES_MIN).then_some((distance, length))
}

fn put_literals(output: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        output.push(u8::try_from(run.len().saturating_sub(1)).unwrap_or(0));
        output.extend_from_slice(run);
    }
}

fn put_match(output: &mut Vec<u8>, distance: usize, length: usize) {
    let back = u16::try_from(distance.saturating_sub(1)).unwrap_or(0);
    let [high, low] = back.to_be_bytes();
    let length = u16::try_from(length.saturating_sub(2)).unwrap_or(0);
    match u8::try_from(length) {
        Ok(short @ 0..=6) => output.push((short << 5) | high),
        _ => {
            output.push((7 << 5) | high);
            output.push(u8::try_from(length.saturating_sub(7)).unwrap_or(u8::MAX));
        }
    }
    output.push(low);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_compress_and_come_back() {
        let input = vec![b'a'; 10_000];
        let packed = Compressor::new()
            .compress(&input, input.len())
            .expect("shorter");
        assert!(packed.len() < 130, "{}", packed.len());
        assert_eq!(decompress(&packed, input.len()), Ok(input));
    }

    #[test]
    fn what_does_not_pay_is_refused() {
        let input: Vec<u8> = (0..=255).collect();
        assert_eq!(Compressor::new().compress(&input, 252), None);
        assert_eq!(Compressor::new().compress(b"", 10), None);
    }

    #[test]
    fn hostile_streams_are_refused() {
        for (stream, expected, want) in [
            (&[0][..], 1, LzfError::Cut),
            (&[3, 1, 2], 4, LzfError::Cut),
            (&[0, 1, 0x20], 4, LzfError::Cut),
            (&[0, 1, 0xe0], 4, LzfError::Cut),
            (&[0x20, 0], 3, LzfError::Distance),
            (&[0, 1, 0x20, 1], 4, LzfError::Distance),
            (&[0, 1, 0x20, 0], 3, LzfError::Size { expected: 3 }),
            (&[0, 1], 2, LzfError::Size { expected: 2 }),
            (&[1, 1, 1], 1, LzfError::Size { expected: 1 }),
            (&[0, 1], 1 << 40, LzfError::Size { expected: 1 << 40 }),
        ] {
            assert_eq!(decompress(stream, expected), Err(want), "{stream:?}");
        }
    }

    proptest! {
        #[test]
        fn every_string_comes_back(
            seed in proptest::collection::vec(any::<u8>(), 1..40),
            picks in proptest::collection::vec((0usize..40, 1usize..40), 0..200),
        ) {
            // Text made of repeated parts, so that there is something to find.
            let mut input = Vec::new();
            for (from, count) in picks {
                input.extend(seed.iter().cycle().skip(from).take(count));
            }
            if let Some(packed) = Compressor::new().compress(&input, input.len() * 2) {
                prop_assert_eq!(decompress(&packed, input.len()), Ok(input));
            } else {
                prop_assert!(input.is_empty());
            }
        }

        #[test]
        fn any_stream_is_bounded(
            stream in proptest::collection::vec(any::<u8>(), 0..100),
            expected in 0usize..5000,
        ) {
            if let Ok(output) = decompress(&stream, expected) {
                prop_assert_eq!(output.len(), expected);
            }
        }
    }
}
