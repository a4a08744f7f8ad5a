//! The nodes of the order tree: how they are searched, split, merged and counted.
//!
//! Called by `Tree`, which owns the root. A leaf is one allocation of 256 bytes; an inner node is a
//! vector of children with their counts and first elements, so that a descent reads elements only
//! where scores tie, until it reaches the leaf.

use super::super::elements::Elements;
use super::super::range::Boundary;

/// Ids of one leaf: with the length it fills 256 bytes.
pub(super) const LEAF_MAX: usize = 63;
/// A leaf is searched in steps of this many ids, then one by one within a step.
const STEP: usize = 8;
/// Children of one inner node.
const CHILDREN_MAX: usize = 48;
/// A node below a quarter takes from a neighbour or joins it. Far below the half that a split
/// leaves, so that a set whose length swings does not split and join all the time.
const LEAF_MIN: usize = LEAF_MAX / 4;
const CHILDREN_MIN: usize = CHILDREN_MAX / 4;

#[derive(Clone)]
pub(super) enum Node {
    Leaf(Box<Leaf>),
    Inner(Vec<Child>),
}

#[derive(Clone)]
pub(super) struct Child {
    /// Score of the first element, so that a descent does not have to look it up.
    score: f64,
    first: u32,
    /// Elements below.
    pub(super) count: u32,
    pub(super) node: Node,
}

#[derive(Clone)]
pub(super) struct Leaf {
    len: u32,
    ids: [u32; LEAF_MAX],
}

impl Leaf {
    pub(super) fn from_ids(ids: &[u32]) -> Box<Self> {
        let mut leaf = Box::new(Self {
            len: 0,
            ids: [0; LEAF_MAX],
        });
        leaf.ids[..ids.len()].copy_from_slice(ids);
        leaf.set_len(ids.len());
        leaf
    }

    #[inline(always)]
    pub(super) fn ids(&self) -> &[u32] {
        &self.ids[..self.len as usize]
    }

    fn set_len(&mut self, len: usize) {
        self.len = u32::try_from(len).expect("a leaf holds at most 63 ids");
    }

    /// How many of the leaf's elements stand before `boundary`.
    ///
    /// Not a binary search: each of its probes would wait for the one before, and in a big set most
    /// miss the caches. Here the probes of a round are independent of each other, and two rounds do.
    #[inline]
    pub(super) fn rank(&self, elements: &Elements, boundary: Boundary<'_>) -> usize {
        let stands_before = |id: &&u32| {
            let (score, member) = elements.get(**id);
            boundary.is_after(score, || member.bytes())
        };
        let ids = self.ids();
        let steps = ids
            .iter()
            .skip(STEP - 1)
            .step_by(STEP)
            .filter(stands_before)
            .count();
        let rest = ids.get(steps * STEP..).unwrap_or(&[]);
        steps * STEP + rest.iter().take(STEP - 1).filter(stands_before).count()
    }

    /// Adds an id at `at`; a full leaf gives its right part away.
    fn insert(&mut self, at: usize, id: u32) -> Option<Box<Self>> {
        let len = self.len as usize;
        if len < LEAF_MAX {
            self.ids.copy_within(at..len, at + 1);
            self.ids[at] = id;
            self.set_len(len + 1);
            return None;
        }
        let keep = keep_of_split(LEAF_MAX, at, 0);
        let mut right = Self::from_ids(&self.ids[keep..]);
        self.set_len(keep);
        let split_again = if at <= keep && keep < LEAF_MAX {
            self.insert(at, id)
        } else {
            right.insert(at - keep, id)
        };
        assert!(split_again.is_none(), "half a leaf has room");
        Some(right)
    }

    fn remove_run(&mut self, at: usize, max: usize, taken: &mut Vec<u32>) -> usize {
        let len = self.len as usize;
        let end = at.saturating_add(max).min(len);
        taken.extend_from_slice(&self.ids[at..end]);
        self.ids.copy_within(end..len, at);
        self.set_len(len - (end - at));
        end - at
    }

