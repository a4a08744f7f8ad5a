//! openraft's log store over `holdfast-wal`.
//!
//! Order is the log's: entries, votes, truncations and purges go into one stream of records. An append is readable when it
//! returns and durable when the log's callback comes; a vote is durable when [`RaftLogStorage::save_vote`] returns.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::Stream;
use holdfast_wal::{EntryKind, GroupId, LogPosition, Wal};
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::{OptionalSend, entry::RaftEntry as _};
use tokio::sync::oneshot;

use crate::codec::{self, LogStateRecord};
use crate::leadership::Leadership;
use crate::types::{EntryPayload, LogEntry, LogId, TypeConfig, Vote};

/// This crate's Raft group in the log. Shards get others.
pub(crate) const GROUP: GroupId = GroupId(0);

/// The most payload bytes that one read of the log's files returns.
const READ_BYTES_MAX: usize = 1 << 20;

/// The log store, and a reader of it; clones share everything.
#[derive(Clone)]
pub(crate) struct LogStore {
    wal: Wal,
    leadership: Arc<Leadership>,
    state: Arc<Mutex<State>>,
}

/// How many memberships are kept in the state record. Two are needed: the newest may be uncommitted, then the one before
/// it holds; more are listed for those that a truncation took away.
const MEMBERSHIPS_COUNT_MAX: usize = 8;

#[derive(Debug)]
struct State {
    record: LogStateRecord,
    purged: Option<LogId>,
    /// Where the log begins. That is behind the last purged entry, but for a log whose first entry was given another index.
    first: u64,
    last: Option<LogId>,
    reading: Reading,
}

/// What a read of several entries is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The entries.
    Entries,
    /// openraft is being built and looks for the newest memberships, from the log's end to its beginning. It is shown these
    /// only: reading all entries would make a start over a long log nearly twice as long.
    Memberships,
}

