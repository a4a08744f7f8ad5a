//! CLIENT: the subcommands of connections, with what they answer of the own one.
//!
//! - `list` LIST and INFO · `kill` KILL · `pause` PAUSE and UNPAUSE · `tracking` what is not offered

mod kill;
mod list;
mod pause;
mod tracking;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Categories, Command, Flags, Group};
use holdfast_engine::{Args, CommandError};

pub use pause::Pause;

use super::connection::checked_name;
use super::{ANYTIME, ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::session::{ReplyMode, Session, SessionId};

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[CLIENT];

const CLIENT: Command<ServerHandler> =
    Command::<ServerHandler>::new("client", Group::Server, no_subcommand)
        .arity(AtLeast(2))
        .subcommands(&[
            ID,
            GETNAME,
            SETNAME,
            SETINFO,
            REPLY,
            UNBLOCK,
            NO_EVICT,
            NO_TOUCH,
            list::LIST,
            list::INFO,
            kill::KILL,
            pause::PAUSE,
            pause::UNPAUSE,
            tracking::TRACKING,
            tracking::TRACKINGINFO,
            tracking::GETREDIR,
            tracking::CACHING,
            HELP,
        ])
        .doc(
            "2.4.0",
            "Depends on subcommand.",
            "Looks at connections and controls them.",
            &[],
        );

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Connection, run).flags(ANYTIME)
}

const ID: Command<ServerHandler> = command("id", id).arity(Exactly(2)).doc(
    "5.0.0",
    "O(1)",
    "Answers the id of this connection.",
    &[],
);

const GETNAME: Command<ServerHandler> = command("getname", name).arity(Exactly(2)).doc(
    "2.6.9",
    "O(1)",
    "Answers the name of this connection.",
    &[],
);

const SETNAME: Command<ServerHandler> = command("setname", set_name).arity(Exactly(3)).doc(
    "2.6.9",
    "O(1)",
    "Names this connection.",
    &[Argument::string("connection-name")],
);

const SETINFO: Command<ServerHandler> = command("setinfo", set_info).arity(Exactly(4)).doc(
    "7.2.0",
    "O(1)",
    "Says which library this connection uses.",
    &[Argument::one_of(
        "attr",
        &[
            Argument::string("libname").token("LIB-NAME"),
            Argument::string("libver").token("LIB-VER"),
        ],
    )],
);

const REPLY: Command<ServerHandler> = command("reply", reply).arity(Exactly(3)).doc(
    "3.2.0",
    "O(1)",
    "Turns the replies to this connection off or on, or skips one.",
    &[Argument::one_of(
        "on_off_skip",
        &[
            Argument::word("on", "ON"),
            Argument::word("off", "OFF"),
            Argument::word("skip", "SKIP"),
        ],
    )],
);

const UNBLOCK: Command<ServerHandler> = command("unblock", unblock)
    .arity(AtLeast(3))
    .flags(Flags::ADMIN)
    .doc(
        "5.0.0",
        "O(log N) in the connections",
        "Ends the wait of a blocked connection.",
        &[
            Argument::integer("client-id"),
            Argument::one_of(
                "timeout_error",
                &[
                    Argument::word("timeout", "TIMEOUT"),
                    Argument::word("error", "ERROR"),
                ],
            )
            .optional(),
        ],
    );

const ON_OFF: &[Argument] = &[Argument::one_of(
    "enabled",
    &[Argument::word("on", "ON"), Argument::word("off", "OFF")],
)];

const NO_EVICT: Command<ServerHandler> = command("no-evict", no_evict)
    .arity(Exactly(3))
    .flags(Flags::ADMIN)
    .doc(
        "7.0.0",
        "O(1)",
        "Keeps this connection when connections are closed to save memory.",
        ON_OFF,
    );

const NO_TOUCH: Command<ServerHandler> = command("no-touch", no_touch).arity(Exactly(3)).doc(
    "7.2.0",
    "O(1)",
    "Lets the commands of this connection leave the keys' LRU and LFU clocks alone.",
    ON_OFF,
);

const HELP: Command<ServerHandler> = Command::<ServerHandler>::new("help", Group::Connection, help)
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL))
    .categories(Categories::NONE)
    .doc("5.0.0", "O(1)", "Lists the subcommands.", &[]);

