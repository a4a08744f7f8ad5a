//! `--import PATH`: the data of a Redis or Valkey server into a node that has none, through the log like
//! any other write.
//!
//! `source` reads the files on a thread of its own; here its items are executed in short turns, while
//! clients are told LOADING. What always holds: a directory into which an import was begun and not
//! finished says so in a file, and is not served before one was finished; what cannot be kept ends
//! the import, it is never left out silently.

mod source;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use holdfast_engine::digest;
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_engine::{Caller, CommandError, Engine};
use holdfast_resp::{Protocol, Reply};
use thiserror::Error;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::core::{Core, Shared};
use crate::replication::Phase;
use crate::snapshot::reload;

pub use source::{Counts, Item, SourceError};

/// Says that an import into the directory was begun and not finished.
const MARK: &str = "import-unfinished";
/// For how long items are executed before others have their turn.
const TURN_MAX: Duration = Duration::from_millis(1);
/// How often it is looked whether there is room again, or all is committed.
const POLL: Duration = Duration::from_millis(1);
/// How often the log tells how far it is.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// Batches of items that may wait for the core.
const BATCHES_WAITING_MAX: usize = 16;

/// Why nothing was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The files cannot be read, or hold what cannot be kept.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There are data already.
    #[error("the data directory holds data already; an import needs an empty one")]
    NotEmpty,
    /// The file that guards an import cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Mark {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A command of an append-only file is unknown.
    #[error("the command `{0}` is not known to this version")]
    Unknown(String),
    /// A key or a command cannot be executed.
    #[error("`{name}` failed: {source}")]
    Failed {
        /// The command, with its key.
        name: String,
        /// Its error.
        source: CommandError,
    },
    /// What is there now is not what was read.
    #[error(
        "{found} keys with digest {found_digest} are there, but {expected} with {expected_digest} were read"
    )]
    Differs {
        /// Keys read.
        expected: u64,
        /// Their digest.
        expected_digest: String,
        /// Keys there.
        found: u64,
        /// Their digest.
        found_digest: String,
    },
    /// The node stopped leading.
    #[error("the node stopped serving meanwhile")]
    Stopped,
}

/// Whether the last import into this directory was not finished.
pub fn is_unfinished(dir: &Path) -> bool {
    dir.join(MARK).exists()
}

