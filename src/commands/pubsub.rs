//! SUBSCRIBE, PUBLISH and their kin, for channels, patterns and shard channels.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use holdfast_engine::{Args, CommandError, pattern};

use super::{ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::pubsub::ChannelKind;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[
    SUBSCRIBE,
    UNSUBSCRIBE,
    PSUBSCRIBE,
    PUNSUBSCRIBE,
    SSUBSCRIBE,
    SUNSUBSCRIBE,
    PUBLISH,
    SPUBLISH,
    PUBSUB,
];

const SUBSCRIBER: Flags = Flags::PUBSUB
    .with(Flags::NO_SCRIPT)
    .with(Flags::LOADING)
    .with(Flags::STALE);
const INSPECTOR: Flags = Flags::PUBSUB.with(Flags::LOADING).with(Flags::STALE);
const PUBLISHER: Flags = INSPECTOR.with(Flags::FAST).with(Flags::MAY_REPLICATE);

const CHANNELS: &[Argument] = &[Argument::string("channel").multiple()];
const SHARD_CHANNELS: &[Argument] = &[Argument::string("shardchannel").multiple()];
const PATTERNS: &[Argument] = &[Argument::new("pattern", ArgumentKind::Pattern).multiple()];
const OPTIONAL_PATTERN: &[Argument] = &[Argument::new("pattern", ArgumentKind::Pattern).optional()];
const SHARD_KEYS: &[KeySpec] = &[KeySpec::PEEK.range(-1, 1).not_key()];

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::PubSub, run)
}

const SUBSCRIBE: Command<ServerHandler> = command("subscribe", subscribe)
    .arity(AtLeast(2))
    .flags(SUBSCRIBER)
    .doc(
        "2.0.0",
        "O(N) in the channels",
        "Listens for messages on channels.",
        CHANNELS,
    );

const UNSUBSCRIBE: Command<ServerHandler> = command("unsubscribe", unsubscribe)
    .arity(AtLeast(1))
    .flags(SUBSCRIBER)
    .doc(
        "2.0.0",
        "O(N) in the channels",
        "Stops listening on channels: on all, without arguments.",
        CHANNELS,
    );

const PSUBSCRIBE: Command<ServerHandler> = command("psubscribe", psubscribe)
    .arity(AtLeast(2))
    .flags(SUBSCRIBER)
    .doc(
        "2.0.0",
        "O(N) in the patterns",
        "Listens on all channels that match patterns.",
        PATTERNS,
    );

const PUNSUBSCRIBE: Command<ServerHandler> = command("punsubscribe", punsubscribe)
    .arity(AtLeast(1))
    .flags(SUBSCRIBER)
    .doc(
        "2.0.0",
        "O(N) in the patterns",
        "Stops listening by patterns: by all, without arguments.",
        PATTERNS,
    );

const SSUBSCRIBE: Command<ServerHandler> = command("ssubscribe", ssubscribe)
    .arity(AtLeast(2))
    .flags(SUBSCRIBER)
    .keys(SHARD_KEYS)
    .doc(
        "7.0.0",
        "O(N) in the channels",
        "Listens for messages on shard channels.",
        SHARD_CHANNELS,
    );

const SUNSUBSCRIBE: Command<ServerHandler> = command("sunsubscribe", sunsubscribe)
    .arity(AtLeast(1))
    .flags(SUBSCRIBER)
    .keys(SHARD_KEYS)
    .doc(
        "7.0.0",
        "O(N) in the channels",
        "Stops listening on shard channels.",
        SHARD_CHANNELS,
    );

const PUBLISH: Command<ServerHandler> = command("publish", publish)
    .arity(Exactly(3))
    .flags(PUBLISHER)
    .doc(
        "2.0.0",
        "O(N+M) in the subscribers and patterns",
        "Sends a message to a channel.",
        &[Argument::string("channel"), Argument::string("message")],
    );

