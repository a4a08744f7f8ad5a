//! How to open a log, and what happens when it fails.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::segment::HEADER_BYTES;
use crate::{Method, WalError};

/// May opening create a log where there is none?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    /// Start an empty log.
    #[default]
    IfMissing,
    /// Refuse: this node had a log before.
    Never,
}

/// What to do when a write or sync fails. There is no third way: the log never goes on after it.
#[derive(Clone, Default)]
pub enum Failure {
    /// Print a last message and abort the process. The page cache may have dropped our bytes and
    /// marked them clean, so nothing that this process believes about its disk holds any more.
    #[default]
    Abort,
    /// Tell a test, and refuse every call from then on.
    Call(Arc<dyn Fn(&WalError) + Send + Sync>),
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Abort => "Abort",
            Failure::Call(_) => "Call",
        })
    }
}

/// Settings of a log. Sizes may differ from those that existing segments were made with.
#[derive(Debug, Clone)]
pub struct WalOptions {
    /// Directory of the segment files; made if missing.
    pub directory: PathBuf,
    /// Identity of this log, checked against every segment header. Random, kept by the caller.
    pub log_id: [u8; 16],
    /// Whether an empty log may be started.
    pub create: Create,
    /// How bytes reach the disk.
    pub method: Method,
    /// Size of a segment file: a multiple of 4096, at least 8192.
    pub segment_bytes: u64,
    /// Spare segments kept ready beyond the reserve.
    pub spares_count: usize,
    /// Spare segments that only the writes which free space may use.
    pub reserve_count: usize,
    /// Entries kept in memory for readers, in bytes. Entries that are not durable stay regardless.
    pub tail_bytes_max: usize,
    /// A group commit is closed at this size; one larger record makes one larger frame.
    pub frame_bytes_max: usize,
    /// Payloads of at least this size are compressed when that saves an eighth. `None`: never.
    pub compress_from_bytes: Option<usize>,
    /// An idle log writes a seal this long after its last frame. At most 50 ms in production.
    pub seal_after: Duration,
    /// What to do when a write or sync fails.
    pub failure: Failure,
}

impl WalOptions {
    /// The defaults for a log in `directory` with the identity `log_id`.
    pub fn new(directory: impl Into<PathBuf>, log_id: [u8; 16]) -> Self {
        WalOptions {
            directory: directory.into(),
            log_id,
            create: Create::IfMissing,
            method: Method::Auto,
            segment_bytes: 64 << 20,
            spares_count: 2,
            reserve_count: 2,
            tail_bytes_max: 8 << 20,
            frame_bytes_max: 4 << 20,
            compress_from_bytes: None,
            seal_after: Duration::from_millis(30),
            failure: Failure::Abort,
        }
    }

    /// Refuses values that cannot work.
    pub(crate) fn check(&self) -> Result<(), WalError> {
        let bad = |option, reason: String| Err(WalError::BadOption { option, reason });
        if !self.segment_bytes.is_multiple_of(HEADER_BYTES) || self.segment_bytes < 2 * HEADER_BYTES
        {
            return bad(
                "segment_bytes",
                format!("must be a multiple of {HEADER_BYTES}, at least two of them"),
            );
        }
        if self.segment_bytes > 1 << 40 {
            return bad("segment_bytes", "must be at most 1 TiB".to_string());
        }
        if self.frame_bytes_max > 4 << 20 {
            return bad("frame_bytes_max", "must be at most 4 MiB".to_string());
        }
        Ok(())
    }
}
