//! The one write path: effects of a turn become a batch, batches become log entries, and what the
//! log commits decides which replies may leave. DESIGN.md section 2; RULES.md 1-8.
//!
//! The dispatcher executes commands into `effects`; the turn's closer calls [`Replication::close`];
//! the core hands every event of Raft to [`Replication::learn`] and acts on the [`Change`]s.
//! What always holds: the keyspace is the committed prefix plus `queue` plus `effects`; the queue
//! is in the order of the log and has no gap.
//!
//! - `batch` the bytes of a batch · `lineage` which batches count

mod batch;
mod lineage;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_engine::Keyspace;
use holdfast_engine::commands::CommandTable;
use holdfast_engine::effects::Effects;
use holdfast_engine::replay::{ReplayError, replay};
use holdfast_raft::{Entry, EntryKind, Event, Lease, ProposeError, Raft, RaftError, Rejection};
use thiserror::Error;
use tracing::{error, info, warn};

use batch::{BatchError, BatchHeader};
pub(crate) use batch::{BatchId, Epoch};
use lineage::{Lineage, Verdict};

use crate::snapshot::files;
use crate::snapshot::place::Place;
use crate::snapshot::reading::{self, LoadProgress};

/// Bits of a proposal's token that name the batch; the rest count the attempts.
const TOKEN_SEQ_BITS: u32 = 40;

/// What this node may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The log is being replayed; no command has been executed yet.
    Loading,
    /// It leads: commands run.
    Leading,
    /// It led, and whether its last batches are committed is not decided yet: nothing runs.
    Frozen,
    /// Another node leads.
    Following,
}

/// Bounds of uncommitted work.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Batches proposed and not committed; the next one fills while they are.
    pub batches_in_flight_max: usize,
    /// Bytes of uncommitted effects; beyond it write commands are parked.
    pub uncommitted_bytes_max: usize,
    /// Size at which a batch is closed before its turn ends, in bytes.
    pub batch_bytes_target: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batches_in_flight_max: 2,
            uncommitted_bytes_max: 64 << 20,
            batch_bytes_target: 256 << 10,
        }
    }
}

/// What the core must act on.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Replies up to `committed()` may leave.
    Committed,
    /// Commands may run.
    Leading,
    /// No command may run; what was executed is not decided.
    Frozen,
    /// What was executed and not committed is gone: other batches took its place.
    RolledBack,
}

/// Why the process cannot go on.
#[derive(Debug, Error)]
pub enum ReplicationError {
    /// Raft or the log is dead.
    #[error("the log failed: {0}")]
    Raft(#[from] RaftError),
    /// The log holds something that is no batch.
    #[error("log entry {index} (term {term}) cannot be read: {source}")]
    Batch {
        /// Its index.
        index: u64,
        /// Its term.
        term: u64,
        /// What is wrong with it.
        source: BatchReadError,
    },
    /// An effect does not apply: this node's state is not the one that the log was written for.
    #[error("log entry {index} (term {term}) does not apply, this node has diverged: {source}")]
    Diverged {
        /// Its index.
        index: u64,
        /// Its term.
        term: u64,
        /// What failed.
        source: ReplayError,
    },
}

/// An entry of the log that is no batch, or of a later version.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct BatchReadError(#[from] BatchError);

/// A batch that was proposed and is not committed.
#[derive(Debug)]
struct InFlight {
    id: BatchId,
    bytes: usize,
    /// Kept for another proposal under the same id, should this one be rejected.
    entries: Vec<Bytes>,
}

/// Replication as the core thread sees it.
#[derive(Debug)]
pub struct Replication {
    raft: Raft,
    lease: Lease,
    phase: Phase,
    term: u64,
    epoch: Epoch,
    lineage: Lineage,
    /// The effects of the batch that is being filled.
    pub effects: Effects,
    queue: VecDeque<InFlight>,
    queue_bytes: usize,
    /// The last batch that was proposed, or the last valid one: what the next is executed on.
    tip: BatchId,
    committed_seq: u64,
    applied_index: Option<u64>,
    log_time_ms: i64,
    /// How often the queue has been proposed: answers to older attempts mean nothing.
    attempt: u64,
    must_propose_again: bool,
    /// The batch must not be closed yet: a script that takes long adds to it.
    is_held_open: bool,
    limits: Limits,
    /// Where the snapshots are, and whose log they belong to: for a roll-back.
    snapshots: (PathBuf, [u8; 16]),
}

impl Replication {
    /// Before the first event. The snapshots of the log `log_id` are in `dir`.
    pub fn new(raft: Raft, limits: Limits, dir: PathBuf, log_id: [u8; 16]) -> Self {
        Self {
            lease: raft.lease(),
            raft,
            phase: Phase::Loading,
            term: 0,
            epoch: Epoch::default(),
            lineage: Lineage::default(),
            effects: Effects::default(),
            queue: VecDeque::new(),
            queue_bytes: 0,
            tip: BatchId::default(),
            committed_seq: 0,
            applied_index: None,
            log_time_ms: 0,
            attempt: 0,
            must_propose_again: false,
            is_held_open: false,
            limits,
            snapshots: (dir, log_id),
        }
    }

