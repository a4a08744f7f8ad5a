//! Why a file or payload cannot be read.
//!
//! Returned by the RDB and AOF readers. Every variant names the byte position where reading
//! stopped, so that the server's log and the offline tool can say where to look; the path is the
//! caller's to add, because readers here only see a stream.

/// Why a file or payload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The stream itself failed.
    #[error("reading failed at byte {at}")]
    Io {
        /// How many bytes had been read.
        at: u64,
        /// The stream's error.
        #[source]
        source: std::io::Error,
    },
    /// The stream ended where more had to follow.
    #[error("the file ends at byte {at} where more must follow")]
    Truncated {
        /// Where it ends.
        at: u64,
    },
    /// Bytes that no writer makes.
    #[error("corrupt at byte {at}: {what}")]
    Corrupt {
        /// How far reading had come.
        at: u64,
        /// What was wrong.
        what: &'static str,
    },
    /// The trailer's checksum is not that of the bytes before it.
    #[error("checksum at byte {at} is {stored:016x}, of the bytes before it {computed:016x}")]
    Checksum {
        /// Where the checksum stands.
        at: u64,
        /// What the file says.
        stored: u64,
        /// What its bytes give.
        computed: u64,
    },
    /// Not an RDB file at all.
    #[error("no RDB file: it begins with {found:?}")]
    Magic {
        /// The first nine bytes, as text.
        found: String,
    },
    /// A version that is not known.
    #[error("RDB version {version} is not supported")]
    Version {
        /// What the header says.
        version: u32,
    },
    /// A record or value whose length cannot even be told.
    #[error("unsupported at byte {at}: {what} {code}")]
    Unsupported {
        /// Where it stands.
        at: u64,
        /// Opcode or type.
        what: &'static str,
        /// Its number.
        code: u8,
    },
    /// Whoever built the value did not accept it.
    #[error("refused at byte {at}: {reason}")]
    Refused {
        /// How far reading had come.
        at: u64,
        /// The builder's reason.
        reason: &'static str,
    },
}
