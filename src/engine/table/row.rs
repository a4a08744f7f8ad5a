//! A sequence that grows without moving what it holds.
//!
//! Only [`super::segments`] uses it. A vector of ten million items' segments would be doubled by one
//! insert that copies it: 1.5 ms, most of it for touching new memory. Here an insert adds one piece
//! of fixed size at most.

/// Values in one piece.
const PIECE_LEN: usize = 1024;

#[derive(Clone)]
pub(super) struct Row<T> {
    /// All pieces but the last are full; none is empty.
    pieces: Vec<Vec<T>>,
}

impl<T> Row<T> {
    /// A row of one value.
    pub(super) fn of(value: T) -> Self {
        Self {
            pieces: vec![vec![value]],
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        let last = self.pieces.last().map_or(0, Vec::len);
        self.pieces.len().saturating_sub(1) * PIECE_LEN + last
    }

    /// Adds a value behind all others.
    pub(super) fn push(&mut self, value: T) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE_LEN => last.push(value),
            _ => {
                // Later pieces have their size at once; a small table's only piece grows by and by.
                let room = if self.pieces.is_empty() { 1 } else { PIECE_LEN };
                let mut piece = Vec::with_capacity(room);
                piece.push(value);
                self.pieces.push(piece);
            }
        }
    }

    /// Takes a value out; the last one takes its place.
    pub(super) fn swap_remove(&mut self, at: usize) -> Option<T> {
        let last_piece = self.pieces.last_mut()?;
        let last = last_piece.pop()?;
        match last_piece.len() {
            0 => drop(self.pieces.pop()),
            len if len < last_piece.capacity() / 4 && self.pieces.len() == 1 => {
                self.pieces[0].shrink_to(len * 2);
            }
            _ => (),
        }
        if at == self.len() {
            return Some(last);
        }
        Some(std::mem::replace(self.get_mut(at)?, last))
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE_LEN)?.get(at % PIECE_LEN)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pieces.get_mut(at / PIECE_LEN)?.get_mut(at % PIECE_LEN)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.pieces.iter_mut().flatten()
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = T> {
        self.pieces.into_iter().flatten()
    }

    /// What the allocator was asked for.
    pub(super) fn allocated_bytes(&self) -> usize {
        let values: usize = self.pieces.iter().map(Vec::capacity).sum();
        self.pieces.capacity() * size_of::<Vec<T>>() + values * size_of::<T>()
    }
}

impl<T> std::ops::Index<usize> for Row<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.pieces[at / PIECE_LEN][at % PIECE_LEN]
    }
}

impl<T> std::ops::IndexMut<usize> for Row<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.pieces[at / PIECE_LEN][at % PIECE_LEN]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_and_go_as_in_a_vector() {
        let mut row = Row::of(0);
        let mut model = vec![0];
        for value in 1..5_000 {
            row.push(value);
            model.push(value);
        }
        let mut at = 0;
        while model.len() > 1 {
            at = (at * 31 + 17) % model.len();
            assert_eq!(row.swap_remove(at), Some(model.swap_remove(at)));
            assert_eq!((row.len(), row.get(at)), (model.len(), model.get(at)));
            if model.len() % 500 == 1 {
                assert!(row.iter().eq(model.iter()), "{} left", model.len());
            }
        }
        assert_eq!(row.get(1), None);
        assert!(row.allocated_bytes() < 256, "{}", row.allocated_bytes());
        assert!(row.into_iter().eq(model));
    }
}
