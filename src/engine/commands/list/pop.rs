//! Taking elements from the ends of lists, at once or as soon as there are some.
//!
//! All forms log what was really taken: LPOP or RPOP with its count.

use holdfast_formats::DecimalBuffer;
use holdfast_resp::Reply;

use super::{ENDS, pop_event, read_end};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::commands::element::write_element;
use crate::commands::numbered_keys;
use crate::commands::waiting::{parse_timeout, pass_over, wait_or_answer};
use crate::context::{OnTimeout, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::values::direction::Direction;
use crate::values::list::{End, ListValue};

const KEY_AND_COUNT: &[Argument] = &[Argument::key("key"), Argument::integer("count").optional()];
const KEYS_AND_TIMEOUT: &[Argument] =
    &[Argument::key("key").multiple(), Argument::double("timeout")];

pub(super) const LPOP: Command<Handler> = Command::write("lpop", Group::List, lpop)
    .arity(AtLeast(2))
    .keys(&[KeySpec::TAKE])
    .fast()
    .doc(
        "1.0.0",
        "O(N) in the elements returned",
        "Takes elements from the front of a list, and the list with its last one.",
        KEY_AND_COUNT,
    );

pub(super) const RPOP: Command<Handler> = Command::write("rpop", Group::List, rpop)
    .arity(AtLeast(2))
    .keys(&[KeySpec::TAKE])
    .fast()
    .doc(
        "1.0.0",
        "O(N) in the elements returned",
        "Takes elements from the back of a list, and the list with its last one.",
        KEY_AND_COUNT,
    );

pub(super) const LMPOP: Command<Handler> = Command::write("lmpop", Group::List, lmpop)
    .arity(AtLeast(4))
    .keys(&[KeySpec::TAKE.counted()])
    .doc(
        "7.0.0",
        "O(N+M) in the keys and the elements returned",
        "Takes elements from the first of several lists that has any.",
        &[
            Argument::integer("numkeys"),
            Argument::key("key").multiple(),
            Argument::one_of("where", ENDS),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

pub(super) const BLPOP: Command<Handler> = Command::write("blpop", Group::List, blpop)
    .arity(AtLeast(3))
    .flags(Flags::NO_SCRIPT.with(Flags::BLOCKING))
    .keys(&[KeySpec::TAKE.range(-2, 1)])
    .doc(
        "2.0.0",
        "O(N) in the keys",
        "Takes the front element of the first list that has one, or waits for one.",
        KEYS_AND_TIMEOUT,
    );

pub(super) const BRPOP: Command<Handler> = Command::write("brpop", Group::List, brpop)
    .arity(AtLeast(3))
    .flags(Flags::NO_SCRIPT.with(Flags::BLOCKING))
    .keys(&[KeySpec::TAKE.range(-2, 1)])
    .doc(
        "2.0.0",
        "O(N) in the keys",
        "Takes the back element of the first list that has one, or waits for one.",
        KEYS_AND_TIMEOUT,
    );

pub(super) const BLMPOP: Command<Handler> = Command::write("blmpop", Group::List, blmpop)
    .arity(AtLeast(5))
    .flags(Flags::BLOCKING)
    .keys(&[KeySpec::TAKE.index(2).counted()])
    .doc(
        "7.0.0",
        "O(N+M) in the keys and the elements returned",
        "Takes elements from the first of several lists that has any, or waits for some.",
        &[
            Argument::double("timeout"),
            Argument::integer("numkeys"),
            Argument::key("key").multiple(),
            Argument::one_of("where", ENDS),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

/// Takes one element, tells about it, and records it.
fn take_one(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    end: End,
) -> Result<Option<Vec<u8>>, CommandError> {
    let encodings = context.encodings();
    let list = context.get_mut::<ListValue>(key)?;
    let Some(element) = list.and_then(|list| list.pop(end, &encodings)) else {
        return Ok(None);
    };
    context.changed(key, NotifyClasses::LIST, pop_event(end));
    context.remove_if_empty::<ListValue>(key);
    context.log(&[pop_name(end), key.bytes]);
    Ok(Some(element))
}

/// Takes up to `count` elements of a list that is there, and writes them as an array.
fn take_many(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    end: End,
    count: usize,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let encodings = context.encodings();
    let Some(list) = context.get_mut::<ListValue>(key)? else {
        return Ok(());
    };
    let len = list.len();
    let count = count.min(len);
    let (range, direction) = match end {
        End::Front => (0..count, Direction::Forward),
        End::Back => (len - count..len, Direction::Backward),
    };
    reply.array(count);
    for element in list.range(range.clone(), direction) {
        write_element(reply, element);
    }
    if count == 0 {
        return Ok(());
    }
    list.remove_range(range, &encodings);
    context.changed(key, NotifyClasses::LIST, pop_event(end));
    context.remove_if_empty::<ListValue>(key);
    let mut text = DecimalBuffer::new();
    let count = text.format(i64::try_from(count).unwrap_or(i64::MAX));
    context.log(&[pop_name(end), key.bytes, count]);
    Ok(())
}

const fn pop_name(end: End) -> &'static [u8] {
    match end {
        End::Front => b"LPOP",
        End::Back => b"RPOP",
    }
}

fn pop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    end: End,
    name: &'static str,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    if args.is_done() {
        let element = take_one(context, key, end)?;
        reply.bulk_or_null(element.as_deref());
        return Ok(());
    }
    if args.remaining() > 1 {
        return Err(CommandError::WrongArity(name.into()));
    }
    let count = args
        .next_i64()
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(CommandError::NotPositive)?;
    if context.get::<ListValue>(key)?.is_none() {
        reply.null_array();
        return Ok(());
    }
    take_many(context, key, end, count, reply)
}

fn lpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    pop(context, args, reply, End::Front, "lpop")
}

fn rpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    pop(context, args, reply, End::Back, "rpop")
}

