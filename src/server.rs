//! Puts the node together: data directory, log, core thread, listeners; runs until it is told to
//! end, and ends in order.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use holdfast_engine::Keyspace;
use holdfast_engine::values::encodings::Encodings;
use holdfast_raft::{Events, Options, Raft, RaftError};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::connection::Connection;
use crate::core::{Core, Shared, Shutdown};
use crate::identity::{Identity, IdentityError};
use crate::latency::Event;
use crate::net::Stream;
use crate::reaper::Reaper;
use crate::replication::{Phase, Replication};
use crate::scripting::suspended;
use crate::session::{Closing, Session};
use crate::snapshot::files::{self, Generation};
use crate::snapshot::{InstallError, saving};
use crate::{import, loading};

/// How long the core looks out for a commit before it sleeps.
const LOOK_TIME: Duration = Duration::from_micros(400);
/// How many ready tasks run before sockets and other threads are looked at again.
const TASKS_PER_POLL: u32 = 61;
/// Expired keys that one tick of the core removes.
const EXPIRED_PER_TICK_MAX: usize = 256;
/// How often idle sessions are looked for.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// An idle session keeps its input buffer for so long.
const KEEPS_INPUT: Duration = Duration::from_secs(2);
/// How long the end of the process waits for replies to leave.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the server could not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The log cannot be used.
    #[error(transparent)]
    Raft(#[from] RaftError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// An import was begun and not finished.
    #[error("an import into {} was not finished: give --import once more, or remove the directory", .0.display())]
    Unfinished(PathBuf),
    /// The snapshots cannot be listed.
    #[error("cannot look for snapshots in {}: {source}", path.display())]
    Snapshots {
        /// The data directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The snapshot cannot be used.
    #[error("{}: {source}; nothing was changed; look at it with `redis-check-rdb {}`, or put a copy of the data directory in its place", path.display(), path.display())]
    Snapshot {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        source: InstallError,
    },
    /// The runtime cannot be made.
    #[error("cannot start the core thread: {0}")]
    Runtime(io::Error),
}

/// Runs a node until it is told to end. Returns the status for the operating system.
///
/// # Errors
/// The node could not start; nothing was served.
pub fn run(config: Config) -> Result<i32, ServerError> {
    refuse_huge_pages();
    let identity = Identity::load_or_create(&config.dir)?;
    let failed = |source| ServerError::Snapshots {
        path: config.dir.clone(),
        source,
    };
    if config.import.is_none() && import::is_unfinished(&config.dir) {
        return Err(ServerError::Unfinished(config.dir));
    }
    files::remove_temporaries(&config.dir).map_err(failed)?;
    let mut generations = files::list(&config.dir).map_err(failed)?.into_iter();
    let mut result = run_from(&config, &identity, generations.next());
    let Err(ServerError::Snapshot { .. }) = &result else {
        return result;
    };
    // The log was kept from the older snapshot on, for this.
    for generation in generations {
        if let Err(error) = &result {
            error!(%error, older = %generation.path.display(), "ALARM: the newest snapshot is damaged, trying an older one");
        }
        match run_from(&config, &identity, Some(generation)) {
            Err(error) => error!(%error, "the older snapshot does not help"),
            ended => {
                result = ended;
                break;
            }
        }
    }
    result
}

/// Runs a node that begins with this snapshot, or with an empty keyspace.
fn run_from(
    config: &Config,
    identity: &Identity,
    generation: Option<Generation>,
) -> Result<i32, ServerError> {
    let mut options = Options::new(identity.node_id, config.dir.clone(), identity.log_id);
    options.wal.method = config.wal_method;
    let segment_bytes = options.wal.segment_bytes;
    if let Some(generation) = &generation {
        let place = files::place_of(generation).map_err(|source| ServerError::Snapshot {
            path: generation.path.clone(),
            source,
        })?;
        options.snapshot = Some(place.position);
    }
    let (raft, events) = Raft::start(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(TASKS_PER_POLL)
        .global_queue_interval(TASKS_PER_POLL)
        .build()
        .map_err(ServerError::Runtime)?;
    let keyspace = keyspace(config, identity.hash_seed);
    let replication = Replication::new(
        raft.clone(),
        config.replication,
        config.dir.clone(),
        identity.log_id,
    );
    let mut core = Core::new(
        config.clone(),
        keyspace,
        replication,
        Reaper::start(),
        identity.log_id,
    );
    let segments = raft.status().wal.segments_count.saturating_sub(1);
    core.log_bytes_at_start = segments as u64 * segment_bytes;
    core.take_effect();
    let shared = Rc::new(RefCell::new(core));
    let local = tokio::task::LocalSet::new();
    let result = local.block_on(&runtime, serve(&shared, events, generation));
    raft.shutdown();
    result.map(|shutdown| {
        info!(reason = shutdown.reason, "stopped");
        shutdown.exit_code
    })
}

/// A huge page is cleared when it is first touched: milliseconds in which nobody is served, for
/// each two megabytes of growth. Small pages cost microseconds (benches/RESULTS.md).
fn refuse_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        warn!(%error, "transparent huge pages cannot be turned off; growth may stall commands");
    }
}