    /// Joins `right` to this leaf, or evens the two out; whether `right` is now empty.
    fn join(&mut self, right: &mut Self) -> bool {
        let mut both = Vec::with_capacity(2 * LEAF_MAX);
        both.extend_from_slice(self.ids());
        both.extend_from_slice(right.ids());
        let keep = if both.len() <= LEAF_MAX {
            both.len()
        } else {
            both.len() / 2
        };
        let (one, two) = both.split_at(keep);
        self.ids[..one.len()].copy_from_slice(one);
        self.set_len(one.len());
        right.ids[..two.len()].copy_from_slice(two);
        right.set_len(two.len());
        two.is_empty()
    }
}

impl Child {
    pub(super) fn new(node: Node, elements: &Elements) -> Self {
        let mut child = Self {
            score: 0.0,
            first: u32::MAX,
            count: 0,
            node,
        };
        child.recount();
        child.refresh(elements);
        child
    }

    /// States the first element anew. Every change below a child ends with this.
    fn refresh(&mut self, elements: &Elements) {
        let first = match &self.node {
            Node::Leaf(leaf) => leaf.ids().first(),
            Node::Inner(children) => children.first().map(|child| &child.first),
        };
        if let Some(&first) = first {
            self.first = first;
            self.score = elements.score(first);
        }
    }

    fn recount(&mut self) {
        self.count = match &self.node {
            Node::Leaf(leaf) => leaf.len,
            Node::Inner(children) => children.iter().map(|child| child.count).sum(),
        };
    }

    fn is_underfull(&self) -> bool {
        match &self.node {
            Node::Leaf(leaf) => (leaf.len as usize) < LEAF_MIN,
            Node::Inner(children) => children.len() < CHILDREN_MIN,
        }
    }
}

impl Node {
    /// Adds an id before `boundary`, which is the element's own place. If the node was full, what
    /// is right of the split comes back.
    pub(super) fn insert(
        &mut self,
        elements: &Elements,
        boundary: Boundary<'_>,
        id: u32,
    ) -> Option<Child> {
        match self {
            Self::Leaf(leaf) => {
                let right = leaf.insert(leaf.rank(elements, boundary), id)?;
                Some(Child::new(Self::Leaf(right), elements))
            }
            Self::Inner(children) => {
                let at = child_before(children, elements, boundary);
                let child = &mut children[at];
                let right = child.node.insert(elements, boundary, id);
                child.count += 1;
                child.refresh(elements);
                let right = right?;
                child.count -= right.count;
                let right = insert_child(children, at + 1, right)?;
                Some(Child::new(Self::Inner(right), elements))
            }
        }
    }

    /// See `Tree::remove_run`; says how many were taken.
    pub(super) fn remove_run(
        &mut self,
        elements: &Elements,
        rank: usize,
        max: usize,
        taken: &mut Vec<u32>,
    ) -> usize {
        let children = match self {
            Self::Leaf(leaf) => return leaf.remove_run(rank, max, taken),
            Self::Inner(children) => children,
        };
        let (at, before) = child_at(children, rank);
        let child = &mut children[at];
        let removed = child.node.remove_run(elements, rank - before, max, taken);
        child.count -= u32::try_from(removed).expect("no more than one leaf's");
        if child.count == 0 {
            children.remove(at);
        } else {
            child.refresh(elements);
            if child.is_underfull() {
                join_neighbours(children, at, elements);
            }
        }
        removed
    }

    /// See `Tree::set`.
    pub(super) fn set(&mut self, elements: &Elements, rank: usize, id: u32) {
        match self {
            Self::Leaf(leaf) => leaf.ids[rank] = id,
            Self::Inner(children) => {
                let (at, before) = child_at(children, rank);
                children[at].node.set(elements, rank - before, id);
                children[at].refresh(elements);
            }
        }
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        match self {
            Self::Leaf(_) => size_of::<Leaf>(),
            Self::Inner(children) => {
                let own = children.capacity() * size_of::<Child>();
                // Leaves are all of one size: only inner nodes have to be visited.
                let below = match children.first() {
                    Some(Child {
                        node: Self::Leaf(_),
                        ..
                    }) => children.len() * size_of::<Leaf>(),
                    _ => children
                        .iter()
                        .map(|child| child.node.allocated_bytes())
                        .sum(),
                };
                own + below
            }
        }
    }

