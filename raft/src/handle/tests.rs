//! The node as the server sees it: proposals in, events out, across restarts.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_wal::storage::{Crash, SimulatedDisk};
use holdfast_wal::{Failure, Method, WalError};

use crate::{
    Entry, EntryKind, Event, Events, NodeState, Options, ProposeError, Raft, RaftError, Rejection,
    SnapshotPosition,
};

const LOG_ID: [u8; 16] = *b"raft-node-tests!";
const PATIENCE: Duration = Duration::from_secs(20);

fn options(dir: &Path) -> Options {
    let mut options = Options::new(1, dir.to_owned(), LOG_ID);
    options.wal.segment_bytes = 1 << 20;
    options.wal.spares_count = 0;
    options.wal.reserve_count = 1;
    options
}

/// A node and all that it has said.
struct Client {
    raft: Raft,
    events: Events,
    seen: Vec<Event>,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    fn start(options: Options) -> Self {
        Self::of(Raft::start(options).expect("the node starts"))
    }

    fn of((raft, events): (Raft, Events)) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        Self {
            raft,
            events,
            seen: Vec::new(),
            runtime,
        }
    }

    /// Collects events until one satisfies `wanted`.
    fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let before = Instant::now();
        let mut looked_at = self.seen.len();
        loop {
            if let Some(event) = self.seen.iter().skip(looked_at).find(|event| wanted(event)) {
                return event.clone();
            }
            looked_at = self.seen.len();
            assert!(
                before.elapsed() < PATIENCE,
                "the event does not come after {:?}",
                self.seen.last()
            );
            let events = &self.events;
            let ready = async { tokio::time::timeout(PATIENCE, events.ready()).await };
            self.runtime.block_on(ready).expect("an event comes");
            let mut drained = Vec::new();
            self.events.drain(&mut drained);
            self.seen.append(&mut drained);
        }
    }

    /// The directory is free for the next node when this returns.
    fn stop(self) {
        self.raft.shutdown();
    }

    fn until_leading(&mut self) -> u64 {
        match self.until(|event| matches!(event, Event::LeaderStarted { .. })) {
            Event::LeaderStarted { term } => term,
            other => panic!("{other:?}"),
        }
    }

    fn until_committed(&mut self, payload: &[u8]) {
        self.until(|event| matches!(event, Event::Committed(entry) if entry.kind == EntryKind::Normal(Bytes::copy_from_slice(payload))));
    }

    /// The payloads committed so far, in order.
    fn payloads(&self) -> Vec<Bytes> {
        let payload = |event: &Event| match event {
            Event::Committed(entry) => match &entry.kind {
                EntryKind::Normal(payload) => Some(payload.clone()),
                _ => None,
            },
            _ => None,
        };
        self.seen.iter().filter_map(payload).collect()
    }

    fn assert_consecutive(&self) {
        let indexes = self.seen.iter().filter_map(|event| match event {
            Event::Committed(entry) => Some(entry.index),
            _ => None,
        });
        for (expected, index) in (0..).zip(indexes) {
            assert_eq!(index, expected, "each committed entry comes once, in order");
        }
    }
}

fn payload(number: u64) -> Bytes {
    Bytes::from(format!("payload {number}"))
}

#[test]
fn a_pristine_directory_becomes_a_cluster_of_one_that_leads() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut client = Client::start(options(dir.path()));
    let lease = client.raft.lease();
    let term = client.until_leading();
    assert!(lease.is_valid_now());
    assert!(client.seen.iter().any(
        |event| matches!(event, Event::Committed(entry) if entry.term == term && entry.kind == EntryKind::Blank { leader: 1 })
    ));
    let status = client.raft.status();
    assert_eq!(
        (status.state, status.term, status.leader),
        (NodeState::Leader, term, Some(1))
    );
    assert_eq!((status.voters, status.learners), (vec![1], vec![]));
    client.raft.shutdown();
    assert!(!lease.is_valid_now());
    assert_eq!(
        client.raft.propose(term, 1, payload(1)),
        Err(ProposeError::Stopped)
    );
    client.until(|event| matches!(event, Event::LeaderStopped { .. }));
}

#[test]
fn entries_are_committed_in_the_order_of_the_calls_and_survive_restarts() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut expected = Vec::new();
    let mut term_before = 0;
    for run in 0..3_u64 {
        let mut client = Client::start(options(dir.path()));
        let term = client.until_leading();
        assert!(term > term_before, "a restarted node leads in a new term");
        term_before = term;
        assert_eq!(
            client.payloads(),
            expected,
            "all is replayed before the leadership starts"
        );
        for number in 0..500 {
            let payload = payload(run * 500 + number);
            client
                .raft
                .propose(term, number, payload.clone())
                .expect("there is room");
            expected.push(payload);
        }
        client.until_committed(expected.last().expect("not empty"));
        assert_eq!(client.payloads(), expected);
        client.assert_consecutive();
        client.raft.shutdown();
    }
}

