//! The log on real files: what is written is there after reopening, by every write method.

use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_wal::{
    Create, Entry, EntryKind, GroupId, LogPosition, Method, Space, Wal, WalError, WalOptions,
};

const GROUP: GroupId = GroupId(3);
const LOG_ID: [u8; 16] = *b"log under test!!";

fn entry(index: u64, payload: impl Into<Bytes>) -> Entry {
    Entry {
        index,
        term: 1 + index / 100,
        kind: EntryKind(7),
        payload: payload.into(),
    }
}

fn options(directory: &tempfile::TempDir) -> WalOptions {
    let mut options = WalOptions::new(directory.path().join("wal"), LOG_ID);
    options.segment_bytes = 64 << 10;
    options
}

fn directory() -> tempfile::TempDir {
    // Beside the build's output: the system's temporary directory may be one that is never synced.
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build directory is writable")
}

/// Appends and waits until it is durable.
fn append(wal: &Wal, entries: Vec<Entry>) {
    let (sender, receiver) = mpsc::channel();
    let on_synced = Box::new(move || sender.send(()).expect("the test waits"));
    wal.append(GROUP, entries, on_synced)
        .expect("the log is open");
    receiver
        .recv_timeout(Duration::from_secs(20))
        .expect("the append becomes durable");
}

fn indexes(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.index).collect()
}

#[test]
fn entries_state_and_hint_are_there_after_reopening_with_every_method() {
    for method in [Method::Fdatasync, Method::Auto] {
        let directory = directory();
        let options = WalOptions {
            method,
            ..options(&directory)
        };
        let (wal, recovery) = Wal::open(options.clone()).expect("an empty directory");
        assert_eq!(recovery.groups, Vec::new());
        wal.save_state(GROUP, Bytes::from_static(b"vote"), Box::new(|| {}))
            .expect("open");
        wal.hint_committed(GROUP, Bytes::from_static(b"hint"));
        for index in 1..=300 {
            append(
                &wal,
                vec![entry(
                    index,
                    vec![u8::try_from(index % 251).expect("small"); 700],
                )],
            );
        }
        let before = wal.bounds(GROUP);
        assert!(wal.stats().segments_count > 2, "{:?}", wal.stats());
        wal.close().expect("nothing failed");

        let (wal, recovery) = Wal::open(options).expect("a sealed log");
        assert_eq!(recovery.groups, vec![(GROUP, before.clone())]);
        assert_eq!(recovery.cut, None);
        assert_eq!(
            before.last,
            Some(LogPosition {
                index: 300,
                term: 4
            })
        );
        assert_eq!(before.state, Some(Bytes::from_static(b"vote")));
        assert_eq!(before.committed_hint, Some(Bytes::from_static(b"hint")));
        let all = wal.read(GROUP, 1..301, usize::MAX).expect("all are there");
        assert_eq!(indexes(&all), (1..=300).collect::<Vec<_>>());
        assert_eq!(all[41], entry(42, vec![42; 700]));
    }
}

#[test]
fn entries_that_left_memory_are_read_from_disk() {
    let directory = directory();
    let options = WalOptions {
        tail_bytes_max: 2000,
        ..options(&directory)
    };
    let (wal, _) = Wal::open(options.clone()).expect("an empty directory");
    for index in 1..=200 {
        append(&wal, vec![entry(index, vec![1; 500])]);
    }
    wal.truncate_after(GROUP, Some(150)).expect("open");
    append(
        &wal,
        (151..=180)
            .map(|index| entry(index, vec![2; 600]))
            .collect(),
    );
    append(
        &wal,
        (181..=200)
            .map(|index| entry(index, vec![3; 600]))
            .collect(),
    );
    let check = |wal: &Wal| {
        let mut next = 1;
        while next <= 200 {
            let found = wal.read(GROUP, next..201, 3000).expect("readable");
            assert!(!found.is_empty(), "entry {next}");
            for entry in found {
                let fill = if next <= 150 {
                    1
                } else if next <= 180 {
                    2
                } else {
                    3
                };
                assert_eq!((entry.index, entry.payload[0]), (next, fill));
                next += 1;
            }
        }
    };
    check(&wal);
    wal.close().expect("nothing failed");
    let (wal, _) = Wal::open(options).expect("a sealed log");
    check(&wal);
}

#[test]
fn a_payload_larger_than_several_segments_is_logged_and_recovered() {
    let directory = directory();
    let (wal, _) = Wal::open(options(&directory)).expect("an empty directory");
    let giant: Vec<u8> = (0..500_000u32)
        .map(|n| u8::try_from(n % 241).expect("small"))
        .collect();
    append(
        &wal,
        vec![
            entry(1, &b"before"[..]),
            entry(2, giant.clone()),
            entry(3, &b"after"[..]),
        ],
    );
    append(&wal, vec![entry(4, &b"last"[..])]);
    wal.close().expect("nothing failed");
    let small_tail = WalOptions {
        tail_bytes_max: 0,
        ..options(&directory)
    };
    let (wal, _) = Wal::open(small_tail).expect("a sealed log");
    let found = wal.read(GROUP, 1..5, usize::MAX).expect("readable");
    assert_eq!(indexes(&found), vec![1, 2, 3, 4]);
    assert_eq!(found[1].payload, giant);
}

