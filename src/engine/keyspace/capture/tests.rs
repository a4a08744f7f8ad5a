//! Whatever commands do while the walk is underway, what was captured is the keyspace as it was when
//! the capture began.

use super::*;
use crate::commands::CommandTable;
use crate::context::Caller;
use crate::digest::{self, Digest};
use crate::effects::Effects;
use crate::execute::Engine;
use crate::keyspace::EvictionPolicy;
use crate::values::encodings::Encodings;
use holdfast_resp::{Protocol, Reply};

fn keyspace() -> Keyspace {
    let encodings = Encodings {
        hash_max_listpack_entries: 8,
        zset_max_listpack_entries: 8,
        set_max_intset_entries: 8,
        list_max_listpack_size: 8,
        ..Encodings::default()
    };
    let mut keyspace = Keyspace::new(3, encodings, 7);
    keyspace.set_now_ms(1_000_000);
    keyspace
}

fn run(keyspace: &mut Keyspace, table: &CommandTable, database: u32, words: &[&[u8]]) {
    let (handler, skip) = table.find(words).expect("a command of the engine");
    let mut engine = Engine {
        keyspace,
        effects: &mut Effects::default(),
    };
    engine.execute(
        handler,
        words,
        skip,
        DatabaseIndex(database),
        Caller::default(),
        &mut Reply::new(Protocol::Resp2),
    );
}

/// A small deterministic source of choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// One random command on few keys, so that they meet.
fn random_command(keyspace: &mut Keyspace, table: &CommandTable, dice: &mut Dice) {
    let database = u32::try_from(dice.below(3)).expect("small");
    let key = format!("key:{}", dice.below(400));
    let other = format!("key:{}", dice.below(400));
    let number = dice.below(3000).to_string();
    let line = match dice.below(100) {
        0..20 => format!("SET {key} value-{number}"),
        20..30 => format!("APPEND {key} {number}"),
        30..40 => format!("DEL {key}"),
        40..50 => format!("SADD s{key} {number} m{number}"),
        50..60 => format!("HSET h{key} f{number} {number}"),
        60..70 => format!("ZADD z{key} {number} m{number}"),
        70..78 => format!("RPUSH l{key} {number} e{number}"),
        78..82 => format!("LPOP l{key}"),
        82..85 => format!("ZREM z{key} m{number}"),
        85..88 => format!("SREM s{key} {number}"),
        88..90 => format!("HDEL h{key} f{number}"),
        90..93 => format!("PEXPIREAT {key} 5{number}000"),
        93..95 => format!("RENAME {key} {other}"),
        95..97 => format!("PERSIST {key}"),
        97 => format!("MOVE {key} {}", dice.below(3)),
        98 if dice.below(4) == 0 => "FLUSHDB".to_owned(),
        _ => format!("SWAPDB {} {}", dice.below(3), dice.below(3)),
    };
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    run(keyspace, table, database, &words);
}

fn collect(keyspace: &mut Keyspace, into: &mut (Digest, usize)) {
    let captured = keyspace.take_captured(CapturedKeys::default());
    for key in captured.iter() {
        into.0 = into.0.plus(key.digest());
        into.1 += 1;
    }
}

#[test]
fn what_is_captured_under_random_commands_is_the_keyspace_at_the_beginning() {
    let table = CommandTable::default();
    for seed in 1..25 {
        let mut dice = Dice(seed * 0x9e37_79b9);
        let mut keyspace = keyspace();
        for _ in 0..3000 {
            random_command(&mut keyspace, &table, &mut dice);
        }
        let before = digest::of_keyspace(&keyspace);
        let counts = keyspace.begin_capture();
        let total: usize = counts.iter().map(|(keys, _)| keys).sum();
        let mut found = (Digest::default(), 0);
        let mut steps = 0;
        loop {
            for _ in 0..dice.below(60) {
                random_command(&mut keyspace, &table, &mut dice);
            }
            let step = usize::try_from(dice.below(20)).expect("small");
            let walked = keyspace.walk_capture(step);
            collect(&mut keyspace, &mut found);
            if walked == Walk::Done {
                break;
            }
            steps += 1;
            if steps == 10 {
                // What another node sends takes the place of all that is there.
                let fresh = keyspace.replacement();
                keyspace.install(fresh);
            }
        }
        let end = keyspace.end_capture().expect("one was begun");
        assert_eq!(
            (end.missed_count, end.keys_count),
            (0, total),
            "seed {seed}"
        );
        assert_eq!(found, (before, total), "seed {seed}");
    }
}

#[test]
fn large_collections_stay_as_they_were_while_they_are_changed() {
    let table = CommandTable::default();
    let mut keyspace = keyspace();
    for number in 0..20_000 {
        for line in [
            format!("ZADD zset {} member-{number}", number % 100),
            format!("HSET hash field-{number} {number}"),
            format!("SADD set member-{number}"),
            format!("RPUSH list element-{number}"),
        ] {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            run(&mut keyspace, &table, 0, &words);
        }
    }
    let before = digest::of_keyspace(&keyspace);
    keyspace.begin_capture();
    // The first change to each captures it; those after it must not show.
    for number in 0..20_000 {
        for line in [
            format!("ZADD zset 5000 member-{number}"),
            format!("HSET hash field-{number} changed"),
            format!("SREM set member-{number}"),
            format!("LSET list {number} changed"),
        ] {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            run(&mut keyspace, &table, 0, &words);
        }
    }
    let mut found = (Digest::default(), 0);
    while keyspace.walk_capture(1) == Walk::Underway {}
    collect(&mut keyspace, &mut found);
    assert_eq!(found, (before, 4));
    assert_ne!(digest::of_keyspace(&keyspace), before);
}

#[test]
fn usage_is_captured_where_the_policy_looks_at_it() {
    let table = CommandTable::default();
    let mut keyspace = keyspace();
    keyspace.access.policy = EvictionPolicy::AllKeysLru;
    run(&mut keyspace, &table, 0, &[b"SET", b"key", b"value"]);
    keyspace.set_now_ms(1_100_000);
    keyspace.begin_capture();
    assert_eq!(keyspace.capture_progress(), Some((0, 1)));
    assert_eq!(keyspace.walk_capture(10), Walk::Done);
    let captured = keyspace.take_captured(CapturedKeys::default());
    let idle: Vec<_> = captured
        .iter()
        .map(|key| key.usage().idle_seconds)
        .collect();
    assert_eq!(idle, [Some(100)]);
}
