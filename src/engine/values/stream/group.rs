//! `Group`: a consumer group, its consumers, and the entries that they have not acknowledged.
//!
//! Called by `StreamValue` and the commands on groups. Always holds: each pending entry belongs to
//! one consumer of the group, and that consumer's own list has it; consumers are listed by name.

use holdfast_formats::rdb::StreamId;

use super::id_map::IdMap;

/// A consumer of one group. It is of no use to another group, or once the consumer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerId(u32);

/// A consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name.
    pub name: Box<[u8]>,
    /// When it was last heard of, in milliseconds since 1970. This node's own knowledge: neither
    /// effects nor digests know of it.
    pub seen_ms: i64,
    pending: IdMap<()>,
}

impl Consumer {
    /// The entries that it has not acknowledged, from an id on.
    pub fn pending_from(&self, from: StreamId) -> impl Iterator<Item = StreamId> + '_ {
        let pending = self.pending.range(from, StreamId::MAX);
        pending.map(|(id, ())| id)
    }

    /// How many entries it has not acknowledged.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }
}

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// When it was delivered last, in milliseconds since 1970.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// To whom.
    pub consumer: ConsumerId,
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The last id that it has delivered.
    pub last_id: StreamId,
    /// How many entries of the stream it has read, where that is known.
    pub entries_read: Option<u64>,
    pending: IdMap<Pending>,
    /// By their ids; a place without a consumer may be used again.
    consumers: Vec<Option<Consumer>>,
    by_name: Vec<ConsumerId>,
}

impl Group {
    /// A group that has delivered all up to an id.
    #[must_use]
    pub const fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            last_id,
            entries_read,
            pending: IdMap::new(),
            consumers: Vec::new(),
            by_name: Vec::new(),
        }
    }

    // ---- consumers -----------------------------------------------------------------------------

    /// The consumers by name.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.by_name.iter().map(|&id| self.consumer(id))
    }

    /// How many consumers there are.
    #[must_use]
    pub fn consumers_count(&self) -> usize {
        self.by_name.len()
    }

    /// A consumer of this group.
    #[must_use]
    pub fn consumer(&self, id: ConsumerId) -> &Consumer {
        let found = self.consumers.get(id.0 as usize).and_then(Option::as_ref);
        found.expect("ids of consumers are those of this group")
    }

    fn consumer_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        let found = self.consumers.get_mut(id.0 as usize);
        let found = found.and_then(Option::as_mut);
        found.expect("ids of consumers are those of this group")
    }

    /// The consumer of this name.
    #[must_use]
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        let at = self.place_of(name).ok()?;
        self.by_name.get(at).copied()
    }

    /// Adds a consumer of a name that none has.
    pub fn add_consumer(&mut self, name: &[u8], seen_ms: i64) -> ConsumerId {
        let consumer = Consumer {
            name: name.into(),
            seen_ms,
            pending: IdMap::new(),
        };
        let free = self.consumers.iter().position(Option::is_none);
        let at = free.unwrap_or(self.consumers.len());
        if free.is_none() {
            self.consumers.push(None);
        }
        let id = ConsumerId(u32::try_from(at).expect("memory ends before so many consumers"));
        let place = self.place_of(name);
        let place = place.expect_err("the caller has looked for the name");
        self.consumers[at] = Some(consumer);
        self.by_name.insert(place, id);
        id
    }

    /// The consumer was heard of.
    pub fn see(&mut self, id: ConsumerId, seen_ms: i64) {
        self.consumer_mut(id).seen_ms = seen_ms;
    }

    /// Removes a consumer with its pending entries; says how many those were.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let place = self.place_of(name).ok()?;
        let id = self.by_name.remove(place);
        let consumer = self.consumers.get_mut(id.0 as usize)?.take()?;
        for (entry, ()) in consumer.pending.range(StreamId::MIN, StreamId::MAX) {
            self.pending.remove(entry);
        }
        Some(consumer.pending.len())
    }

    fn place_of(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name
            .binary_search_by(|&id| self.consumer(id).name.as_ref().cmp(name))
    }

    // ---- pending entries -----------------------------------------------------------------------

    /// The pending entries from an id on.
    pub fn pending_from(
        &self,
        from: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, Pending)> {
        let pending = self.pending.range(from, StreamId::MAX);
        pending.map(|(id, entry)| (id, *entry))
    }

    /// How many entries are pending.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// What is known of a pending entry.
    #[must_use]
    pub fn pending(&self, id: StreamId) -> Option<Pending> {
        self.pending.get(id).copied()
    }

    /// Makes an entry pending, or gives it to another consumer.
    pub fn assign(&mut self, id: StreamId, pending: Pending) {
        let before = self.pending.insert(id, pending);
        if let Some(before) = before
            && before.consumer != pending.consumer
        {
            self.consumer_mut(before.consumer).pending.remove(id);
        }
        self.consumer_mut(pending.consumer).pending.insert(id, ());
    }

    /// An entry is pending no more; whether it was.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(id) else {
            return false;
        };
        self.consumer_mut(pending.consumer).pending.remove(id);
        true
    }

    /// Bytes of its allocations, roughly.
    pub(super) fn allocated_bytes(&self) -> usize {
        let of_consumer = size_of::<Option<Consumer>>() + size_of::<ConsumerId>();
        let consumers = self.consumers();
        let inside: usize = consumers
            .map(|consumer| consumer.name.len() + consumer.pending.allocated_bytes())
            .sum();
        self.pending.allocated_bytes() + self.consumers.len() * of_consumer + inside
    }
}
