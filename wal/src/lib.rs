//! The write-ahead log: opaque records in segment files, made durable in groups.
//!
//! Knows neither Raft nor Redis. Several logs ("groups") share one stream of frames; a frame is one group
//! commit. What was reported durable is found again after any crash, or the log refuses to open.
//!
//! | file | holds |
//! |---|---|
//! | `wal` | the handle; `options`, `types`, `error` are its words |
//! | `state` | what callers and writer share; `group_log` one group as its callers see it |
//! | `writer` | the thread that makes frames durable; `keeper` the one that prepares segments |
//! | `reader` | reads what is not in memory any more |
//! | `recovery` | opens, decides about the end, cuts; `replay` applies records, `disk_log` keeps them |
//! | `scan` | reads files and reports, never repairs; `segments` the files as one stream |
//! | `frame`, `record`, `segment`, `fields` | the bytes |
//! | `storage` | what is needed from a disk, and the disks |

#[cfg(test)]
mod crash_tests;
mod disk_log;
mod error;
mod fields;
mod frame;
mod group_log;
mod keeper;
mod options;
mod reader;
mod record;
mod recovery;
mod replay;
pub mod scan;
mod segment;
mod segments;
mod state;
pub mod storage;
mod types;
mod wal;
mod writer;

pub use error::WalError;
pub use frame::{Chain, Fault, FrameHeader};
pub use options::{Create, Failure, WalOptions};
pub use record::{Checkpoint, PAYLOAD_BYTES_MAX, Record};
pub use segment::SegmentHeader;
pub use segments::Frame;
pub use types::{
    Bounds, Cut, Entry, EntryKind, GroupId, LogPosition, Lsn, Method, Recovery, Space, Synced,
    WalStats,
};
pub use wal::Wal;
