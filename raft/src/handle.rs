//! The server's handle of the Raft node.

use std::future::{Future as _, IntoFuture as _};
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use bytes::Bytes;
use holdfast_wal::{PAYLOAD_BYTES_MAX, Space, Wal};
use openraft::async_runtime::watch::WatchReceiver as _;
use tokio::sync::mpsc;

use crate::lease::Lease;
use crate::machine::{self, Delivered};
use crate::node::{Control, OpenRaft};
use crate::proposal::{Proposal, Proposals};
use crate::queue::Events;
use crate::store::LogStore;
use crate::types::Payload;
use crate::{
    Entry, Options, ProposeError, RaftError, SnapshotPosition, Status, codec, node, start, status,
};

/// A running Raft node. Clones are handles of the same node; all methods may be called from any thread. When the last
/// handle goes, the node stops as by [`Raft::shutdown`], but nobody waits for it.
#[derive(Clone)]
pub struct Raft {
    shared: Arc<Shared>,
}

/// What the handles share.
pub(crate) struct Shared {
    pub(crate) raft: OpenRaft,
    pub(crate) node_id: u64,
    pub(crate) wal: Wal,
    pub(crate) store: LogStore,
    pub(crate) delivered: Delivered,
    pub(crate) proposals: Arc<Proposals>,
    pub(crate) proposals_count_max: usize,
    pub(crate) lease: Lease,
    /// One more than the last index that the core has executed; 0 if none.
    pub(crate) applied_end: AtomicU64,
    pub(crate) control: mpsc::UnboundedSender<Control>,
    pub(crate) stopped: AtomicBool,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
}

/// What one [`Raft::read`] returns at most, in payload bytes.
const READ_BYTES_MAX: usize = 4 << 20;

impl std::fmt::Debug for Raft {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Raft")
            .field("node_id", &self.shared.node_id)
            .finish_non_exhaustive()
    }
}

impl Raft {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Opens the log, starts the raft thread and, for a directory that has no membership yet, initialises a cluster of one.
    ///
    /// Returns when the log has been recovered; the replay of committed entries and the election follow as events. A sole
    /// voter campaigns at once (RULES.md 18).
    ///
    /// # Errors
    /// The log is damaged or held by another process, or the thread cannot be made.
    pub fn start(options: Options) -> Result<(Self, Events), RaftError> {
        start::start(options, Wal::open)
    }