    /// What this node may do.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether this node leads and no other can.
    pub fn may_serve(&self) -> bool {
        self.phase == Phase::Leading && self.lease.is_valid_now()
    }

    /// The last batch whose effects are committed: replies that need no more may leave.
    pub const fn committed(&self) -> u64 {
        self.committed_seq
    }

    /// The term in which this node leads or follows, as far as the core knows.
    pub const fn term(&self) -> u64 {
        self.term
    }

    /// The newest time in the log, in milliseconds since 1970.
    pub const fn log_time_ms(&self) -> i64 {
        self.log_time_ms
    }

    /// The last entry that the keyspace contains.
    pub const fn applied_index(&self) -> Option<u64> {
        self.applied_index
    }

    /// The handle of the Raft node.
    pub const fn raft(&self) -> &Raft {
        &self.raft
    }

    /// Whether the keyspace is what the log holds up to some batch, and a snapshot may begin here.
    pub fn is_at_boundary(&self) -> bool {
        match self.phase {
            Phase::Leading => self.effects.is_empty() && self.may_serve(),
            Phase::Following => !self.has_uncommitted() && self.lineage.is_between_batches(),
            Phase::Loading | Phase::Frozen => false,
        }
    }

    /// The last batch that the keyspace contains, at a boundary.
    pub fn executed(&self, keyspace: &Keyspace) -> u64 {
        if self.queue.is_empty() {
            self.committed_seq
        } else {
            keyspace.dirty.filling() - 1
        }
    }

    /// Whether all batches up to `need` are committed.
    pub const fn committed_all(&self, need: u64) -> bool {
        self.committed_seq >= need
    }

    /// Where the last committed batch stands in the log.
    pub(crate) fn place(&self, log_id: [u8; 16], hash_seed: u64) -> Option<Place> {
        Some(Place {
            log_id,
            position: self.raft.snapshot_position(self.applied_index?)?,
            batch: self.lineage.last(),
            log_time_ms: self.log_time_ms,
            hash_seed,
        })
    }

    /// The keyspace holds what a snapshot held: the log goes on from there.
    pub(crate) fn start_from(&mut self, place: &Place) {
        self.lineage = Lineage::from(place.batch);
        self.tip = place.batch;
        self.log_time_ms = self.log_time_ms.max(place.log_time_ms);
        let index = place.position.index;
        self.applied_index = Some(index);
        self.raft.applied(index);
    }

    /// Bytes of effects that are not committed.
    pub fn uncommitted_bytes(&self) -> usize {
        self.queue_bytes + self.effects.bytes()
    }

    /// Whether write commands must wait until something is committed.
    pub fn is_full(&self) -> bool {
        self.uncommitted_bytes() >= self.limits.uncommitted_bytes_max
    }

    /// Whether the batch is large enough to be closed before its turn ends.
    pub fn batch_is_large(&self) -> bool {
        self.effects.bytes() >= self.limits.batch_bytes_target
    }

    /// Keeps the batch that is being filled open, over the ends of turns.
    pub(crate) const fn hold_open(&mut self) {
        self.is_held_open = true;
    }

    /// Lets it be closed again.
    pub(crate) const fn let_close(&mut self) {
        self.is_held_open = false;
    }

    /// Ends a turn: proposes what it filled, unless enough is in flight already. In that case the
    /// batch goes on filling and leaves when one of those is committed.
    pub fn close(&mut self, keyspace: &mut Keyspace) {
        if self.effects.is_empty()
            || self.is_held_open
            || self.phase != Phase::Leading
            || self.must_propose_again
            || self.queue.len() >= self.limits.batches_in_flight_max
        {
            return;
        }
        let seq = keyspace.dirty.filling();
        let id = BatchId {
            epoch: self.epoch,
            seq,
        };
        assert!(id > self.tip, "batch {id:?} does not follow {:?}", self.tip);
        let body = self.effects.take();
        let bytes = body.len();
        let header = BatchHeader {
            id,
            prev: self.tip,
            time_ms: keyspace.now_ms(),
            part: 0,
            parts: 1,
        };
        let entries = header.entries(body);
        self.queue.push_back(InFlight { id, bytes, entries });
        self.queue_bytes += bytes;
        self.tip = id;
        keyspace.dirty.fill(seq + 1);
        self.propose_from(self.queue.len() - 1);
    }

