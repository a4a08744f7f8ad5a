//! The raft thread: openraft on a runtime of its own, from the first election to the sealed log.
//!
//! A slow command on the core thread cannot delay a heartbeat, because nothing here waits for the core but the delivery of
//! committed entries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::Fatal;
use openraft::{Config, SnapshotPolicy};
use tokio::sync::mpsc;

use crate::leadership::{self, Leadership};
use crate::machine::{Delivered, StateMachine};
use crate::network::Network;
use crate::store::LogStore;
use crate::types::{LogId, TypeConfig};
use crate::{Node, Options, RaftError};

/// openraft's handle with our state machine.
pub(crate) type OpenRaft = openraft::Raft<TypeConfig, StateMachine>;

/// Messages to the raft thread that are neither proposals nor metrics. Few, so the queue needs no bound: one for each
/// snapshot, and one at the end.
#[derive(Debug)]
pub(crate) enum Control {
    /// A snapshot that ends with `index` has been verified: entries up to `purge_through` may go.
    Snapshot {
        index: u64,
        purge_through: Option<u64>,
    },
    /// Stop in order.
    Shutdown,
}

/// What the raft thread is started with.
pub(crate) struct Parts {
    pub(crate) store: LogStore,
    pub(crate) delivered: Delivered,
    pub(crate) leadership: Arc<Leadership>,
    pub(crate) control: mpsc::UnboundedReceiver<Control>,
}

/// openraft's configuration from ours.
///
/// # Errors
/// The timings contradict each other.
pub(crate) fn config(options: &Options) -> Result<Arc<Config>, RaftError> {
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let heartbeat_interval = milliseconds(options.heartbeat_interval);
    let election_timeout_max = milliseconds(options.election_timeout_max);
    let api_channel_size = u64::try_from(options.proposals_count_max)
        .ok()
        .and_then(|count| count.checked_add(API_CHANNEL_RESERVE))
        .ok_or_else(|| RaftError::Options("proposals_count_max is too large".to_owned()))?;
    let config = Config {
        cluster_name: "holdfast".to_owned(),
        heartbeat_interval,
        heartbeat_min_interval: Some(heartbeat_interval / 2),
        election_timeout_min: milliseconds(options.election_timeout_min),
        election_timeout_max,
        enable_pre_vote: Some(true),
        // A leader that restarts in its old term after losing its unsynced tail would give the same (term, index) to other
        // data, and its followers would believe it: acknowledged writes would be lost without an error.
        enable_leader_restore: Some(false),
        allow_log_reversion: None,
        quorum_loss_probe_interval: Some(election_timeout_max.saturating_mul(5) / 2),
        max_payload_entries: 1024,
        max_append_entries: Some(4096),
        // The server decides when a snapshot is due and what may be purged; openraft is told.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        purge_batch_size: 256,
        api_channel_size: Some(api_channel_size),
        api_batch_linger_ms: 0,
        // openraft's core must never wait for the core thread (RULES.md 9); a command in this queue is a range of indexes.
        state_machine_channel_size: Some(1 << 20),
        install_snapshot_timeout: 60_000,
        backoff: "20ms 50ms 100ms 200ms 500ms".to_owned(),
        ..Config::default()
    };
    let config = config
        .validate()
        .map_err(|error| RaftError::Options(error.to_string()))?;
    assert!(
        config.enable_leader_restore == Some(false),
        "a restarted leader must not continue in its old term"
    );
    Ok(Arc::new(config))
}

/// Room in openraft's queue beside the proposals, for its own few messages.
const API_CHANNEL_RESERVE: u64 = 1024;

/// Builds openraft on the current runtime; nothing runs yet.
///
/// # Errors
/// The log cannot be read, or contradicts the snapshot.
pub(crate) async fn build(
    options: &Options,
    config: Arc<Config>,
    store: LogStore,
    machine: StateMachine,
) -> Result<OpenRaft, RaftError> {
    store.start_building();
    let raft = OpenRaft::build(options.node_id, config, Network, store.clone(), machine).await;
    store.end_building();
    raft.map_err(fatal)
}

/// Runs the node until it is told to stop or dies. The core is told of a death; the log is closed by the caller.
pub(crate) async fn run(raft: OpenRaft, options: &Options, mut parts: Parts) {
    raft.run();
    let watching = tokio::spawn(watch(raft.clone(), Arc::clone(&parts.leadership)));
    if let Err(error) = bootstrap(&raft, options, &parts).await {
        parts.leadership.failed(error);
    }
    while let Some(control) = parts.control.recv().await {
        match control {
            Control::Snapshot {
                index,
                purge_through,
            } => note_snapshot(&raft, &parts, index, purge_through).await,
            Control::Shutdown => break,
        }
    }
    parts.leadership.end();
    if let Err(error) = raft.shutdown().await {
        tracing::error!("openraft's core did not stop in order: {error}");
    }
    watching.abort();
}

