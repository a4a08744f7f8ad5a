//! Taking a snapshot, as the core thread sees it: asked for, begun at a batch boundary, walked in
//! steps between the commands, and what becomes of it once its thread is done.
//!
//! What always holds: a step takes [`STEP_TIME_MAX`] and one more piece of the walk at most; what
//! waits to be written stays near [`BACKLOG_BYTES_MAX`], but for keys that commands change, which
//! cannot wait; a snapshot that outlives the leadership under which it began, before all of it was
//! committed, is dropped.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use holdfast_engine::captured::CapturedKeys;
use holdfast_engine::keyspace::Walk;
use holdfast_formats::rdb::Compression;
use tokio::sync::{Notify, mpsc};
use tracing::{error, info};

use super::files::Generation;
use super::place::Place;
use super::writing::{self, Job, Message, Progress, Published, SaveError};
use crate::core::{Core, Shared};
use crate::replica_link;
use crate::session::SessionId;

/// For how long the walk goes on before others have their turn.
const STEP_TIME_MAX: Duration = Duration::from_micros(100);
/// Keys between two looks at the clock.
const KEYS_PER_PIECE: usize = 64;
/// The walk pauses while so much waits to be written.
const BACKLOG_BYTES_MAX: usize = 8 << 20;
/// How long it pauses.
const PAUSE: Duration = Duration::from_millis(1);

/// What INFO and LASTSAVE say of saves.
#[derive(Clone, Debug)]
pub struct SaveFacts {
    /// When the last save that succeeded ended, in seconds since 1970; the start of the process
    /// before the first.
    pub last_save_seconds: i64,
    /// Whether the last save succeeded.
    pub last_succeeded: bool,
    /// Why the last one did not.
    pub last_error: Option<String>,
    /// How long the last save took.
    pub last_duration: Option<Duration>,
    /// When the last save was begun or tried.
    pub last_begun: Instant,
    /// Since when a save is in progress.
    pub since: Option<Instant>,
    /// Whether another one was asked for while it is.
    pub is_scheduled: bool,
    /// How many saves succeeded.
    pub saves_count: u64,
    /// `Keyspace::changes_count` at the last save that succeeded.
    pub changes_saved: u64,
    /// Bytes that had been written to the log when the newest snapshot was begun.
    pub log_bytes_saved: u64,
    /// The last snapshot that was published.
    pub last_published: Option<Published>,
    /// The longest step of a walk, in the core thread's own time: what the machine gave to others
    /// meanwhile is not the walk's.
    pub longest_step: Duration,
}

/// Snapshots: asked for, in progress, done.
#[derive(Debug)]
pub struct Snapshots {
    /// What is said of them.
    pub facts: SaveFacts,
    /// One is to be begun at the next batch boundary.
    is_requested: bool,
    underway: Option<Underway>,
    /// Sessions whose SAVE waits for the one in progress.
    waiting: Vec<SessionId>,
    /// Those that were verified or loaded by this process, oldest first.
    generations: VecDeque<Generation>,
    /// Wakes the walk.
    begun: Rc<Notify>,
    ended: mpsc::UnboundedSender<Result<Published, SaveError>>,
    receiver: Option<mpsc::UnboundedReceiver<Result<Published, SaveError>>>,
}

/// The snapshot in progress.
#[derive(Debug)]
struct Underway {
    /// Leads to the thread that writes; gone once all was sent, or the snapshot was given up.
    messages: Option<Sender<Message>>,
    /// Gives back what was written, emptied.
    written: Receiver<CapturedKeys>,
    progress: Arc<Progress>,
    /// The last batch that it contains; `None` once that is known to be committed.
    need: Option<u64>,
    /// The term under which it began.
    term: u64,
    changes: u64,
    log_bytes: u64,
    keys_total: usize,
}

/// How the walk is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// After the others have had their turn.
    Soon,
    /// After a pause.
    Later,
    /// Not at all.
    Ended,
}

/// What a SAVE answers that failed: the log says more.
const FAILED: &str = "ERR the snapshot could not be saved, see the server's log";

