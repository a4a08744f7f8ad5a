//! openraft's own storage suite over the real log in a temporary directory, and what it leaves out.

use std::sync::Mutex;

use futures_util::{Stream, TryStreamExt as _};
use holdfast_wal::WalOptions;
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{RaftSnapshotBuilder, StorageError};
use tempfile::TempDir;

use super::*;
use crate::lease::Lease;
use crate::types::{StoredMembers, Vote};
use std::time::Duration;

/// A state machine that only remembers, as the suite wants one; the crate's own holds nothing.
#[derive(Clone, Default)]
struct Remembering {
    remembered: Arc<Mutex<Remembered>>,
}

#[derive(Default)]
struct Remembered {
    applied: Option<LogId>,
    members: StoredMembers,
    snapshot: Option<SnapshotMetaOf<TypeConfig>>,
}

impl Remembering {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .expect("no test panics while it holds this")
    }
}

impl RaftStateMachine<TypeConfig> for Remembering {
    type SnapshotData = ();
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembers), io::Error> {
        let remembered = self.lock();
        Ok((remembered.applied, remembered.members.clone()))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some((entry, _)) = entries.try_next().await? {
            let mut remembered = self.lock();
            remembered.applied = Some(entry.log_id);
            if let EntryPayload::Membership(members) = entry.payload {
                remembered.members = StoredMembers::new(Some(entry.log_id), members);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMetaOf<TypeConfig>,
        _: (),
    ) -> Result<(), io::Error> {
        let mut remembered = self.lock();
        remembered.applied = meta.last_log_id;
        remembered.members = meta.last_membership.clone();
        remembered.snapshot = Some(meta.clone());
        Ok(())
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> Result<Option<SnapshotOf<TypeConfig, ()>>, io::Error> {
        Ok(self
            .lock()
            .snapshot
            .clone()
            .map(|meta| SnapshotOf::<TypeConfig, ()> { meta, snapshot: () }))
    }
}

impl RaftSnapshotBuilder<TypeConfig> for Remembering {
    type SnapshotData = ();

    async fn build_snapshot(&mut self) -> Result<SnapshotOf<TypeConfig, ()>, io::Error> {
        let mut remembered = self.lock();
        let meta = SnapshotMetaOf::<TypeConfig> {
            last_log_id: remembered.applied,
            last_membership: remembered.members.clone(),
        };
        remembered.snapshot = Some(meta.clone());
        Ok(SnapshotOf::<TypeConfig, ()> { meta, snapshot: () })
    }
}

struct Builder;

impl StoreBuilder<TypeConfig, LogStore, Remembering, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, LogStore, Remembering), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(&dir);
        Ok((dir, store, Remembering::default()))
    }
}

fn open(dir: &TempDir) -> LogStore {
    let mut options = WalOptions::new(dir.path(), *b"raft-store-tests");
    options.segment_bytes = 64 << 10;
    options.spares_count = 0;
    options.reserve_count = 1;
    let (wal, _) = Wal::open(options).expect("the log opens");
    let (queue, _) = crate::queue::events(1 << 20);
    LogStore::new(
        wal,
        Leadership::new(1, Lease::new(), Duration::from_secs(1), queue),
    )
    .expect("its vote decodes")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn the_store_passes_openrafts_suite() {
    run(Suite::test_all(Builder)).expect("the suite passes");
}

#[test]
fn a_saved_vote_is_there_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    for (term, committed) in [(3, false), (3, true), (9, false)] {
        let vote = Vote {
            leader_id: crate::types::LeaderId { term, voted_for: 1 },
            committed,
        };
        let mut store = open(&dir);
        run(store.save_vote(&vote)).expect("saved");
        store.wal.close().expect("sealed");
        let mut store = open(&dir);
        assert_eq!(run(store.read_vote()).expect("read"), Some(vote));
        store.wal.close().expect("sealed");
    }
}

