//! RDB files and DUMP payloads, read and written as streams.
//!
//! | file | what |
//! |---|---|
//! | `codes` | opcodes, type codes, markers |
//! | `part` | the pieces in which values are handed over; the trait that takes them |
//! | `reader` | files as rows of records |
//! | `value`, `stream`, `stream_id`, `ziplist`, `packed`, `module` | one value, by its type code |
//! | `writer`, `value_writer`, `stream_writer` | files of version 10 |
//! | `block_mark` | what lets a reader go on behind damage |
//! | `dump` | payloads of DUMP and RESTORE |
//! | `input`, `output` | lengths and strings, position and checksum |

mod block_mark;
mod codes;
mod dump;
mod input;
mod module;
mod output;
mod packed;
mod part;
mod reader;
mod stream;
mod stream_id;
mod stream_writer;
mod value;
mod value_writer;
mod writer;
mod ziplist;

pub(crate) use input::Input;

pub use block_mark::BlockMark;
pub use dump::{DumpWriter, RestoreError, dump_functions, restore, restore_functions};
pub use output::Compression;
pub use part::{Part, Refused, StreamCounters, StreamId, StreamMeta, ValueSink};
pub use reader::{Checksum, KeyRecord, RdbReader, Record};
pub use stream_writer::StreamWriter;
pub use value::{Content, Dialect};
pub use value_writer::ValueWriter;
pub use writer::{KeyAttributes, RdbWriter};

#[cfg(test)]
mod tests;
