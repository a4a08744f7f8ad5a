//! The string commands that put whole values.

use holdfast_resp::Reply;

use super::options::{Condition, Lifetime, SetOptions, TimeUnit};
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeyAccess, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::number::DecimalBuffer;
use crate::values::string::IntegerText;

const INSERTED: KeySpec = KeySpec {
    access: KeyAccess {
        mode: "OW",
        access: false,
        change: Some("insert"),
    },
    ..KeySpec::OVERWRITE
};

pub(super) const SET: Command<Handler> = Command::write("set", Group::String, set)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE.variable_flags()])
    .doc(
        "1.0.0",
        "O(1)",
        "Sets a key to a string, whatever was there; may ask for a condition, a time to live, the old string.",
        &[
            Argument::key("key"),
            Argument::string("value"),
            Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")]).optional(),
            Argument::word("get", "GET").optional(),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").token("EX"),
                    Argument::integer("milliseconds").token("PX"),
                    Argument::new("unix-time-seconds", ArgumentKind::UnixTime).token("EXAT"),
                    Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).token("PXAT"),
                    Argument::word("keepttl", "KEEPTTL"),
                ],
            )
            .optional(),
        ],
    );

pub(super) const SETNX: Command<Handler> = Command::write("setnx", Group::String, setnx)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM)
    .keys(&[INSERTED])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Sets a key to a string if the key is not there.",
        &[Argument::key("key"), Argument::string("value")],
    );

pub(super) const SETEX: Command<Handler> = Command::write("setex", Group::String, setex)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::OVERWRITE])
    .doc(
        "2.0.0",
        "O(1)",
        "Sets a key to a string that lives for some seconds.",
        &[
            Argument::key("key"),
            Argument::integer("seconds"),
            Argument::string("value"),
        ],
    );

pub(super) const PSETEX: Command<Handler> = Command::write("psetex", Group::String, psetex)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::OVERWRITE])
    .doc(
        "2.6.0",
        "O(1)",
        "Sets a key to a string that lives for some milliseconds.",
        &[
            Argument::key("key"),
            Argument::integer("milliseconds"),
            Argument::string("value"),
        ],
    );

pub(super) const GETSET: Command<Handler> = Command::write("getset", Group::String, getset)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Sets a key to a string and returns the string before.",
        &[Argument::key("key"), Argument::string("value")],
    )
    .deprecated("6.2.0", "`SET` with the `!GET` argument");

pub(super) const MSET: Command<Handler> = Command::write("mset", Group::String, mset)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::OVERWRITE.range(-1, 2)])
    .doc(
        "1.0.1",
        "O(N) where N is the number of keys",
        "Sets several keys to strings, in one instant.",
        KEYS_AND_VALUES,
    );

pub(super) const MSETNX: Command<Handler> = Command::write("msetnx", Group::String, msetnx)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[INSERTED.range(-1, 2)])
    .doc(
        "1.0.1",
        "O(N) where N is the number of keys",
        "Sets several keys to strings if none of them is there.",
        KEYS_AND_VALUES,
    );

const KEYS_AND_VALUES: &[Argument] = &[Argument::block(
    "key_value",
    &[Argument::key("key"), Argument::string("value")],
)
.multiple()];

fn set(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, value) = (context.key(args.next()?), args.next()?);
    if args.is_done() {
        // By far the most frequent form.
        store(context, key, value, Expiry::Never);
        reply.ok();
        return Ok(());
    }
    let options = SetOptions::read(args)?;
    let expiry = match options.lifetime {
        Lifetime::Given((unit, time)) => {
            Expiry::At(unit.deadline(time, context.now_ms(), "set")?)
        }
        Lifetime::Keep => Expiry::Keep,
        Lifetime::Unsaid | Lifetime::Persist => Expiry::Never,
    };
    let is_there = if options.returns_old {
        let old = context.string(key)?;
        let mut text = IntegerText::default();
        reply.bulk_or_null(old.map(|string| string.bytes(&mut text)));
        old.is_some()
    } else {
        options.condition != Condition::Always && context.exists(key)
    };
    let meets_condition = match options.condition {
        Condition::Always => true,
        Condition::IfAbsent => !is_there,
        Condition::IfPresent => is_there,
    };
    if meets_condition {
        store(context, key, value, expiry);
    }
    match (options.returns_old, meets_condition) {
        (true, _) => {}
        (false, true) => reply.ok(),
        (false, false) => reply.null(),
    }
    Ok(())
}

/// Puts a string and says so to everybody.
fn store(context: &mut WriteContext<'_>, key: Key<'_>, value: &[u8], expiry: Expiry) {
    context.expire_if_due(key);
    context.put_string(key, value, expiry);
    context.changed(key, NotifyClasses::STRING, "set");
    match expiry {
        Expiry::Never => context.log(&[b"SET", key.bytes, value]),
        Expiry::Keep => context.log(&[b"SET", key.bytes, value, b"KEEPTTL"]),
        Expiry::At(deadline) => {
            context.notify(key, NotifyClasses::GENERIC, "expire");
            let mut text = DecimalBuffer::new();
            context.log(&[b"SET", key.bytes, value, b"PXAT", text.format(deadline)]);
        }
    }
}

fn setnx(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, value) = (context.key(args.next()?), args.next()?);
    let is_there = context.exists(key);
    if !is_there {
        store(context, key, value, Expiry::Never);
    }
    reply.integer(i64::from(!is_there));
    Ok(())
}

fn setex(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    set_with_time(context, args, reply, TimeUnit::Seconds, "setex")
}

fn psetex(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    set_with_time(context, args, reply, TimeUnit::Milliseconds, "psetex")
}

fn set_with_time(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    unit: TimeUnit,
    command: &'static str,
) -> Result<(), CommandError> {
    let (key, time, value) = (context.key(args.next()?), args.next()?, args.next()?);
    let deadline = unit.deadline(time, context.now_ms(), command)?;
    store(context, key, value, Expiry::At(deadline));
    reply.ok();
    Ok(())
}

fn getset(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, value) = (context.key(args.next()?), args.next()?);
    let old = context.string(key)?;
    let mut text = IntegerText::default();
    reply.bulk_or_null(old.map(|string| string.bytes(&mut text)));
    store(context, key, value, Expiry::Never);
    Ok(())
}

fn mset(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let pairs = read_pairs(args, "mset")?;
    store_pairs(context, pairs);
    reply.ok();
    Ok(())
}

fn msetnx(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let pairs = read_pairs(args, "msetnx")?;
    let any_there = pairs
        .iter()
        .any(|[key, _]| context.exists(context.key(key)));
    if !any_there {
        store_pairs(context, pairs);
    }
    reply.integer(i64::from(!any_there));
    Ok(())
}

fn read_pairs<'a>(args: &mut Args<'a>, command: &str) -> Result<&'a [[&'a [u8]; 2]], CommandError> {
    match args.take_rest().as_chunks::<2>() {
        (pairs, []) => Ok(pairs),
        _ => Err(CommandError::WrongArity(command.into())),
    }
}

fn store_pairs(context: &mut WriteContext<'_>, pairs: &[[&[u8]; 2]]) {
    for [key, value] in pairs {
        let key = context.key(key);
        context.expire_if_due(key);
        context.put_string(key, value, Expiry::Never);
        context.changed(key, NotifyClasses::STRING, "set");
    }
    // MSETNX sets in any case when it is executed again: what it asked for is still so.
    context.log_as_given();
}
