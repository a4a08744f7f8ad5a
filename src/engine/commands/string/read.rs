//! The string commands that only look.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Group, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::value::ValueRef;
use crate::values::string::IntegerText;

pub(super) const GET: Command<Handler> = Command::read("get", Group::String, get)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Returns the string at a key.",
        &[Argument::key("key")],
    );

pub(super) const MGET: Command<Handler> = Command::read("mget", Group::String, mget)
    .arity(AtLeast(2))
    .keys(&[KeySpec::READ.range(-1, 1)])
    .fast()
    .doc(
        "1.0.0",
        "O(N) where N is the number of keys",
        "Returns the strings at several keys, in one instant.",
        &[Argument::key("key").multiple()],
    );

pub(super) const STRLEN: Command<Handler> = Command::read("strlen", Group::String, strlen)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "2.2.0",
        "O(1)",
        "Returns the length of a string in bytes.",
        &[Argument::key("key")],
    );

pub(super) const GETRANGE: Command<Handler> = Command::read("getrange", Group::String, getrange)
    .arity(Exactly(4))
    .keys(&[KeySpec::READ])
    .doc(
        "2.4.0",
        "O(N) where N is the length of the returned part",
        "Returns a part of a string.",
        RANGE,
    );

pub(super) const SUBSTR: Command<Handler> = Command::read("substr", Group::String, getrange)
    .arity(Exactly(4))
    .keys(&[KeySpec::READ])
    .doc(
        "1.0.0",
        "O(N) where N is the length of the returned part",
        "Returns a part of a string: the old name of GETRANGE.",
        RANGE,
    )
    .deprecated("2.0.0", "`GETRANGE`");

const RANGE: &[Argument] = &[
    Argument::key("key"),
    Argument::integer("start"),
    Argument::integer("end"),
];

fn get(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let found = context.string(key)?;
    let mut text = IntegerText::default();
    reply.bulk_or_null(found.map(|string| string.bytes(&mut text)));
    Ok(())
}

fn mget(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let keys = args.take_rest();
    reply.array(keys.len());
    for key in keys {
        match context.value(context.key(key)) {
            Some(ValueRef::String(string)) => reply.bulk(string.bytes(&mut IntegerText::default())),
            // MGET never fails: a key of another type answers as if it were absent.
            _ => reply.null(),
        }
    }
    Ok(())
}

fn strlen(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let found = context.string(context.key(args.next()?))?;
    reply.integer(found.map_or(0, |string| wire_len(string.len())));
    Ok(())
}

fn getrange(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let (start, end) = (args.next_i64()?, args.next_i64()?);
    let found = context.string(key)?;
    let mut text = IntegerText::default();
    let bytes = found.map_or(&[][..], |string| string.bytes(&mut text));
    reply.bulk(part(bytes, start, end));
    Ok(())
}

/// A length as the wire has it: nothing in memory is longer than an `i64` can say.
pub(super) fn wire_len(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// The bytes from `start` to `end`, both included, negative ones counted from behind.
fn part(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let len = wire_len(bytes.len());
    let from_front = |at: i64| {
        if at < 0 {
            len.saturating_add(at).max(0)
        } else {
            at
        }
    };
    let (start, end) = (from_front(start), from_front(end).min(len - 1));
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) => bytes.get(start..=end).unwrap_or_default(),
        _ => &[],
    }
}
