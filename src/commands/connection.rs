//! The connection itself: PING, ECHO, SELECT, QUIT, RESET, AUTH, HELLO.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_engine::{Args, CommandError};
use holdfast_resp::Protocol;

use super::ServerHandler;
use crate::core::Core;
use crate::session::{Closing, ReplyMode, Session};

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[PING, ECHO, SELECT, QUIT, RESET, AUTH, HELLO];

const FLAGS: Flags = Flags::LOADING
    .with(Flags::STALE)
    .with(Flags::FAST)
    .with(Flags::LOCAL);
const BEFORE_AUTH: Flags = FLAGS
    .with(Flags::NO_SCRIPT)
    .with(Flags::NO_AUTH)
    .with(Flags::ALLOW_BUSY);

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Connection, run)
}

const PING: Command<ServerHandler> = command("ping", ping)
    .arity(AtLeast(1))
    // Refused while loading: tools take its answer for the sign that data is served.
    .flags(Flags::FAST.with(Flags::LOCAL))
    .doc(
        "1.0.0",
        "O(1)",
        "Answers PONG, or the message.",
        &[Argument::string("message").optional()],
    );

const ECHO: Command<ServerHandler> = command("echo", echo).arity(Exactly(2)).flags(FLAGS).doc(
    "1.0.0",
    "O(1)",
    "Answers its argument.",
    &[Argument::string("message")],
);

const SELECT: Command<ServerHandler> = command("select", select)
    .arity(Exactly(2))
    .flags(FLAGS)
    .doc(
        "1.0.0",
        "O(1)",
        "Selects the database of this connection.",
        &[Argument::integer("index")],
    );

const QUIT: Command<ServerHandler> = command("quit", quit)
    .arity(AtLeast(1))
    .flags(BEFORE_AUTH)
    .doc(
        "1.0.0",
        "O(1)",
        "Closes the connection once all replies are sent.",
        &[],
    )
    .deprecated("7.2.0", "just closing the connection");

const RESET: Command<ServerHandler> = command("reset", reset)
    .arity(Exactly(1))
    .flags(BEFORE_AUTH)
    .doc(
        "6.2.0",
        "O(1)",
        "Brings the connection into the state of a new one.",
        &[],
    );

const AUTH: Command<ServerHandler> = command("auth", auth)
    .arity(AtLeast(2))
    .flags(BEFORE_AUTH)
    .doc(
        "1.0.0",
        "O(N) in the passwords of the user",
        "Shows who the client is.",
        &[
            Argument::string("username").optional(),
            Argument::string("password"),
        ],
    );

const HELLO: Command<ServerHandler> = command("hello", hello)
    .arity(AtLeast(1))
    .flags(BEFORE_AUTH)
    .doc(
        "6.0.0",
        "O(1)",
        "Chooses the protocol, and may authenticate and name the connection.",
        &[Argument::block(
            "arguments",
            &[
                Argument::integer("protover"),
                Argument::block(
                    "username_password",
                    &[Argument::string("username"), Argument::string("password")],
                )
                .token("AUTH")
                .optional(),
                Argument::string("clientname").token("SETNAME").optional(),
            ],
        )
        .optional()],
    );

fn ping(_core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.remaining() > 1 {
        return Err(CommandError::WrongArity("ping".into()));
    }
    let message = args.peek();
    let in_subscriber_mode = session.is_in_subscriber_mode();
    let reply = &mut session.out.reply;
    match message {
        _ if in_subscriber_mode => {
            reply.array(2);
            reply.bulk(b"pong");
            reply.bulk(message.unwrap_or_default());
        }
        Some(message) => reply.bulk(message),
        None => reply.simple("PONG"),
    }
    Ok(())
}

fn echo(_core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    session.out.reply.bulk(args.next()?);
    Ok(())
}

fn select(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    session.database = database(core, args)?;
    session.out.reply.ok();
    Ok(())
}

