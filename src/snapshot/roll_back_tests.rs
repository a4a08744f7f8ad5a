//! A node that must forget what it executed rebuilds its data from a snapshot and the log behind it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_engine::captured::CapturedKeys;
use holdfast_engine::commands::CommandTable;
use holdfast_engine::digest::{self, Digest};
use holdfast_engine::keyspace::{DatabaseIndex, Walk};
use holdfast_engine::values::encodings::Encodings;
use holdfast_engine::{Caller, Engine, Keyspace};
use holdfast_formats::rdb::Compression;
use holdfast_raft::{Events, Options, Raft};
use holdfast_resp::{Protocol, Reply};

use super::place::Sum;
use super::writing::{self, Job, Message, Progress, Published};
use super::{files, reading};
use crate::replication::{Limits, Phase, Replication};

const LOG_ID: [u8; 16] = [7; 16];
const PATIENCE: Duration = Duration::from_secs(30);

/// A node without sockets.
struct Node {
    dir: tempfile::TempDir,
    events: Events,
    replication: Replication,
    keyspace: Keyspace,
    table: CommandTable,
    runtime: tokio::runtime::Runtime,
}

impl Node {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut options = Options::new(1, dir.path().to_owned(), LOG_ID);
        options.wal.segment_bytes = 1 << 20;
        let (raft, events) = Raft::start(options).expect("a new log");
        let replication = Replication::new(raft, Limits::default(), dir.path().to_owned(), LOG_ID);
        let mut node = Self {
            dir,
            events,
            replication,
            keyspace: Keyspace::new(2, Encodings::default(), 1),
            table: CommandTable::default(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        };
        node.until(|replication| replication.phase() == Phase::Leading);
        node
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Learns until something is so.
    fn until(&mut self, is_so: impl Fn(&Replication) -> bool) {
        let started = Instant::now();
        let mut batch = Vec::new();
        while !is_so(&self.replication) {
            assert!(started.elapsed() < PATIENCE, "nothing comes any more");
            self.runtime.block_on(self.events.ready());
            self.events.drain(&mut batch);
            for event in batch.drain(..) {
                self.replication
                    .learn(event, &mut self.keyspace, &self.table)
                    .expect("an event of a node that is well");
            }
            self.replication.close(&mut self.keyspace);
        }
    }

    fn execute(&mut self, line: &str) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let (handler, skip) = self.table.find(&words).expect("a command");
        let mut engine = Engine {
            keyspace: &mut self.keyspace,
            effects: &mut self.replication.effects,
        };
        let outcome = engine.execute(
            handler,
            &words,
            skip,
            DatabaseIndex(0),
            Caller::default(),
            &mut Reply::new(Protocol::Resp2),
        );
        assert_eq!(outcome.error, None, "{line}");
    }

    /// Executes commands and waits until they are committed.
    fn commit(&mut self, numbers: std::ops::Range<u32>) -> Digest {
        for number in numbers {
            self.execute(&format!("SET key:{} value-{number}", number % 50));
            self.execute(&format!("RPUSH list:{} {number}", number % 3));
            self.replication.close(&mut self.keyspace);
        }
        self.until(|replication| replication.uncommitted_bytes() == 0);
        digest::of_keyspace(&self.keyspace)
    }

    fn snapshot(&mut self) -> Published {
        let place = self
            .replication
            .place(LOG_ID, self.keyspace.encodings.seed.0);
        let job = Job {
            dir: self.dir().to_owned(),
            dump_file: String::new(),
            compression: Compression::Lzf,
            encodings: self.keyspace.encodings,
            scripts: self.keyspace.scripts.clone(),
            sizes: self.keyspace.begin_capture(),
            progress: Arc::new(Progress::default()),
            written: std::sync::mpsc::channel().0,
        };
        let (messages, receiver) = std::sync::mpsc::channel();
        let send = |message| messages.send(message).expect("somebody receives");
        send(Message::Begin(place.expect("a committed entry")));
        while self.keyspace.walk_capture(7) == Walk::Underway {
            send(Message::Keys(
                self.keyspace.take_captured(CapturedKeys::default()),
            ));
        }
        send(Message::Keys(
            self.keyspace.take_captured(CapturedKeys::default()),
        ));
        let end = self.keyspace.end_capture().expect("it was begun");
        let keys_count = end.keys_count as u64;
        send(Message::End { keys_count });
        writing::run(&job, &receiver).expect("a good disk")
    }

