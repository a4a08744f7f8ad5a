//! `Elements`: where the big encoding keeps scores and members, each under a 32-bit id.
//!
//! The tree and the hash index hold ids only. Always holds: an id names the same element from
//! `insert` until `remove` or `move_last_into_hole`; freed ids are linked both ways, so that any of
//! them can be taken out when the end of the store is given back.

use std::sync::Arc;

use crate::packed::Packed;

/// Slots of one chunk. A chunk grows by copying at most this many slots (64 KiB, microseconds), so
/// no insertion into a huge set has to move all of it.
const CHUNK_SLOTS: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 12;
/// So many free slots are never worth moving an element for.
const FREE_KEPT: usize = 32;
/// Ends the chain of free slots.
const NONE: u32 = u32::MAX;

#[derive(Clone)]
enum Slot {
    Used { score: f64, member: Packed<()> },
    Free { previous: u32, next: u32 },
}

/// The elements of one set, in no order.
#[derive(Clone)]
pub(super) struct Elements {
    /// All but the last are full-sized; only the last grows. Clones share them until one is
    /// changed, which copies that one.
    chunks: Vec<Arc<Vec<Slot>>>,
    free_first: u32,
    free_count: usize,
    member_bytes: usize,
}

impl Elements {
    /// An empty store with room for `count` elements, as far as one chunk goes.
    pub(super) fn with_capacity(count: usize) -> Self {
        let slots = class_capacity(count).min(CHUNK_SLOTS);
        Self {
            chunks: vec![Arc::new(Vec::with_capacity(slots))],
            free_first: NONE,
            free_count: 0,
            member_bytes: 0,
        }
    }

