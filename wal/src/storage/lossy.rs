//! Real files whose unsynced bytes and names die with the process: the disk of the fault-injection build.
//!
//! A kill then acts like a power cut. Writes wait in memory until the file is synced, names until the
//! names are; on the way some sectors of an unsynced write reach the file early, as a page cache that
//! writes back would do, so that a kill also tears. It can be told to lie about syncs: an audit that does
//! not notice that is worth nothing. Never part of a release build.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{FileStorage, SegmentFile, Storage};
use crate::Method;
use crate::fields::{in_memory, on_disk};

const SECTOR: usize = 512;

/// A file is called this until its name is synced.
const UNSYNCED_SUFFIX: &str = ".unsynced.tmp";

/// How the disk misbehaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossyOptions {
    /// Syncs return at once and make nothing durable: what a build without fsync would do.
    pub syncs_lie: bool,
    /// Each sync takes this much longer.
    pub sync_delay: Duration,
    /// One in so many sectors reaches the file before it is synced; 0 for none.
    pub tear_one_in: u64,
    /// Where chance starts.
    pub seed: u64,
}

impl LossyOptions {
    /// Reads `HOLDFAST_LOSSY_LIE` (1), `HOLDFAST_LOSSY_DELAY_US`, `HOLDFAST_LOSSY_TEAR_ONE_IN` and
    /// `HOLDFAST_LOSSY_SEED`; what is not set, or not a number, is off.
    pub fn from_environment() -> Self {
        let number = |name: &str| -> u64 {
            std::env::var(name)
                .ok()
                .and_then(|value| value.parse().ok())
                .unwrap_or(0)
        };
        LossyOptions {
            syncs_lie: number("HOLDFAST_LOSSY_LIE") == 1,
            sync_delay: Duration::from_micros(number("HOLDFAST_LOSSY_DELAY_US")),
            tear_one_in: number("HOLDFAST_LOSSY_TEAR_ONE_IN"),
            seed: number("HOLDFAST_LOSSY_SEED"),
        }
    }
}

impl LossyOptions {
    /// Sleeps for `sync_delay`, but not for no time: that gives the processor away.
    fn wait(&self) {
        if !self.sync_delay.is_zero() {
            std::thread::sleep(self.sync_delay);
        }
    }
}

/// The files of one directory, through a cache that forgets.
pub struct LossyStorage {
    files: FileStorage,
    options: LossyOptions,
    names: Mutex<Names>,
}

/// What was done to names since they were synced.
#[derive(Default)]
struct Names {
    /// The name that a file is known by, and the one that it has on disk.
    moved: BTreeMap<String, String>,
    /// Names on disk that are gone for everyone but a crash.
    removed: Vec<String>,
}

impl LossyStorage {
    /// Opens the directory. Files whose names an earlier process did not sync are gone.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(directory: &Path, options: LossyOptions) -> io::Result<LossyStorage> {
        // Buffered files: a direct write would be durable by itself, and nothing could be lost.
        let files = FileStorage::open(directory, Method::Fdatasync)?;
        Ok(LossyStorage {
            files,
            options,
            names: Mutex::default(),
        })
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrap(&self, file: Arc<dyn SegmentFile>) -> io::Result<Arc<dyn SegmentFile>> {
        let size_bytes = in_memory(file.size_bytes()?);
        let cache = Cache {
            size_bytes,
            sectors: BTreeMap::new(),
            chance: self.options.seed,
        };
        Ok(Arc::new(LossyFile {
            file,
            options: self.options,
            cache: Mutex::new(cache),
        }))
    }
}

impl Storage for LossyStorage {
    fn try_lock(&self) -> io::Result<bool> {
        self.files.try_lock()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = self.names();
        let mut list = self.files.list()?;
        list.retain(|name| {
            !names.removed.contains(name) && !names.moved.values().any(|on_disk| on_disk == name)
        });
        list.extend(names.moved.keys().cloned());
        Ok(list)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        let on_disk = format!("{name}{UNSYNCED_SUFFIX}");
        let file = self.files.create(&on_disk)?;
        self.names().moved.insert(name.to_string(), on_disk);
        self.wrap(file)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        let on_disk = self.names().moved.get(name).cloned();
        let file = self.files.open(on_disk.as_deref().unwrap_or(name))?;
        self.wrap(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut names = self.names();
        let on_disk = match names.moved.remove(from) {
            Some(on_disk) => on_disk,
            None => {
                self.files.open(from)?;
                from.to_string()
            }
        };
        names.moved.insert(to.to_string(), on_disk);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut names = self.names();
        let on_disk = names.moved.remove(name).unwrap_or_else(|| name.to_string());
        names.removed.push(on_disk);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.options.wait();
        if self.options.syncs_lie {
            return Ok(());
        }
        let mut names = self.names();
        for on_disk in std::mem::take(&mut names.removed) {
            self.files.remove(&on_disk)?;
        }
        for (name, on_disk) in std::mem::take(&mut names.moved) {
            self.files.rename(&on_disk, &name)?;
        }
        self.files.sync_names()
    }

    fn method(&self) -> Method {
        Method::Fdatasync
    }
}

struct LossyFile {
    file: Arc<dyn SegmentFile>,
    options: LossyOptions,
    cache: Mutex<Cache>,
}

/// Unsynced sectors by their number.
struct Cache {
    size_bytes: usize,
    sectors: BTreeMap<usize, Vec<u8>>,
    chance: u64,
}

impl Cache {
    fn one_in(&mut self, count: u64) -> bool {
        // A linear congruential step; its high bits are good enough to choose sectors.
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99_991);
        count > 0 && (self.chance >> 33).is_multiple_of(count)
    }
}

