//! What a snapshot takes of a big sorted set: its elements, without the structures that order and
//! find them, so that taking it costs one count for each chunk of some thousand elements.
//!
//! Always holds: it stays as it was, whatever becomes of the set.

use super::elements::Elements;
use super::{Form, SortedSet};

/// The elements of a big sorted set as they were at one moment.
#[derive(Clone)]
pub struct SharedElements {
    elements: Elements,
    len: usize,
}

impl SharedElements {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Members with their scores, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.elements.iter()
    }

    /// Members with their scores, the highest first, as RDB files hold them.
    #[must_use]
    pub fn descending(&self) -> Vec<(&[u8], f64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        // No score is NaN or -0.0, so that this is the order of the set.
        sorted.sort_unstable_by(|one, two| two.1.total_cmp(&one.1).then_with(|| two.0.cmp(one.0)));
        sorted
    }
}

impl std::fmt::Debug for SharedElements {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SharedElements")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl SortedSet {
    /// The elements of a big set, shared with it; `None` for a small one, which is as cheap to copy.
    #[must_use]
    pub fn shared_elements(&self) -> Option<SharedElements> {
        match &self.form {
            Form::Pairs(_) => None,
            Form::Indexed(indexed) => Some(SharedElements {
                elements: indexed.elements().clone(),
                len: indexed.len(),
            }),
        }
    }
}