fn id(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let id = i64::try_from(session.id.0).unwrap_or(i64::MAX);
    session.out.reply.integer(id);
    Ok(())
}

fn name(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let name = &session.name;
    let shown = (!name.is_empty()).then_some(&**name);
    session.out.reply.bulk_or_null(shown);
    Ok(())
}

fn set_name(
    _core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.name = checked_name(args.next()?)?.into();
    session.out.reply.ok();
    Ok(())
}

fn set_info(
    _core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let option = args.next()?;
    let value = args.next()?;
    let is_printable = value.iter().all(|byte| (b'!'..=b'~').contains(byte));
    let checked = |name| {
        let value = is_printable.then(|| Box::<[u8]>::from(value));
        value.ok_or(CommandError::ClientInfoValue(name))
    };
    if option.eq_ignore_ascii_case(b"LIB-NAME") {
        session.library.0 = checked("lib-name")?;
    } else if option.eq_ignore_ascii_case(b"LIB-VER") {
        session.library.1 = checked("lib-ver")?;
    } else {
        let option = String::from_utf8_lossy(option).into();
        return Err(CommandError::ClientInfoOption(option));
    }
    session.out.reply.ok();
    Ok(())
}

fn reply(_core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.accept("ON") {
        session.reply_mode = ReplyMode::On;
        session.out.reply.ok();
    } else if args.accept("OFF") {
        session.reply_mode = ReplyMode::Off;
    } else if args.accept("SKIP") {
        if session.reply_mode != ReplyMode::Off {
            session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::Syntax);
    }
    Ok(())
}

fn unblock(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let id = SessionId(u64::try_from(args.next_i64()?).unwrap_or(0));
    let with_error = match args.peek() {
        None => false,
        Some(_) if args.accept("TIMEOUT") => false,
        Some(_) if args.accept("ERROR") => true,
        Some(_) => return Err(CommandError::UnblockReason),
    };
    args.finish()?;
    let is_blocked = core
        .sessions
        .get(id)
        .is_some_and(|other| other.blocked.is_some());
    if is_blocked && with_error {
        core.unblock_with_error(id, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    } else if is_blocked {
        core.unblock_as_timed_out(id);
    }
    session.out.reply.integer(i64::from(is_blocked));
    Ok(())
}

/// `ON` or `OFF`.
fn is_on(args: &mut Args<'_>) -> Result<bool, CommandError> {
    if args.accept("ON") {
        Ok(true)
    } else if args.accept("OFF") {
        Ok(false)
    } else {
        Err(CommandError::Syntax)
    }
}

fn no_evict(
    _core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.no_evict = is_on(args)?;
    session.out.reply.ok();
    Ok(())
}

fn no_touch(
    _core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.no_touch = is_on(args)?;
    session.out.reply.ok();
    Ok(())
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "CLIENT",
        &[
            "ID",
            "    Answers the id of this connection.",
            "INFO",
            "    Answers what LIST says of this connection.",
            "LIST [TYPE <type>] [ID <id> ...]",
            "    Describes the connections, one a line.",
            "KILL <ip:port>",
            "    Closes the connection from this address.",
            "KILL [ID <id>] [TYPE <type>] [ADDR <ip:port>] [LADDR <ip:port>] [USER <name>] [SKIPME yes|no]",
            "    Closes the connections that fit all filters.",
            "GETNAME",
            "    Answers the name of this connection.",
            "SETNAME <name>",
            "    Names this connection.",
            "SETINFO LIB-NAME|LIB-VER <value>",
            "    Says which library this connection uses.",
            "REPLY ON|OFF|SKIP",
            "    Turns the replies to this connection off or on, or skips one.",
            "PAUSE <milliseconds> [WRITE|ALL]",
            "    Lets commands, or those that write, wait.",
            "UNPAUSE",
            "    Ends that.",
            "UNBLOCK <id> [TIMEOUT|ERROR]",
            "    Ends the wait of a blocked connection.",
            "NO-EVICT ON|OFF",
            "    Keeps this connection when connections are closed to save memory.",
            "NO-TOUCH ON|OFF",
            "    Leaves the keys' LRU and LFU clocks alone.",
            "TRACKINGINFO, GETREDIR",
            "    Say that client-side caching is off.",
        ],
    );
    Ok(())
}
