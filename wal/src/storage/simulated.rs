//! A disk in memory that can lose power. For tests, of this crate and of those above it.
//!
//! It keeps what was synced and what was only written apart. `after_crash` makes the disk that a machine
//! finds after losing power now: each unsynced sector and name may be there or not. Always holds: nothing
//! that was synced is ever lost by a crash; `flip_bit` is for that.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{SegmentFile, Storage};
use crate::Method;
use crate::fields::{in_memory, on_disk};

const SECTOR: usize = 512;

/// What a loss of power leaves of the unsynced writes and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Nothing.
    LosesAll,
    /// Everything.
    KeepsAll,
    /// Each sector of each write by chance, the last kept one torn by chance, and some of the names.
    Random(u64),
    /// Everything but the end of the last write, of which only this many bytes are there.
    TearsLastWriteAt(usize),
}

/// Called before each operation that changes the disk, with the disk as it is.
pub type Observer = Arc<dyn Fn(&SimulatedDisk) + Send + Sync>;

/// The disk. Cloning shares it.
#[derive(Clone)]
pub struct SimulatedDisk {
    inner: Arc<Inner>,
}

struct Inner {
    disk: Mutex<Disk>,
    observer: Mutex<Option<Observer>>,
    lock: Mutex<bool>,
}

#[derive(Clone)]
struct Disk {
    files: BTreeMap<u64, Content>,
    next_file: u64,
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
    /// The states of `names` since they were synced; a crash finds one of them.
    unsynced_names: Vec<BTreeMap<String, u64>>,
    method: Method,
    capacity_bytes: u64,
    writes_until_failure: Option<u64>,
    syncs_until_failure: Option<u64>,
    sync_delay: Duration,
}

#[derive(Clone, Default)]
struct Content {
    now: Arc<Vec<u8>>,
    synced: Arc<Vec<u8>>,
    unsynced: Vec<(usize, Arc<Vec<u8>>)>,
}

/// A small generator of chance: equal seeds give equal disks.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // A step of splitmix64, published by Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        in_memory(self.next() % on_disk(limit.max(1)))
    }
}

impl SimulatedDisk {
    /// An empty disk. With `Method::Direct` each write is durable when it returns.
    pub fn new(method: Method) -> Self {
        Self::of(Disk {
            files: BTreeMap::new(),
            next_file: 0,
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            method,
            capacity_bytes: u64::MAX,
            writes_until_failure: None,
            syncs_until_failure: None,
            sync_delay: Duration::ZERO,
        })
    }

    fn of(disk: Disk) -> Self {
        let inner = Inner {
            disk: Mutex::new(disk),
            observer: Mutex::new(None),
            lock: Mutex::new(false),
        };
        SimulatedDisk {
            inner: Arc::new(inner),
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.inner
            .disk
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `observer` before each change from now on.
    pub fn observe(&self, observer: Observer) {
        *self
            .inner
            .observer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    /// A disk of its own with the same content, synced and unsynced.
    pub fn copy(&self) -> SimulatedDisk {
        Self::of(self.disk().clone())
    }

    /// Writes that would grow the files' total beyond this fail.
    pub fn limit_bytes(&self, capacity_bytes: u64) {
        self.disk().capacity_bytes = capacity_bytes;
    }

    /// The sync after `count` more syncs fails, and its bytes are lost, as Linux loses them.
    pub fn fail_sync_after(&self, count: u64) {
        self.disk().syncs_until_failure = Some(count);
    }

    /// Each sync takes this long from now on.
    pub fn delay_syncs(&self, delay: Duration) {
        self.disk().sync_delay = delay;
    }

    /// The write after `count` more writes fails half done.
    pub fn fail_write_after(&self, count: u64) {
        self.disk().writes_until_failure = Some(count);
    }

    /// The disk that is found after losing power now.
    pub fn after_crash(&self, crash: Crash) -> SimulatedDisk {
        let mut disk = self.disk().clone();
        let mut chance = Chance(if let Crash::Random(seed) = crash {
            seed
        } else {
            0
        });
        let mut choices = vec![disk.synced_names.clone()];
        choices.append(&mut disk.unsynced_names);
        let chosen = match crash {
            Crash::LosesAll => 0,
            Crash::KeepsAll | Crash::TearsLastWriteAt(_) => choices.len() - 1,
            Crash::Random(_) => chance.below(choices.len()),
        };
        disk.names = choices.swap_remove(chosen);
        disk.synced_names = disk.names.clone();
        for content in disk.files.values_mut() {
            content.crash(crash, &mut chance);
        }
        disk.writes_until_failure = None;
        disk.syncs_until_failure = None;
        Self::of(disk)
    }

    /// Names and sizes of all files.
    pub fn files(&self) -> Vec<(String, usize)> {
        let disk = self.disk();
        let size = |id| disk.files.get(id).map_or(0, |content| content.now.len());
        disk.names
            .iter()
            .map(|(name, id)| (name.clone(), size(id)))
            .collect()
    }

    /// A file's bytes.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let disk = self.disk();
        let content = disk.names.get(name).and_then(|id| disk.files.get(id));
        content.map_or_else(Vec::new, |content| content.now.to_vec())
    }

    /// Changes bytes behind everyone's back, as rot does.
    pub fn rot(&self, name: &str, offset: usize, change: impl Fn(u8) -> u8, length: usize) {
        let mut disk = self.disk();
        let Some(id) = disk.names.get(name).copied() else {
            return;
        };
        let Some(content) = disk.files.get_mut(&id) else {
            return;
        };
        for bytes in [&mut content.now, &mut content.synced] {
            for byte in Arc::make_mut(bytes).iter_mut().skip(offset).take(length) {
                *byte = change(*byte);
            }
        }
    }

    /// Removes a file behind everyone's back.
    pub fn lose_file(&self, name: &str) {
        let mut disk = self.disk();
        disk.names.remove(name);
        disk.synced_names.remove(name);
    }

    fn announce(&self) {
        let observer = self
            .inner
            .observer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(observer) = observer {
            observer(self);
        }
    }

    fn change_names(&self, change: impl FnOnce(&mut Disk) -> io::Result<()>) -> io::Result<()> {
        self.announce();
        let mut disk = self.disk();
        change(&mut disk)?;
        let names = disk.names.clone();
        disk.unsynced_names.push(names);
        Ok(())
    }

    fn file(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        let id = self
            .disk()
            .names
            .get(name)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            id,
        }))
    }
}