/// The first of the keys that holds a list.
fn first_list<'k>(
    context: &mut WriteContext<'_>,
    keys: &[&'k [u8]],
) -> Result<Option<Key<'k>>, CommandError> {
    for name in keys {
        let key = context.key(name);
        let found = context.get::<ListValue>(key).map(|list| list.map(|_| ()));
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
    end: End,
) -> Result<(), CommandError> {
    let keys = args.take(args.remaining().saturating_sub(1))?;
    let timeout_ms = parse_timeout(args.next()?)?;
    let Some(key) = first_list(context, keys)? else {
        wait_or_answer(context, reply, keys, timeout_ms, OnTimeout::NullArray);
        return Ok(());
    };
    let element = take_one(context, key, end)?;
    reply.array(2);
    reply.bulk(key.bytes);
    reply.bulk_or_null(element.as_deref());
    Ok(())
}

fn blpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    blocking_pop(context, args, reply, End::Front)
}

fn brpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    blocking_pop(context, args, reply, End::Back)
}

/// What LMPOP and BLMPOP take from where.
struct Wanted<'a> {
    keys: &'a [&'a [u8]],
    end: End,
    count: usize,
}

impl<'a> Wanted<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let keys = numbered_keys::read_before_where(args)?;
        let end = read_end(args)?;
        let count = numbered_keys::read_pop_count(args)?;
        Ok(Self { keys, end, count })
    }

    /// Whether there was something.
    fn take(
        &self,
        context: &mut WriteContext<'_>,
        reply: &mut Reply,
    ) -> Result<bool, CommandError> {
        let Some(key) = first_list(context, self.keys)? else {
            return Ok(false);
        };
        reply.array(2);
        reply.bulk(key.bytes);
        take_many(context, key, self.end, self.count, reply)?;
        Ok(true)
    }
}

fn lmpop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    if !Wanted::read(args)?.take(context, reply)? {
        reply.null_array();
    }
    Ok(())
}

fn blmpop(
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
