//! `StreamValue`: entries with rising ids, and the consumer groups that read them.
//!
//! Called by the stream commands, and by all that store, load or digest values. Always holds: the
//! last id is at or above that of every entry, and nothing ever lowers it below one; what a stream
//! holds does not depend on how it is cut into nodes. A stream stays when its last entry goes.
//!
//! Files: `node` some entries in one block; `id_map` sorted maps that clones share; `entries` all of
//! the entries; `trim` what goes from the front;
//! `group` consumers and what they have not acknowledged; `progress` how far a group has come;
//! `builder` streams from files.

mod builder;
mod entries;
mod group;
mod id_map;
mod node;
mod progress;
mod trim;

use std::collections::BTreeMap;

use holdfast_formats::rdb::StreamId;
use holdfast_formats::{LISTPACK_BYTES_MAX, Listpack};

pub use builder::StreamBuilder;
pub use group::{Consumer, ConsumerId, Group, Pending};
pub use node::{Entry, Pair};
pub use trim::{Bound, Trim};

use crate::values::direction::Direction;
use crate::values::encodings::Encodings;
use entries::Entries;

/// What an ordered map takes for each group beside what the group holds, roughly.
const BYTES_PER_GROUP: usize = 2 * size_of::<Group>();

/// Entries in the order of their ids. One pointer, so that other values need not grow for it.
#[derive(Clone, Default)]
pub struct StreamValue(Box<Stream>);

#[derive(Clone, Default)]
struct Stream {
    entries: Entries,
    last_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
    groups: BTreeMap<Box<[u8]>, Group>,
}

impl StreamValue {
    /// A stream without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    // ---- looking -------------------------------------------------------------------------------

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.entries.length()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last id that was given out, of an entry that may be gone.
    #[must_use]
    pub fn last_id(&self) -> StreamId {
        self.0.last_id
    }

    /// The largest id of an entry that was deleted by its id.
    #[must_use]
    pub fn max_deleted_id(&self) -> StreamId {
        self.0.max_deleted_id
    }

    /// How many entries were ever added.
    #[must_use]
    pub fn entries_added(&self) -> u64 {
        self.0.entries_added
    }

    /// The id of the first entry, 0-0 if there is none.
    #[must_use]
    pub fn first_id(&self) -> StreamId {
        self.first().map_or(StreamId::MIN, |entry| entry.id)
    }