impl LogStore {
    /// Takes over an opened log.
    ///
    /// # Errors
    /// The stored vote cannot be decoded.
    pub(crate) fn new(wal: Wal, leadership: Arc<Leadership>) -> Result<Self, crate::RaftError> {
        let bounds = wal.bounds(GROUP);
        let record = match bounds.state {
            Some(bytes) => codec::decode_state(&bytes)?,
            None => LogStateRecord::default(),
        };
        let purged = bounds.purged.map(log_id_of);
        let last = bounds.last.map(log_id_of).or(purged);
        let state = State {
            record,
            purged,
            first: after(purged),
            last,
            reading: Reading::Entries,
        };
        Ok(Self {
            wal,
            leadership,
            state: Arc::new(Mutex::new(state)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last entry, and the last purged one.
    pub(crate) fn ends(&self) -> (Option<LogId>, Option<LogId>) {
        let state = self.lock();
        (state.last, state.purged)
    }

    /// True if nothing was ever stored.
    pub(crate) fn is_pristine(&self) -> bool {
        let state = self.lock();
        state.record.vote.is_none() && state.last.is_none()
    }

    /// The first entries from `start` up to `end` (exclusive): at least one if there is one, at most `bytes_max` if more.
    pub(crate) fn read(&self, start: u64, end: u64, bytes_max: usize) -> io::Result<Vec<LogEntry>> {
        if start >= end {
            return Ok(Vec::new());
        }
        let stored = self
            .wal
            .read(GROUP, start..end, bytes_max)
            .map_err(io::Error::other)?;
        stored.into_iter().map(entry_of).collect()
    }

    /// From now on openraft is being built: see [`Reading::Memberships`].
    pub(crate) fn start_building(&self) {
        self.lock().reading = Reading::Memberships;
    }

    /// openraft is built.
    pub(crate) fn end_building(&self) {
        self.lock().reading = Reading::Entries;
    }

    /// The memberships in the range, without the entries between them.
    fn read_memberships(&self, start: u64, end: u64) -> io::Result<Vec<LogEntry>> {
        let listed = self.lock().record.memberships.clone();
        let mut found = Vec::new();
        for position in listed
            .into_iter()
            .filter(|position| (start..end).contains(&position.index))
        {
            let entries = self.read(position.index, position.index.saturating_add(1), 1)?;
            let is_listed = |entry: &LogEntry| {
                entry.log_id == position && matches!(entry.payload, EntryPayload::Membership(_))
            };
            found.extend(entries.into_iter().filter(is_listed));
        }
        Ok(found)
    }

    /// All entries that the log has in the range.
    fn read_all(&self, start: u64, end: u64) -> io::Result<Vec<LogEntry>> {
        let mut entries = self.read(start, end, READ_BYTES_MAX)?;
        while let Some(last) = entries.last() {
            let more = self.read(last.log_id.index.saturating_add(1), end, READ_BYTES_MAX)?;
            if more.is_empty() {
                break;
            }
            entries.extend(more);
        }
        Ok(entries)
    }

    /// The range's bounds, cut to what the log holds.
    fn bounds_of(&self, range: &impl RangeBounds<u64>) -> (u64, u64) {
        let (first, end) = {
            let state = self.lock();
            (state.first, after(state.last))
        };
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => first,
        };
        let range_end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => end,
        };
        (start.max(first), range_end.min(end))
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<LogEntry>, io::Error> {
        let (start, end) = self.bounds_of(&range);
        let reading = self.lock().reading;
        if reading == Reading::Memberships && end.saturating_sub(start) > 1 {
            return self.read_memberships(start, end);
        }
        self.read_all(start, end)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.lock().record.vote)
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<LogEntry>, io::Error> {
        let (start, end) = self.bounds_of(&(start..end));
        self.read(start, end, READ_BYTES_MAX)
    }

    // The state machine reads through this: one bounded chunk at a time, however long the range is. Between chunks that came
    // from the files the other tasks of the raft thread have a turn.
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = Result<LogEntry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = self.bounds_of(&range);
        let chunk = Vec::new().into_iter();
        futures_util::stream::try_unfold(
            (self.clone(), start, chunk),
            move |(store, next, mut chunk)| async move {
                if let Some(entry) = chunk.next() {
                    return Ok(Some((entry, (store, next, chunk))));
                }
                if next >= end {
                    return Ok(None);
                }
                if next > start {
                    tokio::task::yield_now().await;
                }
                let mut chunk = store.read(next, end, READ_BYTES_MAX)?.into_iter();
                let Some(entry) = chunk.next() else {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        format!("entry {next} is not in the log"),
                    ));
                };
                let next = chunk
                    .as_slice()
                    .last()
                    .unwrap_or(&entry)
                    .log_id
                    .index
                    .saturating_add(1);
                Ok(Some((entry, (store, next, chunk))))
            },
        )
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let (last_log_id, last_purged_log_id) = self.ends();
        Ok(LogState {
            last_purged_log_id,
            last_log_id,
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.leadership.voted(vote);
        let memberships = self.lock().record.memberships.clone();
        let state = codec::encode_state(&LogStateRecord {
            vote: Some(*vote),
            memberships,
        });
        let (synced, is_synced) = oneshot::channel();
        // The receiver can only be gone if this future was dropped: then nobody waits.
        let on_synced = Box::new(move || {
            synced.send(()).ok();
        });
        self.wal
            .save_state(GROUP, state, on_synced)
            .map_err(io::Error::other)?;
        is_synced
            .await
            .map_err(|_| io::Error::other("the log failed before the vote was synced"))?;
        self.lock().record.vote = Some(*vote);
        Ok(())
    }

    // Only a hint for tools and the next start's log: a sole voter commits all that it has, and others learn it.
    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        if let Some(committed) = committed {
            let mut hint = BytesMut::with_capacity(16);
            hint.put_u64_le(committed.leader_id.term);
            hint.put_u64_le(committed.index);
            self.wal.hint_committed(GROUP, hint.freeze());
        }
        Ok(())
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: IOFlushed<TypeConfig>,
    ) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut records = Vec::new();
        let mut new_record = None;
        {
            let mut state = self.lock();
            for mut entry in entries {
                let index = entry.log_id.index;
                if state.last.is_none() {
                    state.first = index;
                } else {
                    let due = after(state.last);
                    assert!(index == due, "entry {index} is appended where {due} is due");
                }
                self.complete(&mut entry, state.record.vote.as_ref());
                if matches!(entry.payload, EntryPayload::Membership(_)) {
                    new_record = Some(state.list_membership(entry.log_id));
                }
                records.push(record_of(&entry)?);
                state.last = Some(entry.log_id);
            }
        }
        if let Some(record) = new_record {
            // Before the entry, in the same stream: no crash can leave a membership that is not listed.
            self.wal
                .save_state(GROUP, record, Box::new(|| {}))
                .map_err(io::Error::other)?;
        }
        // The log calls the newest append of a group commit only, which speaks for those before it. If it fails it calls none,
        // and `Leadership::failed` tells the core.
        let on_synced = Box::new(move || callback.io_completed(Ok(())));
        self.wal
            .append(GROUP, records, on_synced)
            .map_err(io::Error::other)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        self.wal
            .truncate_after(GROUP, last.map(|last| last.index))
            .map_err(io::Error::other)?;
        let mut state = self.lock();
        if after(last) < after(state.last) {
            state.last = last.max(state.purged);
        }
        let kept = after(last);
        state
            .record
            .memberships
            .retain(|position| position.index < kept);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        let position = LogPosition {
            index: upto.index,
            term: upto.leader_id.term,
        };
        self.wal.purge(GROUP, position).map_err(io::Error::other)?;
        let mut state = self.lock();
        state.purged = Some(upto);
        state.first = after(state.purged);
        if after(state.last) <= upto.index {
            state.last = Some(upto);
        }
        Ok(())
    }
}

