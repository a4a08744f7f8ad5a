//! The task of one client connection: reads the socket, parses, dispatches, sends what may leave.
//!
//! One poll is one connection's share of a turn: at most [`COMMANDS_PER_POLL_MAX`] commands or
//! [`POLL_MICROS_MAX`], so that no client keeps the others waiting (RULES.md 7).

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use holdfast_resp::{CommandParser, Limits, Progress, ProtocolError, Stage};
use smallvec::SmallVec;
use tokio::time::Sleep;
use tracing::debug;

use crate::ahead::{Ahead, Rest};
use crate::core::{Core, Shared};
use crate::dispatch::{self, Flow};
use crate::net::Stream;
use crate::session::{Closing, Session, SessionId};

const COMMANDS_PER_POLL_MAX: usize = 64;
const POLL_MICROS_MAX: u64 = 200;
/// What is read from a socket at once, in bytes.
const READ_BYTES: usize = 16 * 1024;
/// Input buffers larger than this are given back once commands no longer need them.
const KEPT_INPUT_BYTES_MAX: usize = 64 * 1024;
/// Arguments that fit on the stack; a command with more takes one allocation.
const ARGUMENTS_INLINE: usize = 16;

/// The task of one connection. It ends when the connection does.
pub struct Connection {
    core: Shared,
    id: SessionId,
    stream: Rc<Stream>,
    input: BytesMut,
    parser: CommandParser,
    /// The deadline of the command that the session waits with.
    wait: Option<Pin<Box<Sleep>>>,
    /// The client has ended its side.
    is_at_end: bool,
    /// The last poll left commands that could have been read whole: no more is read than was asked
    /// for, or one client's input would grow while the others have their turns.
    has_backlog: bool,
}

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing can be done until something happens.
    Wait,
    /// There is more to do, after the others had their turn.
    Again,
    /// The connection is over.
    End,
}

impl Connection {
    /// A connection whose session has been added to the core.
    pub fn new(core: Shared, id: SessionId, stream: Rc<Stream>) -> Self {
        Self {
            core,
            id,
            stream,
            input: BytesMut::new(),
            parser: CommandParser::new(),
            wait: None,
            is_at_end: false,
            has_backlog: false,
        }
    }

    fn step(&mut self, context: &mut Context<'_>) -> Next {
        let shared = Rc::clone(&self.core);
        let mut core = shared.borrow_mut();
        let Some(mut session) = core.sessions.take(self.id) else {
            return Next::End; // killed and forgotten by another session
        };
        let next = self.step_with(&mut core, &mut session, context);
        self.show_input(&mut session);
        core.sessions.put_back(session);
        next
    }

