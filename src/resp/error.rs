//! What makes a connection's input unusable, in Redis's words.
//!
//! The parser gives it, the server answers it and closes the connection: after such an error
//! nobody knows where the next command would begin.

use thiserror::Error;

use crate::Reply;

/// Input that no further command can be read from. Its text is Redis's, without the `ERR` before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// A typed command without an end within the limit.
    #[error("Protocol error: too big inline request")]
    InlineTooBig,
    /// A typed command in which a quotation is not closed, or closes in the middle of a word.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// The count of arguments has no end within the limit.
    #[error("Protocol error: too big mbulk count string")]
    CountTooLong,
    /// The count of arguments is not a number, or above the limit.
    #[error("Protocol error: invalid multibulk length")]
    CountInvalid,
    /// More arguments than a client may send before it has authenticated.
    #[error("Protocol error: unauthenticated multibulk length")]
    CountUnauthenticated,
    /// The length of an argument has no end within the limit.
    #[error("Protocol error: too big bulk count string")]
    LengthTooLong,
    /// Something else stands where an argument should begin.
    #[error("Protocol error: expected '$', got '{}'", printable(*.got))]
    DollarExpected {
        /// The byte that was found.
        got: u8,
    },
    /// The length of an argument is not a number, negative, or above the limit.
    #[error("Protocol error: invalid bulk length")]
    LengthInvalid,
    /// A longer argument than a client may send before it has authenticated.
    #[error("Protocol error: unauthenticated bulk length")]
    LengthUnauthenticated,
}

impl ProtocolError {
    /// Writes the error that the client gets before its connection closes.
    pub fn write_to(&self, reply: &mut Reply) {
        match *self {
            // The byte goes back as it came, which text cannot do.
            Self::DollarExpected { got } => {
                reply
                    .error([b"ERR Protocol error: expected '$', got '", &[got][..], b"'"].concat());
            }
            _ => reply.error(format!("ERR {self}")),
        }
    }
}

/// A byte for a log line: line ends are blanks, as on the wire.
fn printable(byte: u8) -> char {
    match byte {
        b'\r' | b'\n' => ' ',
        byte if byte.is_ascii() => char::from(byte),
        _ => char::REPLACEMENT_CHARACTER,
    }
}
