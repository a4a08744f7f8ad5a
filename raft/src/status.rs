//! A picture of the node for INFO, ROLE and the metrics. Never used for decisions: it may be a moment old.

use holdfast_wal::WalStats;
use openraft::alias::LogIdOf;
use openraft::{RaftMetrics, ServerState};

use crate::types::TypeConfig;

/// The node's state at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// This node's id.
    pub id: u64,
    /// Its role.
    pub state: NodeState,
    /// The current term.
    pub term: u64,
    /// The current term's leader, if known.
    pub leader: Option<u64>,
    /// Last entry in the log, synced or not. During the replay at start-up `applied` runs up to it.
    pub last_log_index: Option<u64>,
    /// Last entry known to be committed.
    pub committed_index: Option<u64>,
    /// Last entry that the core said it has executed, by [`Raft::applied`](crate::Raft::applied).
    pub applied_index: Option<u64>,
    /// Last entry contained in the newest verified snapshot.
    pub snapshot_index: Option<u64>,
    /// Last entry that was purged from the log.
    pub purged_index: Option<u64>,
    /// The voters' ids.
    pub voters: Vec<u64>,
    /// The learners' ids.
    pub learners: Vec<u64>,
    /// While leading: how far each other member is.
    pub peers: Vec<PeerStatus>,
    /// The log's own counters.
    pub wal: WalStats,
}

/// A node's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeState {
    /// Has no vote in the cluster.
    #[default]
    Learner,
    /// Follows a leader, or waits for one.
    Follower,
    /// Campaigns.
    Candidate,
    /// Leads.
    Leader,
    /// Shut down or failed.
    Stopped,
}

/// How far one other member is, as its leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerStatus {
    /// The member.
    pub id: u64,
    /// The last entry known to be in its log.
    pub matched_index: Option<u64>,
    /// How many entries it lacks.
    pub lag_entries: u64,
}

/// openraft's metrics in our words.
pub(crate) fn status_of(
    metrics: &RaftMetrics<TypeConfig>,
    applied_index: Option<u64>,
    wal: WalStats,
) -> Status {
    let index = |log_id: Option<LogIdOf<TypeConfig>>| log_id.map(|log_id| log_id.index);
    let members = metrics.membership_config.membership();
    let replication = metrics.replication.iter().flatten();
    Status {
        id: metrics.id,
        state: match (&metrics.running_state, metrics.state) {
            (Err(_), _) | (_, ServerState::Shutdown) => NodeState::Stopped,
            (_, ServerState::Learner) => NodeState::Learner,
            (_, ServerState::Follower) => NodeState::Follower,
            (_, ServerState::Candidate) => NodeState::Candidate,
            (_, ServerState::Leader) => NodeState::Leader,
        },
        term: metrics.current_term,
        leader: metrics.current_leader,
        last_log_index: metrics.last_log_index,
        committed_index: index(metrics.local_committed),
        applied_index,
        snapshot_index: index(metrics.snapshot),
        purged_index: index(metrics.purged),
        voters: members.voter_ids().collect(),
        learners: members.learner_ids().collect(),
        peers: replication
            .filter(|(id, _)| **id != metrics.id)
            .map(|(id, matched)| {
                let matched_index = index(*matched);
                let log_end = metrics
                    .last_log_index
                    .map_or(0, |last| last.saturating_add(1));
                let matched_end = matched_index.map_or(0, |matched| matched.saturating_add(1));
                PeerStatus {
                    id: *id,
                    matched_index,
                    lag_entries: log_end.saturating_sub(matched_end),
                }
            })
            .collect(),
        wal,
    }
}
