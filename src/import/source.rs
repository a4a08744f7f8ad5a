//! The files of a Redis or Valkey server, read on a thread of their own: an RDB file, an append-only
//! file with or without a preamble, or a directory with a manifest.
//!
//! What always holds: nothing is passed over silently but what has no meaning for the data; a
//! transaction is handed over as a whole; only the very last file may end torn.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use holdfast_engine::digest::{self, Digest};
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_engine::saved::{self, ValueBuilder};
use holdfast_engine::values::encodings::Encodings;
use holdfast_formats::FormatError;
use holdfast_formats::aof::{self, AofReader, AofStart, AofStep, AofTail, Manifest, ManifestError};
use holdfast_formats::rdb::{Compression, Content, DumpWriter, KeyRecord, RdbReader, Record};
use thiserror::Error;
use tokio::sync::mpsc::Sender;
use tracing::{info, warn};

/// Items are handed over in batches of about this size.
const BATCH_BYTES: usize = 256 << 10;
/// What an item costs beside its bytes.
const ITEM_BYTES: usize = size_of::<Item>();

/// What is to be read, and how.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) path: PathBuf,
    pub(super) encodings: Encodings,
    pub(super) databases_count: u32,
    /// Keys whose time had come by then are dropped.
    pub(super) now_ms: i64,
}

/// Something to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A key of an image.
    Key {
        /// Its database.
        database: u32,
        /// Its name.
        key: Vec<u8>,
        /// Its value, as DUMP gives it.
        payload: Vec<u8>,
        /// When it expires.
        expires_at_ms: Option<i64>,
    },
    /// A command of an append-only file.
    Command {
        /// The database in which it runs.
        database: u32,
        /// Its words.
        arguments: Vec<Vec<u8>>,
    },
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys of images.
    pub keys: u64,
    /// Keys of images that had expired.
    pub expired: u64,
    /// Commands.
    pub commands: u64,
    /// The digest of the keys of images.
    pub digest: Digest,
}

/// Why the files cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The operating system refused, or a file is missing.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is nothing to import.
    #[error("{} holds neither a manifest, nor appendonly.aof, nor dump.rdb", .0.display())]
    Nothing(PathBuf),
    /// A file is damaged, or holds a value that this version does not keep.
    #[error("{}: {source}; look at it with `redis-check-rdb` or `redis-check-aof`", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: FormatError,
    },
    /// A manifest is damaged.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: ManifestError,
    },
    /// It holds something that this version does not keep.
    #[error("{}: byte {at}: {what}, which this version does not keep", path.display())]
    NotKept {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What.
        what: &'static str,
    },
    /// It has a database that does not exist here.
    #[error("{} has keys in database {database}: set `databases` higher", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// The database.
        database: u64,
    },
    /// A file that is not the last one ends in the middle.
    #[error("{} ends inside a command or a transaction, and another file follows it", .0.display())]
    Torn(PathBuf),
    /// Nobody takes what is read.
    #[error("the node stopped")]
    Stopped,
    /// The thread that reads came to a bad end.
    #[error("the thread that reads the files died")]
    Died,
}

/// Whether a file may end in the middle, as after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Last,
    Before,
}

/// Reads all that the path holds and hands it over in order.
///
/// # Errors
/// At the first thing that is not as it must be.
pub(super) fn read(
    settings: &Settings,
    batches: &Sender<Vec<Item>>,
) -> Result<Counts, SourceError> {
    let files = files_of(&settings.path)?;
    let mut reading = Reading {
        settings,
        batches,
        batch: Vec::new(),
        batch_bytes: 0,
        counts: Counts::default(),
    };
    let count = files.len();
    for (number, path) in files.iter().enumerate() {
        info!(path = %path.display(), "reading");
        let position = if number + 1 == count {
            Position::Last
        } else {
            Position::Before
        };
        reading.file(path, position)?;
    }
    reading.hand_over()?;
    Ok(reading.counts)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Io {
        path: path.clone(),
        source,
    }
}

