//! What the operations of sets and hashes cost, small and large.
//!
//! `cargo bench -p holdfast-engine --bench set_hash`. Nanoseconds of CPU are means over many
//! operations; `worst` is the slowest single one.
mod clock;

use std::hint::black_box;

use clock::{measure, time, use_small_pages};
use holdfast_engine::values::encodings::Encodings;
use holdfast_engine::values::hash::HashValue;
use holdfast_engine::values::set::SetValue;
use holdfast_formats::Element;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 200_000;

/// A cheap sequence of numbers that repeats from its seed.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

fn text(number: u64) -> String {
    format!("m{number:010}")
}

fn sets(count: u64, encodings: &Encodings) {
    println!("a set of {count}");
    let mut next = numbers(1);
    let mut set = SetValue::new();
    let mut number = 0;
    measure("SADD new", count as usize, || {
        set.add(text(number).as_bytes(), encodings);
        number += 1;
    });
    let stated = set.allocated_bytes() as f64 / count as f64;
    println!("  bytes per member, stated: {stated:.1}");
    measure("SISMEMBER", ROUNDS, || {
        black_box(set.contains(text(next() % count).as_bytes()));
    });
    measure("SRANDMEMBER", ROUNDS, || {
        black_box(set.random(&mut next));
    });
    let spent = time(|| {
        black_box(set.iter().map(Element::bytes_len).sum::<usize>());
    });
    println!("  SMEMBERS: {spent:?}");
    let mut copy = SetValue::new();
    let spent = time(|| copy = set.clone());
    println!("  COPY: {spent:?}");
    let spent = time(|| drop(copy));
    println!("  freeing the copy: {spent:?}");
    number = 0;
    measure("SREM", count as usize, || {
        set.remove(text(number).as_bytes());
        number += 1;
    });
}

fn hashes(count: u64, encodings: &Encodings) {
    println!("a hash of {count}");
    let mut next = numbers(1);
    let mut hash = HashValue::new();
    let mut number = 0;
    measure("HSET new", count as usize, || {
        hash.set(text(number).as_bytes(), b"a value of a field", encodings);
        number += 1;
    });
    let stated = hash.allocated_bytes() as f64 / count as f64;
    println!("  bytes per field, stated: {stated:.1}");
    measure("HSET again", ROUNDS, || {
        let name = text(next() % count);
        hash.set(name.as_bytes(), b"a value of a fiels", encodings);
    });
    measure("HGET", ROUNDS, || {
        black_box(hash.get(text(next() % count).as_bytes()));
    });
    number = 0;
    measure("HDEL", count as usize, || {
        hash.remove(text(number).as_bytes());
        number += 1;
    });
}

fn main() {
    use_small_pages();
    let encodings = Encodings::default();
    for count in [5, 100, 1_000, 1_000_000] {
        sets(count, &encodings);
        hashes(count, &encodings);
    }
}