    /// Hands the queue's batches from `first` on to Raft.
    fn propose_from(&mut self, first: usize) {
        for batch in self.queue.iter().skip(first) {
            let token =
                self.attempt << TOKEN_SEQ_BITS | (batch.id.seq & ((1 << TOKEN_SEQ_BITS) - 1));
            for entry in &batch.entries {
                match self.raft.propose(self.term, token, entry.clone()) {
                    Ok(()) => {}
                    Err(ProposeError::Full) => {
                        self.must_propose_again = true;
                        return;
                    }
                    // The reason comes as an event.
                    Err(ProposeError::Stopped) => return,
                }
            }
        }
    }

    /// Proposes the whole queue once more, under the same ids, if an earlier proposal was rejected
    /// and this node still leads. What was appended after all is void by the rule.
    pub fn propose_again(&mut self) {
        if self.must_propose_again && self.may_serve() {
            self.must_propose_again = false;
            self.attempt += 1;
            self.propose_from(0);
        }
    }

    /// Takes in one event of Raft.
    ///
    /// # Errors
    /// The process must stop: it can neither serve nor follow.
    pub fn learn(
        &mut self,
        event: Event,
        keyspace: &mut Keyspace,
        table: &CommandTable,
    ) -> Result<Option<Change>, ReplicationError> {
        match event {
            Event::Committed(entry) => self.learn_committed(entry, keyspace, table),
            Event::LeaderStarted { term } => Ok(Some(self.lead(term, keyspace))),
            Event::LeaderStopped { term } => Ok(self.stop_leading(term)),
            Event::Rejected { token, reason } => {
                self.learn_rejected(token, reason);
                Ok(None)
            }
            Event::Unknown { token } => {
                warn!(
                    token,
                    "the outcome of a proposal is unknown; waiting for the log to decide"
                );
                Ok(self.freeze())
            }
            Event::Failed(error) => Err(error.into()),
        }
    }

    fn lead(&mut self, term: u64, keyspace: &mut Keyspace) -> Change {
        self.term = term;
        self.phase = Phase::Leading;
        if self.queue.is_empty() {
            self.epoch = Epoch {
                term,
                incarnation: 0,
            };
            self.tip = self.lineage.last();
            let first = self.tip.seq.max(keyspace.dirty.filling() - 1) + 1;
            self.committed_seq = first - 1;
            keyspace.dirty.fill(first);
            keyspace.dirty.clear();
        } else {
            // Elected again, and nothing foreign came in between: the same queue, the same ids.
            self.must_propose_again = true;
            self.propose_again();
        }
        keyspace.set_now_ms(self.log_time_ms);
        info!(term, "this node leads and serves commands");
        Change::Leading
    }

    fn stop_leading(&mut self, term: u64) -> Option<Change> {
        if term != self.term {
            return None;
        }
        self.freeze()
    }

    fn freeze(&mut self) -> Option<Change> {
        if self.phase != Phase::Leading {
            return None;
        }
        let nothing_open = self.queue.is_empty() && self.effects.is_empty();
        self.phase = if nothing_open {
            Phase::Following
        } else {
            Phase::Frozen
        };
        info!(term = self.term, phase = ?self.phase, "this node stopped leading");
        Some(Change::Frozen)
    }

    fn learn_rejected(&mut self, token: u64, reason: Rejection) {
        if token >> TOKEN_SEQ_BITS != self.attempt {
            return; // an answer to an attempt that has been made again since
        }
        warn!(
            ?reason,
            "a batch was rejected; it is proposed again while this node leads"
        );
        self.must_propose_again = true;
    }

    fn learn_committed(
        &mut self,
        entry: Entry,
        keyspace: &mut Keyspace,
        table: &CommandTable,
    ) -> Result<Option<Change>, ReplicationError> {
        let (term, index) = (entry.term, entry.index);
        let change = match entry.kind {
            EntryKind::Normal(payload) => {
                let verdict =
                    self.lineage
                        .judge(&payload)
                        .map_err(|source| ReplicationError::Batch {
                            index,
                            term,
                            source: source.into(),
                        })?;
                match verdict {
                    Verdict::Valid { id, time_ms, body } => {
                        self.log_time_ms = self.log_time_ms.max(time_ms);
                        let batch = Committed {
                            id,
                            time_ms,
                            body,
                            term,
                            index,
                        };
                        self.apply(batch, keyspace, table)?
                    }
                    Verdict::Incomplete | Verdict::Void(_) => None,
                }
            }
            EntryKind::Blank { .. } if term > self.term && self.has_uncommitted() => {
                self.roll_back(keyspace, table, index)?
            }
            EntryKind::Blank { .. } | EntryKind::Membership(_) => None,
        };
        self.applied_index = Some(index);
        self.raft.applied(index);
        Ok(change)
    }

