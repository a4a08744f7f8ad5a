//! The string commands that change a part of a key: some of its bytes, its deadline, its being there.

use holdfast_resp::Reply;

use super::options::{self, Lifetime};
use super::read::wire_len;
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key, Mode};
use crate::notify::NotifyClasses;
use crate::number::DecimalBuffer;
use crate::values::string::{IntegerText, StringRef};

pub(super) const GETDEL: Command<Handler> = Command::write("getdel", Group::String, getdel)
    .arity(Exactly(2))
    .keys(&[KeySpec::TAKE])
    .fast()
    .doc(
        "6.2.0",
        "O(1)",
        "Returns the string at a key and removes the key.",
        &[Argument::key("key")],
    );

pub(super) const GETEX: Command<Handler> = Command::write("getex", Group::String, getex)
    .arity(AtLeast(2))
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "6.2.0",
        "O(1)",
        "Returns the string at a key and sets or removes the key's time to live.",
        &[
            Argument::key("key"),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").token("EX"),
                    Argument::integer("milliseconds").token("PX"),
                    Argument::new("unix-time-seconds", ArgumentKind::UnixTime).token("EXAT"),
                    Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).token("PXAT"),
                    Argument::word("persist", "PERSIST"),
                ],
            )
            .optional(),
        ],
    );

pub(super) const APPEND: Command<Handler> = Command::write("append", Group::String, append)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "2.0.0",
        "O(1) on average, as room is reserved ahead",
        "Appends to a string, which is created when it is not there; returns its length.",
        &[Argument::key("key"), Argument::string("value")],
    );

pub(super) const SETRANGE: Command<Handler> = Command::write("setrange", Group::String, setrange)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .doc(
        "2.2.0",
        "O(M) where M is the number of bytes written",
        "Overwrites a part of a string from an offset on, with zeros up to there; returns its length.",
        &[
            Argument::key("key"),
            Argument::integer("offset"),
            Argument::string("value"),
        ],
    );

fn getdel(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    if reply_string(context, key, reply)? {
        remove(context, key);
    }
    Ok(())
}

fn getex(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let lifetime = options::read_getex(args)?;
    if !reply_string(context, key, reply)? {
        // Redis looks at the time only when there is a key to give it to.
        return Ok(());
    }
    match lifetime {
        Lifetime::Unsaid | Lifetime::Keep => {}
        Lifetime::Persist => {
            if context
                .entry(key)
                .is_some_and(|entry| entry.expires_at_ms().is_some())
            {
                context.set_deadline(key, None);
                context.changed(key, NotifyClasses::GENERIC, "persist");
                context.log(&[b"PERSIST", key.bytes]);
            }
        }
        Lifetime::Given((unit, time)) => {
            let deadline = unit.deadline(time, context.now_ms(), "getex")?;
            if unit.is_absolute() && deadline <= context.now_ms() {
                remove(context, key);
            } else {
                context.set_deadline(key, Some(deadline));
                context.changed(key, NotifyClasses::GENERIC, "expire");
                let mut text = DecimalBuffer::new();
                context.log(&[b"PEXPIREAT", key.bytes, text.format(deadline)]);
            }
        }
    }
    Ok(())
}

/// Replies the string at a key; says whether there is one.
fn reply_string(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    reply: &mut Reply,
) -> Result<bool, CommandError> {
    let found = context.string(key)?;
    let mut text = IntegerText::default();
    reply.bulk_or_null(found.map(|string| string.bytes(&mut text)));
    Ok(found.is_some())
}

fn remove(context: &mut WriteContext<'_>, key: Key<'_>) {
    context.remove(key);
    context.changed(key, NotifyClasses::GENERIC, "del");
    context.log(&[b"DEL", key.bytes]);
}

fn append(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, value) = (context.key(args.next()?), args.next()?);
    let old_len = context.string(key)?.map(StringRef::len);
    let new_len = old_len.unwrap_or(0).saturating_add(value.len());
    match old_len {
        None => context.put_string(key, value, Expiry::Never),
        Some(_) => {
            check_len(context, new_len)?;
            context.edit_string(key, |bytes| bytes.extend_from_slice(value))?;
        }
    }
    context.changed(key, NotifyClasses::STRING, "append");
    context.log_as_given();
    reply.integer(wire_len(new_len));
    Ok(())
}

fn setrange(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let offset = args.next_i64()?;
    let value = args.next()?;
    let offset = usize::try_from(offset).map_err(|_| CommandError::OffsetOutOfRange)?;
    let old_len = context.string(key)?.map_or(0, StringRef::len);
    if value.is_empty() {
        reply.integer(wire_len(old_len));
        return Ok(());
    }
    let end = offset.saturating_add(value.len());
    check_len(context, end)?;
    let new_len = context.edit_string(key, |bytes| {
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(value);
        bytes.len()
    })?;
    context.changed(key, NotifyClasses::STRING, "setrange");
    context.log_as_given();
    reply.integer(wire_len(new_len));
    Ok(())
}

/// Refuses what would make a string too long. The limit is this node's own, so the log overrules it.
fn check_len(context: &WriteContext<'_>, len: usize) -> Result<(), CommandError> {
    let is_too_long = u64::try_from(len).is_ok_and(|len| len > context.keyspace.string_bytes_max);
    if is_too_long && context.keyspace.mode() == Mode::Execute {
        return Err(CommandError::StringTooLong);
    }
    Ok(())
}
