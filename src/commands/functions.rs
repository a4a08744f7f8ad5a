//! FCALL, FCALL_RO, FUNCTION.

use std::sync::Arc;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Arity, Command, Flags, Group};
use holdfast_engine::pattern::matches;
use holdfast_engine::scripts::Header;
use holdfast_engine::{Args, CommandError, number};
use holdfast_formats::rdb::{Compression, RestoreError, dump_functions, restore_functions};

use super::scripting::{
    Access, CALLING, FLUSH_MODES, HELP_FLAGS, KILL_FLAGS, READ_KEYS, UPDATED_KEYS, arguments,
    check_keys_count, end_running,
};
use super::{ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::scripting::Kind;
use crate::scripting::libraries::Libraries;
use crate::scripting::machine::{Job, Machine};
use crate::scripting::run::{self, ScriptFlags, Start};
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[FCALL, FCALL_RO, FUNCTION];

const COST: &str = "Depends on the function that is executed.";

const FCALL: Command<ServerHandler> =
    Command::<ServerHandler>::new("fcall", Group::Scripting, fcall)
        .arity(AtLeast(3))
        .flags(CALLING)
        .keys(UPDATED_KEYS)
        .doc("7.0.0", COST, "Calls a function.", arguments!("function"));

const FCALL_RO: Command<ServerHandler> =
    Command::<ServerHandler>::new("fcall_ro", Group::Scripting, fcall_ro)
        .arity(AtLeast(3))
        .flags(CALLING.with(Flags::READONLY))
        .keys(READ_KEYS)
        .doc(
            "7.0.0",
            COST,
            "Calls a function that only reads.",
            arguments!("function"),
        );

const FUNCTION: Command<ServerHandler> =
    Command::<ServerHandler>::new("function", Group::Scripting, no_subcommand)
        .arity(AtLeast(2))
        .doc(
            "7.0.0",
            "Depends on subcommand.",
            "Libraries of functions.",
            &[],
        )
        .subcommands(&[DELETE, DUMP, FLUSH, HELP, KILL, LIST, LOAD, RESTORE, STATS]);

const fn of_function(
    name: &'static str,
    run: ServerHandler,
    arity: Arity,
    flags: Flags,
) -> Command<ServerHandler> {
    Command::new(name, Group::Scripting, run)
        .arity(arity)
        .flags(flags)
}

const WRITING: Flags = Flags::WRITE.with(Flags::NO_SCRIPT);

const DELETE: Command<ServerHandler> = of_function("delete", delete, Exactly(3), WRITING).doc(
    "7.0.0",
    "O(1)",
    "Removes a library.",
    &[Argument::string("library-name")],
);

const DUMP: Command<ServerHandler> = of_function("dump", dump, Exactly(2), Flags::NO_SCRIPT).doc(
    "7.0.0",
    "O(N) in the libraries",
    "Answers all libraries as a payload for RESTORE.",
    &[],
);

const FLUSH: Command<ServerHandler> = of_function("flush", flush, AtLeast(2), WRITING).doc(
    "7.0.0",
    "O(N) in the functions",
    "Removes all libraries.",
    FLUSH_MODES,
);

const HELP: Command<ServerHandler> = of_function("help", help, Exactly(2), HELP_FLAGS).doc(
    "7.0.0",
    "O(1)",
    "Lists the subcommands.",
    &[],
);

const KILL: Command<ServerHandler> = of_function("kill", kill, Exactly(2), KILL_FLAGS).doc(
    "7.0.0",
    "O(1)",
    "Ends the function that runs, unless it has written.",
    &[],
);

const LIST: Command<ServerHandler> = of_function("list", list, AtLeast(2), Flags::NO_SCRIPT).doc(
    "7.0.0",
    "O(N) in the functions",
    "Answers the libraries and their functions.",
    &[
        Argument::string("library-name-pattern")
            .token("LIBRARYNAME")
            .optional(),
        Argument::word("withcode", "WITHCODE").optional(),
    ],
);

const LOAD: Command<ServerHandler> =
    of_function("load", load, AtLeast(3), WRITING.with(Flags::DENY_OOM)).doc(
        "7.0.0",
        "O(1), and what the library does while it is loaded",
        "Adds a library.",
        &[
            Argument::word("replace", "REPLACE").optional(),
            Argument::string("function-code"),
        ],
    );

const RESTORE: Command<ServerHandler> = of_function(
    "restore",
    restore,
    AtLeast(3),
    WRITING.with(Flags::DENY_OOM),
)
.doc(
    "7.0.0",
    "O(N) in the functions of the payload",
    "Adds the libraries of a payload.",
    &[
        Argument::string("serialized-value"),
        Argument::one_of(
            "policy",
            &[
                Argument::word("flush", "FLUSH"),
                Argument::word("append", "APPEND"),
                Argument::word("replace", "REPLACE"),
            ],
        )
        .optional(),
    ],
);

const STATS: Command<ServerHandler> = of_function("stats", stats, Exactly(2), KILL_FLAGS).doc(
    "7.0.0",
    "O(1)",
    "Answers what runs, and how many functions there are.",
    &[],
);

// ---- calling -----------------------------------------------------------------------------------

fn fcall(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    call(core, session, args, Access::Any)
}

fn fcall_ro(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    call(core, session, args, Access::ReadOnly)
}

fn call(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
    access: Access,
) -> Result<(), CommandError> {
    let wanted = args.next()?;
    let need = core.keyspace.dirty.need_of_libraries();
    session.need = need;
    follow(core)?;
    let Some((key, facts)) = core.scripts.libraries.function(wanted) else {
        return Err(CommandError::NoFunction);
    };
    let flags = ScriptFlags::read(&facts.flags).unwrap_or_default();
    let name = String::from_utf8_lossy(&facts.name).into_owned();
    let count = number::parse_i64(args.next()?).ok_or(CommandError::KeysNotANumber)?;
    let keys = check_keys_count(count, args)?;
    let machine = take(core)?;
    run::start(
        core,
        session,
        Start {
            kind: Kind::Function,
            machine,
            job: Job::CallFunction(key, keys),
            name: &name,
            flags,
            is_read_only: access == Access::ReadOnly,
            words: args.take_rest(),
            command: args.all(),
            need,
        },
    )
}

fn take(core: &mut Core) -> Result<Box<Machine>, CommandError> {
    let memory_bytes_max = core.config.script_memory_bytes_max;
    core.scripts
        .take(Kind::Function, memory_bytes_max)
        .map_err(run::error)
}

/// Loads what replay, a roll-back or a snapshot has brought since.
fn follow(core: &mut Core) -> Result<(), CommandError> {
    if core.scripts.libraries.is_current(&core.keyspace.scripts) {
        return Ok(());
    }
    with_machine(core, |core, machine| {
        let store = &core.keyspace.scripts;
        core.scripts.libraries.follow(store, machine);
        Ok(())
    })
}

fn with_machine<R>(
    core: &mut Core,
    body: impl FnOnce(&mut Core, &mut Machine) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    let mut machine = take(core)?;
    let result = body(core, &mut machine);
    core.scripts.put_back(Kind::Function, machine);
    result
}

// ---- libraries ---------------------------------------------------------------------------------

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

fn load(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let mut replaces = false;
    while args.remaining() > 1 {
        if !args.accept("REPLACE") {
            return Err(CommandError::FunctionLoadOption(text(args.next()?)));
        }
        replaces = true;
    }
    let code: Arc<[u8]> = args.next()?.into();
    let header = Header::read_library(&code).map_err(CommandError::Header)?;
    let name = header.name.unwrap_or_default();
    follow(core)?;
    let is_there = core.keyspace.scripts.library(&name).is_some();
    if is_there && !replaces {
        return Err(CommandError::LibraryExists(text(&name)));
    }
    with_machine(core, |core, machine| {
        let leaving: &[&[u8]] = if is_there { &[&name] } else { &[] };
        let libraries = &mut core.scripts.libraries;
        libraries
            .load(&name, &code, machine, leaving)
            .map_err(run::error)
    })?;
    run::record(core, &[b"FUNCTION", b"LOAD", b"REPLACE", &code])?;
    core.scripts
        .libraries
        .is_followed_by(&core.keyspace.scripts);
    session.need = core.keyspace.dirty.need_of_libraries();
    session.out.reply.bulk(&name);
    Ok(())
}

fn delete(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let name = args.next()?;
    session.need = core.keyspace.dirty.need_of_libraries();
    follow(core)?;
    if core.keyspace.scripts.library(name).is_none() {
        return Err(CommandError::NoLibrary);
    }
    with_machine(core, |core, machine| {
        core.scripts.libraries.remove(name, machine);
        Ok(())
    })?;
    run::record(core, &[b"FUNCTION", b"DELETE", name])?;
    core.scripts
        .libraries
        .is_followed_by(&core.keyspace.scripts);
    session.need = core.keyspace.dirty.need_of_libraries();
    session.out.reply.ok();
    Ok(())
}

fn flush(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.remaining() > 1 {
        return Err(CommandError::SubcommandArguments {
            container: "FUNCTION",
            subcommand: "flush".into(),
        });
    }
    if !args.is_done() && !args.accept("ASYNC") && !args.accept("SYNC") {
        return Err(CommandError::FunctionFlushMode);
    }
    run::record(core, &[b"FUNCTION", b"FLUSH"])?;
    core.scripts.forget_functions();
    core.scripts
        .libraries
        .is_followed_by(&core.keyspace.scripts);
    session.need = core.keyspace.dirty.need_of_libraries();
    session.out.reply.ok();
    Ok(())
}

fn dump(core: &mut Core, session: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    session.need = core.keyspace.dirty.need_of_libraries();
    let libraries = core.keyspace.scripts.libraries();
    let payload = dump_functions(libraries.map(|library| &*library.code), Compression::Lzf);
    session.out.reply.bulk(&payload);
    Ok(())
}

/// What RESTORE does with libraries that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Flush,
    Append,
    Replace,
}