const SPUBLISH: Command<ServerHandler> = command("spublish", spublish)
    .arity(Exactly(3))
    .flags(PUBLISHER)
    .keys(&[KeySpec::PEEK.not_key()])
    .doc(
        "7.0.0",
        "O(N) in the subscribers",
        "Sends a message to a shard channel.",
        &[
            Argument::string("shardchannel"),
            Argument::string("message"),
        ],
    );

const PUBSUB: Command<ServerHandler> = command("pubsub", no_subcommand)
    .arity(AtLeast(2))
    .doc(
        "2.8.0",
        "Depends on subcommand",
        "Tells about channels and patterns.",
        &[],
    )
    .subcommands(&[
        command("channels", channels)
            .arity(AtLeast(2))
            .flags(INSPECTOR)
            .doc(
                "2.8.0",
                "O(N) in the channels",
                "Lists the channels with subscribers.",
                OPTIONAL_PATTERN,
            ),
        command("numsub", numsub)
            .arity(AtLeast(2))
            .flags(INSPECTOR)
            .doc(
                "2.8.0",
                "O(N) in the channels asked for",
                "Counts the subscribers of channels.",
                CHANNELS,
            ),
        command("numpat", numpat)
            .arity(Exactly(2))
            .flags(INSPECTOR)
            .doc(
                "2.8.0",
                "O(1)",
                "Counts the patterns with subscribers.",
                &[],
            ),
        command("shardchannels", shardchannels)
            .arity(AtLeast(2))
            .flags(INSPECTOR)
            .doc(
                "7.0.0",
                "O(N) in the channels",
                "Lists the shard channels with subscribers.",
                OPTIONAL_PATTERN,
            ),
        command("shardnumsub", shardnumsub)
            .arity(AtLeast(2))
            .flags(INSPECTOR)
            .doc(
                "7.0.0",
                "O(N) in the channels asked for",
                "Counts the subscribers of shard channels.",
                SHARD_CHANNELS,
            ),
        command("help", help)
            .arity(Exactly(2))
            .flags(Flags::LOADING.with(Flags::STALE))
            .doc("6.2.0", "O(1)", "Lists the subcommands.", &[]),
    ]);

/// What a session can be subscribed to, with the words of the replies.
#[derive(Clone, Copy)]
enum Topic {
    Channel,
    Pattern,
    Shard,
}

impl Topic {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Channel => ("subscribe", "unsubscribe"),
            Self::Pattern => ("psubscribe", "punsubscribe"),
            Self::Shard => ("ssubscribe", "sunsubscribe"),
        }
    }

    const fn names(self, session: &mut Session) -> &mut Vec<Box<[u8]>> {
        match self {
            Self::Channel => &mut session.subscriptions.channels,
            Self::Pattern => &mut session.subscriptions.patterns,
            Self::Shard => &mut session.subscriptions.shard_channels,
        }
    }

    /// How many subscriptions the replies count: shard channels stand apart.
    fn count(self, session: &Session) -> usize {
        match self {
            Self::Channel | Self::Pattern => session.subscriptions.count(),
            Self::Shard => session.subscriptions.shard_channels.len(),
        }
    }

    fn add(self, core: &mut Core, session: &mut Session, name: &[u8]) {
        if self.names(session).iter().any(|known| **known == *name) {
            return;
        }
        self.names(session).push(name.into());
        match self {
            Self::Channel => core.pubsub.subscribe(ChannelKind::Plain, name, session.id),
            Self::Shard => core.pubsub.subscribe(ChannelKind::Shard, name, session.id),
            Self::Pattern => core.pubsub.subscribe_pattern(name, session.id),
        }
    }

    fn remove(self, core: &mut Core, session: &mut Session, name: &[u8]) {
        self.names(session).retain(|known| **known != *name);
        match self {
            Self::Channel => core
                .pubsub
                .unsubscribe(ChannelKind::Plain, name, session.id),
            Self::Shard => core
                .pubsub
                .unsubscribe(ChannelKind::Shard, name, session.id),
            Self::Pattern => core.pubsub.unsubscribe_pattern(name, session.id),
        }
    }

    /// Writes one line of the reply.
    fn confirm(self, session: &mut Session, word: &str, name: Option<&[u8]>) {
        let count = self.count(session);
        let reply = &mut session.out.reply;
        reply.push(3);
        reply.bulk(word.as_bytes());
        reply.bulk_or_null(name);
        reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn subscribe(self, core: &mut Core, session: &mut Session, args: &mut Args<'_>) {
        for &name in args.take_rest() {
            self.add(core, session, name);
            self.confirm(session, self.words().0, Some(name));
        }
    }

    fn unsubscribe(self, core: &mut Core, session: &mut Session, args: &mut Args<'_>) {
        let names: Vec<Box<[u8]>> = match args.take_rest() {
            [] => self.names(session).clone(),
            named => named.iter().map(|&name| name.into()).collect(),
        };
        for name in &names {
            self.remove(core, session, name);
            self.confirm(session, self.words().1, Some(name));
        }
        if names.is_empty() {
            self.confirm(session, self.words().1, None);
        }
    }
}

