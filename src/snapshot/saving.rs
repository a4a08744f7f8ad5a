//! SAVE and BGSAVE: a plain RDB file of all databases, beside the log that makes writes durable.
//!
//! A save is asked for by a command, captured by the core at the next batch boundary into a
//! temporary file, synced on another thread, and renamed once every batch that it contains is
//! committed. One that outlives the leadership under which it was captured is dropped: it may hold
//! effects that the log does not.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use holdfast_formats::rdb::Compression;
use thiserror::Error;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::core::{Core, Shared};
use crate::replication::Phase;
use crate::session::SessionId;

/// How often a finished file looks whether its last batch is committed.
const COMMIT_POLL: Duration = Duration::from_millis(1);

/// What INFO and LASTSAVE say of saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveFacts {
    /// When the last save that succeeded ended, in seconds since 1970; the start of the process
    /// before the first.
    pub last_save_seconds: i64,
    /// Whether the last save succeeded.
    pub last_succeeded: bool,
    /// How long the last save took.
    pub last_duration: Option<Duration>,
    /// Since when a save is in progress.
    pub since: Option<Instant>,
    /// Whether another one was asked for while it is.
    pub is_scheduled: bool,
    /// How many saves succeeded.
    pub saves_count: u64,
    /// `Keyspace::changes_count` at the last save that succeeded.
    pub changes_saved: u64,
}

/// Saves: asked for, in progress, done.
#[derive(Debug)]
pub struct Snapshots {
    /// What is said of them.
    pub facts: SaveFacts,
    /// A save is to be captured at the next batch boundary.
    is_requested: bool,
    /// Sessions whose SAVE waits for the one in progress.
    waiting: Vec<SessionId>,
    jobs: mpsc::UnboundedSender<Job>,
    receiver: Option<mpsc::UnboundedReceiver<Job>>,
}

/// A captured snapshot on its way to its name.
#[derive(Debug)]
pub struct Job {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    /// The last batch that it contains.
    need: u64,
    /// The term under which it was captured.
    term: u64,
    changes: u64,
}

/// Why a save came to nothing.
#[derive(Debug, Error)]
enum SaveError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the leadership ended before all of it was committed")]
    Outlived,
}

/// What a SAVE answers that failed: the log says more.
const FAILED: &str = "ERR the snapshot could not be saved, see the server's log";

impl Default for Snapshots {
    fn default() -> Self {
        let (jobs, receiver) = mpsc::unbounded_channel();
        Self {
            facts: SaveFacts {
                last_save_seconds: crate::clock::wall_ms() / 1000,
                last_succeeded: true,
                last_duration: None,
                since: None,
                is_scheduled: false,
                saves_count: 0,
                changes_saved: 0,
            },
            is_requested: false,
            waiting: Vec::new(),
            jobs,
            receiver: Some(receiver),
        }
    }
}

impl Snapshots {
    /// Whether a save is in progress or about to begin.
    pub const fn is_busy(&self) -> bool {
        self.facts.since.is_some()
    }

    /// What [`publish`] takes; once.
    pub fn take_jobs(&mut self) -> Option<mpsc::UnboundedReceiver<Job>> {
        self.receiver.take()
    }

    fn request(&mut self) {
        self.is_requested = true;
        self.facts.since = Some(Instant::now());
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

    /// Captures a save that was asked for, if no batch is half filled: what the file holds is then
    /// what the log holds up to one batch.
    pub(crate) fn capture_if_due(&mut self) {
        let may_capture = self.replication.effects.is_empty() && self.replication.may_serve();
        if !self.snapshots.is_requested || !may_capture {
            return;
        }
        self.snapshots.is_requested = false;
        match capture(self) {
            // The receiver lives as long as the core's tasks.
            Ok(job) => drop(self.snapshots.jobs.send(job)),
            Err(error) => self.end_save(Err(error), 0),
        }
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

    fn end_save(&mut self, result: Result<(), SaveError>, changes: u64) {
        let facts = &mut self.snapshots.facts;
        facts.last_duration = facts.since.take().map(|since| since.elapsed());
        facts.last_succeeded = result.is_ok();
        if result.is_ok() {
            facts.last_save_seconds = crate::clock::wall_ms() / 1000;
            facts.saves_count += 1;
            facts.changes_saved = changes;
        }
        match &result {
            Ok(()) => info!(duration = ?facts.last_duration, "snapshot saved"),
            Err(error) => error!(%error, "snapshot not saved"),
        }
        let mut waiting = std::mem::take(&mut self.snapshots.waiting);
        waiting.retain(|&id| self.waits_for_save(id));
        for id in waiting {
            self.unblock_with(id, |reply| match &result {
                Ok(()) => reply.ok(),
                Err(_) => reply.error(FAILED),
            });
        }
        self.flush_others();
        if std::mem::take(&mut self.snapshots.facts.is_scheduled) {
            self.request_save();
        }
    }
}

/// Writes the keyspace to a temporary file, as it is now. Nothing is synced yet.
fn capture(core: &Core) -> Result<Job, SaveError> {
    let path = core.config.dir.join(&core.config.dump_file);
    let temporary = core
        .config
        .dir
        .join(format!("{}.tmp", core.config.dump_file));
    let failed = |source| SaveError::Io {
        action: "write",
        path: temporary.clone(),
        source,
    };
    let file = File::create(&temporary).map_err(failed)?;
    let compression = if core.config.rdb_compression {
        Compression::Lzf
    } else {
        Compression::None
    };
    let file = super::write(&core.keyspace, file, compression).map_err(failed)?;
    Ok(Job {
        file,
        temporary: temporary.clone(),
        path,
        need: core.keyspace.dirty.filling() - 1,
        term: core.replication.term(),
        changes: core.keyspace.changes_count,
    })
}

/// Brings captured snapshots to their names, one after the other, until the process ends.
pub(crate) async fn publish(shared: Shared, mut jobs: mpsc::UnboundedReceiver<Job>) {
    while let Some(job) = jobs.recv().await {
        let changes = job.changes;
        let result = publish_one(&shared, job).await;
        shared.borrow_mut().end_save(result, changes);
    }
}

async fn publish_one(shared: &Shared, job: Job) -> Result<(), SaveError> {
    let Job {
        file,
        temporary,
        path,
        need,
        term,
        ..
    } = job;
    let synced = temporary.clone();
    blocking("sync", &temporary, move || file.sync_all()).await?;
    await_commit(shared, need, term).await?;
    let renamed = path.clone();
    blocking("rename", &path, move || std::fs::rename(synced, renamed)).await?;
    let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
    blocking("sync the directory of", &path, move || {
        File::open(dir)?.sync_all()
    })
    .await
}

/// Runs a call that may wait for the disk on another thread.
async fn blocking(
    action: &'static str,
    path: &Path,
    call: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), SaveError> {
    let done = tokio::task::spawn_blocking(call).await;
    done.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
        .map_err(|source| SaveError::Io {
            action,
            path: path.to_path_buf(),
            source,
        })
}

async fn await_commit(shared: &Shared, need: u64, term: u64) -> Result<(), SaveError> {
    loop {
        {
            let core = shared.borrow();
            let replication = &core.replication;
            if replication.term() != term || replication.phase() != Phase::Leading {
                return Err(SaveError::Outlived);
            }
            if replication.committed() >= need {
                return Ok(());
            }
        }
        tokio::time::sleep(COMMIT_POLL).await;
    }
}
