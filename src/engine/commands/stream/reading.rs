//! XREAD and XREADGROUP: entries of several streams from ids on, or as soon as there are some.
//!
//! A command that has waited answers for the stream that woke it alone, as Redis does.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::{Protocol, Reply};

use super::effects::{self, Place, Position};
use super::{ids, no_key_or_group, write_entry};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::commands::waiting::pass_over;
use crate::context::{Block, Caller, OnTimeout, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::values::direction::Direction;
use crate::values::stream::{Pending, StreamValue};

const COUNT: Argument = Argument::integer("count").token("COUNT").optional();
const BLOCK: Argument = Argument::integer("milliseconds").token("BLOCK").optional();
const STREAMS: Argument = Argument::block(
    "streams",
    &[
        Argument::key("key").multiple(),
        Argument::string("id").multiple(),
    ],
)
.token("STREAMS");

// Only its wait needs a writer's context: it changes nothing.
pub(super) const XREAD: Command<Handler> =
    Command::new("xread", Group::Stream, Handler::Write(xread))
        .arity(AtLeast(4))
        .flags(Flags::READONLY.with(Flags::BLOCKING))
        .keys(&[KeySpec::READ.after("STREAMS", 1).share(2)])
        .doc(
            "5.0.0",
            "O(M) with M entries returned",
            "Returns entries of streams after ids, or waits for some.",
            &[COUNT, BLOCK, STREAMS],
        );

pub(super) const XREADGROUP: Command<Handler> =
    Command::write("xreadgroup", Group::Stream, xreadgroup)
        .arity(AtLeast(7))
        .flags(Flags::BLOCKING)
        .keys(&[KeySpec::READ.after("STREAMS", 4).share(2)])
        .doc(
            "5.0.0",
            "O(M) with M entries returned",
            "Returns entries of streams that no other consumer of a group got, or waits for some.",
            &[
                Argument::block(
                    "group_consumer",
                    &[Argument::string("group"), Argument::string("consumer")],
                )
                .token("GROUP"),
                COUNT,
                BLOCK,
                Argument::word("noack", "NOACK").optional(),
                STREAMS,
            ],
        );

/// What is asked for.
struct Wanted<'a> {
    count: usize,
    /// Whether to wait, and for how long.
    wait: Option<Option<u64>>,
    keys: &'a [&'a [u8]],
    after: &'a [&'a [u8]],
}

/// For whom a group is read.
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    /// Entries need no acknowledgement.
    no_ack: bool,
}

/// From where on a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// After this id.
    Id(StreamId),
    /// `>`: after the last one that the group has delivered.
    New,
}