impl Policy {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        if args.remaining() > 1 {
            return Err(CommandError::SubcommandArguments {
                container: "FUNCTION",
                subcommand: "restore".into(),
            });
        }
        if args.is_done() || args.accept("APPEND") {
            Ok(Self::Append)
        } else if args.accept("FLUSH") {
            Ok(Self::Flush)
        } else if args.accept("REPLACE") {
            Ok(Self::Replace)
        } else {
            Err(CommandError::RestorePolicy)
        }
    }
}

/// All that is there and all that comes is loaded into a new machine first: if any of it does not go
/// together, nothing has changed.
fn restore(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let payload = args.next()?;
    let policy = Policy::read(args)?;
    let arriving = restore_functions(payload).map_err(|error| match error {
        RestoreError::VersionOrChecksum => CommandError::DumpTrailer,
        RestoreError::BadData(_) => CommandError::FunctionPayload,
    })?;
    session.need = core.keyspace.dirty.need_of_libraries();
    let machine = Machine::new(Kind::Function, core.config.script_memory_bytes_max);
    let mut machine = machine.map_err(|_| CommandError::FunctionPayload)?;
    let mut libraries = Libraries::default();
    if let Err(error) = load_together(core, &arriving, policy, &mut libraries, &mut machine) {
        machine.quit();
        return Err(error);
    }
    core.scripts.forget_functions();
    core.scripts.put_back(Kind::Function, Box::new(machine));
    core.scripts.libraries = libraries;
    if policy == Policy::Flush {
        run::record(core, &[b"FUNCTION", b"FLUSH"])?;
    }
    for code in &arriving {
        run::record(core, &[b"FUNCTION", b"LOAD", b"REPLACE", code])?;
    }
    core.scripts
        .libraries
        .is_followed_by(&core.keyspace.scripts);
    session.need = core.keyspace.dirty.need_of_libraries();
    session.out.reply.ok();
    Ok(())
}