#[test]
fn a_lone_node_leads_soon_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    Client::start(options(dir.path())).until_leading();
    // The first node is dropped, not shut down; its thread ends by itself and frees the directory.
    let mut client = loop {
        match Raft::start(options(dir.path())) {
            Ok(started) => break started,
            Err(RaftError::Log { .. }) => std::thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    };
    let before = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut seen = Vec::new();
    while !seen
        .iter()
        .any(|event| matches!(event, Event::LeaderStarted { .. }))
    {
        runtime.block_on(client.1.ready());
        client.1.drain(&mut seen);
    }
    assert!(
        before.elapsed() < Duration::from_millis(300),
        "far below an election timeout: {:?}",
        before.elapsed()
    );
}

#[test]
fn a_proposal_of_another_term_is_rejected_and_not_appended() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut client = Client::start(options(dir.path()));
    let term = client.until_leading();
    client
        .raft
        .propose(term + 1, 41, payload(41))
        .expect("taken");
    client
        .raft
        .propose(term - 1, 42, payload(42))
        .expect("taken");
    client.raft.propose(term, 43, payload(43)).expect("taken");
    client.until_committed(b"payload 43");
    let rejected: Vec<_> = client
        .seen
        .iter()
        .filter(|event| matches!(event, Event::Rejected { .. }))
        .collect();
    assert!(
        matches!(
            rejected.as_slice(),
            [
                Event::Rejected {
                    token: 41,
                    reason: Rejection::NotLeader { .. }
                },
                Event::Rejected {
                    token: 42,
                    reason: Rejection::NotLeader { .. }
                },
            ]
        ),
        "{rejected:?}"
    );
    assert_eq!(client.payloads(), [payload(43)]);
}

#[test]
fn more_proposals_than_the_bound_are_refused_and_leave_no_event() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = options(dir.path());
    options.proposals_count_max = 8;
    let mut client = Client::start(options);
    let term = client.until_leading();
    let mut taken = Vec::new();
    let mut refused = 0;
    for number in 0..10_000 {
        match client.raft.propose(term, number, payload(number)) {
            Ok(()) => taken.push(payload(number)),
            Err(ProposeError::Full) => refused += 1,
            Err(ProposeError::Stopped) => panic!("it runs"),
        }
    }
    assert!(refused > 0, "the bound was met");
    client.until_committed(taken.last().expect("not empty"));
    assert_eq!(client.payloads(), taken);
    assert!(
        !client
            .seen
            .iter()
            .any(|event| matches!(event, Event::Rejected { .. } | Event::Unknown { .. }))
    );
}

#[test]
fn every_proposal_in_flight_at_a_shutdown_is_committed_or_unknown() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut client = Client::start(options(dir.path()));
    let term = client.until_leading();
    for number in 0..1000 {
        client
            .raft
            .propose(term, number, payload(number))
            .expect("there is room");
    }
    client.raft.shutdown();
    let mut rest = Vec::new();
    client.events.drain(&mut rest);
    client.seen.append(&mut rest);
    let unknown = client
        .seen
        .iter()
        .filter(|event| matches!(event, Event::Unknown { .. }))
        .count();
    assert_eq!(client.payloads().len() + unknown, 1000);
    let committed = client.payloads();
    client.stop();

    let mut again = Client::start(options(dir.path()));
    again.until_leading();
    assert_eq!(
        again.payloads().get(..committed.len()),
        Some(committed.as_slice()),
        "what was committed is replayed"
    );
}

/// A node with 100 payloads; also its term and all its entries.
fn with_payloads(dir: &Path) -> (Client, u64, Vec<Entry>) {
    let mut client = Client::start(options(dir));
    let term = client.until_leading();
    for number in 0..100 {
        client
            .raft
            .propose(term, number, payload(number))
            .expect("there is room");
    }
    client.until_committed(b"payload 99");
    let committed = client.seen.iter().filter_map(|event| match event {
        Event::Committed(entry) => Some(entry.clone()),
        _ => None,
    });
    let committed = committed.collect();
    (client, term, committed)
}

/// Says that a snapshot holds all up to `upto`, and waits until the log has dropped it.
fn purge(client: &Client, upto: u64) {
    client.raft.applied(upto);
    client.raft.snapshot_taken(upto, Some(upto));
    let before = Instant::now();
    while client.raft.status().purged_index != Some(upto) {
        assert!(
            before.elapsed() < PATIENCE,
            "the purge does not come: {:?}",
            client.raft.status()
        );
        std::thread::yield_now();
    }
}

