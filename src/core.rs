//! The core: everything that the one thread of commands works on. Tasks of that thread share it
//! through [`Shared`] and borrow it between two awaits only.
//!
//! What always holds: a reply leaves through [`crate::outgoing::Outgoing`] only; whatever executes
//! a command ends in [`Core::settle`], which holds, wakes, publishes and closes the batch.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

use holdfast_engine::Keyspace;
use holdfast_engine::commands::CommandTable as EngineTable;
use holdfast_raft::Event;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tracing::info;

use crate::blocked::BlockedKeys;
use crate::clock::LeaderClock;
use crate::commands::debug::DebugSwitches;
use crate::config::Config;
use crate::latency::LatencyMonitor;
use crate::loading::Loading;
use crate::pubsub::{Message, PubSub};
use crate::reaper::Reaper;
use crate::registry::Registry;
use crate::replica_link::ReplicaLinks;
use crate::replication::{Change, Phase, Replication, ReplicationError};
use crate::scripting::Scripts;
use crate::server::Listener;
use crate::session::{Closing, Session, SessionId};
use crate::sessions::Sessions;
use crate::snapshot::Snapshots;
use crate::stats::Stats;
use crate::watch::Watches;

/// The core, as the tasks of its thread share it.
pub type Shared = Rc<RefCell<Core>>;

/// What a client is told whose write was executed and whose outcome this node will not learn.
const UNKNOWN_OUTCOME: &str = "UNKNOWN the outcome of this command is not known: this node lost its leadership before the commit";

/// So many clients that wait for a commit are few: the core looks out for it rather than sleep.
const FEW_SESSIONS: usize = 4;

/// All state of the core thread.
#[derive(Debug)]
pub struct Core {
    /// The configuration in force.
    pub config: Config,
    /// All data.
    pub keyspace: Keyspace,
    /// The engine's own commands, for replay.
    pub engine_table: EngineTable,
    /// Every command that clients can send.
    pub registry: Rc<Registry>,
    /// The write path.
    pub replication: Replication,
    /// The leader's time.
    pub clock: LeaderClock,
    /// All sessions.
    pub sessions: Sessions,
    /// Channels and their subscribers.
    pub pubsub: PubSub,
    /// Keys and the sessions that wait for them.
    pub blocked: BlockedKeys,
    /// Keys and the sessions that watch them.
    pub watches: Watches,
    /// Sessions that MONITOR feeds.
    pub monitors: Vec<SessionId>,
    /// Counters for INFO and the slow log.
    pub stats: Stats,
    /// Events that took long, for LATENCY.
    pub latency: LatencyMonitor,
    /// Redis servers that follow this one.
    pub replicas: ReplicaLinks,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// The identity of the log.
    pub log_id: [u8; 16],
    /// About how large the log was when this process started.
    pub log_bytes_at_start: u64,
    /// Whether an import is under way: nothing is served before it is finished.
    pub importing: bool,
    /// Whether a snapshot is to be taken before the process ends.
    pub saves_at_end: bool,
    /// The load of a snapshot at start.
    pub loading: Loading,
    /// What DEBUG has switched.
    pub debug: DebugSwitches,
    /// Where large values are freed.
    pub reaper: Reaper,
    /// Whether keys expire without being looked at (`DEBUG SET-ACTIVE-EXPIRE`).
    pub active_expiry: bool,
    /// Takes the sockets that are to be accepted at from now on.
    pub(crate) listener_changes: Option<UnboundedSender<Vec<Listener>>>,
    /// When the running command began: where the one before it ended, so that a command costs one
    /// look at the clock. Whoever calls commands outside of a pipeline sets it before.
    pub(crate) command_began: Instant,
    /// When idle sessions were last looked for.
    pub idle_checked: Instant,
    /// Scripts and functions.
    pub scripts: Scripts,
    /// Whether commands wait because of CLIENT PAUSE.
    pub pause: crate::commands::client::Pause,
    /// Names this run of the process, in 40 hexadecimal digits.
    pub run_id: String,
    /// Bytes in use before the first key.
    pub startup_bytes: usize,
    /// Why the process ends, once it does.
    pub shutdown: Option<Shutdown>,
    /// Batches and the sessions with replies held for them, oldest batch first.
    waiting: VecDeque<(u64, Vec<SessionId>)>,
    /// Sessions whose write command waits for room in the queue of uncommitted work.
    parked: Vec<SessionId>,
    /// Messages for a session that was executing when they were made.
    late_messages: Vec<(SessionId, Message)>,
    /// Sessions that were given something to send while another one ran.
    to_flush: Vec<SessionId>,
    /// Runs at the end of a turn.
    closer: Option<Waker>,
    closer_is_due: bool,
    /// Tells that a batch was proposed for which few clients wait.
    pub(crate) proposed: Rc<Notify>,
}

