//! RESP2 and RESP3: bytes to commands and replies to bytes. No sockets, no files, no clock.
//!
//! The server feeds what it reads to a [`CommandParser`] and gives handlers a [`Reply`] to write
//! to; the engine writes effects with [`encode_command`] and reads them back with
//! [`read_command`]. Input is hostile: nothing here panics on it, nor allocates more than a small
//! multiple of what was really sent.
//!
//! - `parser`   finds one command after another in a connection's read buffer
//! - `inline`   the quoting rules of commands that were typed by hand
//! - `error`    what makes a connection's input unusable, in Redis's words
//! - `command`  the strict form of a command that effects have in the log
//! - `reply`    writes replies in the shape of the session's protocol
//! - `decimal`  whole numbers and headers as text
//! - `double`   floating point numbers as text

#![deny(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod command;
mod decimal;
mod double;
mod error;
mod inline;
mod parser;
mod reply;

pub use command::{MalformedCommand, encode_command, read_command};
pub use decimal::{DecimalText, parse_i64};
pub use double::DoubleText;
pub use error::ProtocolError;
pub use inline::split_inline;
pub use parser::{Arguments, CommandParser, Limits, Progress, Stage};
pub use reply::{Protocol, Reply};
