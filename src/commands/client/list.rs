//! CLIENT LIST and CLIENT INFO: one line of `name=value` for each connection, as tools read it.

use std::fmt::Write;
use std::os::fd::AsRawFd;

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags};
use holdfast_engine::{Args, CommandError, number};
use holdfast_resp::Protocol;

use super::command;
use crate::commands::ServerHandler;
use crate::core::Core;
use crate::net::Stream;
use crate::session::{Closing, Session};

pub(super) const LIST: Command<ServerHandler> = command("list", list)
    .arity(AtLeast(2))
    .flags(Flags::ADMIN)
    .doc(
        "2.4.0",
        "O(N) in the connections",
        "Describes the connections, one a line.",
        &[
            Argument::one_of("client-type", TYPES)
                .token("TYPE")
                .optional(),
            Argument::integer("client-id")
                .token("ID")
                .optional()
                .multiple(),
        ],
    );

pub(super) const INFO: Command<ServerHandler> =
    command("info", info)
        .arity(Exactly(2))
        .doc("6.2.0", "O(1)", "Describes this connection.", &[]);

pub(super) const TYPES: &[Argument] = &[
    Argument::word("normal", "NORMAL"),
    Argument::word("master", "MASTER"),
    Argument::word("replica", "REPLICA"),
    Argument::word("pubsub", "PUBSUB"),
];

/// The kinds of connection that filters name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientType {
    Normal,
    PubSub,
    /// Redis's replication links: there are none.
    Link,
}

impl ClientType {
    /// Reads a type's name.
    pub(super) fn read(name: &[u8]) -> Result<Self, CommandError> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(Self::Normal),
            b"pubsub" => Ok(Self::PubSub),
            b"master" | b"slave" | b"replica" => Ok(Self::Link),
            _ => Err(CommandError::UnknownClientType(
                String::from_utf8_lossy(name).into(),
            )),
        }
    }

    /// What a connection is.
    pub(super) fn of(session: &Session) -> Self {
        if session.subscriptions.is_empty() {
            Self::Normal
        } else {
            Self::PubSub
        }
    }
}

fn list(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let mut kind = None;
    let mut ids: Option<Vec<u64>> = None;
    if args.remaining() == 2 && args.accept("TYPE") {
        kind = Some(ClientType::read(args.next()?)?);
    } else if args.remaining() > 1 && args.accept("ID") {
        let id = |word: &&[u8]| {
            let id = number::parse_i64(word).and_then(|id| u64::try_from(id).ok());
            id.ok_or(CommandError::InvalidClientId)
        };
        ids = Some(args.take_rest().iter().map(id).collect::<Result<_, _>>()?);
    }
    args.finish()?;
    let is_wanted = |one: &&Session| {
        kind.is_none_or(|kind| ClientType::of(one) == kind)
            && ids.as_ref().is_none_or(|ids| ids.contains(&one.id.0))
            && one.closing != Closing::Now
    };
    let mut all: Vec<&Session> = core.sessions.iter().chain([&*session]).collect();
    all.sort_unstable_by_key(|one| one.id);
    let lines: String = all.into_iter().filter(is_wanted).map(describe).collect();
    session.out.reply.verbatim(*b"txt", lines.as_bytes());
    Ok(())
}

fn info(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let line = describe(session);
    session.out.reply.verbatim(*b"txt", line.as_bytes());
    Ok(())
}

/// The line of one connection, with its end.
fn describe(session: &Session) -> String {
    let output_bytes = session.out.len();
    let multi_bytes = session.transaction.as_ref().map_or(0, |multi| multi.bytes);
    let queued = session.transaction.as_ref().map_or(-1, |multi| {
        i64::try_from(multi.commands.len()).unwrap_or(i64::MAX)
    });
    let subscriptions = &session.subscriptions;
    let mut line = format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={}",
        session.id.0,
        shown_address(session),
        local_address(session),
        descriptor(session),
        String::from_utf8_lossy(&session.name),
        session.since.elapsed().as_secs(),
        session.active.elapsed().as_secs(),
        flags(session),
        session.database.0,
        subscriptions.channels.len(),
        subscriptions.patterns.len(),
        subscriptions.shard_channels.len(),
    );
    let resp = match session.out.reply.protocol() {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        line,
        " multi={queued} qbuf={} qbuf-free={} argv-mem={} multi-mem={multi_bytes} rbs={} rbp={output_bytes} obl=0 oll=0 \
         omem={} tot-mem={} events={} cmd={} user=default redir=-1 resp={resp} lib-name={} lib-ver={}",
        session.input_bytes,
        session.input_free_bytes,
        waiting_bytes(session),
        session.out.reply.capacity(),
        held_bytes(session),
        total_bytes(session),
        if output_bytes > 0 && session.out.is_holding() {
            "rw"
        } else {
            "r"
        },
        session.last_command,
        String::from_utf8_lossy(&session.library.0),
        String::from_utf8_lossy(&session.library.1),
    );
    line
}

/// Replies that the client has not taken, beyond the one that is being made.
fn held_bytes(session: &Session) -> usize {
    if session.out.is_holding() {
        session.out.len()
    } else {
        0
    }
}

/// Arguments that are kept: a command that runs reads them where they were received.
fn waiting_bytes(session: &Session) -> usize {
    let arguments = session.blocked.iter().flat_map(|blocked| &blocked.command);
    arguments.map(|argument| argument.len()).sum()
}

/// All memory of a connection.
pub(crate) fn total_bytes(session: &Session) -> usize {
    let multi = session.transaction.as_ref().map_or(0, |multi| multi.bytes);
    size_of::<Session>()
        + session.input_bytes
        + session.input_free_bytes
        + waiting_bytes(session)
        + session.out.reply.capacity()
        + multi
}

fn flags(session: &Session) -> String {
    let is_unix = matches!(*session.stream, Stream::Unix(_));
    let shown: String = [
        (session.is_monitor, 'O'),
        (!session.subscriptions.is_empty(), 'P'),
        (session.transaction.is_some(), 'x'),
        (session.blocked.is_some(), 'b'),
        (session.closing == Closing::AfterReplies, 'c'),
        (session.closing == Closing::Now, 'A'),
        (is_unix, 'U'),
        (session.no_evict, 'e'),
        (session.no_touch, 'T'),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set)
    .map(|(_, letter)| letter)
    .collect();
    if shown.is_empty() {
        "N".to_owned()
    } else {
        shown
    }
}

/// The client's address as filters name it.
pub(super) fn shown_address(session: &Session) -> String {
    match &*session.stream {
        Stream::Tcp(_) => session.address(),
        Stream::Unix(_) => format!("{}:0", local_address_of_unix(session)),
    }
}

/// The address that the client connected to.
pub(super) fn local_address(session: &Session) -> String {
    match session.stream.local() {
        Some(address) => address.to_string(),
        None => format!("{}:0", local_address_of_unix(session)),
    }
}

fn local_address_of_unix(session: &Session) -> String {
    let Stream::Unix(stream) = &*session.stream else {
        return String::new();
    };
    let path = stream.local_addr().ok();
    let path = path.as_ref().and_then(|address| address.as_pathname());
    path.map_or_else(String::new, |path| path.display().to_string())
}

fn descriptor(session: &Session) -> i32 {
    match &*session.stream {
        Stream::Tcp(stream) => stream.as_raw_fd(),
        Stream::Unix(stream) => stream.as_raw_fd(),
    }
}
