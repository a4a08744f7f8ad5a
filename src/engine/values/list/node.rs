//! `Node`: one piece of a long list, a listpack of elements or a single large one; and the
//! operations on a listpack that short lists, which are one listpack, share with it.
//!
//! Called by `ListValue` and `Spine`. Always holds: a node's count is the number of its elements.

use std::sync::Arc;

use holdfast_formats::{Element, Listpack, ListpackIter};

use super::limits::Limits;
use crate::values::direction::Direction;

/// What sharing a block takes beside the block: two counts and the block's head.
const SHARED_BLOCK_BYTES: usize = 2 * size_of::<usize>() + size_of::<Listpack>();

#[derive(Clone)]
pub(super) enum Node {
    Packed {
        /// Kept here so that looking for an index does not read every block.
        count: u32,
        /// Shared with clones of the list until one of them changes it.
        block: Arc<Listpack>,
    },
    Plain(Arc<[u8]>),
}

impl Node {
    /// A node with one element.
    pub(super) fn holding(text: &[u8], limits: &Limits) -> Self {
        if limits.is_plain(text.len()) {
            return Self::Plain(text.into());
        }
        let mut block = Listpack::new();
        block.push_back(text);
        let block = Arc::new(block);
        Self::Packed { count: 1, block }
    }

    pub(super) fn from_block(block: Listpack) -> Self {
        let count = u32::try_from(block.len()).expect("a block of at most 1 GiB holds fewer");
        let block = Arc::new(block);
        Self::Packed { count, block }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Packed { count, .. } => *count as usize,
            Self::Plain(_) => 1,
        }
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        match self {
            Self::Packed { block, .. } => SHARED_BLOCK_BYTES + block.allocated_bytes(),
            Self::Plain(text) => text.len(),
        }
    }

    /// Whether one more element may go into this node.
    pub(super) fn accepts(&self, text: &[u8], limits: &Limits) -> bool {
        match self {
            Self::Packed { count, block } => {
                limits.accepts(*count as usize, block.bytes_len(), text.len())
            }
            Self::Plain(_) => false,
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<Element<'_>> {
        match self {
            Self::Packed { block, .. } => block.get(signed(at)),
            Self::Plain(text) => (at == 0).then_some(Element::Text(text)),
        }
    }

    /// Adds an element that the node accepts, so that it stands at `at`.
    pub(super) fn insert(&mut self, at: usize, text: &[u8]) {
        match self {
            Self::Packed { count, block } => {
                insert(Arc::make_mut(block), at, text);
                *count += 1;
            }
            Self::Plain(_) => panic!("a plain node accepts no second element"),
        }
    }

    /// Puts another element at `at`, if the node may hold it there.
    pub(super) fn replace(&mut self, at: usize, text: &[u8], limits: &Limits) -> bool {
        match self {
            Self::Packed { block, .. } => replace(Arc::make_mut(block), at, text, limits),
            Self::Plain(_) => {
                *self = Self::holding(text, limits);
                true
            }
        }
    }

    /// Takes out up to `max` elements from `at` on, and says how many.
    pub(super) fn remove(&mut self, at: usize, max: usize) -> usize {
        match self {
            Self::Packed { count, block } => {
                let removed = Arc::make_mut(block).remove_range(signed(at), max);
                *count -= u32::try_from(removed).expect("no more than there were");
                removed
            }
            // The caller drops a node whose last element it took.
            Self::Plain(_) => {
                *self = Self::Packed {
                    count: 0,
                    block: Arc::default(),
                };
                1
            }
        }
    }

    /// Takes out up to `max` elements equal to `text`, nearest to where the walk begins.
    pub(super) fn remove_equal(&mut self, text: &[u8], max: usize, direction: Direction) -> usize {
        match self {
            Self::Packed { count, block } => {
                let removed = remove_equal(Arc::make_mut(block), text, max, direction);
                *count -= u32::try_from(removed).expect("no more than there were");
                removed
            }
            Self::Plain(own) if **own == *text => self.remove(0, 1),
            Self::Plain(_) => 0,
        }
    }

    /// Gives away the elements from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Packed { count, block } => {
                let mut right = Listpack::clone(block);
                right.remove_range(0, at);
                let removed = Arc::make_mut(block).remove_range(signed(at), usize::MAX);
                let removed = u32::try_from(removed).expect("no more than there were");
                *count -= removed;
                Self::Packed {
                    count: removed,
                    block: Arc::new(right),
                }
            }
            Self::Plain(_) => panic!("a plain node has nothing to split"),
        }
    }

    /// Whether this node and the one after it should be one.
    pub(super) fn should_join(&self, right: &Self, limits: &Limits) -> bool {
        match (self, right) {
            (Self::Packed { block, .. }, Self::Packed { block: other, .. }) => limits.should_join(
                self.len() + right.len(),
                block.bytes_len() + other.bytes_len(),
            ),
            _ => false,
        }
    }

    /// Adds the elements of the node after this one, which `should_join` allowed.
    pub(super) fn join(&mut self, right: &Self) {
        match (self, right) {
            (
                Self::Packed { count, block },
                Self::Packed {
                    count: more,
                    block: other,
                },
            ) => {
                Arc::make_mut(block).merge(other);
                *count += more;
            }
            _ => panic!("a plain node joins no other"),
        }
    }

    /// Walks from the element at `at` to this node's end in the walk's direction.
    pub(super) fn iter_from(&self, at: usize, direction: Direction) -> NodeIter<'_> {
        match self {
            Self::Packed { count, block } => {
                NodeIter::Packed(iter_from(block, *count as usize, at, direction))
            }
            Self::Plain(text) => NodeIter::Plain(Some(text)),
        }
    }
}

