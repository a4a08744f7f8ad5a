//! Strings as numbers: INCR and its kin.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::number::LongDouble;
use crate::value::Value;
use crate::values::string::{IntegerText, StringValue};

pub(super) const INCR: Command<Handler> = Command::write("incr", Group::String, incr)
    .arity(Exactly(2))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Adds one to the whole number at a key, which starts from zero.",
        &[Argument::key("key")],
    );

pub(super) const DECR: Command<Handler> = Command::write("decr", Group::String, decr)
    .arity(Exactly(2))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Takes one from the whole number at a key, which starts from zero.",
        &[Argument::key("key")],
    );

pub(super) const INCRBY: Command<Handler> = Command::write("incrby", Group::String, incrby)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Adds to the whole number at a key, which starts from zero.",
        &[Argument::key("key"), Argument::integer("increment")],
    );

pub(super) const DECRBY: Command<Handler> = Command::write("decrby", Group::String, decrby)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Takes from the whole number at a key, which starts from zero.",
        &[Argument::key("key"), Argument::integer("decrement")],
    );

pub(super) const INCRBYFLOAT: Command<Handler> =
    Command::write("incrbyfloat", Group::String, incrbyfloat)
        .arity(Exactly(3))
        .flags(Flags::DENY_OOM)
        .keys(&[KeySpec::UPDATE])
        .fast()
        .doc(
            "2.6.0",
            "O(1)",
            "Adds to the floating point number at a key, which starts from zero.",
            &[Argument::key("key"), Argument::double("increment")],
        );

fn incr(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    add(context, key, 1, reply)
}

fn decr(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    add(context, key, -1, reply)
}

fn incrby(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let increment = args.next_i64()?;
    add(context, key, increment, reply)
}

fn decrby(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let decrement = args.next_i64()?;
    let increment = decrement
        .checked_neg()
        .ok_or(CommandError::DecrementOverflow)?;
    add(context, key, increment, reply)
}

fn add(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    increment: i64,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let old = match context.string(key)? {
        Some(string) => string.as_integer().ok_or(CommandError::NotAnInteger)?,
        None => 0,
    };
    let new = old
        .checked_add(increment)
        .ok_or(CommandError::IncrementOverflow)?;
    context.put(key, Value::String(StringValue::Integer(new)), Expiry::Keep);
    context.changed(key, NotifyClasses::STRING, "incrby");
    context.log_as_given();
    reply.integer(new);
    Ok(())
}

fn incrbyfloat(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let increment = args.next()?;
    let old = match context.string(key)? {
        Some(string) => LongDouble::parse(string.bytes(&mut IntegerText::default())),
        None => Some(LongDouble::ZERO),
    };
    let old = old.ok_or(CommandError::NotAFloat)?;
    let increment = LongDouble::parse(increment).ok_or(CommandError::NotAFloat)?;
    let new = old
        .plus(increment)
        .ok_or(CommandError::IncrementNotFinite)?;
    let text = new.to_text();
    context.put(
        key,
        Value::String(StringValue::Whole(text.clone())),
        Expiry::Keep,
    );
    context.changed(key, NotifyClasses::STRING, "incrbyfloat");
    // Another processor may round differently, so replicas get the result (RULES.md 11).
    context.log(&[b"SET", key.bytes, &text, b"KEEPTTL"]);
    reply.bulk(&text);
    Ok(())
}
