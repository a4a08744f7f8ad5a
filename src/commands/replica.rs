//! SYNC, PSYNC, REPLCONF: what a Redis server (or a tool) says that wants to follow this one; and
//! REPLICAOF, which would make this one follow another.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::{Args, CommandError, number};

use super::ServerHandler;
use crate::core::Core;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[SYNC, PSYNC, REPLCONF, REPLICAOF, SLAVEOF];

const ASKS: Flags = Flags::ADMIN
    .with(Flags::NO_SCRIPT)
    .with(Flags::NO_ASYNC_LOADING)
    .with(Flags::NO_MULTI);

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
}

const SYNC: Command<ServerHandler> = command("sync", sync).arity(Exactly(1)).flags(ASKS).doc(
    "1.0.0",
    "O(N) where N is the number of keys",
    "Sends a snapshot of all data, and then every change.",
    &[],
);

const PSYNC: Command<ServerHandler> = command("psync", psync).arity(AtLeast(3)).flags(ASKS).doc(
    "2.8.0",
    "O(N) where N is the number of keys",
    "As SYNC, with the stream's name and offset before it. Always a full synchronisation.",
    &[
        Argument::string("replicationid"),
        Argument::integer("offset"),
    ],
);

const REPLCONF: Command<ServerHandler> = command("replconf", replconf)
    .arity(AtLeast(1))
    .flags(
        Flags::ADMIN
            .with(Flags::NO_SCRIPT)
            .with(Flags::LOADING)
            .with(Flags::STALE)
            .with(Flags::ALLOW_BUSY)
            .with(Flags::LOCAL),
    )
    .doc(
        "3.0.0",
        "O(1)",
        "What a replica tells of itself, and how far it has come.",
        &[],
    );

const FOLLOWS: Flags = Flags::ADMIN
    .with(Flags::NO_SCRIPT)
    .with(Flags::STALE)
    .with(Flags::NO_ASYNC_LOADING)
    .with(Flags::LOCAL);

const HOST_AND_PORT: &[Argument] = &[Argument::string("host"), Argument::integer("port")];

const REPLICAOF: Command<ServerHandler> = command("replicaof", replicaof)
    .arity(Exactly(3))
    .flags(FOLLOWS)
    .doc(
        "5.0.0",
        "O(1)",
        "Refused, but for NO ONE: nodes replicate through Raft.",
        HOST_AND_PORT,
    );

const SLAVEOF: Command<ServerHandler> = command("slaveof", replicaof)
    .arity(Exactly(3))
    .flags(FOLLOWS)
    .doc(
        "1.0.0",
        "O(1)",
        "Refused, but for NO ONE: nodes replicate through Raft.",
        HOST_AND_PORT,
    )
    .deprecated("5.0.0", "`REPLICAOF`");

fn sync(core: &mut Core, session: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    if session.replica.is_none() {
        core.attach_replica(session, false);
    }
    Ok(())
}

fn psync(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let _stream = args.next()?;
    // No part of the stream is kept for those who come back: each gets all.
    args.next_i64()?;
    if session.replica.is_none() {
        core.attach_replica(session, true);
    }
    Ok(())
}

fn replconf(
    _core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    while !args.is_done() {
        let (name, value) = (args.next()?, args.next()?);
        if name.eq_ignore_ascii_case(b"ack") {
            // An acknowledgement is not answered: the stream is the only thing on this connection.
            let offset = number::parse_i64(value).and_then(|offset| u64::try_from(offset).ok());
            if let (Some(replica), Some(offset)) = (&mut session.replica, offset) {
                replica.acknowledged = replica.acknowledged.max(offset);
            }
            return Ok(());
        }
        if name.eq_ignore_ascii_case(b"getack") {
            return Ok(());
        }
    }
    session.out.reply.ok();
    Ok(())
}

fn replicaof(_: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let (host, port) = (args.next()?, args.next()?);
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        session.out.reply.ok();
        return Ok(());
    }
    Err(CommandError::ReplicaOf)
}