fn set_mark(dir: &Path, path: &Path) -> io::Result<()> {
    let mut file = File::create(dir.join(MARK))?;
    writeln!(file, "{}", path.display())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

fn remove_mark(dir: &Path) -> io::Result<()> {
    fs::remove_file(dir.join(MARK))?;
    File::open(dir)?.sync_all()
}

/// Imports, and ends the process if that fails.
pub(crate) async fn import(shared: Shared, path: PathBuf) {
    match import_all(&shared, &path).await {
        Ok(counts) => {
            info!(
                keys = counts.keys,
                commands = counts.commands,
                expired = counts.expired,
                "imported"
            );
            let mut core = shared.borrow_mut();
            core.importing = false;
            // The next start need not replay all of it.
            core.request_save();
        }
        Err(error) => {
            error!(path = %path.display(), %error, "the import failed; nothing is served");
            shared.borrow_mut().request_shutdown(1, "the import failed");
        }
    }
}

async fn import_all(shared: &Shared, path: &Path) -> Result<Counts, ImportError> {
    until(shared, |core| core.replication.may_serve()).await;
    let dir = shared.borrow().config.dir.clone();
    let failed = |source| ImportError::Mark {
        path: dir.join(MARK),
        source,
    };
    if is_unfinished(&dir) {
        info!("an earlier import was not finished: its keys are removed");
        let mut core = shared.borrow_mut();
        let flushed = reload::execute(&mut core, DatabaseIndex(0), &[b"FLUSHALL"]);
        flushed.map_err(|source| ImportError::Failed {
            name: "FLUSHALL".to_owned(),
            source,
        })?;
        core.settle_effects();
    } else if !shared.borrow().keyspace.is_empty() {
        return Err(ImportError::NotEmpty);
    }
    set_mark(&dir, path).map_err(failed)?;
    let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
    let reader = {
        let core = shared.borrow();
        let settings = source::Settings {
            path: path.to_owned(),
            encodings: core.keyspace.encodings,
            databases_count: core.keyspace.databases_count(),
            now_ms: crate::clock::wall_ms(),
        };
        tokio::task::spawn_blocking(move || source::read(&settings, &sender))
    };
    execute_all(shared, receiver).await?;
    let read = reader.await.unwrap_or(Err(SourceError::Died));
    let counts = read?;
    until(shared, |core| core.replication.uncommitted_bytes() == 0).await;
    compare(shared, &counts)?;
    remove_mark(&dir).map_err(failed)?;
    Ok(counts)
}

async fn until(shared: &Shared, is_so: impl Fn(&Core) -> bool) {
    while !is_so(&shared.borrow()) {
        tokio::time::sleep(POLL).await;
    }
}

async fn execute_all(
    shared: &Shared,
    mut batches: mpsc::Receiver<Vec<Item>>,
) -> Result<(), ImportError> {
    let started = Instant::now();
    let (mut executed, mut reported) = (0_u64, Instant::now());
    while let Some(batch) = batches.recv().await {
        let mut items = batch.into_iter().peekable();
        while items.peek().is_some() {
            {
                let mut core = shared.borrow_mut();
                if core.replication.phase() != Phase::Leading {
                    return Err(ImportError::Stopped);
                }
                core.tick();
                let turn = Instant::now();
                while !core.replication.is_full()
                    && turn.elapsed() < TURN_MAX
                    && let Some(item) = items.next()
                {
                    core.execute_item(&item)?;
                    executed += 1;
                }
            }
            if shared.borrow().replication.is_full() {
                tokio::time::sleep(POLL).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
        if reported.elapsed() >= REPORT_INTERVAL {
            reported = Instant::now();
            let rate = executed as f64 / started.elapsed().as_secs_f64();
            info!(executed, per_second = rate as u64, "importing");
        }
    }
    Ok(())
}

impl Core {
    fn execute_item(&mut self, item: &Item) -> Result<(), ImportError> {
        match item {
            Item::Key {
                database,
                key,
                payload,
                expires_at_ms,
            } => {
                let ttl = expires_at_ms.unwrap_or(0).to_string();
                let command: &[&[u8]] = &[b"RESTORE", key, ttl.as_bytes(), payload, b"ABSTTL"];
                self.execute_imported(*database, command)?;
            }
            Item::Command {
                database,
                arguments,
            } => {
                let command: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
                self.execute_imported(*database, &command)?;
            }
        }
        self.settle_effects();
        Ok(())
    }

    fn execute_imported(&mut self, database: u32, command: &[&[u8]]) -> Result<(), ImportError> {
        let word =
            |at: usize| String::from_utf8_lossy(command.get(at).copied().unwrap_or_default());
        let found = self.engine_table.find(command);
        let (handler, skip) = found.ok_or_else(|| ImportError::Unknown(word(0).into()))?;
        let mut engine = Engine {
            keyspace: &mut self.keyspace,
            effects: &mut self.replication.effects,
        };
        let outcome = engine.execute(
            handler,
            command,
            skip,
            DatabaseIndex(database),
            Caller::default(),
            &mut Reply::new(Protocol::Resp2),
        );
        match outcome.error {
            None => Ok(()),
            Some(source) => Err(ImportError::Failed {
                name: format!("{} {}", word(0), word(1)),
                source,
            }),
        }
    }
}

/// Compares what is there with what an image held. After commands there is nothing to compare with.
fn compare(shared: &Rc<std::cell::RefCell<Core>>, counts: &Counts) -> Result<(), ImportError> {
    if counts.commands > 0 {
        return Ok(());
    }
    let core = shared.borrow();
    let keys = (0..core.keyspace.databases_count())
        .map(|index| core.keyspace.len(DatabaseIndex(index)) as u64)
        .sum();
    let digest = digest::of_keyspace(&core.keyspace);
    if (keys, digest) == (counts.keys, counts.digest) {
        return Ok(());
    }
    Err(ImportError::Differs {
        expected: counts.keys,
        expected_digest: counts.digest.to_string(),
        found: keys,
        found_digest: digest.to_string(),
    })
}