#[test]
fn a_blank_names_the_leader_whose_term_it_opens() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = open(&dir);
    let blank = |term: u64, index| {
        LogEntry::new(
            LogId::new(term.into(), index),
            EntryPayload::Blank { leader: 0 },
        )
    };
    run(store.save_vote(&Vote::new_committed(4, 7))).expect("saved");
    run(store.append([blank(3, 0), blank(4, 1)], IOFlushed::noop())).expect("appended");
    let leaders: Vec<_> = store
        .read_all(0, 2)
        .expect("read")
        .into_iter()
        .map(|entry| entry.payload)
        .collect();
    assert_eq!(
        leaders,
        [
            EntryPayload::Blank { leader: 0 },
            EntryPayload::Blank { leader: 7 }
        ]
    );
}

#[test]
fn a_stream_gives_the_whole_range_however_long_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = open(&dir);
    let payload =
        |index: u64| bytes::Bytes::from(vec![u8::try_from(index % 251).expect("small"); 50_000]);
    let entries = (0..100).map(|index| {
        LogEntry::new(
            LogId::new(1.into(), index),
            EntryPayload::Normal(crate::types::Payload(payload(index))),
        )
    });
    let entries: Vec<_> = entries.collect();
    run(store.append(entries.clone(), IOFlushed::noop())).expect("appended");
    store.wal.close().expect("sealed");
    let mut store = open(&dir);
    let streamed: Vec<LogEntry> =
        run(async { store.entries_stream(3..97).await.try_collect().await }).expect("read");
    assert!(streamed == entries[3..97], "{} entries", streamed.len());
    let first = run(store.limited_get_log_entries(0, 100)).expect("read");
    assert!(
        (1..100).contains(&first.len()),
        "{} entries at once",
        first.len()
    );
}

#[test]
fn the_memberships_found_at_a_start_are_those_of_the_whole_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = open(&dir);
    let members = |voters: &[u64]| {
        let nodes: std::collections::BTreeMap<_, _> = voters
            .iter()
            .map(|id| (*id, crate::Node::default()))
            .collect();
        crate::types::Members::new(vec![voters.iter().copied().collect()], nodes)
            .expect("a membership")
    };
    let entry =
        |term: u64, index: u64, payload| LogEntry::new(LogId::new(term.into(), index), payload);
    let normal =
        || EntryPayload::Normal(crate::types::Payload(bytes::Bytes::from_static(b"effects")));
    let mut index = 0;
    let mut append = |store: &mut LogStore, term, payload| {
        run(store.append([entry(term, index, payload)], IOFlushed::noop())).expect("appended");
        index += 1;
        index - 1
    };
    append(&mut store, 0, EntryPayload::Membership(members(&[1])));
    for _ in 0..200 {
        append(&mut store, 1, normal());
    }
    let kept = append(&mut store, 1, EntryPayload::Membership(members(&[1, 2])));
    // One that the next leader replaces by another entry at its place, and then one at the same place in a later term.
    append(&mut store, 1, EntryPayload::Membership(members(&[1, 3])));
    run(store.truncate_after(Some(LogId::new(1.into(), kept)))).expect("truncated");
    index = kept + 1;
    let mut append = |store: &mut LogStore, term, payload| {
        run(store.append([entry(term, index, payload)], IOFlushed::noop())).expect("appended");
        index += 1;
    };
    append(&mut store, 2, normal());
    for check in 0..3 {
        for _ in 0..100 {
            append(&mut store, 3, normal());
        }
        if check > 0 {
            append(
                &mut store,
                3,
                EntryPayload::Membership(members(&[1, 2, 3 + check])),
            );
        }
        run(store.save_vote(&Vote::new_committed(3 + check, 1))).expect("saved");
        store.wal.close().expect("sealed");
        let mut reopened = open(&dir);
        let found = |store: &mut LogStore| {
            let mut machine = Remembering::default();
            let state = run(openraft::StorageHelper::new(store, &mut machine).get_membership())
                .expect("read");
            (state.committed().clone(), state.effective().clone())
        };
        reopened.start_building();
        let quick = found(&mut reopened);
        reopened.end_building();
        assert_eq!(quick, found(&mut reopened), "round {check}");
        store = reopened;
    }
}
