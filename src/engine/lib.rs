//! Holdfast's engine: the keyspace, the values in it, the commands on them, and the effects that
//! replicas need. No sockets, files, threads, clocks: time and randomness are passed in.
//!
//! - `command`, `args`, `error` what a command is, its arguments, its errors
//! - `commands/` the handlers, one file a family
//! - `context`, `execute` what handlers work with, and what runs them
//! - `effects`, `replay` what a batch holds, and its execution from the log
//! - `keyspace/` databases, expiry, eviction, what is dirty, who waits for what
//! - `values/` strings, lists, hashes, sets, sorted sets, streams; bits, HyperLogLogs and places in them
//! - `table/`, `packed`, `hashing` what they are made of
//! - `notify` keyspace notifications · `number` numbers in commands · `pattern` glob patterns
//! - `scripts` loaded scripts and function libraries
//! - `digest` what replicas compare · `saved` values as RDB has them · `captured` keys for a snapshot

pub mod args;
pub mod captured;
pub mod command;
pub mod commands;
pub mod context;
pub mod digest;
pub mod effects;
pub mod error;
pub mod execute;
pub mod hashing;
pub mod keyspace;
pub mod notify;
pub mod number;
pub mod packed;
pub mod pattern;
pub mod replay;
pub mod saved;
pub mod scripts;
pub mod table;
pub mod value;
pub mod values;

pub use args::Args;
pub use command::Command;
pub use context::{Block, Caller, OnTimeout, ReadContext, WriteContext};
pub use error::CommandError;
pub use execute::{Engine, Handler, Outcome};
pub use keyspace::Keyspace;
