//! `Intset`: a set of integers, sorted, in one block of bytes.
//!
//! The engine keeps small sets of integers in it; RDB files and DUMP payloads hold the same bytes.
//! Layout: u32 width (2, 4 or 8), u32 count, the integers little endian, strictly ascending.
//!
//! Always holds: `bytes()` is a well-formed block; the width only ever grows, as in Redis.

use crate::block;
use crate::integer::size_from_u32;

const HEADER_BYTES: usize = 8;

/// How many bytes each integer of a set takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two,
    Four,
    Eight,
}

impl Width {
    #[inline(always)]
    fn of(value: i64) -> Self {
        if i16::try_from(value).is_ok() {
            Self::Two
        } else if i32::try_from(value).is_ok() {
            Self::Four
        } else {
            Self::Eight
        }
    }

    #[inline(always)]
    fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

/// Why bytes are not an intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntsetError {
    /// The width is none of 2, 4 and 8.
    #[error("an intset states integers of {0} bytes")]
    Width(u32),
    /// The size does not follow from width and count.
    #[error("an intset of {found} bytes should have {expected}")]
    Size {
        /// Eight bytes of header and the integers.
        expected: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// An integer is not larger than the one before it.
    #[error("intset element {index} is not above the one before it")]
    Order {
        /// Which integer, from 0.
        index: usize,
    },
}

/// An owned intset. Sixteen bytes and one allocation; slack only up to the allocator's class.
#[derive(Clone)]
pub struct Intset {
    /// The block, then unused bytes. Its own header says where it ends.
    block: Box<[u8]>,
}

impl Intset {
    /// A set without integers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            block: block::from_bytes(&[2, 0, 0, 0, 0, 0, 0, 0]),
        }
    }

    /// Takes over foreign bytes after checking every integer.
    ///
    /// # Errors
    /// Says what is wrong; nothing is repaired.
    pub fn from_bytes_checked(bytes: &[u8]) -> Result<Self, IntsetError> {
        let header = bytes.first_chunk::<HEADER_BYTES>();
        let &[w0, w1, w2, w3, c0, c1, c2, c3] = header.ok_or(IntsetError::Size {
            expected: HEADER_BYTES,
            found: bytes.len(),
        })?;
        let width = match u32::from_le_bytes([w0, w1, w2, w3]) {
            2 => Width::Two,
            4 => Width::Four,
            8 => Width::Eight,
            other => return Err(IntsetError::Width(other)),
        };
        let count = size_from_u32(u32::from_le_bytes([c0, c1, c2, c3]));
        let expected = count
            .saturating_mul(width.bytes())
            .saturating_add(HEADER_BYTES);
        if bytes.len() != expected {
            return Err(IntsetError::Size {
                expected,
                found: bytes.len(),
            });
        }
        let set = Self {
            block: block::from_bytes(bytes),
        };
        let mut previous = None;
        for (index, value) in set.iter().enumerate() {
            if previous.is_some_and(|previous| previous >= value) {
                return Err(IntsetError::Order { index });
            }
            previous = Some(value);
        }
        Ok(set)
    }

    /// The block, as files and payloads hold it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.block.get(..self.used()).unwrap_or(&[])
    }

    /// The size of `bytes`.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.used()
    }

    /// What the allocator was asked for, for memory accounting.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.block.len()
    }

    /// How many integers there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match self.block.first_chunk() {
            Some(&[_, _, _, _, c0, c1, c2, c3]) => {
                size_from_u32(u32::from_le_bytes([c0, c1, c2, c3]))
            }
            None => 0,
        }
    }

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an integer; false if it was there.
    ///
    /// # Panics
    /// At 2^32 integers; callers convert to a table long before (`set-max-intset-entries`).
    pub fn add(&mut self, value: i64) -> bool {
        if Width::of(value) > self.width() {
            self.upgrade(Width::of(value));
        }
        match self.search(value) {
            Ok(_) => false,
            Err(index) => {
                let width = self.width().bytes();
                let used = self.used();
                let at = offset(index, width);
                block::grow(&mut self.block, used.saturating_add(width));
                self.block.copy_within(at..used, at.saturating_add(width));
                self.put(index, value);
                self.set_len(self.len().saturating_add(1));
                true
            }
        }
    }

    /// Takes an integer out; false if it was not there.
    pub fn remove(&mut self, value: i64) -> bool {
        let Ok(index) = self.search(value) else {
            return false;
        };
        let width = self.width().bytes();
        let used = self.used();
        let at = offset(index, width);
        self.block.copy_within(at.saturating_add(width)..used, at);
        self.set_len(self.len().saturating_sub(1));
        block::shrink(&mut self.block, used.saturating_sub(width));
        true
    }

    /// Whether the integer is there.
    #[inline]
    #[must_use]
    pub fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// The integer at `index` in ascending order; a caller's random index gives a random member.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<i64> {
        if index >= self.len() {
            return None;
        }
        let rest = self.block.get(offset(index, self.width().bytes())..)?;
        Some(match self.width() {
            Width::Two => i64::from(i16::from_le_bytes(*rest.first_chunk()?)),
            Width::Four => i64::from(i32::from_le_bytes(*rest.first_chunk()?)),
            Width::Eight => i64::from_le_bytes(*rest.first_chunk()?),
        })
    }

    /// The smallest integer.
    #[must_use]
    pub fn first(&self) -> Option<i64> {
        self.get(0)
    }

    /// The largest integer.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// All integers, ascending; also backwards.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + '_ {
        // Every index below `len` is there; the default only satisfies the types.
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// Where `value` is, or where it belongs.
    #[inline]
    fn search(&self, value: i64) -> Result<usize, usize> {
        let integers = self
            .block
            .get(HEADER_BYTES..self.used())
            .unwrap_or_default();
        match self.width() {
            Width::Two => integers
                .as_chunks()
                .0
                .binary_search_by_key(&value, |chunk| i64::from(i16::from_le_bytes(*chunk))),
            Width::Four => integers
                .as_chunks()
                .0
                .binary_search_by_key(&value, |chunk| i64::from(i32::from_le_bytes(*chunk))),
            Width::Eight => integers
                .as_chunks()
                .0
                .binary_search_by_key(&value, |chunk| i64::from_le_bytes(*chunk)),
        }
    }

    /// Rewrites every integer in the larger `width`.
    fn upgrade(&mut self, width: Width) {
        let mut wider = Vec::with_capacity(offset(self.len(), width.bytes()));
        wider.extend_from_slice(&u32::try_from(width.bytes()).unwrap_or(8).to_le_bytes());
        wider.extend(self.block.get(4..HEADER_BYTES).unwrap_or_default());
        for value in self.iter() {
            let bytes = value.to_le_bytes();
            wider.extend(bytes.iter().take(width.bytes()));
        }
        self.block = block::from_bytes(&wider);
    }

    /// Writes `value`, which fits the width, at `index`, which the block has room for.
    fn put(&mut self, index: usize, value: i64) {
        let width = self.width().bytes();
        let at = offset(index, width);
        if let Some(place) = self.block.get_mut(at..at.saturating_add(width)) {
            for (to, from) in place.iter_mut().zip(value.to_le_bytes()) {
                *to = from;
            }
        }
    }

    fn set_len(&mut self, count: usize) {
        let count = u32::try_from(count).expect("a set is converted long before 2^32 integers");
        if let Some(place) = self.block.get_mut(4..HEADER_BYTES) {
            place.copy_from_slice(&count.to_le_bytes());
        }
    }

    #[inline(always)]
    fn width(&self) -> Width {
        match self.block.first() {
            Some(2) => Width::Two,
            Some(4) => Width::Four,
            _ => Width::Eight,
        }
    }

    #[inline(always)]
    fn used(&self) -> usize {
        offset(self.len(), self.width().bytes()).min(self.block.len())
    }
}

