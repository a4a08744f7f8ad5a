//! `IdMap`: a map from stream ids, sorted, in chunks that clones share until one of them changes one.
//!
//! Nodes, pending entries and the lists of consumers live in it. A snapshot clones a stream while
//! commands go on: that costs a count for each chunk, and each chunk that is changed meanwhile is
//! copied once. Always holds: ids rise within chunks and from chunk to chunk, and no chunk is empty.

use std::sync::Arc;

use holdfast_formats::rdb::StreamId;

/// Elements of a chunk, at most: copying one is as cheap as a command.
const CHUNK_MAX: usize = 256;

type Chunk<V> = Arc<Vec<(StreamId, V)>>;

/// A sorted map from stream ids.
#[derive(Clone, Debug)]
pub(super) struct IdMap<V> {
    chunks: Vec<Chunk<V>>,
    len: usize,
}

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> IdMap<V> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes of its allocations.
    pub(super) fn allocated_bytes(&self) -> usize {
        // Chunks are full but for some at the ends and where much was removed.
        self.len * size_of::<(StreamId, V)>()
            + self.chunks.capacity() * size_of::<Chunk<V>>()
            + self.chunks.len() * size_of::<(usize, usize, Vec<V>)>()
    }

    /// Which chunk an id belongs into.
    fn chunk_of(&self, id: StreamId) -> usize {
        let begins_before = |chunk: &Chunk<V>| chunk.first().is_some_and(|(first, _)| *first <= id);
        // Most of what is added comes last.
        match self.chunks.last() {
            Some(last) if begins_before(last) => self.chunks.len() - 1,
            _ => self.chunks.partition_point(begins_before).saturating_sub(1),
        }
    }

    /// Where an id is, or would be put.
    fn place_of(&self, id: StreamId) -> (usize, Result<usize, usize>) {
        let chunk = self.chunk_of(id);
        let slot = self.chunks.get(chunk).map_or(Err(0), |chunk| {
            chunk.binary_search_by_key(&id, |(other, _)| *other)
        });
        (chunk, slot)
    }

    pub(super) fn get(&self, id: StreamId) -> Option<&V> {
        let (chunk, slot) = self.place_of(id);
        let (_, value) = self.chunks.get(chunk)?.get(slot.ok()?)?;
        Some(value)
    }

    /// The last element with an id up to this one.
    pub(super) fn at_or_before(&self, id: StreamId) -> Option<(StreamId, &V)> {
        let (chunk, slot) = self.place_of(id);
        let slot = slot.or_else(|after| after.checked_sub(1).ok_or(())).ok()?;
        let (found, value) = self.chunks.get(chunk)?.get(slot)?;
        Some((*found, value))
    }

    pub(super) fn first(&self) -> Option<(StreamId, &V)> {
        let (id, value) = self.chunks.first()?.first()?;
        Some((*id, value))
    }

    pub(super) fn last(&self) -> Option<(StreamId, &V)> {
        let (id, value) = self.chunks.last()?.last()?;
        Some((*id, value))
    }

    /// The elements with ids from `from` to `to`.
    pub(super) fn range(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &V)> {
        let chunks = self.chunk_of(from)..self.chunk_of(to).saturating_add(1);
        let chunks = self.chunks.get(chunks).unwrap_or_default();
        chunks.iter().flat_map(move |chunk| {
            let start = chunk.partition_point(|(id, _)| *id < from);
            let end = chunk.partition_point(|(id, _)| *id <= to);
            let within = chunk.get(start..end).unwrap_or_default();
            within.iter().map(|(id, value)| (*id, value))
        })
    }
}

impl<V: Clone> IdMap<V> {
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut V> {
        let (chunk, slot) = self.place_of(id);
        let slot = slot.ok()?;
        let chunk = Arc::make_mut(self.chunks.get_mut(chunk)?);
        chunk.get_mut(slot).map(|(_, value)| value)
    }