    fn step_with(
        &mut self,
        core: &mut Core,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Next {
        remember_waker(session, context);
        if std::mem::take(&mut session.gives_input_back) && self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if session.closing == Closing::Now {
            return Next::End;
        }
        self.end_wait_in_time(core, session, context);
        let was_held_back = self.is_over_bounds(core, session);
        let mut read = self.read(core, session, context);
        let ran = self.run_commands(core, session);
        if was_held_back && !self.is_over_bounds(core, session) {
            // Nothing was read, so nobody has asked to be woken for what has arrived meanwhile.
            read = Next::Again;
        }
        self.follow_wait(session, context);
        let sent = match session.send() {
            Ok(sent) => sent,
            Err(error) => {
                debug!(id = session.id.0, %error, "connection broken while sending");
                return Next::End;
            }
        };
        if sent && self.may_end(session) {
            return Next::End;
        }
        if !sent && self.await_writable(context) == Next::Again {
            return Next::Again;
        }
        if core.config.output_limits.is_exceeded(session) {
            debug!(
                id = session.id.0,
                "connection closed: it does not read its replies fast enough"
            );
            return Next::End;
        }
        if read == Next::Again || ran == Next::Again {
            Next::Again
        } else {
            Next::Wait
        }
    }

    /// Whether nothing is left to do for a session that is ending.
    fn may_end(&self, session: &Session) -> bool {
        let wants_to = session.closing != Closing::No || self.is_at_end;
        wants_to && !session.out.is_holding() || session.closing == Closing::Now
    }

    // ---- input ---------------------------------------------------------------------------------

    /// Reads what has arrived, unless there is enough to do already.
    fn read(&mut self, core: &mut Core, session: &mut Session, context: &mut Context<'_>) -> Next {
        if self.is_at_end || session.closing != Closing::No || self.is_over_bounds(core, session) {
            return Next::Wait;
        }
        loop {
            match self.stream.poll_readable(context) {
                Poll::Pending => return Next::Wait,
                Poll::Ready(Err(_)) => {
                    session.closing = Closing::Now;
                    return Next::Again;
                }
                Poll::Ready(Ok(())) => {}
            }
            self.input.reserve(READ_BYTES.max(self.wanted_bytes()));
            match self.stream.try_read(&mut self.input) {
                Ok(0) => {
                    self.is_at_end = true;
                    return Next::Again;
                }
                Ok(count) => {
                    session.traffic.received += count as u64;
                    core.stats.received_bytes += count as u64;
                    session.active = Instant::now();
                    // What filled the buffer may be followed by more: that is for the next poll.
                    return if self.input.len() == self.input.capacity() {
                        Next::Again
                    } else {
                        self.drained(context)
                    };
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    debug!(id = session.id.0, %error, "connection broken while reading");
                    session.closing = Closing::Now;
                    return Next::Again;
                }
            }
        }
    }

    /// Asks to be woken for what arrives next.
    fn drained(&self, context: &mut Context<'_>) -> Next {
        match self.stream.poll_readable(context) {
            Poll::Pending => Next::Wait,
            Poll::Ready(_) => Next::Again,
        }
    }

    /// Beyond its own bounds only this connection stops being read.
    fn is_over_bounds(&self, core: &Core, session: &Session) -> bool {
        let has_enough = session.blocked.is_some() || self.has_backlog;
        let waits = has_enough && self.input.len() >= READ_BYTES;
        waits
            || self.input.len() >= core.config.query_buffer_bytes_max
            || session.out.len() >= core.config.held_bytes_max && session.out.is_holding()
    }

    /// How much room the rest of a long argument deserves: doubled steps, not the client's word.
    fn wanted_bytes(&self) -> usize {
        self.input.len().min(1 << 20)
    }

    // ---- commands ------------------------------------------------------------------------------

    fn run_commands(&mut self, core: &mut Core, session: &mut Session) -> Next {
        if self.input.is_empty() || session.blocked.is_some() || session.closing != Closing::No {
            return Next::Wait;
        }
        core.tick();
        self.show_input(session);
        self.has_backlog = false;
        let mut turn = Turn::begin(core);
        let next = loop {
            if let Some(next) = self.run_round(core, session, &mut turn) {
                break next;
            }
        };
        let micros = turn.micros(core);
        core.stats.longest_turn_micros = core.stats.longest_turn_micros.max(micros);
        self.consume(turn.at);
        next
    }

    /// Parses some commands ahead and runs them. Returns how the poll goes on, once it is over.
    fn run_round(
        &mut self,
        core: &mut Core,
        session: &mut Session,
        turn: &mut Turn,
    ) -> Option<Next> {
        let limits = limits_of(core, session);
        // A command may change the limits of those behind it only by authenticating.
        let count_max = match limits.stage {
            Stage::Authenticated => COMMANDS_PER_POLL_MAX,
            Stage::Unauthenticated => 1,
        };
        let input = self.input.get(turn.at..).unwrap_or_default();
        let from = turn.at;
        let (ahead, rest) = Ahead::parse(&mut self.parser, input, &limits, count_max);
        if ahead.is_empty() {
            let waiting_bytes = input.len();
            drop(ahead);
            return match rest {
                Rest::Inline => self.run_inline(core, session, turn, &limits),
                Rest::Unfinished | Rest::More => {
                    check_query_buffer(core, session, waiting_bytes);
                    Some(Next::Wait)
                }
                Rest::Malformed(error) => {
                    refuse_input(core, session, &error);
                    Some(Next::Wait)
                }
            };
        }
        ahead.warm(&core.keyspace, session.database);
        for (arguments, end) in ahead.iter() {
            let flow = if arguments.is_empty() {
                Flow::Go
            } else {
                dispatch::dispatch(core, session, arguments)
            };
            if let Some(next) = turn.after(core, flow, from + end) {
                self.has_backlog = flow == Flow::Park || next == Next::Again;
                // What was parsed ahead may be parsed again: the parser may stand behind it.
                self.parser.reset();
                return Some(next);
            }
        }
        matches!(rest, Rest::Unfinished).then(|| {
            check_query_buffer(core, session, self.input.len() - turn.at);
            Next::Wait
        })
    }

    /// Runs one inline command, whose words stand in the parser.
    fn run_inline(
        &mut self,
        core: &mut Core,
        session: &mut Session,
        turn: &mut Turn,
        limits: &Limits,
    ) -> Option<Next> {
        let input = self.input.get(turn.at..).unwrap_or_default();
        match self.parser.parse(input, limits) {
            Ok(Progress::Empty { consumed_bytes }) => {
                turn.at += consumed_bytes;
                None
            }
            Ok(Progress::Command { consumed_bytes }) => {
                let arguments: SmallVec<[&[u8]; ARGUMENTS_INLINE]> =
                    self.parser.arguments(input).collect();
                let flow = dispatch::dispatch(core, session, &arguments);
                let next = turn.after(core, flow, turn.at + consumed_bytes);
                self.has_backlog = flow == Flow::Park || next == Some(Next::Again);
                next
            }
            Ok(Progress::Incomplete { .. }) => {
                check_query_buffer(core, session, input.len());
                Some(Next::Wait)
            }
            Err(error) => {
                refuse_input(core, session, &error);
                Some(Next::Wait)
            }
        }
    }

    /// What `CLIENT LIST` shows of the input.
    fn show_input(&self, session: &mut Session) {
        session.input_bytes = self.input.len();
        session.input_free_bytes = self.input.capacity() - self.input.len();
    }

    fn consume(&mut self, bytes: usize) {
        self.input.advance(bytes);
        // After large commands more of them may come: the buffer goes after the first small ones.
        let is_large = self.input.capacity() > KEPT_INPUT_BYTES_MAX;
        if is_large && self.input.is_empty() && bytes < KEPT_INPUT_BYTES_MAX {
            self.input = BytesMut::with_capacity(READ_BYTES);
        }
    }

    // ---- waiting -------------------------------------------------------------------------------

    /// Answers for a command whose time is over.
    fn end_wait_in_time(
        &mut self,
        core: &mut Core,
        session: &mut Session,
        context: &mut Context<'_>,
    ) {
        if session.blocked.is_none() {
            self.wait = None;
        }
        if let Some(wait) = &mut self.wait
            && wait.as_mut().poll(context).is_ready()
        {
            self.wait = None;
            core.tick();
            core.time_out(session);
        }
    }

    /// Sets an alarm for a command that began to wait.
    fn follow_wait(&mut self, session: &Session, context: &mut Context<'_>) {
        let deadline = session
            .blocked
            .as_ref()
            .and_then(|blocked| blocked.deadline);
        let Some(deadline) = deadline else {
            return;
        };
        let wait = self
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        if wait.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        }
    }

