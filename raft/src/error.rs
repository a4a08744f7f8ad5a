//! Errors at the crate's boundary. A variant exists because the server acts on it.

use std::io;
use std::sync::Arc;

use thiserror::Error;

/// Why the Raft node could not start, or why it died.
///
/// After [`Event::Failed`](crate::Event::Failed) carries one of these nothing more is committed: the process must stop.
#[derive(Clone, Debug, Error)]
pub enum RaftError {
    /// The log could not be opened, read or written. A failed write or sync is final.
    #[error("the log failed while {action}: {source}")]
    Log {
        /// What was being done.
        action: &'static str,
        /// The log's own error, or the operating system's.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A log entry, a vote or a membership is stored in a form that this version does not know.
    #[error("stored {what} cannot be decoded: {reason}")]
    Decode {
        /// Which item.
        what: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// The options contradict each other or the directory.
    #[error("invalid options: {0}")]
    Options(String),
    /// The entry was purged, or is not committed yet.
    #[error("entry {index} is not in the log")]
    NotInLog {
        /// The index asked for.
        index: u64,
    },
    /// The operating system refused a thread or a runtime.
    #[error("cannot start the raft thread: {0}")]
    Thread(#[source] Arc<io::Error>),
    /// openraft stopped by itself: a broken invariant or a storage error that it met.
    #[error("raft stopped: {0}")]
    Fatal(String),
}

/// Why a proposal was not taken. Nothing was appended and no event follows for its token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProposeError {
    /// The queue of proposals is full; the caller holds its batch and tries again after the next event.
    #[error("too many proposals are waiting")]
    Full,
    /// The node has been shut down or has failed.
    #[error("raft has stopped")]
    Stopped,
}