#[test]
fn committed_entries_can_be_read_back_and_purged_ones_cannot() {
    let dir = tempfile::tempdir().expect("a directory");
    let (client, _, committed) = with_payloads(dir.path());
    let end = committed.len() as u64;
    assert_eq!(client.raft.read(0..end).expect("in the log"), committed);
    assert!(
        matches!(
            client.raft.read(0..end + 1),
            Err(RaftError::NotInLog { .. })
        ),
        "beyond what is committed"
    );
    purge(&client, 50);
    assert!(client.raft.read(50..51).is_err());
    assert_eq!(
        client.raft.read(51..52).expect("in the log"),
        committed[51..52]
    );
}

#[test]
fn the_log_may_reach_further_back_than_the_newest_snapshot() {
    let dir = tempfile::tempdir().expect("a directory");
    let (client, _, committed) = with_payloads(dir.path());
    let older = client.raft.snapshot_position(20).expect("delivered");
    let newer = client.raft.snapshot_position(60).expect("delivered");
    client.raft.applied(60);
    client.raft.snapshot_taken(20, None);
    client.raft.snapshot_taken(60, Some(20));
    let before = Instant::now();
    while client.raft.status().purged_index != Some(20) {
        assert!(before.elapsed() < PATIENCE, "{:?}", client.raft.status());
        std::thread::yield_now();
    }
    assert_eq!(
        client.raft.read(21..22).expect("in the log"),
        committed[21..22]
    );
    client.stop();
    for (position, first) in [(newer, 61), (older, 21)] {
        let encoded = position.to_json();
        let mut options = options(dir.path());
        options.snapshot = Some(SnapshotPosition::from_json(&encoded).expect("its own text"));
        let mut client = Client::start(options);
        client.until_leading();
        let delivered = client.seen.first();
        assert!(
            matches!(delivered, Some(Event::Committed(entry)) if entry.index == first),
            "{delivered:?}"
        );
        client.stop();
    }
}

#[test]
fn a_purged_log_starts_with_its_snapshot_and_with_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let (client, term, _) = with_payloads(dir.path());
    let position = client.raft.snapshot_position(50).expect("delivered");
    purge(&client, 50);
    client.stop();

    let empty = tempfile::tempdir().expect("a directory");
    let of_another_history = SnapshotPosition {
        term: term + 1,
        ..position.clone()
    };
    for (dir, snapshot, why) in [
        (&dir, None, "a purged log without its snapshot"),
        (
            &dir,
            Some(of_another_history),
            "a snapshot of another history",
        ),
        (&empty, Some(position.clone()), "a snapshot without its log"),
    ] {
        let mut options = options(dir.path());
        options.snapshot = snapshot;
        assert!(
            matches!(Raft::start(options), Err(RaftError::Options(_))),
            "{why}"
        );
    }

    let mut with_snapshot = options(dir.path());
    with_snapshot.snapshot = Some(position);
    let mut client = Client::start(with_snapshot);
    client.until_leading();
    let first = client.seen.first();
    assert!(
        matches!(first, Some(Event::Committed(entry)) if entry.index == 51),
        "{first:?}"
    );
    assert_eq!(client.payloads().last(), Some(&payload(99)));
}

#[test]
fn a_slow_core_holds_back_delivery_but_not_the_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = options(dir.path());
    options.events_bytes_max = 4096;
    let mut client = Client::start(options);
    let term = client.until_leading();
    let big = Bytes::from(vec![7; 64 << 10]);
    for number in 0..100 {
        client
            .raft
            .propose(term, number, big.clone())
            .expect("there is room");
    }
    // Nobody drains: the log goes on without the core.
    let before = Instant::now();
    while client.raft.status().committed_index < Some(100) {
        assert!(before.elapsed() < PATIENCE, "{:?}", client.raft.status());
        std::thread::yield_now();
    }
    client
        .raft
        .propose(term, 100, payload(100))
        .expect("there is room");
    client.until_committed(b"payload 100");
    assert_eq!(client.payloads().len(), 101);
    client.assert_consecutive();
}

#[test]
fn a_shutdown_does_not_wait_for_a_core_that_takes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = options(dir.path());
    options.events_bytes_max = 4096;
    let mut client = Client::start(options);
    let term = client.until_leading();
    for number in 0..100 {
        client
            .raft
            .propose(term, number, Bytes::from(vec![7; 64 << 10]))
            .expect("there is room");
    }
    let before = Instant::now();
    while client.raft.status().committed_index < Some(50) {
        assert!(before.elapsed() < PATIENCE, "{:?}", client.raft.status());
        std::thread::yield_now();
    }
    client.stop();
    assert!(before.elapsed() < PATIENCE);
}

