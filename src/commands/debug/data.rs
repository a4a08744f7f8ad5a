//! DEBUG on all data at once. What changes them goes through the log; what only takes them through
//! a snapshot and back leaves the log alone, and is checked to leave them as they were.

use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_engine::{CommandError, digest, number};
use holdfast_formats::rdb::Compression;
use tracing::warn;

use crate::core::Core;
use crate::session::Session;
use crate::snapshot::InstallError;
use crate::snapshot::reload::{self, Present};

/// Keys that are removed in one go before a reload.
const EXPIRED_MAX: usize = usize::MAX;

/// DEBUG DIGEST.
pub(super) fn digest(core: &mut Core, session: &mut Session) {
    core.keyspace.observe_all();
    let digest = digest::of_keyspace(&core.keyspace);
    session.out.reply.simple(digest.to_string());
}

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    saves_not: bool,
    flushes_not: bool,
    merges: bool,
}

/// DEBUG RELOAD.
pub(super) fn reload(
    core: &mut Core,
    session: &mut Session,
    words: &[&[u8]],
) -> Result<(), CommandError> {
    let options = read_options(words)?;
    if options.saves_not {
        return load_file(core, session, options);
    }
    // What was saved meets itself: without MERGE each key is there already.
    let is_empty = core.keyspace.is_empty() && core.keyspace.scripts.libraries().len() == 0;
    if options.flushes_not && !options.merges && !is_empty {
        return Err(CommandError::ReloadFailed("the keys exist already".into()));
    }
    load_again(core, session)
}

fn read_options(words: &[&[u8]]) -> Result<Options, CommandError> {
    let mut options = Options::default();
    for word in words {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" => options.saves_not = true,
            b"noflush" => options.flushes_not = true,
            b"merge" => options.merges = true,
            _ => return Err(CommandError::ReloadOption),
        }
    }
    Ok(options)
}

/// Takes all data through an RDB image and back. DEBUG LOADAOF does the same: the log is not read
/// for it, as it may lack what is executed and not committed.
pub(super) fn load_again(core: &mut Core, session: &mut Session) -> Result<(), CommandError> {
    // Loading drops what has expired; here that is an effect like any other.
    let effects = &mut core.replication.effects;
    core.keyspace.expire_due(effects, EXPIRED_MAX);
    let compression = compression(core);
    reload::round_trip(&mut core.keyspace, compression).map_err(failed)?;
    session.need = core.keyspace.dirty.need_of_all();
    session.out.reply.ok();
    Ok(())
}

const fn compression(core: &Core) -> Compression {
    if core.config.rdb_compression {
        Compression::Lzf
    } else {
        Compression::None
    }
}

fn load_file(core: &mut Core, session: &mut Session, options: Options) -> Result<(), CommandError> {
    let path = core.config.dir.join(&core.config.dump_file);
    let replacement = reload::open(&core.keyspace, &path).map_err(failed)?;
    let present = if options.flushes_not {
        Present::Merged
    } else {
        Present::Flushed
    };
    reload::import(core, &replacement, present)?;
    session.need = core.keyspace.dirty.need_of_all();
    session.out.reply.ok();
    Ok(())
}

fn failed(error: InstallError) -> CommandError {
    warn!(%error, "DEBUG RELOAD failed");
    CommandError::ReloadFailed(error.to_string().into())
}

/// DEBUG POPULATE: through the log, unlike in Redis, as nothing here may differ between nodes.
pub(super) fn populate(
    core: &mut Core,
    session: &mut Session,
    options: &[&[u8]],
) -> Result<(), CommandError> {
    let count = options.first().copied().unwrap_or_default();
    let count = number::parse_i64(count).and_then(|count| u64::try_from(count).ok());
    let count = count.ok_or(CommandError::NotPositive)?;
    let prefix = options.get(1).copied().unwrap_or(b"key");
    let size = match options.get(2) {
        None => None,
        Some(size) => {
            let size = number::parse_i64(size).and_then(|size| u64::try_from(size).ok());
            Some(size.ok_or(CommandError::NotPositive)?)
        }
    };
    if size.is_some_and(|size| size > core.keyspace.string_bytes_max) {
        return Err(CommandError::StringTooLong);
    }
    for number in 0..count {
        put(core, session.database, prefix, number, size)?;
    }
    session.need = core.keyspace.dirty.need_of_all();
    session.out.reply.ok();
    Ok(())
}

fn put(
    core: &mut Core,
    database: DatabaseIndex,
    prefix: &[u8],
    number: u64,
    size: Option<u64>,
) -> Result<(), CommandError> {
    let key = [prefix, b":", number.to_string().as_bytes()].concat();
    let mut value = format!("value:{number}").into_bytes();
    if let Some(size) = size
        .and_then(|size| usize::try_from(size).ok())
        .filter(|&size| size > 0)
    {
        value.resize(size, 0);
    }
    reload::execute(core, database, &[b"SET", &key, &value, b"NX"])
}
