//! A script that takes long. The core goes on serving its sockets, answers BUSY, and gives the script
//! slices of its time; SCRIPT KILL, FUNCTION KILL and SHUTDOWN NOSAVE are heard between two slices.
//!
//! What always holds: the batch that the script's effects are in stays open until the script ends,
//! and the leader's time stands still for it.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Kind;
use super::machine::Machine;
use super::run::{self, Running, Step, advance};
use crate::commands::transactions::{self, Rest};
use crate::core::{Core, Shared};
use crate::dispatch;
use crate::net::Stream;
use crate::session::{OwnedCommand, Session};

/// How long a suspended script runs before the sockets are served again.
const SLICE: Duration = Duration::from_millis(5);
const KILLED: &str = "ERR Script killed by user with SCRIPT KILL.";

/// A script between two slices.
#[derive(Debug)]
pub(crate) struct Suspended {
    machine: Box<Machine>,
    pub(crate) running: Running,
    /// The script's or function's name.
    pub(crate) name: String,
    /// The command that called it.
    pub(crate) command: OwnedCommand,
    /// The transaction that it is part of.
    rest: Option<Rest>,
    stream: Rc<Stream>,
}

impl Suspended {
    pub(super) fn new(
        machine: Box<Machine>,
        running: Running,
        name: &str,
        command: &[&[u8]],
    ) -> Self {
        Self {
            machine,
            stream: Rc::clone(&running.session.stream),
            running,
            name: name.to_owned(),
            command: command.iter().map(|&word| word.into()).collect(),
            rest: None,
        }
    }

    /// What it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.running.kind
    }

    /// It is part of a transaction, which goes on when it has ended.
    pub(crate) fn is_followed_by(&mut self, rest: Rest) {
        self.rest = Some(rest);
    }

    /// Makes it fail at its next step.
    pub(crate) fn kill(&self) {
        self.machine.exchange.dying.set(Some(KILLED));
    }
}

impl Core {
    /// Lets a script go on later.
    pub(super) fn suspend(&mut self, suspended: Suspended) {
        self.replication.hold_open();
        self.scripts.suspended = Some(suspended);
        if let Some(waker) = self.scripts.waker.take() {
            waker.wake();
        }
    }

    /// Gives the suspended script a slice; says whether one is suspended still.
    fn go_on(&mut self) -> bool {
        let Some(mut suspended) = self.scripts.suspended.take() else {
            return false;
        };
        suspended
            .machine
            .exchange
            .slice_ends
            .set(Instant::now() + SLICE);
        match advance(self, &mut suspended.machine, &mut suspended.running) {
            Step::Suspended => self.scripts.suspended = Some(suspended),
            Step::Done => self.end_suspended(suspended),
        }
        self.scripts.is_busy()
    }

    fn end_suspended(&mut self, suspended: Suspended) {
        self.replication.let_close();
        self.tick();
        self.command_began = Instant::now();
        let Suspended {
            machine,
            running,
            rest,
            stream,
            ..
        } = suspended;
        let present = self.sessions.take(running.caller);
        let is_present = present.is_some();
        let mut session =
            present.unwrap_or_else(|| Box::new(Session::new(running.caller, stream, true)));
        self.forget_blocked(&mut session);
        let reply_before = session.out.reply.len();
        if let Some(rest) = &rest {
            session.out.reply.raw(&rest.partial);
        }
        let outcome = machine.outcome();
        if let Err(error) = run::finish(&mut session, &machine, outcome) {
            session.out.reply.error(error.to_string());
            self.stats.count_error_of(&error);
        }
        self.scripts.put_back(running.kind, machine);
        session.need = 0;
        let mut need = running.need;
        if let Some(mut rest) = rest {
            rest.need = rest.need.max(need);
            transactions::go_on(self, &mut session, rest, reply_before);
            need = std::mem::take(&mut session.need);
        }
        if is_present {
            dispatch::finish(self, &mut session, reply_before, need);
            session.wake();
            self.sessions.put_back(session);
        } else {
            self.settle_effects();
        }
        if self.keyspace.interest.any_touched() && !self.scripts.is_busy() {
            self.after_touch();
        }
        self.wake_closer();
    }

    /// The data are no longer those that the suspended script began with: it ends without a word.
    pub(crate) fn drop_suspended(&mut self) {
        while let Some(suspended) = &self.scripts.suspended {
            suspended.kill();
            self.go_on();
        }
    }
}

/// The task that goes on with suspended scripts, in turn with everything else.
pub(crate) async fn go_on(shared: Shared) {
    std::future::poll_fn(|context: &mut Context<'_>| {
        let mut core = shared.borrow_mut();
        if core.shutdown.is_none() && core.go_on() {
            context.waker().wake_by_ref();
        }
        core.scripts.waker = Some(context.waker().clone());
        Poll::<()>::Pending
    })
    .await;
}
