//! What the operations of a sorted set cost, and its bytes per element.
//!
//! `cargo bench -p holdfast-engine --bench sorted_set`. Nanoseconds of CPU are means over many
//! operations; `worst` is the slowest single one.
mod clock;
mod resident;

use std::hint::black_box;

use clock::{measure, time, use_small_pages};
use holdfast_engine::values::direction::Direction;
use holdfast_engine::values::encodings::Encodings;
use holdfast_engine::values::sorted_set::{ScoreBound, ScoreRange, SortedSet};
use resident::resident_bytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A cheap sequence of numbers that repeats from its seed.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

/// Eleven bytes, as the members of the memory comparison are.
fn member(number: u64) -> String {
    format!("m{number:010}")
}

fn operations(count: u64, encodings: &Encodings) {
    println!("{count} members");
    let mut next = numbers(1);
    let before = resident_bytes();
    let mut set = SortedSet::new();
    let mut number = 0;
    measure("ZADD new, random score", count as usize, || {
        set.insert(member(number).as_bytes(), next() as f64, encodings);
        number += 1;
    });
    let resident = resident_bytes().saturating_sub(before) as f64 / count as f64;
    let stated = set.allocated_bytes() as f64 / count as f64;
    println!("  bytes per element: {resident:.1} resident, {stated:.1} stated");
    let rounds = 200_000;
    measure("ZADD changed score", rounds, || {
        set.insert(member(next() % count).as_bytes(), next() as f64, encodings);
    });
    measure("ZSCORE", rounds, || {
        black_box(set.score(member(next() % count).as_bytes()));
    });
    measure("ZRANK", rounds, || {
        black_box(set.rank(member(next() % count).as_bytes(), Direction::Forward));
    });
    measure("ZRANGE of 10 by rank", rounds, || {
        let from = (next() % count) as usize;
        set.range(from..from + 10, Direction::Forward)
            .for_each(|pair| {
                black_box(pair);
            });
    });
    measure("ZREVRANGE of 10 by score", rounds, || {
        let max = ScoreBound::Inclusive(next() as f64);
        let ranks = set.ranks_by_score(&ScoreRange {
            min: ScoreBound::Inclusive(0.0),
            max,
        });
        set.range(ranks, Direction::Backward)
            .take(10)
            .for_each(|pair| {
                black_box(pair);
            });
    });
    measure("ZCOUNT", rounds, || {
        let range = ScoreRange {
            min: ScoreBound::Inclusive(next() as f64),
            max: ScoreBound::Exclusive(next() as f64),
        };
        black_box(set.ranks_by_score(&range).len());
    });
    let mut removed = Vec::new();
    measure("ZREM", count as usize / 4, || {
        let name = member(next() % count);
        removed.extend(set.remove(name.as_bytes()));
    });
    measure("ZPOPMIN", count as usize / 4, || {
        black_box(set.pop(1, Direction::Forward));
    });
    let left = set.len();
    let spent = time(|| {
        set.remove_ranks(0..left, |_, _| ());
    });
    println!("  removing the {left} that are left by rank: {spent:?}");
}

/// Building sets at once, as loading a file does.
fn loading(encodings: &Encodings) {
    let mut next = numbers(3);
    let mut elements: Vec<(String, f64)> = (0..1_000_000)
        .map(|number| (member(number), next() as f64))
        .collect();
    elements.sort_by(|one, two| two.1.total_cmp(&one.1));
    let mut set = SortedSet::new();
    let spent = time(|| {
        for (member, score) in &elements {
            set.insert(member.as_bytes(), *score, encodings);
        }
    });
    println!("1000000 members, highest first, one by one: {spent:?}");
    let spent = time(|| drop(black_box(set.clone())));
    println!("cloning and freeing them: {spent:?}");
    let mut whole = None;
    let spent = time(|| whole = SortedSet::from_elements(elements, encodings));
    println!("the same at once: {spent:?}");
    let small = (0..50)
        .map(|number| (member(number), next() as f64))
        .collect();
    let small = SortedSet::from_elements(small, encodings).expect("members differ");
    let block = small.as_listpack().expect("50 members are small").clone();
    println!("50 members");
    measure("taking over a listpack", 10_000, || {
        black_box(SortedSet::from_listpack(block.clone(), encodings));
    });
}

/// Bytes of a set of this length; the sets are kept so that the next measurement sees growth.
fn memory(entries: u64, sets: u64, encodings: &Encodings) -> Vec<SortedSet> {
    let mut next = numbers(2);
    let before = resident_bytes();
    let all: Vec<SortedSet> = (0..sets)
        .map(|_| {
            let mut set = SortedSet::new();
            for number in 0..entries {
                set.insert(member(number).as_bytes(), next() as f64, encodings);
            }
            set
        })
        .collect();
    let resident = resident_bytes().saturating_sub(before) / all.len();
    let stated = all.first().map_or(0, SortedSet::allocated_bytes);
    println!("{sets} sets of {entries}: {resident} bytes resident each, {stated} stated");
    all
}

fn main() {
    use_small_pages();
    let encodings = Encodings::default();
    let kept: Vec<_> = [50, 130, 200, 300]
        .into_iter()
        .map(|entries| memory(entries, 5_000, &encodings))
        .collect();
    operations(1_000_000, &encodings);
    operations(1_000, &encodings);
    loading(&encodings);
    drop(kept);
}
