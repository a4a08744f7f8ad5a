//! Sets: SADD, SINTER and their kin.

mod algebra;
mod random;
mod read;
mod write;

use crate::command::Command;
use crate::execute::Handler;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    read::SISMEMBER,
    read::SMISMEMBER,
    read::SCARD,
    read::SMEMBERS,
    read::SSCAN,
    random::SRANDMEMBER,
    random::SPOP,
    write::SADD,
    write::SREM,
    write::SMOVE,
    algebra::SINTER,
    algebra::SINTERSTORE,
    algebra::SINTERCARD,
    algebra::SUNION,
    algebra::SUNIONSTORE,
    algebra::SDIFF,
    algebra::SDIFFSTORE,
];

#[cfg(test)]
mod tests;