#[test]
fn a_task_without_budget_can_propose() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut client = Client::start(options(dir.path()));
    let term = client.until_leading();
    let raft = client.raft.clone();
    // More sends in one turn than tokio allows a task before it is told to wait.
    client.runtime.block_on(async move {
        for number in 0..1000 {
            raft.propose(term, number, payload(number))
                .expect("there is room");
        }
    });
    client.until_committed(b"payload 999");
    assert_eq!(client.payloads().len(), 1000);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut no_id = options(dir.path());
    no_id.node_id = 0;
    let mut no_election = options(dir.path());
    no_election.election_timeout_min = no_election.election_timeout_max;
    for refused in [no_id, no_election] {
        assert!(matches!(Raft::start(refused), Err(RaftError::Options(_))));
    }
}

/// Starts a node on a simulated disk.
fn start_on(disk: &SimulatedDisk, options: Options) -> Client {
    let disk = disk.clone();
    Client::of(
        crate::start::start(options, |wal| holdfast_wal::Wal::open_on(wal, disk))
            .expect("the node starts"),
    )
}

#[test]
fn a_log_that_fails_ends_the_node_and_nothing_is_committed_after_it() {
    let disk = SimulatedDisk::new(Method::Fdatasync);
    let calls = Arc::new(AtomicUsize::new(0));
    let mut options = options(Path::new("simulated"));
    let counted = Arc::clone(&calls);
    options.wal.failure = Failure::Call(Arc::new(move |_: &WalError| {
        counted.fetch_add(1, Ordering::AcqRel);
    }));
    let mut client = start_on(&disk, options);
    let term = client.until_leading();
    client
        .raft
        .propose(term, 1, payload(1))
        .expect("there is room");
    client.until_committed(b"payload 1");

    disk.fail_sync_after(0);
    client
        .raft
        .propose(term, 2, payload(2))
        .expect("there is room");
    client.until(|event| matches!(event, Event::Failed(RaftError::Log { .. })));
    assert_eq!(
        calls.load(Ordering::Acquire),
        1,
        "the option's own call is kept"
    );
    assert!(
        !client.raft.lease().is_valid_now(),
        "a dead node answers no reads"
    );
    assert_eq!(client.payloads(), [payload(1)]);
    let ends = client
        .seen
        .iter()
        .filter(|event| matches!(event, Event::LeaderStopped { .. } | Event::Failed(_)));
    assert!(
        matches!(
            ends.collect::<Vec<_>>().as_slice(),
            [Event::LeaderStopped { .. }, Event::Failed(_)]
        ),
        "{:?}",
        client.seen
    );
    client.stop();

    let mut again = start_on(
        &disk.after_crash(Crash::LosesAll),
        self::options(Path::new("simulated")),
    );
    again.until_leading();
    assert_eq!(again.payloads(), [payload(1)]);
    again.stop();
}

#[test]
fn what_was_committed_is_there_after_power_is_lost_at_any_moment() {
    const IMAGES_COUNT_MAX: usize = 120;
    let disk = SimulatedDisk::new(Method::Fdatasync);
    let mut options = options(Path::new("simulated"));
    options.wal.segment_bytes = 64 << 10;
    options.wal.seal_after = Duration::from_millis(1);

    // How many payloads the client had been told of when power went, and the disk that was found then.
    let told = Arc::new(AtomicUsize::new(0));
    let images: Arc<Mutex<Vec<(usize, SimulatedDisk)>>> = Arc::default();
    let (seen_told, seen_images) = (Arc::clone(&told), Arc::clone(&images));
    let changes = AtomicU64::new(0);
    disk.observe(Arc::new(move |disk| {
        let change = changes.fetch_add(1, Ordering::AcqRel);
        let mut images = seen_images.lock().expect("not poisoned");
        if images.len() < IMAGES_COUNT_MAX && (change < 40 || change.is_multiple_of(5)) {
            // The client's count is read first: it may only be too small for the image.
            let told = seen_told.load(Ordering::Acquire);
            let crash = if change.is_multiple_of(2) {
                Crash::Random(change)
            } else {
                Crash::LosesAll
            };
            images.push((told, disk.after_crash(crash)));
        }
    }));

    let mut client = start_on(&disk, options.clone());
    let term = client.until_leading();
    for round in 0..100 {
        for number in 0..3 {
            client
                .raft
                .propose(term, number, payload(round * 3 + number))
                .expect("there is room");
        }
        client.until_committed(&payload(round * 3 + 2));
        told.store(client.payloads().len(), Ordering::Release);
    }
    let all = client.payloads();
    client.stop();

    let images = std::mem::take(&mut *images.lock().expect("not poisoned"));
    assert!(
        images.iter().any(|(told, _)| *told > 50),
        "some images are taken late"
    );
    for (told, image) in images {
        let mut client = start_on(&image, options.clone());
        client.until_leading();
        let found = client.payloads();
        assert!(
            found.len() >= told,
            "{told} payloads were told of, {} are found",
            found.len()
        );
        assert_eq!(
            all.get(..found.len()),
            Some(found.as_slice()),
            "in order, without a hole"
        );
        client.stop();
    }
}
