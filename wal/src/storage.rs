//! What the log needs from a disk, as a trait, so that tests can swap the disk.
//!
//! Names are relative to the log's directory. Always meant: a write is durable after the file's next
//! `sync`, a name (made, renamed, removed) after the next `sync_names`, and nothing earlier.

use std::io;
use std::sync::Arc;

use crate::Method;

mod files;
#[cfg(any(test, feature = "lossy-disk"))]
mod lossy;
#[cfg(any(test, feature = "simulated-disk"))]
mod simulated;

pub use files::FileStorage;
#[cfg(any(test, feature = "lossy-disk"))]
pub use lossy::{LossyOptions, LossyStorage};
#[cfg(any(test, feature = "simulated-disk"))]
pub use simulated::{Crash, Observer, SimulatedDisk};

/// A directory of segment files.
pub trait Storage: Send + Sync + 'static {
    /// Keeps other processes out for as long as this value lives; false if one is in already.
    fn try_lock(&self) -> io::Result<bool>;
    /// All file names.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes an empty file, in place of one that has the name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>>;
    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Arc<dyn SegmentFile>>;
    /// Gives a file a new name, in place of one that has the name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes all names durable.
    fn sync_names(&self) -> io::Result<()>;
    /// The write method in use; never `Auto`.
    fn method(&self) -> Method;
}

/// One open file. Handles stay usable when the file is renamed or removed.
pub trait SegmentFile: Send + Sync {
    /// Its size.
    fn size_bytes(&self) -> io::Result<u64>;
    /// Fills `buffer` from `offset`; an error if the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes all earlier writes and the size durable.
    fn sync(&self) -> io::Result<()>;
    /// A hint that this range will be read soon; may do nothing.
    fn will_read(&self, _offset: u64, _bytes: u64) {}
}
