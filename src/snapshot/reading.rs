//! Reads snapshots: at start, for a roll-back, and to see whether one that was written counts.
//!
//! What always holds: a snapshot is taken as a whole or not at all; anything in it that this version
//! does not keep is a reason to refuse it, for it stands for the log.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_engine::digest::{self, Digest};
use holdfast_engine::keyspace::{DatabaseIndex, Replacement};
use holdfast_engine::saved::ValueBuilder;
use holdfast_engine::scripts::ScriptStore;
use holdfast_engine::value::Value;
use holdfast_engine::values::encodings::Encodings;
use holdfast_formats::rdb::{BlockMark, Checksum, Content, KeyRecord, RdbReader, Record};

use super::place::{Fields, Place, Sum};
use super::{InstallError, SCRIPT_FIELD, locating};

/// How far a load is, for INFO and the log.
#[derive(Debug, Default)]
pub struct LoadProgress {
    /// Size of the file; 0 while none is read.
    pub total_bytes: AtomicU64,
    /// Bytes read.
    pub read_bytes: AtomicU64,
    /// Keys read.
    pub keys_count: AtomicU64,
}

/// A stream whose position others can see.
struct Watched<'p, R> {
    stream: R,
    progress: &'p LoadProgress,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(into)?;
        self.progress
            .read_bytes
            .fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Reads the snapshot at `path` into `into`.
///
/// # Errors
/// It is damaged, incomplete, or of another log; `into` is of no further use then.
pub fn load(
    path: &Path,
    encodings: &Encodings,
    log_id: [u8; 16],
    progress: &Arc<LoadProgress>,
    mut into: Replacement,
) -> Result<(Replacement, Place), InstallError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    progress.total_bytes.store(size, Ordering::Relaxed);
    progress.read_bytes.store(0, Ordering::Relaxed);
    progress.keys_count.store(0, Ordering::Relaxed);
    let watched = Watched {
        stream: file,
        progress,
    };
    let read = read_all(watched, size, encodings, |database, record, value| {
        progress.keys_count.fetch_add(1, Ordering::Relaxed);
        super::put(&mut into, database, record, value)
    })
    .map_err(|error| located(path, error))?;
    if read.place.log_id != log_id {
        return Err(InstallError::Field("hf-log-id"));
    }
    if read.place.hash_seed != encodings.seed.0 {
        return Err(InstallError::Field("hf-hash-seed"));
    }
    into.put_scripts(read.scripts);
    Ok((into, read.place))
}

/// The error with the place of the damage, where the file's marks show it.
fn located(path: &Path, error: InstallError) -> InstallError {
    let is_damage = matches!(
        error,
        InstallError::Format(_)
            | InstallError::Mark { .. }
            | InstallError::NoChecksum
            | InstallError::Count { .. }
    );
    if !is_damage {
        return error;
    }
    match File::open(path).and_then(locating::first_damage) {
        Ok(damage) => InstallError::Damaged {
            start: damage.start,
            end: damage.end,
            source: Box::new(error),
        },
        Err(_) => error,
    }
}

/// Reads a file back that was just written, and compares it with what was meant.
///
/// # Errors
/// It is not that.
pub(super) fn verify(
    path: &Path,
    encodings: &Encodings,
    place: &Place,
    sum: &Sum,
    scripts: &ScriptStore,
) -> Result<(), InstallError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut digest = Digest::default();
    let read = read_all(file, size, encodings, |database, record, value| {
        let database = DatabaseIndex(u32::try_from(database).unwrap_or(u32::MAX));
        let value = digest::of_value(value.as_ref());
        let key = digest::of_key(database, &record.key, record.expires_at_ms, value);
        digest = digest.plus(key);
        Ok(())
    })?;
    if digest.to_string() != sum.digest {
        return Err(InstallError::Differs {
            expected: sum.digest.clone(),
            found: digest.to_string(),
        });
    }
    if read.place != *place {
        return Err(InstallError::Field("hf-position"));
    }
    if read.sum != *sum {
        return Err(InstallError::Field("hf-digest"));
    }
    if !read.scripts.holds_the_same(scripts) {
        return Err(InstallError::Field("lua"));
    }
    Ok(())
}

/// What a whole file says of itself.
struct ReadFile {
    place: Place,
    sum: Sum,
    scripts: ScriptStore,
}

fn read_all<R: Read>(
    stream: R,
    size: u64,
    encodings: &Encodings,
    mut each: impl FnMut(u64, &KeyRecord, Value) -> Result<(), InstallError>,
) -> Result<ReadFile, InstallError> {
    let mut reader = RdbReader::new(stream, Some(size))?;
    let mut fields = Fields::default();
    let mut blocks = Blocks::default();
    let mut scripts = ScriptStore::default();
    let (mut database, mut keys_count) = (0, 0);
    loop {
        let before = reader.position();
        let Some(record) = reader.next_record()? else {
            break;
        };
        match record {
            Record::SelectDb(number) => database = number,
            Record::ResizeDb { .. } => {}
            Record::Aux { name, value } if name == BlockMark::NAME => {
                blocks.check(&value, before, keys_count, reader.position())?;
            }
            Record::Aux { name, value } if name == SCRIPT_FIELD => {
                scripts.put_script(&value);
            }
            Record::Function(code) => {
                scripts.put_library(&code).ok_or(InstallError::Library)?;
            }
            Record::Aux { name, value } => fields.take(name, value),
            Record::Key(record) => {
                let mut builder = ValueBuilder::new(encodings);
                let name = || InstallError::NoValue(String::from_utf8_lossy(&record.key).into());
                if reader.read_value(&mut builder)? != Content::Some {
                    return Err(name());
                }
                let value = builder.finish().ok_or_else(name)?;
                keys_count += 1;
                each(database, &record, value)?;
            }
            Record::SlotInfo { .. } | Record::ModuleAux { .. } | Record::NotKept(_) => {
                return Err(InstallError::NotKept { at: before });
            }
        }
    }
    if reader.checksum() != Some(Checksum::Verified) {
        return Err(InstallError::NoChecksum);
    }
    if reader.position() != size {
        return Err(InstallError::Behind {
            at: reader.position(),
            size,
        });
    }
    let read = ReadFile {
        place: Place::of(&fields)?,
        sum: Sum::of(&fields)?,
        scripts,
    };
    if read.sum.keys_count != keys_count {
        return Err(InstallError::Count {
            expected: read.sum.keys_count,
            found: keys_count,
        });
    }
    Ok(read)
}

/// Whether the marks of a file say what is there.
#[derive(Debug, Default)]
struct Blocks {
    start: u64,
    keys_count: u64,
}

impl Blocks {
    fn check(
        &mut self,
        value: &[u8],
        at: u64,
        keys_count: u64,
        end: u64,
    ) -> Result<(), InstallError> {
        let right = BlockMark::decode(value).is_some_and(|mark| {
            mark.start == self.start
                && mark.start.checked_add(mark.length) == Some(at)
                && self.keys_count.checked_add(mark.keys) == Some(keys_count)
        });
        *self = Self {
            start: end,
            keys_count,
        };
        right.then_some(()).ok_or(InstallError::Mark { at })
    }
}
