//! The table against simple models, and the fairness of its random choices.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::hashing::HashSeed;

const SEED: HashSeed = HashSeed(0x5eed);

fn hash(item: &u32) -> u64 {
    SEED.hash(&item.to_le_bytes())
}

/// A generator whose seed a failing test can name.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn insert(table: &mut Table<u32>, item: u32) {
    table.insert_unique(hash(&item), item, hash);
}

fn remove(table: &mut Table<u32>, item: u32) -> Option<u32> {
    table.remove(hash(&item), |&other| other == item, hash)
}

fn table_of(items: impl IntoIterator<Item = u32>) -> Table<u32> {
    let mut table = Table::new();
    items.into_iter().for_each(|item| insert(&mut table, item));
    table
}

fn check(table: &Table<u32>) {
    if let Shape::Many(segments) = &table.shape {
        segments.check(hash);
    }
}

#[test]
fn an_empty_table_is_small_and_allocates_nothing() {
    let table = Table::<Box<u8>>::new();
    assert!(
        size_of::<Table<Box<u8>>>() <= 48,
        "{}",
        size_of::<Table<Box<u8>>>()
    );
    assert_eq!((table.len(), table.allocated_bytes()), (0, 0));
    assert!(table.get(1, |_| true).is_none());
    assert!(table.random(&mut || 7).is_none());
    assert_eq!(table.scan(0, 10, |_| 0, &mut |_| ()), None);
}

#[test]
fn random_changes_agree_with_a_set() {
    for seed in 0..2 {
        let mut random = Random(seed);
        let mut table = Table::new();
        let mut model = BTreeSet::new();
        // Long phases of mostly adding and mostly removing, so that segments split and merge.
        for step in 0..60_000_u64 {
            let item = (random.next() % 20_000) as u32;
            let adds = random.next() % 10 < if step / 15_000 % 2 == 0 { 9 } else { 1 };
            let found = table.get(hash(&item), |&other| other == item).copied();
            assert_eq!(found, model.get(&item).copied(), "seed {seed} step {step}");
            if adds && model.insert(item) {
                insert(&mut table, item);
            } else if !adds {
                let was_there = model.remove(&item).then_some(item);
                assert_eq!(
                    remove(&mut table, item),
                    was_there,
                    "seed {seed} step {step}"
                );
            }
            assert_eq!(table.len(), model.len());
            if step % 5_000 == 0 {
                check(&table);
                assert_eq!(table.iter().copied().collect::<BTreeSet<_>>(), model);
            }
        }
    }
}

#[test]
fn removals_give_memory_back_and_end_with_one_segment() {
    let mut table = table_of(0..100_000);
    let full_bytes = table.allocated_bytes();
    assert!(
        full_bytes < 100_000 * 12,
        "{full_bytes} bytes for 100,000 items of 4 bytes"
    );
    for item in 0..99_900 {
        assert_eq!(remove(&mut table, item), Some(item));
    }
    check(&table);
    assert!(matches!(table.shape, Shape::One(_)));
    assert!(
        table.allocated_bytes() < 8_192,
        "{}",
        table.allocated_bytes()
    );
    assert!((99_900..100_000).all(|item| remove(&mut table, item).is_some()));
    assert!(table.is_empty());
}

#[test]
fn items_with_one_hash_do_not_split_for_ever() {
    let mut table: Table<u32> = Table::new();
    for item in 0..5_000_u32 {
        table.insert_unique(u64::MAX, item, |_| u64::MAX);
    }
    assert_eq!(table.get(u64::MAX, |&item| item == 4_321), Some(&4_321));
    let mut visited = 0;
    assert_eq!(table.scan(0, 10, |_| u64::MAX, &mut |_| visited += 1), None);
    assert_eq!(visited, 5_000);
}

#[test]
fn a_table_is_freed_in_pieces() {
    let mut table = table_of(0..10_000);
    let mut taken = BTreeSet::new();
    while !table.is_empty() {
        let piece = table.take_some(700);
        assert!(piece.len() <= 700 && !piece.is_empty());
        taken.extend(piece);
        assert_eq!(table.len() + taken.len(), 10_000);
        check(&table);
    }
    assert_eq!((taken.len(), table.allocated_bytes()), (10_000, 0));
    let whole: BTreeSet<_> = table_of(0..10_000).into_iter().collect();
    assert_eq!(whole, taken);
}

fn scan_all(table: &Table<u32>, count: usize) -> Vec<u32> {
    let mut visited = Vec::new();
    let mut at = Some(0);
    while let Some(from) = at {
        at = table.scan(from, count, hash, &mut |&item| visited.push(item));
        assert!(at.is_none_or(|next| next > from && next >> POSITION_BITS == 0));
    }
    visited
}

#[test]
fn a_scan_visits_each_item_once_in_the_order_of_hashes() {
    for len in [1, 10, 1_000, 30_000] {
        let table = table_of(0..len);
        let mut want: Vec<_> = (0..len).collect();
        want.sort_by_key(hash);
        for count in [0, 1, 7, 1_000, 1_000_000] {
            if len < 30_000 || count > 1 {
                assert_eq!(scan_all(&table, count), want, "{len} items by {count}");
            }
        }
    }
}

#[test]
fn a_scan_misses_nothing_while_the_table_grows_and_shrinks() {
    for seed in 0..2 {
        let mut random = Random(seed);
        let mut table = table_of(0..3_000); // these stay throughout
        let mut others = BTreeSet::new();
        let mut visits = BTreeMap::new();
        let mut at = Some(0);
        while let Some(from) = at {
            at = table.scan(from, 20, hash, &mut |&item| {
                *visits.entry(item).or_insert(0) += 1;
            });
            let grows = from >> (POSITION_BITS - 2) & 1 == seed & 1;
            for _ in 0..200 {
                let item = 3_000 + (random.next() % 100_000) as u32;
                if grows && others.insert(item) {
                    insert(&mut table, item);
                } else if !grows && let Some(item) = others.pop_first() {
                    remove(&mut table, item);
                }
            }
        }
        let stayed = visits.range(..3_000).map(|(_, &count)| count);
        assert!(stayed.eq([1; 3_000]), "seed {seed}");
    }
}

#[test]
fn a_random_item_is_any_with_the_same_chance() {
    for len in [100, 5_000] {
        let mut random = Random(7);
        let mut table = table_of(0..len + 20_000);
        for item in len..len + 20_000 {
            remove(&mut table, item);
        }
        let draws = len * 100;
        let mut drawn = vec![0_u32; len as usize];
        for _ in 0..draws {
            let item = table
                .random(&mut || random.next())
                .expect("it is not empty");
            drawn[*item as usize] += 1;
        }
        let deviations = drawn
            .iter()
            .map(|&count| (f64::from(count) - 100.0).powi(2) / 100.0);
        let chi_square: f64 = deviations.sum();
        let freedom = f64::from(len - 1);
        let bound = freedom + 4.0 * (2.0 * freedom).sqrt();
        assert!(
            chi_square < bound,
            "{chi_square} of {len} items, bound {bound}"
        );
    }
}

#[test]
fn a_table_of_constant_size_stays_in_its_memory() {
    for len in [300, 40_000] {
        // Removals leave traces that must not make segments grow beyond what the items need.
        let mut table = table_of(0..len);
        let bytes = table.allocated_bytes();
        for item in 0..len * 5 {
            remove(&mut table, item);
            insert(&mut table, item + len);
        }
        check(&table);
        let after = table.allocated_bytes();
        let allowed = bytes + bytes / 4;
        assert!(
            after <= allowed,
            "{len} items: {bytes} bytes became {after}"
        );
    }
}
