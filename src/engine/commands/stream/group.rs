//! XGROUP: consumer groups and their consumers, made and removed by name.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use super::effects::Place;
use super::{count, ids};
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Flags, Group as CommandGroup, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::notify::NotifyClasses;
use crate::value::Value;
use crate::values::stream::{Group, StreamValue};

const KEY: Argument = Argument::key("key");
const GROUP: Argument = Argument::string("groupname");
const CONSUMER: Argument = Argument::string("consumername");
const ID: Argument = Argument::one_of(
    "id",
    &[Argument::string("id"), Argument::word("new_id", "$")],
);
const ENTRIES_READ: Argument = Argument::integer("entries_read")
    .token("ENTRIESREAD")
    .optional();

pub(super) const XGROUP: Command<Handler> = Command::container("xgroup", CommandGroup::Stream)
    .doc(
        "5.0.0",
        "Depends on the subcommand.",
        "Makes and removes consumer groups of streams.",
        &[],
    )
    .subcommands(&[CREATE, SETID, DESTROY, CREATECONSUMER, DELCONSUMER, HELP]);

const CREATE: Command<Handler> = Command::write("create", CommandGroup::Stream, create)
    .arity(AtLeast(5))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::INSERT.index(2)])
    .doc(
        "5.0.0",
        "O(1)",
        "Makes a consumer group.",
        &[
            KEY,
            GROUP,
            ID,
            Argument::word("mkstream", "MKSTREAM").optional(),
            ENTRIES_READ,
        ],
    );

const SETID: Command<Handler> = Command::write("setid", CommandGroup::Stream, setid)
    .arity(AtLeast(5))
    .keys(&[KeySpec::CHANGE.index(2)])
    .doc(
        "5.0.0",
        "O(1)",
        "Sets the last id that a consumer group has delivered.",
        &[KEY, GROUP, ID, ENTRIES_READ],
    );

const DESTROY: Command<Handler> = Command::write("destroy", CommandGroup::Stream, destroy)
    .arity(Exactly(4))
    .keys(&[KeySpec::DELETE.index(2)])
    .doc(
        "5.0.0",
        "O(N) with N entries pending",
        "Removes a consumer group.",
        &[KEY, GROUP],
    );

const CREATECONSUMER: Command<Handler> =
    Command::write("createconsumer", CommandGroup::Stream, createconsumer)
        .arity(Exactly(5))
        .flags(Flags::DENY_OOM)
        .keys(&[KeySpec::INSERT.index(2)])
        .doc(
            "6.2.0",
            "O(1)",
            "Makes a consumer in a group.",
            &[KEY, GROUP, CONSUMER],
        );

const DELCONSUMER: Command<Handler> =
    Command::write("delconsumer", CommandGroup::Stream, delconsumer)
        .arity(Exactly(5))
        .keys(&[KeySpec::DELETE.index(2)])
        .doc(
            "5.0.0",
            "O(N) with N entries pending",
            "Removes a consumer from a group, with what it has not acknowledged.",
            &[KEY, GROUP, CONSUMER],
        );

const HELP: Command<Handler> = Command::new("help", CommandGroup::Stream, Handler::Read(help))
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE))
    .doc("5.0.0", "O(1)", "Explains the subcommands.", &[]);

/// What CREATE and SETID are told.
struct Options<'a> {
    place: Place<'a>,
    id: &'a [u8],
    may_create_stream: bool,
    entries_read: Option<u64>,
}

impl<'a> Options<'a> {
    fn read(
        context: &WriteContext<'_>,
        args: &mut Args<'a>,
        creates: bool,
    ) -> Result<Self, CommandError> {
        let mut options = Self {
            place: read_place(context, args)?,
            id: args.next()?,
            may_create_stream: false,
            entries_read: None,
        };
        while !args.is_done() {
            if creates && args.accept("MKSTREAM") {
                options.may_create_stream = true;
            } else if args.remaining() > 1 && args.accept("ENTRIESREAD") {
                options.entries_read = match args.next_i64()? {
                    -1 => None,
                    read => {
                        Some(u64::try_from(read).map_err(|_| CommandError::EntriesReadNegative)?)
                    }
                };
            } else {
                return Err(wrong_arguments(args, "XGROUP"));
            }
        }
        Ok(options)
    }
}

/// The error of a subcommand whose arguments make no sense.
pub(super) fn wrong_arguments(args: &Args<'_>, container: &'static str) -> CommandError {
    let subcommand = args.all().get(1).copied().unwrap_or_default();
    CommandError::SubcommandArguments {
        container,
        subcommand: String::from_utf8_lossy(subcommand).into(),
    }
}

