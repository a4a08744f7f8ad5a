//! Snapshots: the keyspace at one entry of the log as an RDB file, which lets the log forget what is
//! before that (DESIGN.md section 7).
//!
//! - `saving` when one is taken, its walk on the core thread, what becomes of it · `triggers` why
//! - `writing` the thread that writes, verifies and publishes it · `reading` reads one back
//! - `locating` where the damage of one that cannot be read is
//! - `files` names and generations · `place` what a snapshot says of itself
//! - `reload` DEBUG RELOAD, which goes through an image and back
//!
//! What always holds: a file gets its name only once all that it contains is committed (invariant
//! I6), synced, and read back; the log loses nothing that is not in two such files, or in the one
//! that the configuration is content with.

pub mod files;
mod locating;
pub mod place;
pub mod reading;
pub mod reload;
pub mod saving;
mod triggers;
pub mod writing;

use std::io::{self, Read, Write};

use holdfast_engine::Keyspace;
use holdfast_engine::keyspace::{ArrivingKey, DatabaseIndex, Entry, Replacement};
use holdfast_engine::saved::{self, ValueBuilder};
use holdfast_engine::scripts::ScriptStore;
use holdfast_engine::value::Value;
use holdfast_engine::values::encodings::Encodings;
use holdfast_formats::FormatError;
use holdfast_formats::rdb::{
    Compression, Content, KeyAttributes, KeyRecord, RdbReader, RdbWriter, Record,
};
use thiserror::Error;
use tracing::debug;

pub use saving::Snapshots;

/// The field that holds a loaded script: Redis wrote it up to 6.2, and 7.0 passes over it.
const SCRIPT_FIELD: &[u8] = b"lua";

