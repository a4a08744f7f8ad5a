//! Strings: GET, SET and their kin.
//!
//! - `read` commands that only look · `set` commands that put whole values
//! - `edit` commands that change a part · `count` the INCR commands · `lcs` common subsequences
//! - `options` what SET and GETEX take after the key

mod count;
mod edit;
mod lcs;
mod options;
mod read;
mod set;

use crate::command::Command;
use crate::execute::Handler;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    read::GET,
    read::MGET,
    read::STRLEN,
    read::GETRANGE,
    read::SUBSTR,
    lcs::LCS,
    set::SET,
    set::SETNX,
    set::SETEX,
    set::PSETEX,
    set::GETSET,
    set::MSET,
    set::MSETNX,
    edit::GETDEL,
    edit::GETEX,
    edit::APPEND,
    edit::SETRANGE,
    count::INCR,
    count::DECR,
    count::INCRBY,
    count::DECRBY,
    count::INCRBYFLOAT,
];

#[cfg(test)]
mod tests;
