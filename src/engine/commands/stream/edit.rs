//! XDEL and XSETID.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use super::{count, ids};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::values::stream::StreamValue;

pub(super) const XDEL: Command<Handler> = Command::write("xdel", Group::Stream, xdel)
    .arity(AtLeast(3))
    .keys(&[KeySpec::DELETE])
    .fast()
    .doc(
        "5.0.0",
        "O(1) for each entry",
        "Deletes entries of a stream by their ids.",
        &[Argument::key("key"), Argument::string("id").multiple()],
    );

pub(super) const XSETID: Command<Handler> = Command::write("xsetid", Group::Stream, xsetid)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "5.0.0",
        "O(1)",
        "Sets what a stream remembers of entries that are gone.",
        &[
            Argument::key("key"),
            Argument::string("last-id"),
            Argument::integer("entries_added")
                .token("ENTRIESADDED")
                .optional(),
            Argument::string("max_deleted_entry_id")
                .token("MAXDELETEDID")
                .optional(),
        ],
    );

fn xdel(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    // Ids for a key that is not there are not even read.
    if context.get::<StreamValue>(key)?.is_none() {
        reply.integer(0);
        return Ok(());
    }
    let ids = ids::parse_all(args.take_rest())?;
    let stream = context.get_mut::<StreamValue>(key)?;
    let deleted = stream.map_or(0, |stream| {
        ids.iter().filter(|&&id| stream.remove(id)).count()
    });
    if deleted > 0 {
        context.changed(key, NotifyClasses::STREAM, "xdel");
        context.log_as_given();
    }
    reply.integer(count(deleted));
    Ok(())
}

fn xsetid(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let last_id = ids::parse(args.next()?, 0)?;
    let (mut added, mut max_deleted) = (None, StreamId::MIN);
    while !args.is_done() {
        if args.remaining() < 2 {
            return Err(CommandError::Syntax);
        }
        if args.accept("ENTRIESADDED") {
            let number = u64::try_from(args.next_i64()?);
            added = Some(number.map_err(|_| CommandError::EntriesAddedNegative)?);
        } else if args.accept("MAXDELETEDID") {
            max_deleted = ids::parse(args.next()?, 0)?;
            if last_id < max_deleted {
                return Err(CommandError::SetIdBelowDeleted);
            }
        } else {
            return Err(CommandError::Syntax);
        }
    }
    let Some(stream) = context.get_mut::<StreamValue>(key)? else {
        return Err(CommandError::NoSuchKey);
    };
    if stream.last().is_some_and(|last| last_id < last.id) {
        return Err(CommandError::SetIdBelowTop);
    }
    if added.is_some_and(|added| added < stream.len()) {
        return Err(CommandError::EntriesAddedBelowLength);
    }
    stream.set_ids(last_id, added, max_deleted);
    context.changed_beside(key);
    context.notify(key, NotifyClasses::STREAM, "xsetid");
    context.log_as_given();
    reply.ok();
    Ok(())
}