/// How the process is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The status for the operating system.
    pub exit_code: i32,
    /// What the last line of the log says.
    pub reason: String,
}

impl Core {
    /// A core that has not learned anything from the log yet.
    pub fn new(
        config: Config,
        keyspace: Keyspace,
        replication: Replication,
        reaper: Reaper,
        log_id: [u8; 16],
    ) -> Self {
        Self {
            stats: Stats::new(&config),
            config,
            keyspace,
            engine_table: EngineTable::default(),
            registry: Rc::new(Registry::new()),
            replication,
            clock: LeaderClock::start(0),
            sessions: Sessions::default(),
            pubsub: PubSub::default(),
            blocked: BlockedKeys::default(),
            watches: Watches::default(),
            monitors: Vec::new(),
            latency: LatencyMonitor::default(),
            replicas: ReplicaLinks::default(),
            snapshots: Snapshots::default(),
            log_id,
            log_bytes_at_start: 0,
            importing: false,
            saves_at_end: false,
            loading: Loading::default(),
            debug: DebugSwitches::default(),
            reaper,
            active_expiry: true,
            listener_changes: None,
            command_began: Instant::now(),
            idle_checked: Instant::now(),
            scripts: Scripts::default(),
            pause: Default::default(),
            run_id: crate::identity::random_hex(),
            startup_bytes: crate::allocator::used_bytes(),
            shutdown: None,
            waiting: VecDeque::new(),
            parked: Vec::new(),
            late_messages: Vec::new(),
            to_flush: Vec::new(),
            closer: None,
            closer_is_due: false,
            proposed: Rc::default(),
        }
    }

    /// Sets the time at which commands run now.
    pub fn tick(&mut self) {
        if self.scripts.is_busy() {
            return; // time stands still for a script, as in Redis
        }
        let now_ms = self.clock.now_ms();
        self.keyspace.set_now_ms(now_ms);
    }

    // ---- after a command -----------------------------------------------------------------------

    /// Ends what a session did: its reply is held or released, and all that the command caused is
    /// carried out. `need` is the batch that the reply depends on.
    pub fn settle(&mut self, session: &mut Session, need: u64) {
        if session.out.finish(need, self.replication.committed()) {
            self.wait_for(need, session.id);
        }
        self.settle_effects();
        if !self.late_messages.is_empty() {
            self.deliver_late(session);
        }
    }

    /// Carries out what commands caused beside replies.
    pub fn settle_effects(&mut self) {
        self.feed_replicas();
        if !self.keyspace.discarded.is_empty() {
            let discarded = std::mem::take(&mut self.keyspace.discarded);
            self.reaper.free(discarded);
        }
        if !self.keyspace.notices.is_empty() {
            self.publish_notices();
        }
        if !self.replication.effects.is_empty() {
            self.schedule_close();
        }
    }

    /// Has a session woken once the running one is done.
    pub(crate) fn flush_later(&mut self, id: SessionId) {
        self.to_flush.push(id);
    }

