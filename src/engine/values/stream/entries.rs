//! `Entries`: the entries of a stream, in nodes that a map keeps by their master ids.
//!
//! Called by `StreamValue`. Always holds: ids rise from node to node, each node has a living entry,
//! the length is the number of living entries, and the tally of bytes is that of the nodes.

use holdfast_formats::rdb::StreamId;
use holdfast_formats::{LISTPACK_BYTES_MAX, Listpack};

use super::id_map::IdMap;
use super::node::{Entry, Node};
use super::trim::{Bound, Trim};
use crate::values::direction::Direction;
use crate::values::encodings::Encodings;

/// What a node takes beside its block: the counters by which it is shared, and the block's handle.
const BYTES_PER_NODE: usize = 2 * size_of::<usize>() + size_of::<Listpack>();

/// The entries of a stream.
#[derive(Clone, Default)]
pub(super) struct Entries {
    nodes: IdMap<Node>,
    length: u64,
    blocks_bytes: usize,
}

impl Entries {
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn nodes_count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.blocks_bytes + self.nodes.len() * BYTES_PER_NODE + self.nodes.allocated_bytes()
    }

    #[cfg(test)]
    pub(super) const fn blocks_bytes(&self) -> usize {
        self.blocks_bytes
    }

    /// The nodes as files hold them.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (StreamId, &Listpack)> {
        let nodes = self.nodes.range(StreamId::MIN, StreamId::MAX);
        nodes.map(|(id, node)| (id, node.block()))
    }

    /// Adds an entry, whose id is above all others.
    pub(super) fn push(&mut self, id: StreamId, fields: &[&[u8]], encodings: &Encodings) {
        let text_bytes = fields.iter().map(|text| text.len()).sum();
        self.length += 1;
        let last = self.nodes.last();
        let last = last.filter(|(_, node)| accepts(node, text_bytes, fields, encodings));
        if let Some(master) = last.map(|(master, _)| master)
            && let Some(node) = self.nodes.get_mut(master)
        {
            let before = node.block().allocated_bytes();
            node.push(master, id, fields);
            self.blocks_bytes += node.block().allocated_bytes() - before;
            return;
        }
        self.insert(id, Node::holding(fields));
    }

    /// Adds a loaded node, whose ids are above all others; whether it is one.
    pub(super) fn push_block(&mut self, master: StreamId, block: Listpack) -> bool {
        let Some(node) = Node::from_block(block) else {
            return false;
        };
        let living = node.living();
        // Foreign files may keep nodes in which nothing lives any more.
        if living > 0 {
            self.length += living;
            self.insert(master, node);
        }
        true
    }

    fn insert(&mut self, master: StreamId, node: Node) {
        self.blocks_bytes += node.block().allocated_bytes();
        self.nodes.insert(master, node);
    }

    fn drop_node(&mut self, master: StreamId) {
        if let Some(node) = self.nodes.remove(master) {
            self.blocks_bytes -= node.block().allocated_bytes();
        }
    }

    /// The entries with an id from `from` to `to`.
    pub(super) fn range(
        &self,
        from: StreamId,
        to: StreamId,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = Entry<'_>> + '_> {
        if from > to {
            return Box::new(std::iter::empty());
        }
        let first = self.nodes.at_or_before(from);
        let nodes = self
            .nodes
            .range(first.map_or(from, |(master, _)| master), to);
        match direction {
            Direction::Forward => Box::new(
                nodes.flat_map(move |(master, node)| node.range(master, from, to, direction)),
            ),
            Direction::Backward => Box::new(
                nodes
                    .rev()
                    .flat_map(move |(master, node)| node.range(master, from, to, direction)),
            ),
        }
    }

    /// The entry with this id.
    pub(super) fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        let (master, node) = self.nodes.at_or_before(id)?;
        node.range(master, id, id, Direction::Forward).next()
    }

    /// The first entry or the last one.
    pub(super) fn edge(&self, direction: Direction) -> Option<Entry<'_>> {
        self.range(StreamId::MIN, StreamId::MAX, direction).next()
    }

    /// Deletes an entry; whether it was there.
    pub(super) fn remove(&mut self, id: StreamId) -> bool {
        let found = self.nodes.at_or_before(id).map(|(master, _)| master);
        let Some(master) = found.filter(|_| self.get(id).is_some()) else {
            return false;
        };
        let Some(node) = self.nodes.get_mut(master) else {
            return false;
        };
        let before = node.block().allocated_bytes();
        if !node.remove(master, id) {
            return false;
        }
        let (living, after) = (node.living(), node.block().allocated_bytes());
        self.length -= 1;
        self.blocks_bytes = self.blocks_bytes - before + after;
        if living == 0 {
            self.drop_node(master);
        }
        true
    }

    /// Deletes entries from the front; says how many.
    pub(super) fn trim(&mut self, trim: &Trim) -> u64 {
        let mut removed = 0;
        while let Some((master, node)) = self.nodes.first() {
            let excess = match trim.bound {
                Bound::Length(max) => self.length.saturating_sub(max),
                Bound::Id(_) => u64::MAX,
            };
            let living = node.living();
            let is_too_much = trim.removed_max.is_some_and(|max| removed + living > max);
            if excess == 0 || is_too_much {
                break;
            }
            let goes_whole = match trim.bound {
                Bound::Length(_) => living <= excess,
                Bound::Id(min) => node.last_id(master) < min,
            };
            if goes_whole {
                self.drop_node(master);
                self.length -= living;
                removed += living;
                continue;
            }
            if trim.only_whole_nodes {
                break;
            }
            return removed + self.trim_first_node(master, excess, trim);
        }
        removed
    }

    fn trim_first_node(&mut self, master: StreamId, excess: u64, trim: &Trim) -> u64 {
        let end = match trim.bound {
            Bound::Length(_) => StreamId::MAX,
            Bound::Id(min) => min,
        };
        let Some(node) = self.nodes.get_mut(master) else {
            return 0;
        };
        let before = node.block().allocated_bytes();
        let removed = node.remove_first(master, excess, end);
        let (living, after) = (node.living(), node.block().allocated_bytes());
        self.length -= removed;
        self.blocks_bytes = self.blocks_bytes - before + after;
        // What follows the bound in the node may be marked already.
        if living == 0 {
            self.drop_node(master);
        }
        removed
    }
}

/// Whether an entry goes into the last node. What counts is what Redis counts, so that approximate
/// trims find the same nodes.
fn accepts(node: &Node, text_bytes: usize, fields: &[&[u8]], encodings: &Encodings) -> bool {
    let bytes_max = match encodings.stream_node_max_bytes {
        0 => LISTPACK_BYTES_MAX,
        max => max.min(LISTPACK_BYTES_MAX),
    };
    let entries_max = encodings.stream_node_max_entries as u64;
    node.block().bytes_len() + text_bytes < bytes_max
        && node.has_room_for(text_bytes, fields)
        && (entries_max == 0 || node.entries_count() < entries_max)
}
