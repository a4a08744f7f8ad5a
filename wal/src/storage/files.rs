//! The production disk: files in a directory, written with `fdatasync` or past the page cache.
//!
//! Always holds: with the direct method a write that was aligned is durable when it returns, and `sync`
//! does nothing for it; any other write is covered by the next `sync`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;

use super::{SegmentFile, Storage};
use crate::Method;
use crate::fields::on_disk;
use crate::frame::AlignedBuffer;
use crate::segment::BLOCK;

const LOCK_NAME: &str = "LOCK";
const PROBE_NAME: &str = "probe.tmp";

/// The files of one directory.
pub struct FileStorage {
    directory: PathBuf,
    lock: File,
    method: Method,
}

impl FileStorage {
    /// Opens the directory, making it if needed, and finds out which method it takes.
    ///
    /// # Errors
    /// What the operating system says. A refusal of direct writes is none: `Auto` falls back, and
    /// `Direct` is then refused as `Unsupported`.
    pub fn open(directory: &Path, wanted: Method) -> io::Result<FileStorage> {
        std::fs::create_dir_all(directory)?;
        // The parent is synced too: a log in a directory whose name a crash forgets is a lost log.
        if let Some(parent) = directory
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            File::open(parent)?.sync_all()?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK_NAME))?;
        let takes_direct = wanted != Method::Fdatasync && takes_direct_writes(directory);
        let method = match (wanted, takes_direct) {
            (Method::Direct, false) => return Err(io::ErrorKind::Unsupported.into()),
            (_, true) => Method::Direct,
            (_, false) => Method::Fdatasync,
        };
        Ok(FileStorage {
            directory: directory.to_path_buf(),
            lock,
            method,
        })
    }

    fn segment_file(&self, name: &str, buffered: File) -> io::Result<Arc<dyn SegmentFile>> {
        let direct = match self.method {
            Method::Direct => Some(open_direct(&self.directory.join(name))?),
            Method::Auto | Method::Fdatasync => None,
        };
        Ok(Arc::new(DiskFile {
            buffered,
            direct,
            needs_sync: AtomicBool::new(true),
        }))
    }
}

fn open_direct(path: &Path) -> io::Result<File> {
    let flags = (OFlags::DIRECT | OFlags::DSYNC).bits();
    let flags = i32::try_from(flags).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
    OpenOptions::new()
        .write(true)
        .custom_flags(flags)
        .open(path)
}

/// Some file systems refuse `O_DIRECT` when opening, some only when writing: so write.
fn takes_direct_writes(directory: &Path) -> bool {
    let path = directory.join(PROBE_NAME);
    let attempt = || -> io::Result<()> {
        File::create(&path)?;
        let mut block = AlignedBuffer::with_capacity(BLOCK);
        block.resize(BLOCK);
        open_direct(&path)?.write_all_at(block.as_slice(), 0)
    };
    let taken = attempt().is_ok();
    // A probe that stays behind harms nothing: it is overwritten at the next start.
    let _ = std::fs::remove_file(&path);
    taken
}

impl Storage for FileStorage {
    fn try_lock(&self) -> io::Result<bool> {
        match self.lock.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        let path = self.directory.join(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(path)?;
        self.segment_file(name, file)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.directory.join(name))?;
        self.segment_file(name, file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.directory.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn method(&self) -> Method {
        self.method
    }
}

struct DiskFile {
    buffered: File,
    direct: Option<File>,
    /// Something was written that is not durable by itself. True at first: what an earlier process left
    /// in the page cache is not durable either.
    needs_sync: AtomicBool,
}

impl SegmentFile for DiskFile {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.buffered.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.buffered.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Some(direct) = &self.direct
            && bytes.as_ptr().align_offset(BLOCK) == 0
            && bytes.len().is_multiple_of(BLOCK)
            && offset.is_multiple_of(on_disk(BLOCK))
        {
            return direct.write_all_at(bytes, offset);
        }
        self.needs_sync.store(true, Ordering::Release);
        self.buffered.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        if self.direct.is_none() || self.needs_sync.swap(false, Ordering::AcqRel) {
            self.buffered.sync_data()?;
        }
        Ok(())
    }

    fn will_read(&self, offset: u64, bytes: u64) {
        let advice = rustix::fs::Advice::WillNeed;
        // A file system that ignores the hint is slower and right.
        let _ = rustix::fs::fadvise(&self.buffered, offset, NonZeroU64::new(bytes), advice);
    }
}
