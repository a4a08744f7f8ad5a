//! Looking at lists.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Group, KeySpec};
use crate::commands::element::write_element;
use crate::commands::index_range::{self, IndexRange};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::direction::Direction;
use crate::values::list::{ListValue, Search};

pub(super) const LLEN: Command<Handler> = Command::read("llen", Group::List, llen)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Returns the number of elements.",
        &[Argument::key("key")],
    );

pub(super) const LINDEX: Command<Handler> = Command::read("lindex", Group::List, lindex)
    .arity(Exactly(3))
    .keys(&[KeySpec::READ])
    .doc(
        "1.0.0",
        "O(log(N)) in the parts that the list is stored in",
        "Returns the element at an index.",
        &[Argument::key("key"), Argument::integer("index")],
    );

pub(super) const LRANGE: Command<Handler> = Command::read("lrange", Group::List, lrange)
    .arity(Exactly(4))
    .keys(&[KeySpec::READ])
    .doc(
        "1.0.0",
        "O(N) in the elements returned, and one search for the first",
        "Returns the elements of a range of indexes.",
        &[
            Argument::key("key"),
            Argument::integer("start"),
            Argument::integer("stop"),
        ],
    );

pub(super) const LPOS: Command<Handler> = Command::read("lpos", Group::List, lpos)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .doc(
        "6.0.6",
        "O(N) in the elements compared",
        "Returns the indexes at which an element stands.",
        &[
            Argument::key("key"),
            Argument::string("element"),
            Argument::integer("rank").token("RANK").optional(),
            Argument::integer("num-matches").token("COUNT").optional(),
            Argument::integer("len").token("MAXLEN").optional(),
        ],
    );

fn llen(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let len = context.get::<ListValue>(key)?.map_or(0, ListValue::len);
    reply.integer(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

fn lindex(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    // As in Redis, an index is not looked at where there is no list.
    let Some(list) = context.get::<ListValue>(key)? else {
        reply.null();
        return Ok(());
    };
    let found = index_range::place(args.next_i64()?, list.len()).and_then(|at| list.get(at));
    match found {
        Some(element) => write_element(reply, element),
        None => reply.null(),
    }
    Ok(())
}

fn lrange(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = IndexRange::read(args)?;
    let Some(list) = context.get::<ListValue>(key)? else {
        reply.array(0);
        return Ok(());
    };
    let range = range.within(list.len());
    reply.array(range.len());
    for element in list.range(range, Direction::Forward) {
        write_element(reply, element);
    }
    Ok(())
}

/// Reads the options of LPOS; the flag says whether COUNT is there, and the reply an array.
fn read_search(args: &mut Args<'_>) -> Result<(Search, bool), CommandError> {
    let (mut rank, mut count, mut compared_max) = (1, None, 0);
    while !args.is_done() {
        if args.remaining() < 2 {
            return Err(CommandError::Syntax);
        }
        if args.accept("RANK") {
            rank = args.next_i64()?;
            if rank == 0 {
                return Err(CommandError::RankZero);
            }
        } else if args.accept("COUNT") {
            count = Some(read_limit(args, CommandError::CountNegative)?);
        } else if args.accept("MAXLEN") {
            compared_max = read_limit(args, CommandError::MaxlenNegative)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    // No limit is written as 0.
    let limit = |value: usize| if value == 0 { usize::MAX } else { value };
    let search = Search {
        direction: if rank > 0 {
            Direction::Forward
        } else {
            Direction::Backward
        },
        skipped_count: usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX),
        found_max: count.map_or(1, limit),
        compared_max: limit(compared_max),
    };
    Ok((search, count.is_some()))
}

fn read_limit(args: &mut Args<'_>, otherwise: CommandError) -> Result<usize, CommandError> {
    let number = args.next_i64().ok();
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.ok_or(otherwise)
}

fn lpos(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, element) = (context.key(args.next()?), args.next()?);
    let (search, wants_array) = read_search(args)?;
    let list = context.get::<ListValue>(key)?;
    let found = list.map_or_else(Vec::new, |list| list.positions(element, &search));
    let mut indexes = found
        .iter()
        .map(|&at| i64::try_from(at).unwrap_or(i64::MAX));
    if wants_array {
        reply.array(indexes.len());
        indexes.for_each(|index| reply.integer(index));
    } else if let Some(index) = indexes.next() {
        reply.integer(index);
    } else {
        reply.null();
    }
    Ok(())
}