/// A walk over one node.
#[derive(Clone)]
pub(super) enum NodeIter<'a> {
    Packed(ListpackIter<'a>),
    Plain(Option<&'a [u8]>),
}

impl<'a> NodeIter<'a> {
    #[inline]
    pub(super) fn step(&mut self, direction: Direction) -> Option<Element<'a>> {
        match (self, direction) {
            (Self::Packed(iter), Direction::Forward) => iter.next(),
            (Self::Packed(iter), Direction::Backward) => iter.next_back(),
            (Self::Plain(text), _) => text.take().map(Element::Text),
        }
    }
}

/// An index as listpacks count; a list is never so long that this loses anything.
pub(super) fn signed(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// Adds an element so that it stands at `at`.
pub(super) fn insert(block: &mut Listpack, at: usize, text: &[u8]) {
    match block.seek(signed(at)) {
        Some(position) => block.insert_before(position, text),
        None => block.push_back(text),
    };
}

/// Puts another element at `at`, if the block may hold it there.
pub(super) fn replace(block: &mut Listpack, at: usize, text: &[u8], limits: &Limits) -> bool {
    let Some(position) = block.seek(signed(at)) else {
        return false;
    };
    let old = block.element(position).map_or(0, Element::bytes_len);
    // One element more and the old one less; alone in its block it may be of any packed size.
    let rest = block.bytes_len().saturating_sub(old);
    let others = block.len() - 1;
    if !limits.accepts(others.min(1), rest, text.len()) {
        return false;
    }
    block.replace(position, text);
    true
}

/// See `Node::remove_equal`.
pub(super) fn remove_equal(
    block: &mut Listpack,
    text: &[u8],
    max: usize,
    direction: Direction,
) -> usize {
    let mut removed = 0;
    match direction {
        Direction::Forward => {
            let mut from = block.first();
            while removed < max {
                let Some(found) = from.and_then(|from| block.find_from(from, text, 0)) else {
                    break;
                };
                from = block.remove(found);
                removed += 1;
            }
        }
        Direction::Backward => {
            let mut from = block.last();
            while let Some(position) = from.filter(|_| removed < max) {
                from = block.prev(position);
                if block
                    .element(position)
                    .is_some_and(|element| element == *text)
                {
                    block.remove(position);
                    removed += 1;
                }
            }
        }
    }
    removed
}

/// Walks from the element at `at` of a block of `count` to its end in the walk's direction.
pub(super) fn iter_from(
    block: &Listpack,
    count: usize,
    at: usize,
    direction: Direction,
) -> ListpackIter<'_> {
    let mut iter = block.iter();
    let skip = match direction {
        Direction::Forward => at,
        Direction::Backward => count.saturating_sub(at).saturating_sub(1),
    };
    if let Some(last) = skip.checked_sub(1) {
        match direction {
            Direction::Forward => iter.nth(last),
            Direction::Backward => iter.nth_back(last),
        };
    }
    iter
}
