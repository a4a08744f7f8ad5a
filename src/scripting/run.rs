//! Runs a script or a function, and executes the commands that it calls: checks them as a script's,
//! runs them as any other, and adds up what the script's reply depends on.

use std::rc::Rc;
use std::time::{Duration, Instant};

use holdfast_engine::command::Flags;
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_engine::scripts::{Header, HeaderError};
use holdfast_engine::{Caller, CommandError, Engine};
use holdfast_resp::Reply;
use smallvec::SmallVec;

use super::Kind;
use super::machine::{Ask, Exchange, Job, Machine, Outcome};
use super::suspended::Suspended;
use super::world::STEPS_PER_HOOK;
use crate::core::Core;
use crate::memory;
use crate::registry::{Found, Registered, Registry};
use crate::replication::Phase;
use crate::session::{Session, SessionId};
use crate::{blocked, dispatch, monitor};

const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";
/// Buffers of replies larger than this are not kept for the next command.
const KEPT_REPLY_BYTES_MAX: usize = 1 << 20;
/// Arguments that fit on the stack.
const ARGUMENTS_INLINE: usize = 16;

/// What the flags of a script or a function say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScriptFlags {
    /// It has no first line with flags: then it may do what its commands may.
    pub is_plain: bool,
    pub no_writes: bool,
    pub allow_oom: bool,
    pub allow_stale: bool,
}

impl ScriptFlags {
    /// The flags in a script's first line.
    ///
    /// # Errors
    /// The line is not right.
    pub(crate) fn of_script(body: &[u8]) -> Result<Self, HeaderError> {
        let Some(header) = Header::read_script(body)? else {
            return Ok(Self {
                is_plain: true,
                ..Self::default()
            });
        };
        let words = header.flags.unwrap_or_default();
        Self::read(&words).map_err(HeaderError::ScriptFlag)
    }

    /// Reads flags by name; gives back the first that is none.
    pub(crate) fn read(words: &[Vec<u8>]) -> Result<Self, String> {
        let mut flags = Self::default();
        for word in words {
            match word.as_slice() {
                b"no-writes" => flags.no_writes = true,
                b"allow-oom" => flags.allow_oom = true,
                b"allow-stale" => flags.allow_stale = true,
                // Without a cluster there is one slot for all.
                b"no-cluster" | b"allow-cross-slot-keys" => {}
                other => return Err(String::from_utf8_lossy(other).into_owned()),
            }
        }
        Ok(flags)
    }
}

/// What is to run.
pub(crate) struct Start<'a> {
    pub kind: Kind,
    pub machine: Box<Machine>,
    pub job: Job,
    /// What errors call it.
    pub name: &'a str,
    pub flags: ScriptFlags,
    /// It was called by a command that may not write.
    pub is_read_only: bool,
    /// Keys and arguments.
    pub words: &'a [&'a [u8]],
    /// The whole command.
    pub command: &'a [&'a [u8]],
    /// The batch that its text depends on.
    pub need: u64,
}

/// A script that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub kind: Kind,
    /// Its caller.
    pub caller: SessionId,
    /// In which its commands run: a database and a protocol of its own.
    pub session: Session,
    /// The batch that its reply depends on.
    pub need: u64,
    /// It has called a command that writes: it cannot be killed any more.
    pub wrote: bool,
    pub started: Instant,
    is_read_only: bool,
    allows_oom: bool,
    is_out_of_memory: bool,
}

/// Why a running script came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Done,
    Suspended,
}