fn read<'a>(
    args: &mut Args<'a>,
    caller: Caller,
    is_of_group: bool,
) -> Result<(Wanted<'a>, Option<Reader<'a>>), CommandError> {
    let mut wanted = Wanted {
        count: usize::MAX,
        wait: None,
        keys: &[],
        after: &[],
    };
    let (mut names, mut no_ack) = (None, false);
    let only_of_group = |word| (!is_of_group).then_some(CommandError::OnlyWithGroup(word));
    while wanted.keys.is_empty() {
        let has_value = args.remaining() > 1;
        if has_value && args.accept("BLOCK") {
            if caller.in_script {
                let name = String::from_utf8_lossy(args.name()).into();
                return Err(CommandError::WaitInScript(name));
            }
            wanted.wait = Some(read_timeout(args.next()?)?);
        } else if has_value && args.accept("COUNT") {
            let count = usize::try_from(args.next_i64()?).unwrap_or(0);
            wanted.count = if count == 0 { usize::MAX } else { count };
        } else if has_value && args.accept("STREAMS") {
            let count = args.remaining();
            if !count.is_multiple_of(2) {
                return Err(CommandError::StreamsUnbalanced);
            }
            wanted.keys = args.take(count / 2)?;
            wanted.after = args.take_rest();
        } else if args.remaining() > 2 && args.accept("GROUP") {
            only_of_group("GROUP").map_or(Ok(()), Err)?;
            names = Some((args.next()?, args.next()?));
        } else if args.accept("NOACK") {
            only_of_group("NOACK").map_or(Ok(()), Err)?;
            no_ack = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if is_of_group && names.is_none() {
        return Err(CommandError::GroupMissing);
    }
    let reader = names.map(|(group, consumer)| Reader {
        group,
        consumer,
        no_ack,
    });
    Ok((wanted, reader))
}

fn read_timeout(text: &[u8]) -> Result<Option<u64>, CommandError> {
    let ms = crate::number::parse_i64(text).ok_or(CommandError::TimeoutNotAnInteger)?;
    let ms = u64::try_from(ms).map_err(|_| CommandError::NegativeTimeout)?;
    Ok((ms > 0).then_some(ms))
}

impl<'a> Wanted<'a> {
    /// The streams to look at, each with what stands for its id: all of them, or the one that woke
    /// the command.
    fn streams(&self, context: &WriteContext<'_>) -> Vec<(Key<'a>, &'a [u8])> {
        let (skipped, taken) = if context.caller.has_waited {
            (context.caller.woken_by, 1)
        } else {
            (0, usize::MAX)
        };
        let both = self.keys.iter().zip(self.after).skip(skipped).take(taken);
        both.map(|(key, after)| (context.key(key), *after))
            .collect()
    }

    /// Nothing was found: waits, or says so. `last_ids` stand for `$` from now on.
    fn wait(&self, context: &mut WriteContext<'_>, reply: &mut Reply, last_ids: &[StreamId]) {
        let Some(timeout_ms) = self.wait.filter(|_| context.caller.may_block) else {
            reply.null_array();
            return;
        };
        let given = context.given().all();
        let mut command: Vec<Box<[u8]>> = given.iter().map(|&word| word.into()).collect();
        let first_id = command.len() - self.after.len();
        for (word, id) in command.iter_mut().skip(first_id).zip(last_ids) {
            if **word == *b"$" {
                *word = ids::text(*id).into();
            }
        }
        context.block(Block {
            command: Some(command),
            keys: self.keys.iter().map(|&key| key.into()).collect(),
            timeout_ms,
            on_timeout: OnTimeout::NullArray,
        });
    }
}

/// Writes streams with their entries, as many as `body` says; whether there are any.
fn write_streams(reply: &mut Reply, body: impl FnOnce(&mut Reply) -> usize) -> bool {
    let before = reply.len();
    let count = match reply.protocol() {
        Protocol::Resp2 => reply.array_of(body),
        Protocol::Resp3 => reply.map_of(body),
    };
    if count == 0 {
        reply.truncate(before);
    }
    count > 0
}

/// Writes the key of a stream, whose entries follow.
fn write_key(reply: &mut Reply, key: Key<'_>) {
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key.bytes);
}

fn xread(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (wanted, _) = read(args, context.caller, false)?;
    let mut streams = Vec::new();
    for (key, after) in wanted.streams(context) {
        let found = context
            .get::<StreamValue>(key)
            .map(|found| found.map(StreamValue::last_id));
        let last_id = pass_over(context, found)?.unwrap_or(StreamId::MIN);
        let after = match after {
            b"$" => last_id,
            b">" => return Err(CommandError::NewIdWithoutGroup),
            text => ids::parse(text, 0)?,
        };
        streams.push((key, after, last_id));
    }
    let found_any = write_streams(reply, |reply| {
        let written = streams
            .iter()
            .filter(|&&(key, after, _)| write_after(context, key, after, wanted.count, reply));
        written.count()
    });
    if !found_any {
        let last_ids: Vec<StreamId> = streams.iter().map(|&(_, _, last_id)| last_id).collect();
        wanted.wait(context, reply, &last_ids);
    }
    Ok(())
}

/// Writes a stream with its entries after an id; whether there are any.
fn write_after(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    after: StreamId,
    count_max: usize,
    reply: &mut Reply,
) -> bool {
    // Another type was refused, or passed over, before.
    let Ok(Some(stream)) = context.get::<StreamValue>(key) else {
        return false;
    };
    let has_more = stream.last().is_some_and(|last| last.id > after);
    let Some(first) = after.next().filter(|_| has_more) else {
        return false;
    };
    write_key(reply, key);
    let entries = stream.range(first, StreamId::MAX, Direction::Forward);
    let entries = entries.take(count_max);
    reply.array_of(|reply| entries.inspect(|entry| write_entry(reply, entry)).count());
    true
}

fn xreadgroup(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (wanted, reader) = read(args, context.caller, true)?;
    let reader = reader.ok_or(CommandError::GroupMissing)?;
    let mut streams = Vec::new();
    for (key, after) in wanted.streams(context) {
        check_group(context, key, reader.group)?;
        let from = match after {
            b"$" => return Err(CommandError::LastIdWithGroup),
            b">" => From::New,
            text => match ids::parse(text, 0)? {
                StreamId::MAX => From::New,
                id => From::Id(id),
            },
        };
        streams.push((key, from));
    }
    let found_any = write_streams(reply, |reply| {
        let written = streams.iter().filter(|&&(key, from)| {
            let place = Place {
                key,
                group: reader.group,
            };
            match from {
                From::New => deliver(context, place, &reader, wanted.count, reply),
                From::Id(after) => {
                    deliver_again(context, place, &reader, after, wanted.count, reply)
                }
            }
        });
        written.count()
    });
    if !found_any {
        wanted.wait(context, reply, &[]);
    }
    Ok(())
}

/// Whether the group is there. A command that has waited for it is told in other words that it is
/// not.
fn check_group(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    group: &[u8],
) -> Result<(), CommandError> {
    let has_waited = context.caller.has_waited;
    let found = match context.get::<StreamValue>(key) {
        Ok(None) | Err(CommandError::WrongType) if has_waited => {
            return Err(CommandError::AwaitedStreamGone);
        }
        found => found?,
    };
    if found.is_some_and(|stream| stream.group(group).is_some()) {
        return Ok(());
    }
    Err(if has_waited {
        CommandError::AwaitedGroupGone
    } else {
        no_key_or_group(key.bytes, group, " in XREADGROUP with GROUP option")
    })
}

/// Gives a consumer the entries that its group has not delivered yet; whether there were any.
fn deliver(
    context: &mut WriteContext<'_>,
    place: Place<'_>,
    reader: &Reader<'_>,
    count_max: usize,
    reply: &mut Reply,
) -> bool {
    let now_ms = context.now_ms();
    let Ok(Some(stream)) = context.get_mut::<StreamValue>(place.key) else {
        return false;
    };
    let last = stream.last().map(|last| last.id);
    let Some(group) = stream.group_mut(place.group) else {
        return false;
    };
    let has_more = last.is_some_and(|last| last > group.last_id);
    let Some(first) = group.last_id.next().filter(|_| has_more) else {
        return false;
    };
    let found = group.find_consumer(reader.consumer);
    let consumer = found.unwrap_or_else(|| group.add_consumer(reader.consumer, now_ms));
    group.see(consumer, now_ms);
    write_key(reply, place.key);
    let mut delivered = Vec::new();
    let entries = stream.range(first, StreamId::MAX, Direction::Forward);
    reply.array_of(|reply| {
        let entries = entries.take(count_max);
        delivered.extend(entries.map(|entry| {
            write_entry(reply, &entry);
            entry.id
        }));
        delivered.len()
    });
    stream.advance(place.group, &delivered);
    let pending = Pending {
        delivered_ms: now_ms,
        deliveries: 1,
        consumer,
    };
    let pending: Vec<(StreamId, Pending)> = if reader.no_ack {
        Vec::new()
    } else {
        delivered.iter().map(|&id| (id, pending)).collect()
    };
    let Some(group) = stream.group_mut(place.group) else {
        return false;
    };
    pending
        .iter()
        .for_each(|&(id, entry)| group.assign(id, entry));
    let position = Position::of(group);
    context.changed_beside(place.key);
    if found.is_none() {
        effects::notify_consumer(context, place);
        if pending.is_empty() {
            effects::log_consumer(context, place, reader.consumer);
        }
    }
    effects::log_pending(context, place, reader.consumer, &pending, position.last_id);
    effects::log_position(context, place, position);
    true
}

/// Gives a consumer again what it has not acknowledged, those after an id. There is always an
/// answer, if an empty one.
fn deliver_again(
    context: &mut WriteContext<'_>,
    place: Place<'_>,
    reader: &Reader<'_>,
    after: StreamId,
    count_max: usize,
    reply: &mut Reply,
) -> bool {
    let now_ms = context.now_ms();
    let Ok(Some(stream)) = context.get_mut::<StreamValue>(place.key) else {
        return false;
    };
    let Some(group) = stream.group_mut(place.group) else {
        return false;
    };
    let found = group.find_consumer(reader.consumer);
    let consumer = found.unwrap_or_else(|| group.add_consumer(reader.consumer, now_ms));
    group.see(consumer, now_ms);
    let first = after.next().unwrap_or(StreamId::MAX);
    let own = group.consumer(consumer).pending_from(first);
    let own: Vec<StreamId> = own.take(count_max).collect();
    write_key(reply, place.key);
    reply.array(own.len());
    let mut pending = Vec::new();
    for id in own {
        let Some(entry) = stream.get(id) else {
            reply.array(2);
            ids::write(reply, id);
            reply.null_array();
            continue;
        };
        write_entry(reply, &entry);
        let Some(group) = stream.group_mut(place.group) else {
            continue;
        };
        if let Some(before) = group.pending(id) {
            let again = Pending {
                delivered_ms: now_ms,
                deliveries: before.deliveries.saturating_add(1),
                consumer,
            };
            group.assign(id, again);
            pending.push((id, again));
        }
    }
    let last_id = stream.group(place.group).map(|group| group.last_id);
    if found.is_none() {
        effects::notify_consumer(context, place);
        effects::log_consumer(context, place, reader.consumer);
    }
    if let Some(last_id) = last_id {
        effects::log_pending(context, place, reader.consumer, &pending, last_id);
    }
    if found.is_none() || !pending.is_empty() {
        context.changed_beside(place.key);
    }
    true
}