impl Default for Snapshots {
    fn default() -> Self {
        let (ended, receiver) = mpsc::unbounded_channel();
        Self {
            facts: SaveFacts {
                last_save_seconds: crate::clock::wall_ms() / 1000,
                last_succeeded: true,
                last_error: None,
                last_duration: None,
                last_begun: Instant::now(),
                since: None,
                is_scheduled: false,
                saves_count: 0,
                changes_saved: 0,
                log_bytes_saved: 0,
                last_published: None,
                longest_step: Duration::ZERO,
            },
            is_requested: false,
            underway: None,
            waiting: Vec::new(),
            generations: VecDeque::new(),
            begun: Rc::default(),
            ended,
            receiver: Some(receiver),
        }
    }
}

impl Snapshots {
    /// Whether a save is in progress or about to begin.
    pub const fn is_busy(&self) -> bool {
        self.facts.since.is_some()
    }

    /// How many keys of the save in progress were written, and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        self.underway.as_ref().map_or((0, 0), |underway| {
            let written = underway.progress.keys_written.load(Ordering::Acquire);
            (written, underway.keys_total as u64)
        })
    }

    /// A snapshot was loaded at start: it is one of those that the log need not go behind.
    pub(crate) fn loaded(&mut self, generation: Generation) {
        self.generations.push_back(generation);
    }

    fn request(&mut self) {
        self.is_requested = true;
        self.facts.since = Some(Instant::now());
        self.facts.last_begun = Instant::now();
    }

    /// Notes a snapshot that counts. Returns the last entry that the log may forget, if `kept`
    /// snapshots are to be such that the log goes on behind each of them.
    fn published(&mut self, generation: Generation, kept: usize) -> Option<u64> {
        // Nothing may have been logged since the last one: then it has the same name.
        self.generations
            .retain(|known| known.index < generation.index);
        self.generations.push_back(generation);
        while self.generations.len() > kept.max(1) {
            self.generations.pop_front();
        }
        let is_full = self.generations.len() >= kept.max(1);
        self.generations
            .front()
            .filter(|_| is_full)
            .map(|oldest| oldest.index)
    }
}

impl Core {
    /// Asks for a save, or for another one after that in progress. Returns whether it begins now.
    pub(crate) fn request_save(&mut self) -> bool {
        if self.snapshots.is_busy() {
            self.snapshots.facts.is_scheduled = true;
            return false;
        }
        self.snapshots.request();
        self.wake_closer();
        true
    }

    /// Lets a session wait for the save in progress.
    pub(crate) fn await_save(&mut self, id: SessionId) {
        self.snapshots.waiting.push(id);
    }

    /// Begins a save that was asked for, if no batch is half filled: what the keyspace holds is then
    /// what the log holds up to one batch.
    pub(crate) fn begin_save_if_due(&mut self) {
        if !self.snapshots.is_requested || !self.replication.is_at_boundary() {
            return;
        }
        self.snapshots.is_requested = false;
        if let Err(source) = self.begin_save() {
            let path = self.config.dir.clone();
            let action = "start the thread that writes a snapshot into";
            self.end_save(Err(SaveError::Io {
                action,
                path,
                source,
            }));
        }
    }

