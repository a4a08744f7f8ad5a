//! Reading takes memory only for what was really sent, whatever the input claims. In a test program of
//! its own, because it counts every allocation of the process.

use std::alloc::System;

use cap::Cap;
use holdfast_formats::aof::{AofStart, AofStep, open};
use holdfast_formats::crc64;
use holdfast_formats::rdb::{Part, RdbReader, Refused, restore};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What a reader may take for itself: its buffer, and the room made for a string before it comes.
const ALLOWED_BYTES: usize = 3 * 1024 * 1024;

/// The most memory that `work` had at once, beyond what there was before.
fn peak_bytes(work: impl FnOnce()) -> usize {
    let before = MEMORY.allocated();
    let peak_before = MEMORY.max_allocated();
    work();
    let peak = MEMORY.max_allocated();
    if peak > peak_before {
        peak.saturating_sub(before)
    } else {
        0
    }
}

fn read_file(bytes: &[u8], size: Option<u64>) {
    let Ok(mut reader) = RdbReader::new(bytes, size) else {
        return;
    };
    while let Ok(Some(_)) = reader.next_record() {}
}

fn payload(body: &[u8]) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend(10u16.to_le_bytes());
    payload.extend(crc64(0, &payload).to_le_bytes());
    payload
}

/// Values whose lengths and counts are lies.
fn liars() -> Vec<Vec<u8>> {
    let lengths: [&[u8]; 3] = [
        &[0x80, 0xff, 0xff, 0xff, 0xff],
        &[0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x80, 0x10, 0, 0, 0],
    ];
    let mut liars = Vec::new();
    for length in lengths {
        for code in 0..=26u8 {
            liars.push([&[code][..], length].concat());
            liars.push([&[code, 1][..], length].concat());
            liars.push([&[code, 0xc3, 1][..], length, &[0; 40]].concat());
            liars.push([&[code][..], &[0; 8], length].concat());
        }
        // A stream without entries whose group claims that many pending ones.
        let group = [&[15, 0, 0, 0, 0, 1, 1, b'g', 0, 0][..], length, &[0; 64]].concat();
        liars.push(group);
    }
    liars
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn lies_about_lengths_take_no_memory() {
    for body in liars() {
        let payload = payload(&body);
        let mut announced = 0usize;
        let peak = peak_bytes(|| {
            let mut sink = |part: Part<'_>| {
                if let Part::SetStart { count_hint }
                | Part::HashStart { count_hint }
                | Part::ZsetStart { count_hint } = part
                {
                    announced = announced.max(count_hint);
                }
                Ok::<(), Refused>(())
            };
            let _ = restore(&payload, &mut sink);
        });
        assert!(peak < ALLOWED_BYTES, "{peak} bytes for {body:02x?}");
        assert!(
            announced <= body.len(),
            "{announced} announced by {body:02x?}"
        );

        for size in [None, u64::try_from(body.len() + 11).ok()] {
            let file = [b"REDIS0010", &body[..1], b"\x01k", &body[1..]].concat();
            let peak = peak_bytes(|| read_file(&file, size));
            assert!(
                peak < ALLOWED_BYTES,
                "{peak} bytes for the file of {body:02x?}"
            );
        }
    }
    for file in [
        &b"*1000000000\r\n$1\r\na\r\n"[..],
        b"*1\r\n$4000000000\r\na\r\n",
        b"*1\r\n$9000000000000000000\r\na\r\n",
    ] {
        let peak = peak_bytes(|| {
            let Ok(AofStart::Commands(mut reader)) = open(file, None) else {
                panic!("no preamble");
            };
            while matches!(reader.next_step(), Ok(AofStep::Command)) {}
        });
        assert!(peak < ALLOWED_BYTES, "{peak} bytes for {file:?}");
    }
}