/// Why a snapshot cannot be read back.
#[derive(Debug, Error)]
pub enum InstallError {
    /// The file is not as it must be.
    #[error("the snapshot cannot be read: {0}")]
    Format(#[from] FormatError),
    /// It names a database that this server does not have.
    #[error("the snapshot has keys in database {0}, which does not exist here")]
    Database(u64),
    /// It has a key twice.
    #[error("the snapshot has the key {0:?} twice")]
    Twice(String),
    /// It has a value of which nothing can be made.
    #[error("the snapshot has no value for the key {0:?}")]
    NoValue(String),
    /// It is not there, or cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A field that every snapshot has is missing, or says something else than it should.
    #[error("the field {0} is missing or says something else than it should")]
    Field(&'static str),
    /// It holds something that this version does not keep.
    #[error("at byte {at} is something that this version does not keep")]
    NotKept {
        /// Where it begins.
        at: u64,
    },
    /// A block mark does not say what is before it.
    #[error("the block mark at byte {at} does not say what is before it")]
    Mark {
        /// Where it begins.
        at: u64,
    },
    /// It is damaged, and this is where.
    #[error("damaged between bytes {start} and {end}: {source}")]
    Damaged {
        /// First byte of the block.
        start: u64,
        /// The byte behind it.
        end: u64,
        /// What the reader stumbled over.
        source: Box<Self>,
    },
    /// It has no checksum.
    #[error("the file has no checksum at its end")]
    NoChecksum,
    /// Something follows its end.
    #[error("the snapshot ends at byte {at}, but the file has {size} bytes")]
    Behind {
        /// Where the snapshot ends.
        at: u64,
        /// Size of the file.
        size: u64,
    },
    /// It holds another number of keys than it says.
    #[error("the snapshot has {found} keys, and says that it has {expected}")]
    Count {
        /// What it says.
        expected: u64,
        /// What it has.
        found: u64,
    },
    /// It has a function library without a name.
    #[error("the snapshot has a function library whose first line is not right")]
    Library,
    /// What came back is not what was written.
    #[error("the data differ from what was written: digest {found}, not {expected}")]
    Differs {
        /// The digest of the keyspace.
        expected: String,
        /// The digest of what was read back.
        found: String,
    },
}

/// Writes all databases, the expired keys that nobody has removed yet included. Returns the stream.
///
/// # Errors
/// What the stream says.
pub fn write<W: Write>(keyspace: &Keyspace, stream: W, compression: Compression) -> io::Result<W> {
    let mut writer = RdbWriter::new(stream, compression)?;
    write_head(&mut writer)?;
    write_scripts(&mut writer, &keyspace.scripts)?;
    for number in 0..keyspace.databases_count() {
        write_database(keyspace, DatabaseIndex(number), &mut writer)?;
    }
    writer.finish()
}

/// The fields with which Redis begins a file.
fn write_head<W: Write>(writer: &mut RdbWriter<W>) -> io::Result<()> {
    let seconds = crate::clock::wall_ms() / 1000;
    writer.aux(b"redis-ver", crate::REDIS_VERSION.as_bytes())?;
    writer.aux(b"redis-bits", b"64")?;
    writer.aux(b"ctime", seconds.to_string().as_bytes())?;
    let used = crate::allocator::used_bytes();
    writer.aux(b"used-mem", used.to_string().as_bytes())?;
    writer.aux(b"aof-base", b"0")
}

/// What was loaded beside the keys.
fn write_scripts<W: Write>(writer: &mut RdbWriter<W>, scripts: &ScriptStore) -> io::Result<()> {
    for (_, body) in scripts.scripts() {
        writer.aux(SCRIPT_FIELD, body)?;
    }
    for library in scripts.libraries() {
        writer.function(&library.code)?;
    }
    Ok(())
}

fn write_database<W: Write>(
    keyspace: &Keyspace,
    database: DatabaseIndex,
    writer: &mut RdbWriter<W>,
) -> io::Result<()> {
    if keyspace.len(database) == 0 {
        return Ok(());
    }
    writer.select_db(database.0.into())?;
    let expiring = keyspace.volatile_len(database) as u64;
    writer.resize_db(keyspace.len(database) as u64, expiring)?;
    for entry in keyspace.iter(database) {
        let value = writer.key(entry.key(), attributes(keyspace, entry))?;
        saved::write_value(entry.value(), value)?;
    }
    Ok(())
}

/// What stands beside a value: how it was used only where a policy looks at that, as in Redis.
fn attributes(keyspace: &Keyspace, entry: &Entry) -> KeyAttributes {
    let usage = keyspace.access.usage(entry);
    KeyAttributes {
        expires_at_ms: entry.expires_at_ms(),
        idle_seconds: usage.idle_seconds.map(u64::from),
        frequency: usage.frequency,
    }
}

/// Reads a snapshot into a replacement. Expired keys are kept: only the log removes them.
///
/// # Errors
/// The snapshot is damaged or does not fit; the replacement is of no further use then.
pub fn read<R: Read>(
    stream: R,
    size: Option<u64>,
    encodings: &Encodings,
    into: &mut Replacement,
) -> Result<(), InstallError> {
    let mut reader = RdbReader::new(stream, size)?;
    let mut database = 0;
    let mut scripts = ScriptStore::default();
    while let Some(record) = reader.next_record()? {
        match record {
            Record::SelectDb(number) => database = number,
            Record::Key(record) => {
                let mut builder = ValueBuilder::new(encodings);
                if reader.read_value(&mut builder)? == Content::Some {
                    let name =
                        || InstallError::NoValue(String::from_utf8_lossy(&record.key).into());
                    let value = builder.finish().ok_or_else(name)?;
                    put(into, database, &record, value)?;
                }
            }
            Record::Aux { name, value } if name == SCRIPT_FIELD => {
                scripts.put_script(&value);
            }
            Record::Function(code) => {
                scripts.put_library(&code).ok_or(InstallError::Library)?;
            }
            other => debug!(?other, "passed over in a snapshot"),
        }
    }
    into.put_scripts(scripts);
    Ok(())
}

fn put(
    into: &mut Replacement,
    database: u64,
    record: &KeyRecord,
    value: Value,
) -> Result<(), InstallError> {
    let name = || String::from_utf8_lossy(&record.key).into_owned();
    let index = u32::try_from(database)
        .ok()
        .filter(|&index| index < into.keyspace().databases_count())
        .ok_or(InstallError::Database(database))?;
    let arriving = ArrivingKey {
        database: DatabaseIndex(index),
        key: &record.key,
        value,
        expires_at_ms: record.expires_at_ms,
        access: access(into.keyspace(), record),
    };
    if into.put(arriving) {
        Ok(())
    } else {
        Err(InstallError::Twice(name()))
    }
}

fn access(keyspace: &Keyspace, record: &KeyRecord) -> Option<u32> {
    let clock = &keyspace.access;
    match (record.idle_seconds, record.frequency) {
        (_, Some(counter)) if clock.policy.counts_uses() => Some(clock.with_counter(counter)),
        (Some(seconds), _) if !clock.policy.counts_uses() => {
            Some(clock.idle_since(u32::try_from(seconds).unwrap_or(u32::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod roll_back_tests;
#[cfg(test)]
mod tests;
