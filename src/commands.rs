//! The server's own commands, one file a family: those that need sessions, configuration or the
//! state of the node. The rest are in `holdfast_engine::commands`.

pub mod client;
pub mod command;
pub mod config;
pub mod connection;
pub mod debug;
pub mod functions;
pub mod info;
pub mod latency;
pub mod memory_commands;
pub mod persistence;
pub mod pubsub;
pub mod replica;
pub mod scripting;
pub mod server;
pub mod slowlog;
pub mod transactions;

use holdfast_engine::command::{Command, Flags};
use holdfast_engine::{Args, CommandError};

use crate::core::Core;
use crate::session::Session;

/// What runs a command of the server: it writes its reply to the session.
pub type ServerHandler = fn(&mut Core, &mut Session, &mut Args<'_>) -> Result<(), CommandError>;

/// Every command of the server, by family.
pub const FAMILIES: &[&[Command<ServerHandler>]] = &[
    client::COMMANDS,
    command::COMMANDS,
    config::COMMANDS,
    connection::COMMANDS,
    debug::COMMANDS,
    latency::COMMANDS,
    memory_commands::COMMANDS,
    persistence::COMMANDS,
    info::COMMANDS,
    pubsub::COMMANDS,
    replica::COMMANDS,
    scripting::COMMANDS,
    functions::COMMANDS,
    slowlog::COMMANDS,
    server::COMMANDS,
    transactions::COMMANDS,
];

/// What most commands of the server have in common: not from scripts, at any time, on any node.
pub(crate) const ANYTIME: Flags = Flags::NO_SCRIPT
    .with(Flags::LOADING)
    .with(Flags::STALE)
    .with(Flags::LOCAL);

/// Writes the reply of a HELP subcommand: a heading, the lines, and HELP itself.
pub(crate) fn write_help(session: &mut Session, container: &str, lines: &[&str]) {
    let reply = &mut session.out.reply;
    reply.array(lines.len() + 3);
    reply.simple(format!(
        "{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    ));
    for line in lines {
        reply.simple(line);
    }
    reply.simple("HELP");
    reply.simple("    Prints this help.");
}

/// What a container runs when it is called without a subcommand: its arity refuses that before.
pub(crate) fn no_subcommand(
    _: &mut Core,
    _: &mut Session,
    _: &mut Args<'_>,
) -> Result<(), CommandError> {
    Err(CommandError::Syntax)
}
