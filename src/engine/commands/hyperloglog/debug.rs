//! PFDEBUG: a look inside a HyperLogLog, and the change of its encoding.

use std::fmt::Write;

use holdfast_resp::Reply;

use super::{RESHAPE, corrupt, encoding_at, make_raw};
use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Argument, Command, Flags, Group};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::values::hyperloglog::{self, Encoding, HEADER_BYTES, Registers, Run};
use crate::values::string::IntegerText;

pub(super) const PFDEBUG: Command<Handler> = Command::write("pfdebug", Group::HyperLogLog, pfdebug)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM.with(Flags::ADMIN))
    .keys(&[RESHAPE.index(2)])
    .doc(
        "2.8.9",
        "O(1), the number of registers being fixed",
        "Shows the inside of a HyperLogLog, or makes it dense; for tests.",
        &[Argument::string("subcommand"), Argument::key("key")],
    );

fn pfdebug(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (subcommand, key) = (args.next()?, context.key(args.next()?));
    let encoding = encoding_at(context, key)?.ok_or(CommandError::KeyDoesNotExist)?;
    make_raw(context, key)?;
    match subcommand.to_ascii_lowercase().as_slice() {
        b"getreg" => {
            make_dense(context, key)?;
            let registers = registers_at(context, key)?;
            reply.array(registers.all().len());
            for &register in registers.all() {
                reply.integer(register.into());
            }
        }
        b"decode" if encoding == Encoding::Dense => {
            return Err(CommandError::HyperLogLogNotSparse);
        }
        b"decode" => reply.bulk(decoded(context, key)?.as_bytes()),
        b"encoding" => reply.simple(match encoding {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        }),
        b"todense" => {
            let changes = make_dense(context, key)?;
            reply.integer(changes.into());
        }
        _ => {
            let name = String::from_utf8_lossy(subcommand);
            return Err(CommandError::UnknownPfdebug(name.into()));
        }
    }
    Ok(())
}

/// Makes runs dense; says whether they were runs.
fn make_dense(context: &mut WriteContext<'_>, key: Key<'_>) -> Result<bool, CommandError> {
    let changes = context
        .edit_string(key, hyperloglog::make_dense)?
        .map_err(corrupt)?;
    if changes {
        context.changed_quietly(key);
        context.log(&[b"PFDEBUG", b"TODENSE", key.bytes]);
    }
    Ok(changes)
}

fn registers_at(context: &mut WriteContext<'_>, key: Key<'_>) -> Result<Registers, CommandError> {
    let (registers, _) = super::merged(&context.reading(&[key]), &[key])?;
    Ok(registers)
}

/// The runs as Redis writes them: `z` and `Z` for one and two bytes of zeros, `v` for a value.
fn decoded(context: &mut WriteContext<'_>, key: Key<'_>) -> Result<String, CommandError> {
    let string = context.string(key)?.ok_or(CommandError::KeyDoesNotExist)?;
    let mut text = IntegerText::default();
    let body = string.bytes(&mut text).get(HEADER_BYTES..);
    let mut decoded = String::new();
    for run in hyperloglog::runs(body.unwrap_or_default()) {
        let written = match run {
            Run::Zeros { len, bytes_len: 1 } => write!(decoded, "z:{len} "),
            Run::Zeros { len, .. } => write!(decoded, "Z:{len} "),
            Run::Value { value, len } => write!(decoded, "v:{value},{len} "),
        };
        written.expect("writing to a string never fails");
    }
    decoded.truncate(decoded.trim_end().len());
    Ok(decoded)
}
