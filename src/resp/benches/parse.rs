//! How long commands take to be read and replies and effects to be written: `cargo bench -p holdfast-resp`.
//!
//! Each row is the best of several rounds, since a machine can only make code slower. The first
//! argument chooses rows by a part of their name.

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use holdfast_resp::{CommandParser, Limits, Progress, Protocol, Reply};
use holdfast_resp::{encode_command, read_command};

const ROUNDS_COUNT: usize = 7;
const COMMANDS_PER_PASS: usize = 1024;

fn main() {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| filter.as_deref().is_none_or(|part| name.contains(part));
    let rows: [(&str, fn()); 9] = [
        ("parse GET, 1 key of 16 bytes", || {
            parse(&[b"GET", b"key:000000000042"]);
        }),
        ("parse SET, value of 100 bytes", || {
            parse(&[b"SET", b"key:000000000042", &[b'x'; 100]]);
        }),
        ("parse SET, value of 16 KiB", || {
            parse(&[b"SET", b"key:000000000042", &[b'x'; 16_384]]);
        }),
        ("parse HSET, 100 fields", || {
            parse(&[&b"field:0001"[..]; 202]);
        }),
        ("parse inline GET", parse_inline),
        ("encode SET of 100 bytes as an effect", encode),
        ("read SET of 100 bytes as an effect", read),
        ("reply bulk of 100 bytes", || {
            write_replies(|reply, _| reply.bulk(&[b'x'; 100]));
        }),
        ("reply array of 10 integers", || {
            write_replies(|reply, index| {
                reply.array(10);
                (0..10).for_each(|value| reply.integer(value * index));
            });
        }),
    ];
    for (name, run) in rows {
        if wanted(name) {
            let best = (0..ROUNDS_COUNT)
                .map(|_| nanoseconds_per_command(run))
                .fold(f64::MAX, f64::min);
            println!("{name:40} {best:9.1} ns");
        }
    }
}

/// Passes run until they took long enough for the clock's steps not to matter.
fn nanoseconds_per_command(run: fn()) -> f64 {
    let start = Instant::now();
    let mut passes = 0u32;
    while start.elapsed().as_millis() < 50 {
        run();
        passes += 1;
    }
    start.elapsed().as_secs_f64() * 1e9 / (f64::from(passes) * COMMANDS_PER_PASS as f64)
}

/// A pass reads one buffer of commands as a connection with a deep pipeline does. The buffer is
/// made once: making it would take as long as reading it.
fn parse(command: &[&[u8]]) {
    thread_local! {
        static STREAM: std::cell::RefCell<(Vec<Vec<u8>>, BytesMut)> = std::cell::RefCell::default();
    }
    STREAM.with_borrow_mut(|(made_of, stream)| {
        if made_of.len() != command.len() || made_of.iter().ne(command.iter()) {
            *made_of = command.iter().map(|argument| argument.to_vec()).collect();
            stream.clear();
            for _ in 0..COMMANDS_PER_PASS {
                encode_command(command, stream);
            }
        }
        parse_all(stream);
    });
}

fn parse_inline() {
    const LINE: &[u8] = b"GET key:000000000042\r\n";
    thread_local! {
        static STREAM: Vec<u8> = LINE.repeat(COMMANDS_PER_PASS);
    }
    STREAM.with(|stream| parse_all(stream));
}

fn parse_all(mut rest: &[u8]) {
    let mut parser = CommandParser::new();
    let limits = Limits::default();
    while let Ok(Progress::Command { consumed_bytes }) = parser.parse(rest, &limits) {
        for argument in parser.arguments(rest) {
            black_box(argument);
        }
        rest = &rest[consumed_bytes..];
    }
    assert!(rest.is_empty(), "all was read");
}

const SET: [&[u8]; 3] = [b"SET", b"key:000000000042", &[b'x'; 100]];

fn encode() {
    let mut out = BytesMut::with_capacity(256 * 1024);
    for _ in 0..COMMANDS_PER_PASS {
        encode_command(black_box(&SET), &mut out);
    }
    black_box(&out);
}

fn read() {
    thread_local! {
        static STREAM: BytesMut = {
            let mut out = BytesMut::new();
            (0..COMMANDS_PER_PASS).for_each(|_| encode_command(&SET, &mut out));
            out
        };
    }
    STREAM.with(|stream| {
        let mut rest = &stream[..];
        let mut arguments = Vec::new();
        while !rest.is_empty() {
            arguments.clear();
            let consumed = read_command(rest, &mut arguments).expect("it was encoded");
            black_box(&arguments);
            rest = &rest[consumed..];
        }
    });
}

fn write_replies(write: fn(&mut Reply, i64)) {
    let mut reply = Reply::new(Protocol::Resp2);
    reply.reserve(256 * 1024);
    for index in 0..COMMANDS_PER_PASS {
        write(&mut reply, index as i64);
    }
    black_box(reply.as_slice());
}
