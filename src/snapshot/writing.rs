//! Writes a snapshot, on a thread of its own: takes captured keys as they come, encodes them, syncs,
//! reads the file back, and gives it its name.
//!
//! What always holds: nothing is written before the place in the log is known, which it is once the
//! last batch of the snapshot is committed (invariant I6); no file gets its name before it was read
//! back and found to hold what was captured.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use holdfast_engine::captured::{CapturedKey, CapturedKeys};
use holdfast_engine::digest::Digest;
use holdfast_engine::scripts::ScriptStore;
use holdfast_engine::values::encodings::Encodings;
use holdfast_formats::rdb::{Compression, KeyAttributes, RdbWriter};
use thiserror::Error;
use tracing::{info, warn};

use super::files::{self, Generation};
use super::place::{Place, Sum};
use super::{InstallError, reading};

/// The file is synced after so many bytes, so that no sync holds up the log's for long.
const SYNC_INTERVAL_BYTES: u64 = 16 << 20;
/// How often the log tells how far a snapshot is.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// How much this thread gives way, from 0 to 19.
const NICE: i32 = 10;

/// What the core sends.
#[derive(Debug)]
pub(super) enum Message {
    /// The last batch is committed: here is where the snapshot stands. Comes first.
    Begin(Place),
    /// More keys.
    Keys(CapturedKeys),
    /// There are no more. Without it, what was written is worth nothing.
    End {
        /// How many keys there should be.
        keys_count: u64,
    },
}

/// How far the writing is, for both sides to see.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes that were sent and not written yet.
    pub(super) backlog_bytes: AtomicUsize,
    pub(super) keys_written: AtomicU64,
    /// Bytes a second at most; 0 for as many as possible.
    pub(super) rate_bytes_max: AtomicU64,
}

/// What the thread needs to know at the beginning.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) dir: PathBuf,
    /// The second name of the newest snapshot; empty for none.
    pub(super) dump_file: String,
    pub(super) compression: Compression,
    pub(super) encodings: Encodings,
    pub(super) scripts: ScriptStore,
    /// Keys, and keys with a deadline, by database.
    pub(super) sizes: Vec<(usize, usize)>,
    pub(super) progress: Arc<Progress>,
    /// Takes what was written back to the core, emptied, to be filled again.
    pub(super) written: Sender<CapturedKeys>,
}

/// A snapshot that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which it is.
    pub generation: Generation,
    /// How many keys it holds.
    pub keys_count: u64,
    /// Its size.
    pub bytes: u64,
    /// How long writing and syncing took.
    pub wrote_in: Duration,
    /// How long reading it back took.
    pub verified_in: Duration,
}

/// Why a snapshot came to nothing. The log is kept as it is then.
#[derive(Debug, Error)]
pub enum SaveError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("{} was read back and is not what was written: {source}", path.display())]
    Unverified {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: InstallError,
    },
    /// The walk ended with another number of keys than it began with.
    #[error("{0} keys were there and were not captured: this is a bug, please report it")]
    Missed(usize),
    /// The core gave it up.
    #[error("the leadership ended before all of it was committed, or the node stops")]
    GivenUp,
}

/// Runs a job to its end.
///
/// # Errors
/// See [`SaveError`]; the half-written file is removed.
pub(super) fn run(job: &Job, messages: &Receiver<Message>) -> Result<Published, SaveError> {
    give_way();
    let result = write_and_publish(job, messages);
    if result.is_err()
        && let Err(error) = files::remove_temporaries(&job.dir)
    {
        warn!(%error, "a half-written snapshot cannot be removed");
    }
    result
}

/// Lets the threads that serve have the processor first.
fn give_way() {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICE) {
        warn!(%error, "snapshots are written with the priority of commands");
    }
}

fn write_and_publish(job: &Job, messages: &Receiver<Message>) -> Result<Published, SaveError> {
    let path = files::temporary(&job.dir);
    let failed = |action| {
        let path = path.clone();
        move |source| SaveError::Io {
            action,
            path,
            source,
        }
    };
    let Ok(Message::Begin(place)) = messages.recv() else {
        return Err(SaveError::GivenUp);
    };
    let started = Instant::now();
    let file = File::create(&path).map_err(failed("create"))?;
    let paced = Paced::new(file, Arc::clone(&job.progress));
    let mut writing = Writing::begin(job, &place, paced).map_err(failed("write"))?;
    loop {
        match messages.recv() {
            Ok(Message::Keys(keys)) => {
                writing.keys(&keys).map_err(failed("write"))?;
                // The core does not look any more once it has sent all.
                drop(job.written.send(keys.emptied()));
            }
            Ok(Message::End { keys_count }) => {
                let missed = keys_count.abs_diff(writing.keys_count);
                if missed != 0 {
                    return Err(SaveError::Missed(usize::try_from(missed).unwrap_or(0)));
                }
                break;
            }
            Ok(Message::Begin(_)) | Err(_) => return Err(SaveError::GivenUp),
        }
    }
    let sum = writing.sum();
    let paced = writing.finish(&sum).map_err(failed("write"))?;
    let bytes = paced.written;
    let file = paced.file;
    file.sync_all().map_err(failed("sync"))?;
    let wrote_in = started.elapsed();

    // What is read back is to come from the disk, not from memory.
    if let Err(error) = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed) {
        warn!(%error, "the snapshot is read back from the page cache");
    }
    drop(file);
    let started = Instant::now();
    reading::verify(&path, &job.encodings, &place, &sum, &job.scripts).map_err(|source| {
        SaveError::Unverified {
            path: path.clone(),
            source,
        }
    })?;
    let verified_in = started.elapsed();

    let generation = files::publish(&job.dir, place.position.index).map_err(failed("rename"))?;
    if !job.dump_file.is_empty() {
        files::link(&job.dir, &generation, &job.dump_file).map_err(failed("link"))?;
    }
    Ok(Published {
        generation,
        keys_count: sum.keys_count,
        bytes,
        wrote_in,
        verified_in,
    })
}

