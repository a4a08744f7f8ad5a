//! `Listpack`: a list of short byte strings and integers in one block of bytes.
//!
//! The engine keeps small hashes, sets, sorted sets, list nodes and stream nodes in it; RDB files
//! and DUMP payloads hold the same bytes. Layout: u32 total size, u16 count (65,535 = "walk to
//! count"), entries (`entry`), an end byte.
//!
//! Always holds: `bytes()` is a well-formed block, because every way in either builds it here or
//! goes through `check`. A position is valid until the next change at or before it.

mod element;
mod entry;
mod error;
mod iter;

pub use element::Element;
use entry::{END, Encoded, Needle};
pub use error::ListpackError;
pub use iter::{Iter, Positions};

use crate::block;
use crate::integer::size_from_u32;

/// Size and count at the start of a block.
const HEADER_BYTES: usize = 6;
const EMPTY_BYTES: usize = 7;
/// The stored count that means "too many to store".
const COUNT_UNKNOWN: u16 = u16::MAX;
/// No block grows above this; Redis draws the same line.
pub const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// Where an element stands in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u32);

impl Position {
    #[inline(always)]
    fn new(offset: usize) -> Self {
        Self(u32::try_from(offset).unwrap_or(u32::MAX))
    }

    #[inline(always)]
    fn offset(self) -> usize {
        size_from_u32(self.0)
    }
}

/// An owned listpack. Sixteen bytes and one allocation; slack only up to the allocator's class.
#[derive(Clone)]
pub struct Listpack {
    /// The block, then unused bytes. Its own header says where it ends.
    block: Box<[u8]>,
}

impl Listpack {
    /// A list without elements.
    #[must_use]
    pub fn new() -> Self {
        let empty: [u8; EMPTY_BYTES] = [7, 0, 0, 0, 0, 0, END];
        Self {
            block: block::from_bytes(&empty),
        }
    }

    /// Takes over foreign bytes after checking every one of them.
    ///
    /// # Errors
    /// Says what is wrong and where; nothing is repaired.
    pub fn from_bytes_checked(bytes: &[u8]) -> Result<Self, ListpackError> {
        Self::check(bytes)?;
        Ok(Self {
            block: block::from_bytes(bytes),
        })
    }

    /// As `from_bytes_checked`, of bytes that are the caller's own.
    ///
    /// # Errors
    /// As `from_bytes_checked`.
    pub fn from_vec_checked(bytes: Vec<u8>) -> Result<Self, ListpackError> {
        Self::check(&bytes)?;
        Ok(Self {
            block: block::from_vec(bytes),
        })
    }

    /// Checks a block of foreign bytes and counts its elements, without taking it over.
    ///
    /// # Errors
    /// As `from_bytes_checked`.
    pub fn check(bytes: &[u8]) -> Result<usize, ListpackError> {
        let size = bytes.len();
        let stated = bytes
            .first_chunk()
            .map_or(0, |chunk| size_from_u32(u32::from_le_bytes(*chunk)));
        if stated != size || !(EMPTY_BYTES..=LISTPACK_BYTES_MAX).contains(&size) {
            return Err(ListpackError::Size {
                stated,
                found: size,
            });
        }
        let mut at = HEADER_BYTES;
        let mut count = 0usize;
        loop {
            let rest = bytes.get(at..).unwrap_or(&[]);
            if rest.first() == Some(&END) {
                break;
            }
            let entry = check_entry(rest).ok_or(ListpackError::Entry { at })?;
            at = at.saturating_add(entry);
            count = count.saturating_add(1);
        }
        if at.saturating_add(1) != size {
            return Err(ListpackError::End { at, size });
        }
        match stored_count(bytes) {
            COUNT_UNKNOWN => Ok(count),
            stated if usize::from(stated) == count => Ok(count),
            stated => Err(ListpackError::Count {
                stated: usize::from(stated),
                found: count,
            }),
        }
    }

