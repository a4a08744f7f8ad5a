//! Changing lists in their middle.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::commands::index_range::{self, IndexRange};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::direction::Direction;
use crate::values::list::{ListValue, Side};

pub(super) const LSET: Command<Handler> = Command::write("lset", Group::List, lset)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .doc(
        "1.0.0",
        "O(log(N)) in the parts that the list is stored in",
        "Puts another element at an index.",
        &[
            Argument::key("key"),
            Argument::integer("index"),
            Argument::string("element"),
        ],
    );

pub(super) const LINSERT: Command<Handler> = Command::write("linsert", Group::List, linsert)
    .arity(Exactly(5))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .doc(
        "2.2.0",
        "O(N) in the elements before the pivot",
        "Adds an element beside another one.",
        &[
            Argument::key("key"),
            Argument::one_of(
                "where",
                &[
                    Argument::word("before", "BEFORE"),
                    Argument::word("after", "AFTER"),
                ],
            ),
            Argument::string("pivot"),
            Argument::string("element"),
        ],
    );

pub(super) const LREM: Command<Handler> = Command::write("lrem", Group::List, lrem)
    .arity(Exactly(4))
    .keys(&[KeySpec::DELETE])
    .doc(
        "1.0.0",
        "O(N) in the size of the list",
        "Removes elements that are equal to one, and the list with its last one.",
        &[
            Argument::key("key"),
            Argument::integer("count"),
            Argument::string("element"),
        ],
    );

pub(super) const LTRIM: Command<Handler> = Command::write("ltrim", Group::List, ltrim)
    .arity(Exactly(4))
    .keys(&[KeySpec::DELETE])
    .doc(
        "1.0.0",
        "O(N) in the elements removed",
        "Removes all elements outside of a range of indexes.",
        &[
            Argument::key("key"),
            Argument::integer("start"),
            Argument::integer("stop"),
        ],
    );

fn lset(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    // As in Redis, an index is not looked at where there is no list.
    let len = context.get::<ListValue>(key)?.map(ListValue::len);
    let len = len.ok_or(CommandError::NoSuchKey)?;
    let (index, element) = (args.next_i64()?, args.next()?);
    let at = index_range::place(index, len).ok_or(CommandError::IndexOutOfRange)?;
    let encodings = context.encodings();
    if let Some(list) = context.get_mut::<ListValue>(key)? {
        list.set(at, element, &encodings);
    }
    context.changed(key, NotifyClasses::LIST, "lset");
    context.log_as_given();
    reply.ok();
    Ok(())
}

fn linsert(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let side = if args.accept("BEFORE") {
        Side::Before
    } else if args.accept("AFTER") {
        Side::After
    } else {
        return Err(CommandError::Syntax);
    };
    let (pivot, element) = (args.next()?, args.next()?);
    let encodings = context.encodings();
    let Some(list) = context.get_mut::<ListValue>(key)? else {
        reply.integer(0);
        return Ok(());
    };
    if !list.insert_beside(pivot, side, element, &encodings) {
        reply.integer(-1);
        return Ok(());
    }
    let len = list.len();
    context.changed(key, NotifyClasses::LIST, "linsert");
    context.log_as_given();
    reply.integer(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

fn lrem(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, count, element) = (context.key(args.next()?), args.next_i64()?, args.next()?);
    let direction = if count < 0 {
        Direction::Backward
    } else {
        Direction::Forward
    };
    let max = match count {
        0 => usize::MAX,
        _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let encodings = context.encodings();
    let removed = context.get_mut::<ListValue>(key)?.map_or(0, |list| {
        list.remove_equal(element, max, direction, &encodings)
    });
    if removed > 0 {
        context.changed(key, NotifyClasses::LIST, "lrem");
        context.remove_if_empty::<ListValue>(key);
        context.log_as_given();
    }
    reply.integer(i64::try_from(removed).unwrap_or(i64::MAX));
    Ok(())
}

fn ltrim(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = IndexRange::read(args)?;
    reply.ok();
    let encodings = context.encodings();
    let Some(list) = context.get_mut::<ListValue>(key)? else {
        return Ok(());
    };
    let len = list.len();
    let range = range.within(len);
    if range.len() == len {
        // Nothing changes, but Redis tells subscribers all the same.
        context.notify(key, NotifyClasses::LIST, "ltrim");
        return Ok(());
    }
    list.trim(range, &encodings);
    context.changed(key, NotifyClasses::LIST, "ltrim");
    context.remove_if_empty::<ListValue>(key);
    context.log_as_given();
    Ok(())
}
