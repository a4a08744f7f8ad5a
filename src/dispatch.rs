//! From a command line to its reply: finds the command, checks whether it may run now, queues it
//! inside MULTI, runs it, and lets the core settle what it caused. Called by `connection` for each
//! command, by EXEC for each queued one, and for blocked commands whose key has changed.

use std::rc::Rc;
use std::time::Instant;

use holdfast_engine::command::Flags;
use holdfast_engine::{Args, Caller, CommandError, Engine};
use thiserror::Error;

use crate::commands::scripting;
use crate::core::Core;
use crate::latency::Event;
use crate::registry::{Found, Registered, Run};
use crate::replication::Phase;
use crate::session::{Closing, ReplyMode, Session};
use crate::{blocked, memory, monitor};

/// Whether the next command of the session may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It may.
    Go,
    /// The session waits for a key, or is being closed.
    Stop,
    /// Too much is uncommitted: this command is to be given again once there is room.
    Park,
}

/// Why a command was not run. `Display` is the text on the wire.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the text of each variant says what it is")]
pub enum Refusal {
    #[error("ERR unknown command '{name}', with args beginning with: {args}")]
    UnknownCommand { name: String, args: String },
    #[error("ERR unknown subcommand '{subcommand}'. Try {container} HELP.")]
    UnknownSubcommand {
        subcommand: String,
        container: String,
    },
    #[error("ERR wrong number of arguments for '{0}' command")]
    Arity(&'static str),
    #[error("NOAUTH Authentication required.")]
    NotAuthenticated,
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
    #[error("CLUSTERDOWN this node does not lead, and no leader is known")]
    NoLeader,
    #[error("{0}")]
    Busy(CommandError),
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    #[error(
        "ERR Can't execute '{0}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    )]
    SubscriberMode(&'static str),
    #[error("ERR Replica can't interact with the keyspace")]
    IsReplica,
    #[error("ERR Command not allowed inside a transaction")]
    NotInTransaction,
    #[error(
        "ERR {0} command not allowed. If the {1} option is set to \"local\", you can run it from a local connection, \
         otherwise you need to set this option in the configuration file, and then restart the server."
    )]
    Protected(&'static str, &'static str),
    #[error(
        "ERR the transaction holds more than {0} bytes of commands (holdfast-transaction-bytes-max)"
    )]
    TransactionTooLarge(usize),
    #[error("EXECABORT Transaction discarded because of: {}", without_code(.0))]
    ExecRefused(Box<Refusal>),
}

fn without_code(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    text.strip_prefix("ERR ").unwrap_or(&text).to_owned()
}

/// Takes one command line of a session.
pub fn dispatch(core: &mut Core, session: &mut Session, arguments: &[&[u8]]) -> Flow {
    let registry = Rc::clone(&core.registry);
    session.commands_count += 1;
    let reply_before = session.out.reply.len();
    let command = match admit(core, session, &registry, arguments) {
        Ok(command) => command,
        Err(refusal) => {
            if is_exec(arguments) && session.transaction.take().is_some() {
                core.unwatch(session);
                refuse(core, session, &Refusal::ExecRefused(Box::new(refusal)));
            } else {
                refuse(core, session, &refusal);
            }
            return finish(core, session, reply_before, 0);
        }
    };
    session.last_command = command.full_name;
    if core.must_pause(session, command, arguments)
        || must_wait_for_room(core, session, command, arguments)
    {
        return Flow::Park;
    }
    if session.transaction.is_some() && !runs_inside_transaction(command) {
        queue(core, session, command, arguments);
        return finish(core, session, reply_before, 0);
    }
    let caller = Caller {
        may_block: true,
        no_touch: session.no_touch,
        ..Caller::default()
    };
    core.replicas.unit_only_reads = command.has(Flags::READONLY);
    let need = call(core, session, command, arguments, caller);
    // What a client has subscribed to is told as a push, which CLIENT REPLY OFF does not silence.
    let silenced_from = if announces_subscriptions(command) {
        session.out.reply.len()
    } else {
        reply_before
    };
    let flow = finish(core, session, silenced_from, need);
    if core.keyspace.interest.any_touched() && !core.scripts.is_busy() {
        core.after_touch();
    }
    flow
}

/// Ends what a session did from `reply_before` on; the reply depends on batch `need`.
pub(crate) fn finish(
    core: &mut Core,
    session: &mut Session,
    reply_before: usize,
    need: u64,
) -> Flow {
    match session.reply_mode {
        ReplyMode::On => {}
        ReplyMode::Off => session.out.reply.truncate(reply_before),
        ReplyMode::SkipNext => session.reply_mode = ReplyMode::Skip,
        ReplyMode::Skip => {
            session.out.reply.truncate(reply_before);
            session.reply_mode = ReplyMode::On;
        }
    }
    core.settle(session, need);
    core.flush_others();
    if session.blocked.is_some() || session.closing != Closing::No {
        Flow::Stop
    } else {
        Flow::Go
    }
}

