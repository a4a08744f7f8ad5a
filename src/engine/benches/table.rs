//! What the engine's table costs beside the standard library's, its longest single insert, and the
//! two hashes.
//!
//! `cargo bench -p holdfast-engine --bench table`. Nanoseconds of CPU are means over many
//! operations; `worst` is the slowest single one.
mod clock;
mod resident;

use std::hint::black_box;
use std::time::Duration;

use clock::{measure, time, use_small_pages};
use holdfast_engine::hashing::{HashSeed, hash_slot};
use holdfast_engine::packed::Packed;
use holdfast_engine::table::Table;
use resident::resident_bytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: HashSeed = HashSeed(0x0123_4567_89ab_cdef);

type Member = Packed<()>;

#[expect(
    clippy::disallowed_types,
    reason = "the standard library's table is what ours is compared with"
)]
type StdSet = std::collections::HashSet<Box<[u8]>>;

fn hash(member: &Member) -> u64 {
    SEED.hash(member.bytes())
}

/// Eleven bytes that differ for each number, in an order that memory does not follow.
fn name(number: u64, count: u64) -> [u8; 11] {
    let mut name = *b"m0000000000";
    let mut left = number.wrapping_mul(7_919) % count;
    for digit in name.iter_mut().skip(1).rev() {
        *digit += (left % 10) as u8;
        left /= 10;
    }
    name
}

fn insert(table: &mut Table<Member>, name: &[u8]) {
    table.insert_unique(SEED.hash(name), Packed::new((), &[name]), hash);
}

fn per_item(spent: Duration, count: u64) -> u128 {
    spent.as_nanos() / u128::from(count)
}

fn ours(count: u64) -> Table<Member> {
    let before = resident_bytes();
    let mut table = Table::new();
    let added = time(|| (0..count).for_each(|number| insert(&mut table, &name(number, count))));
    let bytes = resident_bytes().saturating_sub(before) as f64 / count as f64;
    let own = table.allocated_bytes() as f64 / count as f64;
    let found = time(|| {
        for number in 0..count {
            let name = name(number.wrapping_mul(104_729), count);
            black_box(table.get(SEED.hash(&name), |member| member.bytes() == name));
        }
    });
    println!(
        "  ours: insert {:>4} ns, get {:>4} ns, {bytes:.1} bytes an item, {own:.1} of them the table's",
        per_item(added, count),
        per_item(found, count)
    );
    table
}

fn std_set(count: u64) -> StdSet {
    let before = resident_bytes();
    let mut table = StdSet::new();
    let added = time(|| {
        for number in 0..count {
            table.insert(Box::from(name(number, count)));
        }
    });
    let bytes = resident_bytes().saturating_sub(before) as f64 / count as f64;
    let found = time(|| {
        for number in 0..count {
            let name = name(number.wrapping_mul(104_729), count);
            black_box(table.get(name.as_slice()));
        }
    });
    println!(
        "  std:  insert {:>4} ns, get {:>4} ns, {bytes:.1} bytes an item",
        per_item(added, count),
        per_item(found, count)
    );
    table
}

/// Every insert and removal by itself, for the slowest of them.
fn pauses(count: u64) {
    let mut table = Table::new();
    let mut number = 0;
    measure("one insert", count as usize, || {
        insert(&mut table, &name(number, count));
        number += 1;
    });
    let mut from = 0;
    measure("scan of 10", 20_000, || {
        from = table
            .scan(from, 10, hash, &mut |member| {
                black_box(member);
            })
            .unwrap_or(0);
    });
    let mut seed = 0_u64;
    measure("one at random", 200_000, || {
        let random = &mut || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            SEED.hash(&seed.to_le_bytes())
        };
        black_box(table.random(random));
    });
    number = 0;
    measure("one removal", count as usize, || {
        let name = name(number, count);
        table.remove(SEED.hash(&name), |member| member.bytes() == name, hash);
        number += 1;
    });
    let mut set = StdSet::new();
    number = 0;
    measure("one insert, std", count as usize, || {
        set.insert(Box::from(name(number, count)));
        number += 1;
    });
}

/// The keyspace's case: as many tables as there are hash slots.
fn slots(keys: u64) {
    let mut tables: Vec<Table<Member>> = (0..16_384).map(|_| Table::new()).collect();
    let spent = time(|| {
        for number in 0..keys {
            let name = name(number, keys);
            insert(&mut tables[usize::from(hash_slot(&name))], &name);
        }
    });
    let own: usize = tables.iter().map(Table::allocated_bytes).sum();
    println!(
        "  {keys} keys in 16384 tables: insert {} ns, {:.1} bytes a key for the tables",
        per_item(spent, keys),
        own as f64 / keys as f64
    );
}

fn hashes() {
    for len in [6, 14, 32, 100] {
        let key = vec![b'k'; len];
        let rounds = 5_000_000;
        let seeded = time(|| {
            for _ in 0..rounds {
                black_box(SEED.hash(black_box(&key)));
            }
        });
        let slot = time(|| {
            for _ in 0..rounds {
                black_box(hash_slot(black_box(&key)));
            }
        });
        println!(
            "  {len} bytes: seeded hash {:.1} ns, hash slot {:.1} ns",
            seeded.as_nanos() as f64 / rounds as f64,
            slot.as_nanos() as f64 / rounds as f64
        );
    }
}

fn main() {
    use_small_pages();
    hashes();
    slots(5_000_000);
    let mut kept = (Vec::new(), Vec::new()); // what is freed would be used again, and not be seen
    for count in [1_000, 1_000_000, 10_000_000] {
        println!("{count} members of 11 bytes");
        kept.0.push(ours(count));
        kept.1.push(std_set(count));
    }
    drop(kept);
    println!("10000000 members, each operation by itself");
    pauses(10_000_000);
}