    fn await_writable(&self, context: &mut Context<'_>) -> Next {
        match self.stream.poll_writable(context) {
            Poll::Pending => Next::Wait,
            Poll::Ready(_) => Next::Again,
        }
    }
}

/// One connection's share of a turn.
struct Turn {
    began: Instant,
    commands_count: usize,
    /// How much of the input has been executed.
    at: usize,
}

impl Turn {
    fn begin(core: &mut Core) -> Self {
        let began = Instant::now();
        core.command_began = began;
        Self {
            began,
            commands_count: 0,
            at: 0,
        }
    }

    /// How long it has taken so far, in microseconds.
    fn micros(&self, core: &Core) -> u64 {
        let elapsed = core.command_began.saturating_duration_since(self.began);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }

    /// Takes note of a command that ended so in the input; says how to go on if the share is used up.
    fn after(&mut self, core: &Core, flow: Flow, end: usize) -> Option<Next> {
        if flow == Flow::Park {
            return Some(Next::Wait);
        }
        self.at = end;
        self.commands_count += 1;
        let is_used_up =
            self.commands_count >= COMMANDS_PER_POLL_MAX || self.micros(core) >= POLL_MICROS_MAX;
        match flow {
            Flow::Stop => Some(Next::Wait),
            _ if is_used_up => Some(Next::Again),
            _ => None,
        }
    }
}