fn subscribe(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    Topic::Channel.subscribe(core, session, args);
    Ok(())
}

fn psubscribe(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    Topic::Pattern.subscribe(core, session, args);
    Ok(())
}

fn ssubscribe(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    Topic::Shard.subscribe(core, session, args);
    Ok(())
}

fn unsubscribe(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    Topic::Channel.unsubscribe(core, session, args);
    Ok(())
}

fn punsubscribe(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    Topic::Pattern.unsubscribe(core, session, args);
    Ok(())
}

fn sunsubscribe(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    Topic::Shard.unsubscribe(core, session, args);
    Ok(())
}

fn write_count(session: &mut Session, count: usize) {
    session
        .out
        .reply
        .integer(i64::try_from(count).unwrap_or(i64::MAX));
}

fn publish(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let (channel, payload) = (args.next()?, args.next()?);
    let count = core.publish(channel, payload);
    core.publish_to_replicas(&[b"PUBLISH", channel, payload]);
    write_count(session, count);
    Ok(())
}

fn spublish(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let (channel, payload) = (args.next()?, args.next()?);
    let deliveries = core.pubsub.shard_deliveries(channel, payload);
    write_count(session, deliveries.len());
    for (id, message) in deliveries {
        core.deliver(id, message);
    }
    Ok(())
}

fn list_channels(core: &Core, session: &mut Session, args: &mut Args<'_>, kind: ChannelKind) {
    let wanted = args.take_rest().first().copied();
    session.out.reply.array_of(|reply| {
        let all = core.pubsub.channels(kind).map(|(channel, _)| channel);
        let matching =
            all.filter(|channel| wanted.is_none_or(|wanted| pattern::matches(wanted, channel)));
        matching.map(|channel| reply.bulk(channel)).count()
    });
}

fn channels(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    list_channels(core, session, args, ChannelKind::Plain);
    Ok(())
}

fn shardchannels(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    list_channels(core, session, args, ChannelKind::Shard);
    Ok(())
}

fn count_subscribers(core: &Core, session: &mut Session, args: &mut Args<'_>, kind: ChannelKind) {
    let channels = args.take_rest();
    session.out.reply.array(channels.len() * 2);
    for channel in channels {
        session.out.reply.bulk(channel);
        write_count(session, core.pubsub.subscribers(kind, channel));
    }
}

fn numsub(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    count_subscribers(core, session, args, ChannelKind::Plain);
    Ok(())
}

fn shardnumsub(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    count_subscribers(core, session, args, ChannelKind::Shard);
    Ok(())
}

fn numpat(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    write_count(session, core.pubsub.patterns_count());
    Ok(())
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let lines = [
        "CHANNELS [<pattern>]",
        "    Lists the channels with subscribers, all or those that match.",
        "NUMPAT",
        "    Counts the patterns with subscribers.",
        "NUMSUB [<channel> ...]",
        "    Counts the subscribers of each channel.",
        "SHARDCHANNELS [<pattern>]",
        "    Lists the shard channels with subscribers, all or those that match.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Counts the subscribers of each shard channel.",
    ];
    write_help(session, "PUBSUB", &lines);
    Ok(())
}
