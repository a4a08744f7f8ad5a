//! XLEN, XRANGE and XREVRANGE.

use holdfast_resp::Reply;

use super::{counter, ids, write_entry};
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Group, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::direction::Direction;
use crate::values::stream::StreamValue;

const COST: &str = "O(log(N)+M) with M entries returned";
const KEY: Argument = Argument::key("key");
const START: Argument = Argument::string("start");
const END: Argument = Argument::string("end");
const COUNT: Argument = Argument::integer("count").token("COUNT").optional();

pub(super) const XLEN: Command<Handler> = Command::read("xlen", Group::Stream, xlen)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "5.0.0",
        "O(1)",
        "Returns how many entries a stream has.",
        &[KEY],
    );

pub(super) const XRANGE: Command<Handler> = Command::read("xrange", Group::Stream, xrange)
    .arity(AtLeast(4))
    .keys(&[KeySpec::READ])
    .doc(
        "5.0.0",
        COST,
        "Returns the entries between two ids.",
        &[KEY, START, END, COUNT],
    );

pub(super) const XREVRANGE: Command<Handler> = Command::read("xrevrange", Group::Stream, xrevrange)
    .arity(AtLeast(4))
    .keys(&[KeySpec::READ])
    .doc(
        "5.0.0",
        COST,
        "Returns the entries between two ids, the last one first.",
        &[KEY, END, START, COUNT],
    );

fn xlen(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let stream = context.get::<StreamValue>(context.key(args.next()?))?;
    reply.integer(counter(stream.map_or(0, StreamValue::len)));
    Ok(())
}

fn range(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    direction: Direction,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let (first, second) = (args.next()?, args.next()?);
    let (start, end) = match direction {
        Direction::Forward => (first, second),
        Direction::Backward => (second, first),
    };
    let (start, end) = (ids::parse_start(start)?, ids::parse_end(end)?);
    let mut count = None;
    while !args.is_done() {
        if args.remaining() < 2 || !args.accept("COUNT") {
            return Err(CommandError::Syntax);
        }
        count = Some(usize::try_from(args.next_i64()?).unwrap_or(0));
    }
    let Some(stream) = context.get::<StreamValue>(key)? else {
        reply.array(0);
        return Ok(());
    };
    if count == Some(0) {
        reply.null_array();
        return Ok(());
    }
    let entries = stream.range(start, end, direction);
    let entries = entries.take(count.unwrap_or(usize::MAX));
    reply.array_of(|reply| entries.inspect(|entry| write_entry(reply, entry)).count());
    Ok(())
}

fn xrange(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    range(context, args, reply, Direction::Forward)
}

fn xrevrange(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    range(context, args, reply, Direction::Backward)
}
