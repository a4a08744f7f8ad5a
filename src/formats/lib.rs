//! The formats that Redis keeps data in, read and written as plain bytes.
//!
//! The engine keeps its small values in `Listpack` and `Intset`, and saves, loads, dumps and
//! restores through `rdb`. Input is hostile: nothing here panics on it or allocates by an unchecked length.
//!
//! | file | what |
//! |---|---|
//! | `integer` | canonical decimal text of `i64` |
//! | `listpack` | packed list of short strings and integers |
//! | `intset` | packed sorted set of integers |
//! | `lzf` | the compression inside RDB strings |
//! | `rdb` | RDB files and DUMP payloads, both ways |
//! | `aof` | append-only files and their manifest, both ways |
//! | `error` | why input cannot be read |
//! | `crc64` | the checksum of RDB files and DUMP payloads |
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

pub mod aof;
mod block;
mod crc64;
mod error;
mod integer;
mod intset;
mod listpack;
mod lzf;
pub mod rdb;
#[cfg(test)]
mod samples;

pub use crc64::crc64;
pub use error::FormatError;
pub use integer::{DECIMAL_BYTES_MAX, DecimalBuffer, decimal_len, parse_i64};
pub use intset::{Intset, IntsetError};
pub use listpack::{
    Element, Iter as ListpackIter, LISTPACK_BYTES_MAX, Listpack, ListpackError, Position,
    Positions as ListpackPositions,
};
pub use lzf::{Compressor as LzfCompressor, LzfError, decompress as lzf_decompress};
