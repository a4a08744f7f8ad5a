//! The words of this crate: groups, entries, positions, and what a caller can ask about the log.
//!
//! Called by everything. Values only: nothing here touches a file or a lock.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// One of the independent logs that share this write-ahead log (a Raft group).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u16);

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group {}", self.0)
    }
}

/// What an entry is to the caller. The log stores and returns it, and never looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EntryKind(pub u8);

/// One entry of a group's log. Cloning shares the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Place in the group's log; the log has no holes.
    pub index: u64,
    /// The term that the entry was proposed in.
    pub term: u64,
    /// The caller's own mark.
    pub kind: EntryKind,
    /// The caller's bytes.
    pub payload: Bytes,
}

/// Names one entry of a group: its index, and the term that tells two entries of one index apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// Place in the group's log.
    pub index: u64,
    /// Term of the entry at that place.
    pub term: u64,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.index)
    }
}

/// A position in the stream of all bytes ever logged, segment headers not counted. It only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lsn {}", self.0)
    }
}

/// Called by the writer thread when what it was given with is durable. It must be short and must
/// not call back into the log's `close`.
pub type Synced = Box<dyn FnOnce() + Send>;

/// What one group's log holds at this moment (appended, not necessarily durable yet).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The last purged entry; the log starts after it.
    pub purged: Option<LogPosition>,
    /// The last entry, or `purged` if everything was purged.
    pub last: Option<LogPosition>,
    /// The bytes last given to `save_state`.
    pub state: Option<Bytes>,
    /// The bytes last given to `hint_committed`; after a restart possibly older ones.
    pub committed_hint: Option<Bytes>,
}

/// How bytes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// `Direct` where the file system takes it, else `Fdatasync`.
    #[default]
    Auto,
    /// Buffered writes followed by `fdatasync`.
    Fdatasync,
    /// Aligned writes past the page cache (`O_DIRECT`) that return once durable (`O_DSYNC`).
    Direct,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Auto => "auto",
            Method::Fdatasync => "fdatasync",
            Method::Direct => "direct",
        })
    }
}

/// How much room is prepared for writes to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Spare segments beyond the reserve are ready.
    Plenty,
    /// Only the reserve is ready, and more is being prepared.
    Low,
    /// Only the reserve is left and no more could be prepared (disk full): refuse clients' writes.
    ReserveOnly,
}

/// Counters since the log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalStats {
    /// Bytes written to segment files, frame padding and headers included.
    pub written_bytes: u64,
    /// Group commits made durable.
    pub syncs_count: u64,
    /// Records written, of every type.
    pub records_count: u64,
    /// Time from the start of the last write to its being durable.
    pub sync_last: Duration,
    /// The longest such time.
    pub sync_max: Duration,
    /// Their moving average, the newest counting one eighth.
    pub sync_average: Duration,
    /// Segments that hold a part of the log.
    pub segments_count: usize,
    /// Segments that are prepared for use.
    pub spares_count: usize,
    /// Bytes of all segment files, spares included.
    pub disk_bytes: u64,
    /// Bytes of entries held in memory for readers.
    pub tail_bytes: usize,
    /// End of the stream that is durable.
    pub durable_through: Lsn,
    /// The write method in use; never `Auto`.
    pub method: Method,
}

/// What opening the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Every group that has ever written, with its bounds, in order.
    pub groups: Vec<(GroupId, Bounds)>,
    /// Frames replayed.
    pub frames_count: u64,
    /// Records replayed.
    pub records_count: u64,
    /// Segments that hold a part of the log.
    pub segments_count: usize,
    /// A torn tail that was cut off, if there was one.
    pub cut: Option<Cut>,
    /// Time that it took.
    pub took: Duration,
}

/// A torn tail: bytes past everything that was ever reported durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Segment file in which the cut begins.
    pub file: String,
    /// Byte position in that file.
    pub offset: u64,
    /// What was wrong there.
    pub reason: String,
}
