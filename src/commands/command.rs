//! COMMAND: everything in it is derived from the commands' own constants.
//!
//! - `describe` what INFO says · `docs` what DOCS says · `keys` GETKEYS and GETKEYSANDFLAGS

mod describe;
mod docs;
mod keys;

use std::rc::Rc;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Categories, Command, Flags, Group};
use holdfast_engine::pattern::matches;
use holdfast_engine::{Args, CommandError};

use super::{ServerHandler, write_help};
use crate::core::Core;
use crate::registry::{Registered, Registry};
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[COMMAND];

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
        .flags(Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL))
        .categories(Categories::CONNECTION)
}

const COMMAND: Command<ServerHandler> = command("command", all)
    .arity(AtLeast(1))
    .subcommands(&[COUNT, INFO, DOCS, LIST, GETKEYS, GETKEYSANDFLAGS, HELP])
    .doc(
        "2.8.13",
        "O(N) in the commands",
        "Answers the facts of all commands.",
        &[],
    );

const COUNT: Command<ServerHandler> = command("count", count).arity(Exactly(2)).doc(
    "2.8.13",
    "O(1)",
    "Answers the number of commands.",
    &[],
);

const NAMES: &[Argument] = &[Argument::string("command-name").optional().multiple()];

const INFO: Command<ServerHandler> = command("info", info).arity(AtLeast(2)).doc(
    "2.8.13",
    "O(N) in the commands",
    "Answers the facts of these commands, or of all.",
    NAMES,
);

const DOCS: Command<ServerHandler> = command("docs", docs).arity(AtLeast(2)).doc(
    "7.0.0",
    "O(N) in the commands",
    "Answers the documentation of these commands, or of all.",
    NAMES,
);

const LIST: Command<ServerHandler> = command("list", list).arity(AtLeast(2)).doc(
    "7.0.0",
    "O(N) in the commands",
    "Answers the names of commands, all or filtered.",
    &[Argument::one_of(
        "filterby",
        &[
            Argument::string("module-name").token("MODULE"),
            Argument::string("category").token("ACLCAT"),
            Argument::new("pattern", holdfast_engine::command::ArgumentKind::Pattern)
                .token("PATTERN"),
        ],
    )
    .token("FILTERBY")
    .optional()],
);

const WHOLE_COMMAND: &[Argument] = &[
    Argument::string("command"),
    Argument::string("arg").optional().multiple(),
];

const GETKEYS: Command<ServerHandler> = command("getkeys", get_keys).arity(AtLeast(4)).doc(
    "2.8.13",
    "O(N) in the arguments",
    "Answers the keys of a command line.",
    WHOLE_COMMAND,
);

const GETKEYSANDFLAGS: Command<ServerHandler> = command("getkeysandflags", get_keys_and_flags)
    .arity(AtLeast(4))
    .doc(
        "7.0.0",
        "O(N) in the arguments",
        "Answers the keys of a command line, and what is done to them.",
        WHOLE_COMMAND,
    );

const HELP: Command<ServerHandler> =
    command("help", help)
        .arity(Exactly(2))
        .doc("5.0.0", "O(1)", "Lists the subcommands.", &[]);

/// The command with this name: `get`, or `config|get`.
fn named<'r>(registry: &'r Registry, name: &[u8]) -> Option<&'r Registered> {
    let Some(at) = name.iter().position(|byte| *byte == b'|') else {
        return registry.command(name);
    };
    let (container, subcommand) = name.split_at(at);
    let subcommand = subcommand.get(1..)?;
    registry
        .command(container)?
        .subcommands
        .iter()
        .find(|known| known.spec.name.as_bytes().eq_ignore_ascii_case(subcommand))
}

fn all(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let registry = Rc::clone(&core.registry);
    let reply = &mut session.out.reply;
    reply.array(registry.iter().count());
    for command in registry.iter() {
        describe::write(reply, command);
    }
    Ok(())
}

