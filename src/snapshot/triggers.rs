//! Why a snapshot is taken without anybody asking: points of `save`, and the size and age of the log.

use std::time::Duration;

use crate::config::SavePoint;
use crate::core::Core;

/// A snapshot that failed is not tried again before.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

impl Core {
    /// Asks for a snapshot if one is due. Called some times a second.
    pub(crate) fn save_if_due(&mut self) {
        if self.snapshots.is_busy() || !self.replication.may_serve() {
            return;
        }
        let facts = &self.snapshots.facts;
        if !facts.last_succeeded && facts.last_begun.elapsed() < RETRY_INTERVAL {
            return;
        }
        if let Some(reason) = self.save_reason() {
            tracing::info!(reason, "a snapshot is due");
            self.request_save();
        }
    }

    fn save_reason(&self) -> Option<&'static str> {
        let facts = &self.snapshots.facts;
        let changes = self
            .keyspace
            .changes_count
            .saturating_sub(facts.changes_saved);
        if changes == 0 {
            return None;
        }
        let since_save = crate::clock::wall_ms() / 1000 - facts.last_save_seconds;
        let is_reached = |point: &SavePoint| changes >= point.changes && since_save > point.seconds;
        if self.config.save_points.iter().any(is_reached) {
            return Some("a point of `save` is reached");
        }
        let log_bytes = self
            .log_written_bytes()
            .saturating_sub(facts.log_bytes_saved);
        if self.config.snapshot_log_bytes > 0 && log_bytes >= self.config.snapshot_log_bytes {
            return Some("the log is as large as holdfast-snapshot-log-bytes");
        }
        let age_max = self.config.snapshot_log_seconds;
        (age_max > 0 && since_save >= age_max)
            .then_some("the log is as old as holdfast-snapshot-log-seconds")
    }
}