    /// The block, as files and payloads hold it.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.block.get(..self.used()).unwrap_or(&[])
    }

    /// The size of `bytes`.
    #[inline]
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.used()
    }

    /// What the allocator was asked for, for memory accounting.
    #[inline]
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.block.len()
    }

    /// How many elements there are. Constant time up to 65,534 of them.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match stored_count(&self.block) {
            COUNT_UNKNOWN => self.positions().count(),
            count => usize::from(count),
        }
    }

    /// Whether there is no element.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used() == EMPTY_BYTES
    }

    /// Whether elements of `text_bytes` altogether can be added without passing the block's limit.
    /// Callers ask before they add what a client sent.
    #[must_use]
    pub fn has_room_for(&self, text_bytes: usize, elements: usize) -> bool {
        // At most five bytes of length and five of back length come with each text.
        let overhead = elements.saturating_mul(10);
        self.used()
            .saturating_add(text_bytes)
            .saturating_add(overhead)
            <= LISTPACK_BYTES_MAX
    }

    /// Adds an element at the end.
    ///
    /// # Panics
    /// If the block would pass `LISTPACK_BYTES_MAX`, as every method that adds; see `has_room_for`.
    #[inline]
    pub fn push_back(&mut self, text: &[u8]) -> Position {
        self.put(self.end(), 0, &Encoded::text(text), 1)
    }

    /// Adds an integer at the end, without going through its text.
    #[inline]
    pub fn push_back_integer(&mut self, value: i64) -> Position {
        self.put(self.end(), 0, &Encoded::integer(value), 1)
    }

    /// Adds an element of another block at the end.
    #[inline]
    pub fn push_back_element(&mut self, element: Element<'_>) -> Position {
        self.put(self.end(), 0, &Encoded::element(element), 1)
    }

    /// Adds an element at the start.
    #[inline]
    pub fn push_front(&mut self, text: &[u8]) -> Position {
        self.put(HEADER_BYTES, 0, &Encoded::text(text), 1)
    }

    /// Adds two elements at the end with one growth: a field and its value, a member and its score.
    pub fn append_pair(&mut self, first: &[u8], second: &[u8]) {
        let (first, second) = (Encoded::text(first), Encoded::text(second));
        let at = self.end();
        let both = first.len().saturating_add(second.len());
        self.open_gap(at, 0, both);
        let middle = at.saturating_add(first.len());
        if let Some(gap) = self.block.get_mut(at..middle) {
            first.write(gap);
        }
        if let Some(gap) = self.block.get_mut(middle..at.saturating_add(both)) {
            second.write(gap);
        }
        self.recount(0, 2);
    }

    /// Adds all elements of `other` at the end, by copying its entries as they are.
    pub fn merge(&mut self, other: &Self) {
        let Some(entries) = other.block.get(HEADER_BYTES..other.end()) else {
            return;
        };
        let at = self.end();
        self.open_gap(at, 0, entries.len());
        if let Some(gap) = self.block.get_mut(at..at.saturating_add(entries.len())) {
            gap.copy_from_slice(entries);
        }
        match stored_count(&other.block) {
            COUNT_UNKNOWN => self.set_stored_count(COUNT_UNKNOWN),
            count => self.recount(0, usize::from(count)),
        }
    }

    /// Adds an element before the one at `position`, and says where it is.
    #[inline]
    pub fn insert_before(&mut self, position: Position, text: &[u8]) -> Position {
        self.put(self.clamp(position), 0, &Encoded::text(text), 1)
    }

    /// Adds an element after the one at `position`, and says where it is.
    #[inline]
    pub fn insert_after(&mut self, position: Position, text: &[u8]) -> Position {
        let after = self.after(position);
        self.put(after, 0, &Encoded::text(text), 1)
    }

    /// Puts `text` in place of the element at `position`, which stays valid.
    #[inline]
    pub fn replace(&mut self, position: Position, text: &[u8]) -> Position {
        let at = self.clamp(position);
        let old = self.after(position).saturating_sub(at);
        self.put(at, old, &Encoded::text(text), usize::from(old == 0))
    }

    /// As `replace`, with an integer.
    #[inline]
    pub fn replace_integer(&mut self, position: Position, value: i64) -> Position {
        let at = self.clamp(position);
        let old = self.after(position).saturating_sub(at);
        self.put(at, old, &Encoded::integer(value), usize::from(old == 0))
    }

    /// Takes out the element at `position`; the one that followed it now stands there.
    #[inline]
    pub fn remove(&mut self, position: Position) -> Option<Position> {
        self.remove_at(position, 1);
        self.at_or_end(position.offset())
    }

    /// Takes out up to `count` elements from `position` on, and says how many.
    pub fn remove_at(&mut self, position: Position, count: usize) -> usize {
        let from = self.clamp(position);
        let mut to = from;
        let mut removed = 0usize;
        while removed < count {
            let Some(entry) = self.entry_bytes_at(to) else {
                break;
            };
            to = to.saturating_add(entry);
            removed = removed.saturating_add(1);
        }
        if removed > 0 {
            self.open_gap(from, to.saturating_sub(from), 0);
            self.recount(removed, 0);
        }
        removed
    }

    /// Takes out up to `count` elements from `index` on (negative: from the end), and says how many.
    pub fn remove_range(&mut self, index: i64, count: usize) -> usize {
        match self.seek(index) {
            Some(position) => self.remove_at(position, count),
            None => 0,
        }
    }

    /// Takes out every element and gives the memory back.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The element at `index`; a negative index counts from the end.
    #[must_use]
    pub fn get(&self, index: i64) -> Option<Element<'_>> {
        self.element(self.seek(index)?)
    }

    /// Where the element at `index` stands; a negative index counts from the end.
    #[must_use]
    pub fn seek(&self, index: i64) -> Option<Position> {
        let steps = usize::try_from(index.unsigned_abs()).ok()?;
        let count = stored_count(&self.block);
        if count == COUNT_UNKNOWN {
            return if index >= 0 {
                self.positions().nth(steps)
            } else {
                self.positions().rev().nth(steps.saturating_sub(1))
            };
        }
        let count = usize::from(count);
        let from_start = if index >= 0 {
            steps
        } else {
            count.checked_sub(steps)?
        };
        let from_end = count.checked_sub(from_start)?.checked_sub(1)?;
        // Walk from the nearer end.
        if from_start <= from_end {
            self.positions().nth(from_start)
        } else {
            self.positions().rev().nth(from_end)
        }
    }

    /// The element at `position`.
    #[inline]
    #[must_use]
    pub fn element(&self, position: Position) -> Option<Element<'_>> {
        let rest = self.block.get(position.offset()..self.end())?;
        entry::decode(rest).map(|(element, _)| element)
    }

    /// Where the first element stands.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<Position> {
        self.at_or_end(HEADER_BYTES)
    }

    /// Where the last element stands.
    #[inline]
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        self.before(self.end())
    }

    /// Where the element after `position` stands.
    #[inline]
    #[must_use]
    pub fn next(&self, position: Position) -> Option<Position> {
        let at = position.offset();
        let entry = self.entry_bytes_at(at)?;
        self.at_or_end(at.saturating_add(entry))
    }

    /// Where the element before `position` stands.
    #[inline]
    #[must_use]
    pub fn prev(&self, position: Position) -> Option<Position> {
        self.before(position.offset())
    }

    /// Where the first element equal to `needle` stands. Between two that are compared, `skip`
    /// elements are passed over: 1 finds a field among fields and values.
    #[inline]
    #[must_use]
    pub fn find(&self, needle: &[u8], skip: usize) -> Option<Position> {
        self.find_from(self.first()?, needle, skip)
    }

    /// As `find`, from `position` on; that element is compared first.
    #[must_use]
    pub fn find_from(&self, position: Position, needle: &[u8], skip: usize) -> Option<Position> {
        let needle = Needle::new(needle);
        let mut rest = self.block.get(position.offset()..self.end())?;
        let end = self.end();
        loop {
            if needle.is_at(rest)? {
                return Some(Position::new(end.saturating_sub(rest.len())));
            }
            for _ in 0..=skip {
                rest = rest.get(entry::entry_bytes(rest)?..)?;
            }
        }
    }

    /// All elements in order; also backwards.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(&self.block, HEADER_BYTES, self.end())
    }

    /// The elements from `position` on.
    #[inline]
    #[must_use]
    pub fn iter_from(&self, position: Position) -> Iter<'_> {
        Iter::new(&self.block, position.offset().max(HEADER_BYTES), self.end())
    }

    /// Where each element stands, in order; also backwards.
    #[inline]
    #[must_use]
    pub fn positions(&self) -> Positions<'_> {
        Positions::new(self.iter())
    }

    /// How many bytes are in use, end byte included.
    #[inline(always)]
    fn used(&self) -> usize {
        self.block
            .first_chunk()
            .map_or(0, |chunk| size_from_u32(u32::from_le_bytes(*chunk)))
    }

    /// Offset of the end byte.
    #[inline(always)]
    fn end(&self) -> usize {
        self.used().saturating_sub(1)
    }

    #[inline(always)]
    fn at_or_end(&self, offset: usize) -> Option<Position> {
        (offset < self.end()).then(|| Position::new(offset))
    }

    #[inline(always)]
    fn clamp(&self, position: Position) -> usize {
        position.offset().min(self.end())
    }

    #[inline(always)]
    fn entry_bytes_at(&self, offset: usize) -> Option<usize> {
        entry::entry_bytes(self.block.get(offset..self.end())?)
    }

    /// Offset after the element at `position`.
    #[inline(always)]
    fn after(&self, position: Position) -> usize {
        let at = self.clamp(position);
        at.saturating_add(self.entry_bytes_at(at).unwrap_or(0))
    }

    #[inline]
    fn before(&self, offset: usize) -> Option<Position> {
        iter::entry_before(&self.block, offset).map(Position::new)
    }

    /// Puts one entry at `at` in place of `removed` bytes; `added` elements more than before.
    #[inline]
    fn put(&mut self, at: usize, removed: usize, entry: &Encoded<'_>, added: usize) -> Position {
        self.open_gap(at, removed, entry.len());
        if let Some(gap) = self.block.get_mut(at..at.saturating_add(entry.len())) {
            entry.write(gap);
        }
        self.recount(0, added);
        Position::new(at)
    }

    /// Makes room for `added` bytes at `at` in place of `removed` ones, and restates the size.
    fn open_gap(&mut self, at: usize, removed: usize, added: usize) {
        let used = self.used();
        let after = used.saturating_sub(removed).saturating_add(added);
        assert!(
            after <= LISTPACK_BYTES_MAX,
            "a listpack of {after} bytes passes its limit"
        );
        block::grow(&mut self.block, after);
        self.block
            .copy_within(at.saturating_add(removed)..used, at.saturating_add(added));
        if let Some(size) = self.block.first_chunk_mut() {
            *size = u32::try_from(after).unwrap_or(u32::MAX).to_le_bytes();
        }
        block::shrink(&mut self.block, after);
    }

    /// Keeps the stored count true after `removed` and `added` elements.
    #[inline]
    fn recount(&mut self, removed: usize, added: usize) {
        let stored = stored_count(&self.block);
        if stored == COUNT_UNKNOWN {
            return;
        }
        let count = usize::from(stored)
            .saturating_sub(removed)
            .saturating_add(added);
        self.set_stored_count(u16::try_from(count).unwrap_or(COUNT_UNKNOWN));
    }

    #[inline(always)]
    fn set_stored_count(&mut self, count: u16) {
        if let Some([_, _, _, _, low, high]) = self.block.first_chunk_mut() {
            [*low, *high] = count.to_le_bytes();
        }
    }
}

/// Equal bytes; slack does not count.
impl PartialEq for Listpack {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Listpack {}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Listpack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Listpack {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[inline(always)]
fn stored_count(block: &[u8]) -> u16 {
    match block.first_chunk() {
        Some(&[_, _, _, _, low, high]) => u16::from_le_bytes([low, high]),
        None => 0,
    }
}

/// The entry at the start of `rest`, if it decodes, fits before the end byte and its back length
/// is right; its size.
fn check_entry(rest: &[u8]) -> Option<usize> {
    let (_, data) = entry::decode(rest)?;
    let entry = data.checked_add(entry::back_bytes(data))?;
    // At least the end byte must follow.
    if entry >= rest.len() {
        return None;
    }
    let stated = entry::decode_back(rest.get(data..entry)?)?;
    (stated == (data, entry.checked_sub(data)?)).then_some(entry)
}

#[cfg(test)]
mod tests;
