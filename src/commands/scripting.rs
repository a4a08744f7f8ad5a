//! EVAL, EVALSHA, their read-only forms, SCRIPT.

use std::sync::Arc;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Arity, Command, Flags, Group, KeySpec};
use holdfast_engine::scripts::ScriptSha;
use holdfast_engine::{Args, CommandError, number};

use super::{ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::registry::Registered;
use crate::scripting::Kind;
use crate::scripting::machine::{Job, Machine};
use crate::scripting::run::{self, ScriptFlags, Start};
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[EVAL, EVALSHA, EVAL_RO, EVALSHA_RO, SCRIPT];

pub(super) const CALLING: Flags = Flags::NO_SCRIPT
    .with(Flags::STALE)
    .with(Flags::SKIP_MONITOR)
    .with(Flags::NO_MANDATORY_KEYS);

pub(super) const UPDATED_KEYS: &[KeySpec] = &[KeySpec::UPDATE.index(2).counted()];
pub(super) const READ_KEYS: &[KeySpec] = &[KeySpec::READ.index(2).counted()];

const fn calling(
    name: &'static str,
    run: ServerHandler,
    keys: &'static [KeySpec],
) -> Command<ServerHandler> {
    Command::new(name, Group::Scripting, run)
        .arity(AtLeast(3))
        .flags(CALLING)
        .keys(keys)
}

/// The arguments after the script, with the script's own before them.
macro_rules! arguments {
    ($script:expr) => {
        &[
            Argument::string($script),
            Argument::integer("numkeys"),
            Argument::key("key").optional().multiple(),
            Argument::string("arg").optional().multiple(),
        ]
    };
}
pub(super) use arguments;

const COST: &str = "Depends on the script that is executed.";

const EVAL: Command<ServerHandler> = calling("eval", eval, UPDATED_KEYS).doc(
    "2.6.0",
    COST,
    "Runs a Lua script.",
    arguments!("script"),
);

const EVALSHA: Command<ServerHandler> = calling("evalsha", evalsha, UPDATED_KEYS).doc(
    "2.6.0",
    COST,
    "Runs a Lua script that is known by its SHA-1.",
    arguments!("sha1"),
);

const EVAL_RO: Command<ServerHandler> = calling("eval_ro", eval_ro, READ_KEYS)
    .flags(Flags::READONLY)
    .doc(
        "7.0.0",
        COST,
        "Runs a Lua script that only reads.",
        arguments!("script"),
    );

const EVALSHA_RO: Command<ServerHandler> = calling("evalsha_ro", evalsha_ro, READ_KEYS)
    .flags(Flags::READONLY)
    .doc(
        "7.0.0",
        COST,
        "Runs a Lua script that only reads and is known by its SHA-1.",
        arguments!("sha1"),
    );

const SCRIPT: Command<ServerHandler> =
    Command::<ServerHandler>::new("script", Group::Scripting, no_subcommand)
        .arity(AtLeast(2))
        .doc(
            "2.6.0",
            "Depends on subcommand.",
            "Scripts that are kept for later calls.",
            &[],
        )
        .subcommands(&[DEBUG, EXISTS, FLUSH, HELP, KILL, LOAD]);

const fn of_script(
    name: &'static str,
    run: ServerHandler,
    arity: Arity,
    flags: Flags,
) -> Command<ServerHandler> {
    Command::new(name, Group::Scripting, run)
        .arity(arity)
        .flags(flags)
}

const DEBUG: Command<ServerHandler> = of_script("debug", debug, Exactly(3), Flags::NO_SCRIPT).doc(
    "3.2.0",
    "O(1)",
    "Switches the debugger of scripts, which is not offered.",
    &[Argument::one_of(
        "mode",
        &[
            Argument::word("yes", "YES"),
            Argument::word("sync", "SYNC"),
            Argument::word("no", "NO"),
        ],
    )],
);

const EXISTS: Command<ServerHandler> = of_script("exists", exists, AtLeast(3), Flags::NO_SCRIPT)
    .doc(
        "2.6.0",
        "O(N) in the scripts that are asked for",
        "Says which scripts are known.",
        &[Argument::string("sha1").multiple()],
    );

/// How FLUSH may be asked for: both do the same here.
pub(super) const FLUSH_MODES: &[Argument] = &[Argument::one_of(
    "async",
    &[
        Argument::word("async", "ASYNC"),
        Argument::word("sync", "SYNC"),
    ],
)
.optional()];

const FLUSH: Command<ServerHandler> = of_script("flush", flush, AtLeast(2), Flags::NO_SCRIPT).doc(
    "2.6.0",
    "O(N) in the scripts",
    "Forgets all scripts.",
    FLUSH_MODES,
);

pub(super) const HELP_FLAGS: Flags = Flags::LOADING.with(Flags::STALE);

const HELP: Command<ServerHandler> = of_script("help", help, Exactly(2), HELP_FLAGS).doc(
    "5.0.0",
    "O(1)",
    "Lists the subcommands.",
    &[],
);

pub(super) const KILL_FLAGS: Flags = Flags::NO_SCRIPT.with(Flags::ALLOW_BUSY);

const KILL: Command<ServerHandler> = of_script("kill", kill, Exactly(2), KILL_FLAGS).doc(
    "2.6.0",
    "O(1)",
    "Ends the script that runs, unless it has written.",
    &[],
);

const LOAD: Command<ServerHandler> = of_script(
    "load",
    load,
    Exactly(3),
    Flags::NO_SCRIPT.with(Flags::STALE),
)
.doc(
    "2.6.0",
    "O(N) in the length of the script",
    "Keeps a script for later calls.",
    &[Argument::string("script")],
);

/// Whether a command line may lead to writes by a script (`CLIENT PAUSE … WRITE`).
pub(crate) fn may_write(core: &Core, command: &Registered, words: &[&[u8]]) -> bool {
    let wanted = words.get(1).copied().unwrap_or_default();
    let flags = match command.spec.name {
        "eval" => ScriptFlags::of_script(wanted).ok(),
        "evalsha" => ScriptSha::read(wanted).and_then(|sha| core.scripts.flags(&sha)),
        "fcall" => core
            .scripts
            .libraries
            .function(wanted)
            .and_then(|(_, facts)| ScriptFlags::read(&facts.flags).ok()),
        _ => return false,
    };
    !flags.unwrap_or_default().no_writes
}

fn eval(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    evaluate(core, session, args, Access::Any)
}

fn eval_ro(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    evaluate(core, session, args, Access::ReadOnly)
}

fn evalsha(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    evaluate_known(core, session, args, Access::Any)
}

fn evalsha_ro(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    evaluate_known(core, session, args, Access::ReadOnly)
}

/// What the command lets its script do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Any,
    ReadOnly,
}