impl Content {
    fn crash(&mut self, crash: Crash, chance: &mut Chance) {
        let mut bytes = self.synced.to_vec();
        let count = self.unsynced.len();
        for (number, (offset, written)) in self.unsynced.drain(..).enumerate() {
            for (index, sector) in written.chunks(SECTOR).enumerate() {
                let before = index * SECTOR;
                let kept = match crash {
                    Crash::LosesAll => 0,
                    Crash::KeepsAll => sector.len(),
                    Crash::Random(_) => match chance.below(5) {
                        0 | 1 => 0,
                        2 => chance.below(sector.len() + 1),
                        _ => sector.len(),
                    },
                    Crash::TearsLastWriteAt(_) if number + 1 < count => sector.len(),
                    Crash::TearsLastWriteAt(at) => at.saturating_sub(before).min(sector.len()),
                };
                put(
                    &mut bytes,
                    offset + before,
                    sector.get(..kept).unwrap_or_default(),
                );
            }
        }
        self.synced = Arc::new(bytes);
        self.now = Arc::clone(&self.synced);
    }

    fn sync(&mut self) {
        self.unsynced.clear();
        self.synced = Arc::clone(&self.now);
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, piece: &[u8]) {
    if piece.is_empty() {
        return;
    }
    if bytes.len() < offset + piece.len() {
        bytes.resize(offset + piece.len(), 0);
    }
    if let Some(place) = bytes.get_mut(offset..offset + piece.len()) {
        place.copy_from_slice(piece);
    }
}

impl Storage for SimulatedDisk {
    fn try_lock(&self) -> io::Result<bool> {
        let mut lock = self
            .inner
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(!std::mem::replace(&mut *lock, true))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        self.change_names(|disk| {
            let id = disk.next_file;
            disk.next_file += 1;
            disk.files.insert(id, Content::default());
            disk.names.insert(name.to_string(), id);
            Ok(())
        })?;
        self.file(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        self.file(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change_names(|disk| {
            let id = disk.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            disk.names.insert(to.to_string(), id);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change_names(|disk| {
            disk.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            Ok(())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.announce();
        let mut disk = self.disk();
        disk.unsynced_names.clear();
        disk.synced_names = disk.names.clone();
        Ok(())
    }

    fn method(&self) -> Method {
        self.disk().method
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    id: u64,
}

impl SimulatedFile {
    fn change<T>(&self, change: impl FnOnce(&mut Content) -> T) -> T {
        change(self.disk.disk().files.entry(self.id).or_default())
    }
}

impl SegmentFile for SimulatedFile {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(on_disk(self.change(|content| content.now.len())))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let now = self.change(|content| Arc::clone(&content.now));
        let offset = in_memory(offset);
        let found = now.get(offset..offset.saturating_add(buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.announce();
        let offset = in_memory(offset);
        let (is_direct, fails) = {
            let mut disk = self.disk.disk();
            let named: Vec<u64> = disk.names.values().copied().collect();
            let used = |id: &u64| disk.files.get(id).map_or(0, |content| content.now.len());
            let used_bytes: usize = named.iter().map(used).sum();
            let grown = (offset + bytes.len()).saturating_sub(used(&self.id));
            if on_disk(used_bytes + grown) > disk.capacity_bytes {
                return Err(io::ErrorKind::StorageFull.into());
            }
            (
                disk.method == Method::Direct,
                count_down(&mut disk.writes_until_failure),
            )
        };
        let bytes = if fails {
            bytes.get(..bytes.len() / 2).unwrap_or_default()
        } else {
            bytes
        };
        self.change(|content| {
            put(Arc::make_mut(&mut content.now), offset, bytes);
            content.unsynced.push((offset, Arc::new(bytes.to_vec())));
        });
        if fails {
            return Err(io::Error::other("simulated write failure"));
        }
        if is_direct {
            self.disk.announce();
            self.change(Content::sync);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.announce();
        let delay = self.disk.disk().sync_delay;
        wait(delay);
        if count_down(&mut self.disk.disk().syncs_until_failure) {
            self.change(|content| content.unsynced.clear());
            return Err(io::Error::other("simulated sync failure"));
        }
        self.change(Content::sync);
        Ok(())
    }
}

/// Sleeps, but not for no time: that gives the processor away, and a busy machine is slow to give it back.
fn wait(delay: Duration) {
    if !delay.is_zero() {
        std::thread::sleep(delay);
    }
}

/// True once, when the count has run out.
fn count_down(left: &mut Option<u64>) -> bool {
    match left {
        None => false,
        Some(0) => {
            *left = None;
            true
        }
        Some(count) => {
            *count -= 1;
            false
        }
    }
}
