//! Deadlines of keys: EXPIRE, TTL, PERSIST and their kin.
//!
//! What always holds: the log has deadlines, never times to live; a deadline that has passed
//! already removes the key at once.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Command, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Mode;
use crate::notify::NotifyClasses;
use crate::number::DecimalBuffer;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    EXPIRE,
    PEXPIRE,
    EXPIREAT,
    PEXPIREAT,
    TTL,
    PTTL,
    EXPIRETIME,
    PEXPIRETIME,
    PERSIST,
];

const CONDITION: Argument = Argument::one_of(
    "condition",
    &[
        Argument::word("nx", "NX"),
        Argument::word("xx", "XX"),
        Argument::word("gt", "GT"),
        Argument::word("lt", "LT"),
    ],
)
.optional();

const EXPIRE: Command<Handler> = Command::write("expire", Group::Generic, expire)
    .arity(AtLeast(3))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Lets a key live for some seconds.",
        &[
            Argument::key("key"),
            Argument::integer("seconds"),
            CONDITION,
        ],
    );

const PEXPIRE: Command<Handler> = Command::write("pexpire", Group::Generic, pexpire)
    .arity(AtLeast(3))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "2.6.0",
        "O(1)",
        "Lets a key live for some milliseconds.",
        &[
            Argument::key("key"),
            Argument::integer("milliseconds"),
            CONDITION,
        ],
    );

const EXPIREAT: Command<Handler> = Command::write("expireat", Group::Generic, expireat)
    .arity(AtLeast(3))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "1.2.0",
        "O(1)",
        "Lets a key live until a time in seconds since 1970.",
        &[
            Argument::key("key"),
            Argument::new("unix-time-seconds", ArgumentKind::UnixTime),
            CONDITION,
        ],
    );

const PEXPIREAT: Command<Handler> = Command::write("pexpireat", Group::Generic, pexpireat)
    .arity(AtLeast(3))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "2.6.0",
        "O(1)",
        "Lets a key live until a time in milliseconds since 1970.",
        &[
            Argument::key("key"),
            Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime),
            CONDITION,
        ],
    );

const TTL: Command<Handler> = Command::read("ttl", Group::Generic, ttl)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Returns how many seconds a key has left to live.",
        &[Argument::key("key")],
    );

const PTTL: Command<Handler> = Command::read("pttl", Group::Generic, pttl)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "2.6.0",
        "O(1)",
        "Returns how many milliseconds a key has left to live.",
        &[Argument::key("key")],
    );

const EXPIRETIME: Command<Handler> = Command::read("expiretime", Group::Generic, expiretime)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "7.0.0",
        "O(1)",
        "Returns the second since 1970 at which a key expires.",
        &[Argument::key("key")],
    );

const PEXPIRETIME: Command<Handler> = Command::read("pexpiretime", Group::Generic, pexpiretime)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "7.0.0",
        "O(1)",
        "Returns the millisecond since 1970 at which a key expires.",
        &[Argument::key("key")],
    );

const PERSIST: Command<Handler> = Command::write("persist", Group::Generic, persist)
    .arity(Exactly(2))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "2.2.0",
        "O(1)",
        "Takes the deadline from a key.",
        &[Argument::key("key")],
    );

/// How one of the four commands gives its time.
#[derive(Clone, Copy, Debug)]
struct Form {
    command: &'static str,
    /// Milliseconds in its unit.
    unit_ms: i64,
    /// Where its time counts from, in milliseconds since 1970.
    base_ms: i64,
}

/// When the deadline is set.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    if_none: bool,
    if_any: bool,
    if_later: bool,
    if_earlier: bool,
}

impl Conditions {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let mut conditions = Self::default();
        while let Some(word) = args.peek() {
            if args.accept("NX") {
                conditions.if_none = true;
            } else if args.accept("XX") {
                conditions.if_any = true;
            } else if args.accept("GT") {
                conditions.if_later = true;
            } else if args.accept("LT") {
                conditions.if_earlier = true;
            } else {
                return Err(CommandError::UnsupportedOption(
                    String::from_utf8_lossy(word).into(),
                ));
            }
        }
        if conditions.if_none && (conditions.if_any || conditions.if_later || conditions.if_earlier)
        {
            return Err(CommandError::NxNotAlone);
        }
        if conditions.if_later && conditions.if_earlier {
            return Err(CommandError::GtAndLt);
        }
        Ok(conditions)
    }

    /// Whether a key with the deadline `old` may get `new`. No deadline is the latest of all.
    fn allow(self, old: Option<i64>, new: i64) -> bool {
        !(self.if_none && old.is_some()
            || self.if_any && old.is_none()
            || self.if_later && old.is_none_or(|old| new <= old)
            || self.if_earlier && old.is_some_and(|old| new >= old))
    }
}

fn expire(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let form = Form {
        command: "expire",
        unit_ms: 1000,
        base_ms: context.now_ms(),
    };
    set_deadline(context, args, reply, form)
}

fn pexpire(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let form = Form {
        command: "pexpire",
        unit_ms: 1,
        base_ms: context.now_ms(),
    };
    set_deadline(context, args, reply, form)
}

fn expireat(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let form = Form {
        command: "expireat",
        unit_ms: 1000,
        base_ms: 0,
    };
    set_deadline(context, args, reply, form)
}

fn pexpireat(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let form = Form {
        command: "pexpireat",
        unit_ms: 1,
        base_ms: 0,
    };
    set_deadline(context, args, reply, form)
}