/// Runs a script. Its reply is written, or the session waits for it.
///
/// # Errors
/// The script's own, or why it may not run.
pub(crate) fn start(
    core: &mut Core,
    session: &mut Session,
    start: Start<'_>,
) -> Result<(), CommandError> {
    session.need = session.need.max(start.need);
    let is_out_of_memory = core.config.maxmemory > 0 && !memory::make_room(core);
    if let Err(text) = may_run(&start, is_out_of_memory) {
        core.scripts.put_back(start.kind, start.machine);
        return Err(error(Outcome::failed(text)));
    }
    if !core.monitors.is_empty() {
        monitor::show(core, session, start.command);
    }
    let mut running = Running {
        kind: start.kind,
        caller: session.id,
        session: session.for_script(),
        need: start.need,
        wrote: false,
        started: core.command_began,
        is_read_only: start.is_read_only || start.flags.no_writes,
        allows_oom: start.flags.allow_oom,
        is_out_of_memory,
    };
    let mut machine = start.machine;
    prepare(core, session, &machine, start.name, start.words);
    machine.give(start.job);
    let step = advance(core, &mut machine, &mut running);
    match step {
        Step::Done => {
            session.need = session.need.max(running.need);
            let outcome = machine.outcome();
            let result = finish(session, &machine, outcome);
            core.scripts.put_back(running.kind, machine);
            result
        }
        Step::Suspended => {
            let block = holdfast_engine::Block {
                command: None,
                keys: Vec::new(),
                timeout_ms: None,
                on_timeout: holdfast_engine::OnTimeout::Null,
            };
            blocked::block(core, session, block, start.command);
            let suspended = Suspended::new(machine, running, start.name, start.command);
            core.suspend(suspended);
            Ok(())
        }
    }
}