impl State {
    /// Lists a membership that is about to be appended; returns the state record to save before it.
    fn list_membership(&mut self, position: LogId) -> Bytes {
        let listed = &mut self.record.memberships;
        listed.push(position);
        let surplus = listed.len().saturating_sub(MEMBERSHIPS_COUNT_MAX);
        listed.drain(..surplus);
        codec::encode_state(&self.record)
    }
}

impl LogStore {
    /// Fills in what openraft does not know when it makes an entry, and tells of a change of members, which is in force as
    /// soon as it is in the log.
    fn complete(&self, entry: &mut LogEntry, vote: Option<&Vote>) {
        let term = entry.log_id.leader_id.term;
        match &mut entry.payload {
            EntryPayload::Blank { leader } if *leader == 0 => {
                // A blank that its leader has not named yet is being appended by that leader, whose vote this is.
                *leader = vote
                    .filter(|vote| vote.leader_id.term == term)
                    .map_or(0, |vote| vote.leader_id.voted_for);
            }
            EntryPayload::Membership(members) => self.leadership.members_changed(members),
            EntryPayload::Blank { .. } | EntryPayload::Normal(_) => {}
        }
    }
}

fn after(log_id: Option<LogId>) -> u64 {
    log_id.map_or(0, |log_id| log_id.index.saturating_add(1))
}

fn log_id_of(position: LogPosition) -> LogId {
    LogId::new(position.term.into(), position.index)
}

fn record_of(entry: &LogEntry) -> io::Result<holdfast_wal::Entry> {
    let (kind, payload) = codec::encode_payload(&entry.payload).map_err(io::Error::other)?;
    Ok(holdfast_wal::Entry {
        index: entry.log_id.index,
        term: entry.log_id.leader_id.term,
        kind: EntryKind(kind),
        payload,
    })
}

fn entry_of(record: holdfast_wal::Entry) -> io::Result<LogEntry> {
    let payload = codec::decode_payload(record.kind.0, record.payload).map_err(io::Error::other)?;
    Ok(LogEntry::new(
        LogId::new(record.term.into(), record.index),
        payload,
    ))
}

#[cfg(test)]
mod tests;