    /// The first entry.
    #[must_use]
    pub fn first(&self) -> Option<Entry<'_>> {
        self.0.entries.edge(Direction::Forward)
    }

    /// The last entry.
    #[must_use]
    pub fn last(&self) -> Option<Entry<'_>> {
        self.0.entries.edge(Direction::Backward)
    }

    /// The entry with this id.
    #[must_use]
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.0.entries.get(id)
    }

    /// The entries with an id from `from` to `to`; `Backward` begins at the last of them.
    pub fn range(
        &self,
        from: StreamId,
        to: StreamId,
        direction: Direction,
    ) -> impl Iterator<Item = Entry<'_>> {
        self.0.entries.range(from, to, direction)
    }

    /// The id that an entry gets which is added now; none if the last one was given out.
    #[must_use]
    pub fn next_id(last: StreamId, now_ms: i64) -> Option<StreamId> {
        let ms = u64::try_from(now_ms).unwrap_or(0);
        if ms > last.ms {
            Some(StreamId { ms, sequence: 0 })
        } else {
            last.next()
        }
    }

    /// Whether an entry of these fields is not too large to be stored.
    #[must_use]
    pub fn can_hold(fields: &[&[u8]]) -> bool {
        /// What an element takes beside its text, and what an entry takes beside its elements.
        const BESIDE_ELEMENT: usize = 10;
        const BESIDE_ENTRY: usize = 256;
        // The first entry of a node says its fields twice over: as the node's and by its values.
        let texts: usize = fields.iter().map(|text| text.len() + BESIDE_ELEMENT).sum();
        texts.saturating_add(BESIDE_ENTRY) <= LISTPACK_BYTES_MAX
    }

    // ---- changing ------------------------------------------------------------------------------

    /// Adds an entry: fields and values in turn.
    ///
    /// # Panics
    /// If the id is not above the last one: callers have refused that.
    pub fn append(&mut self, id: StreamId, fields: &[&[u8]], encodings: &Encodings) {
        let stream = &mut *self.0;
        assert!(id > stream.last_id, "{id} after {}", stream.last_id);
        stream.entries.push(id, fields, encodings);
        stream.last_id = id;
        stream.entries_added = stream.entries_added.saturating_add(1);
    }

    /// Deletes an entry; whether it was there.
    pub fn remove(&mut self, id: StreamId) -> bool {
        let removed = self.0.entries.remove(id);
        if removed {
            self.0.max_deleted_id = self.0.max_deleted_id.max(id);
        }
        removed
    }

    /// Takes entries from the front; says how many.
    pub fn trim(&mut self, trim: &Trim) -> u64 {
        self.0.entries.trim(trim)
    }

    /// Sets what the stream remembers of entries that are gone. The caller has checked that the last
    /// id is not below an entry's.
    pub fn set_ids(&mut self, last_id: StreamId, added: Option<u64>, max_deleted: StreamId) {
        self.0.last_id = last_id;
        self.0.entries_added = added.unwrap_or(self.0.entries_added);
        if max_deleted != StreamId::MIN {
            self.0.max_deleted_id = max_deleted;
        }
    }

    // ---- groups --------------------------------------------------------------------------------

    /// The groups by name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.0
            .groups
            .iter()
            .map(|(name, group)| (name.as_ref(), group))
    }

    /// A group.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name)
    }

    /// A group, to be changed.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.0.groups.get_mut(name)
    }

    /// Puts a group in place of one of the same name, if there is one.
    pub fn put_group(&mut self, name: &[u8], group: Group) {
        self.0.groups.insert(name.into(), group);
    }

    /// Takes a group out.
    pub fn remove_group(&mut self, name: &[u8]) -> Option<Group> {
        self.0.groups.remove(name)
    }

    /// A group has read these entries, which follow its last one: moves its counters on.
    pub fn advance(&mut self, name: &[u8], ids: &[StreamId]) {
        for &id in ids {
            let Some(group) = self.group(name).filter(|group| id > group.last_id) else {
                continue;
            };
            let entries_read = self.entries_read_after(group, id);
            if let Some(group) = self.group_mut(name) {
                group.last_id = id;
                group.entries_read = entries_read;
            }
        }
    }

    // ---- storing -------------------------------------------------------------------------------

    /// The nodes as files hold them, by master id.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, &Listpack)> {
        self.0.entries.blocks()
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes_count(&self) -> usize {
        self.0.entries.nodes_count()
    }

    /// The name that OBJECT ENCODING gives.
    #[must_use]
    pub fn encoding_name(&self) -> &'static str {
        "stream"
    }

    /// Bytes asked of the allocator, beyond the value itself; of maps only roughly.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        let groups = self.groups();
        let of_groups: usize = groups
            .map(|(name, group)| name.len() + BYTES_PER_GROUP + group.allocated_bytes())
            .sum();
        size_of::<Stream>() + self.0.entries.allocated_bytes() + of_groups
    }

    /// About how many allocations freeing it visits: what decides whether another thread does.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of_groups: usize = self
            .groups()
            .map(|(_, group)| 1 + group.pending_count() + group.consumers_count())
            .sum();
        1 + self.nodes_count() + of_groups
    }
}

impl std::fmt::Debug for StreamValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.range(StreamId::MIN, StreamId::MAX, Direction::Forward);
        f.debug_map()
            .entries(entries.map(|entry| (entry.id, entry.pairs().collect::<Vec<_>>())))
            .finish()
    }
}

#[cfg(test)]
mod tests;
