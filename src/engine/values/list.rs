//! `ListValue`: a list of byte strings, which clients know as `quicklist` whatever its size.
//!
//! Called by the list commands, and by all that store, load or digest values. A short list is one
//! listpack; a longer one is a `Spine` of nodes, each a listpack of at most
//! `list-max-listpack-size` or, for an element from the packed threshold on, that element alone.
//! Nodes are not compressed (`list-compress-depth` has no effect). Always holds: what a list holds
//! does not depend on how it is cut into nodes.
//!
//! Files: `limits` how much a node may hold; `node` one node; `spine` many; `iter` walks.

mod iter;
mod limits;
mod node;
mod spine;

use std::ops::Range;

use holdfast_formats::{Element, Listpack, parse_i64};

pub use iter::Iter;

use crate::values::direction::Direction;
use crate::values::encodings::Encodings;
use limits::Limits;
use node::Node;
use spine::Spine;

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is.
    Front,
    /// Where the highest index is.
    Back,
}

/// A side of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nearer to the front.
    Before,
    /// Nearer to the back.
    After,
}

/// Which of an element's occurrences to look for.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// From which end on.
    pub direction: Direction,
    /// Occurrences to pass over.
    pub skipped_count: usize,
    /// Occurrences to find at most.
    pub found_max: usize,
    /// Elements to compare at most.
    pub compared_max: usize,
}

