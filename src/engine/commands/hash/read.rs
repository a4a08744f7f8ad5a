//! Looking at hashes.

use holdfast_formats::Element;
use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Command, Group, KeySpec};
use crate::commands::element::write_element;
use crate::commands::scan_options::{self, ScanOptions};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::hash::HashValue;

const KEY_AND_FIELD: &[Argument] = &[Argument::key("key"), Argument::string("field")];
const ONLY_KEY: &[Argument] = &[Argument::key("key")];

pub(super) const HGET: Command<Handler> = Command::read("hget", Group::Hash, hget)
    .arity(Exactly(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "2.0.0",
        "O(1)",
        "Returns the value of a field.",
        KEY_AND_FIELD,
    );

pub(super) const HMGET: Command<Handler> = Command::read("hmget", Group::Hash, hmget)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "2.0.0",
        "O(N) in the number of fields asked for",
        "Returns the values of fields.",
        &[Argument::key("key"), Argument::string("field").multiple()],
    );

pub(super) const HGETALL: Command<Handler> = Command::read("hgetall", Group::Hash, hgetall)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .doc(
        "2.0.0",
        "O(N) in the size of the hash",
        "Returns all fields and values.",
        ONLY_KEY,
    );

pub(super) const HKEYS: Command<Handler> = Command::read("hkeys", Group::Hash, hkeys)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .doc(
        "2.0.0",
        "O(N) in the size of the hash",
        "Returns all fields.",
        ONLY_KEY,
    );

pub(super) const HVALS: Command<Handler> = Command::read("hvals", Group::Hash, hvals)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .doc(
        "2.0.0",
        "O(N) in the size of the hash",
        "Returns all values.",
        ONLY_KEY,
    );

pub(super) const HLEN: Command<Handler> = Command::read("hlen", Group::Hash, hlen)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc("2.0.0", "O(1)", "Returns the number of fields.", ONLY_KEY);

pub(super) const HEXISTS: Command<Handler> = Command::read("hexists", Group::Hash, hexists)
    .arity(Exactly(3))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "2.0.0",
        "O(1)",
        "Tells whether a field is there.",
        KEY_AND_FIELD,
    );

pub(super) const HSTRLEN: Command<Handler> = Command::read("hstrlen", Group::Hash, hstrlen)
    .arity(Exactly(3))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "3.2.0",
        "O(1)",
        "Returns the length of a field's value.",
        KEY_AND_FIELD,
    );

pub(super) const HSCAN: Command<Handler> = Command::read("hscan", Group::Hash, hscan)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .doc(
        "2.8.0",
        "O(1) for each call, O(N) for all of them",
        "Walks the fields and values piece by piece.",
        &[
            Argument::key("key"),
            Argument::integer("cursor"),
            Argument::new("pattern", ArgumentKind::Pattern)
                .token("MATCH")
                .optional(),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

fn write_or_null(reply: &mut Reply, found: Option<Element<'_>>) {
    match found {
        Some(element) => write_element(reply, element),
        None => reply.null(),
    }
}

fn count(reply: &mut Reply, count: usize) {
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}

fn hget(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, field) = (context.key(args.next()?), args.next()?);
    let hash = context.get::<HashValue>(key)?;
    write_or_null(reply, hash.and_then(|hash| hash.get(field)));
    Ok(())
}

fn hmget(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, fields) = (context.key(args.next()?), args.take_rest());
    let hash = context.get::<HashValue>(key)?;
    reply.array(fields.len());
    for field in fields {
        write_or_null(reply, hash.and_then(|hash| hash.get(field)));
    }
    Ok(())
}

fn hgetall(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let hash = context.get::<HashValue>(key)?;
    reply.map(hash.map_or(0, HashValue::len));
    for (field, value) in hash.into_iter().flat_map(HashValue::iter) {
        write_element(reply, field);
        write_element(reply, value);
    }
    Ok(())
}

fn hkeys(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let hash = context.get::<HashValue>(key)?;
    reply.array(hash.map_or(0, HashValue::len));
    for (field, _) in hash.into_iter().flat_map(HashValue::iter) {
        write_element(reply, field);
    }
    Ok(())
}

fn hvals(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let hash = context.get::<HashValue>(key)?;
    reply.array(hash.map_or(0, HashValue::len));
    for (_, value) in hash.into_iter().flat_map(HashValue::iter) {
        write_element(reply, value);
    }
    Ok(())
}

fn hlen(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    count(
        reply,
        context.get::<HashValue>(key)?.map_or(0, HashValue::len),
    );
    Ok(())
}

fn hexists(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, field) = (context.key(args.next()?), args.next()?);
    let hash = context.get::<HashValue>(key)?;
    reply.integer(i64::from(hash.is_some_and(|hash| hash.contains(field))));
    Ok(())
}

fn hstrlen(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, field) = (context.key(args.next()?), args.next()?);
    let hash = context.get::<HashValue>(key)?;
    let value = hash.and_then(|hash| hash.get(field));
    count(reply, value.map_or(0, Element::bytes_len));
    Ok(())
}

fn hscan(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let options = ScanOptions::cursor(args)?.rest(args)?;
    let mut found = Vec::new();
    let mut next = None;
    if let Some(hash) = context.get::<HashValue>(key)? {
        next = hash.scan(options.from, options.count, &mut |field, value| {
            let field = field.to_vec();
            if options.shows(&field) {
                found.extend([field, value.to_vec()]);
            }
        });
    }
    scan_options::write(reply, next, &found);
    Ok(())
}
