//! What the callers' threads and the writer thread share: the groups, and the queue between them.
//!
//! One short lock; nobody writes, encodes or calls back while holding it. The queue is bounded by its
//! callers: Raft bounds what is in flight, and every payload in it is also in the memory tail.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::replay::Groups;
use crate::segments::Segments;
use crate::{Entry, GroupId, LogPosition, Lsn, Synced, WalError};

/// One thing to log.
pub(crate) enum Op {
    Append {
        group: GroupId,
        entries: Vec<Entry>,
        on_synced: Synced,
    },
    State {
        group: GroupId,
        state: Bytes,
        on_synced: Synced,
    },
    Truncate {
        group: GroupId,
        index: Option<u64>,
    },
    Purge {
        group: GroupId,
        upto: LogPosition,
    },
}

/// An operation and its ticket. Tickets are given out in the order of the queue.
pub(crate) struct Queued {
    pub(crate) ticket: u64,
    pub(crate) op: Op,
}

/// Whether the log takes more.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Open,
    Closing,
    Failed(WalError),
}

/// Counters that the writer keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(crate) written_bytes: u64,
    pub(crate) syncs_count: u64,
    pub(crate) records_count: u64,
    pub(crate) sync_last: Duration,
    pub(crate) sync_max: Duration,
    pub(crate) sync_average: Duration,
    pub(crate) durable_through: Lsn,
    pub(crate) tail_bytes: usize,
}

/// What the lock protects.
pub(crate) struct State {
    pub(crate) groups: Groups,
    pub(crate) queue: Vec<Queued>,
    pub(crate) next_ticket: u64,
    pub(crate) hints: BTreeSet<GroupId>,
    pub(crate) phase: Phase,
    pub(crate) writer_waits: bool,
    pub(crate) counters: Counters,
    pub(crate) segments: Arc<Segments>,
}

/// The state, its lock, and how the writer is woken.
pub(crate) struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

impl Shared {
    pub(crate) fn new(groups: Groups, segments: Segments) -> Self {
        let state = State {
            groups,
            queue: Vec::new(),
            next_ticket: 1,
            hints: BTreeSet::new(),
            phase: Phase::Open,
            writer_waits: false,
            counters: Counters::default(),
            segments: Arc::new(segments),
        };
        Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held is a bug that the panicking thread reports; the state itself
        // is never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues `op` and wakes the writer if it sleeps.
    pub(crate) fn push(&self, mut state: MutexGuard<'_, State>, op: Op) {
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.queue.push(Queued { ticket, op });
        self.wake(state);
    }

    /// Ends the phase `Open`.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Closing;
        }
        self.wake(state);
    }

    /// Nothing can be promised any more.
    pub(crate) fn fail(&self, error: WalError) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Failed(_)) {
            state.phase = Phase::Failed(error);
        }
        self.wake(state);
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        // The flag is cleared here, so that a burst of appends costs one wake-up and not one each.
        let waits = std::mem::take(&mut state.writer_waits);
        drop(state);
        if waits {
            self.work.notify_one();
        }
    }

    /// Sleeps until there is something to write or `limit` is over; the writer thread only.
    pub(crate) fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.writer_waits = true;
        let mut state = match limit {
            None => self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                self.work
                    .wait_timeout(state, limit)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        state.writer_waits = false;
        state
    }
}

impl State {
    /// Refuses if the log takes nothing any more.
    pub(crate) fn check_open(&self) -> Result<(), WalError> {
        match &self.phase {
            Phase::Open => Ok(()),
            Phase::Closing => Err(WalError::Closed),
            Phase::Failed(error) => Err(WalError::Failed {
                reason: error.to_string(),
            }),
        }
    }
}
