//! `StreamBuilder`: a stream from the pieces in which files hold it.
//!
//! Called by `saved`. The pieces come in the order of the file: nodes, the stream's own facts, then
//! each group with its consumers and their pending entries.

use holdfast_formats::Listpack;
use holdfast_formats::rdb::{StreamId, StreamMeta};

use super::StreamValue;
use super::group::{ConsumerId, Group, Pending};

/// A stream that is being read.
#[derive(Debug, Default)]
pub struct StreamBuilder {
    stream: StreamValue,
    has_facts: bool,
    /// Whether the file tells how much groups have read: it does since version 10.
    has_counters: bool,
    /// The group being read, with its consumers in the order in which they came.
    group: Option<(Box<[u8]>, Group, Vec<ConsumerId>)>,
}

impl StreamBuilder {
    /// The next node; whether it is one.
    pub fn add_node(&mut self, master: StreamId, block: Listpack) -> bool {
        self.stream.0.entries.push_block(master, block)
    }

    /// What the stream knows beside its entries; whether that agrees with them.
    pub fn set_facts(&mut self, meta: &StreamMeta) -> bool {
        self.has_facts = true;
        self.has_counters = meta.counters.is_some();
        let (added, max_deleted) = match meta.counters {
            Some(counters) => (counters.entries_added, counters.max_deleted_id),
            None => (meta.length, StreamId::MIN),
        };
        self.stream.set_ids(meta.last_id, Some(added), max_deleted);
        let last = self.stream.last().map_or(StreamId::MIN, |entry| entry.id);
        last <= meta.last_id
    }

    /// The next group; whether its name is new.
    pub fn begin_group(
        &mut self,
        name: &[u8],
        last_id: StreamId,
        entries_read: Option<u64>,
    ) -> bool {
        self.end_group();
        let entries_read = if self.has_counters {
            entries_read
        } else {
            self.stream.entries_read_at(last_id)
        };
        let is_new = self.stream.group(name).is_none();
        self.group = Some((name.into(), Group::new(last_id, entries_read), Vec::new()));
        is_new
    }

    /// The next consumer of the group.
    pub fn add_consumer(&mut self, name: &[u8], seen_ms: i64) -> bool {
        let Some((_, group, ids)) = &mut self.group else {
            return false;
        };
        let is_new = group.find_consumer(name).is_none();
        if is_new {
            ids.push(group.add_consumer(name, seen_ms));
        }
        is_new
    }

    /// The next pending entry of the group, and which of its consumers has it.
    pub fn add_pending(
        &mut self,
        id: StreamId,
        delivered_ms: i64,
        deliveries: u64,
        consumer: usize,
    ) -> bool {
        let Some((_, group, ids)) = &mut self.group else {
            return false;
        };
        let Some(&consumer) = ids.get(consumer) else {
            return false;
        };
        let pending = Pending {
            delivered_ms,
            deliveries,
            consumer,
        };
        group.assign(id, pending);
        true
    }

    fn end_group(&mut self) {
        if let Some((name, group, _)) = self.group.take() {
            self.stream.put_group(&name, group);
        }
    }

    /// The stream, if all that makes one has come.
    #[must_use]
    pub fn finish(mut self) -> Option<StreamValue> {
        self.end_group();
        self.has_facts.then_some(self.stream)
    }
}
