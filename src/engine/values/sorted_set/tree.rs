//! `Tree`: the order of a big sorted set, as a B+tree of element ids that counts what is below it.
//!
//! Called by `Indexed` only. Ranks, ranges and searches all cost one descent. Always holds: every
//! leaf stands at the same depth; a node states how many elements it holds and which is its first;
//! only the root may be empty. Nodes are boxed one by one, so that no change moves more than one
//! node's content.

mod node;

use super::elements::Elements;
use super::range::Boundary;
use node::{Child, LEAF_MAX, Leaf, Node};

/// The ids of one set's elements, ordered by score, then member.
#[derive(Clone)]
pub(super) struct Tree {
    root: Node,
    len: usize,
}

impl Tree {
    /// Builds a tree from ids that are already in order, with as few leaves as will hold them.
    pub(super) fn from_sorted(elements: &Elements, ids: &[u32]) -> Self {
        let leaves = ids.len().div_ceil(LEAF_MAX).max(1);
        let mut rest = ids;
        let mut level: Vec<Node> = Vec::with_capacity(leaves);
        for left in (1..=leaves).rev() {
            // Even shares, so that no leaf is left with a handful.
            let (head, tail) = rest.split_at(rest.len().div_ceil(left));
            level.push(Node::Leaf(Leaf::from_ids(head)));
            rest = tail;
        }
        let root = loop {
            match level.pop() {
                Some(only) if level.is_empty() => break only,
                Some(last) => level.push(last),
                None => break Node::Leaf(Leaf::from_ids(&[])),
            }
            level = node::parents(level, elements);
        };
        Self {
            root,
            len: ids.len(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds an element that is not in the tree.
    pub(super) fn insert(&mut self, elements: &Elements, id: u32) {
        let boundary = Boundary::Before(elements.score(id), elements.member(id));
        if let Some(right) = self.root.insert(elements, boundary, id) {
            let left = std::mem::replace(&mut self.root, Node::Inner(Vec::new()));
            self.root = Node::Inner(vec![Child::new(left, elements), right]);
        }
        self.len += 1;
    }

    /// How many elements stand before `boundary`.
    pub(super) fn rank(&self, elements: &Elements, boundary: Boundary<'_>) -> usize {
        let mut node = &self.root;
        let mut rank = 0;
        loop {
            match node {
                Node::Leaf(leaf) => return rank + leaf.rank(elements, boundary),
                Node::Inner(children) => {
                    let at = node::child_before(children, elements, boundary);
                    rank += children[..at]
                        .iter()
                        .map(|child| child.count as usize)
                        .sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// The leaf that holds the element of this rank, and how far into it; empty past the end.
    pub(super) fn leaf_at(&self, mut rank: usize) -> (&[u32], usize) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf.ids(), rank),
                Node::Inner(children) => {
                    let (at, before) = node::child_at(children, rank);
                    rank -= before;
                    node = &children[at].node;
                }
            }
        }
    }

    /// The element of this rank.
    #[cfg(test)]
    pub(super) fn get(&self, rank: usize) -> Option<u32> {
        let (ids, at) = self.leaf_at(rank);
        ids.get(at).copied()
    }

    /// Takes out up to `max` elements from `rank` on, no further than one leaf reaches, and appends
    /// them to `taken`. All of them must still be among `elements`.
    pub(super) fn remove_run(
        &mut self,
        elements: &Elements,
        rank: usize,
        max: usize,
        taken: &mut Vec<u32>,
    ) {
        self.len -= self.root.remove_run(elements, rank, max, taken);
        while let Node::Inner(children) = &mut self.root {
            match children.len() {
                0 => self.root = Node::Leaf(Leaf::from_ids(&[])),
                1 => {
                    let only = children.pop().expect("the length is one");
                    self.root = only.node;
                }
                _ => break,
            }
        }
    }

    /// Puts another id in the place of this rank, or notes a changed score there.
    pub(super) fn set(&mut self, elements: &Elements, rank: usize, id: u32) {
        self.root.set(elements, rank, id);
    }

    /// Bytes asked of the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.root.allocated_bytes()
    }

    /// How many leaves there are, about.
    pub(super) fn leaves_estimate(&self) -> usize {
        self.len / (LEAF_MAX / 2) + 1
    }

    /// Panics unless everything that this file promises holds.
    #[cfg(test)]
    pub(super) fn check(&self, elements: &Elements) {
        assert_eq!(self.root.check(elements), self.len);
        let ids: Vec<u32> = (0..self.len).filter_map(|rank| self.get(rank)).collect();
        assert_eq!(ids.len(), self.len);
        assert!(ids.is_sorted_by(|&one, &two| {
            Boundary::Before(elements.score(two), elements.member(two))
                .is_after(elements.score(one), || elements.member(one))
        }));
    }
}