fn count(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let count = core.registry.iter().count();
    session
        .out
        .reply
        .integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

fn info(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let names = args.take_rest();
    if names.is_empty() {
        return all(core, session, args);
    }
    let reply = &mut session.out.reply;
    reply.array(names.len());
    for name in names {
        match named(&core.registry, name) {
            Some(command) => describe::write(reply, command),
            None => reply.null_array(),
        }
    }
    Ok(())
}

fn docs(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let names = args.take_rest();
    let registry = &core.registry;
    let wanted: Vec<&Registered> = if names.is_empty() {
        registry.iter().collect()
    } else {
        names
            .iter()
            .filter_map(|name| named(registry, name))
            .collect()
    };
    let reply = &mut session.out.reply;
    reply.map(wanted.len());
    for command in wanted {
        reply.bulk(command.full_name.as_bytes());
        docs::write(reply, command);
    }
    Ok(())
}

/// Which commands LIST names.
enum Filter<'a> {
    All,
    Module,
    Category(Option<Categories>),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        if args.is_done() {
            return Ok(Self::All);
        }
        if args.remaining() != 3 || !args.accept("FILTERBY") {
            return Err(CommandError::Syntax);
        }
        if args.accept("MODULE") {
            return Ok(Self::Module);
        }
        if args.accept("ACLCAT") {
            let name = args.next()?.to_ascii_lowercase();
            let known = Categories::NAMES.iter();
            let mut found = known
                .filter(|(_, known)| known.as_bytes() == name)
                .map(|&(category, _)| category);
            return Ok(Self::Category(found.next_back()));
        }
        if args.accept("PATTERN") {
            return Ok(Self::Pattern(args.next()?));
        }
        Err(CommandError::Syntax)
    }

    fn fits(&self, command: &Registered) -> bool {
        match self {
            Self::All => true,
            // There are no modules, so none of the commands is from one.
            Self::Module => false,
            Self::Category(category) => {
                category.is_some_and(|category| describe::categories(command).has(category))
            }
            Self::Pattern(pattern) => {
                let pattern = pattern.to_ascii_lowercase();
                matches(&pattern, command.full_name.as_bytes())
            }
        }
    }
}

fn list(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let filter = Filter::read(args)?;
    let mut names = Vec::new();
    for command in core.registry.iter() {
        names.extend(filter.fits(command).then_some(command.full_name));
        let subcommands = command.subcommands.iter();
        names.extend(
            subcommands
                .filter(|subcommand| filter.fits(subcommand))
                .map(|subcommand| subcommand.full_name),
        );
    }
    let reply = &mut session.out.reply;
    reply.array(names.len());
    for name in names {
        reply.bulk(name.as_bytes());
    }
    Ok(())
}

fn get_keys(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let found = keys::find(&core.registry, args.take_rest())?;
    let reply = &mut session.out.reply;
    reply.array(found.len());
    for (key, _) in found {
        reply.bulk(key);
    }
    Ok(())
}

fn get_keys_and_flags(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let found = keys::find(&core.registry, args.take_rest())?;
    let reply = &mut session.out.reply;
    reply.array(found.len());
    for (key, flags) in found {
        reply.array(2);
        reply.bulk(key);
        describe::write_words(reply, &flags);
    }
    Ok(())
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "COMMAND",
        &[
            "(no subcommand)",
            "    Answers the facts of all commands.",
            "COUNT",
            "    Answers the number of commands.",
            "LIST [FILTERBY MODULE|ACLCAT|PATTERN <value>]",
            "    Answers the names of commands.",
            "INFO [<command> ...]",
            "    Answers the facts of these commands, or of all.",
            "DOCS [<command> ...]",
            "    Answers the documentation of these commands, or of all.",
            "GETKEYS <command line>",
            "    Answers its keys.",
            "GETKEYSANDFLAGS <command line>",
            "    Answers its keys, and what is done to them.",
        ],
    );
    Ok(())
}