/// Gives a pristine directory its membership, and lets the node campaign.
async fn bootstrap(raft: &OpenRaft, options: &Options, parts: &Parts) -> Result<(), RaftError> {
    if parts.store.is_pristine() && parts.delivered.end() == 0 {
        let node = Node {
            address: options.address.clone(),
            dir_id: options.wal.log_id,
        };
        let members = BTreeMap::from([(options.node_id, node)]);
        raft.initialize(members)
            .await
            .map_err(|error| RaftError::Fatal(error.to_string()))?;
    }
    let stored = raft
        .with_raft_state(|state| state.membership_state.effective().membership().clone())
        .await;
    let members = stored.map_err(fatal)?;
    parts.leadership.members_changed(&members);
    if leadership::is_sole_voter(&members, options.node_id) {
        // Nobody else can have led meanwhile: no lease to wait for (RULES.md 18).
        return raft.trigger().elect(false).await.map_err(fatal);
    }
    // openraft forgets at a restart whom it promised a lease. Until the longest such promise is over this node must not
    // help another leader into being; the transport drops vote requests for the same time.
    raft.runtime_config().elect(false);
    let promise = options.election_timeout_max.saturating_mul(6) / 5;
    let raft = raft.clone();
    tokio::spawn(async move {
        tokio::time::sleep(promise).await;
        raft.runtime_config().elect(true);
    });
    Ok(())
}

/// Tells openraft of a verified snapshot, and lets it drop entries that snapshots contain.
async fn note_snapshot(raft: &OpenRaft, parts: &Parts, index: u64, purge_through: Option<u64>) {
    let entry = match parts.store.read(index, index.saturating_add(1), 1) {
        Ok(entries) => entries.into_iter().next(),
        Err(error) => {
            return parts
                .leadership
                .failed(log_failed("reading the last entry of a snapshot", error));
        }
    };
    let Some(log_id) = entry.map(|entry| entry.log_id) else {
        return;
    };
    parts.delivered.set_snapshot(log_id);
    if let Err(error) = tell_snapshot(raft, log_id, purge_through).await {
        // openraft is gone: the watching task says why.
        tracing::debug!("the log is not purged: {error}");
    }
}

async fn tell_snapshot(
    raft: &OpenRaft,
    log_id: LogId,
    purge_through: Option<u64>,
) -> Result<(), Fatal<TypeConfig>> {
    raft.trigger().snapshot().await?;
    // The snapshot is noted by a task of openraft's; purging before would be cut to the one before.
    let mut metrics = raft.metrics();
    while metrics.borrow_watched().snapshot < Some(log_id) {
        metrics.changed().await.map_err(|_| Fatal::Stopped)?;
    }
    match purge_through {
        Some(index) => raft.trigger().purge_log(index).await,
        None => Ok(()),
    }
}

/// Follows openraft's role and health until its core is gone.
async fn watch(raft: OpenRaft, leadership: Arc<Leadership>) {
    let mut server = raft.server_metrics();
    let mut data = raft.data_metrics();
    loop {
        {
            let metrics = server.borrow_watched();
            leadership.observed(metrics.state, &metrics.vote);
        }
        tokio::select! {
            changed = server.changed() => if changed.is_err() { break },
            () = leadership.changed.notified() => {}
            // Changes with each entry, so it is watched only by those whose lease depends on it.
            changed = data.changed(), if leadership.needs_answers() => {
                if changed.is_err() { break }
                let acked = data.borrow_watched().last_quorum_acked;
                if let Some(acked) = acked { leadership.quorum_acked(acked.into_inner()); }
            }
        }
    }
    let state = raft.metrics().borrow_watched().running_state.clone();
    let error = state.err().map_or_else(
        || RaftError::Fatal("openraft's core has gone".to_owned()),
        fatal,
    );
    leadership.failed(error);
}

/// openraft's last word in our terms.
fn fatal(error: Fatal<TypeConfig>) -> RaftError {
    match error {
        Fatal::StorageError(error) => log_failed("storing or reading the log", error),
        Fatal::Panicked | Fatal::Stopped => RaftError::Fatal(error.to_string()),
    }
}

pub(crate) fn log_failed(
    action: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> RaftError {
    RaftError::Log {
        action,
        source: Arc::new(error),
    }
}