    /// Executes what is never committed, and is told to forget it.
    fn roll_back(&mut self) -> Digest {
        self.execute("SET key:1 never-committed");
        self.execute("FLUSHALL");
        let through = self.replication.applied_index().expect("much was applied");
        self.replication
            .roll_back(&mut self.keyspace, &self.table, through)
            .expect("snapshot and log are there");
        assert_eq!(self.replication.phase(), Phase::Following);
        digest::of_keyspace(&self.keyspace)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.replication.raft().shutdown();
    }
}

#[test]
fn without_a_snapshot_the_log_alone_is_replayed() {
    let mut node = Node::start();
    let committed = node.commit(0..100);
    assert_eq!(node.roll_back(), committed);
}

#[test]
fn a_purged_log_is_replayed_behind_its_snapshot() {
    let mut node = Node::start();
    node.commit(0..100);
    let published = node.snapshot();
    let committed = node.commit(100..160);
    let index = published.generation.index;
    node.replication.raft().snapshot_taken(index, Some(index));
    let started = Instant::now();
    while node.replication.raft().status().purged_index != Some(index) {
        assert!(started.elapsed() < PATIENCE, "the purge does not come");
        std::thread::yield_now();
    }
    assert_eq!(node.roll_back(), committed);
}

#[test]
fn a_damaged_snapshot_is_passed_over_while_the_log_reaches_further_back() {
    let mut node = Node::start();
    node.commit(0..60);
    let older = node.snapshot();
    node.commit(60..90);
    let newer = node.snapshot();
    let committed = node.commit(90..120);
    for published in [&newer, &older] {
        let path = &published.generation.path;
        let mut bytes = std::fs::read(path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).expect("a file");
        assert_eq!(node.roll_back(), committed, "without {}", path.display());
    }
}

#[test]
fn a_byte_that_changed_between_writing_and_reading_back_is_found() {
    let mut node = Node::start();
    let digest = node.commit(0..40).to_string();
    node.keyspace.scripts.put_script(b"return 1");
    let library = node.keyspace.scripts.put_library(b"#!lua name=l\nx");
    library.expect("a library");
    let scripts = node.keyspace.scripts.clone();
    let seed = node.keyspace.encodings.seed.0;
    let place = node.replication.place(LOG_ID, seed).expect("an entry");
    let published = node.snapshot();
    let sum = Sum {
        keys_count: published.keys_count,
        digest,
    };
    let path = published.generation.path;
    let encodings = node.keyspace.encodings;
    reading::verify(&path, &encodings, &place, &sum, &scripts).expect("it was just written");
    let bytes = std::fs::read(&path).expect("a file");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, changed).expect("a file");
        let found = reading::verify(&path, &encodings, &place, &sum, &scripts);
        assert!(found.is_err(), "byte {at} was changed");
    }
}

#[test]
fn a_writer_that_is_left_alone_leaves_nothing_behind() {
    let mut node = Node::start();
    node.commit(0..10);
    let place = node.replication.place(LOG_ID, 0);
    let job = Job {
        dir: node.dir().to_owned(),
        dump_file: "dump.rdb".to_owned(),
        compression: Compression::None,
        encodings: node.keyspace.encodings,
        scripts: node.keyspace.scripts.clone(),
        sizes: node.keyspace.begin_capture(),
        progress: Arc::new(Progress::default()),
        written: std::sync::mpsc::channel().0,
    };
    for begins in [false, true] {
        let (messages, receiver) = std::sync::mpsc::channel();
        if begins {
            let place = place.clone().expect("a committed entry");
            messages.send(Message::Begin(place)).expect("received");
            let keys = node.keyspace.take_captured(CapturedKeys::default());
            messages.send(Message::Keys(keys)).expect("received");
        }
        drop(messages);
        writing::run(&job, &receiver).expect_err("it was given up");
        let left: Vec<_> = files::list(node.dir()).expect("a directory");
        assert_eq!(left, []);
        assert!(!files::temporary(node.dir()).exists());
        assert!(!node.dir().join("dump.rdb").exists());
    }
    // More keys were announced than came.
    let (messages, receiver) = std::sync::mpsc::channel();
    let place = place.expect("a committed entry");
    messages.send(Message::Begin(place)).expect("received");
    let end = Message::End { keys_count: 1 };
    messages.send(end).expect("received");
    let error = writing::run(&job, &receiver).expect_err("a key is missing");
    assert!(matches!(error, writing::SaveError::Missed(1)), "{error}");
    assert_eq!(files::list(node.dir()).expect("a directory"), []);
}
