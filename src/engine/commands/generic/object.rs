//! OBJECT: how a value is stored, and when its key was used. Looking does not count as a use.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Entry;
use crate::value::ValueRef;
use crate::values::string::StringRef;

pub(super) const OBJECT: Command<Handler> = Command::container("object", Group::Generic)
    .doc(
        "2.2.3",
        "Depends on the subcommand.",
        "Facts about how a value is stored and used.",
        &[],
    )
    .subcommands(&[ENCODING, FREQ, IDLETIME, REFCOUNT, HELP]);

/// The integers from 0 up to here are shared in Redis.
const SHARED_INTEGERS_END: i64 = 10_000;
/// How many references Redis says that such an integer has.
const REFERENCES_OF_SHARED: i64 = i32::MAX as i64;

const KEY: &[KeySpec] = &[KeySpec::PEEK.index(2)];

const ENCODING: Command<Handler> = Command::read("encoding", Group::Generic, encoding)
    .arity(Exactly(3))
    .keys(KEY)
    .doc(
        "2.2.3",
        "O(1)",
        "Returns the name of a value's encoding.",
        &[Argument::key("key")],
    );

const FREQ: Command<Handler> = Command::read("freq", Group::Generic, freq)
    .arity(Exactly(3))
    .keys(KEY)
    .doc(
        "4.0.0",
        "O(1)",
        "Returns the logarithm of how often a key is used, under an LFU policy.",
        &[Argument::key("key")],
    );

const IDLETIME: Command<Handler> = Command::read("idletime", Group::Generic, idletime)
    .arity(Exactly(3))
    .keys(KEY)
    .doc(
        "2.2.3",
        "O(1)",
        "Returns for how many seconds a key has not been used.",
        &[Argument::key("key")],
    );

const REFCOUNT: Command<Handler> = Command::read("refcount", Group::Generic, refcount)
    .arity(Exactly(3))
    .keys(KEY)
    .doc(
        "2.2.3",
        "O(1)",
        "Returns how many references a value has.",
        &[Argument::key("key")],
    );

const HELP: Command<Handler> = Command::new("help", Group::Generic, Handler::Read(help))
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE))
    .doc("6.2.0", "O(1)", "Explains the subcommands.", &[]);

fn entry<'a>(
    context: &ReadContext<'a>,
    args: &mut Args<'_>,
) -> Result<Option<&'a Entry>, CommandError> {
    let key = context.key(args.next()?);
    Ok(context.keyspace.peek(context.database, key))
}

fn encoding(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let found = entry(context, args)?;
    reply.bulk_or_null(found.map(|entry| entry.value().encoding_name().as_bytes()));
    Ok(())
}

fn freq(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let access = &context.keyspace.access;
    match entry(context, args)? {
        None => reply.null(),
        Some(_) if !access.policy.counts_uses() => return Err(CommandError::UsesNotCounted),
        Some(entry) => reply.integer(access.counter(entry).into()),
    }
    Ok(())
}

fn idletime(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let access = &context.keyspace.access;
    match entry(context, args)? {
        None => reply.null(),
        Some(_) if access.policy.counts_uses() => return Err(CommandError::IdleTimeNotKept),
        Some(entry) => reply.integer(access.idle_seconds(entry).into()),
    }
    Ok(())
}

fn refcount(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    match entry(context, args)?.map(Entry::value) {
        None => reply.null(),
        // Redis shares its small integers, and clients can see that; here they cost no more than 1.
        Some(ValueRef::String(StringRef::Integer(0..SHARED_INTEGERS_END))) => {
            reply.integer(REFERENCES_OF_SHARED);
        }
        Some(_) => reply.integer(1),
    }
    Ok(())
}

fn help(
    _context: &ReadContext<'_>,
    _args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    const LINES: &[&str] = &[
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    How the value at the key is stored.",
        "FREQ <key>",
        "    The logarithm of how often the key is used.",
        "IDLETIME <key>",
        "    For how many seconds the key has not been used.",
        "REFCOUNT <key>",
        "    How many references the value at the key has.",
        "HELP",
        "    This text.",
    ];
    reply.array(LINES.len());
    LINES.iter().for_each(|line| reply.simple(line));
    Ok(())
}
