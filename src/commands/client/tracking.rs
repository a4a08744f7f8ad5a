//! The subcommands of client-side caching, which is not offered yet: they say so.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command};
use holdfast_engine::{Args, CommandError};

use super::command;
use crate::commands::ServerHandler;
use crate::core::Core;
use crate::session::Session;

pub(super) const TRACKING: Command<ServerHandler> =
    command("tracking", tracking).arity(AtLeast(3)).doc(
        "6.0.0",
        "O(1)",
        "Turns client-side caching off; on is not offered yet.",
        &[Argument::one_of(
            "status",
            &[Argument::word("on", "ON"), Argument::word("off", "OFF")],
        )],
    );

pub(super) const TRACKINGINFO: Command<ServerHandler> =
    command("trackinginfo", info).arity(Exactly(2)).doc(
        "6.2.0",
        "O(1)",
        "Answers the state of client-side caching.",
        &[],
    );

pub(super) const GETREDIR: Command<ServerHandler> =
    command("getredir", redirection).arity(Exactly(2)).doc(
        "6.0.0",
        "O(1)",
        "Answers where invalidation messages go.",
        &[],
    );

pub(super) const CACHING: Command<ServerHandler> =
    command("caching", caching).arity(Exactly(3)).doc(
        "6.0.0",
        "O(1)",
        "Tells whether the keys of the next command are cached.",
        &[Argument::one_of(
            "mode",
            &[Argument::word("yes", "YES"), Argument::word("no", "NO")],
        )],
    );

fn tracking(
    _core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    if !super::is_on(args)? {
        session.out.reply.ok();
        return Ok(());
    }
    Err(CommandError::TrackingNotOffered)
}

fn info(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let reply = &mut session.out.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.integer(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
    Ok(())
}

fn redirection(
    _core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.out.reply.integer(-1);
    Ok(())
}

fn caching(_: &mut Core, _: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.next_is("YES") || args.next_is("NO") {
        Err(CommandError::CachingWithoutTracking)
    } else {
        Err(CommandError::Syntax)
    }
}
