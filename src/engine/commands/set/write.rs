//! Adding, removing and moving members.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::set::SetValue;

const KEY_AND_MEMBERS: &[Argument] = &[Argument::key("key"), Argument::string("member").multiple()];

pub(super) const SADD: Command<Handler> = Command::write("sadd", Group::Set, sadd)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT])
    .fast()
    .doc(
        "1.0.0",
        "O(1) for each member",
        "Adds members.",
        KEY_AND_MEMBERS,
    );

pub(super) const SREM: Command<Handler> = Command::write("srem", Group::Set, srem)
    .arity(AtLeast(3))
    .keys(&[KeySpec::DELETE])
    .fast()
    .doc(
        "1.0.0",
        "O(N) in the members to remove",
        "Removes members, and the set with its last one.",
        KEY_AND_MEMBERS,
    );

pub(super) const SMOVE: Command<Handler> = Command::write("smove", Group::Set, smove)
    .arity(Exactly(4))
    .keys(&[KeySpec::TAKE, KeySpec::INSERT.index(2)])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Moves a member from one set to another.",
        &[
            Argument::key("source"),
            Argument::key("destination"),
            Argument::string("member"),
        ],
    );

fn sadd(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, members) = (context.key(args.next()?), args.take_rest());
    let encodings = context.encodings();
    let set = context.get_or_create::<SetValue>(key)?;
    let added = members
        .iter()
        .filter(|member| set.add(member, &encodings))
        .count();
    if added > 0 {
        context.changed(key, NotifyClasses::SET, "sadd");
        context.log_as_given();
    }
    reply.integer(i64::try_from(added).unwrap_or(i64::MAX));
    Ok(())
}

fn srem(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, members) = (context.key(args.next()?), args.take_rest());
    let mut removed = 0;
    if let Some(set) = context.get_mut::<SetValue>(key)? {
        removed = members.iter().filter(|member| set.remove(member)).count();
    }
    if removed > 0 {
        context.changed(key, NotifyClasses::SET, "srem");
        context.remove_if_empty::<SetValue>(key);
        context.log_as_given();
    }
    reply.integer(i64::try_from(removed).unwrap_or(i64::MAX));
    Ok(())
}

fn smove(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (source, destination) = (context.key(args.next()?), context.key(args.next()?));
    let member = args.next()?;
    let is_there = context
        .get::<SetValue>(source)?
        .map(|set| set.contains(member));
    let Some(is_there) = is_there else {
        reply.integer(0);
        return Ok(());
    };
    context.get::<SetValue>(destination)?;
    if !is_there || source.bytes == destination.bytes {
        reply.integer(i64::from(is_there));
        return Ok(());
    }
    if let Some(set) = context.get_mut::<SetValue>(source)? {
        set.remove(member);
    }
    context.changed(source, NotifyClasses::SET, "srem");
    context.remove_if_empty::<SetValue>(source);
    let encodings = context.encodings();
    let is_new = context
        .get_or_create::<SetValue>(destination)?
        .add(member, &encodings);
    if is_new {
        context.changed(destination, NotifyClasses::SET, "sadd");
    }
    context.log_as_given();
    reply.integer(1);
    Ok(())
}
