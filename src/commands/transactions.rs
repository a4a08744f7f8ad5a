//! MULTI, EXEC, DISCARD, WATCH, UNWATCH. All that EXEC runs goes into one batch: all of it or
//! nothing survives a crash.

use std::rc::Rc;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group, KeySpec};
use holdfast_engine::{Args, Caller, CommandError};

use super::ServerHandler;
use crate::core::Core;
use crate::dispatch;
use crate::registry::Found;
use crate::session::{OwnedCommand, Session, Transaction};

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[MULTI, EXEC, DISCARD, WATCH, UNWATCH];

const FLAGS: Flags = Flags::NO_SCRIPT
    .with(Flags::LOADING)
    .with(Flags::STALE)
    .with(Flags::FAST)
    .with(Flags::ALLOW_BUSY);

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Transactions, run).arity(Exactly(1))
}

const MULTI: Command<ServerHandler> = command("multi", multi).flags(FLAGS).doc(
    "1.2.0",
    "O(1)",
    "Begins a transaction: what follows is queued until EXEC.",
    &[],
);

const EXEC: Command<ServerHandler> = command("exec", exec)
    .flags(
        Flags::NO_SCRIPT
            .with(Flags::LOADING)
            .with(Flags::STALE)
            .with(Flags::SKIP_SLOWLOG),
    )
    .doc(
        "1.2.0",
        "Depends on the queued commands",
        "Executes the queued commands as one.",
        &[],
    );

const DISCARD: Command<ServerHandler> = command("discard", discard).flags(FLAGS).doc(
    "2.0.0",
    "O(N) in the number of queued commands",
    "Drops the queued commands.",
    &[],
);

const WATCH: Command<ServerHandler> = command("watch", watch)
    .arity(AtLeast(2))
    .flags(FLAGS)
    .keys(&[KeySpec::PEEK.range(-1, 1)])
    .doc(
        "2.2.0",
        "O(1) for each key",
        "Makes the next transaction fail if one of these keys is changed before it.",
        &[Argument::key("key").multiple()],
    );

const UNWATCH: Command<ServerHandler> =
    command("unwatch", unwatch)
        .flags(FLAGS)
        .doc("2.2.0", "O(1)", "Forgets the watched keys.", &[]);

fn multi(
    _core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    if session.transaction.is_some() {
        return Err(CommandError::NestedMulti);
    }
    session.transaction = Some(Transaction::default());
    session.out.reply.ok();
    Ok(())
}

fn discard(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session
        .transaction
        .take()
        .ok_or(CommandError::DiscardWithoutMulti)?;
    core.unwatch(session);
    session.out.reply.ok();
    Ok(())
}

fn watch(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if session.transaction.is_some() {
        return Err(CommandError::WatchInsideMulti);
    }
    for key in args.take_rest() {
        core.watch(session, key);
    }
    session.out.reply.ok();
    Ok(())
}

fn unwatch(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    core.unwatch(session);
    session.out.reply.ok();
    Ok(())
}

fn exec(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let transaction = session
        .transaction
        .take()
        .ok_or(CommandError::ExecWithoutMulti)?;
    let watch_failed = core.watch_has_failed(session);
    core.unwatch(session);
    if transaction.is_broken {
        return Err(CommandError::ExecAborted);
    }
    if watch_failed {
        // That a watched key changed is a fact about effects that may not be committed yet.
        session.need = core.keyspace.dirty.need_of_all();
        session.out.reply.null_array();
        return Ok(());
    }
    let reply_from = session.out.reply.len();
    session.out.reply.array(transaction.commands.len());
    let rest = Rest {
        commands: transaction.commands,
        next: 0,
        need: 0,
        partial: Vec::new(),
    };
    go_on(core, session, rest, reply_from);
    Ok(())
}

/// A transaction in the middle of which a script takes long.
#[derive(Debug)]
pub(crate) struct Rest {
    commands: Vec<OwnedCommand>,
    next: usize,
    /// The batch that its reply depends on.
    pub(crate) need: u64,
    /// The part of its reply that is made.
    pub(crate) partial: Vec<u8>,
}

/// Runs the commands that are left. If a script among them is suspended, the rest waits with it.
pub(crate) fn go_on(core: &mut Core, session: &mut Session, mut rest: Rest, reply_from: usize) {
    let registry = Rc::clone(&core.registry);
    let caller = Caller {
        may_block: false,
        no_touch: session.no_touch,
        ..Caller::default()
    };
    while let Some(command) = rest.commands.get(rest.next) {
        let arguments: Vec<&[u8]> = command.iter().map(AsRef::as_ref).collect();
        // It was found when it was queued.
        if let Found::Command(found) = registry.find(&arguments) {
            let need = dispatch::call(core, session, found, &arguments, caller);
            rest.need = rest.need.max(need);
        }
        rest.next += 1;
        if let Some(suspended) = &mut core.scripts.suspended {
            let made = session.out.reply.as_slice().get(reply_from..);
            rest.partial = made.unwrap_or_default().to_vec();
            session.out.reply.truncate(reply_from);
            suspended.is_followed_by(rest);
            return;
        }
    }
    session.need = rest.need;
}