    pub(crate) fn wait_for(&mut self, need: u64, id: SessionId) {
        match self
            .waiting
            .iter_mut()
            .rev()
            .find(|(batch, _)| *batch <= need)
        {
            Some((batch, ids)) if *batch == need => ids.push(id),
            _ => {
                let at = self.waiting.partition_point(|(batch, _)| *batch < need);
                self.waiting.insert(at, (need, vec![id]));
            }
        }
    }

    fn publish_notices(&mut self) {
        let classes = self.keyspace.notify;
        for notice in std::mem::take(&mut self.keyspace.notices) {
            for (channel, payload) in crate::pubsub::notification(&notice, classes) {
                self.publish(&channel, &payload);
            }
        }
    }

    /// Publishes a message; returns how many sessions get it.
    pub fn publish(&mut self, channel: &[u8], payload: &[u8]) -> usize {
        let deliveries = self.pubsub.deliveries(channel, payload);
        let count = deliveries.len();
        for (id, message) in deliveries {
            self.deliver(id, message);
        }
        count
    }

    /// Gives a session a pushed message. It depends on every effect so far (RULES.md 5).
    pub fn deliver(&mut self, id: SessionId, message: Message) {
        let need = self.keyspace.dirty.need_of_all();
        let committed = self.replication.committed();
        let Some(session) = self.sessions.get_mut(id) else {
            self.late_messages.push((id, message));
            return;
        };
        message.write(&mut session.out.reply);
        if session.out.finish(need, committed) {
            self.wait_for(need, id);
        }
        self.to_flush.push(id);
    }

    fn deliver_late(&mut self, session: &mut Session) {
        let need = self.keyspace.dirty.need_of_all();
        for (id, message) in std::mem::take(&mut self.late_messages) {
            // A session that is gone gets nothing.
            if id == session.id {
                message.write(&mut session.out.reply);
                if session.out.finish(need, self.replication.committed()) {
                    self.wait_for(need, id);
                }
            }
        }
    }

    /// Wakes the sessions that were given something while others ran.
    pub fn flush_others(&mut self) {
        while let Some(id) = self.to_flush.pop() {
            if let Some(session) = self.sessions.get(id) {
                session.wake();
            }
        }
    }

    // ---- turns ---------------------------------------------------------------------------------

    fn schedule_close(&mut self) {
        if self.replication.batch_is_large() {
            self.replication.close(&mut self.keyspace);
        }
        self.wake_closer();
    }

    /// Lets the turn be closed once all tasks that are ready now have run.
    pub(crate) fn wake_closer(&mut self) {
        if !self.closer_is_due
            && let Some(closer) = &self.closer
        {
            self.closer_is_due = true;
            closer.wake_by_ref();
        }
    }

    /// The turn has ended: proposes what it filled.
    pub fn close_turn(&mut self) {
        self.closer_is_due = false;
        self.feed_replicas();
        self.replication.close(&mut self.keyspace);
        if self.few_wait() {
            self.proposed.notify_one();
        }
        self.begin_save_if_due();
    }

    /// Whether some clients wait for a commit, and only a few.
    pub(crate) fn few_wait(&self) -> bool {
        let waiting = self.waiting.iter().map(|(_, ids)| ids.len()).sum::<usize>();
        (1..=FEW_SESSIONS).contains(&waiting)
    }