fn read_place<'a>(
    context: &WriteContext<'_>,
    args: &mut Args<'a>,
) -> Result<Place<'a>, CommandError> {
    Ok(Place {
        key: context.key(args.next()?),
        group: args.next()?,
    })
}

/// The stream of a subcommand that needs one.
fn stream<'c>(
    context: &'c mut WriteContext<'_>,
    place: Place<'_>,
) -> Result<&'c mut StreamValue, CommandError> {
    let found = context.get_mut::<StreamValue>(place.key)?;
    found.ok_or(CommandError::GroupNeedsKey)
}

/// The group of a subcommand that needs one.
fn group<'c>(
    context: &'c mut WriteContext<'_>,
    place: Place<'_>,
) -> Result<&'c mut Group, CommandError> {
    let found = stream(context, place)?.group_mut(place.group);
    found.ok_or_else(|| no_group(place.key.bytes, place.group))
}

pub(super) fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    CommandError::NoGroup {
        key: String::from_utf8_lossy(key).into(),
        group: String::from_utf8_lossy(group).into(),
    }
}

/// Tells of a change of a group, and records it.
fn changed(context: &mut WriteContext<'_>, place: Place<'_>, event: &'static str) {
    context.changed_beside(place.key);
    context.notify(place.key, NotifyClasses::STREAM, event);
    context.log_as_given();
}

fn create(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let options = Options::read(context, args, true)?;
    let place = options.place;
    let found = context.get::<StreamValue>(place.key)?;
    let is_new = found.is_none();
    if is_new && !options.may_create_stream {
        return Err(CommandError::GroupNeedsKey);
    }
    let last_id = match options.id {
        b"$" => found.map_or(StreamId::MIN, StreamValue::last_id),
        text => ids::parse(text, 0)?,
    };
    if found.is_some_and(|stream| stream.group(place.group).is_some()) {
        return Err(CommandError::GroupExists);
    }
    let stream = context.get_or_create::<StreamValue>(place.key)?;
    stream.put_group(place.group, Group::new(last_id, options.entries_read));
    if is_new {
        context.changed(place.key, NotifyClasses::STREAM, "xgroup-create");
        context.log_as_given();
    } else {
        changed(context, place, "xgroup-create");
    }
    reply.ok();
    Ok(())
}

fn setid(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let options = Options::read(context, args, false)?;
    let last = stream(context, options.place)?.last_id();
    let group = group(context, options.place)?;
    // Unlike CREATE this takes `-` and `+` as well, in Redis too.
    group.last_id = match options.id {
        b"$" => last,
        text => ids::parse_or_edge(text, 0)?,
    };
    group.entries_read = options.entries_read;
    changed(context, options.place, "xgroup-setid");
    reply.ok();
    Ok(())
}

fn destroy(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let place = read_place(context, args)?;
    let removed = stream(context, place)?.remove_group(place.group);
    reply.integer(removed.is_some().into());
    if let Some(group) = removed {
        changed(context, place, "xgroup-destroy");
        // Those who wait for its entries are told that it is gone.
        context.wake_waiting(place.key);
        // What is pending may be much: it is freed as a large value is, in a stream of its own.
        let mut remains = StreamValue::new();
        remains.put_group(place.group, group);
        context.keyspace.discard(Value::Stream(remains));
    }
    Ok(())
}

fn createconsumer(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (place, consumer) = (read_place(context, args)?, args.next()?);
    let now_ms = context.now_ms();
    let group = group(context, place)?;
    let is_new = group.find_consumer(consumer).is_none();
    if is_new {
        group.add_consumer(consumer, now_ms);
        changed(context, place, "xgroup-createconsumer");
    }
    reply.integer(is_new.into());
    Ok(())
}

fn delconsumer(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (place, consumer) = (read_place(context, args)?, args.next()?);
    let removed = group(context, place)?.remove_consumer(consumer);
    if removed.is_some() {
        changed(context, place, "xgroup-delconsumer");
    }
    reply.integer(count(removed.unwrap_or(0)));
    Ok(())
}

fn help(
    _context: &ReadContext<'_>,
    _args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    const LINES: &[&str] = &[
        "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <entries_read>]",
        "    A new group, which delivers what comes after the id; with MKSTREAM also",
        "    its stream, if there is none.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD <entries_read>]",
        "    From now on the group delivers what comes after the id.",
        "DESTROY <key> <groupname>",
        "    The end of a group.",
        "CREATECONSUMER <key> <groupname> <consumername>",
        "    A new consumer in the group.",
        "DELCONSUMER <key> <groupname> <consumername>",
        "    The end of a consumer, and of what it has not acknowledged.",
        "HELP",
        "    This text.",
    ];
    reply.array(LINES.len());
    LINES.iter().for_each(|line| reply.simple(line));
    Ok(())
}
