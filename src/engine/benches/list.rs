//! What the operations of a list cost, and its bytes per element.
//!
//! `cargo bench -p holdfast-engine --bench list`. Nanoseconds of CPU are means over many
//! operations; `worst` is the slowest single one.
mod clock;
mod resident;

use std::hint::black_box;

use clock::{measure, time, use_small_pages};
use holdfast_engine::values::direction::Direction;
use holdfast_engine::values::encodings::Encodings;
use holdfast_engine::values::list::{End, ListValue, Search, Side};
use resident::resident_bytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A cheap sequence of numbers that repeats from its seed.
fn numbers(mut state: u64) -> impl FnMut() -> usize {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    }
}

fn operations(count: usize, element_bytes: usize, encodings: &Encodings) {
    println!("{count} elements of {element_bytes} bytes");
    let mut next = numbers(1);
    let element = vec![b'e'; element_bytes];
    let before = resident_bytes();
    let mut list = ListValue::new();
    measure("LPUSH", count / 2, || {
        list.push(End::Front, &element, encodings);
    });
    measure("RPUSH", count / 2, || {
        list.push(End::Back, &element, encodings);
    });
    let resident = resident_bytes().saturating_sub(before) as f64 / count as f64;
    let stated = list.allocated_bytes() as f64 / count as f64;
    println!("  bytes per element: {resident:.1} resident, {stated:.1} stated");
    println!("  {} nodes", list.weight());
    let rounds = (count / 4).min(100_000);
    measure("LINDEX", rounds, || {
        black_box(list.get(next() % count));
    });
    measure("LRANGE of 100", rounds, || {
        let from = next() % count;
        list.range(from..from + 100, Direction::Forward)
            .for_each(|element| {
                black_box(element);
            });
    });
    measure("LSET", rounds, || {
        list.set(next() % count, b"another", encodings);
    });
    measure("insertion at an index", rounds, || {
        list.insert(next() % count, &element, encodings);
    });
    measure("removal at an index", rounds, || {
        let at = next() % count;
        list.remove_range(at..at + 1, encodings);
    });
    measure("LPOP and RPUSH", rounds, || {
        let popped = list.pop(End::Front, encodings);
        list.push(End::Back, &popped.unwrap_or_default(), encodings);
    });
    list.insert(count / 2, b"pivot", encodings);
    measure("LINSERT at the middle", 5, || {
        list.insert_beside(b"pivot", Side::Before, &element, encodings);
    });
    let search = Search {
        direction: Direction::Forward,
        skipped_count: 0,
        found_max: 1,
        compared_max: usize::MAX,
    };
    measure("LPOS to the middle", 5, || {
        black_box(list.positions(b"pivot", &search));
    });
    let (mut removed, len) = (0, list.len());
    let spent = time(|| {
        removed = list.remove_equal(b"another", usize::MAX, Direction::Forward, encodings);
    });
    println!("  LREM of {removed} among {len}: {spent:?}");
    let len = list.len();
    let spent = time(|| list.trim(0..10, encodings));
    println!("  LTRIM of {len} to 10: {spent:?}");
}

/// Bytes of a list of this length; the lists are kept so that the next measurement sees growth.
fn memory(count: usize, lists: usize, encodings: &Encodings) -> Vec<ListValue> {
    let before = resident_bytes();
    let all: Vec<ListValue> = (0..lists)
        .map(|_| {
            let mut list = ListValue::new();
            (0..count).for_each(|_| list.push(End::Back, b"0123456789", encodings));
            list
        })
        .collect();
    let resident = resident_bytes().saturating_sub(before) / lists;
    let stated = all.first().map_or(0, ListValue::allocated_bytes);
    println!("{lists} lists of {count}: {resident} bytes resident each, {stated} stated");
    all
}

fn main() {
    use_small_pages();
    let encodings = Encodings::default();
    let kept: Vec<_> = [4, 10, 50]
        .into_iter()
        .map(|count| memory(count, 50_000, &encodings))
        .collect();
    operations(1_000_000, 20, &encodings);
    operations(1_000_000, 100, &encodings);
    operations(1_000_000, 1_000, &encodings);
    operations(1_000, 20, &encodings);
    drop(kept);
}