/// The files of a path, in the order in which they count.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if !path.metadata().map_err(failed(path))?.is_dir() {
        return match path.extension() {
            Some(extension) if extension == "manifest" => files_of_manifest(path),
            _ => Ok(vec![path.to_owned()]),
        };
    }
    for dir in [path.to_owned(), path.join("appendonlydir")] {
        if let Some(manifest) = manifest_in(&dir)? {
            return files_of_manifest(&manifest);
        }
    }
    // Where both are, the append-only file is what a server would have read.
    for name in ["appendonly.aof", "dump.rdb"] {
        let file = path.join(name);
        if file.exists() {
            return Ok(vec![file]);
        }
    }
    Err(SourceError::Nothing(path.to_owned()))
}

fn manifest_in(dir: &Path) -> Result<Option<PathBuf>, SourceError> {
    if !dir.is_dir() {
        return Ok(None);
    }
    for entry in dir.read_dir().map_err(failed(dir))? {
        let path = entry.map_err(failed(dir))?.path();
        let is_manifest = path.extension().is_some_and(|found| found == "manifest");
        let is_temporary = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"temp-"));
        if is_manifest && !is_temporary {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn files_of_manifest(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    use std::os::unix::ffi::OsStrExt;
    let text = std::fs::read(path).map_err(failed(path))?;
    let manifest = Manifest::parse(&text).map_err(|source| SourceError::Manifest {
        path: path.to_owned(),
        source,
    })?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let files = manifest.base.iter().chain(&manifest.incremental);
    let paths = files.map(|file| dir.join(std::ffi::OsStr::from_bytes(&file.name)));
    Ok(paths.collect())
}

/// The way from the files to the core.
struct Reading<'s> {
    settings: &'s Settings,
    batches: &'s Sender<Vec<Item>>,
    batch: Vec<Item>,
    batch_bytes: usize,
    counts: Counts,
}

