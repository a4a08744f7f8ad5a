//! What can go wrong with the log, and what each means to a caller.

use std::io;
use std::sync::Arc;

use crate::{GroupId, Lsn};

/// Why the log refused. Clone is cheap: a failed log gives the same error to everyone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WalError {
    /// Another process has this directory open. Nothing was touched.
    #[error("the log in {directory} is locked by another process")]
    Locked {
        /// The directory that is locked.
        directory: String,
    },
    /// There is no log here and the caller said that there must be one. Starting empty would
    /// forget votes and acknowledged entries.
    #[error("there is no log in {directory}, and one was expected")]
    Missing {
        /// The directory that was looked at.
        directory: String,
    },
    /// The files belong to another log (another node's, or another cluster's).
    #[error("{file} belongs to log {found}, expected {expected}")]
    WrongLog {
        /// The segment file.
        file: String,
        /// The id that the caller gave, in hexadecimal.
        expected: String,
        /// The id in the file's header, in hexadecimal.
        found: String,
    },
    /// Bytes that had been reported durable are damaged. Nothing was changed on disk. The node must
    /// not start from this log.
    #[error("{file} is damaged at byte {offset}: {what}: expected {expected}, found {found}")]
    Corrupt {
        /// The segment file.
        file: String,
        /// Byte position in that file.
        offset: u64,
        /// What was looked at.
        what: &'static str,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A file operation failed.
    #[error("{action} {file}: {source}")]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file or directory.
        file: String,
        /// The operating system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// Entries must follow the group's last entry without a hole, and terms never go back.
    #[error("{group}: entry {found} does not follow, expected index {expected}")]
    OutOfOrder {
        /// The group.
        group: GroupId,
        /// The index that was due.
        expected: u64,
        /// The index that was given.
        found: u64,
    },
    /// The entry was purged; only a snapshot holds its effects.
    #[error("{group}: entry {index} was purged, the log starts after {purged}")]
    Purged {
        /// The group.
        group: GroupId,
        /// The index asked for.
        index: u64,
        /// The last purged index.
        purged: u64,
    },
    /// The payload is larger than a record may be.
    #[error("a payload of {found} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// Bytes given.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// An option has a value that cannot work.
    #[error("option {option}: {reason}")]
    BadOption {
        /// Name of the field.
        option: &'static str,
        /// What it must be.
        reason: String,
    },
    /// A write or sync failed before: nothing can be promised any more, the process must end.
    #[error("the log has failed: {reason}")]
    Failed {
        /// The failure that ended it.
        reason: String,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// A position lies outside the log's files; a bug or damage.
    #[error("{0} is outside the log")]
    OutsideLog(Lsn),
}

impl WalError {
    /// Wraps a failed file operation with what was being done, and to which file.
    pub(crate) fn io(action: &'static str, file: impl Into<String>, source: io::Error) -> Self {
        WalError::Io {
            action,
            file: file.into(),
            source: Arc::new(source),
        }
    }
}
