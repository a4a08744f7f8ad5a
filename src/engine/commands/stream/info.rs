//! XINFO: facts about streams, their groups and consumers.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use super::group::{no_group, wrong_arguments};
use super::{count, counter, ids, write_entry};
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Flags, Group as CommandGroup, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::direction::Direction;
use crate::values::stream::{Entry, Group, StreamValue};

const KEY: Argument = Argument::key("key");

pub(super) const XINFO: Command<Handler> = Command::container("xinfo", CommandGroup::Stream)
    .doc(
        "5.0.0",
        "Depends on the subcommand.",
        "Facts about streams, their groups and consumers.",
        &[],
    )
    .subcommands(&[STREAM, GROUPS, CONSUMERS, HELP]);

const STREAM: Command<Handler> = Command::read("stream", CommandGroup::Stream, stream)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ.index(2)])
    .doc(
        "5.0.0",
        "O(1)",
        "Returns facts about a stream.",
        &[
            KEY,
            Argument::block(
                "full",
                &[Argument::integer("count").token("COUNT").optional()],
            )
            .token("FULL")
            .optional(),
        ],
    );

const GROUPS: Command<Handler> = Command::read("groups", CommandGroup::Stream, groups)
    .arity(Exactly(3))
    .keys(&[KeySpec::READ.index(2)])
    .doc(
        "5.0.0",
        "O(N) in the groups",
        "Returns facts about the groups of a stream.",
        &[KEY],
    );

const CONSUMERS: Command<Handler> = Command::read("consumers", CommandGroup::Stream, consumers)
    .arity(Exactly(4))
    .keys(&[KeySpec::READ.index(2)])
    .doc(
        "5.0.0",
        "O(N) in the consumers",
        "Returns facts about the consumers of a group.",
        &[KEY, Argument::string("groupname")],
    );

const HELP: Command<Handler> = Command::new("help", CommandGroup::Stream, Handler::Read(help))
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE))
    .doc("5.0.0", "O(1)", "Explains the subcommands.", &[]);

fn find<'a>(
    context: &ReadContext<'a>,
    args: &mut Args<'_>,
) -> Result<&'a StreamValue, CommandError> {
    let found = context.get::<StreamValue>(context.key(args.next()?))?;
    found.ok_or(CommandError::NoSuchKey)
}

/// Entries that FULL shows, and pending entries of each group and consumer, unless told otherwise.
const FULL_COUNT: usize = 10;

fn stream(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let stream = find(context, args)?;
    if args.is_done() {
        reply.map(10);
        write_facts(stream, reply);
        reply.bulk(b"groups");
        reply.integer(count(stream.groups().len()));
        reply.bulk(b"first-entry");
        write_or_null(reply, stream.first());
        reply.bulk(b"last-entry");
        write_or_null(reply, stream.last());
        return Ok(());
    }
    let count_max = read_full(args)?;
    reply.map(9);
    write_facts(stream, reply);
    reply.bulk(b"entries");
    let entries = stream.range(StreamId::MIN, StreamId::MAX, Direction::Forward);
    let entries = entries.take(count_max);
    reply.array_of(|reply| entries.inspect(|entry| write_entry(reply, entry)).count());
    reply.bulk(b"groups");
    let groups = stream.groups();
    reply.array(groups.len());
    for (name, group) in groups {
        write_group_in_full(stream, name, group, count_max, reply);
    }
    Ok(())
}

/// Reads FULL with its count; 0 is for all.
fn read_full(args: &mut Args<'_>) -> Result<usize, CommandError> {
    let is_whole = matches!(args.remaining(), 1 | 3) && args.accept("FULL");
    if !is_whole || !(args.is_done() || args.accept("COUNT")) {
        return Err(wrong_arguments(args, "XINFO"));
    }
    if args.is_done() {
        return Ok(FULL_COUNT);
    }
    let count = args.next_i64()?;
    Ok(match usize::try_from(count) {
        Ok(0) => usize::MAX,
        Ok(count) => count,
        Err(_) => FULL_COUNT,
    })
}