/// A refused EXEC ends its transaction.
fn is_exec(arguments: &[&[u8]]) -> bool {
    arguments
        .first()
        .is_some_and(|name| name.eq_ignore_ascii_case(b"exec"))
}

fn refuse(core: &mut Core, session: &mut Session, refusal: &Refusal) {
    if let Some(transaction) = &mut session.transaction {
        transaction.is_broken = true;
    }
    let text = refusal.to_string();
    core.stats.count_error(&text);
    session.out.reply.error(&text);
}

/// All that is checked before a command runs, in Redis's order.
fn admit<'r>(
    core: &mut Core,
    session: &Session,
    registry: &'r crate::registry::Registry,
    arguments: &[&[u8]],
) -> Result<&'r Registered, Refusal> {
    let command = match registry.find(arguments) {
        Found::Command(command) => command,
        Found::UnknownCommand => return Err(unknown_command(arguments)),
        Found::UnknownSubcommand(container) => {
            return Err(unknown_subcommand(container, arguments));
        }
    };
    let checked = check(core, session, command, arguments);
    if checked.is_err() {
        command.calls.rejected.set(command.calls.rejected.get() + 1);
    }
    checked.map(|()| command)
}

fn check(
    core: &mut Core,
    session: &Session,
    command: &Registered,
    arguments: &[&[u8]],
) -> Result<(), Refusal> {
    if !command.spec.arity.accepts(arguments.len()) {
        return Err(Refusal::Arity(command.full_name));
    }
    if !session.is_authenticated && !command.has(Flags::NO_AUTH) {
        return Err(Refusal::NotAuthenticated);
    }
    if command.has(Flags::PROTECTED) {
        core.config
            .check_protected(command.spec.name, &session.stream)?;
    }
    if command.has(Flags::DENY_OOM) && core.config.maxmemory > 0 && !memory::make_room(core) {
        return Err(Refusal::OutOfMemory);
    }
    if let Some(kind) = core.scripts.busy_kind()
        && !command.has(Flags::ALLOW_BUSY)
    {
        return Err(Refusal::Busy(CommandError::Busy(kind.name())));
    }
    match core.replication.phase() {
        Phase::Loading if !command.has(Flags::LOADING) => return Err(Refusal::Loading),
        Phase::Leading if core.importing && !command.has(Flags::LOADING) => {
            return Err(Refusal::Loading);
        }
        Phase::Leading | Phase::Loading => {}
        Phase::Frozen | Phase::Following => {
            if !command.has(Flags::LOCAL) {
                return Err(Refusal::NoLeader);
            }
        }
    }
    if session.replica.is_some() && !is_for_replicas(command) {
        return Err(Refusal::IsReplica);
    }
    if session.is_in_subscriber_mode() && !is_for_subscribers(command) {
        return Err(Refusal::SubscriberMode(command.full_name));
    }
    if session.transaction.is_some() && command.has(Flags::NO_MULTI) {
        return Err(Refusal::NotInTransaction);
    }
    Ok(())
}

/// Scripts and transactions would change keys, so only these few are let through.
fn is_for_replicas(command: &Registered) -> bool {
    matches!(
        command.full_name,
        "replconf" | "ping" | "sync" | "psync" | "quit"
    )
}

fn is_for_subscribers(command: &Registered) -> bool {
    announces_subscriptions(command) || matches!(command.full_name, "ping" | "quit" | "reset")
}

fn announces_subscriptions(command: &Registered) -> bool {
    matches!(
        command.spec.name,
        "subscribe" | "psubscribe" | "ssubscribe" | "unsubscribe" | "punsubscribe" | "sunsubscribe"
    )
}

fn runs_inside_transaction(command: &Registered) -> bool {
    matches!(
        command.full_name,
        "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
    )
}

/// Bounded uncommitted work: beyond it, writes wait where they are; reads and errors go on.
fn must_wait_for_room(
    core: &mut Core,
    session: &Session,
    command: &Registered,
    arguments: &[&[u8]],
) -> bool {
    if !core.replication.is_full() {
        return false;
    }
    let writes = command.has(Flags::WRITE)
        || command.spec.name == "exec"
        || scripting::may_write(core, command, arguments);
    let is_queued = session.transaction.is_some() && command.spec.name != "exec";
    if writes && !is_queued {
        core.park(session.id);
        return true;
    }
    false
}

