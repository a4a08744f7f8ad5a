//! Adding at the ends of lists.

use holdfast_resp::Reply;

use super::push_event;
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::list::{End, ListValue};

const KEY_AND_ELEMENTS: &[Argument] =
    &[Argument::key("key"), Argument::string("element").multiple()];
const COST: &str = "O(1) for each element";

pub(super) const LPUSH: Command<Handler> = Command::write("lpush", Group::List, lpush)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "1.0.0",
        COST,
        "Adds elements at the front of a list.",
        KEY_AND_ELEMENTS,
    );

pub(super) const RPUSH: Command<Handler> = Command::write("rpush", Group::List, rpush)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "1.0.0",
        COST,
        "Adds elements at the back of a list.",
        KEY_AND_ELEMENTS,
    );

pub(super) const LPUSHX: Command<Handler> = Command::write("lpushx", Group::List, lpushx)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "2.2.0",
        COST,
        "Adds elements at the front of a list that is there already.",
        KEY_AND_ELEMENTS,
    );

pub(super) const RPUSHX: Command<Handler> = Command::write("rpushx", Group::List, rpushx)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "2.2.0",
        COST,
        "Adds elements at the back of a list that is there already.",
        KEY_AND_ELEMENTS,
    );

/// Adds elements one after the other, each at the end itself.
fn push(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    end: End,
    must_exist: bool,
) -> Result<(), CommandError> {
    let (key, elements) = (context.key(args.next()?), args.take_rest());
    if must_exist && context.get::<ListValue>(key)?.is_none() {
        reply.integer(0);
        return Ok(());
    }
    let encodings = context.encodings();
    let list = context.get_or_create::<ListValue>(key)?;
    for element in elements {
        list.push(end, element, &encodings);
    }
    let len = list.len();
    context.changed(key, NotifyClasses::LIST, push_event(end));
    context.log_as_given();
    reply.integer(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

fn lpush(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    push(context, args, reply, End::Front, false)
}

fn rpush(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    push(context, args, reply, End::Back, false)
}

fn lpushx(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    push(context, args, reply, End::Front, true)
}

fn rpushx(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    push(context, args, reply, End::Back, true)
}
