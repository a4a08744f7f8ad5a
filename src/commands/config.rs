//! CONFIG: GET, SET, REWRITE, RESETSTAT, HELP. The options themselves are in `config/options`.

use std::collections::HashSet;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::pattern::{Case, matches_with};
use holdfast_engine::{Args, CommandError};
use tracing::warn;

use super::{ANYTIME, ServerHandler, no_subcommand, write_help};
use crate::config::kind::Origin;
use crate::config::options::{self, Changes, Definition};
use crate::config::{Config, SetError, descriptors, rewrite};
use crate::core::Core;
use crate::server;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[CONFIG];

const CONFIG: Command<ServerHandler> = command("config", no_subcommand)
    .arity(AtLeast(2))
    .subcommands(&[GET, SET, REWRITE, RESETSTAT, HELP])
    .doc(
        "2.0.0",
        "Depends on subcommand.",
        "Reads and changes the configuration.",
        &[],
    );

const ADMIN: Flags = ANYTIME.with(Flags::ADMIN);

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
}

const GET: Command<ServerHandler> = command("get", get).arity(AtLeast(3)).flags(ADMIN).doc(
    "2.0.0",
    "O(N) in the options",
    "Answers the options whose names match the patterns, with their values.",
    &[Argument::string("parameter").multiple()],
);

const SET: Command<ServerHandler> = command("set", set).arity(AtLeast(4)).flags(ADMIN).doc(
    "2.0.0",
    "O(N) in the options given",
    "Sets options, all of them or none.",
    &[Argument::block(
        "parameter_value",
        &[Argument::string("parameter"), Argument::string("value")],
    )
    .multiple()],
);

const REWRITE: Command<ServerHandler> = command("rewrite", rewrite_file)
    .arity(Exactly(2))
    .flags(ADMIN)
    .doc(
        "2.8.0",
        "O(N) in the options",
        "Writes the options in force into the configuration file.",
        &[],
    );

const RESETSTAT: Command<ServerHandler> = command("resetstat", reset_statistics)
    .arity(Exactly(2))
    .flags(ADMIN)
    .doc(
        "2.0.0",
        "O(N) in the commands",
        "Starts the counters of INFO anew.",
        &[],
    );

const HELP: Command<ServerHandler> = command("help", help)
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL))
    .doc("5.0.0", "O(1)", "Lists the subcommands.", &[]);

fn get(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let patterns = args.take_rest();
    let is_wanted = |definition: &Definition, name: &str| {
        let name = name.as_bytes();
        patterns.iter().any(|pattern| {
            pattern.eq_ignore_ascii_case(name)
                || !definition.is_hidden && matches_with(pattern, name, Case::Ignored)
        })
    };
    session.out.reply.map_of(|reply| {
        let mut count = 0;
        for (definition, value) in core.config.settings.iter() {
            for name in definition
                .names()
                .filter(|name| is_wanted(definition, name))
            {
                reply.bulk(name.as_bytes());
                reply.bulk(&value.text);
                count += 1;
            }
        }
        count
    });
    Ok(())
}

fn set(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let pairs = args.take_rest();
    if !pairs.len().is_multiple_of(2) {
        return Err(CommandError::WrongArity("config|set".into()));
    }
    let pairs: Vec<(&[u8], &[u8])> = pairs
        .chunks_exact(2)
        .filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
        .collect();
    check_names(core, session, &pairs)?;
    // All or nothing: a copy is changed, and takes the place of the original in one step.
    let mut changed = core.config.clone();
    for (name, value) in pairs {
        set_one(&mut changed, core.config.clients_max, name, value)
            .map_err(|error| failed(name, error))?;
    }
    move_port(core, &changed)?;
    core.config = changed;
    core.take_effect();
    if core.config.maxmemory > 0 {
        // A limit that has just been lowered does not wait for the next write.
        crate::memory::make_room(core);
    }
    session.out.reply.ok();
    Ok(())
}

/// Listens at another port before the old one is left: if that fails, nothing has changed.
fn move_port(core: &mut Core, changed: &Config) -> Result<(), CommandError> {
    if changed.port == core.config.port {
        return Ok(());
    }
    let listeners = server::listen(changed).map_err(|error| {
        warn!(%error, "the port stays as it was");
        let reason = "Unable to listen on this port. Check server logs.".to_owned();
        failed(b"port", SetError::Refused(reason))
    })?;
    if let Some(changes) = &core.listener_changes {
        // Whoever accepts is there as long as commands run.
        drop(changes.send(listeners));
    }
    Ok(())
}

/// What can be said against the names alone, in Redis's order.
fn check_names(
    core: &Core,
    session: &Session,
    pairs: &[(&[u8], &[u8])],
) -> Result<(), CommandError> {
    let mut seen = HashSet::new();
    for (name, _) in pairs {
        let (place, definition) =
            options::find(name).ok_or_else(|| failed(name, SetError::Unknown))?;
        if is_forbidden(core, session, definition) {
            return Err(failed(name, SetError::Protected));
        }
        if definition.changes == Changes::AtStart {
            return Err(failed(name, SetError::Immutable));
        }
        if !seen.insert(place) {
            let reason = "duplicate parameter".to_owned();
            return Err(failed(name, SetError::Refused(reason)));
        }
    }
    Ok(())
}

fn is_forbidden(core: &Core, session: &Session, definition: &Definition) -> bool {
    definition.changes == Changes::Protected
        && !Config::allows(core.config.protected_configs, &session.stream)
}

fn set_one(
    config: &mut Config,
    clients_max: usize,
    name: &[u8],
    value: &[u8],
) -> Result<(), SetError> {
    config.set(name, &[value], Origin::Command)?;
    let wanted = config.clients_max;
    if wanted > clients_max {
        let room = descriptors::make_room(wanted);
        if room < wanted {
            return Err(SetError::Refused(format!(
                "The operating system is not able to handle the specified number of clients, try with {room}"
            )));
        }
    }
    Ok(())
}

fn failed(name: &[u8], error: SetError) -> CommandError {
    let name = String::from_utf8_lossy(name).into();
    match error {
        SetError::Unknown => CommandError::ConfigUnknown(name),
        error => CommandError::ConfigSet {
            name,
            reason: error.to_string().into(),
        },
    }
}

fn rewrite_file(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let path = core.config.file.as_deref();
    let path = path.ok_or(CommandError::ConfigWithoutFile)?;
    rewrite::rewrite(path, &core.config.settings)
        .map_err(|error| CommandError::ConfigRewrite(error.to_string().into()))?;
    session.out.reply.ok();
    Ok(())
}

fn reset_statistics(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    core.stats.reset();
    core.snapshots.facts.longest_step = std::time::Duration::ZERO;
    core.reaper.reset();
    core.keyspace.stats = Default::default();
    core.keyspace.observed.reset_lookups();
    for command in core.registry.iter() {
        command.calls.reset();
        for subcommand in &command.subcommands {
            subcommand.calls.reset();
        }
    }
    session.out.reply.ok();
    Ok(())
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "CONFIG",
        &[
            "GET <pattern> [<pattern> ...]",
            "    Answers the options that match, with their values.",
            "SET <option> <value> [<option> <value> ...]",
            "    Sets options, all of them or none.",
            "REWRITE",
            "    Writes the options in force into the configuration file.",
            "RESETSTAT",
            "    Starts the counters of INFO anew.",
        ],
    );
    Ok(())
}
