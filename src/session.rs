//! One client connection's state, as the core keeps it. The socket's task is in `connection`.

use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

use holdfast_engine::OnTimeout;
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_resp::Protocol;

use crate::net::Stream;
use crate::outgoing::Outgoing;
use crate::replica_link::Replica;

/// Names a session for ever: ids are not used twice while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A command line that owns its words.
pub type OwnedCommand = Vec<Box<[u8]>>;

/// Whether and when the connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// It goes on.
    #[default]
    No,
    /// Once everything has been sent; nothing more is read.
    AfterReplies,
    /// At once.
    Now,
}

/// What `CLIENT REPLY` asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// Replies are sent.
    #[default]
    On,
    /// No replies at all.
    Off,
    /// The command after this one gets no reply.
    SkipNext,
    /// This command gets no reply.
    Skip,
}

/// A command that waits for a key.
#[derive(Debug)]
pub struct Blocked {
    /// The command as it was given.
    pub command: OwnedCommand,
    /// The database in which it runs.
    pub database: DatabaseIndex,
    /// The keys for which it waits.
    pub keys: Vec<Box<[u8]>>,
    /// When it gives up.
    pub deadline: Option<Instant>,
    /// What it answers then.
    pub on_timeout: OnTimeout,
}

/// The commands between MULTI and EXEC.
#[derive(Debug, Default)]
pub struct Transaction {
    /// Those that were queued.
    pub commands: Vec<OwnedCommand>,
    /// One could not be queued: EXEC refuses.
    pub is_broken: bool,
    /// Their bytes, against the limit on queued commands.
    pub bytes: usize,
}

/// What a session is subscribed to.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// Channels, in order of subscription.
    pub channels: Vec<Box<[u8]>>,
    /// Patterns, in order of subscription.
    pub patterns: Vec<Box<[u8]>>,
    /// Shard channels, in order of subscription.
    pub shard_channels: Vec<Box<[u8]>>,
}

impl Subscriptions {
    /// Channels and patterns together: what replies to SUBSCRIBE count.
    pub fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Whether there is none of any kind.
    pub fn is_empty(&self) -> bool {
        self.count() == 0 && self.shard_channels.is_empty()
    }
}

/// One client connection.
#[derive(Debug)]
pub struct Session {
    /// Its id, as `CLIENT ID` answers.
    pub id: SessionId,
    /// Its socket.
    pub stream: Rc<Stream>,
    /// What it has to send.
    pub out: Outgoing,
    /// The batch that the reply being made depends on, for commands of the server itself.
    pub need: u64,
    /// Its selected database.
    pub database: DatabaseIndex,
    /// The name given by `CLIENT SETNAME`.
    pub name: Box<[u8]>,
    /// `CLIENT SETINFO LIB-NAME` and `LIB-VER`.
    pub library: (Box<[u8]>, Box<[u8]>),
    /// Whether it may run commands.
    pub is_authenticated: bool,
    /// `CLIENT NO-EVICT`.
    pub no_evict: bool,
    /// `CLIENT NO-TOUCH`.
    pub no_touch: bool,
    /// It is not a connection's: a script's commands run in it.
    pub is_script: bool,
    /// It is fed every command by MONITOR.
    pub is_monitor: bool,
    /// It is a Redis replica, which is fed the effects.
    pub replica: Option<Box<Replica>>,
    /// `CLIENT REPLY`.
    pub reply_mode: ReplyMode,
    /// Between MULTI and EXEC.
    pub transaction: Option<Transaction>,
    /// Keys that it watches.
    pub watched: Vec<Watched>,
    /// What it is subscribed to.
    pub subscriptions: Subscriptions,
    /// Whether the command that runs may wait: not inside EXEC.
    pub may_block: bool,
    /// The command that it waits with.
    pub blocked: Option<Blocked>,
    /// Whether the connection ends.
    pub closing: Closing,
    /// When it connected.
    pub since: Instant,
    /// When it last sent something.
    pub active: Instant,
    /// The last command's name.
    pub last_command: &'static str,
    /// How many commands it ran.
    pub commands_count: u64,
    /// Bytes read and not executed, as `CLIENT LIST` shows them.
    pub input_bytes: usize,
    /// Room in the buffer of what was read.
    pub input_free_bytes: usize,
    /// It has been idle: its task frees that buffer.
    pub gives_input_back: bool,
    /// Total bytes that it sent and received.
    pub traffic: Traffic,
    /// Since when its output has been over the soft limit.
    pub over_soft_limit_since: Option<Instant>,
    /// Wakes its task.
    pub waker: Option<Waker>,
}

/// A watched key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Its database.
    pub database: DatabaseIndex,
    /// The key.
    pub key: Box<[u8]>,
    /// It held a value when it was watched: that it expires is a change, then.
    pub was_alive: bool,
}

/// Bytes through a socket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// From the client.
    pub received: u64,
    /// To the client.
    pub sent: u64,
}

impl Session {
    /// A connection that was just accepted.
    pub fn new(id: SessionId, stream: Rc<Stream>, is_authenticated: bool) -> Self {
        Self::new_at(Instant::now(), id, stream, is_authenticated)
    }

    fn new_at(now: Instant, id: SessionId, stream: Rc<Stream>, is_authenticated: bool) -> Self {
        Self {
            id,
            stream,
            out: Outgoing::new(Protocol::Resp2),
            need: 0,
            database: DatabaseIndex::default(),
            name: Box::default(),
            library: Default::default(),
            is_authenticated,
            no_evict: false,
            no_touch: false,
            is_script: false,
            is_monitor: false,
            replica: None,
            reply_mode: ReplyMode::On,
            transaction: None,
            watched: Vec::new(),
            subscriptions: Subscriptions::default(),
            may_block: true,
            blocked: None,
            closing: Closing::No,
            since: now,
            active: now,
            last_command: "NULL",
            commands_count: 0,
            input_bytes: 0,
            input_free_bytes: 0,
            gives_input_back: false,
            traffic: Traffic::default(),
            over_soft_limit_since: None,
            waker: None,
        }
    }

    /// A session for the commands of a script that this one called.
    pub(crate) fn for_script(&self) -> Self {
        // One of these is made for each script: it costs no look at the clock.
        let mut session = Self::new_at(self.since, self.id, Rc::clone(&self.stream), true);
        session.database = self.database;
        session.no_touch = self.no_touch;
        session.name = self.name.clone();
        session.may_block = false;
        session.is_script = true;
        session
    }

    /// Lets its task run once more: it was unblocked, is to be closed, or has something to send.
    pub fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// The client's address, as `CLIENT LIST` shows it.
    pub fn address(&self) -> String {
        self.stream
            .peer()
            .map_or_else(|| "/unix".to_owned(), |peer| peer.to_string())
    }

    /// In RESP2, a session with subscriptions may only change them.
    pub fn is_in_subscriber_mode(&self) -> bool {
        self.out.reply.protocol() == Protocol::Resp2 && !self.subscriptions.is_empty()
    }

    /// Sends what may leave, as far as the socket takes it. Returns whether all of it is gone.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self) -> std::io::Result<bool> {
        loop {
            let bytes = self.out.sendable();
            if bytes.is_empty() {
                return Ok(true);
            }
            match self.stream.try_write(bytes) {
                Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.traffic.sent += count as u64;
                    self.out.advance(count);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}
