//! Whether this node leads, decided in one place.
//!
//! openraft's own notice of leadership is not ordered with the entries that it applies. So leadership *starts* here in the
//! log's order, when this node's own blank of a term that it campaigned for in this run is applied; and it *ends* at the
//! first sign of the contrary: a vote for anyone else, a higher term, a change of role.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use openraft::alias::InstantOf;
use openraft::{Instant as _, ServerState};
use tokio::sync::Notify;

use crate::lease::Lease;
use crate::queue::EventQueue;
use crate::types::{Members, TypeConfig, Vote};
use crate::{Event, RaftError};

/// The part of a leader's lease under which replies leave: the rest is for clocks of different speed and for pauses between
/// a check and its reply (RULES.md 3).
const LEASE_PERCENT: u32 = 60;

#[derive(Debug, Default)]
struct State {
    /// The term of this node's latest vote for itself, if it was saved in this run and nothing newer was.
    campaigned: Option<u64>,
    /// The term in which the core was told that this node leads.
    leading: Option<u64>,
    sole_voter: bool,
    /// Nothing more is told to the core: it was told the end, or asked for it.
    ended: bool,
}

/// Shared by the log store, the state machine and the task that watches openraft. All run on the raft thread.
#[derive(Debug)]
pub(crate) struct Leadership {
    node_id: u64,
    lease: Lease,
    lease_length: Duration,
    queue: EventQueue,
    state: Mutex<State>,
    /// Wakes the watching task after leadership has started.
    pub(crate) changed: Notify,
}

impl Leadership {
    pub(crate) fn new(
        node_id: u64,
        lease: Lease,
        lease_length: Duration,
        queue: EventQueue,
    ) -> Arc<Self> {
        let lease_length = lease_length * LEASE_PERCENT / 100;
        Arc::new(Self {
            node_id,
            lease,
            lease_length,
            queue,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A vote is about to be saved.
    pub(crate) fn voted(&self, vote: &Vote) {
        let mut state = self.lock();
        let own = vote.leader_id.voted_for == self.node_id;
        state.campaigned = own.then_some(vote.leader_id.term);
        if state
            .leading
            .is_some_and(|term| !own || vote.leader_id.term != term)
        {
            self.stop(&mut state);
        }
    }

    /// A membership is in force from now on, committed or not.
    pub(crate) fn members_changed(&self, members: &Members) {
        let mut state = self.lock();
        state.sole_voter = is_sole_voter(members, self.node_id);
        if state.leading.is_some() {
            // With other voters the lease rests on their answers; until the next one there is none.
            if state.sole_voter {
                self.lease.hold_unlimited();
            } else {
                self.lease.end();
            }
        }
    }

    /// A blank entry has been applied. True if this node leads from here on: the caller tells the core.
    pub(crate) fn blank_applied(&self, term: u64, leader: u64) -> bool {
        let mut state = self.lock();
        if leader != self.node_id
            || state.campaigned != Some(term)
            || state.leading.is_some()
            || state.ended
        {
            return false;
        }
        state.leading = Some(term);
        if state.sole_voter {
            self.lease.hold_unlimited();
        }
        self.changed.notify_one();
        true
    }

    /// openraft reports this role under this vote.
    pub(crate) fn observed(&self, role: ServerState, vote: &Vote) {
        let mut state = self.lock();
        let Some(term) = state.leading else { return };
        // Metrics may be older than `leading`. They are not if they show this very leadership, which openraft keeps in the
        // vote after it has ended (a voter that was removed).
        let of_this_term = vote.committed
            && vote.leader_id.voted_for == self.node_id
            && vote.leader_id.term == term;
        if of_this_term && role != ServerState::Leader {
            self.stop(&mut state);
        }
    }

    /// A majority of voters has answered something that was sent at `acked`.
    pub(crate) fn quorum_acked(&self, acked: InstantOf<TypeConfig>) {
        let state = self.lock();
        if state.leading.is_some() && !state.sole_voter {
            // The clock is read before the age is, so that the sum can only be early.
            let now = Instant::now();
            self.lease
                .hold_until(now + self.lease_length.saturating_sub(acked.elapsed()));
        }
    }

    /// True while the lease rests on other nodes' answers.
    pub(crate) fn needs_answers(&self) -> bool {
        !self.lock().sole_voter
    }

    /// The node stops in order, by the core's wish.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        self.stop(&mut state);
        state.ended = true;
    }

    /// The node is dead. The core is told once, unless it asked for the end itself.
    pub(crate) fn failed(&self, error: RaftError) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.ended, true) {
            self.stop(&mut state);
            self.queue.push(Event::Failed(error));
        }
    }

    fn stop(&self, state: &mut State) {
        if let Some(term) = state.leading.take() {
            self.lease.end();
            self.queue.push(Event::LeaderStopped { term });
        }
    }
}

/// True if `node_id` alone decides.
pub(crate) fn is_sole_voter(members: &Members, node_id: u64) -> bool {
    let sets = members.get_joint_config();
    !sets.is_empty()
        && sets
            .iter()
            .all(|voters| voters.len() == 1 && voters.contains(&node_id))
}