    /// Registers the task that calls [`Core::close_turn`]. Returns whether it is to do so now.
    pub fn await_close(&mut self, waker: &Waker) -> bool {
        if self.closer_is_due {
            return true;
        }
        if !self
            .closer
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.closer = Some(waker.clone());
        }
        false
    }

    /// Remembers a session whose write command found the queue of uncommitted work full.
    pub fn park(&mut self, id: SessionId) {
        self.parked.push(id);
    }

    // ---- what the log says ---------------------------------------------------------------------

    /// Takes in what Raft has to say.
    ///
    /// # Errors
    /// The process must stop.
    pub fn learn(&mut self, events: &mut Vec<Event>) -> Result<(), ReplicationError> {
        for event in events.drain(..) {
            let change = self
                .replication
                .learn(event, &mut self.keyspace, &self.engine_table)?;
            match change {
                None | Some(Change::Committed) => self.place_save(),
                Some(Change::Leading) => self.begin_leading(),
                Some(Change::Frozen) => self.freeze(),
                Some(Change::RolledBack) => {
                    self.drop_unplaced_save();
                    self.drop_suspended();
                    self.fail_held();
                }
            }
        }
        self.release();
        if !self.keyspace.discarded.is_empty() {
            self.settle_effects();
        }
        self.feed_replicas();
        self.replication.close(&mut self.keyspace);
        self.begin_save_if_due();
        Ok(())
    }

    /// Sends the replies whose batches are committed, and lets parked sessions go on.
    pub fn release(&mut self) {
        if !self.replication.may_serve() {
            return;
        }
        let committed = self.replication.committed();
        while let Some((need, _)) = self.waiting.front()
            && *need <= committed
        {
            let (_, ids) = self
                .waiting
                .pop_front()
                .expect("its front was just looked at");
            for id in ids {
                self.release_session(id, committed);
            }
        }
        if !self.parked.is_empty() && !self.replication.is_full() {
            for id in std::mem::take(&mut self.parked) {
                if let Some(session) = self.sessions.get(id) {
                    session.wake();
                }
            }
        }
    }

    fn release_session(&mut self, id: SessionId, committed: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.out.release(committed);
        let sent = session.send();
        // The session's own task deals with a full socket, a broken one and an end that waited.
        if !matches!(sent, Ok(true)) || session.closing != Closing::No || session.blocked.is_some()
        {
            session.wake();
        }
    }

    fn begin_leading(&mut self) {
        self.clock = LeaderClock::start(self.replication.log_time_ms());
        self.tick();
        let keys: usize = (0..self.keyspace.databases_count())
            .map(|index| {
                self.keyspace
                    .len(holdfast_engine::keyspace::DatabaseIndex(index))
            })
            .sum();
        info!(keys, "ready to accept commands");
    }

    fn freeze(&mut self) {
        self.fail_blocked();
        self.close_replicas();
        if self.replication.phase() == Phase::Following {
            self.fail_held();
        }
    }

    /// Ends every session that has a reply whose outcome this node will not learn (RULES.md 6).
    fn fail_held(&mut self) {
        self.waiting.clear();
        self.parked.clear();
        for session in self.sessions.iter_mut() {
            if session.out.is_holding() {
                session.out.drop_held();
                session.out.reply.error(UNKNOWN_OUTCOME);
                session.out.release_all();
                session.closing = Closing::AfterReplies;
            } else if !session.subscriptions.is_empty() || session.is_monitor {
                session.closing = Closing::AfterReplies;
            }
            session.wake();
        }
    }

    fn fail_blocked(&mut self) {
        for id in self.sessions.ids() {
            if self
                .sessions
                .get(id)
                .is_some_and(|session| session.blocked.is_some())
                && !self.scripts.runs_for(id)
            {
                self.unblock_with_error(
                    id,
                    "UNBLOCKED this node no longer leads; the command did nothing",
                );
            }
        }
    }

    // ---- ends ----------------------------------------------------------------------------------

    /// Asks for the end of the process.
    pub fn request_shutdown(&mut self, exit_code: i32, reason: &str) {
        self.shutdown.get_or_insert_with(|| Shutdown {
            exit_code,
            reason: reason.to_owned(),
        });
    }

    /// Forgets a session: its socket is closed when its task ends.
    pub fn remove_session(&mut self, id: SessionId) {
        let Some(mut session) = self.sessions.remove(id) else {
            return;
        };
        self.forget_blocked(&mut session);
        self.unwatch(&mut session);
        self.pubsub.forget(id, &session.subscriptions);
        self.monitors.retain(|&monitor| monitor != id);
        self.replicas.forget(id);
    }

    /// Seconds since the process started.
    pub fn uptime_seconds(&self) -> u64 {
        Instant::now().duration_since(self.stats.since).as_secs()
    }
}
