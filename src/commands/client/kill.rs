//! CLIENT KILL, in its old form by address and its new one by filters.

use holdfast_engine::command::Arity::AtLeast;
use holdfast_engine::command::{Argument, Command, Flags};
use holdfast_engine::{Args, CommandError, number};

use super::command;
use super::list::{ClientType, TYPES, local_address, shown_address};
use crate::commands::ServerHandler;
use crate::core::Core;
use crate::session::{Closing, Session};

pub(super) const KILL: Command<ServerHandler> = command("kill", kill)
    .arity(AtLeast(3))
    .flags(Flags::ADMIN)
    .doc(
        "2.4.0",
        "O(N) in the connections",
        "Closes connections.",
        &[Argument::one_of(
            "filter",
            &[
                Argument::string("old-format"),
                Argument::block(
                    "new-format",
                    &[
                        Argument::integer("client-id").token("ID").optional(),
                        Argument::one_of("client-type", TYPES)
                            .token("TYPE")
                            .optional(),
                        Argument::string("username").token("USER").optional(),
                        Argument::string("addr").token("ADDR").optional(),
                        Argument::string("laddr").token("LADDR").optional(),
                        Argument::one_of(
                            "skipme",
                            &[Argument::word("yes", "YES"), Argument::word("no", "NO")],
                        )
                        .token("SKIPME")
                        .optional(),
                    ],
                )
                .multiple(),
            ],
        )],
    );

/// Which connections are to be closed: those that fit all that is given.
#[derive(Debug)]
struct Filters<'a> {
    id: Option<u64>,
    kind: Option<ClientType>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    skips_own: bool,
}

impl<'a> Filters<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let mut filters = Self {
            id: None,
            kind: None,
            address: None,
            local_address: None,
            skips_own: true,
        };
        while !args.is_done() {
            let [name, value] = args.take(2)? else {
                return Err(CommandError::Syntax);
            };
            filters.add(name, value)?;
        }
        Ok(filters)
    }

    fn add(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), CommandError> {
        match name.to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = number::parse_i64(value).filter(|id| *id > 0);
                let id = id.and_then(|id| u64::try_from(id).ok());
                self.id = Some(id.ok_or(CommandError::ClientIdNotPositive)?);
            }
            b"type" => self.kind = Some(ClientType::read(value)?),
            b"addr" => self.address = Some(value),
            b"laddr" => self.local_address = Some(value),
            b"user" if value == b"default" => {}
            b"user" => {
                let name = String::from_utf8_lossy(value).into();
                return Err(CommandError::NoSuchUser(name));
            }
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => self.skips_own = true,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => self.skips_own = false,
            _ => return Err(CommandError::Syntax),
        }
        Ok(())
    }

    fn fit(&self, session: &Session) -> bool {
        let is = |wanted: Option<&[u8]>, address: fn(&Session) -> String| {
            wanted.is_none_or(|wanted| address(session).as_bytes() == wanted)
        };
        session.closing != Closing::Now
            && self.id.is_none_or(|id| session.id.0 == id)
            && self.kind.is_none_or(|kind| ClientType::of(session) == kind)
            && is(self.address, shown_address)
            && is(self.local_address, local_address)
    }
}

fn kill(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.remaining() == 1 {
        let filters = Filters {
            id: None,
            kind: None,
            address: Some(args.next()?),
            local_address: None,
            skips_own: false,
        };
        if close(core, session, &filters) == 0 {
            return Err(CommandError::NoSuchClient);
        }
        session.out.reply.ok();
        return Ok(());
    }
    let filters = Filters::read(args)?;
    let count = close(core, session, &filters);
    session.out.reply.integer(count);
    Ok(())
}

/// Closes the connections that fit; returns how many.
fn close(core: &mut Core, session: &mut Session, filters: &Filters<'_>) -> i64 {
    let mut count = 0;
    for other in core.sessions.iter_mut().filter(|other| filters.fit(other)) {
        other.closing = Closing::Now;
        other.wake();
        count += 1;
    }
    if !filters.skips_own && filters.fit(session) {
        // Its own reply still leaves.
        session.closing = Closing::AfterReplies;
        count += 1;
    }
    count
}