fn queue(core: &mut Core, session: &mut Session, command: &Registered, arguments: &[&[u8]]) {
    let bytes_max = core.config.transaction_bytes_max;
    let Some(transaction) = &mut session.transaction else {
        return;
    };
    transaction.bytes += arguments
        .iter()
        .map(|argument| argument.len() + 16)
        .sum::<usize>();
    if transaction.bytes > bytes_max {
        refuse(core, session, &Refusal::TransactionTooLarge(bytes_max));
        return;
    }
    if !transaction.is_broken {
        transaction
            .commands
            .push(arguments.iter().map(|&argument| argument.into()).collect());
    }
    let _ = command;
    session.out.reply.simple("QUEUED");
}

/// Runs a command; returns the batch that its reply depends on. Counts, logs and shows it.
pub fn call(
    core: &mut Core,
    session: &mut Session,
    command: &Registered,
    arguments: &[&[u8]],
    caller: Caller,
) -> u64 {
    let runs_again = session.blocked.is_some();
    let began = core.command_began;
    let (need, error) = match command.run {
        Run::Engine(handler) => {
            let mut engine = Engine {
                keyspace: &mut core.keyspace,
                effects: &mut core.replication.effects,
            };
            let outcome = engine.execute(
                handler,
                arguments,
                command.name_words,
                session.database,
                caller,
                &mut session.out.reply,
            );
            if let Some(block) = outcome.block {
                blocked::block(core, session, block, arguments);
            }
            (outcome.need, outcome.error)
        }
        Run::Server(handler) => {
            session.may_block = caller.may_block;
            run_of_server(core, session, handler, command, arguments)
        }
    };
    let ended = Instant::now();
    core.command_began = ended;
    let nanos = ended.saturating_duration_since(began).as_nanos();
    let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
    let micros = nanos / 1000;
    // Shown only now: the line depends on the effects of the command that it shows (RULES.md 5).
    if !core.monitors.is_empty() && !runs_again {
        monitor::feed(core, session, command, arguments);
    }
    if core.config.latency_tracking {
        command.calls.durations.note(nanos);
    }
    core.latency
        .note(event_of(command), micros, core.config.latency_threshold_ms);
    // A command that waits is one call, however often it looks at its keys.
    if !runs_again {
        command.calls.count.set(command.calls.count.get() + 1);
    }
    command
        .calls
        .micros
        .set(command.calls.micros.get() + micros);
    if let Some(error) = error {
        command.calls.failed.set(command.calls.failed.get() + 1);
        core.stats.count_error_of(&error);
    }
    core.stats.note_command(command, micros, arguments, session);
    need
}

/// Under which name the latency monitor keeps a command. Queued commands are noted one by one.
const fn event_of(command: &Registered) -> Event {
    if command.has(Flags::FAST) {
        Event::FastCommand
    } else {
        Event::Command
    }
}

fn run_of_server(
    core: &mut Core,
    session: &mut Session,
    handler: crate::commands::ServerHandler,
    command: &Registered,
    arguments: &[&[u8]],
) -> (u64, Option<CommandError>) {
    session.need = 0;
    let reply_before = session.out.reply.len();
    let mut args = Args::new(arguments, command.name_words);
    let result = handler(core, session, &mut args);
    if let Err(error) = &result {
        session.out.reply.truncate(reply_before);
        session.out.reply.error(error.to_string());
    }
    let observed = core.keyspace.observed.take_need();
    (
        std::mem::take(&mut session.need).max(observed),
        result.err(),
    )
}

fn unknown_command(arguments: &[&[u8]]) -> Refusal {
    const SHOWN_BYTES_MAX: usize = 128;
    let name = arguments.first().copied().unwrap_or_default();
    let mut args = String::new();
    for argument in arguments.iter().skip(1) {
        if args.len() >= SHOWN_BYTES_MAX {
            break;
        }
        let shown = argument
            .get(..SHOWN_BYTES_MAX - args.len())
            .unwrap_or(argument);
        args.push_str(&format!("'{}' ", String::from_utf8_lossy(shown)));
    }
    Refusal::UnknownCommand {
        name: shortened(name, SHOWN_BYTES_MAX),
        args,
    }
}

fn unknown_subcommand(container: &Registered, arguments: &[&[u8]]) -> Refusal {
    const SHOWN_BYTES_MAX: usize = 128;
    Refusal::UnknownSubcommand {
        subcommand: shortened(
            arguments.get(1).copied().unwrap_or_default(),
            SHOWN_BYTES_MAX,
        ),
        container: container.spec.name.to_ascii_uppercase(),
    }
}

fn shortened(text: &[u8], bytes_max: usize) -> String {
    String::from_utf8_lossy(text.get(..bytes_max).unwrap_or(text)).into_owned()
}
