//! The disk refuses: failing writes and syncs, and a full disk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::model::{GROUPS, Model, Run, Step, open, options, script};
use crate::storage::{Crash, SimulatedDisk};
use crate::{Failure, LogPosition, Method, Space, Wal, WalError};

#[test]
fn after_a_failed_write_or_sync_nothing_is_reported_any_more() {
    for (number, is_sync) in (0..40).flat_map(|number| [(number, true), (number, false)]) {
        let disk = SimulatedDisk::new(Method::Fdatasync);
        let failures = Arc::new(Mutex::new(Vec::new()));
        let (seen, reported) = (Arc::clone(&failures), Arc::new(AtomicUsize::new(0)));
        let count_at_failure = Arc::new(AtomicUsize::new(usize::MAX));
        let (count, at) = (Arc::clone(&reported), Arc::clone(&count_at_failure));
        let mut options = options();
        options.failure = Failure::Call(Arc::new(move |error| {
            at.store(count.load(Ordering::SeqCst), Ordering::SeqCst);
            seen.lock()
                .expect("no test panics in it")
                .push(error.to_string());
        }));
        let (wal, _) = Wal::open_on(options, disk.clone()).expect("an empty disk");
        let mut run = Run::new(wal, Model::new(), Arc::clone(&reported));
        run.step(1, &Step::State(1)).expect("open");
        run.wait();
        if is_sync {
            disk.fail_sync_after(number);
        } else {
            disk.fail_write_after(number);
        }
        let refused = script()
            .iter()
            .find_map(|(which, step)| run.step(*which, step).err());
        let context = format!("failure {number}, of a sync: {is_sync}");
        let closed = run.wal.clone().close();
        let failures = failures.lock().expect("no test panics in it").clone();
        if let Some(error) = refused {
            assert!(
                matches!(error, WalError::Failed { .. }),
                "{context}: {error}"
            );
        }
        if !failures.is_empty() {
            assert_eq!(failures.len(), 1, "{context}");
            assert!(
                failures[0].contains("simulated"),
                "{context}: {}",
                failures[0]
            );
            assert!(matches!(closed, Err(WalError::Failed { .. })), "{context}");
            let after = reported.load(Ordering::SeqCst);
            assert_eq!(after, count_at_failure.load(Ordering::SeqCst), "{context}");
        }
        let reported = reported.load(Ordering::SeqCst);
        for crash in [Crash::LosesAll, Crash::KeepsAll, Crash::Random(number)] {
            let (wal, _) = open(&disk.after_crash(crash)).expect("recovers");
            run.model
                .matching(&wal, reported)
                .unwrap_or_else(|e| panic!("{context}: {e}"));
        }
    }
}

#[test]
fn a_full_disk_is_told_ahead_and_a_purge_brings_space_back() {
    let disk = SimulatedDisk::new(Method::Fdatasync);
    disk.limit_bytes(8 * options().segment_bytes);
    let (wal, _) = open(&disk).expect("an empty disk");
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    wal.on_space_change(Box::new(move |space| {
        // The test may have seen enough already.
        let _ = sender.lock().expect("no test panics in it").send(space);
    }));
    let mut run = Run::new(wal, Model::new(), Arc::default());
    run.step(1, &Step::State(1)).expect("open");
    let mut appended = 0;
    while run.wal.space() != Space::ReserveOnly {
        run.step(0, &Step::Append(1000))
            .expect("a full disk is no failure");
        run.wait();
        appended += 1;
        assert!(appended < 1000, "the disk never got full");
        // The keeper may be about to find out.
        std::thread::yield_now();
    }
    assert!(receiver.try_iter().any(|space| space == Space::ReserveOnly));
    run.step(0, &Step::Append(10))
        .expect("the reserve takes it");
    run.wait();
    let last = run.wal.bounds(GROUPS[0]).last.expect("not empty");
    run.step(0, &Step::Purge(last.index - 1))
        .expect("the reserve takes it");
    run.wait();
    while receiver
        .recv_timeout(Duration::from_secs(10))
        .expect("space comes back")
        != Space::Plenty
    {}
    assert_eq!(
        run.wal.bounds(GROUPS[0]).purged,
        Some(LogPosition {
            index: last.index - 1,
            term: 1
        })
    );
    run.wal.clone().close().expect("nothing failed");
    let (wal, _) = open(&disk.after_crash(Crash::LosesAll)).expect("recovers");
    run.model
        .matching(&wal, run.model.after.len() - 1)
        .expect("whole");
}

#[test]
fn a_failed_sync_ends_the_process_with_a_clear_last_message() {
    use std::os::unix::process::ExitStatusExt;
    const SIGABRT: i32 = 6;
    let ended = std::process::Command::new(std::env::current_exe().expect("this test runs"))
        .args([
            "--exact",
            "crash_tests::faults::the_process_that_ends",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .expect("this test binary can be run again");
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{:?}", ended.status);
    let last_words = String::from_utf8_lossy(&ended.stderr);
    let said = "the write-ahead log has failed: sync 0000000000000001.seg: simulated sync failure";
    assert!(last_words.contains(said), "{last_words}");
}

#[test]
#[ignore = "aborts; run by the test above in a process of its own"]
fn the_process_that_ends() {
    let disk = SimulatedDisk::new(Method::Fdatasync);
    let options = crate::WalOptions {
        failure: Failure::Abort,
        ..options()
    };
    let (wal, _) = Wal::open_on(options, disk.clone()).expect("an empty disk");
    let mut run = Run::new(wal, Model::new(), Arc::default());
    run.step(1, &Step::State(1)).expect("open");
    run.wait();
    // The keeper must have made all its spares, or the sync that fails is one of its own.
    while run.wal.stats().spares_count < 2 {
        std::thread::yield_now();
    }
    disk.fail_sync_after(0);
    run.step(0, &Step::Append(1))
        .expect("the failure comes later");
    run.wait();
}
