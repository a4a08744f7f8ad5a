//! The types that openraft is instantiated with.

use std::fmt;

use bytes::Bytes;
use openraft::RaftTypeConfig;
use openraft::alias::DefaultEntryOf;
use openraft::entry::RaftPayload;
use openraft::impls::leader_id_std;

use crate::Node;
use crate::proposal::Proposal;
use crate::runtime::RaftRuntime;

/// The standard mode of Raft: at most one leader in a term.
pub(crate) type LeaderId = leader_id_std::LeaderId<u64, u64>;
/// Term and index of an entry.
pub(crate) type LogId = openraft::alias::LogIdOf<TypeConfig>;
/// A vote, or the leadership that it became.
pub(crate) type Vote = openraft::Vote<LeaderId>;
/// An entry of the log.
pub(crate) type LogEntry = openraft::alias::EntryOf<TypeConfig>;
/// Who is in the cluster, as openraft keeps it.
pub(crate) type Members = openraft::Membership<u64, Node>;
/// [`Members`] with the entry that brought them.
pub(crate) type StoredMembers = openraft::alias::StoredMembershipOf<TypeConfig>;

/// See [`RaftTypeConfig`].
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct TypeConfig;

impl RaftTypeConfig for TypeConfig {
    type D = Payload;
    type R = ();
    type NodeId = u64;
    type Node = Node;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = EntryPayload;
    type Entry = DefaultEntryOf<Self>;
    type AsyncRuntime = RaftRuntime;
    type Responder<T>
        = Proposal<T>
    where
        T: openraft::OptionalSend + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: openraft::OptionalSend + 'static;
    type ErrorSource = openraft::AnyError;
}

/// A proposal's bytes. Cloning counts a reference: the same buffer serves the log, the cache and the core.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Payload(pub(crate) Bytes);

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// What an entry holds. Unlike openraft's own type a blank names its leader, which the core needs to tell its own blank
/// from another node's (RULES.md 2), also when it is read back years later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EntryPayload {
    /// 0 until the log store fills it in; see [`LogStore`](crate::store::LogStore).
    Blank {
        leader: u64,
    },
    Normal(Payload),
    Membership(Members),
}

impl fmt::Display for EntryPayload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank { leader } => write!(formatter, "blank of node {leader}"),
            Self::Normal(payload) => fmt::Display::fmt(payload, formatter),
            Self::Membership(members) => write!(formatter, "membership {members}"),
        }
    }
}

impl RaftPayload for EntryPayload {
    type D = Payload;
    type NodeId = u64;
    type Node = Node;

    fn blank() -> Self {
        Self::Blank { leader: 0 }
    }

    fn with_normal(self, data: Payload) -> Self {
        Self::Normal(data)
    }

    fn with_membership(self, membership: Members) -> Self {
        Self::Membership(membership)
    }

    fn get_membership(&self) -> Option<Members> {
        match self {
            Self::Membership(members) => Some(members.clone()),
            Self::Blank { .. } | Self::Normal(_) => None,
        }
    }
}
