//! From proposal to committed event, over the real log in a directory: a core thread that keeps a window of proposals in
//! flight, as the server does.
//!
//! `cargo bench -p holdfast-raft --bench propose [-- DIRECTORY [SECONDS]]`; the directory should be on the disk that counts.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_raft::{EntryKind, Event, Events, Options, Raft};

const PAYLOAD_BYTES: usize = 6 << 10;
/// Entries in the log of the restart: a gigabyte.
const FILL_COUNT: usize = 170_000;

fn main() {
    // cargo passes `--bench`.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let parent = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    println!(
        "payload {PAYLOAD_BYTES} B, {seconds} s each, log in {}",
        parent.display()
    );
    for window in [1, 4, 16, 64] {
        let dir = tempfile::tempdir_in(&parent).expect("a directory");
        let (raft, mut events) =
            Raft::start(Options::new(1, dir.path().to_owned(), [1; 16])).expect("the node starts");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut latencies = runtime.block_on(run(
            &raft,
            &mut events,
            window,
            Duration::from_secs(seconds),
        ));
        let wal = raft.status().wal;
        raft.shutdown();
        latencies.sort_unstable();
        let percentile = |permille: usize| {
            latencies[(latencies.len() - 1) * permille / 1000].as_secs_f64() * 1e6
        };
        println!(
            "window {window:3}: {:8.0} entries/s  p50 {:6.0}  p90 {:6.0}  p99 {:6.0}  p99.9 {:6.0} us  ({} syncs, {} us each, {})",
            latencies.len() as f64 / seconds as f64,
            percentile(500),
            percentile(900),
            percentile(990),
            percentile(999),
            wal.syncs_count,
            wal.sync_average.as_micros(),
            wal.method,
        );
    }
    restart(&parent);
}

/// Fills a log and starts a node over it, whose core does nothing with what it is told: the least that a start can take.
fn restart(parent: &std::path::Path) {
    let dir = tempfile::tempdir_in(parent).expect("a directory");
    let options = || Options::new(1, dir.path().to_owned(), [1; 16]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    for filled in [false, true] {
        let before = Instant::now();
        let (raft, mut events) = Raft::start(options()).expect("the node starts");
        let opened = before.elapsed();
        let (term, payload_bytes) = runtime.block_on(until_leading(&mut events));
        let leading = before.elapsed();
        println!(
            "start over {} MB: log opened after {} ms, leading after {} ms",
            payload_bytes >> 20,
            opened.as_millis(),
            leading.as_millis()
        );
        if !filled {
            runtime.block_on(fill(&raft, &mut events, term));
        }
        raft.shutdown();
    }
}

async fn until_leading(events: &mut Events) -> (u64, usize) {
    let mut drained = Vec::new();
    let mut payload_bytes = 0;
    loop {
        events.ready().await;
        events.drain(&mut drained);
        for event in drained.drain(..) {
            match event {
                Event::LeaderStarted { term } => return (term, payload_bytes),
                Event::Committed(entry) => {
                    if let EntryKind::Normal(payload) = entry.kind {
                        payload_bytes += payload.len();
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn fill(raft: &Raft, events: &mut Events, term: u64) {
    let payload = Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    let (mut proposed, mut committed) = (0_usize, 0_usize);
    let mut drained = Vec::new();
    while committed < FILL_COUNT {
        while proposed < FILL_COUNT && proposed - committed < 256 {
            raft.propose(term, 0, payload.clone())
                .expect("there is room");
            proposed += 1;
        }
        events.ready().await;
        events.drain(&mut drained);
        committed += drained
            .drain(..)
            .filter(|event| matches!(event, Event::Committed(_)))
            .count();
    }
}

/// Keeps `window` proposals in flight; returns how long each took.
async fn run(raft: &Raft, events: &mut Events, window: usize, time: Duration) -> Vec<Duration> {
    let payload = Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    let mut drained = Vec::new();
    let mut term = None;
    let mut proposed_at = VecDeque::new();
    let mut latencies = Vec::new();
    let mut token = 0;
    let started = Instant::now();
    while started.elapsed() < time || !proposed_at.is_empty() {
        if let Some(term) = term {
            while proposed_at.len() < window && started.elapsed() < time {
                proposed_at.push_back(Instant::now());
                raft.propose(term, token, payload.clone())
                    .expect("there is room");
                token += 1;
            }
        }
        events.ready().await;
        events.drain(&mut drained);
        for event in drained.drain(..) {
            match event {
                Event::LeaderStarted { term: started } => term = Some(started),
                Event::Committed(entry) if matches!(entry.kind, EntryKind::Normal(_)) => {
                    latencies.extend(proposed_at.pop_front().map(|at: Instant| at.elapsed()));
                    raft.applied(entry.index);
                }
                Event::Committed(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    latencies
}