    fn begin_save(&mut self) -> std::io::Result<()> {
        let sizes = self.keyspace.begin_capture();
        let progress = Arc::new(Progress::default());
        let written = std::sync::mpsc::channel();
        let job = Job {
            dir: self.config.dir.clone(),
            dump_file: self.config.dump_file.clone(),
            compression: if self.config.rdb_compression {
                Compression::Lzf
            } else {
                Compression::None
            },
            encodings: self.keyspace.encodings,
            scripts: self.keyspace.scripts.clone(),
            sizes: sizes.clone(),
            progress: Arc::clone(&progress),
            written: written.0,
        };
        let (messages, receiver) = std::sync::mpsc::channel();
        let ended = self.snapshots.ended.clone();
        let spawned = std::thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || {
                // The core may have gone: then nobody asks.
                drop(ended.send(writing::run(&job, &receiver)));
            });
        if let Err(error) = spawned {
            self.keyspace.end_capture();
            return Err(error);
        }
        self.snapshots.underway = Some(Underway {
            messages: Some(messages),
            written: written.1,
            progress,
            need: Some(self.replication.executed(&self.keyspace)),
            term: self.replication.term(),
            changes: self.keyspace.changes_count,
            log_bytes: self.log_written_bytes(),
            keys_total: sizes.iter().map(|(keys, _)| keys).sum(),
        });
        info!(
            keys = sizes.iter().map(|(keys, _)| keys).sum::<usize>(),
            "snapshot begun"
        );
        self.begin_replicas();
        self.place_save();
        self.snapshots.begun.notify_one();
        Ok(())
    }

    /// Bytes written to the log by this process, and found there when it started.
    pub(crate) fn log_written_bytes(&self) -> u64 {
        self.log_bytes_at_start + self.replication.raft().status().wal.written_bytes
    }

    /// Looks whether the last batch of the save in progress is committed, and if so, tells the
    /// thread where in the log that is. To be asked after each event of the log, as the place is
    /// that of the event; and at the beginning, when nothing may be outstanding.
    pub(crate) fn place_save(&mut self) {
        let Some(underway) = &mut self.snapshots.underway else {
            return;
        };
        let Some(need) = underway.need else {
            return;
        };
        if self.replication.term() != underway.term {
            return self.give_save_up();
        }
        if self.replication.committed_all(need) {
            match self
                .replication
                .place(self.log_id, self.keyspace.encodings.seed.0)
            {
                Some(place) => self.save_placed(place),
                None => self.give_save_up(),
            }
        }
    }

    fn save_placed(&mut self, place: Place) {
        if let Some(underway) = &mut self.snapshots.underway {
            underway.need = None;
            if let Some(messages) = &underway.messages {
                // A thread that has gone says why.
                drop(messages.send(Message::Begin(place)));
            }
        }
    }

    /// Drops the save in progress if it may hold what the log does not.
    pub(crate) fn drop_unplaced_save(&mut self) {
        let underway = self.snapshots.underway.as_ref();
        if underway.is_some_and(|underway| underway.need.is_some()) {
            self.give_save_up();
        }
    }

    /// Drops the save in progress: its thread sees that, and says so.
    pub(crate) fn give_save_up(&mut self) {
        self.keyspace.end_capture();
        if let Some(underway) = &mut self.snapshots.underway {
            underway.messages = None;
            underway.need = None;
        }
    }

    /// Walks a step further.
    fn step_save(&mut self) -> Pace {
        let rate = self.config.snapshot_rate_bytes_max;
        let captured_bytes = self.keyspace.captured_bytes();
        let Some(underway) = &mut self.snapshots.underway else {
            return Pace::Ended;
        };
        let Some(messages) = &underway.messages else {
            return Pace::Ended;
        };
        let progress = &underway.progress;
        progress.rate_bytes_max.store(rate, Ordering::Relaxed);
        let backlog = progress.backlog_bytes.load(Ordering::Acquire);
        let mut walked = Walk::Underway;
        if backlog + captured_bytes < BACKLOG_BYTES_MAX {
            let (started, used) = (Instant::now(), core_time());
            while walked == Walk::Underway && started.elapsed() < STEP_TIME_MAX {
                walked = self.keyspace.walk_capture(KEYS_PER_PIECE);
            }
            let facts = &mut self.snapshots.facts;
            facts.longest_step = facts.longest_step.max(core_time().saturating_sub(used));
        }
        if underway.need.is_some() {
            // Nothing is written before the place is known; what is captured waits here.
            return Pace::Later;
        }
        let empty = underway.written.try_recv().unwrap_or_default();
        let keys = self.keyspace.take_captured(empty);
        if !keys.is_empty() {
            progress
                .backlog_bytes
                .fetch_add(keys.bytes(), Ordering::AcqRel);
            if messages.send(Message::Keys(keys)).is_err() {
                // The thread has failed, and says why.
                self.give_save_up();
                return Pace::Ended;
            }
        }
        if walked == Walk::Done {
            self.end_walk();
            return Pace::Ended;
        }
        if backlog < BACKLOG_BYTES_MAX {
            Pace::Soon
        } else {
            Pace::Later
        }
    }

    /// Every key was sent.
    fn end_walk(&mut self) {
        let end = self.keyspace.end_capture();
        let keys_count = end.map_or(0, |end| end.keys_count + end.missed_count);
        if let Some(underway) = &mut self.snapshots.underway
            && let Some(messages) = underway.messages.take()
        {
            // A thread that has gone says why.
            drop(messages.send(Message::End {
                keys_count: keys_count as u64,
            }));
        }
        self.settle_effects();
    }

    /// Whether a session that waited still does: CLIENT UNBLOCK may have ended that, and it may
    /// wait for something else by now.
    fn waits_for_save(&self, id: SessionId) -> bool {
        let blocked = self
            .sessions
            .get(id)
            .and_then(|session| session.blocked.as_ref());
        let name = blocked.and_then(|blocked| blocked.command.first());
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"save"))
    }

    /// Returns the snapshot's file and the replicas that it is to be sent to.
    fn end_save(&mut self, result: Result<Published, SaveError>) -> (PathBuf, Vec<SessionId>) {
        self.give_save_up();
        let underway = self.snapshots.underway.take();
        let facts = &mut self.snapshots.facts;
        facts.last_duration = facts.since.take().map(|since| since.elapsed());
        facts.last_succeeded = result.is_ok();
        let is_saved = result.is_ok();
        let mut path = PathBuf::new();
        match result {
            Ok(published) => {
                path.clone_from(&published.generation.path);
                facts.last_error = None;
                facts.last_save_seconds = crate::clock::wall_ms() / 1000;
                facts.saves_count += 1;
                if let Some(underway) = underway {
                    facts.changes_saved = underway.changes;
                    facts.log_bytes_saved = underway.log_bytes;
                }
                self.note_published(published);
            }
            Err(error) => {
                facts.last_error = Some(error.to_string());
                error!(%error, "ALARM: no snapshot was made; the log is kept as it is");
            }
        }
        let mut waiting = std::mem::take(&mut self.snapshots.waiting);
        waiting.retain(|&id| self.waits_for_save(id));
        for id in waiting {
            self.unblock_with(id, |reply| {
                if is_saved {
                    reply.ok();
                } else {
                    reply.error(FAILED);
                }
            });
        }
        let replicas = self.replicas_to_send(is_saved);
        self.flush_others();
        if std::mem::take(&mut self.snapshots.facts.is_scheduled) {
            self.request_save();
        }
        (path, replicas)
    }

    /// A snapshot counts: the log may forget what it, or an older one, contains.
    fn note_published(&mut self, published: Published) {
        let index = published.generation.index;
        let kept = self.config.snapshot_generations;
        let purge_through = self.snapshots.published(published.generation.clone(), kept);
        info!(
            path = %published.generation.path.display(),
            keys = published.keys_count,
            bytes = published.bytes,
            wrote_in = ?published.wrote_in,
            verified_in = ?published.verified_in,
            purge_through,
            "snapshot saved and verified"
        );
        self.snapshots.facts.last_published = Some(published);
        self.replication.raft().snapshot_taken(index, purge_through);
        if let Some(oldest) = self.snapshots.generations.front()
            && let Err(error) = super::files::remove_before(&self.config.dir, oldest.index)
        {
            error!(%error, "old snapshots cannot be removed");
        }
    }
}

