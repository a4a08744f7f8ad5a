//! Streams: XADD, XRANGE and their kin, and the consumer groups that read them.
//!
//! What depends on time or on how a stream is cut into nodes is logged as what came of it: XADD with
//! the id that it made, trims with the length that they left, reads of groups as XCLAIM and
//! XGROUP SETID. A stream stays when its last entry goes.
//!
//! - `ids` ids as clients write them · `trimming` MAXLEN and MINID · `effects` what groups log
//! - `add`, `edit`, `read` entries · `reading` XREAD and XREADGROUP
//! - `group`, `pending`, `claim` consumer groups · `info` XINFO

mod add;
mod claim;
mod edit;
mod effects;
mod group;
mod ids;
mod info;
mod pending;
mod read;
mod reading;
mod trimming;

use holdfast_resp::Reply;

use crate::command::Command;
use crate::commands::element::write_element;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::stream::Entry;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    add::XADD,
    add::XTRIM,
    edit::XDEL,
    edit::XSETID,
    read::XLEN,
    read::XRANGE,
    read::XREVRANGE,
    reading::XREAD,
    reading::XREADGROUP,
    group::XGROUP,
    pending::XACK,
    pending::XPENDING,
    claim::XCLAIM,
    claim::XAUTOCLAIM,
    info::XINFO,
];

/// Writes an entry: its id and its fields with their values.
fn write_entry(reply: &mut Reply, entry: &Entry<'_>) {
    reply.array(2);
    ids::write(reply, entry.id);
    reply.array(entry.len() * 2);
    for (field, value) in entry.pairs() {
        write_element(reply, field);
        write_element(reply, value);
    }
}

/// The error of commands that need both a key and a group in it.
fn no_key_or_group(key: &[u8], group: &[u8], place: &'static str) -> CommandError {
    CommandError::NoKeyOrGroup {
        key: String::from_utf8_lossy(key).into(),
        group: String::from_utf8_lossy(group).into(),
        place,
    }
}

/// A count as clients see it.
fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A counter as clients see it.
fn counter(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
