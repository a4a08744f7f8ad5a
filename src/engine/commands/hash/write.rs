//! Changing hashes.

use holdfast_formats::{DecimalBuffer, Element};
use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::number::{LongDouble, parse_i64};
use crate::values::hash::{HashValue, SetField};

const PAIRS: &[Argument] = &[
    Argument::key("key"),
    Argument::block(
        "data",
        &[Argument::string("field"), Argument::string("value")],
    )
    .multiple(),
];

pub(super) const HSET: Command<Handler> = Command::write("hset", Group::Hash, hset)
    .arity(AtLeast(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc("2.0.0", "O(1) for each field", "Sets fields.", PAIRS);

pub(super) const HMSET: Command<Handler> = Command::write("hmset", Group::Hash, hmset)
    .arity(AtLeast(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc("2.0.0", "O(1) for each field", "Sets fields.", PAIRS)
    .deprecated("4.0.0", "`HSET` with multiple field-value pairs");

pub(super) const HSETNX: Command<Handler> = Command::write("hsetnx", Group::Hash, hsetnx)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "2.0.0",
        "O(1)",
        "Sets a field that is not there yet.",
        &[
            Argument::key("key"),
            Argument::string("field"),
            Argument::string("value"),
        ],
    );

pub(super) const HDEL: Command<Handler> = Command::write("hdel", Group::Hash, hdel)
    .arity(AtLeast(3))
    .keys(&[KeySpec::DELETE])
    .fast()
    .doc(
        "2.0.0",
        "O(N) in the number of fields to remove",
        "Removes fields, and the hash with its last one.",
        &[Argument::key("key"), Argument::string("field").multiple()],
    );

pub(super) const HINCRBY: Command<Handler> = Command::write("hincrby", Group::Hash, hincrby)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "2.0.0",
        "O(1)",
        "Adds to the whole number in a field, which starts from zero.",
        &[
            Argument::key("key"),
            Argument::string("field"),
            Argument::integer("increment"),
        ],
    );

pub(super) const HINCRBYFLOAT: Command<Handler> =
    Command::write("hincrbyfloat", Group::Hash, hincrbyfloat)
        .arity(Exactly(4))
        .flags(Flags::DENY_OOM)
        .keys(&[KeySpec::UPDATE])
        .fast()
        .doc(
            "2.6.0",
            "O(1)",
            "Adds to the floating point number in a field, which starts from zero.",
            &[
                Argument::key("key"),
                Argument::string("field"),
                Argument::double("increment"),
            ],
        );

/// Sets all pairs; returns how many fields are new.
fn set_pairs(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    command: &'static str,
) -> Result<i64, CommandError> {
    let (key, pairs) = (context.key(args.next()?), args.take_rest());
    if pairs.len() % 2 != 0 {
        return Err(CommandError::WrongArity(command.into()));
    }
    let encodings = context.encodings();
    let hash = context.get_or_create::<HashValue>(key)?;
    let mut added = 0;
    for pair in pairs.chunks_exact(2) {
        if let [field, value] = pair
            && hash.set(field, value, &encodings) == SetField::Added
        {
            added += 1;
        }
    }
    context.changed(key, NotifyClasses::HASH, "hset");
    context.log_as_given();
    Ok(added)
}

fn hset(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let added = set_pairs(context, args, "hset")?;
    reply.integer(added);
    Ok(())
}

fn hmset(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    set_pairs(context, args, "hmset")?;
    reply.ok();
    Ok(())
}

fn hsetnx(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, field, value) = (context.key(args.next()?), args.next()?, args.next()?);
    if context
        .get::<HashValue>(key)?
        .is_some_and(|hash| hash.contains(field))
    {
        reply.integer(0);
        return Ok(());
    }
    set_one(context, key, field, value, "hset")?;
    context.log_as_given();
    reply.integer(1);
    Ok(())
}

fn set_one(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    field: &[u8],
    value: &[u8],
    event: &'static str,
) -> Result<(), CommandError> {
    let encodings = context.encodings();
    context
        .get_or_create::<HashValue>(key)?
        .set(field, value, &encodings);
    context.changed(key, NotifyClasses::HASH, event);
    Ok(())
}

fn hdel(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, fields) = (context.key(args.next()?), args.take_rest());
    let mut removed = 0;
    if let Some(hash) = context.get_mut::<HashValue>(key)? {
        removed = fields.iter().filter(|field| hash.remove(field)).count();
    }
    if removed > 0 {
        context.changed(key, NotifyClasses::HASH, "hdel");
        context.remove_if_empty::<HashValue>(key);
        context.log_as_given();
    }
    reply.integer(i64::try_from(removed).unwrap_or(i64::MAX));
    Ok(())
}

fn hincrby(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, field, increment) = (context.key(args.next()?), args.next()?, args.next_i64()?);
    let hash = context.get::<HashValue>(key)?;
    let old = match hash.and_then(|hash| hash.get(field)) {
        None => 0,
        Some(Element::Integer(integer)) => integer,
        Some(Element::Text(text)) => parse_i64(text).ok_or(CommandError::HashValueNotAnInteger)?,
    };
    let new = old
        .checked_add(increment)
        .ok_or(CommandError::IncrementOverflow)?;
    set_one(
        context,
        key,
        field,
        DecimalBuffer::new().format(new),
        "hincrby",
    )?;
    context.log_as_given();
    reply.integer(new);
    Ok(())
}

fn hincrbyfloat(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (name, field) = (args.next()?, args.next()?);
    let key = context.key(name);
    let increment = LongDouble::parse(args.next()?).ok_or(CommandError::NotAFloat)?;
    if !increment.is_finite() {
        return Err(CommandError::NotFinite);
    }
    let hash = context.get::<HashValue>(key)?;
    let old = match hash.and_then(|hash| hash.get(field)) {
        None => LongDouble::ZERO,
        Some(value) => {
            let text = value.to_vec();
            LongDouble::parse(&text).ok_or(CommandError::HashValueNotAFloat)?
        }
    };
    let new = old
        .plus(increment)
        .ok_or(CommandError::IncrementNotFinite)?
        .to_text();
    set_one(context, key, field, &new, "hincrbyfloat")?;
    context.log(&[b"HSET", name, field, &new]);
    reply.bulk(&new);
    Ok(())
}