/// The time that this thread has had of a processor.
fn core_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Walks through the keyspace whenever a save was begun, until the process ends.
pub(crate) async fn walk(shared: Shared) {
    let begun = Rc::clone(&shared.borrow().snapshots.begun);
    loop {
        begun.notified().await;
        loop {
            let pace = shared.borrow_mut().step_save();
            match pace {
                Pace::Soon => tokio::task::yield_now().await,
                Pace::Later => tokio::time::sleep(PAUSE).await,
                Pace::Ended => break,
            }
        }
    }
}

/// Takes in how saves ended, until the process ends.
pub(crate) async fn attend(shared: Shared) {
    let receiver = shared.borrow_mut().snapshots.receiver.take();
    let Some(mut receiver) = receiver else {
        return;
    };
    while let Some(result) = receiver.recv().await {
        let (path, replicas) = shared.borrow_mut().end_save(result);
        for id in replicas {
            let sending = replica_link::send_snapshot(Rc::clone(&shared), id, path.clone());
            tokio::task::spawn_local(sending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(index: u64) -> Generation {
        Generation {
            index,
            path: std::path::PathBuf::new(),
        }
    }

    #[test]
    fn the_log_reaches_back_to_the_older_of_two_snapshots() {
        let mut snapshots = Snapshots::default();
        assert_eq!(snapshots.published(generation(10), 2), None);
        assert_eq!(snapshots.published(generation(20), 2), Some(10));
        assert_eq!(snapshots.published(generation(20), 2), Some(10));
        assert_eq!(snapshots.published(generation(35), 2), Some(20));
        assert_eq!(snapshots.published(generation(40), 1), Some(40));
        let mut restarted = Snapshots::default();
        restarted.loaded(generation(40));
        assert_eq!(restarted.published(generation(50), 2), Some(40));
    }
}
