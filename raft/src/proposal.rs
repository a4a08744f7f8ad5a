//! What openraft holds for a proposal until its outcome is known.
//!
//! Exactly one of three things happens to it: it is committed and applied (the entry itself reached the core through the
//! state machine, so nothing is said here), it is rejected before it was appended, or its outcome is unknown. Dropping it
//! without a call, as openraft does when its core stops, is an unknown outcome.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openraft::errors::{ClientWriteError, ForwardReason};
use openraft::raft::ClientWriteResult;
use openraft::raft::responder::Responder;

use crate::queue::EventQueue;
use crate::types::TypeConfig;
use crate::{Event, Rejection};

/// What all proposals share.
#[derive(Debug)]
pub(crate) struct Proposals {
    queue: EventQueue,
    outstanding_count: AtomicUsize,
}

impl Proposals {
    pub(crate) fn new(queue: EventQueue) -> Arc<Self> {
        Arc::new(Self {
            queue,
            outstanding_count: AtomicUsize::new(0),
        })
    }

    /// How many proposals have no outcome yet.
    pub(crate) fn outstanding_count(&self) -> usize {
        self.outstanding_count.load(Ordering::Acquire)
    }
}

/// What became of a proposal.
enum Outcome {
    Applied,
    Rejected(Rejection),
    Unknown,
}

/// One proposal's responder. `T` is always a client write's result; openraft's trait asks for any type.
pub(crate) struct Proposal<T> {
    token: u64,
    shared: Arc<Proposals>,
    /// Reads the outcome from the result; a plain function, so that a proposal needs no allocation of its own.
    outcome_of: fn(T) -> Outcome,
    /// False once the outcome has been told.
    open: bool,
    result: PhantomData<fn(T)>,
}

impl Proposal<ClientWriteResult<TypeConfig>> {
    pub(crate) fn new(token: u64, shared: &Arc<Proposals>) -> Self {
        shared.outstanding_count.fetch_add(1, Ordering::AcqRel);
        Self {
            token,
            shared: Arc::clone(shared),
            outcome_of,
            open: true,
            result: PhantomData,
        }
    }
}

impl<T> Proposal<T> {
    fn close(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        self.shared.outstanding_count.fetch_sub(1, Ordering::AcqRel);
        match outcome {
            Outcome::Applied => {}
            Outcome::Rejected(reason) => self.shared.queue.push(Event::Rejected {
                token: self.token,
                reason,
            }),
            Outcome::Unknown => self.shared.queue.push(Event::Unknown { token: self.token }),
        }
    }
}

impl<T> Responder<TypeConfig, T> for Proposal<T>
where
    T: openraft::OptionalSend + 'static,
{
    fn on_complete(mut self, result: T) {
        let outcome = (self.outcome_of)(result);
        self.close(outcome);
    }
}

impl<T> Drop for Proposal<T> {
    fn drop(&mut self) {
        self.close(Outcome::Unknown);
    }
}

fn outcome_of(result: ClientWriteResult<TypeConfig>) -> Outcome {
    match result {
        Ok(_) => Outcome::Applied,
        Err(ClientWriteError::ForwardToLeader(forward)) => {
            Outcome::Rejected(match forward.reason {
                ForwardReason::NotLeader => Rejection::NotLeader {
                    leader: forward.leader_id,
                },
                ForwardReason::LeadershipTransfer | ForwardReason::LeaseExpired => {
                    Rejection::Fenced
                }
            })
        }
        // The first may be committed by another leader. The others do not occur for a plain write; unknown is the answer
        // that never invites a retry.
        Err(
            ClientWriteError::LogEntryDiscarded(_)
            | ClientWriteError::ChangeMembershipError(_)
            | ClientWriteError::PreconditionFailed(_),
        ) => Outcome::Unknown,
    }
}