fn limits_of(core: &Core, session: &Session) -> Limits {
    Limits {
        bulk_bytes_max: core.config.bulk_bytes_max,
        stage: if session.is_authenticated {
            Stage::Authenticated
        } else {
            Stage::Unauthenticated
        },
    }
}

/// Closes a connection whose unfinished command has become larger than its buffer may be.
fn check_query_buffer(core: &Core, session: &mut Session, waiting_bytes: usize) {
    if waiting_bytes >= core.config.query_buffer_bytes_max {
        debug!(
            id = session.id.0,
            "connection closed: client-query-buffer-limit reached"
        );
        session.closing = Closing::Now;
    }
}

fn refuse_input(core: &mut Core, session: &mut Session, error: &ProtocolError) {
    debug!(id = session.id.0, %error, "connection closed after malformed input");
    error.write_to(&mut session.out.reply);
    core.settle(session, 0);
    session.closing = Closing::AfterReplies;
}

fn remember_waker(session: &mut Session, context: &Context<'_>) {
    let waker = context.waker();
    if !session
        .waker
        .as_ref()
        .is_some_and(|known| known.will_wake(waker))
    {
        session.waker = Some(waker.clone());
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.step(context) {
            Next::Wait => Poll::Pending,
            Next::Again => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Next::End => Poll::Ready(()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The runtime may drop tasks while the core is borrowed only when the process ends.
        if let Ok(mut core) = self.core.try_borrow_mut() {
            core.remove_session(self.id);
        }
    }
}

/// What a client that nobody knows may leave unread, beside what its socket holds.
const UNAUTHENTICATED_OUTPUT_BYTES_MAX: usize = 1024;

/// Limits on what a client may leave unread: hard at once, soft after a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes; 0 for none.
    pub hard_bytes: usize,
    /// Bytes; 0 for none.
    pub soft_bytes: usize,
    /// How long the soft limit may be exceeded.
    pub soft_seconds: u64,
}

/// `client-output-buffer-limit` by class of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients.
    pub normal: OutputLimit,
    /// Redis replicas.
    pub replica: OutputLimit,
    /// Subscribers.
    pub pubsub: OutputLimit,
}

impl Default for OutputLimits {
    fn default() -> Self {
        let limit = |hard_mib: usize, soft_mib: usize, soft_seconds| OutputLimit {
            hard_bytes: hard_mib << 20,
            soft_bytes: soft_mib << 20,
            soft_seconds,
        };
        Self {
            normal: limit(0, 0, 0),
            replica: limit(256, 64, 60),
            pubsub: limit(32, 8, 60),
        }
    }
}

impl OutputLimits {
    /// Whether a session's output has grown beyond what its class allows.
    pub fn is_exceeded(&self, session: &mut Session) -> bool {
        if !session.is_authenticated && session.out.len() > UNAUTHENTICATED_OUTPUT_BYTES_MAX {
            return true;
        }
        let limit = if session.replica.is_some() {
            self.replica
        } else if session.subscriptions.is_empty() {
            self.normal
        } else {
            self.pubsub
        };
        let bytes = session.out.len();
        if limit.soft_bytes == 0 || bytes < limit.soft_bytes {
            session.over_soft_limit_since = None;
        } else {
            let since = *session
                .over_soft_limit_since
                .get_or_insert_with(Instant::now);
            if since.elapsed() > Duration::from_secs(limit.soft_seconds) {
                return true;
            }
        }
        limit.hard_bytes != 0 && bytes >= limit.hard_bytes
    }
}
