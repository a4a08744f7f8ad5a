//! Moving an element from the end of one list to the end of another, at once or as soon as there
//! is one.

use holdfast_resp::Reply;

use super::{ENDS, pop_event, push_event, read_end};
use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use crate::commands::waiting::{parse_timeout, pass_over, wait_or_answer};
use crate::context::{OnTimeout, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::list::{End, ListValue};

const KEYS: &[KeySpec] = &[KeySpec::TAKE, KeySpec::INSERT.index(2)];
const SOURCE: Argument = Argument::key("source");
const DESTINATION: Argument = Argument::new("destination", ArgumentKind::Key(1));
const FROM: Argument = Argument::one_of("wherefrom", ENDS);
const TO: Argument = Argument::one_of("whereto", ENDS);

pub(super) const RPOPLPUSH: Command<Handler> = Command::write("rpoplpush", Group::List, rpoplpush)
    .arity(Exactly(3))
    .flags(Flags::DENY_OOM)
    .keys(KEYS)
    .doc(
        "1.2.0",
        "O(1)",
        "Moves the back element of a list to the front of another.",
        &[SOURCE, DESTINATION],
    )
    .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments");

pub(super) const LMOVE: Command<Handler> = Command::write("lmove", Group::List, lmove)
    .arity(Exactly(5))
    .flags(Flags::DENY_OOM)
    .keys(KEYS)
    .doc(
        "6.2.0",
        "O(1)",
        "Moves an element from an end of a list to an end of another.",
        &[SOURCE, DESTINATION, FROM, TO],
    );

pub(super) const BRPOPLPUSH: Command<Handler> =
    Command::write("brpoplpush", Group::List, brpoplpush)
        .arity(Exactly(4))
        .flags(Flags::DENY_OOM.with(Flags::NO_SCRIPT).with(Flags::BLOCKING))
        .keys(KEYS)
        .doc(
            "2.2.0",
            "O(1)",
            "Moves the back element of a list to the front of another, or waits for one.",
            &[SOURCE, DESTINATION, Argument::double("timeout")],
        )
        .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments");

pub(super) const BLMOVE: Command<Handler> = Command::write("blmove", Group::List, blmove)
    .arity(Exactly(6))
    .flags(Flags::DENY_OOM.with(Flags::NO_SCRIPT).with(Flags::BLOCKING))
    .keys(KEYS)
    .doc(
        "6.2.0",
        "O(1)",
        "Moves an element from an end of a list to an end of another, or waits for one.",
        &[SOURCE, DESTINATION, FROM, TO, Argument::double("timeout")],
    );

/// From where to where.
struct Move<'a> {
    source: &'a [u8],
    destination: &'a [u8],
    from: End,
    to: End,
}

impl<'a> Move<'a> {
    /// Reads the keys of the forms without ends.
    fn back_to_front(args: &mut Args<'a>) -> Result<Self, CommandError> {
        Ok(Self {
            source: args.next()?,
            destination: args.next()?,
            from: End::Back,
            to: End::Front,
        })
    }

    /// Reads keys and ends.
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        Ok(Self {
            source: args.next()?,
            destination: args.next()?,
            from: read_end(args)?,
            to: read_end(args)?,
        })
    }

    /// Moves an element and writes it; says whether there was one.
    fn run(&self, context: &mut WriteContext<'_>, reply: &mut Reply) -> Result<bool, CommandError> {
        let (source, destination) = (context.key(self.source), context.key(self.destination));
        let found = context
            .get::<ListValue>(source)
            .map(|list| list.map(|_| ()));
        if pass_over(context, found)?.is_none() {
            return Ok(false);
        }
        context.get::<ListValue>(destination)?;
        let encodings = context.encodings();
        let list = context.get_mut::<ListValue>(source)?;
        let Some(element) = list.and_then(|list| list.pop(self.from, &encodings)) else {
            return Ok(false);
        };
        // A list that is moved around itself may be empty in between: it stays.
        let list = context.get_or_create::<ListValue>(destination)?;
        list.push(self.to, &element, &encodings);
        context.changed(destination, NotifyClasses::LIST, push_event(self.to));
        context.changed(source, NotifyClasses::LIST, pop_event(self.from));
        context.remove_if_empty::<ListValue>(source);
        let ends = [self.from, self.to].map(end_name);
        context.log(&[b"LMOVE", self.source, self.destination, ends[0], ends[1]]);
        reply.bulk(&element);
        Ok(true)
    }

    fn run_or_wait(
        &self,
        context: &mut WriteContext<'_>,
        reply: &mut Reply,
        timeout_ms: Option<u64>,
    ) -> Result<(), CommandError> {
        if !self.run(context, reply)? {
            wait_or_answer(context, reply, &[self.source], timeout_ms, OnTimeout::Null);
        }
        Ok(())
    }
}

const fn end_name(end: End) -> &'static [u8] {
    match end {
        End::Front => b"LEFT",
        End::Back => b"RIGHT",
    }
}

fn rpoplpush(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    if !Move::back_to_front(args)?.run(context, reply)? {
        reply.null();
    }
    Ok(())
}

fn lmove(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    if !Move::read(args)?.run(context, reply)? {
        reply.null();
    }
    Ok(())
}

fn brpoplpush(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let wanted = Move::back_to_front(args)?;
    let timeout_ms = parse_timeout(args.next()?)?;
    wanted.run_or_wait(context, reply, timeout_ms)
}

fn blmove(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let wanted = Move::read(args)?;
    let timeout_ms = parse_timeout(args.next()?)?;
    wanted.run_or_wait(context, reply, timeout_ms)
}
