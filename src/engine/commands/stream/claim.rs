//! XCLAIM and XAUTOCLAIM: pending entries go to another consumer.
//!
//! Entries that are pending but no longer in the stream are dropped on the way. XCLAIM is also what
//! replicas execute for all that makes entries pending; then its times stand as they are.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use super::effects::{self, Place, Position};
use super::{ids, no_key_or_group, write_entry};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Command, Group as CommandGroup, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Mode;
use crate::number::parse_i64;
use crate::values::stream::{ConsumerId, Group, Pending, StreamValue};

const KEY: Argument = Argument::key("key");
const GROUP: Argument = Argument::string("group");
const CONSUMER: Argument = Argument::string("consumer");
const MIN_IDLE_TIME: Argument = Argument::string("min-idle-time");
const JUST_ID: Argument = Argument::word("justid", "JUSTID").optional();

pub(super) const XCLAIM: Command<Handler> = Command::write("xclaim", CommandGroup::Stream, xclaim)
    .arity(AtLeast(6))
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "5.0.0",
        "O(log(N)) for each entry, with N entries pending",
        "Gives pending entries of a group to a consumer, by their ids.",
        &[
            KEY,
            GROUP,
            CONSUMER,
            MIN_IDLE_TIME,
            Argument::string("id").multiple(),
            Argument::integer("ms").token("IDLE").optional(),
            Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime)
                .token("TIME")
                .optional(),
            Argument::integer("count").token("RETRYCOUNT").optional(),
            Argument::word("force", "FORCE").optional(),
            JUST_ID,
            Argument::string("id").token("LASTID").optional(),
        ],
    );

pub(super) const XAUTOCLAIM: Command<Handler> =
    Command::write("xautoclaim", CommandGroup::Stream, xautoclaim)
        .arity(AtLeast(6))
        .keys(&[KeySpec::DELETE])
        .fast()
        .doc(
            "6.2.0",
            "O(1) if COUNT is small",
            "Gives pending entries of a group to a consumer, as a walk comes to them.",
            &[
                KEY,
                GROUP,
                CONSUMER,
                MIN_IDLE_TIME,
                Argument::string("start"),
                Argument::integer("count").token("COUNT").optional(),
                JUST_ID,
            ],
        );

/// How entries are claimed.
struct Claim<'a> {
    consumer: &'a [u8],
    idle_ms_min: i64,
    now_ms: i64,
    /// When they count as delivered.
    delivered_ms: i64,
    /// What the number of deliveries becomes, if that was said.
    deliveries: Option<u64>,
    /// Entries that nobody has may be claimed as well.
    takes_unowned: bool,
    just_ids: bool,
}

/// What a claim has done.
#[derive(Default)]
struct Claimed {
    entries: Vec<(StreamId, Pending)>,
    /// Entries that were pending and are not in the stream any more.
    gone: Vec<StreamId>,
    new_consumer: bool,
}

