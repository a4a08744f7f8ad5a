//! DEBUG RELOAD and LOADAOF: all data through a snapshot and back, while nobody notices; and a file
//! from elsewhere, which goes through the log like any other write.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use holdfast_engine::digest;
use holdfast_engine::keyspace::{DatabaseIndex, Entry, Replacement};
use holdfast_engine::saved;
use holdfast_engine::{Caller, CommandError, Engine, Keyspace};
use holdfast_formats::FormatError;
use holdfast_formats::rdb::{Compression, DumpWriter};
use holdfast_resp::{Protocol, Reply};

use super::InstallError;
use crate::core::Core;
use crate::registry::Run;
use crate::scripting::run;

/// Writes a snapshot to memory, reads it back, and installs it if it is equal.
///
/// # Errors
/// What came back is not what was written; the data are as they were.
pub fn round_trip(keyspace: &mut Keyspace, compression: Compression) -> Result<(), InstallError> {
    let bytes = super::write(keyspace, Vec::new(), compression)
        .map_err(|source| FormatError::Io { at: 0, source })?;
    let mut replacement = keyspace.replacement();
    let size = bytes.len() as u64;
    super::read(
        bytes.as_slice(),
        Some(size),
        &keyspace.encodings,
        &mut replacement,
    )?;
    let (expected, found) = (digest::of_keyspace(keyspace), replacement.digest());
    if expected != found {
        return Err(InstallError::Differs {
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }
    keyspace.install(replacement);
    Ok(())
}

/// Reads a file into a replacement that nobody sees.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub fn open(keyspace: &Keyspace, path: &Path) -> Result<Replacement, InstallError> {
    let file = File::open(path).map_err(|source| FormatError::Io { at: 0, source })?;
    let size = file.metadata().ok().map(|metadata| metadata.len());
    let mut replacement = keyspace.replacement();
    let stream = BufReader::with_capacity(1 << 16, file);
    super::read(stream, size, &keyspace.encodings, &mut replacement)?;
    Ok(replacement)
}

/// What becomes of the data that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// They are removed first.
    Flushed,
    /// They stay; keys that arrive take the place of those of the same name.
    Merged,
}

/// Puts what a file holds into the keyspace, as effects in the log.
///
/// # Errors
/// A command that puts a key failed; those before it are executed.
pub fn import(core: &mut Core, from: &Replacement, present: Present) -> Result<(), CommandError> {
    if present == Present::Flushed {
        execute(core, DatabaseIndex(0), &[b"FLUSHALL"])?;
        run::record(core, &[b"FUNCTION", b"FLUSH"])?;
    }
    let arriving = from.keyspace();
    for library in arriving.scripts.libraries() {
        run::record(core, &[b"FUNCTION", b"LOAD", b"REPLACE", &library.code])?;
    }
    for (_, body) in arriving.scripts.scripts() {
        run::record(core, &[b"SCRIPT", b"LOAD", body])?;
    }
    for number in 0..arriving.databases_count() {
        let database = DatabaseIndex(number);
        for entry in arriving.iter(database) {
            restore(core, database, entry)?;
        }
    }
    Ok(())
}

fn restore(core: &mut Core, database: DatabaseIndex, entry: &Entry) -> Result<(), CommandError> {
    let mut writer = DumpWriter::new(Compression::Lzf);
    saved::write_value(entry.value(), writer.value()).expect("memory takes every write");
    let payload = writer.finish();
    let ttl = entry.expires_at_ms().unwrap_or(0).to_string();
    let command: &[&[u8]] = &[
        b"RESTORE",
        entry.key(),
        ttl.as_bytes(),
        &payload,
        b"REPLACE",
        b"ABSTTL",
    ];
    execute(core, database, command)
}

/// Executes a command of the engine on the server's own behalf; its reply goes nowhere.
///
/// # Errors
/// The command's own.
pub fn execute(
    core: &mut Core,
    database: DatabaseIndex,
    command: &[&[u8]],
) -> Result<(), CommandError> {
    let registry = std::rc::Rc::clone(&core.registry);
    let name = command.first().copied().unwrap_or_default();
    let Some(Run::Engine(handler)) = registry.command(name).map(|found| found.run) else {
        unreachable!("{name:?} is a command of the engine");
    };
    let mut engine = Engine {
        keyspace: &mut core.keyspace,
        effects: &mut core.replication.effects,
    };
    let mut reply = Reply::new(Protocol::Resp2);
    let outcome = engine.execute(handler, command, 1, database, Caller::default(), &mut reply);
    outcome.error.map_or(Ok(()), Err)
}
