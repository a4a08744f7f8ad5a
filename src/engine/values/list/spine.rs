//! `Spine`: the nodes of a long list, in order, in groups that know how many elements they hold.
//!
//! Called by `ListValue`. An index is found by walking the groups' counts from the nearer end, then
//! one group's nodes: with a million elements that is some hundred groups and nodes, all in a few
//! kilobytes. Always holds: no node and no group is empty; all counts are true after every change.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use holdfast_formats::{Element, Listpack};

use super::End;
use super::limits::Limits;
use super::node::Node;
use crate::values::direction::Direction;

/// Nodes of one group: inserting one moves at most this many handles of 24 bytes.
const GROUP_NODES_MAX: usize = 128;

#[derive(Clone, Default)]
pub(super) struct Spine {
    groups: VecDeque<Group>,
    len: usize,
    nodes_count: usize,
    /// What the nodes' own allocations add up to.
    node_bytes: usize,
}

#[derive(Clone, Default)]
struct Group {
    len: usize,
    nodes: VecDeque<Node>,
}

/// Where a node is. Valid until a node is added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    group: usize,
    node: usize,
}

impl Spine {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn nodes_count(&self) -> usize {
        self.nodes_count
    }

    /// Bytes asked of the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        let handles: usize = self.groups.iter().map(|group| group.nodes.capacity()).sum();
        size_of::<Self>()
            + self.groups.capacity() * size_of::<Group>()
            + handles * size_of::<Node>()
            + self.node_bytes
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.groups.iter().flat_map(|group| &group.nodes)
    }

    pub(super) fn node(&self, place: Place) -> Option<&Node> {
        self.groups.get(place.group)?.nodes.get(place.node)
    }

    /// The node before or after one, in the direction of a walk.
    pub(super) fn beyond(&self, place: Place, direction: Direction) -> Option<Place> {
        let Place { group, node } = place;
        match direction {
            Direction::Forward if node + 1 < self.groups.get(group)?.nodes.len() => Some(Place {
                group,
                node: node + 1,
            }),
            Direction::Forward => (group + 1 < self.groups.len()).then_some(Place {
                group: group + 1,
                node: 0,
            }),
            Direction::Backward if node > 0 => Some(Place {
                group,
                node: node - 1,
            }),
            Direction::Backward => {
                let group = group.checked_sub(1)?;
                let node = self.groups.get(group)?.nodes.len().checked_sub(1)?;
                Some(Place { group, node })
            }
        }
    }

    /// The node that holds the element at `index`, and where in it.
    pub(super) fn find(&self, index: usize) -> Option<(Place, usize)> {
        if index >= self.len {
            return None;
        }
        let (group, start) = nearest(self.groups.iter().map(|group| group.len), self.len, index)?;
        let Group { len, nodes } = self.groups.get(group)?;
        let within = index - start;
        let (node, start) = nearest(nodes.iter().map(Node::len), *len, within)?;
        Some((Place { group, node }, within - start))
    }

    pub(super) fn get(&self, index: usize) -> Option<Element<'_>> {
        let (place, offset) = self.find(index)?;
        self.node(place)?.get(offset)
    }

    /// Adds an element at an end.
    pub(super) fn push(&mut self, end: End, text: &[u8], limits: &Limits) {
        let place = self.end_place(end);
        if self
            .node(place)
            .is_some_and(|node| node.accepts(text, limits))
        {
            self.edit(place, |node| {
                let at = match end {
                    End::Front => 0,
                    End::Back => node.len(),
                };
                node.insert(at, text);
            });
        } else {
            self.push_node(end, Node::holding(text, limits));
        }
    }

    /// Takes out the element at an end. Nodes are not joined here: a list used as a queue empties
    /// its last one soon.
    pub(super) fn pop(&mut self, end: End) {
        if self.len > 0 {
            self.edit(self.end_place(end), |node| match end {
                End::Front => node.remove(0, 1),
                End::Back => node.remove(node.len() - 1, 1),
            });
        }
    }

    /// Adds a node that is not empty at an end.
    pub(super) fn push_node(&mut self, end: End, node: Node) {
        let mut place = self.end_place(end);
        if end == End::Back && !self.groups.is_empty() {
            place.node += 1;
        }
        self.insert_node(place, node);
    }

    /// Adds an element so that it stands at `index`, which is at most the length.
    pub(super) fn insert(&mut self, index: usize, text: &[u8], limits: &Limits) {
        let Some((place, offset)) = self.find(index) else {
            return self.push(End::Back, text, limits);
        };
        if self
            .node(place)
            .is_some_and(|node| node.accepts(text, limits))
        {
            return self.edit(place, |node| node.insert(offset, text));
        }
        if offset > 0 {
            let right = self.edit(place, |node| node.split_off(offset));
            self.insert_node(
                Place {
                    node: place.node + 1,
                    ..place
                },
                right,
            );
            // Now `index` is the first of the right part, so this does not come here again.
            self.insert(index, text, limits);
            return self.join_around(index, limits);
        }
        let before = self.beyond(place, Direction::Backward);
        match before.filter(|&before| {
            self.node(before)
                .is_some_and(|node| node.accepts(text, limits))
        }) {
            Some(before) => self.edit(before, |node| node.insert(node.len(), text)),
            None => self.insert_node(place, Node::holding(text, limits)),
        }
    }

    /// Puts another element at `index`; whether there was one.
    pub(super) fn replace(&mut self, index: usize, text: &[u8], limits: &Limits) -> bool {
        let Some((place, offset)) = self.find(index) else {
            return false;
        };
        if !self.edit(place, |node| node.replace(offset, text, limits)) {
            self.edit(place, |node| node.remove(offset, 1));
            self.insert(index, text, limits);
        }
        true
    }

    /// Takes out the elements of a range, which lies within the list.
    pub(super) fn remove(&mut self, range: Range<usize>, limits: &Limits) {
        let mut left = range.len();
        while left > 0 {
            let Some((place, offset)) = self.find(range.start) else {
                break;
            };
            let group_len = self.groups.get(place.group).map_or(0, |group| group.len);
            if offset == 0 && place.node == 0 && group_len <= left {
                left -= group_len;
                self.remove_group(place.group);
            } else {
                left -= self.edit(place, |node| node.remove(offset, left));
            }
        }
        self.join_around(range.start, limits);
    }

    /// Takes out up to `max` elements equal to `text`, nearest to where the walk begins.
    pub(super) fn remove_equal(
        &mut self,
        text: &[u8],
        max: usize,
        direction: Direction,
        limits: &Limits,
    ) -> usize {
        let mut removed = 0;
        // How many elements of the list the walk has not seen.
        let mut unseen = self.len;
        while unseen > 0 && removed < max {
            let index = match direction {
                Direction::Forward => self.len - unseen,
                Direction::Backward => unseen - 1,
            };
            let Some((place, _)) = self.find(index) else {
                break;
            };
            unseen -= self.node(place).map_or(unseen, Node::len);
            let now = self.edit(place, |node| {
                node.remove_equal(text, max - removed, direction)
            });
            removed += now;
            if now > 0 && direction == Direction::Forward {
                // Only backwards: what is ahead has not been seen.
                self.join_before(self.len - unseen, limits);
            }
        }
        removed
    }

    /// The one small node that is left, or an empty one if none is; the spine is then of no use.
    pub(super) fn take_small(&mut self, limits: &Limits) -> Option<Listpack> {
        if self.nodes_count > 1 {
            return None;
        }
        match self
            .groups
            .front_mut()
            .and_then(|group| group.nodes.front_mut())
        {
            None => Some(Listpack::new()),
            Some(Node::Packed { count, block })
                if limits.should_join(*count as usize, block.bytes_len()) =>
            {
                Some(Arc::unwrap_or_clone(std::mem::take(block)))
            }
            Some(_) => None,
        }
    }

    /// Changes a node and keeps all counts true; a node left without elements goes.
    fn edit<R>(&mut self, place: Place, change: impl FnOnce(&mut Node) -> R) -> R {
        let group = &mut self.groups[place.group];
        let node = &mut group.nodes[place.node];
        let (len, bytes) = (node.len(), node.allocated_bytes());
        let result = change(node);
        let (new_len, new_bytes) = (node.len(), node.allocated_bytes());
        group.len = group.len - len + new_len;
        self.len = self.len - len + new_len;
        self.node_bytes = self.node_bytes - bytes + new_bytes;
        if new_len == 0 {
            self.remove_node(place);
        }
        result
    }

    fn end_place(&self, end: End) -> Place {
        let last = |count: usize| count.saturating_sub(1);
        match end {
            End::Front => Place { group: 0, node: 0 },
            End::Back => {
                let group = last(self.groups.len());
                let node = self
                    .groups
                    .get(group)
                    .map_or(0, |group| last(group.nodes.len()));
                Place { group, node }
            }
        }
    }

    /// Adds a node so that it stands at `place`, which may be one past the end of its group.
    fn insert_node(&mut self, place: Place, node: Node) {
        let Place {
            group: at,
            node: within,
        } = place;
        self.len += node.len();
        self.nodes_count += 1;
        self.node_bytes += node.allocated_bytes();
        let full = match self.groups.get(at) {
            Some(group) => group.nodes.len() >= GROUP_NODES_MAX,
            None => true,
        };
        if !full {
            return self.groups[at].insert(within, node);
        }
        match self.groups.get_mut(at) {
            // At its ends a full group stays whole: lists that grow at an end get full groups.
            Some(group) if within > 0 && within < group.nodes.len() => {
                let right = group.split_off(GROUP_NODES_MAX / 2);
                match within.checked_sub(GROUP_NODES_MAX / 2) {
                    Some(within) => {
                        self.groups.insert(at + 1, right);
                        self.groups[at + 1].insert(within, node);
                    }
                    None => {
                        group.insert(within, node);
                        self.groups.insert(at + 1, right);
                    }
                }
            }
            other => {
                let behind = usize::from(other.is_some() && within > 0);
                let mut fresh = Group::default();
                fresh.insert(0, node);
                self.groups.insert(at + behind, fresh);
            }
        }
    }

    fn remove_node(&mut self, place: Place) {
        let group = &mut self.groups[place.group];
        let Some(node) = group.nodes.remove(place.node) else {
            return;
        };
        group.len -= node.len();
        self.len -= node.len();
        self.nodes_count -= 1;
        self.node_bytes -= node.allocated_bytes();
        if group.nodes.is_empty() {
            self.groups.remove(place.group);
        } else if group.nodes.len() < GROUP_NODES_MAX / 8 {
            self.join_groups(place.group);
        }
    }

    fn remove_group(&mut self, at: usize) {
        let Some(group) = self.groups.remove(at) else {
            return;
        };
        self.len -= group.len;
        self.nodes_count -= group.nodes.len();
        self.node_bytes -= group.nodes.iter().map(Node::allocated_bytes).sum::<usize>();
    }

    /// Joins a small group to its neighbour, if that leaves room.
    fn join_groups(&mut self, at: usize) {
        let left = at.saturating_sub(1);
        let nodes = |at: usize| {
            self.groups
                .get(at)
                .map_or(GROUP_NODES_MAX, |group| group.nodes.len())
        };
        if nodes(left) + nodes(left + 1) > GROUP_NODES_MAX / 2 {
            return;
        }
        if let Some(mut right) = self.groups.remove(left + 1) {
            let group = &mut self.groups[left];
            group.len += right.len;
            group.nodes.append(&mut right.nodes);
        }
    }

    /// Joins small nodes about `index`, after elements were taken out or a node was split there.
    fn join_around(&mut self, index: usize, limits: &Limits) {
        self.join_before(index, limits);
        if let Some((place, _)) = self.find(index)
            && let Some(after) = self.beyond(place, Direction::Forward)
        {
            self.join(place, after, limits);
        }
    }

    /// Joins the node that holds `index - 1` to the one before it.
    fn join_before(&mut self, index: usize, limits: &Limits) {
        let Some((place, _)) = index.checked_sub(1).and_then(|index| self.find(index)) else {
            return;
        };
        if let Some(before) = self.beyond(place, Direction::Backward) {
            self.join(before, place, limits);
        }
    }

    fn join(&mut self, left: Place, right: Place, limits: &Limits) {
        let (Some(one), Some(two)) = (self.node(left), self.node(right)) else {
            return;
        };
        if !one.should_join(two, limits) {
            return;
        }
        let moved = two.clone();
        // The left one first: removing a node may move others, and both are counted for a moment.
        self.edit(left, |node| node.join(&moved));
        self.remove_node(right);
    }

    /// Panics unless everything that this file promises holds.
    #[cfg(test)]
    pub(super) fn check(&self) {
        for group in &self.groups {
            assert!(!group.nodes.is_empty() && group.nodes.len() <= GROUP_NODES_MAX);
            assert_eq!(group.len, group.nodes.iter().map(Node::len).sum::<usize>());
        }
        for node in self.nodes() {
            let count = match node {
                Node::Packed { block, .. } => block.len(),
                Node::Plain(_) => 1,
            };
            assert_eq!(count, node.len());
            assert!(count > 0);
        }
        assert_eq!(self.len, self.nodes().map(Node::len).sum::<usize>());
        assert_eq!(self.nodes_count, self.nodes().count());
        assert_eq!(
            self.node_bytes,
            self.nodes().map(Node::allocated_bytes).sum::<usize>()
        );
    }
}

impl Group {
    fn insert(&mut self, at: usize, node: Node) {
        self.len += node.len();
        self.nodes.insert(at, node);
    }

    fn split_off(&mut self, at: usize) -> Self {
        let nodes = self.nodes.split_off(at);
        let len = nodes.iter().map(Node::len).sum();
        self.len -= len;
        Self { len, nodes }
    }
}

/// Finds the one of several pieces that holds `index`, from the nearer end; and the index at which
/// that piece starts.
fn nearest(
    lens: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator,
    total: usize,
    index: usize,
) -> Option<(usize, usize)> {
    if index < total / 2 {
        let mut start = 0;
        for (at, len) in lens.enumerate() {
            if index < start + len {
                return Some((at, start));
            }
            start += len;
        }
    } else {
        let mut end = total;
        for (at, len) in lens.enumerate().rev() {
            let start = end.checked_sub(len)?;
            if index >= start {
                return Some((at, start));
            }
            end = start;
        }
    }
    None
}
