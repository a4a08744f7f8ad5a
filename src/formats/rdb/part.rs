//! The pieces in which a value is handed from a reader to whoever builds it.
//!
//! The engine implements `ValueSink`; the readers of files (`reader`) and payloads (`dump`) call
//! it. A value comes as one packed block or as a row of small pieces, never as a whole large
//! collection: so memory is bounded by the largest single block or string that the file holds.
//!
//! Always holds, checked before a part is handed over: packed blocks are well formed, hold whole
//! pairs, no member twice and only scores that are numbers; a stream's parts fit together. What
//! only the receiver can see is its to refuse: a member that comes twice in single pieces.

use crate::intset::Intset;
use crate::listpack::Listpack;

/// The id of a stream entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Unix time in milliseconds.
    pub ms: u64,
    /// Number within that millisecond.
    pub sequence: u64,
}

/// What a stream knows beside its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamMeta {
    /// How many entries there are that are not deleted.
    pub length: u64,
    /// The last id ever given out.
    pub last_id: StreamId,
    /// Absent in files before version 10; the receiver estimates, as Redis does.
    pub counters: Option<StreamCounters>,
}

/// What streams count since Redis 7.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamCounters {
    /// The id of the first entry, 0-0 if there is none.
    pub first_id: StreamId,
    /// The largest id that was ever deleted.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added.
    pub entries_added: u64,
}

/// One piece of a value.
///
/// The first part tells the type. `count_hint` is never larger than what the file can still hold
/// (or a small constant where that is unknown), so room may be reserved by it.
#[derive(Clone, Debug, PartialEq)]
pub enum Part<'a> {
    /// A whole string value.
    String(&'a [u8]),
    /// The next element of a list.
    ListElement(&'a [u8]),
    /// The next elements of a list; at least one.
    ListPacked(Listpack),
    /// A set whose members follow one by one.
    SetStart {
        /// About how many.
        count_hint: usize,
    },
    /// The next member of a set; refuse it if it is already there.
    SetMember(&'a [u8]),
    /// A whole set of integers; at least one.
    SetIntset(Intset),
    /// A whole set; at least one member, none twice.
    SetPacked(Listpack),
    /// A hash whose fields follow one by one.
    HashStart {
        /// About how many.
        count_hint: usize,
    },
    /// The next field of a hash; refuse it if it is already there.
    HashField {
        /// Its name.
        field: &'a [u8],
        /// Its value.
        value: &'a [u8],
        /// When it expires, in Unix milliseconds.
        expires_at_ms: Option<u64>,
    },
    /// A whole hash as field, value, …; at least one pair, no field twice.
    HashPacked(Listpack),
    /// A sorted set whose members follow one by one, in any order.
    ZsetStart {
        /// About how many.
        count_hint: usize,
    },
    /// The next member of a sorted set; refuse it if it is already there.
    ZsetMember {
        /// The member.
        member: &'a [u8],
        /// Its score; never NaN.
        score: f64,
    },
    /// A whole sorted set as member, score, … in ascending order; at least one pair, no member twice.
    ZsetPacked(Listpack),
    /// The next node of a stream; ids rise from node to node and within.
    StreamNode {
        /// The id that the entries' ids are relative to.
        master_id: StreamId,
        /// The entries, in the stream listpack form.
        entries: Listpack,
    },
    /// After all nodes of a stream, exactly once.
    StreamMeta(StreamMeta),
    /// A consumer group of a stream; its consumers and then its pending entries follow.
    StreamGroup {
        /// Its name.
        name: &'a [u8],
        /// The last id that it delivered.
        last_id: StreamId,
        /// How many entries it has read, where that is known.
        entries_read: Option<u64>,
    },
    /// The next consumer of the last group.
    StreamConsumer {
        /// Its name.
        name: &'a [u8],
        /// When it last tried to read, in Unix milliseconds.
        seen_ms: i64,
        /// When it last read or claimed something; absent in files before version 11.
        active_ms: Option<i64>,
    },
    /// The next pending entry of the last group, ids rising.
    StreamPending {
        /// Which entry.
        id: StreamId,
        /// When it was delivered last, in Unix milliseconds.
        delivered_ms: i64,
        /// How often it was delivered.
        deliveries: u64,
        /// Which of the group's consumers has it, counted from 0 in the order they came.
        consumer: usize,
    },
    /// A whole value of a module.
    Module {
        /// The module type's id: nine characters of six bits and ten bits of version.
        id: u64,
        /// What the module saved, as opcodes and values with the end mark.
        payload: &'a [u8],
    },
    /// Something that the value had and that no part carries. For the log.
    NotKept(&'static str),
}

/// A receiver's no to a part: reading stops with this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// Builds a value from its parts.
pub trait ValueSink {
    /// Takes the next part.
    ///
    /// # Errors
    /// Ends the reading of this value; the receiver drops what it has of it.
    fn part(&mut self, part: Part<'_>) -> Result<(), Refused>;
}

impl<F: FnMut(Part<'_>) -> Result<(), Refused>> ValueSink for F {
    fn part(&mut self, part: Part<'_>) -> Result<(), Refused> {
        self(part)
    }
}