fn load_together(
    core: &Core,
    arriving: &[Vec<u8>],
    policy: Policy,
    libraries: &mut Libraries,
    machine: &mut Machine,
) -> Result<(), CommandError> {
    let mut named = Vec::with_capacity(arriving.len());
    for code in arriving {
        let header = Header::read_library(code).map_err(CommandError::Header)?;
        named.push((header.name.unwrap_or_default(), code));
    }
    for kept in core.keyspace.scripts.libraries() {
        let arrives = named
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(&kept.name));
        if arrives && policy == Policy::Append {
            return Err(CommandError::RestoredLibraryExists(text(&kept.name)));
        }
        if !arrives && policy != Policy::Flush {
            let loaded = libraries.load(&kept.name, &kept.code, machine, &[]);
            loaded.map_err(run::error)?;
        }
    }
    for (name, code) in named {
        let code: Arc<[u8]> = code.as_slice().into();
        let loaded = libraries.load(&name, &code, machine, &[]);
        loaded.map_err(run::error)?;
    }
    Ok(())
}

fn list(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let (mut pattern, mut with_code) = (None, false);
    while !args.is_done() {
        if !with_code && args.accept("WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.accept("LIBRARYNAME") {
            let name = args.next().map_err(|_| CommandError::FunctionListName)?;
            pattern = Some(name.to_ascii_lowercase());
        } else {
            return Err(CommandError::FunctionListArgument(text(args.next()?)));
        }
    }
    session.need = core.keyspace.dirty.need_of_libraries();
    follow(core)?;
    let fits = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        pattern
            .as_ref()
            .is_none_or(|pattern| matches(pattern, &name))
    };
    let libraries = core.scripts.libraries.iter();
    let shown: Vec<_> = libraries.filter(|library| fits(&library.name)).collect();
    let reply = &mut session.out.reply;
    reply.array(shown.len());
    for library in shown {
        reply.map(if with_code { 4 } else { 3 });
        reply.bulk(b"library_name");
        reply.bulk(&library.name);
        reply.bulk(b"engine");
        reply.bulk(b"LUA");
        reply.bulk(b"functions");
        reply.array(library.functions.len());
        for function in &library.functions {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(&function.name);
            reply.bulk(b"description");
            reply.bulk_or_null(function.description.as_deref());
            reply.bulk(b"flags");
            reply.set(function.flags.len());
            for flag in &function.flags {
                reply.simple(flag);
            }
        }
        if with_code {
            reply.bulk(b"library_code");
            reply.bulk(&library.code);
        }
    }
    Ok(())
}

