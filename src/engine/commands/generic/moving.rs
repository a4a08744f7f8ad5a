//! Keys under other names and in other databases: RENAME, COPY, MOVE.
//!
//! What always holds: keys that have expired are removed, as effects, before anything is decided,
//! so that the command itself gives the same on every node.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Flags, Group, KeyAccess, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{DatabaseIndex, Expiry, Key};
use crate::notify::NotifyClasses;
use crate::number;

const SOURCE: KeySpec = KeySpec::TAKE;
const TARGET: KeySpec = KeySpec::OVERWRITE.index(2);
const NEW_TARGET: KeySpec = KeySpec {
    access: KeyAccess {
        mode: "OW",
        access: false,
        change: Some("insert"),
    },
    ..TARGET
};
const NEW_KEY: Argument = Argument::new("newkey", crate::command::ArgumentKind::Key(1));

pub(super) const RENAME: Command<Handler> = Command::write("rename", Group::Generic, rename)
    .arity(Exactly(3))
    .keys(&[SOURCE, TARGET])
    .doc(
        "1.0.0",
        "O(1)",
        "Gives a key another name; what has that name already is replaced.",
        &[Argument::key("key"), NEW_KEY],
    );

pub(super) const RENAMENX: Command<Handler> = Command::write("renamenx", Group::Generic, renamenx)
    .arity(Exactly(3))
    .keys(&[SOURCE, NEW_TARGET])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Gives a key another name if no key has that name.",
        &[Argument::key("key"), NEW_KEY],
    );

pub(super) const COPY: Command<Handler> = Command::write("copy", Group::Generic, copy)
    .arity(AtLeast(3))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::READ, TARGET])
    .doc(
        "6.2.0",
        "O(N) where N is the number of elements; O(1) for strings",
        "Copies a value, with its deadline, to another key.",
        &[
            Argument::key("source"),
            Argument::new("destination", crate::command::ArgumentKind::Key(1)),
            Argument::integer("destination-db").token("DB").optional(),
            Argument::word("replace", "REPLACE").optional(),
        ],
    );

pub(super) const MOVE: Command<Handler> = Command::write("move", Group::Generic, move_key)
    .arity(Exactly(3))
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Moves a key to another database if that has no key of this name.",
        &[Argument::key("key"), Argument::integer("db")],
    );

fn rename(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (from, to) = (context.key(args.next()?), context.key(args.next()?));
    if !context.exists(from) {
        return Err(CommandError::NoSuchKey);
    }
    if from.bytes != to.bytes {
        give_name(context, from, to);
    }
    reply.ok();
    Ok(())
}

fn renamenx(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (from, to) = (context.key(args.next()?), context.key(args.next()?));
    if !context.exists(from) {
        return Err(CommandError::NoSuchKey);
    }
    let is_free = from.bytes != to.bytes && !context.exists(to);
    if is_free {
        give_name(context, from, to);
    }
    reply.integer(i64::from(is_free));
    Ok(())
}

fn give_name(context: &mut WriteContext<'_>, from: Key<'_>, to: Key<'_>) {
    context.expire_if_due(to);
    relocate(context, from, to, context.database);
    context.changed(from, NotifyClasses::GENERIC, "rename_from");
    context.changed(to, NotifyClasses::GENERIC, "rename_to");
    context.log_as_given();
}

/// Moves what is at `from` to `to` in a database, in place of what is there.
fn relocate(context: &mut WriteContext<'_>, from: Key<'_>, to: Key<'_>, database: DatabaseIndex) {
    let Some(access) = context.entry(from).map(crate::keyspace::Entry::access) else {
        return;
    };
    if let Some((value, deadline)) = context.take(from) {
        context.in_database(database, |context| {
            context.put(to, value, deadline.map_or(Expiry::Never, Expiry::At));
            // A key that moves is not a key that is used.
            context.set_access(to, access);
        });
    }
}

fn copy(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (from, to) = (context.key(args.next()?), context.key(args.next()?));
    let (mut database, mut replaces) = (context.database, false);
    while !args.is_done() {
        if args.accept("REPLACE") {
            replaces = true;
        } else if args.accept("DB") {
            database = read_database(context, args.next()?)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if database == context.database && from.bytes == to.bytes {
        return Err(CommandError::SameObject);
    }
    let found = context
        .entry(from)
        .map(|entry| (entry.value().to_value(), entry.expires_at_ms()));
    let is_free = context.in_database(database, |context| !context.exists(to));
    let copied = found.filter(|_| is_free || replaces);
    reply.integer(i64::from(copied.is_some()));
    if let Some((value, deadline)) = copied {
        context.in_database(database, |context| {
            context.put(to, value, deadline.map_or(Expiry::Never, Expiry::At));
            context.changed(to, NotifyClasses::GENERIC, "copy_to");
        });
        context.log_as_given();
    }
    Ok(())
}

fn move_key(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let database = read_database(context, args.next()?)?;
    if database == context.database {
        return Err(CommandError::SameObject);
    }
    let is_there = context.exists(key);
    let moves = is_there && context.in_database(database, |context| !context.exists(key));
    if moves {
        relocate(context, key, key, database);
        context.changed(key, NotifyClasses::GENERIC, "move_from");
        context.in_database(database, |context| {
            context.changed(key, NotifyClasses::GENERIC, "move_to");
        });
        context.log_as_given();
    }
    reply.integer(i64::from(moves));
    Ok(())
}

fn read_database(context: &WriteContext<'_>, text: &[u8]) -> Result<DatabaseIndex, CommandError> {
    let number = number::parse_i64(text)
        .and_then(|number| i32::try_from(number).ok())
        .ok_or(CommandError::NotAnInteger)?;
    u32::try_from(number)
        .ok()
        .filter(|&number| number < context.keyspace.databases_count())
        .map(DatabaseIndex)
        .ok_or(CommandError::DatabaseOutOfRange)
}
