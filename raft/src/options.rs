//! What the server chooses when it starts the Raft node.

use std::path::PathBuf;
use std::time::Duration;

use holdfast_wal::WalOptions;

/// Options of [`Raft::start`](crate::Raft::start). Made by [`Options::new`]; fields may be added.
#[derive(Clone, Debug)]
pub struct Options {
    /// This node's id in the cluster, at least 1. It never changes for a data directory.
    pub node_id: u64,
    /// The log: its directory, identity, method, sizes. Its `failure` says what a failed write does to the process; what the
    /// core is told is added to it.
    pub wal: WalOptions,
    /// Where peers reach this node, for the membership; empty for a cluster of one.
    pub address: String,
    /// Time between a leader's heartbeats.
    pub heartbeat_interval: Duration,
    /// Shortest silence after which a follower campaigns.
    pub election_timeout_min: Duration,
    /// Longest silence; also the length of the leader's lease.
    pub election_timeout_max: Duration,
    /// Bound of the committed payload bytes that wait in [`Events`](crate::Events); beyond it delivery waits for the core.
    pub events_bytes_max: usize,
    /// Bound of proposals without an outcome; beyond it [`ProposeError::Full`](crate::ProposeError::Full).
    pub proposals_count_max: usize,
    /// The verified snapshot that the server has loaded: entries up to it are not delivered again.
    pub snapshot: Option<crate::SnapshotPosition>,
}

impl Options {
    /// Options with the default timings, for a log in the data directory `dir`.
    ///
    /// `log_id` is the identity of the data directory, random and kept in its identity file: segments of another log are
    /// refused, and it is this node's `dir_id` in the membership.
    #[must_use]
    pub fn new(node_id: u64, dir: PathBuf, log_id: [u8; 16]) -> Self {
        Self {
            node_id,
            wal: WalOptions::new(dir.join("wal"), log_id),
            address: String::new(),
            heartbeat_interval: Duration::from_millis(100),
            election_timeout_min: Duration::from_millis(400),
            election_timeout_max: Duration::from_millis(600),
            events_bytes_max: 32 << 20,
            proposals_count_max: 65_536,
            snapshot: None,
        }
    }
}
