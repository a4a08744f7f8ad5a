//! Frees large values on a thread of its own, so that no command waits for it.
//!
//! The core hands over what the keyspace discards; INFO says how much is waiting and how much is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};

use holdfast_engine::keyspace::Discarded;
use tracing::warn;

/// The way to the thread.
#[derive(Debug)]
pub struct Reaper {
    sender: Sender<Vec<Discarded>>,
    sent_count: u64,
    freed_count: Arc<AtomicU64>,
    /// Those freed before the counters were last reset.
    forgotten_count: u64,
}

impl Reaper {
    /// Starts the thread; it ends with this handle.
    pub fn start() -> Self {
        let (sender, receiver) = mpsc::channel::<Vec<Discarded>>();
        let freed_count = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&freed_count);
        let spawned = std::thread::Builder::new()
            .name("reaper".to_owned())
            .spawn(move || {
                for values in receiver {
                    let count = objects_count(&values);
                    drop(values);
                    counter.fetch_add(count, Ordering::Relaxed);
                }
            });
        if let Err(error) = spawned {
            warn!(%error, "large values are freed by the core, as their thread could not be started");
        }
        Self {
            sender,
            sent_count: 0,
            freed_count,
            forgotten_count: 0,
        }
    }

    /// Frees values.
    pub fn free(&mut self, values: Vec<Discarded>) {
        let count = objects_count(&values);
        self.sent_count += count;
        // Without its thread the values are freed here: slower, and just as right.
        if self.sender.send(values).is_err() {
            self.freed_count.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// How many values wait to be freed.
    pub fn pending_count(&self) -> u64 {
        self.sent_count.saturating_sub(self.all_freed_count())
    }

    /// How many were freed since the last reset.
    pub fn freed_count(&self) -> u64 {
        self.all_freed_count() - self.forgotten_count
    }

    /// Begins to count anew.
    pub fn reset(&mut self) {
        self.forgotten_count = self.all_freed_count();
    }

    fn all_freed_count(&self) -> u64 {
        self.freed_count.load(Ordering::Relaxed)
    }
}

fn objects_count(values: &[Discarded]) -> u64 {
    values.iter().map(Discarded::objects_count).sum()
}