fn set_deadline(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    form: Form,
) -> Result<(), CommandError> {
    let (key, time) = (context.key(args.next()?), args.next()?);
    let conditions = Conditions::read(args)?;
    let deadline = crate::number::parse_i64(time)
        .ok_or(CommandError::NotAnInteger)?
        .checked_mul(form.unit_ms)
        .and_then(|ms| ms.checked_add(form.base_ms))
        .ok_or(CommandError::InvalidExpireTime(form.command))?;
    let found = context
        .entry(key)
        .map(crate::keyspace::Entry::expires_at_ms);
    let sets = found.is_some_and(|old| conditions.allow(old, deadline));
    reply.integer(i64::from(sets));
    if !sets {
        return Ok(());
    }
    // The log says itself when a key is removed.
    if context.keyspace.mode() == Mode::Execute && deadline <= context.now_ms() {
        context.remove(key);
        context.changed(key, NotifyClasses::GENERIC, "del");
        context.log(&[b"DEL", key.bytes]);
    } else {
        context.set_deadline(key, Some(deadline));
        context.changed(key, NotifyClasses::GENERIC, "expire");
        context.log(&[
            b"PEXPIREAT",
            key.bytes,
            DecimalBuffer::new().format(deadline),
        ]);
    }
    Ok(())
}

fn persist(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let has_deadline = context
        .entry(key)
        .is_some_and(|entry| entry.expires_at_ms().is_some());
    if has_deadline {
        context.set_deadline(key, None);
        context.changed(key, NotifyClasses::GENERIC, "persist");
        context.log_as_given();
    }
    reply.integer(i64::from(has_deadline));
    Ok(())
}

fn ttl(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let now_ms = context.now_ms();
    reply_deadline(context, args, reply, |at| to_seconds((at - now_ms).max(0)))
}

fn pttl(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let now_ms = context.now_ms();
    reply_deadline(context, args, reply, |at| (at - now_ms).max(0))
}

fn expiretime(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    reply_deadline(context, args, reply, to_seconds)
}

fn pexpiretime(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    reply_deadline(context, args, reply, |at| at)
}

fn to_seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

/// Replies what `of` makes of the key's deadline; -1 if it has none, -2 if there is no key.
fn reply_deadline(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    of: impl FnOnce(i64) -> i64,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let found = context.keyspace.peek(context.database, key);
    reply.integer(match found.map(crate::keyspace::Entry::expires_at_ms) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => of(at),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Harness;

    #[test]
    fn deadlines_are_set_and_shown() {
        let mut harness = Harness::new();
        harness.run("SET a 1");
        for (line, reply, logged) in [
            ("TTL a", ":-1", ""),
            ("TTL none", ":-2", ""),
            ("EXPIRE a 10", ":1", "PEXPIREAT a 1700000010000"),
            ("TTL a", ":10", ""),
            ("PTTL a", ":10000", ""),
            ("EXPIRETIME a", ":1700000010", ""),
            ("PEXPIRETIME a", ":1700000010000", ""),
            ("PEXPIRE a 1499", ":1", "PEXPIREAT a 1700000001499"),
            ("TTL a", ":1", ""),
            ("EXPIREAT a 1800000000", ":1", "PEXPIREAT a 1800000000000"),
            (
                "PEXPIREAT a 1800000000001",
                ":1",
                "PEXPIREAT a 1800000000001",
            ),
            ("PERSIST a", ":1", "PERSIST a"),
            ("PERSIST a", ":0", ""),
            ("PERSIST none", ":0", ""),
            ("EXPIRE none 10", ":0", ""),
            ("EXPIRE a 0", ":1", "DEL a"),
            ("EXISTS a", ":0", ""),
        ] {
            assert_eq!(harness.run(line), reply, "{line}");
            assert_eq!(harness.logged, logged, "{line}");
        }
    }

    #[test]
    fn conditions_are_kept() {
        Harness::new().expect(&[
            ("SET a 1", "+OK"),
            ("EXPIRE a 10 XX", ":0"),
            ("EXPIRE a 10 GT", ":0"),
            ("EXPIRE a 10 LT", ":1"),
            ("EXPIRE a 20 NX", ":0"),
            ("EXPIRE a 5 GT", ":0"),
            ("EXPIRE a 10 GT", ":0"),
            ("EXPIRE a 20 GT XX", ":1"),
            ("EXPIRE a 30 LT", ":0"),
            ("EXPIRE a 15 LT XX", ":1"),
            ("TTL a", ":15"),
            ("EXPIRE a -1 GT", ":0"),
            (
                "EXPIRE a 10 NX XX",
                "-ERR NX and XX, GT or LT options at the same time are not compatible",
            ),
            (
                "EXPIRE a 10 GT LT",
                "-ERR GT and LT options at the same time are not compatible",
            ),
            ("EXPIRE a 10 foo", "-ERR Unsupported option foo"),
            ("EXPIRE a x", "-ERR value is not an integer or out of range"),
            (
                "EXPIRE a 9223372036854775807",
                "-ERR invalid expire time in 'expire' command",
            ),
            (
                "EXPIRE a -9223372036854775808",
                "-ERR invalid expire time in 'expire' command",
            ),
            (
                "PEXPIRE a 9223372036854775807",
                "-ERR invalid expire time in 'pexpire' command",
            ),
            ("PEXPIREAT a 9223372036854775807", ":1"),
            ("EXPIRE a -9223372036854775", ":1"),
            ("EXISTS a", ":0"),
        ]);
    }

    #[test]
    fn what_has_expired_is_not_there() {
        let mut harness = Harness::new();
        harness.listen();
        harness.run("SET a 1 PX 100");
        harness.wait_ms(99);
        assert_eq!(harness.run("GET a"), "$1|1");
        harness.wait_ms(1);
        harness.heard();
        assert_eq!(harness.run("TTL a"), ":-2");
        assert_eq!(harness.logged, "DEL a");
        assert_eq!(harness.heard(), "expired a");
    }
}