fn database(core: &Core, args: &mut Args<'_>) -> Result<DatabaseIndex, CommandError> {
    let number = args.next_i64()?;
    let count = core.keyspace.databases_count();
    let number = u32::try_from(number).ok().filter(|&number| number < count);
    number
        .map(DatabaseIndex)
        .ok_or(CommandError::DatabaseOutOfRange)
}

fn quit(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    session.out.reply.ok();
    session.closing = Closing::AfterReplies;
    Ok(())
}

fn reset(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    session.transaction = None;
    core.unwatch(session);
    core.pubsub.forget(session.id, &session.subscriptions);
    session.subscriptions = Default::default();
    core.monitors.retain(|&id| id != session.id);
    session.is_monitor = false;
    session.database = DatabaseIndex::default();
    session.name = Box::default();
    session.reply_mode = ReplyMode::On;
    session.no_evict = false;
    session.no_touch = false;
    session.is_authenticated = core.config.passwords.is_empty();
    session.out.reply.set_protocol(Protocol::Resp2);
    session.out.reply.simple("RESET");
    Ok(())
}

fn auth(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    match args.take_rest() {
        [password] if core.config.passwords.is_empty() => {
            let _ = password;
            return Err(CommandError::AuthWithoutPassword);
        }
        [password] => authenticate(core, session, b"default", password)?,
        [user, password] => authenticate(core, session, user, password)?,
        _ => return Err(CommandError::Syntax),
    }
    session.out.reply.ok();
    Ok(())
}

/// Lets the session in if this is the password.
fn authenticate(
    core: &Core,
    session: &mut Session,
    user: &[u8],
    password: &[u8],
) -> Result<(), CommandError> {
    let passwords = &core.config.passwords;
    let matches = passwords.is_empty() || passwords.iter().any(|known| same_bytes(known, password));
    if user != b"default" || !matches {
        return Err(CommandError::WrongPassword);
    }
    session.is_authenticated = true;
    Ok(())
}

/// Compares without telling by its duration where the difference is.
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    let differs = one
        .iter()
        .zip(other)
        .fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == other.len() && differs == 0
}

fn hello(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let protocol = match args.peek() {
        None => None,
        Some(_) => match args
            .next_i64()
            .map_err(|_| CommandError::HelloVersionNotANumber)?
        {
            2 => Some(Protocol::Resp2),
            3 => Some(Protocol::Resp3),
            _ => return Err(CommandError::HelloVersion),
        },
    };
    let (mut credentials, mut name) = (None, None);
    while let Some(option) = args.peek() {
        if args.remaining() > 2 && args.accept("AUTH") {
            credentials = Some((args.next()?, args.next()?));
        } else if args.remaining() > 1 && args.accept("SETNAME") {
            name = Some(checked_name(args.next()?)?);
        } else {
            let option = String::from_utf8_lossy(option).into();
            return Err(CommandError::HelloOption(option));
        }
    }
    if let Some((user, password)) = credentials {
        authenticate(core, session, user, password)?;
    }
    if !session.is_authenticated {
        return Err(CommandError::HelloNotAuthenticated);
    }
    if let Some(name) = name {
        session.name = name.into();
    }
    if let Some(protocol) = protocol {
        session.out.reply.set_protocol(protocol);
    }
    write_hello(session);
    Ok(())
}

/// The name of a client, if it can be one: printable, without blanks.
pub(crate) fn checked_name(name: &[u8]) -> Result<&[u8], CommandError> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        Ok(name)
    } else {
        Err(CommandError::ClientName)
    }
}

fn write_hello(session: &mut Session) {
    let id = i64::try_from(session.id.0).unwrap_or(i64::MAX);
    let reply = &mut session.out.reply;
    let version = if reply.protocol() == Protocol::Resp3 {
        3
    } else {
        2
    };
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(crate::REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(version);
    reply.bulk(b"id");
    reply.integer(id);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
}
