//! SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE. Writes are durable without any of them: they take a snapshot,
//! which lets the log forget what is in it, and which any Redis loads.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Categories, Command, Flags, Group};
use holdfast_engine::{Args, Block, CommandError, OnTimeout};

use super::ServerHandler;
use crate::blocked;
use crate::core::Core;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE];

const FLAGS: Flags = Flags::ADMIN
    .with(Flags::NO_SCRIPT)
    .with(Flags::NO_ASYNC_LOADING)
    .with(Flags::LOCAL);

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
}

const SAVE: Command<ServerHandler> = command("save", save)
    .arity(Exactly(1))
    .flags(FLAGS.with(Flags::NO_MULTI))
    .doc(
        "1.0.0",
        "O(N) where N is the number of keys",
        "Writes an RDB file of all data and answers when it is on disk.",
        &[],
    );

const BGSAVE: Command<ServerHandler> = command("bgsave", bgsave)
    .arity(AtLeast(1))
    .flags(FLAGS)
    .doc(
        "1.0.0",
        "O(1)",
        "Begins to write an RDB file of all data.",
        &[Argument::word("schedule", "SCHEDULE").optional()],
    );

const BGREWRITEAOF: Command<ServerHandler> = command("bgrewriteaof", bgrewriteaof)
    .arity(Exactly(1))
    .flags(FLAGS)
    .doc(
        "1.0.0",
        "O(1)",
        "Does what BGSAVE does: the log forgets what the snapshots hold.",
        &[],
    );

const LASTSAVE: Command<ServerHandler> = command("lastsave", lastsave)
    .arity(Exactly(1))
    .flags(
        Flags::LOADING
            .with(Flags::STALE)
            .with(Flags::FAST)
            .with(Flags::LOCAL),
    )
    .categories(Categories::ADMIN.with(Categories::DANGEROUS))
    .doc(
        "1.0.0",
        "O(1)",
        "Returns when the last RDB file was finished, in seconds since 1970.",
        &[],
    );

fn save(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if core.snapshots.is_busy() {
        return Err(CommandError::SaveInProgress);
    }
    core.request_save();
    core.await_save(session.id);
    // It waits for no key: the end of the save unblocks it.
    let block = Block {
        command: None,
        keys: Vec::new(),
        timeout_ms: None,
        on_timeout: OnTimeout::Null,
    };
    blocked::block(core, session, block, args.all());
    Ok(())
}

fn bgsave(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    // Nothing but another save can be in its way, so that being scheduled means nothing.
    args.accept("SCHEDULE");
    args.finish()?;
    if core.snapshots.is_busy() {
        return Err(CommandError::SaveInProgress);
    }
    core.request_save();
    session.out.reply.simple("Background saving started");
    Ok(())
}

fn bgrewriteaof(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.out.reply.simple(if core.request_save() {
        "Background append only file rewriting started"
    } else {
        "Background append only file rewriting scheduled"
    });
    Ok(())
}

fn lastsave(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session
        .out
        .reply
        .integer(core.snapshots.facts.last_save_seconds);
    Ok(())
}
