//! HyperLogLog: PFADD, PFCOUNT, PFMERGE, and what looks inside.
//!
//! - `add` PFADD · `count` PFCOUNT · `merge` PFMERGE · `debug` PFDEBUG · `selftest` PFSELFTEST
//!
//! The bytes of such a string are what clients see, and what replicas compare. When runs become
//! dense is a matter of this node's configuration, so the log says when they did: see
//! [`log_change`].

mod add;
mod count;
mod debug;
mod merge;
mod selftest;

use crate::command::{Command, KeyAccess, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Key, Mode};
use crate::values::hyperloglog::{self, Encoding};
use crate::values::string::{IntegerText, StringRef};

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    add::PFADD,
    count::PFCOUNT,
    merge::PFMERGE,
    debug::PFDEBUG,
    selftest::PFSELFTEST,
];

/// One key at argument 1 that is read, and of which the form may change.
const RESHAPE: KeySpec = KeySpec {
    access: KeyAccess {
        mode: "RW",
        access: true,
        change: None,
    },
    ..KeySpec::READ
};

/// The encoding of the string at a key.
fn encoding_at(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
) -> Result<Option<Encoding>, CommandError> {
    context.string(key)?.map(encoding_of).transpose()
}

fn encoding_of(string: StringRef<'_>) -> Result<Encoding, CommandError> {
    let mut text = IntegerText::default();
    hyperloglog::encoding(string.bytes(&mut text)).ok_or(CommandError::NotHyperLogLog)
}

/// Gives a string that was set as a whole the form of one that changes in place, as Redis does
/// before it looks inside: only the name of the encoding tells.
fn make_raw(context: &mut WriteContext<'_>, key: Key<'_>) -> Result<(), CommandError> {
    context.edit_string(key, |_| ())
}

/// How long runs may get before they become dense. Where the log decides, it says so itself.
fn sparse_bytes_max(context: &WriteContext<'_>) -> usize {
    match context.keyspace.mode() {
        Mode::Execute => context.encodings().hll_sparse_max_bytes,
        Mode::Replay => usize::MAX,
    }
}

/// Logs the command as given. If what was absent or made of runs is dense now, the log makes it so
/// before: dense registers come out the same whatever they were made of, and the header's last
/// count is carried over.
fn log_change(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    before: Option<Encoding>,
    now: Encoding,
) {
    if now == Encoding::Dense && before != Some(Encoding::Dense) {
        if before.is_none() {
            context.log(&[b"PFADD", key.bytes]);
        }
        context.log(&[b"PFDEBUG", b"TODENSE", key.bytes]);
    }
    context.log_as_given();
}

/// Takes the registers of some keys together; says also whether any of them is dense.
fn merged(
    context: &ReadContext<'_>,
    keys: &[Key<'_>],
) -> Result<(hyperloglog::Registers, bool), CommandError> {
    let mut registers = hyperloglog::Registers::default();
    let mut any_is_dense = false;
    for &key in keys {
        let Some(string) = context.string(key)? else {
            continue;
        };
        any_is_dense |= encoding_of(string)? == Encoding::Dense;
        registers
            .merge(string.bytes(&mut IntegerText::default()))
            .map_err(corrupt)?;
    }
    Ok((registers, any_is_dense))
}

fn corrupt(_: hyperloglog::Corrupt) -> CommandError {
    CommandError::CorruptHyperLogLog
}

#[cfg(test)]
mod tests;