    /// Puts a value; what was there comes back.
    pub(super) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        let (mut at, slot) = self.place_of(id);
        let mut slot = match slot {
            Ok(_) => {
                let known = self.get_mut(id).expect("its place was just found");
                return Some(std::mem::replace(known, value));
            }
            Err(slot) => slot,
        };
        self.len += 1;
        if self
            .chunks
            .get(at)
            .is_none_or(|chunk| chunk.len() >= CHUNK_MAX)
        {
            (at, slot) = self.make_room(at, slot);
        }
        Arc::make_mut(&mut self.chunks[at]).insert(slot, (id, value));
        None
    }

    /// Makes a place in a chunk that is full, or the first chunk.
    fn make_room(&mut self, at: usize, slot: usize) -> (usize, usize) {
        let is_last = at + 1 >= self.chunks.len();
        let Some(full) = self
            .chunks
            .get_mut(at)
            .filter(|_| !is_last || slot < CHUNK_MAX)
        else {
            // What comes behind everything begins a chunk: those before it stay full.
            self.chunks.push(Arc::default());
            return (self.chunks.len() - 1, 0);
        };
        let middle = CHUNK_MAX / 2;
        let right = Arc::make_mut(full).split_off(middle);
        self.chunks.insert(at + 1, Arc::new(right));
        match slot.checked_sub(middle) {
            Some(slot) if slot > 0 => (at + 1, slot),
            _ => (at, slot),
        }
    }

    pub(super) fn remove(&mut self, id: StreamId) -> Option<V> {
        let (at, slot) = self.place_of(id);
        let slot = slot.ok()?;
        let chunk = Arc::make_mut(self.chunks.get_mut(at)?);
        let (_, value) = chunk.remove(slot);
        self.len -= 1;
        if chunk.is_empty() {
            self.chunks.remove(at);
        } else if chunk.len() < CHUNK_MAX / 4 {
            self.join(at);
        }
        Some(value)
    }

    /// Puts the next chunk's elements into this one, if both together are small.
    fn join(&mut self, at: usize) {
        let len = |at: usize| self.chunks.get(at).map_or(CHUNK_MAX, |chunk| chunk.len());
        if len(at) + len(at + 1) <= CHUNK_MAX / 2 {
            let right = Arc::unwrap_or_clone(self.chunks.remove(at + 1));
            Arc::make_mut(&mut self.chunks[at]).extend(right);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u16) -> StreamId {
        StreamId {
            ms: u64::from(number / 4),
            sequence: u64::from(number % 4),
        }
    }

    proptest! {
        #[test]
        fn it_does_what_a_map_of_the_standard_library_does(
            steps in prop::collection::vec((0u8..10, 0u16..2000, 1u16..400), 1..40),
        ) {
            let (mut map, mut model) = (IdMap::new(), BTreeMap::new());
            for (what, start, count) in steps {
                for number in start..start + count {
                    if what < 6 {
                        prop_assert_eq!(map.insert(id(number), number), model.insert(id(number), number));
                    } else {
                        prop_assert_eq!(map.remove(id(number)), model.remove(&id(number)));
                    }
                }
                let shared = map.clone();
                if let Some(value) = map.get_mut(id(start)) {
                    *value += 1;
                    prop_assert_eq!(shared.get(id(start)), Some(&(*value - 1)));
                    *value -= 1;
                }
                prop_assert_eq!(map.len(), model.len());
                let (from, to) = (id(start), id(start + count));
                let found: Vec<_> = map.range(from, to).collect();
                let wanted: Vec<_> = model.range(from..=to).map(|(id, value)| (*id, value)).collect();
                prop_assert_eq!(&found, &wanted);
                let back: Vec<_> = map.range(from, to).rev().collect();
                prop_assert!(back.iter().eq(wanted.iter().rev()));
                let before = model.range(..=from).next_back().map(|(id, value)| (*id, value));
                prop_assert_eq!(map.at_or_before(from), before);
                prop_assert_eq!(map.first(), model.first_key_value().map(|(id, value)| (*id, value)));
                prop_assert_eq!(map.last(), model.last_key_value().map(|(id, value)| (*id, value)));
                prop_assert!(map.chunks.iter().all(|chunk| (1..=CHUNK_MAX).contains(&chunk.len())));
            }
        }
    }
}