fn keyspace(config: &Config, hash_seed: u64) -> Keyspace {
    let encodings = Encodings {
        seed: holdfast_engine::hashing::HashSeed(hash_seed),
        ..config.encodings
    };
    Keyspace::new(
        config.databases_count,
        encodings,
        crate::identity::random_u64(),
    )
}

async fn serve(
    shared: &Shared,
    events: Events,
    generation: Option<Generation>,
) -> Result<Shutdown, ServerError> {
    let config = shared.borrow().config.clone();
    let listeners = listen(&config)?;
    let unix_listener = listen_unix(&config)?;
    let learner = tokio::task::spawn_local(learn(Rc::clone(shared), events, generation.clone()));
    tokio::task::spawn_local(close_turns(Rc::clone(shared)));
    tokio::task::spawn_local(look_after(Rc::clone(shared)));
    if let Some(path) = config.import.clone() {
        shared.borrow_mut().importing = true;
        tokio::task::spawn_local(import::import(Rc::clone(shared), path));
    }
    tokio::task::spawn_local(saving::walk(Rc::clone(shared)));
    tokio::task::spawn_local(saving::attend(Rc::clone(shared)));
    tokio::task::spawn_local(suspended::go_on(Rc::clone(shared)));
    if let Some(listener) = unix_listener {
        tokio::task::spawn_local(accept(Rc::clone(shared), listener));
    }
    tokio::task::spawn_local(accept_at(Rc::clone(shared), listeners));
    let shutdown = until_shutdown(shared).await;
    if let Some(source) = loading::take_failure(shared) {
        let path = generation.map(|generation| generation.path);
        return Err(ServerError::Snapshot {
            path: path.unwrap_or_default(),
            source,
        });
    }
    save_at_end(shared).await;
    drain(shared).await;
    learner.abort();
    Ok(shutdown)
}

// ---- listening ---------------------------------------------------------------------------------

/// A socket that clients connect to.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Listens on the addresses of `bind` at the port.
pub(crate) fn listen(config: &Config) -> Result<Vec<Listener>, ServerError> {
    let mut listeners = Vec::new();
    if config.port != 0 {
        for bind in &config.bind {
            let (bind, is_optional) = bind
                .strip_prefix('-')
                .map_or((bind.as_str(), false), |bind| (bind, true));
            match listen_tcp(bind, config) {
                Ok(listener) => listeners.push(Listener::Tcp(listener)),
                Err(error) if is_optional => info!(bind, %error, "not listening there"),
                Err(source) => {
                    let address = format!("{bind}:{}", config.port);
                    return Err(ServerError::Listen { address, source });
                }
            }
        }
    }
    info!(port = config.port, dir = %config.dir.display(), "listening");
    Ok(listeners)
}

fn listen_tcp(bind: &str, config: &Config) -> io::Result<TcpListener> {
    let host = match bind {
        "*" => "0.0.0.0",
        "::*" => "::",
        host => host,
    };
    let address = (host, config.port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(config.tcp_backlog)
}

fn listen_unix(config: &Config) -> Result<Option<Listener>, ServerError> {
    let Some(path) = &config.unix_socket else {
        return Ok(None);
    };
    let listener = listen_at_path(path, config.unix_socket_mode);
    let listener = listener.map_err(|source| ServerError::Listen {
        address: path.display().to_string(),
        source,
    })?;
    Ok(Some(Listener::Unix(listener)))
}

fn listen_at_path(path: &std::path::Path, mode: Option<u32>) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(listener)
}

/// Accepts at these sockets until `CONFIG SET port` puts others in their place.
async fn accept_at(shared: Shared, mut listeners: Vec<Listener>) {
    let (sender, mut replacements) = tokio::sync::mpsc::unbounded_channel();
    shared.borrow_mut().listener_changes = Some(sender);
    loop {
        let tasks: Vec<_> = listeners
            .into_iter()
            .map(|listener| tokio::task::spawn_local(accept(Rc::clone(&shared), listener)))
            .collect();
        let Some(next) = replacements.recv().await else {
            return;
        };
        for task in tasks {
            task.abort();
        }
        listeners = next;
    }
}

