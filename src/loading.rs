//! The start: the newest snapshot is read on a thread of its own, then the log behind it is replayed,
//! while clients are told LOADING (or what INFO says of it).
//!
//! What always holds: nothing is served before both are done; a snapshot that cannot be read ends
//! this attempt to start, and never leaves the node with a part of its data (P4).

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::info;

use crate::core::{Core, Shared};
use crate::replication::Phase;
use crate::snapshot::InstallError;
use crate::snapshot::files::Generation;
use crate::snapshot::reading::{self, LoadProgress};

/// How often the log tells how far the start is.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// How far the start is.
#[derive(Debug)]
pub struct Loading {
    /// The snapshot that is being read, or was.
    pub progress: Arc<LoadProgress>,
    /// When the start began, in seconds since 1970.
    pub start_seconds: i64,
    started: Instant,
    reported: Instant,
    /// The first entry that is replayed.
    first_index: u64,
    /// Why the snapshot could not be read.
    pub failure: Option<InstallError>,
}

/// The work of the start in numbers, whatever they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What is done.
    pub done: u64,
    /// What there is to do in all.
    pub total: u64,
}

impl Share {
    /// The seconds that the rest will take, if it goes on as it went.
    fn remaining_seconds(self, elapsed: Duration) -> u64 {
        let left = self.total.saturating_sub(self.done);
        let seconds = elapsed.as_secs_f64() * left as f64 / self.done.max(1) as f64;
        seconds.min(1e9) as u64
    }

    /// How much is done, of a hundred.
    pub fn percent(self) -> f64 {
        self.done as f64 / self.total.max(1) as f64 * 100.0
    }
}

impl Default for Loading {
    fn default() -> Self {
        Self {
            progress: Arc::default(),
            start_seconds: crate::clock::wall_ms() / 1000,
            started: Instant::now(),
            reported: Instant::now(),
            first_index: 0,
            failure: None,
        }
    }
}

impl Core {
    /// Bytes of the snapshot that were read, and its size; 0 of 0 without one.
    pub fn snapshot_share(&self) -> Share {
        Share {
            done: self.loading.progress.read_bytes.load(Ordering::Relaxed),
            total: self.loading.progress.total_bytes.load(Ordering::Relaxed),
        }
    }

    /// Entries of the log that were replayed, and how many there are.
    pub fn replay_share(&self) -> Share {
        let first = self.loading.first_index;
        let end = |index: Option<u64>| index.map_or(0, |index| index + 1).saturating_sub(first);
        Share {
            done: end(self.replication.applied_index()),
            total: end(self.replication.raft().status().last_log_index),
        }
    }

    /// For how many seconds the part of the start that is under way will go on.
    pub fn loading_eta_seconds(&self) -> u64 {
        let snapshot = self.snapshot_share();
        let share = if snapshot.done < snapshot.total {
            snapshot
        } else {
            self.replay_share()
        };
        share.remaining_seconds(self.loading.started.elapsed())
    }

    /// Tells the log how far the replay is. Called some times a second.
    pub(crate) fn report_loading(&mut self) {
        let is_due = self.loading.reported.elapsed() >= REPORT_INTERVAL;
        if self.replication.phase() != Phase::Loading || !is_due {
            return;
        }
        self.loading.reported = Instant::now();
        let elapsed = self.loading.started.elapsed();
        let snapshot = self.snapshot_share();
        if snapshot.done < snapshot.total {
            let keys = self.loading.progress.keys_count.load(Ordering::Relaxed);
            info!(
                percent = snapshot.percent() as u64,
                keys,
                keys_per_second = (keys as f64 / elapsed.as_secs_f64()) as u64,
                remaining_seconds = snapshot.remaining_seconds(elapsed),
                "loading the snapshot"
            );
        } else {
            let replay = self.replay_share();
            info!(
                percent = replay.percent() as u64,
                entries = replay.done,
                entries_per_second = (replay.done as f64 / elapsed.as_secs_f64()) as u64,
                remaining_seconds = replay.remaining_seconds(elapsed),
                "replaying the log"
            );
        }
    }
}

/// Reads a snapshot and puts it into the keyspace. Says whether the start may go on.
pub(crate) async fn load(shared: &Shared, generation: Generation) -> bool {
    let (sender, receiver) = oneshot::channel();
    {
        let core = shared.borrow();
        let (encodings, empty) = (core.keyspace.encodings, core.keyspace.replacement());
        let (log_id, path) = (core.log_id, generation.path.clone());
        let progress = Arc::clone(&core.loading.progress);
        info!(path = %path.display(), "loading the snapshot");
        let spawned = std::thread::Builder::new()
            .name("loader".to_owned())
            .spawn(move || {
                let loaded = reading::load(&path, &encodings, log_id, &progress, empty);
                // The start may have been given up meanwhile.
                drop(sender.send(loaded));
            });
        // Without its thread there is no answer, which is a failure below.
        drop(spawned);
    }
    let loaded = receiver.await.unwrap_or_else(|_| {
        let gone = std::io::Error::other("the thread that reads it could not run");
        Err(InstallError::Io(gone))
    });
    let mut core = shared.borrow_mut();
    match loaded {
        Ok((replacement, place)) => {
            core.keyspace.install(replacement);
            core.replication.start_from(&place);
            core.keyspace.set_now_ms(place.log_time_ms);
            core.snapshots.loaded(generation);
            let now = Instant::now();
            info!(
                keys = core.loading.progress.keys_count.load(Ordering::Relaxed),
                took = ?now.duration_since(core.loading.started),
                "snapshot loaded"
            );
            core.loading.started = now;
            core.loading.first_index = place.position.index + 1;
            true
        }
        Err(error) => {
            core.loading.failure = Some(error);
            core.request_shutdown(1, "the snapshot cannot be read");
            false
        }
    }
}

/// Why the last attempt to load failed, if it did.
pub(crate) fn take_failure(shared: &Rc<std::cell::RefCell<Core>>) -> Option<InstallError> {
    shared.borrow_mut().loading.failure.take()
}