impl Reading<'_> {
    fn give(&mut self, item: Item) -> Result<(), SourceError> {
        let bytes = match &item {
            Item::Key { key, payload, .. } => key.len() + payload.len(),
            Item::Command { arguments, .. } => arguments.iter().map(Vec::len).sum(),
        };
        self.batch_bytes += bytes + ITEM_BYTES;
        self.batch.push(item);
        if self.batch_bytes >= BATCH_BYTES {
            self.hand_over()?;
        }
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), SourceError> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.batches
            .blocking_send(batch)
            .map_err(|_| SourceError::Stopped)
    }

    fn file(&mut self, path: &Path, position: Position) -> Result<(), SourceError> {
        let stream = File::open(path).map_err(failed(path))?;
        let size = stream.metadata().map_err(failed(path))?.len();
        let format = |source| SourceError::Format {
            path: path.to_owned(),
            source,
        };
        let mut commands = match aof::open(stream, Some(size)).map_err(format)? {
            AofStart::Commands(commands) => commands,
            AofStart::Preamble(mut image) => {
                self.image(path, &mut image)?;
                if image.position() == size {
                    return Ok(());
                }
                AofReader::after_preamble(image)
            }
        };
        self.commands(path, &mut commands, position)
    }

    fn database(&self, path: &Path, database: u64) -> Result<u32, SourceError> {
        let index = u32::try_from(database).ok();
        index
            .filter(|&index| index < self.settings.databases_count)
            .ok_or_else(|| SourceError::Database {
                path: path.to_owned(),
                database,
            })
    }

    fn image(&mut self, path: &Path, image: &mut RdbReader<File>) -> Result<(), SourceError> {
        let format = |source| SourceError::Format {
            path: path.to_owned(),
            source,
        };
        let mut database = 0;
        loop {
            let at = image.position();
            let not_kept = |what| SourceError::NotKept {
                path: path.to_owned(),
                at,
                what,
            };
            match image.next_record().map_err(format)? {
                None => return Ok(()),
                Some(Record::SelectDb(number)) => database = number,
                Some(Record::Key(record)) => {
                    let mut builder = ValueBuilder::new(&self.settings.encodings);
                    let content = image.read_value(&mut builder).map_err(format)?;
                    if content == Content::Some {
                        let database = self.database(path, database)?;
                        self.key(database, record, builder, || not_kept("a value"))?;
                    }
                }
                Some(Record::Function(_)) => return Err(not_kept("a library of functions")),
                Some(Record::NotKept(what)) => return Err(not_kept(what)),
                Some(
                    Record::Aux { .. }
                    | Record::ResizeDb { .. }
                    | Record::SlotInfo { .. }
                    | Record::ModuleAux { .. },
                ) => {}
            }
        }
    }

    fn key(
        &mut self,
        database: u32,
        record: KeyRecord,
        builder: ValueBuilder<'_>,
        no_value: impl Fn() -> SourceError,
    ) -> Result<(), SourceError> {
        let value = builder.finish().ok_or_else(no_value)?;
        let expires_at_ms = record.expires_at_ms;
        if expires_at_ms.is_some_and(|at| at <= self.settings.now_ms) {
            self.counts.expired += 1;
            return Ok(());
        }
        let of_value = digest::of_value(value.as_ref());
        let index = DatabaseIndex(database);
        let of_key = digest::of_key(index, &record.key, expires_at_ms, of_value);
        self.counts.digest = self.counts.digest.plus(of_key);
        self.counts.keys += 1;
        let mut writer = DumpWriter::new(Compression::None);
        saved::write_value(value.as_ref(), writer.value()).expect("memory takes every write");
        self.give(Item::Key {
            database,
            key: record.key,
            payload: writer.finish(),
            expires_at_ms,
        })
    }

    fn commands(
        &mut self,
        path: &Path,
        commands: &mut AofReader<File>,
        position: Position,
    ) -> Result<(), SourceError> {
        let mut database = 0;
        // The commands of a transaction whose end has not come.
        let mut transaction: Option<Vec<Item>> = None;
        loop {
            let step = commands.next_step().map_err(|source| SourceError::Format {
                path: path.to_owned(),
                source,
            })?;
            match step {
                AofStep::Timestamp(_) | AofStep::Annotation => {}
                AofStep::End(AofTail::Clean) => return Ok(()),
                AofStep::End(AofTail::Torn) if position == Position::Last => {
                    let whole = commands.valid_through();
                    warn!(path = %path.display(), whole, "the file ends in the middle; what is whole was read");
                    return Ok(());
                }
                AofStep::End(AofTail::Torn) => return Err(SourceError::Torn(path.to_owned())),
                AofStep::Command => {
                    let arguments: Vec<Vec<u8>> =
                        commands.arguments().map(<[u8]>::to_vec).collect();
                    let name = arguments.first().map(|name| name.to_ascii_lowercase());
                    match name.as_deref() {
                        None => {}
                        Some(b"select") => database = self.selected(path, arguments.get(1))?,
                        Some(b"multi") => transaction = Some(Vec::new()),
                        Some(b"exec") => {
                            for item in transaction.take().unwrap_or_default() {
                                self.give(item)?;
                            }
                        }
                        Some(_) => {
                            self.counts.commands += 1;
                            let item = Item::Command {
                                database,
                                arguments,
                            };
                            match &mut transaction {
                                Some(items) => items.push(item),
                                None => self.give(item)?,
                            }
                        }
                    }
                }
            }
        }
    }

    fn selected(&self, path: &Path, number: Option<&Vec<u8>>) -> Result<u32, SourceError> {
        let number = number.and_then(|text| holdfast_formats::parse_i64(text));
        let number = number.and_then(|number| u64::try_from(number).ok());
        self.database(path, number.unwrap_or(u64::MAX))
    }
}
