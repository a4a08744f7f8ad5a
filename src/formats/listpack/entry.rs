//! One entry of a listpack: how its bytes are laid out, both ways.
//!
//! Called by the block operations in `listpack`. An entry is its encoding byte, its data, and the
//! size of both again (`back length`), so that a walk can go backwards. Always holds: what
//! `Encoded` writes, `decode` reads back equal; `decode` never looks outside the slice it is given.

use super::Element;
use crate::integer::{parse_i64, size_from_u32};

/// The byte that ends a block; no entry starts with it.
pub(super) const END: u8 = 0xff;

/// Encoding byte and the largest length prefix or integer that can follow it.
const HEAD_BYTES_MAX: usize = 9;
const BACK_BYTES_MAX: usize = 5;

/// How many bytes encoding and data of the entry at the start of `rest` take, back length not
/// counted. `None` at the end byte, at an unknown encoding and where `rest` is too short to tell.
#[inline(always)]
pub(super) fn data_bytes(rest: &[u8]) -> Option<usize> {
    let &first = rest.first()?;
    match first {
        0x00..=0x7f => Some(1),
        0x80..=0xbf => Some(usize::from(first & 0x3f).saturating_add(1)),
        0xc0..=0xdf => Some(2),
        0xe0..=0xef => {
            let &second = rest.get(1)?;
            Some(usize::from(u16::from_be_bytes([first & 0x0f, second])).saturating_add(2))
        }
        0xf0 => {
            let length = u32::from_le_bytes(*rest.get(1..)?.first_chunk()?);
            Some(size_from_u32(length).saturating_add(5))
        }
        0xf1 => Some(3),
        0xf2 => Some(4),
        0xf3 => Some(5),
        0xf4 => Some(9),
        0xf5..=0xff => None,
    }
}

/// How many bytes the back length of an entry of `data_bytes` takes.
#[inline(always)]
pub(super) fn back_bytes(data_bytes: usize) -> usize {
    // These limits are one below what the groups of seven bits could hold; they are the format.
    match data_bytes {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// The whole size of the entry at the start of `rest`.
#[inline(always)]
pub(super) fn entry_bytes(rest: &[u8]) -> Option<usize> {
    let &first = rest.first()?;
    // A walk waits for one size after the other, so the two commonest kinds take the shortest way
    // from the byte to the size: one byte of encoding, short data, one byte of back length.
    if first & 0xc0 == 0x80 {
        return Some(usize::from(first & 0x3f).saturating_add(2));
    }
    if first < 0x80 {
        return Some(2);
    }
    let data = data_bytes(rest)?;
    Some(data.saturating_add(back_bytes(data)))
}

/// Text that is searched for, prepared so that most entries are told from it by one byte.
pub(super) struct Needle<'a> {
    text: &'a [u8],
    /// The encoding byte of `text` as an entry, if one byte tells its length.
    short: Option<u8>,
    /// The number that `text` is the canonical form of.
    number: Option<i64>,
}

impl<'a> Needle<'a> {
    #[inline]
    pub(super) fn new(text: &'a [u8]) -> Self {
        let short = match u8::try_from(text.len()) {
            Ok(length @ 0..=63) => Some(0x80 | length),
            _ => None,
        };
        Self {
            text,
            short,
            number: parse_i64(text),
        }
    }

    /// Whether the entry at the start of `rest` is the needle; `None` at the end.
    #[inline(always)]
    pub(super) fn is_at(&self, rest: &[u8]) -> Option<bool> {
        let &first = rest.first()?;
        if self.number.is_none() && first < 0xe0 {
            // Small numbers and short texts: the length must be that of the needle.
            if Some(first) != self.short {
                return Some(false);
            }
            let end = self.text.len().saturating_add(1);
            return Some(rest.get(1..end)? == self.text);
        }
        let (element, _) = decode(rest)?;
        Some(match element {
            Element::Text(text) => text == self.text,
            Element::Integer(value) => Some(value) == self.number,
        })
    }
}

/// The element at the start of `rest` and the size of its encoding and data.
#[inline(always)]
pub(super) fn decode(rest: &[u8]) -> Option<(Element<'_>, usize)> {
    let size = data_bytes(rest)?;
    let data = rest.get(..size)?;
    let (&first, tail) = data.split_first()?;
    let element = match first {
        0x00..=0x7f => Element::Integer(i64::from(first)),
        0x80..=0xbf => Element::Text(tail),
        0xc0..=0xdf => {
            let raw = i16::from_be_bytes([first & 0x1f, *tail.first()?]);
            // Thirteen bits, the highest of them the sign.
            Element::Integer(i64::from((raw << 3) >> 3))
        }
        0xe0..=0xef => Element::Text(tail.get(1..)?),
        0xf0 => Element::Text(tail.get(4..)?),
        0xf1 => Element::Integer(i64::from(i16::from_le_bytes(*tail.first_chunk()?))),
        0xf2 => {
            let &[low, middle, high] = tail.first_chunk()?;
            Element::Integer(i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8))
        }
        0xf3 => Element::Integer(i64::from(i32::from_le_bytes(*tail.first_chunk()?))),
        0xf4 => Element::Integer(i64::from_le_bytes(*tail.first_chunk()?)),
        0xf5..=0xff => return None,
    };
    Some((element, size))
}

