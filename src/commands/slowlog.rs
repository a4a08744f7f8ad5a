//! SLOWLOG: the commands that took longer than `slowlog-log-slower-than`.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::{Args, CommandError};
use holdfast_resp::Reply;

use super::{ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::session::Session;
use crate::stats::SlowlogEntry;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[SLOWLOG];

/// Entries that SLOWLOG GET returns when it is not told how many.
const SHOWN_BY_DEFAULT: usize = 10;

const ANYTIME: Flags = Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL);
const FLAGS: Flags = ANYTIME.with(Flags::ADMIN);

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
}

const SLOWLOG: Command<ServerHandler> = command("slowlog", no_subcommand)
    .arity(AtLeast(2))
    .doc(
        "2.2.12",
        "Depends on the subcommand",
        "The log of slow commands.",
        &[],
    )
    .subcommands(&[GET, LEN, RESET, HELP]);

const GET: Command<ServerHandler> = command("get", get).arity(AtLeast(2)).flags(FLAGS).doc(
    "2.2.12",
    "O(N) where N is the number of entries returned",
    "Returns the newest entries of the slow log.",
    &[Argument::integer("count").optional()],
);

const LEN: Command<ServerHandler> = command("len", len).arity(Exactly(2)).flags(FLAGS).doc(
    "2.2.12",
    "O(1)",
    "Returns the number of entries in the slow log.",
    &[],
);

const RESET: Command<ServerHandler> = command("reset", reset).arity(Exactly(2)).flags(FLAGS).doc(
    "2.2.12",
    "O(N) where N is the number of entries",
    "Empties the slow log.",
    &[],
);

const HELP: Command<ServerHandler> = command("help", help).arity(Exactly(2)).flags(ANYTIME).doc(
    "6.2.0",
    "O(1)",
    "Explains the subcommands.",
    &[],
);

fn get(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let count = match args.take_rest() {
        [] => SHOWN_BY_DEFAULT,
        [count] => {
            let count = holdfast_engine::number::parse_i64(count)
                .filter(|&count| count >= -1)
                .ok_or(CommandError::SlowlogCount)?;
            // -1 asks for all of them.
            usize::try_from(count).unwrap_or(usize::MAX)
        }
        _ => {
            return Err(CommandError::SubcommandArguments {
                container: "SLOWLOG",
                subcommand: "get".into(),
            });
        }
    };
    let entries = &core.stats.slowlog.entries;
    session.out.reply.array(entries.len().min(count));
    for entry in entries.iter().take(count) {
        write_entry(entry, &mut session.out.reply);
    }
    Ok(())
}

fn write_entry(entry: &SlowlogEntry, reply: &mut Reply) {
    reply.array(6);
    reply.integer(i64::try_from(entry.id).unwrap_or(i64::MAX));
    reply.integer(entry.at_seconds);
    reply.integer(i64::try_from(entry.micros).unwrap_or(i64::MAX));
    reply.array(entry.command.len());
    for argument in &entry.command {
        reply.bulk(argument);
    }
    reply.bulk(entry.address.as_bytes());
    reply.bulk(&entry.name);
}

fn len(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let len = core.stats.slowlog.entries.len();
    session
        .out
        .reply
        .integer(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

fn reset(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    core.stats.slowlog.entries.clear();
    session.out.reply.ok();
    Ok(())
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "SLOWLOG",
        &[
            "GET [<count>]",
            "    The newest entries (default: 10, -1 for all): id, time, microseconds,",
            "    arguments, the client's address and its name.",
            "LEN",
            "    How many entries there are.",
            "RESET",
            "    Removes all entries.",
        ],
    );
    Ok(())
}