async fn accept(shared: Shared, listener: Listener) {
    loop {
        let accepted = match &listener {
            Listener::Tcp(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Stream::Tcp(stream)),
            Listener::Unix(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Stream::Unix(stream)),
        };
        match accepted {
            Ok(stream) => welcome(&shared, stream),
            Err(error) => {
                // Out of file descriptors, most likely: the next attempt would fail at once, too.
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn welcome(shared: &Shared, stream: Stream) {
    let mut core = shared.borrow_mut();
    core.stats.connections += 1;
    if let Some(refusal) = refusal(&core, &stream) {
        core.stats.connections_rejected += 1;
        // Best effort: a client that does not take these few bytes loses nothing.
        drop(stream.try_write(refusal));
        return;
    }
    if let Stream::Tcp(tcp) = &stream
        && let Err(error) = prepare_tcp(tcp, core.config.tcp_keepalive_seconds)
    {
        warn!(%error, "cannot set the options of a socket");
    }
    let stream = Rc::new(stream);
    let id = core.sessions.next_id();
    let is_authenticated = core.config.passwords.is_empty();
    core.sessions
        .add(Session::new(id, Rc::clone(&stream), is_authenticated));
    drop(core);
    tokio::task::spawn_local(Connection::new(Rc::clone(shared), id, stream));
}

/// What a client is told that may not connect.
fn refusal(core: &Core, stream: &Stream) -> Option<&'static [u8]> {
    if core.sessions.len() >= core.config.clients_max {
        return Some(b"-ERR max number of clients reached\r\n");
    }
    let is_remote = stream
        .peer()
        .is_some_and(|peer| !peer.ip().to_canonical().is_loopback());
    if is_remote && core.config.protected_mode && core.config.passwords.is_empty() {
        return Some(
            b"-DENIED Holdfast runs in protected mode: it has no password and serves local clients only. \
              Set `requirepass`, or `protected-mode no` if every host that can connect may read and write all data.\r\n",
        );
    }
    None
}

fn prepare_tcp(stream: &tokio::net::TcpStream, keepalive_seconds: u32) -> io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    if keepalive_seconds > 0 {
        let interval = Duration::from_secs(u64::from(keepalive_seconds / 3).max(1));
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, Duration::from_secs(u64::from(keepalive_seconds)))?;
        sockopt::set_tcp_keepintvl(stream, interval)?;
        sockopt::set_tcp_keepcnt(stream, 3)?;
    }
    Ok(())
}

// ---- the core's own tasks ----------------------------------------------------------------------

/// Takes in what Raft says, and lets go of the replies that waited for it.
async fn learn(shared: Shared, mut events: Events, generation: Option<Generation>) {
    if let Some(generation) = generation
        && !loading::load(&shared, generation).await
    {
        return;
    }
    let mut batch = Vec::new();
    loop {
        await_events(&shared, &events).await;
        events.drain(&mut batch);
        let learned = shared.borrow_mut().learn(&mut batch);
        if let Err(error) = learned {
            error!(%error, "this node cannot go on");
            shared
                .borrow_mut()
                .request_shutdown(1, "replication failed");
            return;
        }
    }
}

/// Waits for Raft. While a few clients wait for a batch, it looks again and again for a moment rather
/// than sleep: being woken would cost them a quarter of the whole way. With many clients there is
/// other work, and sleeping leaves the processor to the log.
async fn await_events(shared: &Shared, events: &Events) {
    let proposed = Rc::clone(&shared.borrow().proposed);
    loop {
        tokio::select! {
            biased;
            () = events.ready() => return,
            () = proposed.notified() => {}
        }
        let began = Instant::now();
        while !events.is_ready() && began.elapsed() < LOOK_TIME && shared.borrow().few_wait() {
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }
}

/// Ends each turn: runs after all tasks that were ready when the turn's first effect was made.
async fn close_turns(shared: Shared) {
    poll_fn(|context| {
        let mut core = shared.borrow_mut();
        if core.await_close(context.waker()) {
            core.close_turn();
            core.await_close(context.waker());
        }
        Poll::<()>::Pending
    })
    .await;
}

/// Expiry, idle clients, rates: what must happen without a command.
async fn look_after(shared: Shared) {
    loop {
        let hz = shared.borrow().config.hz.clamp(1, 500);
        tokio::time::sleep(Duration::from_millis(u64::from(1000 / hz))).await;
        let mut core = shared.borrow_mut();
        if !core.debug.cron_is_paused {
            core.look_after();
        }
    }
}

impl Core {
    fn look_after(&mut self) {
        self.tick();
        self.stats.sample_rate();
        self.replication.propose_again();
        self.release();
        self.report_loading();
        self.save_if_due();
        if self.debug.cron_is_paused || self.scripts.is_busy() {
            return;
        }
        self.note_longest_fsync();
        self.look_after_replicas();
        self.look_after_idle_sessions();
        self.end_pause_in_time();
        let is_open = self.replication.may_serve() && !self.importing;
        if is_open && !self.replication.is_full() && !self.pause.is_active() {
            self.expire_due();
        }
    }

    fn expire_due(&mut self) {
        self.replicas.unit_only_reads = true;
        let effects = &mut self.replication.effects;
        if self.active_expiry {
            let started = Instant::now();
            self.keyspace.expire_due(effects, EXPIRED_PER_TICK_MAX);
            self.note_latency(Event::ExpireCycle, started.elapsed());
        }
        self.settle_effects();
        if self.keyspace.interest.any_touched() {
            self.after_touch();
        }
        self.flush_others();
    }

    /// Notes that something took as long as this, for LATENCY.
    pub(crate) fn note_latency(&mut self, event: Event, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latency
            .note(event, micros, self.config.latency_threshold_ms);
    }

    fn note_longest_fsync(&mut self) {
        // The status is a picture that is drawn on demand: not for a monitor that is off.
        if self.config.latency_threshold_ms > 0 {
            let longest = self.replication.raft().status().wal.sync_max;
            let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
            self.latency
                .note_longest_fsync(micros, self.config.latency_threshold_ms);
        }
    }

    /// Once a second: closes those whose time is over, and takes the input buffers of the others.
    fn look_after_idle_sessions(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.idle_checked) < IDLE_CHECK_INTERVAL {
            return;
        }
        self.idle_checked = now;
        let timeout = Duration::from_secs(self.config.timeout_seconds);
        for session in self.sessions.iter_mut() {
            let idle = now.duration_since(session.active);
            let may_idle = session.blocked.is_some()
                || !session.subscriptions.is_empty()
                || session.is_monitor;
            if !may_idle && !timeout.is_zero() && idle > timeout {
                session.closing = Closing::Now;
                session.wake();
            } else if idle > KEEPS_INPUT && session.input_bytes == 0 && session.input_free_bytes > 0
            {
                session.gives_input_back = true;
                session.wake();
            }
        }
    }
}

// ---- the end -----------------------------------------------------------------------------------

async fn until_shutdown(shared: &Shared) -> Shutdown {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        warn!("signals cannot be caught; use SHUTDOWN to end the process in order");
        return asked_by_command(shared).await;
    };
    tokio::select! {
        _ = terminate.recv() => shared.borrow_mut().request_shutdown(0, "SIGTERM"),
        _ = interrupt.recv() => shared.borrow_mut().request_shutdown(0, "SIGINT"),
        _ = asked_by_command(shared) => {}
    }
    asked_by_command(shared).await
}

async fn asked_by_command(shared: &Shared) -> Shutdown {
    loop {
        if let Some(shutdown) = shared.borrow().shutdown.clone() {
            return shutdown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Takes the snapshot that SHUTDOWN asked for. If it fails nothing is lost: the log holds all.
async fn save_at_end(shared: &Shared) {
    {
        let mut core = shared.borrow_mut();
        if !core.saves_at_end || !core.replication.may_serve() {
            return;
        }
        core.request_save();
    }
    loop {
        {
            let core = shared.borrow();
            let is_leading = core.replication.phase() == Phase::Leading;
            if !core.snapshots.is_busy() || !is_leading {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Lets what was executed be committed and its replies leave.
async fn drain(shared: &Shared) {
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    info!("shutting down: waiting for the last writes to be committed");
    loop {
        {
            let mut core = shared.borrow_mut();
            if core.scripts.is_busy() {
                // What the script did so far is in no batch: the log will hold nothing of it.
                core.replication.effects.take();
            }
            core.close_turn();
            let is_busy = core.replication.uncommitted_bytes() > 0
                || !core.scripts.is_busy()
                    && core.sessions.iter().any(|session| !session.out.is_empty());
            if !is_busy || Instant::now() >= deadline {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
