//! Hashes: HSET, HGET and their kin.

mod random;
mod read;
mod write;

use crate::command::Command;
use crate::execute::Handler;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    read::HGET,
    read::HMGET,
    read::HGETALL,
    read::HKEYS,
    read::HVALS,
    read::HLEN,
    read::HEXISTS,
    read::HSTRLEN,
    read::HSCAN,
    random::HRANDFIELD,
    write::HSET,
    write::HMSET,
    write::HSETNX,
    write::HDEL,
    write::HINCRBY,
    write::HINCRBYFLOAT,
];

#[cfg(test)]
mod tests;