#[test]
fn purged_segments_are_used_again() {
    let directory = directory();
    let options = options(&directory);
    let (wal, _) = Wal::open(options.clone()).expect("an empty directory");
    wal.save_state(GROUP, Bytes::from_static(b"kept"), Box::new(|| {}))
        .expect("open");
    let mut disk_bytes_max = 0;
    for index in 1..=600 {
        append(&wal, vec![entry(index, vec![1; 5000])]);
        if index % 10 == 0 {
            let upto = LogPosition {
                index: index - 5,
                term: 1 + (index - 5) / 100,
            };
            wal.purge(GROUP, upto).expect("open");
        }
        disk_bytes_max = disk_bytes_max.max(wal.stats().disk_bytes);
    }
    assert!(
        disk_bytes_max <= 16 * options.segment_bytes,
        "{disk_bytes_max} bytes"
    );
    let before = wal.bounds(GROUP);
    wal.close().expect("nothing failed");
    let (wal, recovery) = Wal::open(options).expect("a sealed log");
    assert_eq!(recovery.groups, vec![(GROUP, before)]);
    assert!(recovery.segments_count < 8, "{recovery:?}");
    assert_eq!(
        indexes(&wal.read(GROUP, 596..601, usize::MAX).expect("there")).len(),
        5
    );
    assert!(matches!(
        wal.read(GROUP, 595..601, 1),
        Err(WalError::Purged { purged: 595, .. })
    ));
}

#[test]
fn a_second_opener_another_identity_and_a_missing_log_are_refused() {
    let directory = directory();
    let never = WalOptions {
        create: Create::Never,
        ..options(&directory)
    };
    assert!(matches!(
        Wal::open(never.clone()),
        Err(WalError::Missing { .. })
    ));
    let (wal, _) = Wal::open(options(&directory)).expect("an empty directory");
    assert!(matches!(
        Wal::open(options(&directory)),
        Err(WalError::Locked { .. })
    ));
    append(&wal, vec![entry(1, &b"x"[..])]);
    let other = wal.clone();
    wal.close().expect("nothing failed");
    assert!(matches!(
        other.truncate_after(GROUP, None),
        Err(WalError::Closed)
    ));
    drop(other);
    let foreign = WalOptions {
        log_id: [9; 16],
        ..options(&directory)
    };
    assert!(matches!(Wal::open(foreign), Err(WalError::WrongLog { .. })));
    let (wal, _) = Wal::open(never).expect("now there is one");
    assert_eq!(
        wal.bounds(GROUP).last,
        Some(LogPosition { index: 1, term: 1 })
    );
}

#[test]
fn holes_and_falling_terms_are_refused() {
    let directory = directory();
    let (wal, _) = Wal::open(options(&directory)).expect("an empty directory");
    append(&wal, vec![entry(100, &b"any first index"[..])]);
    for bad in [
        entry(100, ""),
        entry(102, ""),
        Entry {
            term: 1,
            ..entry(101, "")
        },
    ] {
        let refused = wal.append(GROUP, vec![bad], Box::new(|| {}));
        assert!(matches!(
            refused,
            Err(WalError::OutOfOrder { expected: 101, .. })
        ));
    }
}

#[test]
fn space_becomes_plenty_once_spares_are_made() {
    let directory = directory();
    let (wal, _) = Wal::open(options(&directory)).expect("an empty directory");
    let (sender, receiver) = mpsc::channel();
    wal.on_space_change(Box::new(move |space| {
        // The test may have seen enough already.
        let _ = sender.send(space);
    }));
    while wal.space() != Space::Plenty {
        let _ = receiver.recv_timeout(Duration::from_millis(100));
    }
    assert!(wal.stats().spares_count >= 3);
}

#[test]
fn an_entry_that_replaces_another_in_the_same_frame_is_the_one_read_from_disk() {
    let directory = directory();
    let options = WalOptions {
        tail_bytes_max: 0,
        ..options(&directory)
    };
    let (wal, _) = Wal::open(options).expect("an empty directory");
    append(&wal, vec![entry(1, vec![1; 10])]);
    // The writer is busy with this one while the rest gathers behind it.
    wal.append(GROUP, vec![entry(2, vec![2; 3_000_000])], Box::new(|| {}))
        .expect("open");
    wal.append(
        GROUP,
        vec![entry(3, &b"old"[..]), entry(4, &b"old"[..])],
        Box::new(|| {}),
    )
    .expect("open");
    wal.truncate_after(GROUP, Some(2)).expect("open");
    append(&wal, vec![entry(3, &b"new"[..])]);
    append(&wal, vec![entry(4, &b"new"[..])]);
    wal.save_state(GROUP, Bytes::new(), Box::new(|| {}))
        .expect("open");
    let found = wal.read(GROUP, 3..5, usize::MAX).expect("readable");
    let payloads: Vec<_> = found.iter().map(|entry| &entry.payload[..]).collect();
    assert_eq!(payloads, [b"new", b"new"]);
}

#[test]
fn a_rotten_header_of_a_giant_that_others_follow_is_refused() {
    let directory = directory();
    let options = WalOptions {
        segment_bytes: 64 << 20,
        ..options(&directory)
    };
    let (wal, _) = Wal::open(options.clone()).expect("an empty directory");
    append(&wal, vec![entry(1, &b"before"[..])]);
    append(&wal, vec![entry(2, vec![5; 20 << 20])]);
    append(&wal, vec![entry(3, &b"after"[..])]);
    wal.close().expect("nothing failed");
    let path = options.directory.join("0000000000000001.seg");
    let mut bytes = std::fs::read(&path).expect("the first segment");
    // Blocks: the segment's header, the first entry, perhaps its seal, the announcement, the giant.
    let giant = (1..10)
        .map(|block| block * 4096)
        .find(|at| bytes[at + 64..at + 4096].ends_with(&[5; 1000]))
        .expect("the giant's first block");
    bytes[giant..giant + 4096].fill(0);
    std::fs::write(&path, &bytes).expect("writable");
    let refused = Wal::open(options);
    assert!(matches!(&refused, Err(WalError::Corrupt { offset, .. }) if *offset == giant as u64));
}
