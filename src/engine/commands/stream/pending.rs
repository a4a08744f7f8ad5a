//! XACK and XPENDING: what consumers have read and not acknowledged.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use super::{count, counter, ids, no_key_or_group};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group as CommandGroup, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::stream::{ConsumerId, Group, Pending, StreamValue};

pub(super) const XACK: Command<Handler> = Command::write("xack", CommandGroup::Stream, xack)
    .arity(AtLeast(4))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "5.0.0",
        "O(1) for each entry",
        "Acknowledges entries that a consumer group has delivered.",
        &[
            Argument::key("key"),
            Argument::string("group"),
            Argument::string("id").multiple(),
        ],
    );

pub(super) const XPENDING: Command<Handler> =
    Command::read("xpending", CommandGroup::Stream, xpending)
        .arity(AtLeast(3))
        .keys(&[KeySpec::READ])
        .doc(
            "5.0.0",
            "O(N) with N entries returned, or consumers without a range",
            "Returns what consumers of a group have not acknowledged.",
            &[
                Argument::key("key"),
                Argument::string("group"),
                Argument::block(
                    "filters",
                    &[
                        Argument::integer("min-idle-time").token("IDLE").optional(),
                        Argument::string("start"),
                        Argument::string("end"),
                        Argument::integer("count"),
                        Argument::string("consumer").optional(),
                    ],
                )
                .optional(),
            ],
        );

fn xack(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, name) = (context.key(args.next()?), args.next()?);
    let found = context.get_mut::<StreamValue>(key)?;
    // Ids for a group that is not there are not even read.
    let Some(group) = found.and_then(|stream| stream.group_mut(name)) else {
        reply.integer(0);
        return Ok(());
    };
    let ids = ids::parse_all(args.take_rest())?;
    let acknowledged = ids.iter().filter(|&&id| group.acknowledge(id)).count();
    if acknowledged > 0 {
        context.changed_beside(key);
        context.log_as_given();
    }
    reply.integer(count(acknowledged));
    Ok(())
}

/// Which pending entries are asked for.
struct Filters<'a> {
    idle_ms_min: i64,
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filters<'a> {
    /// Reads them; none for the summary.
    fn read(args: &mut Args<'a>) -> Result<Option<Self>, CommandError> {
        if args.is_done() {
            return Ok(None);
        }
        if !(3..=6).contains(&args.remaining()) {
            return Err(CommandError::Syntax);
        }
        let idle_ms_min = if args.accept("IDLE") {
            args.next_i64()?
        } else {
            0
        };
        let (&[start, end, count], rest) = args
            .take_rest()
            .split_first_chunk()
            .ok_or(CommandError::Syntax)?;
        let count = crate::number::parse_i64(count).ok_or(CommandError::NotAnInteger)?;
        Ok(Some(Self {
            idle_ms_min,
            start: ids::parse_start(start)?,
            end: ids::parse_end(end)?,
            count: usize::try_from(count).unwrap_or(0),
            // What stands behind the name is not looked at, in Redis neither.
            consumer: rest.first().copied(),
        }))
    }
}

fn xpending(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, name) = (context.key(args.next()?), args.next()?);
    let filters = Filters::read(args)?;
    let found = context.get::<StreamValue>(key)?;
    let group = found.and_then(|stream| stream.group(name));
    let group = group.ok_or_else(|| no_key_or_group(key.bytes, name, ""))?;
    match filters {
        None => write_summary(group, reply),
        Some(filters) => write_entries(group, &filters, context.now_ms(), reply),
    }
    Ok(())
}

fn write_summary(group: &Group, reply: &mut Reply) {
    reply.array(4);
    reply.integer(count(group.pending_count()));
    let mut pending = group.pending_from(StreamId::MIN);
    let Some((first, _)) = pending.next() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    let last = pending.next_back().map_or(first, |(last, _)| last);
    ids::write(reply, first);
    ids::write(reply, last);
    reply.array_of(|reply| {
        let consumers = group.consumers();
        let busy = consumers.filter(|consumer| consumer.pending_count() > 0);
        busy.inspect(|consumer| {
            reply.array(2);
            reply.bulk(&consumer.name);
            reply.bulk_integer(count(consumer.pending_count()));
        })
        .count()
    });
}

fn write_entries(group: &Group, filters: &Filters<'_>, now_ms: i64, reply: &mut Reply) {
    let consumer = filters.consumer.map(|name| group.find_consumer(name));
    let idle_ms = |pending: &Pending| now_ms.saturating_sub(pending.delivered_ms);
    let entries: Vec<(StreamId, Pending)> = match consumer {
        Some(None) => Vec::new(),
        Some(Some(consumer)) => of_consumer(group, consumer, filters)
            .filter(|(_, pending)| idle_ms(pending) >= filters.idle_ms_min)
            .take(filters.count)
            .collect(),
        None => group
            .pending_from(filters.start)
            .take_while(|(id, _)| *id <= filters.end)
            .filter(|(_, pending)| idle_ms(pending) >= filters.idle_ms_min)
            .take(filters.count)
            .collect(),
    };
    reply.array(entries.len());
    for (id, pending) in entries {
        reply.array(4);
        ids::write(reply, id);
        reply.bulk(&group.consumer(pending.consumer).name);
        reply.integer(idle_ms(&pending).max(0));
        reply.integer(counter(pending.deliveries));
    }
}

fn of_consumer<'g>(
    group: &'g Group,
    consumer: ConsumerId,
    filters: &Filters<'_>,
) -> impl Iterator<Item = (StreamId, Pending)> + use<'g> {
    let end = filters.end;
    let own = group.consumer(consumer).pending_from(filters.start);
    own.take_while(move |id| *id <= end)
        .filter_map(|id| Some((id, group.pending(id)?)))
}
