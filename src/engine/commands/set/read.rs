//! Looking at sets.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Command, Group, KeySpec};
use crate::commands::element::write_element;
use crate::commands::scan_options::{self, ScanOptions};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::set::SetValue;

pub(super) const SISMEMBER: Command<Handler> = Command::read("sismember", Group::Set, sismember)
    .arity(Exactly(3))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Tells whether something is a member.",
        &[Argument::key("key"), Argument::string("member")],
    );

pub(super) const SMISMEMBER: Command<Handler> = Command::read("smismember", Group::Set, smismember)
    .arity(AtLeast(3))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "6.2.0",
        "O(N) in the members asked for",
        "Tells for each of several whether it is a member.",
        &[Argument::key("key"), Argument::string("member").multiple()],
    );

pub(super) const SCARD: Command<Handler> = Command::read("scard", Group::Set, scard)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Returns the number of members.",
        &[Argument::key("key")],
    );

pub(super) const SMEMBERS: Command<Handler> = Command::read("smembers", Group::Set, smembers)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .doc(
        "1.0.0",
        "O(N) in the size of the set",
        "Returns all members.",
        &[Argument::key("key")],
    );

pub(super) const SSCAN: Command<Handler> = Command::read("sscan", Group::Set, sscan)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .doc(
        "2.8.0",
        "O(1) for each call, O(N) for all of them",
        "Walks the members piece by piece.",
        &[
            Argument::key("key"),
            Argument::integer("cursor"),
            Argument::new("pattern", ArgumentKind::Pattern)
                .token("MATCH")
                .optional(),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

fn sismember(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, member) = (context.key(args.next()?), args.next()?);
    let set = context.get::<SetValue>(key)?;
    reply.integer(i64::from(set.is_some_and(|set| set.contains(member))));
    Ok(())
}

fn smismember(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, members) = (context.key(args.next()?), args.take_rest());
    let set = context.get::<SetValue>(key)?;
    reply.array(members.len());
    for member in members {
        reply.integer(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

fn scard(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let count = context.get::<SetValue>(key)?.map_or(0, SetValue::len);
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

fn smembers(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let set = context.get::<SetValue>(key)?;
    reply.set(set.map_or(0, SetValue::len));
    for member in set.into_iter().flat_map(SetValue::iter) {
        write_element(reply, member);
    }
    Ok(())
}

fn sscan(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let options = ScanOptions::cursor(args)?.rest(args)?;
    let mut found = Vec::new();
    let mut next = None;
    if let Some(set) = context.get::<SetValue>(key)? {
        next = set.scan(options.from, options.count, &mut |member| {
            let member = member.to_vec();
            if options.shows(&member) {
                found.push(member);
            }
        });
    }
    scan_options::write(reply, next, &found);
    Ok(())
}
