//! PFADD.

use holdfast_resp::Reply;

use super::{corrupt, encoding_at, log_change, sparse_bytes_max};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::value::Value;
use crate::values::hyperloglog::{self, Corrupt, Encoding};
use crate::values::string::StringValue;

pub(super) const PFADD: Command<Handler> = Command::write("pfadd", Group::HyperLogLog, pfadd)
    .arity(AtLeast(2))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "2.8.9",
        "O(1) for each element",
        "Adds elements to a HyperLogLog, which is created when it is not there.",
        &[
            Argument::key("key"),
            Argument::string("element").optional().multiple(),
        ],
    );

fn pfadd(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, elements) = (context.key(args.next()?), args.take_rest());
    let before = encoding_at(context, key)?;
    let bytes_max = sparse_bytes_max(context);
    if before.is_none() {
        put_empty(context, key);
    }
    let added = context.edit_string(key, |bytes| {
        let changes = add_all(bytes, elements, bytes_max)? || before.is_none();
        if changes {
            hyperloglog::mark_stale(bytes);
        }
        Ok((changes, hyperloglog::encoding(bytes).ok_or(Corrupt)?))
    })?;
    let (changes, now) = added.map_err(corrupt)?;
    if changes {
        context.changed(key, NotifyClasses::STRING, "pfadd");
        log_change(context, key, before, now);
    }
    reply.integer(changes.into());
    Ok(())
}

/// Puts one to which nothing was added.
pub(super) fn put_empty(context: &mut WriteContext<'_>, key: Key<'_>) {
    let value = Value::String(StringValue::Edited(hyperloglog::empty()));
    context.put(key, value, Expiry::Never);
}

/// Adds all elements or, to what turns out to be corrupt, none; says whether a register changed.
fn add_all(bytes: &mut Vec<u8>, elements: &[&[u8]], bytes_max: usize) -> Result<bool, Corrupt> {
    // Only runs can be corrupt, and they are short; the first element that fails changes nothing.
    let is_at_risk = elements.len() > 1 && hyperloglog::encoding(bytes) == Some(Encoding::Sparse);
    let unchanged = is_at_risk.then(|| bytes.clone());
    let mut changes = false;
    for element in elements {
        match hyperloglog::add(bytes, element, bytes_max) {
            Ok(raised) => changes |= raised,
            Err(Corrupt) => {
                if let Some(unchanged) = unchanged {
                    *bytes = unchanged;
                }
                return Err(Corrupt);
            }
        }
    }
    Ok(changes)
}