impl Claim<'_> {
    /// Claims the entries among these that it may.
    fn take(&self, stream: &mut StreamValue, name: &[u8], wanted: &[StreamId]) -> Claimed {
        let mut claimed = Claimed::default();
        let mut known = None;
        for &id in wanted {
            let is_there = stream.get(id).is_some();
            let Some(group) = stream.group_mut(name) else {
                break;
            };
            if !is_there {
                if group.acknowledge(id) {
                    claimed.gone.push(id);
                }
                continue;
            }
            let before = group.pending(id);
            if !self.may_take(before) {
                continue;
            }
            let consumer = *known.get_or_insert_with(|| self.consumer(group, &mut claimed));
            let before = before.map_or(1, |before| before.deliveries);
            let more = u64::from(!self.just_ids);
            let pending = Pending {
                delivered_ms: self.delivered_ms,
                deliveries: self.deliveries.unwrap_or(before.saturating_add(more)),
                consumer,
            };
            group.assign(id, pending);
            claimed.entries.push((id, pending));
        }
        claimed
    }

    fn may_take(&self, pending: Option<Pending>) -> bool {
        match pending {
            Some(pending) => self.is_idle(pending),
            None => self.takes_unowned,
        }
    }

    fn is_idle(&self, pending: Pending) -> bool {
        self.idle_ms_min == 0
            || self.now_ms.saturating_sub(pending.delivered_ms) >= self.idle_ms_min
    }

    /// The consumer, which is made only for what it gets.
    fn consumer(&self, group: &mut Group, claimed: &mut Claimed) -> ConsumerId {
        match group.find_consumer(self.consumer) {
            Some(found) => {
                group.see(found, self.now_ms);
                found
            }
            None => {
                claimed.new_consumer = true;
                group.add_consumer(self.consumer, self.now_ms)
            }
        }
    }

    fn write(&self, stream: &StreamValue, claimed: &Claimed, reply: &mut Reply) {
        reply.array(claimed.entries.len());
        for &(id, _) in &claimed.entries {
            match stream.get(id).filter(|_| !self.just_ids) {
                Some(entry) => write_entry(reply, &entry),
                None => ids::write(reply, id),
            }
        }
    }

    /// Records what was done; whether anything was.
    fn log(
        &self,
        context: &mut WriteContext<'_>,
        place: Place<'_>,
        claimed: &Claimed,
        last_id: StreamId,
    ) -> bool {
        let changed_any = !claimed.entries.is_empty() || !claimed.gone.is_empty();
        if changed_any {
            context.changed_beside(place.key);
        }
        if claimed.new_consumer {
            effects::notify_consumer(context, place);
        }
        effects::log_acknowledged(context, place, &claimed.gone);
        effects::log_pending(context, place, self.consumer, &claimed.entries, last_id);
        changed_any
    }
}

/// The stream at the key with the group in it.
fn stream<'c>(
    context: &'c mut WriteContext<'_>,
    place: Place<'_>,
) -> Result<&'c mut StreamValue, CommandError> {
    let found = context.get_mut::<StreamValue>(place.key)?;
    found
        .filter(|stream| stream.group(place.group).is_some())
        .ok_or_else(|| no_key_or_group(place.key.bytes, place.group, ""))
}

fn read_idle_time(text: &[u8], name: &'static str) -> Result<i64, CommandError> {
    let idle_ms = parse_i64(text).ok_or(CommandError::MinIdleTime(name))?;
    Ok(idle_ms.max(0))
}

/// The options of XCLAIM.
#[derive(Default)]
struct Options {
    delivered_ms: Option<i64>,
    deliveries: Option<u64>,
    force: bool,
    just_ids: bool,
    last_id: Option<StreamId>,
}

impl Options {
    fn read(args: &mut Args<'_>, now_ms: i64) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while !args.is_done() {
            let has_value = args.remaining() > 1;
            if args.accept("FORCE") {
                options.force = true;
            } else if args.accept("JUSTID") {
                options.just_ids = true;
            } else if has_value && args.accept("IDLE") {
                let idle_ms = read_number(args, "IDLE")?;
                options.delivered_ms = Some(now_ms.saturating_sub(idle_ms));
            } else if has_value && args.accept("TIME") {
                options.delivered_ms = Some(read_number(args, "TIME")?);
            } else if has_value && args.accept("RETRYCOUNT") {
                options.deliveries = u64::try_from(read_number(args, "RETRYCOUNT")?).ok();
            } else if has_value && args.accept("LASTID") {
                options.last_id = Some(ids::parse(args.next()?, 0)?);
            } else {
                let option = String::from_utf8_lossy(args.next()?).into();
                return Err(CommandError::ClaimUnknownOption(option));
            }
        }
        Ok(options)
    }
}

fn read_number(args: &mut Args<'_>, option: &'static str) -> Result<i64, CommandError> {
    parse_i64(args.next()?).ok_or(CommandError::ClaimOption(option))
}

