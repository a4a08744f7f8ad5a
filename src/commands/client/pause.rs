//! CLIENT PAUSE: commands, or those that write, wait where they are until a time. The dispatcher asks
//! [`Pause::holds`] before it runs a command; the core's tick ends a pause whose time is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags};
use holdfast_engine::{Args, CommandError, number};

use super::command;
use crate::commands::{ServerHandler, scripting};
use crate::core::Core;
use crate::registry::{Found, Registered};
use crate::session::{Session, SessionId};

pub(super) const PAUSE: Command<ServerHandler> = command("pause", pause)
    .arity(AtLeast(3))
    .flags(Flags::ADMIN)
    .doc(
        "3.0.0",
        "O(1)",
        "Lets commands, or those that write, wait.",
        &[
            Argument::integer("timeout"),
            Argument::one_of(
                "mode",
                &[
                    Argument::word("write", "WRITE"),
                    Argument::word("all", "ALL"),
                ],
            )
            .optional(),
        ],
    );

pub(super) const UNPAUSE: Command<ServerHandler> = command("unpause", unpause)
    .arity(Exactly(2))
    .flags(Flags::ADMIN)
    .doc(
        "6.2.0",
        "O(N) in the waiting connections",
        "Ends a pause.",
        &[],
    );

/// Which commands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Those that write or publish.
    Writes,
    /// All of them.
    All,
}

/// A pause of the clients' commands.
#[derive(Debug, Default)]
pub struct Pause {
    active: Option<(Scope, Instant)>,
    waiting: BTreeSet<SessionId>,
}

impl Pause {
    /// Whether commands that write wait now: then nothing expires or is evicted either.
    pub fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// Whether a command must wait; if so, its session is remembered.
    pub(crate) fn holds(&mut self, core_holds: bool, id: SessionId) -> bool {
        if core_holds {
            self.waiting.insert(id);
        } else {
            self.waiting.remove(&id);
        }
        core_holds
    }

    fn covers(&self, writes: bool) -> bool {
        match self.active {
            None => false,
            Some((_, until)) if Instant::now() >= until => false,
            Some((scope, _)) => scope == Scope::All || writes,
        }
    }

    fn begin(&mut self, scope: Scope, until: Instant) {
        // Two pauses together last as long as the longer, and hold as much as the stricter.
        self.active = Some(match self.active {
            Some((other, other_until)) => (scope.max(other), until.max(other_until)),
            None => (scope, until),
        });
    }
}

impl Core {
    /// Whether a pause holds the command back; then the session waits for its end.
    pub(crate) fn must_pause(
        &mut self,
        session: &Session,
        command: &Registered,
        arguments: &[&[u8]],
    ) -> bool {
        if !self.pause.is_active() {
            return false;
        }
        let writes = self.writes_or_publishes(command, arguments)
            || command.spec.name == "exec" && self.transaction_writes(session);
        let is_held = self.pause.covers(writes);
        self.pause.holds(is_held, session.id)
    }

    fn transaction_writes(&self, session: &Session) -> bool {
        let commands = session.transaction.iter().flat_map(|multi| &multi.commands);
        commands.into_iter().any(|command| {
            let words: Vec<&[u8]> = command.iter().map(AsRef::as_ref).collect();
            match self.registry.find(&words) {
                Found::Command(command) => self.writes_or_publishes(command, &words),
                Found::UnknownCommand | Found::UnknownSubcommand(_) => false,
            }
        })
    }

    fn writes_or_publishes(&self, command: &Registered, words: &[&[u8]]) -> bool {
        command.has(Flags::WRITE)
            || command.has(Flags::MAY_REPLICATE)
            || scripting::may_write(self, command, words)
    }

    /// How many sessions wait for the end of a pause.
    pub(crate) fn paused_count(&self) -> usize {
        let waiting = self.pause.waiting.iter();
        waiting
            .filter(|id| self.sessions.get(**id).is_some())
            .count()
    }

    /// Ends a pause whose time is over.
    pub(crate) fn end_pause_in_time(&mut self) {
        if let Some((_, until)) = self.pause.active
            && Instant::now() >= until
        {
            self.end_pause();
        }
    }

    fn end_pause(&mut self) {
        self.pause.active = None;
        for id in std::mem::take(&mut self.pause.waiting) {
            if let Some(session) = self.sessions.get(id) {
                session.wake();
            }
        }
    }
}

fn pause(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let ms = number::parse_i64(args.next()?).ok_or(CommandError::TimeoutNotAnInteger)?;
    let ms = u64::try_from(ms).map_err(|_| CommandError::NegativeTimeout)?;
    let scope = match args.peek() {
        None => Scope::All,
        Some(_) if args.accept("ALL") => Scope::All,
        Some(_) if args.accept("WRITE") => Scope::Writes,
        Some(_) => return Err(CommandError::PauseMode),
    };
    let until = Instant::now().checked_add(Duration::from_millis(ms));
    core.pause
        .begin(scope, until.ok_or(CommandError::TimeoutNotAnInteger)?);
    session.out.reply.ok();
    Ok(())
}

fn unpause(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    core.end_pause();
    session.out.reply.ok();
    Ok(())
}
