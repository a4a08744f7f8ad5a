//! openraft's state machine, which holds no state: it passes committed entries on to the core, in order and in big chunks.
//!
//! This is the only source of [`Event::Committed`]. It runs in openraft's state-machine worker, the one place that may wait
//! for the core (RULES.md 9).

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, TryStreamExt as _};
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};

use crate::codec;
use crate::leadership::Leadership;
use crate::queue::EventQueue;
use crate::types::{EntryPayload, LogEntry, LogId, Payload, StoredMembers, TypeConfig};
use crate::{Entry, EntryKind, Event, RaftError, SnapshotPosition};

type SnapshotMeta = SnapshotMetaOf<TypeConfig>;
type Snapshot = SnapshotOf<TypeConfig, SnapshotFile>;

/// Committed payloads are handed to the core in chunks of about this size during a replay.
const CHUNK_BYTES: usize = 1 << 20;

/// A snapshot's content as openraft passes it around. It is the server's file, found by its position.
#[derive(Debug)]
pub(crate) struct SnapshotFile;

/// What has been delivered, and the newest verified snapshot.
#[derive(Debug, Default)]
struct Progress {
    applied: Option<LogId>,
    /// Each membership since the snapshot's, and the snapshot's: any of them may be the one that a snapshot needs.
    members: Vec<StoredMembers>,
    snapshot: Option<SnapshotMeta>,
}

/// A view of the state machine's progress for the rest of the crate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivered {
    progress: Arc<Mutex<Progress>>,
}

impl Delivered {
    /// Starts behind a snapshot, or at the log's beginning.
    ///
    /// # Errors
    /// The snapshot's membership is not one.
    pub(crate) fn from_snapshot(snapshot: Option<&SnapshotPosition>) -> Result<Self, RaftError> {
        let mut progress = Progress::default();
        if let Some(position) = snapshot {
            let membership_at =
                LogId::new(position.membership_term.into(), position.membership_index);
            let members = codec::members_of(&position.membership)?;
            let last_membership = StoredMembers::new(Some(membership_at), members);
            let last_log_id = Some(LogId::new(position.term.into(), position.index));
            progress.applied = last_log_id;
            progress.members = vec![last_membership.clone()];
            progress.snapshot = Some(SnapshotMeta {
                last_log_id,
                last_membership,
            });
        }
        Ok(Self {
            progress: Arc::new(Mutex::new(progress)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `entry` is delivered; returns the one before.
    fn advance(&self, entry: &LogEntry) -> Option<LogId> {
        let mut progress = self.lock();
        if let EntryPayload::Membership(members) = &entry.payload {
            progress
                .members
                .push(StoredMembers::new(Some(entry.log_id), members.clone()));
        }
        progress.applied.replace(entry.log_id)
    }

    /// The index behind the last entry that was delivered, or is in the snapshot.
    pub(crate) fn end(&self) -> u64 {
        self.lock()
            .applied
            .map_or(0, |applied| applied.index.saturating_add(1))
    }

    /// The membership that was in force at `index`, as far back as the newest snapshot.
    pub(crate) fn members_at(&self, index: u64) -> Option<StoredMembers> {
        let progress = self.lock();
        let is_before =
            |stored: &&StoredMembers| stored.log_id().is_some_and(|log_id| log_id.index <= index);
        progress.members.iter().rev().find(is_before).cloned()
    }

    /// A snapshot at `log_id` has been verified.
    pub(crate) fn set_snapshot(&self, log_id: LogId) {
        let Some(last_membership) = self.members_at(log_id.index) else {
            return;
        };
        let mut progress = self.lock();
        progress
            .members
            .retain(|stored| *stored.log_id() >= *last_membership.log_id());
        progress.snapshot = Some(SnapshotMeta {
            last_log_id: Some(log_id),
            last_membership,
        });
    }

    fn current_snapshot(&self) -> Option<Snapshot> {
        self.lock().snapshot.clone().map(|meta| Snapshot {
            meta,
            snapshot: SnapshotFile,
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct StateMachine {
    delivered: Delivered,
    leadership: Arc<Leadership>,
    queue: EventQueue,
}

/// Events on their way to the core.
#[derive(Default)]
struct Chunk {
    events: Vec<Event>,
    bytes: usize,
}

impl StateMachine {
    pub(crate) fn new(
        delivered: Delivered,
        leadership: Arc<Leadership>,
        queue: EventQueue,
    ) -> Self {
        Self {
            delivered,
            leadership,
            queue,
        }
    }

    fn take(&self, entry: LogEntry, chunk: &mut Chunk) {
        let log_id = entry.log_id;
        let term = log_id.leader_id.term;
        let previous = self.delivered.advance(&entry);
        let expected = previous.map_or(0, |previous| previous.index.saturating_add(1));
        assert!(
            log_id.index == expected,
            "entry {} is applied where {expected} is due",
            log_id.index
        );

        let started = match &entry.payload {
            EntryPayload::Blank { leader } => self.leadership.blank_applied(term, *leader),
            EntryPayload::Normal(Payload(bytes)) => {
                chunk.bytes = chunk.bytes.saturating_add(bytes.len());
                false
            }
            EntryPayload::Membership(_) => false,
        };
        chunk.events.push(Event::Committed(entry_of(entry)));
        if started {
            chunk.events.push(Event::LeaderStarted { term });
        }
    }

    async fn deliver(&self, chunk: &mut Chunk) {
        self.queue.room().await;
        self.queue.push_all(chunk.events.drain(..));
        chunk.bytes = 0;
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = Delivered;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembers), io::Error> {
        let progress = self.delivered.lock();
        Ok((
            progress.applied,
            progress.members.last().cloned().unwrap_or_default(),
        ))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        let mut chunk = Chunk::default();
        while let Some((entry, responder)) = entries.try_next().await? {
            self.take(entry, &mut chunk);
            if let Some(responder) = responder {
                responder.send(());
            }
            if chunk.bytes >= CHUNK_BYTES {
                self.deliver(&mut chunk).await;
            }
        }
        self.deliver(&mut chunk).await;
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Delivered {
        self.delivered.clone()
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        _snapshot: SnapshotFile,
    ) -> Result<(), io::Error> {
        // No transport can bring one. An unexpected one must not move `applied` past entries that the core has not seen.
        let position = meta.last_log_id.map_or(0, |log_id| log_id.index);
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("a snapshot at {position} cannot be installed without peers"),
        ))
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.delivered.current_snapshot())
    }
}

impl RaftSnapshotBuilder<TypeConfig> for Delivered {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        // The server makes snapshots; openraft is only told of the newest.
        self.current_snapshot()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no snapshot has been verified"))
    }
}

/// An entry as the core sees it.
pub(crate) fn entry_of(entry: LogEntry) -> Entry {
    let kind = match entry.payload {
        EntryPayload::Normal(Payload(bytes)) => EntryKind::Normal(bytes),
        EntryPayload::Blank { leader } => EntryKind::Blank { leader },
        EntryPayload::Membership(members) => EntryKind::Membership(codec::membership_of(&members)),
    };
    Entry {
        term: entry.log_id.leader_id.term,
        index: entry.log_id.index,
        kind,
    }
}