#[inline(always)]
fn offset(index: usize, width: usize) -> usize {
    index.saturating_mul(width).saturating_add(HEADER_BYTES)
}

impl Default for Intset {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal bytes; slack does not count.
impl PartialEq for Intset {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Intset {}

impl std::fmt::Debug for Intset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_width_follows_the_largest_integer_ever_added() {
        let mut set = Intset::new();
        assert!(set.add(5));
        assert_eq!(set.bytes(), [2, 0, 0, 0, 1, 0, 0, 0, 5, 0]);
        assert!(set.add(-70_000));
        assert_eq!(
            set.bytes(),
            [4, 0, 0, 0, 2, 0, 0, 0, 0x90, 0xee, 0xfe, 0xff, 5, 0, 0, 0]
        );
        assert!(set.add(i64::MAX));
        assert!(set.remove(i64::MAX));
        assert_eq!(set.bytes_len(), 8 + 16);
    }

    #[test]
    fn foreign_bytes_are_checked_in_every_respect() {
        for bytes in [
            &[][..],
            &[2, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 1, 0, 0, 0],
            &[2, 0, 0, 0, 1, 0, 0, 0, 1],
            &[2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0],
            &[8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0],
        ] {
            assert!(Intset::from_bytes_checked(bytes).is_err(), "{bytes:?}");
        }
    }

    fn values() -> impl Strategy<Value = i64> {
        prop_oneof![
            -20i64..20,
            any::<i16>().prop_map(i64::from),
            any::<i32>().prop_map(i64::from),
            any::<i64>(),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_set(
            changes in proptest::collection::vec((any::<bool>(), values()), 0..80),
        ) {
            let mut set = Intset::new();
            let mut model = BTreeSet::new();
            for (add, value) in changes {
                if add {
                    prop_assert_eq!(set.add(value), model.insert(value));
                } else {
                    prop_assert_eq!(set.remove(value), model.remove(&value));
                }
                prop_assert_eq!(set.contains(value), model.contains(&value));
                prop_assert!(set.iter().eq(model.iter().copied()));
                prop_assert!(set.iter().rev().eq(model.iter().rev().copied()));
                prop_assert_eq!(set.last(), model.last().copied());
                let again = Intset::from_bytes_checked(set.bytes());
                prop_assert_eq!(again.as_ref(), Ok(&set));
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(set) = Intset::from_bytes_checked(&bytes) {
                prop_assert_eq!(set.bytes(), bytes);
            }
        }
    }
}