/// A node's content as files hold it.
#[derive(Clone, Copy, Debug)]
pub enum NodeBytes<'a> {
    /// A listpack of several elements.
    Packed(&'a Listpack),
    /// One large element.
    Plain(&'a [u8]),
}

/// Byte strings in an order that clients choose.
#[derive(Clone)]
pub struct ListValue {
    form: Form,
}

#[derive(Clone)]
enum Form {
    /// All elements in one block, which stays so small that its own header states their count.
    Block(Listpack),
    Spine(Box<Spine>),
}

/// Above this size a block that was loaded is not kept as the whole list: its count may be more than
/// its header can state, and would be walked for.
const BLOCK_BYTES_MAX: usize = 64 << 10;

impl ListValue {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self {
            form: Form::Block(Listpack::new()),
        }
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Block(block) => block.len(),
            Form::Spine(spine) => spine.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, text: &[u8], encodings: &Encodings) {
        let limits = Limits::new(encodings);
        if let Form::Block(block) = &mut self.form
            && limits.accepts(block.len(), block.bytes_len(), text.len())
        {
            match end {
                End::Front => block.push_front(text),
                End::Back => block.push_back(text),
            };
            return;
        }
        self.spine_mut().push(end, text, &limits);
    }

    /// Takes out the element at an end.
    pub fn pop(&mut self, end: End, encodings: &Encodings) -> Option<Vec<u8>> {
        let index = match end {
            End::Front => 0,
            End::Back => self.len().checked_sub(1)?,
        };
        let text = self.get(index)?.to_vec();
        match &mut self.form {
            Form::Block(block) => {
                block.remove_range(node::signed(index), 1);
            }
            Form::Spine(spine) => {
                spine.pop(end);
                self.make_small(&Limits::new(encodings));
            }
        }
        Some(text)
    }

    /// The element at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Element<'_>> {
        match &self.form {
            Form::Block(block) => block.get(node::signed(index)),
            Form::Spine(spine) => spine.get(index),
        }
    }

    /// Puts another element at `index`; whether there was one.
    pub fn set(&mut self, index: usize, text: &[u8], encodings: &Encodings) -> bool {
        let limits = Limits::new(encodings);
        if let Form::Block(block) = &mut self.form
            && (index >= block.len() || node::replace(block, index, text, &limits))
        {
            return index < block.len();
        }
        let replaced = self.spine_mut().replace(index, text, &limits);
        self.make_small(&limits);
        replaced
    }

    /// Adds an element so that it stands at `index`; at the back if the list is shorter.
    pub fn insert(&mut self, index: usize, text: &[u8], encodings: &Encodings) {
        let limits = Limits::new(encodings);
        match &mut self.form {
            Form::Block(block) if limits.accepts(block.len(), block.bytes_len(), text.len()) => {
                node::insert(block, index, text);
            }
            _ => self.spine_mut().insert(index, text, &limits),
        }
    }

    /// Adds an element beside the first one that equals `pivot`; whether there was one.
    pub fn insert_beside(
        &mut self,
        pivot: &[u8],
        side: Side,
        text: &[u8],
        encodings: &Encodings,
    ) -> bool {
        let matches = equals(pivot);
        let Some(index) = self.iter().position(matches) else {
            return false;
        };
        let index = match side {
            Side::Before => index,
            Side::After => index + 1,
        };
        self.insert(index, text, encodings);
        true
    }

    /// Takes out up to `max` elements equal to `text`, the first ones that a walk in this direction
    /// meets; says how many.
    pub fn remove_equal(
        &mut self,
        text: &[u8],
        max: usize,
        direction: Direction,
        encodings: &Encodings,
    ) -> usize {
        let limits = Limits::new(encodings);
        match &mut self.form {
            Form::Block(block) => node::remove_equal(block, text, max, direction),
            Form::Spine(spine) => {
                let removed = spine.remove_equal(text, max, direction, &limits);
                self.make_small(&limits);
                removed
            }
        }
    }

    /// Takes out the elements of a range of indexes; those past the end are left out.
    pub fn remove_range(&mut self, range: Range<usize>, encodings: &Encodings) {
        let range = self.clamp(range);
        match &mut self.form {
            Form::Block(block) => {
                block.remove_range(node::signed(range.start), range.len());
            }
            Form::Spine(spine) => {
                let limits = Limits::new(encodings);
                spine.remove(range, &limits);
                self.make_small(&limits);
            }
        }
    }

    /// Keeps only the elements of a range of indexes.
    pub fn trim(&mut self, range: Range<usize>, encodings: &Encodings) {
        let range = self.clamp(range);
        self.remove_range(range.end..self.len(), encodings);
        self.remove_range(0..range.start, encodings);
    }

    /// Walks over the elements of a range of indexes; those past the end are left out. `Backward`
    /// begins at the last of them.
    #[must_use]
    pub fn range(&self, range: Range<usize>, direction: Direction) -> Iter<'_> {
        let range = self.clamp(range);
        let first = match direction {
            Direction::Forward => range.start,
            Direction::Backward => range.end.saturating_sub(1),
        };
        match &self.form {
            Form::Block(block) => {
                let iter = node::iter_from(block, block.len(), first, direction);
                Iter::of_block(iter, range.len(), direction)
            }
            Form::Spine(spine) => Iter::of_spine(spine, first, range.len(), direction),
        }
    }

    /// All elements from the front.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len(), Direction::Forward)
    }

    /// The indexes of an element's occurrences, in the order of the search.
    #[must_use]
    pub fn positions(&self, text: &[u8], search: &Search) -> Vec<usize> {
        let len = self.len();
        let mut matches = equals(text);
        self.range(0..len, search.direction)
            .take(search.compared_max)
            .enumerate()
            .filter(|&(_, element)| matches(element))
            .map(|(steps, _)| match search.direction {
                Direction::Forward => steps,
                Direction::Backward => len - 1 - steps,
            })
            .skip(search.skipped_count)
            .take(search.found_max)
            .collect()
    }

    /// The name that OBJECT ENCODING gives.
    #[must_use]
    pub fn encoding_name(&self) -> &'static str {
        "quicklist"
    }

    /// The nodes as files hold them, in order. An empty list has none.
    pub fn nodes(&self) -> impl Iterator<Item = NodeBytes<'_>> {
        let (block, spine) = match &self.form {
            Form::Block(block) => ((!block.is_empty()).then_some(block), None),
            Form::Spine(spine) => (None, Some(spine)),
        };
        let of_spine = spine
            .into_iter()
            .flat_map(|spine| spine.nodes())
            .map(|node| match node {
                Node::Packed { block, .. } => NodeBytes::Packed(block),
                Node::Plain(text) => NodeBytes::Plain(text),
            });
        block.into_iter().map(NodeBytes::Packed).chain(of_spine)
    }

    /// How many nodes there are, which is also about how many allocations freeing the list visits:
    /// what decides whether another thread does.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.form {
            Form::Block(_) => 1,
            Form::Spine(spine) => spine.nodes_count(),
        }
    }

    /// Adds a loaded listpack's elements at the back, as a node of their own. One that is far above
    /// the limits is taken apart, so that no later change has to move all of it.
    pub fn push_listpack(&mut self, block: Listpack, encodings: &Encodings) {
        if block.is_empty() {
            return;
        }
        if block.bytes_len() > BLOCK_BYTES_MAX {
            block
                .iter()
                .for_each(|element| self.push(End::Back, &element.to_vec(), encodings));
        } else if self.is_empty() {
            self.form = Form::Block(block);
        } else {
            self.spine_mut()
                .push_node(End::Back, Node::from_block(block));
        }
    }

    /// Bytes asked of the allocator, beyond the value itself.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        match &self.form {
            Form::Block(block) => block.allocated_bytes(),
            Form::Spine(spine) => spine.allocated_bytes(),
        }
    }

    /// The list's nodes; a list that was one block becomes a spine with that block.
    fn spine_mut(&mut self) -> &mut Spine {
        if let Form::Block(block) = &mut self.form {
            let mut spine = Spine::default();
            let block = std::mem::take(block);
            if !block.is_empty() {
                spine.push_node(End::Back, Node::from_block(block));
            }
            self.form = Form::Spine(Box::new(spine));
        }
        match &mut self.form {
            Form::Spine(spine) => spine,
            Form::Block(_) => unreachable!("the block was put into a spine above"),
        }
    }

    /// Turns a spine back into one block once that is far from growing out of it again.
    fn make_small(&mut self, limits: &Limits) {
        let Form::Spine(spine) = &mut self.form else {
            return;
        };
        if let Some(block) = spine.take_small(limits) {
            self.form = Form::Block(block);
        }
    }

    fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let end = range.end.min(self.len());
        range.start.min(end)..end
    }
}

impl Default for ListValue {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ListValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Compares elements with `text`, whose number is read once.
fn equals(text: &[u8]) -> impl FnMut(Element<'_>) -> bool {
    let number = parse_i64(text);
    move |element| match element {
        Element::Text(other) => other == text,
        Element::Integer(value) => number == Some(value),
    }
}

#[cfg(test)]
mod tests;