/// Reads the number of keys; what follows are keys and arguments.
fn read_keys_count(args: &mut Args<'_>) -> Result<usize, CommandError> {
    let count = number::parse_i64(args.next()?).ok_or(CommandError::NotAnInteger)?;
    check_keys_count(count, args)
}

pub(super) fn check_keys_count(count: i64, args: &Args<'_>) -> Result<usize, CommandError> {
    match usize::try_from(count) {
        Ok(count) if count > args.remaining() => Err(CommandError::NumkeysTooLarge),
        Ok(count) => Ok(count),
        Err(_) if count < 0 => Err(CommandError::KeysNegative),
        Err(_) => Err(CommandError::NumkeysTooLarge),
    }
}

fn evaluate(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
    access: Access,
) -> Result<(), CommandError> {
    let body = args.next()?;
    let keys = read_keys_count(args)?;
    let sha = ScriptSha::of(body);
    core.scripts.follow(core.keyspace.scripts.scripts_version());
    let mut machine = take(core)?;
    let flags = match core.scripts.flags(&sha) {
        Some(flags) => flags,
        None => {
            let flags = compile(core, &mut machine, sha, body);
            let flags = match flags {
                Ok(flags) => flags,
                Err(error) => {
                    core.scripts.put_back(Kind::Eval, machine);
                    return Err(error);
                }
            };
            if core.keyspace.scripts.script(&sha).is_none() {
                core.scripts.note_evaluated(&mut machine, sha, body.len());
            }
            flags
        }
    };
    start(
        core,
        session,
        args,
        Called {
            machine,
            sha,
            keys,
            flags,
            access,
        },
    )
}

fn evaluate_known(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
    access: Access,
) -> Result<(), CommandError> {
    let sha = ScriptSha::read(args.next()?).ok_or(CommandError::NoScript)?;
    let keys = read_keys_count(args)?;
    core.scripts.follow(core.keyspace.scripts.scripts_version());
    session.need = core.keyspace.dirty.need_of_scripts();
    let (flags, machine) = match core.scripts.flags(&sha) {
        Some(flags) => (flags, take(core)?),
        None => compile_loaded(core, sha)?,
    };
    start(
        core,
        session,
        args,
        Called {
            machine,
            sha,
            keys,
            flags,
            access,
        },
    )
}