/// Seven facts that both forms begin with.
fn write_facts(stream: &StreamValue, reply: &mut Reply) {
    let nodes = count(stream.nodes_count());
    reply.bulk(b"length");
    reply.integer(counter(stream.len()));
    // Nodes hang in an ordered map here: it is said to have one node more than keys, as a radix
    // tree without forks would.
    reply.bulk(b"radix-tree-keys");
    reply.integer(nodes);
    reply.bulk(b"radix-tree-nodes");
    reply.integer(nodes + 1);
    reply.bulk(b"last-generated-id");
    ids::write(reply, stream.last_id());
    reply.bulk(b"max-deleted-entry-id");
    ids::write(reply, stream.max_deleted_id());
    reply.bulk(b"entries-added");
    reply.integer(counter(stream.entries_added()));
    reply.bulk(b"recorded-first-entry-id");
    ids::write(reply, stream.first_id());
}

fn write_or_null(reply: &mut Reply, entry: Option<Entry<'_>>) {
    match entry {
        Some(entry) => write_entry(reply, &entry),
        None => reply.null(),
    }
}

fn write_integer_or_null(reply: &mut Reply, number: Option<i64>) {
    match number {
        Some(number) => reply.integer(number),
        None => reply.null(),
    }
}

/// How far a group has come: three facts that both forms have.
fn write_progress(stream: &StreamValue, group: &Group, reply: &mut Reply) {
    reply.bulk(b"last-delivered-id");
    ids::write(reply, group.last_id);
    reply.bulk(b"entries-read");
    write_integer_or_null(reply, group.entries_read.map(counter));
    reply.bulk(b"lag");
    write_integer_or_null(reply, stream.lag(group));
}

fn write_group_in_full(
    stream: &StreamValue,
    name: &[u8],
    group: &Group,
    count_max: usize,
    reply: &mut Reply,
) {
    reply.map(7);
    reply.bulk(b"name");
    reply.bulk(name);
    write_progress(stream, group, reply);
    reply.bulk(b"pel-count");
    reply.integer(count(group.pending_count()));
    reply.bulk(b"pending");
    reply.array(group.pending_count().min(count_max));
    for (id, pending) in group.pending_from(StreamId::MIN).take(count_max) {
        reply.array(4);
        ids::write(reply, id);
        reply.bulk(&group.consumer(pending.consumer).name);
        reply.integer(pending.delivered_ms);
        reply.integer(counter(pending.deliveries));
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers_count());
    for consumer in group.consumers() {
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(&consumer.name);
        reply.bulk(b"seen-time");
        reply.integer(consumer.seen_ms);
        reply.bulk(b"pel-count");
        reply.integer(count(consumer.pending_count()));
        reply.bulk(b"pending");
        reply.array(consumer.pending_count().min(count_max));
        for id in consumer.pending_from(StreamId::MIN).take(count_max) {
            let pending = group.pending(id);
            reply.array(3);
            ids::write(reply, id);
            reply.integer(pending.map_or(0, |pending| pending.delivered_ms));
            reply.integer(pending.map_or(0, |pending| counter(pending.deliveries)));
        }
    }
}

fn groups(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let stream = find(context, args)?;
    let groups = stream.groups();
    reply.array(groups.len());
    for (name, group) in groups {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"consumers");
        reply.integer(count(group.consumers_count()));
        reply.bulk(b"pending");
        reply.integer(count(group.pending_count()));
        write_progress(stream, group, reply);
    }
    Ok(())
}

fn consumers(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = args.peek().unwrap_or_default();
    let stream = find(context, args)?;
    let name = args.next()?;
    let group = stream.group(name).ok_or_else(|| no_group(key, name))?;
    reply.array(group.consumers_count());
    for consumer in group.consumers() {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(&consumer.name);
        reply.bulk(b"pending");
        reply.integer(count(consumer.pending_count()));
        reply.bulk(b"idle");
        reply.integer(context.now_ms().saturating_sub(consumer.seen_ms).max(0));
    }
    Ok(())
}

fn help(
    _context: &ReadContext<'_>,
    _args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    const LINES: &[&str] = &[
        "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    Counters, first and last entry of a stream; in full also its entries,",
        "    groups, consumers and what is pending.",
        "GROUPS <key>",
        "    The groups of a stream, and how far they have come.",
        "CONSUMERS <key> <groupname>",
        "    The consumers of a group, and since when they are idle.",
        "HELP",
        "    This text.",
    ];
    reply.array(LINES.len());
    LINES.iter().for_each(|line| reply.simple(line));
    Ok(())
}