/// A file that is being written.
struct Writing<'j> {
    job: &'j Job,
    writer: RdbWriter<Paced>,
    /// The database of the last key.
    database: Option<u32>,
    /// Whether a database's sizes were written.
    is_sized: Vec<bool>,
    digest: Digest,
    keys_count: u64,
    reported: Instant,
}

impl<'j> Writing<'j> {
    fn begin(job: &'j Job, place: &Place, paced: Paced) -> io::Result<Self> {
        let mut writer = RdbWriter::with_block_marks(paced, job.compression)?;
        super::write_head(&mut writer)?;
        place.write(&mut writer)?;
        super::write_scripts(&mut writer, &job.scripts)?;
        Ok(Self {
            job,
            writer,
            database: None,
            is_sized: vec![false; job.sizes.len()],
            digest: Digest::default(),
            keys_count: 0,
            reported: Instant::now(),
        })
    }

    fn keys(&mut self, keys: &CapturedKeys) -> io::Result<()> {
        keys.iter().try_for_each(|key| self.key(key))?;
        let progress = &self.job.progress;
        progress
            .backlog_bytes
            .fetch_sub(keys.bytes(), Ordering::AcqRel);
        progress
            .keys_written
            .store(self.keys_count, Ordering::Release);
        if self.reported.elapsed() >= REPORT_INTERVAL {
            self.reported = Instant::now();
            let total: usize = self.job.sizes.iter().map(|(keys, _)| keys).sum();
            info!(
                keys = self.keys_count,
                total,
                bytes = self.writer.position(),
                "snapshot under way"
            );
        }
        Ok(())
    }

    fn key(&mut self, key: CapturedKey<'_>) -> io::Result<()> {
        let before = self.database.unwrap_or(0);
        self.writer.mark_block_if_due(before.into())?;
        let database = key.database().0;
        if self.database != Some(database) {
            self.select(database)?;
        }
        let usage = key.usage();
        let attributes = KeyAttributes {
            expires_at_ms: key.expires_at_ms(),
            idle_seconds: usage.idle_seconds.map(u64::from),
            frequency: usage.frequency,
        };
        key.write(self.writer.key(key.key(), attributes)?)?;
        self.digest = self.digest.plus(key.digest());
        self.keys_count += 1;
        Ok(())
    }

    fn select(&mut self, database: u32) -> io::Result<()> {
        self.database = Some(database);
        self.writer.select_db(database.into())?;
        let number = database as usize;
        if let Some(is_sized) = self.is_sized.get_mut(number)
            && !std::mem::replace(is_sized, true)
            && let Some(&(keys, expiring)) = self.job.sizes.get(number)
        {
            self.writer.resize_db(keys as u64, expiring as u64)?;
        }
        Ok(())
    }

    fn sum(&self) -> Sum {
        Sum {
            keys_count: self.keys_count,
            digest: self.digest.to_string(),
        }
    }

    fn finish(mut self, sum: &Sum) -> io::Result<Paced> {
        let database = self.database.unwrap_or(0);
        self.writer.mark_block(database.into())?;
        sum.write(&mut self.writer)?;
        self.writer.finish()
    }
}

/// A file that is written no faster than it may be, and synced on the way.
#[derive(Debug)]
struct Paced {
    file: File,
    written: u64,
    synced: u64,
    started: Instant,
    progress: Arc<Progress>,
}

impl Paced {
    fn new(file: File, progress: Arc<Progress>) -> Self {
        Self {
            file,
            written: 0,
            synced: 0,
            started: Instant::now(),
            progress,
        }
    }

    /// Waits until so many bytes may have been written.
    fn wait_for_turn(&self) {
        let rate = self.progress.rate_bytes_max.load(Ordering::Relaxed);
        if rate == 0 {
            return;
        }
        let due = Duration::from_secs_f64(self.written as f64 / rate as f64);
        if let Some(early) = due.checked_sub(self.started.elapsed()) {
            std::thread::sleep(early);
        }
    }
}

impl Write for Paced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        if self.written - self.synced >= SYNC_INTERVAL_BYTES {
            self.file.sync_data()?;
            self.synced = self.written;
        }
        self.wait_for_turn();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
