//! Whether keys are there, of which type they are, and their removal.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;

pub(super) const DEL: Command<Handler> = Command::write("del", Group::Generic, remove)
    .arity(AtLeast(2))
    .keys(&[KeySpec::REMOVE.range(-1, 1)])
    .doc(
        "1.0.0",
        "O(N) where N is the number of keys; large values are freed on another thread",
        "Removes keys and returns how many there were.",
        KEYS,
    );

pub(super) const UNLINK: Command<Handler> = Command::write("unlink", Group::Generic, remove)
    .arity(AtLeast(2))
    .keys(&[KeySpec::REMOVE.range(-1, 1)])
    .fast()
    .doc(
        "4.0.0",
        "O(N) where N is the number of keys; large values are freed on another thread",
        "Removes keys and returns how many there were.",
        KEYS,
    );

pub(super) const EXISTS: Command<Handler> = Command::read("exists", Group::Generic, exists)
    .arity(AtLeast(2))
    .keys(&[KeySpec::PEEK.range(-1, 1)])
    .fast()
    .doc(
        "1.0.0",
        "O(N) where N is the number of keys",
        "Returns how many of the given keys are there, repeated ones counted each time.",
        KEYS,
    );

pub(super) const TOUCH: Command<Handler> = Command::read("touch", Group::Generic, touch)
    .arity(AtLeast(2))
    .keys(&[KeySpec::PEEK.range(-1, 1)])
    .fast()
    .doc(
        "3.2.1",
        "O(N) where N is the number of keys",
        "Marks keys as used now and returns how many of them are there.",
        KEYS,
    );

pub(super) const TYPE: Command<Handler> = Command::read("type", Group::Generic, type_of)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Returns the type of the value at a key.",
        &[Argument::key("key")],
    );

const KEYS: &[Argument] = &[Argument::key("key").multiple()];

fn remove(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let mut removed = 0;
    for key in args.take_rest() {
        let key = context.key(key);
        if context.exists(key) {
            context.remove(key);
            context.changed(key, NotifyClasses::GENERIC, "del");
            removed += 1;
        }
    }
    if removed > 0 {
        context.log_as_given();
    }
    reply.integer(removed);
    Ok(())
}

fn exists(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let found = |key: &&&[u8]| {
        context
            .keyspace
            .peek(context.database, context.key(key))
            .is_some()
    };
    let count = args.take_rest().iter().filter(found).count();
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

fn touch(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    // Not `context.entry`: a session that does not touch by reading still does so by this command.
    let found = |key: &&&[u8]| {
        context
            .keyspace
            .read(context.database, context.key(key))
            .is_some()
    };
    let count = args.take_rest().iter().filter(found).count();
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

fn type_of(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let found = context.keyspace.peek(context.database, key);
    reply.simple(found.map_or("none", |entry| entry.value().type_name()));
    Ok(())
}