/// Compiles a script that was loaded, by this process or before it.
fn compile_loaded(
    core: &mut Core,
    sha: ScriptSha,
) -> Result<(ScriptFlags, Box<Machine>), CommandError> {
    let loaded = core.keyspace.scripts.script(&sha);
    let body = Arc::clone(loaded.ok_or(CommandError::NoScript)?);
    let mut machine = take(core)?;
    match compile(core, &mut machine, sha, &body) {
        Ok(flags) => Ok((flags, machine)),
        Err(error) => {
            core.scripts.put_back(Kind::Eval, machine);
            Err(error)
        }
    }
}

fn take(core: &mut Core) -> Result<Box<Machine>, CommandError> {
    let memory_bytes_max = core.config.script_memory_bytes_max;
    core.scripts
        .take(Kind::Eval, memory_bytes_max)
        .map_err(run::error)
}

fn compile(
    core: &mut Core,
    machine: &mut Machine,
    sha: ScriptSha,
    body: &[u8],
) -> Result<ScriptFlags, CommandError> {
    core.scripts.compile(machine, sha, body).map_err(run::error)
}

/// A script that is about to run.
struct Called {
    machine: Box<Machine>,
    sha: ScriptSha,
    keys: usize,
    flags: ScriptFlags,
    access: Access,
}

fn start(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
    called: Called,
) -> Result<(), CommandError> {
    let need = core.keyspace.dirty.need_of_scripts();
    run::start(
        core,
        session,
        Start {
            kind: Kind::Eval,
            machine: called.machine,
            job: Job::Run(called.sha, called.keys),
            name: called.sha.as_str(),
            flags: called.flags,
            is_read_only: called.access == Access::ReadOnly,
            words: args.take_rest(),
            command: args.all(),
            need,
        },
    )
}

// ---- SCRIPT ------------------------------------------------------------------------------------

fn load(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let body = args.next()?;
    let sha = ScriptSha::of(body);
    core.scripts.follow(core.keyspace.scripts.scripts_version());
    if core.scripts.flags(&sha).is_none() {
        let mut machine = take(core)?;
        let compiled = compile(core, &mut machine, sha, body);
        core.scripts.put_back(Kind::Eval, machine);
        compiled?;
    }
    core.scripts.note_loaded(&sha);
    run::record(core, &[b"SCRIPT", b"LOAD", body])?;
    session.need = core.keyspace.dirty.need_of_scripts();
    session.out.reply.bulk(sha.as_str().as_bytes());
    Ok(())
}

fn exists(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    core.scripts.follow(core.keyspace.scripts.scripts_version());
    session.need = core.keyspace.dirty.need_of_scripts();
    let names = args.take_rest();
    session.out.reply.array(names.len());
    for name in names {
        let is_known = ScriptSha::read(name).is_some_and(|sha| {
            core.scripts.flags(&sha).is_some() || core.keyspace.scripts.script(&sha).is_some()
        });
        session.out.reply.integer(i64::from(is_known));
    }
    Ok(())
}

fn flush(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let is_known = args.is_done() || args.accept("ASYNC") || args.accept("SYNC");
    if !is_known || !args.is_done() {
        return Err(CommandError::ScriptFlushMode);
    }
    run::record(core, &[b"SCRIPT", b"FLUSH"])?;
    core.scripts.forget_compiled();
    session.need = core.keyspace.dirty.need_of_scripts();
    session.out.reply.ok();
    Ok(())
}

fn kill(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    end_running(core, session, Kind::Eval)
}

/// Ends the script that runs, if it is of this kind and has not written.
pub(super) fn end_running(
    core: &mut Core,
    session: &mut Session,
    kind: Kind,
) -> Result<(), CommandError> {
    let suspended = core
        .scripts
        .suspended
        .as_ref()
        .ok_or(CommandError::NotBusy)?;
    if suspended.kind() != kind {
        return Err(CommandError::Busy(suspended.kind().name()));
    }
    if suspended.running.wrote {
        return Err(CommandError::Unkillable);
    }
    suspended.kill();
    session.out.reply.ok();
    Ok(())
}

fn debug(_: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.accept("NO") {
        session.out.reply.ok();
        Ok(())
    } else if args.accept("YES") || args.accept("SYNC") {
        Err(CommandError::NoScriptDebugger)
    } else {
        Err(CommandError::ScriptDebugMode)
    }
}

fn help(_: &mut Core, session: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "SCRIPT",
        &[
            "DEBUG (YES|SYNC|NO)",
            "    The debugger of scripts is not offered: NO does nothing, the others are refused.",
            "EXISTS <sha1> [<sha1> ...]",
            "    Says which scripts are known.",
            "FLUSH [ASYNC|SYNC]",
            "    Forgets all scripts. Both modes do the same.",
            "KILL",
            "    Ends the script that runs, unless it has written.",
            "LOAD <script>",
            "    Keeps a script for later calls; it is durable and replicated.",
        ],
    );
    Ok(())
}
