//! How long an append takes to be durable, and how many fit in a second, by method and size.
//!
//! `cargo bench -p holdfast-wal --bench append -- DIRECTORY`: the directory must be on the disk in question.
//! First the bare disk (one write and sync, several threads at once), then the log.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_wal::{Entry, EntryKind, GroupId, LogPosition, Method, Wal, WalOptions};

const GROUP: GroupId = GroupId(0);
const RUN: Duration = Duration::from_millis(500);

fn main() {
    let directory = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let directory = directory.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").to_string());
    let directory = Path::new(&directory).join("append-bench");
    std::fs::create_dir_all(&directory).expect("the directory is writable");
    for method in [Method::Fdatasync, Method::Direct] {
        for bytes in [4096, 65_536, 262_144] {
            for threads in [1, 2, 4] {
                bare(&directory, method, bytes, threads);
            }
        }
    }
    for method in [Method::Fdatasync, Method::Direct] {
        for (bytes, window) in [
            (100, 1),
            (6400, 1),
            (100, 64),
            (100, 1024),
            (6400, 4),
            (65_536, 2),
            (65_536, 4),
            (262_144, 4),
        ] {
            log(&directory, method, None, bytes, window);
        }
    }
    for (bytes, window) in [(6400, 4), (65_536, 4), (262_144, 4)] {
        log(&directory, Method::Direct, Some(4096), bytes, window);
    }
    recovery(&directory);
    std::fs::remove_dir_all(&directory).expect("was just made");
}

fn report(name: &str, bytes: usize, mut micros: Vec<u32>, took: Duration, extra: &str) {
    micros.sort_unstable();
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
    let rate = micros.len() as f64 / took.as_secs_f64();
    println!(
        "{name:34} {bytes:7} B  {rate:9.0}/s {:7.1} MB/s  p50 {:6} us  p99 {:6} us  p99.9 {:6} us {extra}",
        rate * bytes as f64 / 1e6,
        at(0.5),
        at(0.99),
        at(0.999),
    );
}

fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// Writes at increasing places of one zero-written file from several threads.
fn bare(directory: &Path, method: Method, bytes: usize, threads: usize) {
    const FILE_BYTES: u64 = 64 << 20;
    let path = directory.join("bare");
    let zeros = vec![0u8; 1 << 20];
    let file = File::create(&path).expect("the directory is writable");
    for piece in 0..FILE_BYTES >> 20 {
        file.write_all_at(&zeros, piece << 20)
            .expect("the disk has room");
    }
    file.sync_all().expect("the disk works");
    let flags = if method == Method::Direct {
        i32::try_from((rustix::fs::OFlags::DIRECT | rustix::fs::OFlags::DSYNC).bits())
            .expect("small")
    } else {
        0
    };
    let next = AtomicU64::new(0);
    let started = Instant::now();
    let samples: Vec<u32> = std::thread::scope(|scope| {
        let run = || {
            let file = OpenOptions::new()
                .write(true)
                .custom_flags(flags)
                .open(&path)
                .expect("exists");
            let buffer = vec![1u8; bytes + 4096];
            let skip = buffer.as_ptr().align_offset(4096);
            let mut samples = Vec::new();
            while started.elapsed() < RUN {
                let place = next.fetch_add(bytes as u64, Ordering::Relaxed) % FILE_BYTES;
                let begun = Instant::now();
                file.write_all_at(&buffer[skip..skip + bytes], place)
                    .expect("the disk works");
                if method == Method::Fdatasync {
                    file.sync_data().expect("the disk works");
                }
                samples.push(micros(begun));
            }
            samples
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().expect("no panic"))
            .collect()
    });
    report(
        &format!("bare {method}, {threads} at once"),
        bytes,
        samples,
        started.elapsed(),
        "",
    );
}

fn options(directory: &Path, method: Method) -> WalOptions {
    let mut options = WalOptions::new(directory.join("log"), [1; 16]);
    options.method = method;
    options
}

/// Payloads that compress about as well as commands with short random values do.
fn payload(bytes: usize) -> Bytes {
    let mut state = 1u64;
    let mut text = Vec::with_capacity(bytes + 64);
    while text.len() < bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.extend_from_slice(format!("*3\r\n$3\r\nSET\r\n$16\r\n{state:016x}\r\n").as_bytes());
    }
    text.truncate(bytes);
    Bytes::from(text)
}

/// Appends with `window` appends that are not yet durable.
fn log(directory: &Path, method: Method, compress: Option<usize>, bytes: usize, window: u64) {
    let options = WalOptions {
        compress_from_bytes: compress,
        ..options(directory, method)
    };
    let path = options.directory.clone();
    let (wal, _) = Wal::open(options).expect("an empty directory");
    while wal.stats().spares_count < 4 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let payload = payload(bytes);
    let (sender, receiver) = mpsc::channel();
    let mut begun = std::collections::VecDeque::new();
    let mut samples = Vec::new();
    let (mut index, mut durable) = (0u64, 0u64);
    let mut append_total = Duration::ZERO;
    let started = Instant::now();
    while started.elapsed() < RUN {
        while index - durable < window {
            index += 1;
            let entry = Entry {
                index,
                term: 1,
                kind: EntryKind(0),
                payload: payload.clone(),
            };
            let sender = sender.clone();
            let at = Instant::now();
            begun.push_back(at);
            let on_synced = Box::new(move || sender.send(index).expect("the bench waits"));
            wal.append(GROUP, vec![entry], on_synced)
                .expect("the log is open");
            append_total += at.elapsed();
        }
        durable = receiver.recv().expect("the log works");
        while begun.len() as u64 > index - durable {
            samples.push(micros(begun.pop_front().expect("not empty")));
        }
        if durable % 256 == 0 || bytes > 60_000 && durable % 64 == 0 {
            wal.purge(
                GROUP,
                LogPosition {
                    index: durable,
                    term: 1,
                },
            )
            .expect("the log is open");
        }
    }
    let took = started.elapsed();
    let stats = wal.stats();
    let extra = format!(
        " append {:4} ns, {:5.1} a sync, {:6.1} MB/s written",
        append_total.as_nanos() as u64 / index,
        samples.len() as f64 / stats.syncs_count as f64,
        stats.written_bytes as f64 / 1e6 / took.as_secs_f64(),
    );
    let packed = if compress.is_some() { " zstd" } else { "" };
    report(
        &format!("log {method}{packed}, window {window}"),
        bytes,
        samples,
        took,
        &extra,
    );
    wal.close().expect("the log works");
    std::fs::remove_dir_all(path).expect("was just made");
}

/// Time to open a log of 256 MiB.
fn recovery(directory: &Path) {
    let options = options(directory, Method::Auto);
    let (wal, _) = Wal::open(options.clone()).expect("an empty directory");
    let done = Arc::new(AtomicU64::new(0));
    let payload = payload(65_536);
    for index in 1..=4096u64 {
        let entry = Entry {
            index,
            term: 1,
            kind: EntryKind(0),
            payload: payload.clone(),
        };
        let reached = Arc::clone(&done);
        let on_synced = Box::new(move || reached.store(index, Ordering::Release));
        wal.append(GROUP, vec![entry], on_synced)
            .expect("the log is open");
        while index - done.load(Ordering::Acquire) > 16 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    wal.close().expect("the log works");
    let (wal, recovery) = Wal::open(options).expect("a sealed log");
    println!(
        "recovery of 256 MiB in {} frames: {:?}",
        recovery.frames_count, recovery.took
    );
    wal.close().expect("the log works");
}