fn may_run(start: &Start<'_>, is_out_of_memory: bool) -> Result<(), &'static str> {
    let flags = start.flags;
    if flags.is_plain {
        return Ok(());
    }
    if start.is_read_only && !flags.no_writes {
        return Err("ERR Can not execute a script with write flag using *_ro command.");
    }
    if is_out_of_memory && !flags.allow_oom && !flags.no_writes {
        return Err(OUT_OF_MEMORY);
    }
    Ok(())
}

fn prepare(core: &Core, session: &Session, machine: &Machine, name: &str, words: &[&[u8]]) {
    let exchange = &machine.exchange;
    let mut given = exchange.words.borrow_mut();
    given.clear();
    for word in words {
        given.push(word);
    }
    let mut shown = exchange.name.borrow_mut();
    shown.clear();
    shown.push_str(name);
    exchange.position.replace(None);
    let mut result = exchange.result.borrow_mut();
    result.truncate(0);
    result.set_protocol(session.out.reply.protocol());
    let threshold = Duration::from_millis(core.config.busy_reply_threshold_ms);
    let far = Duration::from_secs(365 * 24 * 3600);
    let threshold = if threshold.is_zero() { far } else { threshold };
    exchange
        .slice_ends
        .set(core.command_began + threshold.min(far));
    let steps_max = core.config.script_steps_max;
    let hooks = steps_max.div_ceil(u64::from(STEPS_PER_HOOK));
    exchange.steps_left.set((steps_max > 0).then_some(hooks));
}

/// Writes what a script answers, or returns its error.
pub(super) fn finish(
    session: &mut Session,
    machine: &Machine,
    outcome: Outcome,
) -> Result<(), CommandError> {
    match outcome {
        Outcome::Done | Outcome::Loaded(_) => {
            let mut result = machine.exchange.result.borrow_mut();
            session.out.reply.raw(result.as_slice());
            trim(&mut result);
            Ok(())
        }
        failed @ Outcome::Failed { .. } => Err(error(failed)),
    }
}

/// The error that a command of scripts answers.
pub(crate) fn error(outcome: Outcome) -> CommandError {
    match outcome {
        Outcome::Failed { text, counted } => CommandError::Script {
            text: text.into(),
            counted,
        },
        Outcome::Done | Outcome::Loaded(_) => CommandError::Syntax,
    }
}

fn trim(reply: &mut Reply) {
    reply.truncate(0);
    if reply.capacity() > KEPT_REPLY_BYTES_MAX {
        drop(reply.take());
    }
}

/// Lets a script go on until it ends or its slice of time does.
pub(super) fn advance(core: &mut Core, machine: &mut Machine, running: &mut Running) -> Step {
    loop {
        match machine.resume() {
            Ask::Call => running.execute(core, &machine.exchange),
            Ask::Check => running.check(core, &machine.exchange),
            Ask::Tick => return Step::Suspended,
            Ask::Done => return Step::Done,
        }
    }
}

impl Running {
    /// Executes the command in the exchange.
    fn execute(&mut self, core: &mut Core, exchange: &Exchange) {
        let words = exchange.words.borrow();
        let arguments: SmallVec<[&[u8]; ARGUMENTS_INLINE]> = words.iter().collect();
        let mut reply = exchange.reply.borrow_mut();
        trim(&mut reply);
        reply.set_protocol(exchange.protocol.get());
        let registry = Rc::clone(&core.registry);
        match self.admit(core, &registry, &arguments) {
            Ok(command) => {
                self.wrote |= command.has(Flags::WRITE);
                let caller = Caller {
                    no_touch: self.session.no_touch,
                    in_script: true,
                    ..Caller::default()
                };
                // Without it the command began where the last one ended, or nearly so.
                if exchange.has_run_on.replace(false) {
                    core.command_began = Instant::now();
                }
                std::mem::swap(&mut *reply, &mut self.session.out.reply);
                let need = dispatch::call(core, &mut self.session, command, &arguments, caller);
                std::mem::swap(&mut *reply, &mut self.session.out.reply);
                self.need = self.need.max(need);
            }
            Err(text) => {
                core.stats.count_error(text);
                reply.error(text);
            }
        }
    }

    /// All that is checked before a script's command runs, in Redis's order.
    fn admit<'r>(
        &self,
        core: &Core,
        registry: &'r Registry,
        arguments: &[&[u8]],
    ) -> Result<&'r Registered, &'static str> {
        let Found::Command(command) = registry.find(arguments) else {
            return Err("ERR Unknown Redis command called from script");
        };
        let checked = self.check_command(core, command, arguments);
        if checked.is_err() {
            command.calls.rejected.set(command.calls.rejected.get() + 1);
        }
        checked.map(|()| command)
    }

    fn check_command(
        &self,
        core: &Core,
        command: &Registered,
        arguments: &[&[u8]],
    ) -> Result<(), &'static str> {
        if command.has(Flags::NO_SCRIPT) && !core.scripts.denies_nothing {
            return Err("ERR This Redis command is not allowed from script");
        }
        if !command.spec.arity.accepts(arguments.len()) {
            return Err("ERR Wrong number of args calling Redis command from script");
        }
        let writes = command.has(Flags::WRITE) || command.has(Flags::MAY_REPLICATE);
        if writes && self.is_read_only {
            return Err("ERR Write commands are not allowed from read-only scripts.");
        }
        let needs_memory = command.has(Flags::DENY_OOM) && !self.allows_oom;
        if needs_memory && self.is_out_of_memory && !self.wrote {
            return Err(OUT_OF_MEMORY);
        }
        if core.replication.phase() != Phase::Leading && !command.has(Flags::LOCAL) {
            return Err("CLUSTERDOWN this node does not lead any more");
        }
        Ok(())
    }

    /// Whether the caller could run the command in the exchange. There are no users yet but one who
    /// may do everything.
    fn check(&self, core: &Core, exchange: &Exchange) {
        let words = exchange.words.borrow();
        let arguments: SmallVec<[&[u8]; ARGUMENTS_INLINE]> = words.iter().collect();
        let is_command = matches!(core.registry.find(&arguments), Found::Command(_));
        exchange.permission.set(is_command.then_some(true));
    }
}

/// Executes an effect on what is loaded, and logs it; returns the batch that it is in.
///
/// # Errors
/// The effect's own.
pub(crate) fn record(core: &mut Core, command: &[&[u8]]) -> Result<u64, CommandError> {
    let Some((handler, skip)) = core.engine_table.find(command) else {
        return Err(CommandError::Syntax);
    };
    let mut engine = Engine {
        keyspace: &mut core.keyspace,
        effects: &mut core.replication.effects,
    };
    let mut reply = Reply::default();
    let database = DatabaseIndex::default();
    let caller = Caller::default();
    let outcome = engine.execute(handler, command, skip, database, caller, &mut reply);
    outcome.error.map_or(Ok(outcome.need), Err)
}
