//! PFCOUNT. It is a read that may write: the estimate of one key is kept in the key itself.

use holdfast_resp::Reply;

use super::{RESHAPE, corrupt, encoding_of, make_raw, merged};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::number::DecimalBuffer;
use crate::values::hyperloglog;
use crate::values::string::{IntegerText, StringRef};

pub(super) const PFCOUNT: Command<Handler> =
    Command::new("pfcount", Group::HyperLogLog, Handler::Write(pfcount))
        .arity(AtLeast(2))
        .flags(Flags::READONLY.with(Flags::MAY_REPLICATE))
        .keys(&[RESHAPE.range(-1, 1)])
        .doc(
            "2.8.9",
            "O(1) with a small constant for one key, O(N) with a large one for N keys",
            "Returns about how many different elements were added to some HyperLogLogs together.",
            &[Argument::key("key").multiple()],
        );

fn pfcount(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let keys: Vec<_> = args
        .take_rest()
        .iter()
        .map(|key| context.key(key))
        .collect();
    let count = if let [key] = *keys {
        count_one(context, key)?
    } else {
        let (registers, _) = merged(&context.reading(&keys), &keys)?;
        registers.estimate()
    };
    reply.integer(count.cast_signed());
    Ok(())
}

/// The count of one key: the one that it holds, or a new estimate, which it holds from then on.
fn count_one(context: &mut WriteContext<'_>, key: Key<'_>) -> Result<u64, CommandError> {
    let Some(string) = context.string(key)? else {
        return Ok(0);
    };
    encoding_of(string)?;
    if matches!(string, StringRef::Whole(_)) {
        make_raw(context, key)?;
        return count_one(context, key);
    }
    let mut text = IntegerText::default();
    let bytes = string.bytes(&mut text);
    if let Some(count) = hyperloglog::last_count(bytes) {
        return Ok(count);
    }
    let count = hyperloglog::estimate_of(bytes).map_err(corrupt)?;
    let (at, coded) = hyperloglog::count_bytes(count);
    context.edit_string(key, |bytes| {
        bytes[at..at + coded.len()].copy_from_slice(&coded);
    })?;
    context.changed_quietly(key);
    // Floating point numbers made the count: the log holds what came out.
    let mut text = DecimalBuffer::new();
    let at = text.format(i64::try_from(at).expect("the header is short"));
    context.log(&[b"SETRANGE", key.bytes, at, &coded]);
    Ok(count)
}
