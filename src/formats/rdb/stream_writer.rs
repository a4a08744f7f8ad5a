//! `StreamWriter`: one stream, written straight from the structures that hold it.
//!
//! Given out by `ValueWriter::stream`. The order of calls is the order in the file: each node, `meta`,
//! then for each group `group`, its pending entries, `consumers`, and for each consumer
//! `consumer` and the ids of its pending entries. Always holds, asserted: every announced count is met.

use std::io::{self, Write};

use super::codes::ENTRIES_READ_UNKNOWN;
use super::output::Output;
use super::part::{StreamCounters, StreamId};
use crate::listpack::Listpack;

/// Writes one stream.
#[derive(Debug)]
#[must_use = "a stream that is not finished leaves a file that cannot be read"]
pub struct StreamWriter<'w, W> {
    output: &'w mut Output<W>,
    nodes_left: usize,
    /// `None` until `meta` was called.
    groups_left: Option<usize>,
    pending_left: usize,
    /// `None` outside a group, and within one until `consumers` was called.
    consumers_left: Option<usize>,
    owned_left: usize,
}

impl<'w, W: Write> StreamWriter<'w, W> {
    pub(super) fn new(output: &'w mut Output<W>, nodes: usize) -> io::Result<Self> {
        output.length(as_length(nodes))?;
        Ok(Self {
            output,
            nodes_left: nodes,
            groups_left: None,
            pending_left: 0,
            consumers_left: None,
            owned_left: 0,
        })
    }

    /// The next node: entries relative to its master id.
    ///
    /// # Errors
    /// Here and in every method: what the underlying stream says.
    pub fn node(&mut self, master_id: StreamId, entries: &Listpack) -> io::Result<()> {
        count_down(&mut self.nodes_left, "stream nodes");
        self.output.string(&raw_id(master_id))?;
        self.output.string(entries.bytes())
    }

    /// What the stream knows beside its entries, and how many groups follow.
    ///
    /// # Errors
    /// As `node`.
    pub fn meta(
        &mut self,
        length: u64,
        last_id: StreamId,
        counters: StreamCounters,
        groups: usize,
    ) -> io::Result<()> {
        assert!(self.nodes_left == 0, "stream nodes are missing");
        assert!(self.groups_left.is_none(), "a second meta of a stream");
        self.output.length(length)?;
        self.id(last_id)?;
        self.id(counters.first_id)?;
        self.id(counters.max_deleted_id)?;
        self.output.length(counters.entries_added)?;
        self.groups_left = Some(groups);
        self.output.length(as_length(groups))
    }

    /// The next group, and how many pending entries follow.
    ///
    /// # Errors
    /// As `node`.
    pub fn group(
        &mut self,
        name: &[u8],
        last_id: StreamId,
        entries_read: Option<u64>,
        pending: usize,
    ) -> io::Result<()> {
        self.assert_group_whole();
        let groups_left = self.groups_left.as_mut();
        count_down(groups_left.expect("meta comes before groups"), "groups");
        self.pending_left = pending;
        self.consumers_left = None;
        self.output.string(name)?;
        self.id(last_id)?;
        self.output
            .length(entries_read.unwrap_or(ENTRIES_READ_UNKNOWN))?;
        self.output.length(as_length(pending))
    }

    /// The next pending entry of the group, ids rising.
    ///
    /// # Errors
    /// As `node`.
    pub fn pending(&mut self, id: StreamId, delivered_ms: i64, deliveries: u64) -> io::Result<()> {
        count_down(&mut self.pending_left, "pending entries");
        self.output.bytes(&raw_id(id))?;
        self.output.i64_le(delivered_ms)?;
        self.output.length(deliveries)
    }

    /// How many consumers the group has.
    ///
    /// # Errors
    /// As `node`.
    pub fn consumers(&mut self, consumers: usize) -> io::Result<()> {
        assert!(self.pending_left == 0, "pending entries are missing");
        assert!(self.consumers_left.is_none(), "consumers comes once");
        self.consumers_left = Some(consumers);
        self.output.length(as_length(consumers))
    }

    /// The next consumer, and how many of the group's pending entries are its.
    ///
    /// # Errors
    /// As `node`.
    pub fn consumer(&mut self, name: &[u8], seen_ms: i64, owned: usize) -> io::Result<()> {
        assert!(self.owned_left == 0, "a consumer's entries are missing");
        let consumers_left = self.consumers_left.as_mut();
        count_down(
            consumers_left.expect("consumers comes before each of them"),
            "consumers",
        );
        self.owned_left = owned;
        self.output.string(name)?;
        self.output.i64_le(seen_ms)?;
        self.output.length(as_length(owned))
    }

    /// The id of the next pending entry that is the consumer's.
    ///
    /// # Errors
    /// As `node`.
    pub fn owned(&mut self, id: StreamId) -> io::Result<()> {
        count_down(&mut self.owned_left, "a consumer's entries");
        self.output.bytes(&raw_id(id))
    }

    /// Ends the stream.
    ///
    /// # Panics
    /// If it is not whole.
    pub fn finish(self) {
        self.assert_group_whole();
        assert!(self.groups_left == Some(0), "groups are missing");
    }

    fn assert_group_whole(&self) {
        assert!(self.pending_left == 0, "pending entries are missing");
        assert!(
            self.consumers_left.is_none_or(|left| left == 0),
            "consumers are missing"
        );
        assert!(self.owned_left == 0, "a consumer's entries are missing");
    }

    fn id(&mut self, id: StreamId) -> io::Result<()> {
        self.output.length(id.ms)?;
        self.output.length(id.sequence)
    }
}

fn count_down(left: &mut usize, what: &str) {
    *left = left
        .checked_sub(1)
        .unwrap_or_else(|| panic!("more {what} than announced"));
}

fn as_length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn raw_id(id: StreamId) -> [u8; 16] {
    let wide = (u128::from(id.ms) << 64) | u128::from(id.sequence);
    wide.to_be_bytes()
}