fn xclaim(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let now_ms = context.now_ms();
    let is_replay = context.keyspace.mode() == Mode::Replay;
    let place = Place {
        key: context.key(args.next()?),
        group: args.next()?,
    };
    let (consumer, idle_ms_min) = (args.next()?, args.next()?);
    stream(context, place)?;
    let idle_ms_min = read_idle_time(idle_ms_min, "XCLAIM")?;
    let mut wanted = Vec::new();
    while let Some(id) = args.peek().and_then(|text| ids::parse(text, 0).ok()) {
        wanted.push(id);
        args.next()?;
    }
    let options = Options::read(args, now_ms)?;
    // A time that cannot be is taken for now: clients compute it from clocks of their own.
    let delivered_ms = options
        .delivered_ms
        .filter(|ms| is_replay || (0..=now_ms).contains(ms));
    let claim = Claim {
        consumer,
        idle_ms_min,
        now_ms,
        delivered_ms: delivered_ms.unwrap_or(now_ms),
        deliveries: options.deliveries,
        takes_unowned: options.force,
        just_ids: options.just_ids,
    };
    let stream = stream(context, place)?;
    let claimed = claim.take(stream, place.group, &wanted);
    claim.write(stream, &claimed, reply);
    let group = stream.group_mut(place.group);
    let group = group.expect("the stream was looked up with its group");
    let moves_on = options.last_id.is_some_and(|last| last > group.last_id);
    group.last_id = options.last_id.unwrap_or(StreamId::MIN).max(group.last_id);
    let position = Position::of(group);
    claim.log(context, place, &claimed, position.last_id);
    if moves_on && claimed.entries.is_empty() {
        context.changed_beside(place.key);
        effects::log_position(context, place, position);
    }
    Ok(())
}

/// How many pending entries XAUTOCLAIM looks at for each that it may claim.
const LOOKED_AT_FOR_EACH: usize = 10;

fn read_count(args: &mut Args<'_>) -> Result<usize, CommandError> {
    /// More would not fit into Redis's memory.
    const MAX: i64 = i64::MAX / 16;
    let count = parse_i64(args.next()?).filter(|count| (1..=MAX).contains(count));
    let count = count.and_then(|count| usize::try_from(count).ok());
    count.ok_or(CommandError::ClaimCount)
}

fn xautoclaim(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let place = Place {
        key: context.key(args.next()?),
        group: args.next()?,
    };
    let consumer = args.next()?;
    let idle_ms_min = read_idle_time(args.next()?, "XAUTOCLAIM")?;
    let start = ids::parse_start(args.next()?)?;
    let (mut count_max, mut just_ids) = (100, false);
    while !args.is_done() {
        if args.remaining() > 1 && args.accept("COUNT") {
            count_max = read_count(args)?;
        } else if args.accept("JUSTID") {
            just_ids = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    let now_ms = context.now_ms();
    let claim = Claim {
        consumer,
        idle_ms_min,
        now_ms,
        delivered_ms: now_ms,
        deliveries: None,
        takes_unowned: false,
        just_ids,
    };
    let stream = stream(context, place)?;
    let (wanted, cursor) = claim.choose(stream, place.group, start, count_max);
    let claimed = claim.take(stream, place.group, &wanted);
    reply.array(3);
    ids::write(reply, cursor);
    claim.write(stream, &claimed, reply);
    reply.array(claimed.gone.len());
    claimed.gone.iter().for_each(|&id| ids::write(reply, id));
    let last_id = stream.group(place.group).map(|group| group.last_id);
    claim.log(context, place, &claimed, last_id.unwrap_or(StreamId::MIN));
    Ok(())
}

impl Claim<'_> {
    /// The pending entries from an id on that can be claimed or are gone, and where a next walk
    /// begins: 0-0 if this one came to the end.
    fn choose(
        &self,
        stream: &StreamValue,
        name: &[u8],
        start: StreamId,
        count_max: usize,
    ) -> (Vec<StreamId>, StreamId) {
        let mut chosen = Vec::new();
        let Some(group) = stream.group(name) else {
            return (chosen, StreamId::MIN);
        };
        let mut pending = group.pending_from(start);
        for _ in 0..count_max.saturating_mul(LOOKED_AT_FOR_EACH) {
            if chosen.len() == count_max {
                break;
            }
            let Some((id, entry)) = pending.next() else {
                break;
            };
            if self.is_idle(entry) || stream.get(id).is_none() {
                chosen.push(id);
            }
        }
        let cursor = pending.next().map_or(StreamId::MIN, |(id, _)| id);
        (chosen, cursor)
    }
}