    /// Proposes one entry; the order of calls is the order in the log. Never waits.
    ///
    /// The entry is appended only if this node leads in `term`. Its outcome comes as an event: `Committed` (recognised by
    /// the payload's own batch id: entries carry no token), or `Rejected` or `Unknown` with `token`.
    ///
    /// # Errors
    /// The queue of proposals is full, or the node has stopped; no event follows.
    ///
    /// # Panics
    /// The payload is larger than the log takes (RULES.md 8 splits it long before).
    pub fn propose(&self, term: u64, token: u64, payload: Bytes) -> Result<(), ProposeError> {
        let shared = &self.shared;
        if shared.stopped.load(Ordering::Acquire) {
            return Err(ProposeError::Stopped);
        }
        if shared.proposals.outstanding_count() >= shared.proposals_count_max {
            return Err(ProposeError::Full);
        }
        assert!(
            payload.len() <= PAYLOAD_BYTES_MAX,
            "a payload of {} bytes does not fit into the log",
            payload.len()
        );
        let proposal = Proposal::new(token, &shared.proposals);
        let request = shared
            .raft
            .write(Payload(payload))
            .with_leader(term)
            .responder(proposal)
            .into_future();
        // openraft's queue has room for more than `proposals_count_max`, so this completes at once; unconstrained, because a
        // task that has used up its turn in tokio would be told to wait although there is room. If the node has just died the
        // request is dropped, and its responder says that the outcome is unknown: the one answer that is true.
        let mut request = pin!(tokio::task::unconstrained(request));
        match request
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) | Poll::Pending => shared.stopped.store(true, Ordering::Release),
        }
        Ok(())
    }

    /// This node's lease; keep a clone where replies are released.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.shared.lease.clone()
    }

    /// A picture of the node for INFO and metrics.
    #[must_use]
    pub fn status(&self) -> Status {
        let metrics = self.shared.raft.metrics();
        let applied = self
            .shared
            .applied_end
            .load(Ordering::Acquire)
            .checked_sub(1);
        status::status_of(&metrics.borrow_watched(), applied, self.shared.wal.stats())
    }

    /// Bytes of recent entries that the log keeps in memory for readers: no part of the server's data.
    #[must_use]
    pub fn log_tail_bytes(&self) -> usize {
        self.shared.wal.stats().tail_bytes
    }

    /// How much room the log has prepared. With [`Space::ReserveOnly`] the disk is full: clients' writes are to be refused, while
    /// DELs, blanks and memberships still go on (RULES.md 17).
    #[must_use]
    pub fn space(&self) -> Space {
        self.shared.wal.space()
    }

    /// Reads committed entries back from the log, in order from the start of `indexes`: as many of them as fit in some
    /// megabytes, at least one. The server's roll-back rebuilds the keyspace from them (RULES.md 2). Blocks the caller.
    ///
    /// # Errors
    /// The entries are not in the log (any more), are not committed, or cannot be read.
    pub fn read(&self, indexes: Range<u64>) -> Result<Vec<Entry>, RaftError> {
        let delivered_end = self.shared.delivered.end();
        if indexes.end > delivered_end {
            return Err(RaftError::NotInLog {
                index: delivered_end,
            });
        }
        let entries = self
            .shared
            .store
            .read(indexes.start, indexes.end, READ_BYTES_MAX);
        let entries =
            entries.map_err(|error| node::log_failed("reading committed entries", error))?;
        if entries.is_empty() && !indexes.is_empty() {
            return Err(RaftError::NotInLog {
                index: indexes.start,
            });
        }
        Ok(entries.into_iter().map(machine::entry_of).collect())
    }

    /// What a snapshot at `index` must hold beside the keyspace, so that [`Options::snapshot`] can be given at the next start.
    /// `None` if that entry was not delivered, or is older than the newest snapshot.
    #[must_use]
    pub fn snapshot_position(&self, index: u64) -> Option<SnapshotPosition> {
        let stored = self.shared.delivered.members_at(index)?;
        let membership_at = (*stored.log_id())?;
        let entries = self
            .shared
            .store
            .read(index, index.checked_add(1)?, 1)
            .ok()?;
        Some(SnapshotPosition {
            index,
            term: entries.first()?.log_id.leader_id.term,
            membership: codec::membership_of(stored.membership()),
            membership_index: membership_at.index,
            membership_term: membership_at.leader_id.term,
        })
    }

    /// The core says that it has executed all entries up to `index`.
    pub fn applied(&self, index: u64) {
        self.shared
            .applied_end
            .fetch_max(index.saturating_add(1), Ordering::AcqRel);
    }

    /// Says that a snapshot which ends with the entry `index` has been verified, and that entries up to `purge_through`, which
    /// is no later, may be dropped: a server that keeps older snapshots keeps the log from the oldest on. Returns at once.
    ///
    /// # Panics
    /// The core has not executed that entry, or entries that the snapshot lacks would be dropped: they would be lost.
    pub fn snapshot_taken(&self, index: u64, purge_through: Option<u64>) {
        let applied_end = self.shared.applied_end.load(Ordering::Acquire);
        assert!(
            index < applied_end,
            "a snapshot ends with entry {index}, but {applied_end} entries were applied"
        );
        assert!(
            purge_through.is_none_or(|through| through <= index),
            "entries up to {purge_through:?} may not be purged: the snapshot ends with {index}"
        );
        // A node that has stopped purges nothing, which loses nothing.
        drop(self.shared.control.send(Control::Snapshot {
            index,
            purge_through,
        }));
    }

    /// Stops the node in order: no proposal is taken any more, what was appended is synced, the log is sealed, the thread
    /// joined. Later calls return at once.
    pub fn shutdown(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        // The thread may have gone by itself.
        drop(self.shared.control.send(Control::Shutdown));
        let thread = self
            .shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the raft thread panicked");
        }
    }
}

#[cfg(test)]
mod tests;
