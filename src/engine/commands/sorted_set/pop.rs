//! Taking the members with the lowest or the highest scores, at once or as soon as there are some.
//!
//! All forms log what was really taken: ZPOPMIN or ZPOPMAX with its count.

use holdfast_formats::{DecimalBuffer, Element};
use holdfast_resp::Reply;

use super::{write_header, write_member};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::commands::numbered_keys;
use crate::commands::waiting::{parse_timeout, pass_over, wait_or_answer};
use crate::context::{OnTimeout, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::values::direction::Direction;
use crate::values::sorted_set::SortedSet;

const KEY_AND_COUNT: &[Argument] = &[Argument::key("key"), Argument::integer("count").optional()];
const KEYS_AND_TIMEOUT: &[Argument] =
    &[Argument::key("key").multiple(), Argument::double("timeout")];
const ENDS: &[Argument] = &[Argument::word("min", "MIN"), Argument::word("max", "MAX")];
const COST: &str = "O(M*log(N)) with M members returned";
const SEVERAL_COST: &str = "O(K)+O(M*log(N)) with K keys and M members returned";

pub(super) const ZPOPMIN: Command<Handler> = Command::write("zpopmin", Group::SortedSet, zpopmin)
    .arity(AtLeast(2))
    .keys(&[KeySpec::TAKE])
    .fast()
    .doc(
        "5.0.0",
        COST,
        "Takes the members with the lowest scores.",
        KEY_AND_COUNT,
    );

pub(super) const ZPOPMAX: Command<Handler> = Command::write("zpopmax", Group::SortedSet, zpopmax)
    .arity(AtLeast(2))
    .keys(&[KeySpec::TAKE])
    .fast()
    .doc(
        "5.0.0",
        COST,
        "Takes the members with the highest scores.",
        KEY_AND_COUNT,
    );

pub(super) const ZMPOP: Command<Handler> = Command::write("zmpop", Group::SortedSet, zmpop)
    .arity(AtLeast(4))
    .keys(&[KeySpec::TAKE.counted()])
    .doc(
        "7.0.0",
        SEVERAL_COST,
        "Takes members from the first of several sets that has any.",
        &[
            Argument::integer("numkeys"),
            Argument::key("key").multiple(),
            Argument::one_of("where", ENDS),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

pub(super) const BZPOPMIN: Command<Handler> = Command::write(
    "bzpopmin",
    Group::SortedSet,
    bzpopmin,
)
.arity(AtLeast(3))
.flags(Flags::NO_SCRIPT.with(Flags::BLOCKING))
.keys(&[KeySpec::TAKE.range(-2, 1)])
.fast()
.doc(
    "5.0.0",
    "O(log(N))",
    "Takes the member with the lowest score of the first set that has any, or waits for one.",
    KEYS_AND_TIMEOUT,
);

pub(super) const BZPOPMAX: Command<Handler> = Command::write(
    "bzpopmax",
    Group::SortedSet,
    bzpopmax,
)
.arity(AtLeast(3))
.flags(Flags::NO_SCRIPT.with(Flags::BLOCKING))
.keys(&[KeySpec::TAKE.range(-2, 1)])
.fast()
.doc(
    "5.0.0",
    "O(log(N))",
    "Takes the member with the highest score of the first set that has any, or waits for one.",
    KEYS_AND_TIMEOUT,
);

pub(super) const BZMPOP: Command<Handler> = Command::write("bzmpop", Group::SortedSet, bzmpop)
    .arity(AtLeast(5))
    .flags(Flags::BLOCKING)
    .keys(&[KeySpec::TAKE.index(2).counted()])
    .doc(
        "7.0.0",
        SEVERAL_COST,
        "Takes members from the first of several sets that has any, or waits for some.",
        &[
            Argument::double("timeout"),
            Argument::integer("numkeys"),
            Argument::key("key").multiple(),
            Argument::one_of("where", ENDS),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

/// Takes up to `count` members, tells about it, and records it.
fn take(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    direction: Direction,
    count: usize,
) -> Result<Vec<(Vec<u8>, f64)>, CommandError> {
    let set = context.get_mut::<SortedSet>(key)?;
    let popped = set.map_or_else(Vec::new, |set| set.pop(count, direction));
    if popped.is_empty() {
        return Ok(popped);
    }
    let (event, name): (_, &[u8]) = match direction {
        Direction::Forward => ("zpopmin", b"ZPOPMIN"),
        Direction::Backward => ("zpopmax", b"ZPOPMAX"),
    };
    context.changed(key, NotifyClasses::SORTED_SET, event);
    context.remove_if_empty::<SortedSet>(key);
    let mut text = DecimalBuffer::new();
    let count = text.format(i64::try_from(popped.len()).unwrap_or(i64::MAX));
    context.log(&[name, key.bytes, count]);
    Ok(popped)
}

fn pop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    direction: Direction,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let has_count = !args.is_done();
    if args.remaining() > 1 {
        return Err(CommandError::Syntax);
    }
    let count = if has_count {
        let count = args.next_i64().ok();
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or(CommandError::NotPositive)?
    } else {
        1
    };
    let popped = take(context, key, direction, count)?;
    if has_count {
        write_header(reply, popped.len(), true);
        for (member, score) in &popped {
            write_member(reply, Element::Text(member), *score, true);
        }
        return Ok(());
    }
    // A lone member is flat in both protocols.
    reply.array(popped.len() * 2);
    for (member, score) in &popped {
        reply.bulk(member);
        reply.double(*score);
    }
    Ok(())
}

fn zpopmin(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    pop(context, args, reply, Direction::Forward)
}

fn zpopmax(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    pop(context, args, reply, Direction::Backward)
}

/// The first of the keys that holds a sorted set.
fn first_set<'k>(
    context: &mut WriteContext<'_>,
    keys: &[&'k [u8]],
) -> Result<Option<Key<'k>>, CommandError> {
    for name in keys {
        let key = context.key(name);
        let found = context.get::<SortedSet>(key).map(|set| set.map(|_| ()));
        if pass_over(context, found)?.is_some() {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

fn blocking_pop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    direction: Direction,
) -> Result<(), CommandError> {
    let keys = args.take(args.remaining().saturating_sub(1))?;
    let timeout_ms = parse_timeout(args.next()?)?;
    let Some(key) = first_set(context, keys)? else {
        wait_or_answer(context, reply, keys, timeout_ms, OnTimeout::NullArray);
        return Ok(());
    };
    for (member, score) in take(context, key, direction, 1)? {
        reply.array(3);
        reply.bulk(key.bytes);
        reply.bulk(&member);
        reply.double(score);
    }
    Ok(())
}

fn bzpopmin(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    blocking_pop(context, args, reply, Direction::Forward)
}

fn bzpopmax(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    blocking_pop(context, args, reply, Direction::Backward)
}

/// What ZMPOP and BZMPOP take from where.
struct Wanted<'a> {
    keys: &'a [&'a [u8]],
    direction: Direction,
    count: usize,
}

impl<'a> Wanted<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let keys = numbered_keys::read_before_where(args)?;
        let direction = if args.accept("MIN") {
            Direction::Forward
        } else if args.accept("MAX") {
            Direction::Backward
        } else {
            return Err(CommandError::Syntax);
        };
        let count = numbered_keys::read_pop_count(args)?;
        Ok(Self {
            keys,
            direction,
            count,
        })
    }

    /// Whether there was something.
    fn take(
        &self,
        context: &mut WriteContext<'_>,
        reply: &mut Reply,
    ) -> Result<bool, CommandError> {
        let Some(key) = first_set(context, self.keys)? else {
            return Ok(false);
        };
        let popped = take(context, key, self.direction, self.count)?;
        reply.array(2);
        reply.bulk(key.bytes);
        // Made of pairs in both protocols.
        reply.array(popped.len());
        for (member, score) in &popped {
            reply.array(2);
            reply.bulk(member);
            reply.double(*score);
        }
        Ok(true)
    }
}

fn zmpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    if !Wanted::read(args)?.take(context, reply)? {
        reply.null_array();
    }
    Ok(())
}

fn bzmpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let timeout = args.next()?;
    let wanted = Wanted::read(args)?;
    let timeout_ms = parse_timeout(timeout)?;
    if !wanted.take(context, reply)? {
        wait_or_answer(
            context,
            reply,
            wanted.keys,
            timeout_ms,
            OnTimeout::NullArray,
        );
    }
    Ok(())
}