// ---- what runs ---------------------------------------------------------------------------------

fn stats(core: &mut Core, session: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    if !core.scripts.is_busy() {
        session.need = core.keyspace.dirty.need_of_libraries();
        follow(core)?;
    }
    let reply = &mut session.out.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    match &core.scripts.suspended {
        Some(suspended) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(suspended.name.as_bytes());
            reply.bulk(b"command");
            reply.array(suspended.command.len());
            for word in &suspended.command {
                reply.bulk(word);
            }
            reply.bulk(b"duration_ms");
            let elapsed = suspended.running.started.elapsed().as_millis();
            reply.integer(i64::try_from(elapsed).unwrap_or(i64::MAX));
        }
        None => reply.null(),
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    let libraries = &core.scripts.libraries;
    for (name, count) in [
        ("libraries_count", libraries.iter().len()),
        ("functions_count", libraries.functions_count()),
    ] {
        reply.bulk(name.as_bytes());
        reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }
    Ok(())
}

fn kill(core: &mut Core, session: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    end_running(core, session, Kind::Function)
}

fn help(_: &mut Core, session: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "FUNCTION",
        &[
            "DELETE <library name>",
            "    Removes a library.",
            "DUMP",
            "    Answers all libraries as a payload for RESTORE.",
            "FLUSH [ASYNC|SYNC]",
            "    Removes all libraries. Both modes do the same.",
            "KILL",
            "    Ends the function that runs, unless it has written.",
            "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
            "    Answers the libraries and their functions.",
            "LOAD [REPLACE] <code>",
            "    Adds a library; it is durable and replicated.",
            "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
            "    Adds the libraries of a payload: instead of all, beside them, or in place of those of",
            "    the same name. If any of them cannot be added, none is.",
            "STATS",
            "    Answers what runs, and how many functions there are.",
        ],
    );
    Ok(())
}
