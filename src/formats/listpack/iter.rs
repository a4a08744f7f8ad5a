//! Walks over a listpack's elements, from either end.
//!
//! Made by `Listpack::iter` and `positions`. Always holds: the range still to be walked begins and
//! ends on entry boundaries of one well-formed block.

use super::{Element, HEADER_BYTES, Position, entry};

/// Offset of the entry that ends right before `offset`, if there is one.
#[inline]
pub(super) fn entry_before(block: &[u8], offset: usize) -> Option<usize> {
    if offset <= HEADER_BYTES {
        return None;
    }
    let (data, back) = entry::decode_back(block.get(..offset)?)?;
    let start = offset.checked_sub(data)?.checked_sub(back)?;
    (start >= HEADER_BYTES).then_some(start)
}

/// The elements of a listpack, in order or backwards.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    block: &'a [u8],
    /// Offset of the next element from the front.
    front: usize,
    /// Offset after the next element from the back.
    back: usize,
}

impl<'a> Iter<'a> {
    #[inline]
    pub(super) fn new(block: &'a [u8], front: usize, back: usize) -> Self {
        Self { block, front, back }
    }

    /// Where the next element from the front stands; `None` at the end of the walk.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        (self.front < self.back).then(|| Position::new(self.front))
    }

    #[inline(always)]
    fn step(&mut self) -> Option<(usize, Element<'a>)> {
        let at = self.front;
        let (element, data) = entry::decode(self.block.get(at..self.back)?)?;
        self.front = at
            .saturating_add(data)
            .saturating_add(entry::back_bytes(data));
        Some((at, element))
    }

    #[inline(always)]
    fn step_back(&mut self) -> Option<(usize, Element<'a>)> {
        if self.back <= self.front {
            return None;
        }
        let at = entry_before(self.block, self.back)?;
        let (element, _) = entry::decode(self.block.get(at..self.back)?)?;
        self.back = at;
        Some((at, element))
    }

    /// Passes over `count` elements without decoding them.
    #[inline]
    fn skip_front(&mut self, count: usize) {
        for _ in 0..count {
            let Some(rest) = self.block.get(self.front..self.back) else {
                return;
            };
            let Some(entry) = entry::entry_bytes(rest) else {
                return;
            };
            self.front = self.front.saturating_add(entry);
        }
    }

    #[inline]
    fn skip_back(&mut self, count: usize) {
        for _ in 0..count {
            if self.back <= self.front {
                return;
            }
            match entry_before(self.block, self.back) {
                Some(at) => self.back = at,
                None => return,
            }
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        self.step().map(|(_, element)| element)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<Element<'a>> {
        self.skip_front(n);
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step_back().map(|(_, element)| element)
    }

    #[inline]
    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        self.skip_back(n);
        self.next_back()
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

/// The positions of a listpack's elements, in order or backwards.
#[derive(Clone, Debug)]
pub struct Positions<'a>(Iter<'a>);

impl<'a> Positions<'a> {
    #[inline]
    pub(super) fn new(iter: Iter<'a>) -> Self {
        Self(iter)
    }

    /// The positions together with the elements.
    #[inline]
    #[must_use]
    pub fn with_elements(self) -> impl DoubleEndedIterator<Item = (Position, Element<'a>)> {
        WithElements(self.0)
    }
}

impl Iterator for Positions<'_> {
    type Item = Position;

    #[inline]
    fn next(&mut self) -> Option<Position> {
        self.0.step().map(|(at, _)| Position::new(at))
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<Position> {
        self.0.skip_front(n);
        self.next()
    }

    #[inline]
    fn count(mut self) -> usize {
        let mut count = 0usize;
        while self.next().is_some() {
            count = count.saturating_add(1);
        }
        count
    }
}

impl DoubleEndedIterator for Positions<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Position> {
        self.0.step_back().map(|(at, _)| Position::new(at))
    }

    #[inline]
    fn nth_back(&mut self, n: usize) -> Option<Position> {
        self.0.skip_back(n);
        self.next_back()
    }
}

struct WithElements<'a>(Iter<'a>);

impl<'a> Iterator for WithElements<'a> {
    type Item = (Position, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .step()
            .map(|(at, element)| (Position::new(at), element))
    }
}

impl DoubleEndedIterator for WithElements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0
            .step_back()
            .map(|(at, element)| (Position::new(at), element))
    }
}
