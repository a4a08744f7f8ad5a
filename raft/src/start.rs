//! How a Raft node comes into being: the log is recovered on the caller's thread, so that damage is the caller's error; then
//! openraft is built and run on the raft thread.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use holdfast_wal::{Failure, Recovery, Wal, WalError, WalOptions};
use tokio::sync::mpsc;

use crate::handle::Shared;
use crate::leadership::Leadership;
use crate::lease::Lease;
use crate::machine::{Delivered, StateMachine};
use crate::node::{self, OpenRaft, Parts};
use crate::proposal::Proposals;
use crate::queue::{self, Events};
use crate::store::LogStore;
use crate::{Options, Raft, RaftError, SnapshotPosition};

/// See [`Raft::start`]. `open` is [`Wal::open`], or opens a log on a simulated disk.
pub(crate) fn start(
    mut options: Options,
    open: impl FnOnce(WalOptions) -> Result<(Wal, Recovery), WalError>,
) -> Result<(Raft, Events), RaftError> {
    if options.node_id == 0 {
        return Err(RaftError::Options("node ids start at 1".to_owned()));
    }
    let config = node::config(&options)?;
    let (queue, events) = queue::events(options.events_bytes_max);
    let lease = Lease::new();
    let leadership = Leadership::new(
        options.node_id,
        lease.clone(),
        options.election_timeout_max,
        queue.clone(),
    );
    options.wal.failure = tell_core(options.wal.failure, &leadership);
    let (wal, recovery) =
        open(options.wal.clone()).map_err(|error| node::log_failed("opening the log", error))?;
    tracing::info!(
        records = recovery.records_count,
        segments = recovery.segments_count,
        took = ?recovery.took,
        "log recovered"
    );

    let store = LogStore::new(wal.clone(), Arc::clone(&leadership))?;
    let delivered = Delivered::from_snapshot(options.snapshot.as_ref())?;
    check_snapshot(&store, options.snapshot.as_ref())?;
    let machine = StateMachine::new(delivered.clone(), Arc::clone(&leadership), queue.clone());
    let (control, receiver) = mpsc::unbounded_channel();
    let parts = Parts {
        store: store.clone(),
        delivered: delivered.clone(),
        leadership,
        control: receiver,
    };

    let (node_id, proposals_count_max) = (options.node_id, options.proposals_count_max);
    let (built, is_built) = sync_channel(1);
    let thread_wal = wal.clone();
    let thread = std::thread::Builder::new()
        .name("raft".to_owned())
        .spawn(move || run_thread(&options, config, machine, parts, thread_wal, &built))
        .map_err(|error| RaftError::Thread(Arc::new(error)))?;
    let raft = is_built.recv().unwrap_or_else(|_| {
        Err(RaftError::Fatal(
            "the raft thread died while starting".to_owned(),
        ))
    })?;
    let shared = Shared {
        raft,
        node_id,
        wal,
        store,
        delivered,
        proposals: Proposals::new(queue),
        proposals_count_max,
        lease,
        applied_end: AtomicU64::new(0),
        control,
        stopped: AtomicBool::new(false),
        thread: Mutex::new(Some(thread)),
    };
    Ok((Raft::new(shared), events))
}

/// A log that fails without ending the process ends this node: its callbacks never come, so openraft alone would not notice.
fn tell_core(failure: Failure, leadership: &Arc<Leadership>) -> Failure {
    match failure {
        Failure::Abort => Failure::Abort,
        Failure::Call(call) => {
            let leadership = Arc::clone(leadership);
            Failure::Call(Arc::new(move |error| {
                call(error);
                leadership.failed(node::log_failed("writing the log", error.clone()));
            }))
        }
    }
}

/// The log must continue where the snapshot ends: entries that are in neither are lost (P4: never start partial).
fn check_snapshot(store: &LogStore, snapshot: Option<&SnapshotPosition>) -> Result<(), RaftError> {
    let refuse = |reason: String| Err(RaftError::Options(reason));
    let (_, purged) = store.ends();
    let purged_end = purged.map_or(0, |purged| purged.index.saturating_add(1));
    let Some(snapshot) = snapshot else {
        return if purged_end == 0 {
            Ok(())
        } else {
            refuse(format!(
                "the log's first {purged_end} entries were purged, and there is no snapshot of them"
            ))
        };
    };
    if store.is_pristine() {
        return refuse(format!(
            "there is a snapshot up to entry {}, but the log is empty",
            snapshot.index
        ));
    }
    if snapshot.index.saturating_add(1) < purged_end {
        return refuse(format!(
            "the log's first {purged_end} entries were purged, but the snapshot ends at entry {}",
            snapshot.index
        ));
    }
    let logged = if snapshot.index < purged_end {
        purged.map(|purged| purged.leader_id.term)
    } else {
        let entries = store.read(snapshot.index, snapshot.index.saturating_add(1), 1);
        let entries = entries
            .map_err(|error| node::log_failed("reading the snapshot's last entry", error))?;
        entries.first().map(|entry| entry.log_id.leader_id.term)
    };
    match logged {
        Some(term) if term != snapshot.term => refuse(format!(
            "entry {} has term {term} in the log and term {} in the snapshot",
            snapshot.index, snapshot.term
        )),
        _ => Ok(()),
    }
}

/// The raft thread from its beginning to its end.
fn run_thread(
    options: &Options,
    config: Arc<openraft::Config>,
    machine: StateMachine,
    parts: Parts,
    wal: Wal,
    built: &SyncSender<Result<OpenRaft, RaftError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(built, Err(RaftError::Thread(Arc::new(error)))),
    };
    let leadership = Arc::clone(&parts.leadership);
    runtime.block_on(async {
        match node::build(options, config, parts.store.clone(), machine).await {
            Ok(raft) => {
                report(built, Ok(raft.clone()));
                node::run(raft, options, parts).await;
            }
            Err(error) => report(built, Err(error)),
        }
    });
    if let Err(error) = wal.close() {
        tracing::error!("the log was not sealed: {error}");
        leadership.failed(node::log_failed("sealing the log", error));
    }
}

/// The starting thread waits for this; if it has gone there is nobody to tell.
fn report(built: &SyncSender<Result<OpenRaft, RaftError>>, result: Result<OpenRaft, RaftError>) {
    if built.send(result).is_err() {
        tracing::error!("nobody waits for the raft thread to start");
    }
}
