//! Walks over a list's elements, in both directions.
//!
//! Made by `ListValue::range`. Always holds: a walk costs one search at its start and a step from
//! node to node; it never looks at an element outside its range.

use holdfast_formats::{Element, ListpackIter};

use super::node::NodeIter;
use super::spine::{Place, Spine};
use crate::values::direction::Direction;

/// The elements of a range of indexes.
#[derive(Clone)]
pub struct Iter<'a> {
    left: usize,
    direction: Direction,
    node: NodeIter<'a>,
    /// The list and the node that `node` walks over, if the list has several.
    spine: Option<(&'a Spine, Place)>,
}

impl<'a> Iter<'a> {
    pub(super) fn of_block(iter: ListpackIter<'a>, left: usize, direction: Direction) -> Self {
        Self {
            left,
            direction,
            node: NodeIter::Packed(iter),
            spine: None,
        }
    }

    /// Begins at the element at `index` and goes on for `left` elements.
    pub(super) fn of_spine(
        spine: &'a Spine,
        index: usize,
        left: usize,
        direction: Direction,
    ) -> Self {
        let found = spine.find(index).and_then(|(place, offset)| {
            let node = spine.node(place)?;
            Some((place, node.iter_from(offset, direction)))
        });
        match found {
            Some((place, node)) => Self {
                left,
                direction,
                node,
                spine: Some((spine, place)),
            },
            None => Self {
                left: 0,
                direction,
                node: NodeIter::Plain(None),
                spine: None,
            },
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some(element) = self.node.step(self.direction) {
                return Some(element);
            }
            let (spine, place) = self.spine?;
            let place = spine.beyond(place, self.direction)?;
            let node = spine.node(place)?;
            let first = match self.direction {
                Direction::Forward => 0,
                Direction::Backward => node.len() - 1,
            };
            self.node = node.iter_from(first, self.direction);
            self.spine = Some((spine, place));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
