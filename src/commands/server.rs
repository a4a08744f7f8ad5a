//! The node as a whole: TIME, ROLE, WAIT, MONITOR, SHUTDOWN, LOLWUT, READONLY, READWRITE,
//! and what answers for parts that are not offered: ACL WHOAMI, CLUSTER.

mod absent;
mod art;

use std::time::{SystemTime, UNIX_EPOCH};

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Categories, Command, Flags, Group};
use holdfast_engine::{Args, Block, CommandError, OnTimeout, number};

use super::{ANYTIME, ServerHandler};
use crate::blocked;
use crate::core::Core;
use crate::replication::Phase;
use crate::session::{Closing, Session};

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[
    TIME,
    ROLE,
    WAIT,
    MONITOR,
    SHUTDOWN,
    READONLY,
    READWRITE,
    art::LOLWUT,
    absent::ACL,
    absent::CLUSTER,
];

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
}

const FACTS: Flags = Flags::LOADING
    .with(Flags::STALE)
    .with(Flags::FAST)
    .with(Flags::LOCAL);
const ADMINISTRATIVE: Categories = Categories::ADMIN.with(Categories::DANGEROUS);

const TIME: Command<ServerHandler> = command("time", time).arity(Exactly(1)).flags(FACTS).doc(
    "2.6.0",
    "O(1)",
    "Answers the time of this node, in seconds and microseconds.",
    &[],
);

const ROLE: Command<ServerHandler> = command("role", role)
    .arity(Exactly(1))
    .flags(FACTS.with(Flags::NO_SCRIPT))
    .categories(ADMINISTRATIVE)
    .doc(
        "2.8.12",
        "O(1)",
        "Answers whether this node leads or follows.",
        &[],
    );

const WAIT: Command<ServerHandler> = command("wait", wait)
    .arity(Exactly(3))
    .flags(Flags::NO_SCRIPT)
    .categories(Categories::CONNECTION)
    .doc(
        "3.0.0",
        "O(1)",
        "Answers how many other nodes have synced the last write.",
        &[
            Argument::integer("numreplicas"),
            Argument::integer("timeout"),
        ],
    );

const MONITOR: Command<ServerHandler> = command("monitor", monitor)
    .arity(Exactly(1))
    .flags(ANYTIME.with(Flags::ADMIN))
    .doc(
        "1.0.0",
        "O(1), and a line for each command of any client",
        "Shows every command to this connection.",
        &[],
    );

const SHUTDOWN: Command<ServerHandler> = command("shutdown", shutdown)
    .arity(AtLeast(1))
    .flags(
        ANYTIME
            .with(Flags::ADMIN)
            .with(Flags::NO_MULTI)
            .with(Flags::ALLOW_BUSY),
    )
    .doc(
        "1.0.0",
        "O(N) in the uncommitted writes",
        "Ends the process once all that was executed is committed.",
        &[
            Argument::one_of(
                "nosave_save",
                &[
                    Argument::word("nosave", "NOSAVE"),
                    Argument::word("save", "SAVE"),
                ],
            )
            .optional(),
            Argument::word("now", "NOW").optional(),
            Argument::word("force", "FORCE").optional(),
            Argument::word("abort", "ABORT").optional(),
        ],
    );

const fn reading(name: &'static str, summary: &'static str) -> Command<ServerHandler> {
    Command::<ServerHandler>::new(name, Group::Cluster, acknowledge)
        .arity(Exactly(1))
        .flags(FACTS)
        .categories(Categories::CONNECTION)
        .doc("3.0.0", "O(1)", summary, &[])
}

const READONLY: Command<ServerHandler> =
    reading("readonly", "Lets this connection read from a follower.");
const READWRITE: Command<ServerHandler> = reading(
    "readwrite",
    "Lets this connection read from the leader only.",
);

fn time(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let reply = &mut session.out.reply;
    reply.array(2);
    reply.bulk_display(now.as_secs());
    reply.bulk_display(now.subsec_micros());
    Ok(())
}

fn role(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let offset = i64::try_from(core.replicas.offset()).unwrap_or(i64::MAX);
    let links = core.replicas.sessions().iter();
    let replicas: Vec<_> = links
        .filter_map(|&id| {
            let other = core.sessions.get(id)?;
            let (peer, replica) = (other.stream.peer()?, other.replica.as_deref()?);
            Some((peer.ip().to_string(), peer.port(), replica.acknowledged))
        })
        .collect();
    let reply = &mut session.out.reply;
    if core.replication.phase() == Phase::Following {
        // Which node leads is known to Raft, its address for clients is not: Redis's form without it.
        reply.array(5);
        reply.bulk(b"slave");
        reply.bulk(b"");
        reply.integer(0);
        reply.bulk(b"connect");
        reply.integer(-1);
    } else {
        reply.array(3);
        reply.bulk(b"master");
        reply.integer(offset);
        reply.array(replicas.len());
        for (ip, port, acknowledged) in replicas {
            reply.array(3);
            reply.bulk(ip.as_bytes());
            reply.bulk_display(port);
            reply.bulk_display(acknowledged);
        }
    }
    Ok(())
}

/// In a cluster of one there is no other node that could have the write: who waits for some waits
/// for the whole time. The answer comes after the writes before it, as every reply does.
fn wait(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let nodes = args.next_i64()?;
    let timeout_ms = number::parse_i64(args.next()?).ok_or(CommandError::TimeoutNotAnInteger)?;
    let timeout_ms = u64::try_from(timeout_ms).map_err(|_| CommandError::NegativeTimeout)?;
    if nodes <= 0 || !session.may_block {
        core.keyspace.observe_all();
        session.out.reply.integer(0);
        return Ok(());
    }
    let block = Block {
        command: None,
        keys: Vec::new(),
        timeout_ms: (timeout_ms > 0).then_some(timeout_ms),
        on_timeout: OnTimeout::Zero,
    };
    blocked::block(core, session, block, args.all());
    Ok(())
}

fn monitor(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    if !session.is_monitor {
        session.is_monitor = true;
        core.monitors.push(session.id);
    }
    session.out.reply.ok();
    Ok(())
}

/// There is nothing to save: what was executed is committed before the process ends, in any case.
fn shutdown(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let (mut save, mut other, mut abort) = (None, false, false);
    while !args.is_done() {
        if args.accept("SAVE") && save.is_none_or(|save| save) {
            save = Some(true);
        } else if args.accept("NOSAVE") && save.is_none_or(|save| !save) {
            save = Some(false);
        } else if args.accept("NOW") || args.accept("FORCE") {
            other = true;
        } else if args.accept("ABORT") {
            abort = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if abort && (other || save.is_some()) {
        return Err(CommandError::Syntax);
    }
    if abort {
        return Err(CommandError::NoShutdown);
    }
    if let Some(kind) = core.scripts.busy_kind()
        && save != Some(false)
    {
        return Err(CommandError::Busy(kind.name()));
    }
    core.saves_at_end = save == Some(true);
    core.request_shutdown(0, "SHUTDOWN");
    session.closing = Closing::AfterReplies;
    Ok(())
}

/// A lone node leads or does not serve: both modes read the same.
fn acknowledge(
    _core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.out.reply.ok();
    Ok(())
}