    #[cfg(test)]
    pub(super) fn check(&self, elements: &Elements) -> usize {
        let children = match self {
            Self::Leaf(leaf) => return leaf.ids().len(),
            Self::Inner(children) => children,
        };
        assert!(!children.is_empty() && children.len() <= CHILDREN_MAX);
        for child in children {
            assert_eq!(child.node.check(elements), child.count as usize);
            assert!(child.count > 0);
            let mut fresh = child.clone();
            fresh.refresh(elements);
            assert_eq!((fresh.first, fresh.score), (child.first, child.score));
        }
        children.iter().map(|child| child.count as usize).sum()
    }
}

/// The child in which `boundary` lies: the last whose first element stands before it.
#[inline]
pub(super) fn child_before(
    children: &[Child],
    elements: &Elements,
    boundary: Boundary<'_>,
) -> usize {
    children
        .partition_point(|child| boundary.is_after(child.score, || elements.member(child.first)))
        .saturating_sub(1)
}

/// The child that holds the element of this rank, and how many elements stand before that child.
/// Past the end it is the last child.
#[inline]
pub(super) fn child_at(children: &[Child], rank: usize) -> (usize, usize) {
    let mut before = 0;
    for (at, child) in children.iter().enumerate() {
        let count = child.count as usize;
        if rank < before + count || at + 1 == children.len() {
            return (at, before);
        }
        before += count;
    }
    (0, 0)
}

/// Joins a level of nodes into as few parents as will hold them.
pub(super) fn parents(level: Vec<Node>, elements: &Elements) -> Vec<Node> {
    let mut parents = level.len().div_ceil(CHILDREN_MAX);
    let mut left = level.len();
    let mut level = level.into_iter();
    let mut nodes = Vec::with_capacity(parents);
    while parents > 0 {
        let share = left.div_ceil(parents);
        let children = level
            .by_ref()
            .take(share)
            .map(|node| Child::new(node, elements));
        nodes.push(Node::Inner(children.collect()));
        left -= share;
        parents -= 1;
    }
    nodes
}

/// Adds a child at `at`; a full node gives its right part away.
fn insert_child(children: &mut Vec<Child>, at: usize, child: Child) -> Option<Vec<Child>> {
    if children.len() < CHILDREN_MAX {
        children.insert(at, child);
        return None;
    }
    let keep = keep_of_split(CHILDREN_MAX, at, 1);
    let mut right = Vec::with_capacity(CHILDREN_MAX);
    right.extend(children.drain(keep..));
    if at <= keep && keep < CHILDREN_MAX {
        // A split at the front keeps one child, and the new one is the first of the others.
        if keep == 1 {
            right.insert(0, child);
        } else {
            children.insert(at, child);
        }
    } else {
        right.insert(at - keep, child);
    }
    Some(right)
}

/// How many of `max` items stay left when a full node splits because of an insertion at `at`.
/// At either end nearly all stay together: sets filled in order get full nodes.
fn keep_of_split(max: usize, at: usize, front: usize) -> usize {
    if at == max {
        max
    } else if at == front {
        front
    } else {
        max / 2
    }
}

/// Mends an underfull child at `at` with its left neighbour, or its right one.
fn join_neighbours(children: &mut Vec<Child>, at: usize, elements: &Elements) {
    let left_at = at.saturating_sub(1);
    let Some([left, right, ..]) = children.get_mut(left_at..) else {
        return;
    };
    let emptied = match (&mut left.node, &mut right.node) {
        (Node::Leaf(left), Node::Leaf(right)) => left.join(right),
        (Node::Inner(left), Node::Inner(right)) => {
            left.append(right);
            if left.len() > CHILDREN_MAX {
                right.extend(left.drain(left.len() / 2..));
            }
            right.is_empty()
        }
        _ => panic!("neighbours stand at different depths"),
    };
    left.recount();
    left.refresh(elements);
    if emptied {
        children.remove(left_at + 1);
    } else {
        right.recount();
        right.refresh(elements);
    }
}