    /// Keeps an element and says under which id.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) -> u32 {
        let member = Packed::new((), &[member]);
        self.member_bytes += member.allocated_bytes();
        let used = Slot::Used { score, member };
        if self.free_first != NONE {
            let id = self.free_first;
            self.unlink(id);
            *self.slot_mut(id) = used;
            return id;
        }
        let id = u32::try_from(self.slots()).expect("the command layer bounds a set's length");
        assert!(id != NONE, "a sorted set has no id left");
        if self
            .chunks
            .last()
            .is_none_or(|chunk| chunk.len() == CHUNK_SLOTS)
        {
            self.chunks.push(Arc::default());
        }
        let last = self.chunks.last_mut();
        let last = Arc::make_mut(last.expect("a chunk was pushed if there was none"));
        if last.len() == last.capacity() {
            let wanted = class_capacity(last.len() + 1).min(CHUNK_SLOTS);
            last.reserve_exact(wanted - last.len());
        }
        last.push(used);
        id
    }

    /// Forgets an element. Its id may be given out again.
    pub(super) fn remove(&mut self, id: u32) {
        let next = self.free_first;
        let free = Slot::Free {
            previous: NONE,
            next,
        };
        let old = std::mem::replace(self.slot_mut(id), free);
        let Slot::Used { member, .. } = old else {
            panic!("element {id} was removed twice");
        };
        self.member_bytes -= member.allocated_bytes();
        if next != NONE {
            *self.links(next).0 = id;
        }
        self.free_first = id;
        self.free_count += 1;
        self.trim_end();
    }

    #[inline(always)]
    pub(super) fn score(&self, id: u32) -> f64 {
        self.get(id).0
    }

    #[inline(always)]
    pub(super) fn member(&self, id: u32) -> &[u8] {
        self.get(id).1.bytes()
    }

    #[inline(always)]
    pub(super) fn get(&self, id: u32) -> (f64, &Packed<()>) {
        match self.slot(id) {
            Slot::Used { score, member } => (*score, member),
            Slot::Free { .. } => panic!("id {id} names a free slot"),
        }
    }

    /// Changes a score; where the element stands in the order is the caller's business.
    pub(super) fn set_score(&mut self, id: u32, new: f64) {
        match self.slot_mut(id) {
            Slot::Used { score, .. } => *score = new,
            Slot::Free { .. } => panic!("id {id} names a free slot"),
        }
    }

    /// The element with the highest id, if more than half of the slots are free so that it should
    /// move into one of them: a set that has shrunk gives its memory back step by step.
    pub(super) fn worth_moving(&self) -> Option<u32> {
        let slots = self.slots();
        if self.free_count <= (slots / 2).max(FREE_KEPT) {
            return None;
        }
        // `trim_end` sees to it that the last slot is in use.
        u32::try_from(slots.checked_sub(1)?).ok()
    }

    /// Moves the element `last`, as `worth_moving` named it, into a free slot; its new id.
    pub(super) fn move_last_into_hole(&mut self, last: u32) -> u32 {
        let hole = self.free_first;
        assert!(
            hole < last,
            "the hole {hole} is not below the last element {last}"
        );
        self.unlink(hole);
        let placeholder = Slot::Free {
            previous: NONE,
            next: NONE,
        };
        let moved = std::mem::replace(self.slot_mut(last), placeholder);
        *self.slot_mut(hole) = moved;
        let chunk = self.chunks.last_mut();
        Arc::make_mut(chunk.expect("the last element is in a chunk")).pop();
        self.trim_end();
        hole
    }

    /// Every element, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        let slots = self.chunks.iter().flat_map(|chunk| chunk.iter());
        slots.filter_map(|slot| match slot {
            Slot::Used { score, member } => Some((member.bytes(), *score)),
            Slot::Free { .. } => None,
        })
    }

    /// Bytes asked of the allocator, members included.
    pub(super) fn allocated_bytes(&self) -> usize {
        let slots: usize = self.chunks.iter().map(|chunk| chunk.capacity()).sum();
        slots * size_of::<Slot>()
            + self.chunks.capacity() * size_of::<Arc<Vec<Slot>>>()
            + self.chunks.len() * size_of::<Vec<Slot>>()
            + self.member_bytes
    }

    /// Gives back free slots at the end.
    fn trim_end(&mut self) {
        while let Some(chunk) = self.chunks.last() {
            match chunk.last() {
                Some(Slot::Used { .. }) => break,
                Some(Slot::Free { .. }) => {
                    let last = self.slots() - 1;
                    self.unlink(u32::try_from(last).expect("ids are 32 bits wide"));
                    self.chunks
                        .last_mut()
                        .map(|chunk| Arc::make_mut(chunk).pop());
                }
                None if self.chunks.len() == 1 => break,
                None => drop(self.chunks.pop()),
            }
        }
        if let Some(chunk) = self.chunks.last_mut()
            && chunk.len() <= chunk.capacity() / 2
        {
            let wanted = class_capacity(chunk.len() + chunk.len() / 4).min(CHUNK_SLOTS);
            Arc::make_mut(chunk).shrink_to(wanted);
        }
    }

    /// Takes a free slot out of the chain; its content is then of no meaning.
    fn unlink(&mut self, id: u32) {
        let (&mut previous, &mut next) = self.links(id);
        if previous == NONE {
            self.free_first = next;
        } else {
            *self.links(previous).1 = next;
        }
        if next != NONE {
            *self.links(next).0 = previous;
        }
        self.free_count -= 1;
    }

    fn links(&mut self, id: u32) -> (&mut u32, &mut u32) {
        match self.slot_mut(id) {
            Slot::Free { previous, next } => (previous, next),
            Slot::Used { .. } => panic!("the chain of free slots names element {id}"),
        }
    }

    fn slots(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_SLOTS;
        full + self.chunks.last().map_or(0, |chunk| chunk.len())
    }

    #[inline(always)]
    fn slot(&self, id: u32) -> &Slot {
        let id = id as usize;
        &self.chunks[id >> CHUNK_BITS][id & (CHUNK_SLOTS - 1)]
    }

    #[inline(always)]
    fn slot_mut(&mut self, id: u32) -> &mut Slot {
        let id = id as usize;
        &mut Arc::make_mut(&mut self.chunks[id >> CHUNK_BITS])[id & (CHUNK_SLOTS - 1)]
    }
}

/// The smallest capacity of at least `count` slots that fills an allocator's size class: those are
/// four to a doubling, so asking for less would give the same memory.
fn class_capacity(count: usize) -> usize {
    if count <= 8 {
        return 8;
    }
    count.next_multiple_of(1 << ((count - 1).ilog2() - 2))
}