    fn has_uncommitted(&self) -> bool {
        !self.queue.is_empty() || !self.effects.is_empty()
    }

    /// A valid batch: ours has been executed already, another's is executed now.
    fn apply(
        &mut self,
        batch: Committed,
        keyspace: &mut Keyspace,
        table: &CommandTable,
    ) -> Result<Option<Change>, ReplicationError> {
        if self.queue.front().is_some_and(|front| front.id == batch.id) {
            let popped = self
                .queue
                .pop_front()
                .expect("its front was just looked at");
            self.queue_bytes -= popped.bytes;
            self.committed_seq = batch.id.seq;
            keyspace.dirty.commit(batch.id.seq);
            return Ok(Some(Change::Committed));
        }
        assert!(
            !self.queue.iter().any(|own| own.id == batch.id),
            "own batch {:?} was committed before the head of the queue {:?}",
            batch.id,
            self.queue.front().map(|front| front.id)
        );
        if self.has_uncommitted() {
            // The log holds this batch already, so the replay executes it.
            return self.roll_back(keyspace, table, batch.index);
        }
        self.execute(&batch, keyspace, table)?;
        self.tip = batch.id;
        Ok(None)
    }

    fn execute(
        &self,
        batch: &Committed,
        keyspace: &mut Keyspace,
        table: &CommandTable,
    ) -> Result<(), ReplicationError> {
        let replayed = replay(keyspace, table, &batch.body, batch.time_ms);
        replayed
            .map(drop)
            .map_err(|source| ReplicationError::Diverged {
                index: batch.index,
                term: batch.term,
                source,
            })
    }

    /// Puts the newest snapshot that can be read into the keyspace. Returns the entry behind it: the
    /// first of all, if there is none.
    fn install_snapshot(&mut self, keyspace: &mut Keyspace, through: u64) -> u64 {
        let (dir, log_id) = &self.snapshots;
        let generations = files::list(dir).unwrap_or_else(|error| {
            error!(%error, "the snapshots cannot be listed");
            Vec::new()
        });
        for generation in generations {
            if generation.index > through {
                continue;
            }
            let (encodings, empty) = (keyspace.encodings, keyspace.replacement());
            let progress = Arc::new(LoadProgress::default());
            match reading::load(&generation.path, &encodings, *log_id, &progress, empty) {
                Ok((replacement, place)) => {
                    keyspace.install(replacement);
                    self.lineage = Lineage::from(place.batch);
                    return place.position.index + 1;
                }
                Err(error) => {
                    error!(path = %generation.path.display(), %error, "ALARM: a snapshot is damaged");
                }
            }
        }
        0
    }

    /// Others' batches took the place of ours: forget all that is not in the log, and rebuild the
    /// keyspace from the newest snapshot and the log up to `through`.
    pub(crate) fn roll_back(
        &mut self,
        keyspace: &mut Keyspace,
        table: &CommandTable,
        through: u64,
    ) -> Result<Option<Change>, ReplicationError> {
        warn!(
            batches = self.queue.len(),
            "rolling back by replay: other batches took the place of ours"
        );
        self.queue.clear();
        self.queue_bytes = 0;
        self.effects.take();
        self.must_propose_again = false;
        self.phase = Phase::Following;
        keyspace.reset();
        self.lineage = Lineage::default();
        let mut next = self.install_snapshot(keyspace, through);
        while next <= through {
            let entries = self.raft.read(next..through + 1)?;
            for entry in entries {
                next = entry.index + 1;
                let EntryKind::Normal(payload) = entry.kind else {
                    continue;
                };
                let verdict =
                    self.lineage
                        .judge(&payload)
                        .map_err(|source| ReplicationError::Batch {
                            index: entry.index,
                            term: entry.term,
                            source: source.into(),
                        })?;
                if let Verdict::Valid { id, time_ms, body } = verdict {
                    let (term, index) = (entry.term, entry.index);
                    self.execute(
                        &Committed {
                            id,
                            time_ms,
                            body,
                            term,
                            index,
                        },
                        keyspace,
                        table,
                    )?;
                }
            }
        }
        self.tip = self.lineage.last();
        Ok(Some(Change::RolledBack))
    }
}

/// A valid batch of the committed log.
struct Committed {
    id: BatchId,
    time_ms: i64,
    body: Bytes,
    term: u64,
    index: u64,
}