/// The size that the back length ending at the end of `before` states, and its own size.
#[inline]
pub(super) fn decode_back(before: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    let mut shift = 0u32;
    for (index, &byte) in before.iter().rev().take(BACK_BYTES_MAX).enumerate() {
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift = shift.saturating_add(7);
        if byte & 0x80 == 0 {
            return Some((value, index.saturating_add(1)));
        }
    }
    None
}

/// An element laid out, ready to be copied into a block.
pub(super) struct Encoded<'a> {
    head: [u8; HEAD_BYTES_MAX],
    head_bytes: usize,
    text: &'a [u8],
    back: [u8; BACK_BYTES_MAX],
    back_bytes: usize,
}

impl<'a> Encoded<'a> {
    /// Text, or the integer that it is the canonical form of.
    #[inline]
    pub(super) fn text(text: &'a [u8]) -> Self {
        match parse_i64(text) {
            Some(value) => Self::integer(value),
            None => Self::raw_text(text),
        }
    }

    #[inline]
    pub(super) fn element(element: Element<'a>) -> Self {
        match element {
            Element::Text(text) => Self::text(text),
            Element::Integer(value) => Self::integer(value),
        }
    }

    /// Text that stays text.
    fn raw_text(text: &'a [u8]) -> Self {
        if let Ok(length @ 0..=63) = u8::try_from(text.len()) {
            return Self::assemble(&[0x80 | length], text);
        }
        if let Ok(length @ 0..=4095) = u16::try_from(text.len()) {
            return Self::assemble(&(0xe000 | length).to_be_bytes(), text);
        }
        // The block's own limit, asserted where it grows, is below 4 GiB.
        let [a, b, c, d] = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
        Self::assemble(&[0xf0, a, b, c, d], text)
    }

    /// An integer in the narrowest form that holds it.
    #[inline]
    pub(super) fn integer(value: i64) -> Self {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        match value {
            0..=127 => Self::assemble(&[a], &[]),
            -4096..=4095 => Self::assemble(&[0xc0 | (b & 0x1f), a], &[]),
            -0x8000..=0x7fff => Self::assemble(&[0xf1, a, b], &[]),
            -0x80_0000..=0x7f_ffff => Self::assemble(&[0xf2, a, b, c], &[]),
            -0x8000_0000..=0x7fff_ffff => Self::assemble(&[0xf3, a, b, c, d], &[]),
            _ => Self::assemble(&[0xf4, a, b, c, d, e, f, g, h], &[]),
        }
    }

    #[inline(always)]
    fn assemble(start: &[u8], text: &'a [u8]) -> Self {
        let mut head = [0; HEAD_BYTES_MAX];
        for (to, from) in head.iter_mut().zip(start) {
            *to = *from;
        }
        let data = start.len().saturating_add(text.len());
        let back_bytes = back_bytes(data);
        let mut back = [0; BACK_BYTES_MAX];
        let mut left = data;
        for slot in back.iter_mut().take(back_bytes).rev() {
            // Most significant group first; every byte but the first says that more precede it.
            *slot = u8::try_from(left & 0x7f).unwrap_or(0) | 0x80;
            left >>= 7;
        }
        if let Some(slot) = back.first_mut() {
            *slot &= 0x7f;
        }
        Self {
            head,
            head_bytes: start.len(),
            text,
            back,
            back_bytes,
        }
    }

    /// The whole size of the entry.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.head_bytes
            .saturating_add(self.text.len())
            .saturating_add(self.back_bytes)
    }

    /// Copies the entry into `gap`, which has exactly `len` bytes.
    #[inline]
    pub(super) fn write(&self, gap: &mut [u8]) {
        let parts = [
            self.head.get(..self.head_bytes).unwrap_or(&[]),
            self.text,
            self.back.get(..self.back_bytes).unwrap_or(&[]),
        ];
        let mut gap = gap;
        for part in parts {
            let Some((now, later)) = gap.split_at_mut_checked(part.len()) else {
                debug_assert!(false, "the gap is smaller than the entry");
                return;
            };
            now.copy_from_slice(part);
            gap = later;
        }
    }
}