impl LossyFile {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a sector holds now, by cache or by file.
    fn sector(&self, cache: &Cache, number: usize) -> io::Result<Vec<u8>> {
        if let Some(sector) = cache.sectors.get(&number) {
            return Ok(sector.clone());
        }
        let mut sector = vec![0; SECTOR];
        let offset = number * SECTOR;
        let there = in_memory(self.file.size_bytes()?)
            .saturating_sub(offset)
            .min(SECTOR);
        self.file
            .read_at(sector.get_mut(..there).unwrap_or_default(), on_disk(offset))?;
        Ok(sector)
    }

    /// Writes a sector to the file, no further than the file reaches for everyone.
    fn write_back(&self, cache: &Cache, number: usize, sector: &[u8]) -> io::Result<()> {
        let offset = number * SECTOR;
        let length = cache.size_bytes.saturating_sub(offset).min(SECTOR);
        self.file
            .write_at(sector.get(..length).unwrap_or_default(), on_disk(offset))
    }
}

/// The sectors that a range of bytes touches, and what part of each.
fn sectors_of(offset: usize, length: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let end = offset + length;
    (offset / SECTOR..end.div_ceil(SECTOR)).map(move |number| {
        let start = number * SECTOR;
        (
            number,
            offset.max(start) - start,
            end.min(start + SECTOR) - start,
        )
    })
}

impl SegmentFile for LossyFile {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(on_disk(self.cache().size_bytes))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let cache = self.cache();
        let offset = in_memory(offset);
        if offset.saturating_add(buffer.len()) > cache.size_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if cache.sectors.is_empty() {
            return self.file.read_at(buffer, on_disk(offset));
        }
        let mut rest = buffer;
        for (number, from, to) in sectors_of(offset, rest.len()) {
            let sector = self.sector(&cache, number)?;
            let (piece, behind) = rest.split_at_mut(to - from);
            piece.copy_from_slice(sector.get(from..to).unwrap_or_default());
            rest = behind;
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut cache = self.cache();
        let offset = in_memory(offset);
        cache.size_bytes = cache.size_bytes.max(offset + bytes.len());
        let mut rest = bytes;
        for (number, from, to) in sectors_of(offset, bytes.len()) {
            let mut sector = self.sector(&cache, number)?;
            let (piece, behind) = rest.split_at(to - from);
            if let Some(place) = sector.get_mut(from..to) {
                place.copy_from_slice(piece);
            }
            rest = behind;
            if cache.one_in(self.options.tear_one_in) {
                self.write_back(&cache, number, &sector)?;
            }
            cache.sectors.insert(number, sector);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.options.wait();
        if self.options.syncs_lie {
            return Ok(());
        }
        let mut cache = self.cache();
        for (number, sector) in std::mem::take(&mut cache.sectors) {
            self.write_back(&cache, number, &sector)?;
        }
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, EntryKind, GroupId, Wal, WalOptions};

    fn append(wal: &Wal, index: u64) {
        let payload = vec![7; 2000].into();
        let entry = Entry {
            index,
            term: 1,
            kind: EntryKind(0),
            payload,
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let on_synced = Box::new(move || sender.send(()).expect("the test waits"));
        wal.append(GroupId(0), vec![entry], on_synced)
            .expect("the log is open");
        receiver.recv().expect("durable");
    }

    /// What is on disk after this process is killed now is what is on disk now: a second look at the
    /// files, without the cache, is the crash.
    fn indexes_after_kill(lossy: LossyOptions) -> Option<u64> {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let mut options = WalOptions::new(directory.path().join("wal"), [3; 16]);
        options.segment_bytes = 32 << 10;
        let storage = LossyStorage::open(&options.directory, lossy).expect("opens");
        let (wal, _) = Wal::open_on(options.clone(), storage).expect("an empty directory");
        for index in 1..=30 {
            append(&wal, index);
        }
        let copy = directory.path().join("copy");
        std::fs::create_dir(&copy).expect("the directory is writable");
        for file in std::fs::read_dir(&options.directory).expect("exists") {
            let file = file.expect("readable");
            // A file may be renamed by the keeper between the listing and the copy.
            let _ = std::fs::copy(file.path(), copy.join(file.file_name()));
        }
        wal.close().expect("nothing failed");
        options.directory = copy;
        let (wal, _) = Wal::open(options).expect("recovers");
        wal.bounds(GroupId(0)).last.map(|last| last.index)
    }

    #[test]
    fn what_was_synced_survives_a_kill_and_what_was_lied_about_does_not() {
        for tear_one_in in [0, 3] {
            let honest = LossyOptions {
                tear_one_in,
                ..LossyOptions::default()
            };
            assert_eq!(indexes_after_kill(honest), Some(30));
            let lying = LossyOptions {
                syncs_lie: true,
                ..honest
            };
            assert_ne!(indexes_after_kill(lying), Some(30));
        }
    }
}
