//! Snapshots: the keyspace as an RDB file, written and read back. SAVE and BGSAVE write one
//! (`saving`), DEBUG RELOAD goes through one and back (`reload`).
//!
//! What always holds: a file gets its name only once all that it contains is committed (invariant
//! I6) and synced; the keyspace is never changed by reading a snapshot but through the log or by an
//! equal copy.

pub mod reload;
pub mod saving;

use std::io::{self, Read, Write};

use holdfast_engine::Keyspace;
use holdfast_engine::keyspace::{ArrivingKey, DatabaseIndex, Entry, EvictionPolicy, Replacement};
use holdfast_engine::saved::{self, ValueBuilder};
use holdfast_engine::values::encodings::Encodings;
use holdfast_formats::FormatError;
use holdfast_formats::rdb::{
    Compression, Content, KeyAttributes, KeyRecord, RdbReader, RdbWriter, Record,
};
use thiserror::Error;
use tracing::debug;

pub use saving::Snapshots;

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
    let seconds = crate::clock::wall_ms() / 1000;
    writer.aux(b"redis-ver", crate::REDIS_VERSION.as_bytes())?;
    writer.aux(b"redis-bits", b"64")?;
    writer.aux(b"ctime", seconds.to_string().as_bytes())?;
    let used = crate::allocator::used_bytes();
    writer.aux(b"used-mem", used.to_string().as_bytes())?;
    writer.aux(b"aof-base", b"0")?;
    for number in 0..keyspace.databases_count() {
        write_database(keyspace, DatabaseIndex(number), &mut writer)?;
    }
    writer.finish()
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
    let clock = &keyspace.access;
    let is_lru = matches!(
        clock.policy,
        EvictionPolicy::AllKeysLru | EvictionPolicy::VolatileLru
    );
    KeyAttributes {
        expires_at_ms: entry.expires_at_ms(),
        idle_seconds: is_lru.then(|| clock.idle_seconds(entry).into()),
        frequency: clock
            .policy
            .counts_uses()
            .then(|| u8::try_from(clock.counter(entry)).unwrap_or(u8::MAX)),
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
    while let Some(record) = reader.next_record()? {
        match record {
            Record::SelectDb(number) => database = number,
            Record::Key(record) => {
                let mut builder = ValueBuilder::new(encodings);
                if reader.read_value(&mut builder)? == Content::Some {
                    put(into, database, &record, builder)?;
                }
            }
            other => debug!(?other, "passed over in a snapshot"),
        }
    }
    Ok(())
}

fn put(
    into: &mut Replacement,
    database: u64,
    record: &KeyRecord,
    builder: ValueBuilder<'_>,
) -> Result<(), InstallError> {
    let name = || String::from_utf8_lossy(&record.key).into_owned();
    let index = u32::try_from(database)
        .ok()
        .filter(|&index| index < into.keyspace().databases_count())
        .ok_or(InstallError::Database(database))?;
    let arriving = ArrivingKey {
        database: DatabaseIndex(index),
        key: &record.key,
        value: builder
            .finish()
            .ok_or_else(|| InstallError::NoValue(name()))?,
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
mod tests;
