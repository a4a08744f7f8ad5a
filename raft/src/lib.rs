//! Raft for Holdfast: openraft, its log in `holdfast-wal`, and one queue of events to the server's core.
//!
//! Knows nothing of Redis: a proposal is bytes. The server executes first and proposes the effects; this crate says what was
//! committed, in log order, exactly once.
//!
//! | file | holds |
//! |---|---|
//! | `handle.rs`, `start.rs` | [`Raft`], what the server calls, and how the node comes into being |
//! | `queue.rs`, `event.rs` | [`Events`], what the server's core drains, and the [`Event`]s in it |
//! | `lease.rs` | [`Lease`], the leader's right to answer reads |
//! | `options.rs`, `status.rs`, `error.rs` | what goes in and out of [`Raft::start`] and [`Raft::status`] |
//! | `node.rs` | the raft thread: first membership, first election, purges, the end |
//! | `leadership.rs` | whether this node leads, decided in one place |
//! | `machine.rs`, `proposal.rs` | where committed entries, and the outcomes of proposals, leave openraft |
//! | `store.rs`, `codec.rs` | openraft's log over `holdfast-wal`, and the bytes in it |
//! | `network.rs` | the seam for peers |
//! | `types.rs`, `runtime.rs` | what openraft is instantiated with |

mod codec;
mod error;
mod event;
mod handle;
mod leadership;
mod lease;
mod machine;
mod network;
mod node;
mod options;
mod proposal;
mod queue;
mod runtime;
mod start;
mod status;
mod store;
mod types;

pub use error::{ProposeError, RaftError};
pub use event::{Entry, EntryKind, Event, Membership, Node, Rejection, SnapshotPosition};
pub use handle::Raft;
/// What the server chooses and shows of the log, so that it needs no dependency of its own.
pub use holdfast_wal::{Create, Failure, Method, Space, WalOptions, WalStats};
pub use lease::Lease;
pub use options::Options;
pub use queue::Events;
pub use status::{NodeState, PeerStatus, Status};
