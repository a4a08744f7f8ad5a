//! PFMERGE.

use holdfast_resp::Reply;

use super::add::put_empty;
use super::{corrupt, encoding_at, log_change, merged, sparse_bytes_max};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeyAccess, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::hyperloglog::{self, Corrupt, Encoding, Registers};

const DESTINATION: KeySpec = KeySpec {
    access: KeyAccess {
        mode: "RW",
        access: true,
        change: Some("insert"),
    },
    ..KeySpec::READ
};

pub(super) const PFMERGE: Command<Handler> = Command::write("pfmerge", Group::HyperLogLog, pfmerge)
    .arity(AtLeast(2))
    .flags(Flags::DENY_OOM)
    .keys(&[DESTINATION, KeySpec::READ.index(2).range(-1, 1)])
    .doc(
        "2.8.9",
        "O(N) for N keys, with a large constant",
        "Adds to a HyperLogLog all that was added to others.",
        &[
            Argument::key("destkey"),
            Argument::new("sourcekey", ArgumentKind::Key(1)).multiple(),
        ],
    );

fn pfmerge(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let keys: Vec<_> = args
        .take_rest()
        .iter()
        .map(|key| context.key(key))
        .collect();
    let (&destination, _) = keys.split_first().ok_or(CommandError::Syntax)?;
    let (registers, any_is_dense) = merged(&context.reading(&keys), &keys)?;
    let before = encoding_at(context, destination)?;
    let bytes_max = sparse_bytes_max(context);
    if before.is_none() {
        put_empty(context, destination);
    }
    let now = context.edit_string(destination, |bytes| {
        merge_into(bytes, &registers, any_is_dense, bytes_max)
    })?;
    let now = now.map_err(corrupt)?;
    context.changed(destination, NotifyClasses::STRING, "pfadd");
    log_change(context, destination, before, now);
    reply.ok();
    Ok(())
}

/// Raises every register that is lower. The runs are sound: their registers have been read before.
fn merge_into(
    bytes: &mut Vec<u8>,
    registers: &Registers,
    is_dense: bool,
    bytes_max: usize,
) -> Result<Encoding, Corrupt> {
    if is_dense {
        hyperloglog::make_dense(bytes)?;
    }
    hyperloglog::raise_all(bytes, registers, bytes_max)?;
    hyperloglog::mark_stale(bytes);
    hyperloglog::encoding(bytes).ok_or(Corrupt)
}
