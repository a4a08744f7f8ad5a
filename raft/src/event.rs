//! What the server's core learns from Raft, in log order.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::RaftError;

/// One thing that the core must learn. The queue's order is the log's order.
#[derive(Clone, Debug)]
pub enum Event {
    /// A committed entry: each exactly once, in log order, those of the replay at start-up included.
    Committed(Entry),
    /// This node leads in `term`, and everything before its own blank entry has been delivered: this event stands
    /// directly behind that blank's [`Event::Committed`].
    LeaderStarted {
        /// The term to pass to [`Raft::propose`](crate::Raft::propose).
        term: u64,
    },
    /// This node no longer leads in `term`. Outstanding proposals are still answered, by `Committed` or `Unknown`.
    LeaderStopped {
        /// The term that has ended for this node.
        term: u64,
    },
    /// The proposal was never appended, here or anywhere.
    Rejected {
        /// The token given to [`Raft::propose`](crate::Raft::propose).
        token: u64,
        /// Why.
        reason: Rejection,
    },
    /// It will never be known from this event alone whether the proposal is in the log.
    Unknown {
        /// The token given to [`Raft::propose`](crate::Raft::propose).
        token: u64,
    },
    /// Raft or the log is dead. Nothing follows; the process must stop.
    Failed(RaftError),
}

/// Why a proposal was rejected before it was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// This node does not lead in the proposal's term.
    NotLeader {
        /// The leader as far as this node knows.
        leader: Option<u64>,
    },
    /// It leads, but may not append now: the lease has run out, or leadership is being handed over.
    Fenced,
}

/// A committed log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The term in which it was proposed.
    pub term: u64,
    /// Its position in the log. The first entry of a cluster has index 0.
    pub index: u64,
    /// What it holds.
    pub kind: EntryKind,
}

/// What a log entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A proposal's payload, as proposed.
    Normal(Bytes),
    /// The first entry of a leader's term.
    Blank {
        /// The node that led in the entry's term; 0, which is no node's id, if that was never known here.
        leader: u64,
    },
    /// The cluster's members from here on.
    Membership(Membership),
}

/// The members of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The sets of voters: one, or two while the voters are being changed (then each decision needs both majorities).
    pub voters: Vec<BTreeSet<u64>>,
    /// All members, learners included, and where to reach them.
    pub nodes: BTreeMap<u64, Node>,
}

/// How a member is reached and recognised (RULES.md 19).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The address for peers, empty for a cluster of one.
    pub address: String,
    /// Random per data directory; a peer whose `dir_id` differs from the membership's is refused.
    pub dir_id: [u8; 16],
}

/// What a snapshot says about its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPosition {
    /// The last entry that the snapshot contains.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// The members as of that entry.
    pub membership: Membership,
    /// The entry that brought this membership.
    pub membership_index: u64,
    /// That entry's term.
    pub membership_term: u64,
}

impl SnapshotPosition {
    /// Its text, as a snapshot file holds it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings always have a text")
    }

    /// Reads [`SnapshotPosition::to_json`] back.
    ///
    /// # Errors
    /// It is no such text.
    pub fn from_json(text: &[u8]) -> Result<Self, RaftError> {
        serde_json::from_slice(text).map_err(|error| RaftError::Decode {
            what: "a snapshot's position",
            reason: error.to_string(),
        })
    }
}
