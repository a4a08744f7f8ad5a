//! What the commands on keys answer, log and announce. Replies were compared with Redis 7.0.15.

use crate::commands::testing::Harness;
use crate::keyspace::{DatabaseIndex, EvictionPolicy};

#[test]
fn keys_are_counted_and_removed() {
    let mut harness = Harness::new();
    harness.expect(&[
        ("MSET a 1 b 2 c 3", "+OK"),
        ("EXISTS a b a none", ":3"),
        ("TOUCH a none", ":1"),
        ("TYPE a", "+string"),
        ("TYPE none", "+none"),
        ("DEL none", ":0"),
        ("DEL a a none", ":1"),
    ]);
    assert_eq!(harness.logged, "DEL a a none");
    assert_eq!(harness.run("UNLINK b c"), ":2");
    assert_eq!(harness.run("DBSIZE"), ":0");
}

#[test]
fn keys_get_other_names() {
    let mut harness = Harness::new();
    harness.listen();
    harness.expect(&[
        ("RENAME a b", "-ERR no such key"),
        ("RENAMENX a b", "-ERR no such key"),
        ("SET a 1 EX 100", "+OK"),
        ("SET b 2", "+OK"),
        ("RENAMENX a b", ":0"),
        ("RENAMENX a a", ":0"),
        ("RENAME a a", "+OK"),
    ]);
    assert_eq!(harness.logged, "");
    harness.heard();
    assert_eq!(harness.run("RENAME a b"), "+OK");
    assert_eq!(harness.heard(), "rename_from a, rename_to b");
    harness.expect(&[
        ("GET b", "$1|1"),
        ("TTL b", ":100"),
        ("RENAMENX b c", ":1"),
        ("TTL c", ":100"),
        ("EXISTS a b c", ":1"),
    ]);
}

#[test]
fn an_expired_target_is_removed_before_a_key_takes_its_name() {
    let mut harness = Harness::new();
    harness.run("SET a 1");
    harness.run("SET b 2 PX 10");
    harness.wait_ms(10);
    assert_eq!(harness.run("RENAMENX a b"), ":1");
    assert_eq!(harness.logged, "DEL b; RENAMENX a b");
}

#[test]
fn values_are_copied_with_their_deadline() {
    let mut harness = Harness::new();
    harness.listen();
    harness.expect(&[
        ("COPY a b", ":0"),
        ("SET a 1 EX 100", "+OK"),
        ("COPY a b", ":1"),
        ("TTL b", ":100"),
        ("SET b 2", "+OK"),
        ("COPY a b", ":0"),
        ("COPY a b REPLACE", ":1"),
        ("GET b", "$1|1"),
        ("COPY a a DB 3", ":1"),
        (
            "COPY a a",
            "-ERR source and destination objects are the same",
        ),
        (
            "COPY a a DB 0",
            "-ERR source and destination objects are the same",
        ),
        ("COPY a b DB 99", "-ERR DB index is out of range"),
        (
            "COPY a b DB x",
            "-ERR value is not an integer or out of range",
        ),
        ("COPY a b foo", "-ERR syntax error"),
    ]);
    harness.database = DatabaseIndex(3);
    assert_eq!(harness.run("TTL a"), ":100");
    harness.heard();
    harness.run("COPY a c");
    assert_eq!(harness.heard(), "copy_to c");
}

#[test]
fn keys_are_moved_to_other_databases() {
    let mut harness = Harness::new();
    harness.listen();
    harness.expect(&[
        ("MOVE a 1", ":0"),
        ("SET a 1 EX 100", "+OK"),
        (
            "MOVE a 0",
            "-ERR source and destination objects are the same",
        ),
        ("MOVE a 99", "-ERR DB index is out of range"),
        ("MOVE a x", "-ERR value is not an integer or out of range"),
    ]);
    harness.heard();
    assert_eq!(harness.run("MOVE a 1"), ":1");
    assert_eq!(harness.heard(), "move_from a, move_to a");
    assert_eq!(harness.run("EXISTS a"), ":0");
    harness.run("SET a 2");
    assert_eq!(harness.run("MOVE a 1"), ":0");
    harness.database = DatabaseIndex(1);
    harness.expect(&[("GET a", "$1|1"), ("TTL a", ":100")]);
}

/// Walks through all keys; returns them sorted.
fn scan_all(harness: &mut Harness, options: &str) -> Vec<String> {
    let (mut cursor, mut keys) = ("0".to_owned(), Vec::new());
    loop {
        let reply = harness.run(&format!("SCAN {cursor} {options}"));
        let lines: Vec<&str> = reply.split('|').collect();
        keys.extend(lines.iter().skip(5).step_by(2).map(|&key| key.to_owned()));
        cursor = lines[2].to_owned();
        if cursor == "0" {
            keys.sort();
            return keys;
        }
    }
}

#[test]
fn scan_walks_through_all_keys() {
    let mut harness = Harness::new();
    let mut names: Vec<String> = (0..500).map(|number| format!("key:{number}")).collect();
    for name in &names {
        harness.run(&format!("SET {name} 1"));
    }
    names.sort();
    assert_eq!(scan_all(&mut harness, ""), names);
    assert_eq!(scan_all(&mut harness, "COUNT 1"), names);
    assert_eq!(scan_all(&mut harness, "COUNT 1000 TYPE string"), names);
    assert_eq!(scan_all(&mut harness, "TYPE list"), Vec::<String>::new());
    assert_eq!(scan_all(&mut harness, "MATCH key:1? COUNT 50").len(), 10);
    harness.expect(&[
        ("SCAN x", "-ERR invalid cursor"),
        ("SCAN 99999999999999999999999", "-ERR invalid cursor"),
        ("SCAN 18446744073709551615", "*2|$1|0|*0"),
        ("SCAN 0 COUNT 0", "-ERR syntax error"),
        (
            "SCAN 0 COUNT x",
            "-ERR value is not an integer or out of range",
        ),
        ("SCAN 0 MATCH", "-ERR syntax error"),
        ("SCAN 0 foo bar", "-ERR syntax error"),
    ]);
}

#[test]
fn lists_of_keys_hide_what_has_expired() {
    let mut harness = Harness::new();
    harness.run("MSET a 1 bb 2");
    harness.run("SET c 1 PX 5");
    harness.wait_ms(5);
    assert_eq!(harness.run("KEYS ?"), "*1|$1|a");
    assert_eq!(harness.logged, "DEL c");
    harness.run("SET c 1 PX 5");
    harness.wait_ms(5);
    assert_eq!(scan_all(&mut harness, ""), ["a", "bb"]);
    harness.run("DEL a bb");
    harness.run("SET c 1 PX 5");
    harness.wait_ms(5);
    assert_eq!(harness.run("RANDOMKEY"), "$-1");
    assert_eq!(harness.logged, "DEL c");
    harness.run("SET d 1");
    assert_eq!(harness.run("RANDOMKEY"), "$1|d");
}

#[test]
fn object_tells_how_a_value_is_stored() {
    let mut harness = Harness::new();
    harness.run("MSET int 12 short abc");
    harness.run("APPEND short d");
    harness.wait_ms(3_000);
    harness.expect(&[
        ("OBJECT ENCODING int", "$3|int"),
        ("OBJECT ENCODING short", "$3|raw"),
        ("OBJECT ENCODING none", "$-1"),
        ("OBJECT REFCOUNT int", ":2147483647"),
        ("OBJECT REFCOUNT short", ":1"),
        ("OBJECT REFCOUNT none", "$-1"),
        ("OBJECT IDLETIME int", ":3"),
        ("TOUCH int", ":1"),
        ("OBJECT IDLETIME int", ":0"),
        ("OBJECT FREQ none", "$-1"),
    ]);
    assert!(
        harness
            .run("OBJECT FREQ int")
            .starts_with("-ERR An LFU maxmemory policy is not selected")
    );
    harness.keyspace.access.policy = EvictionPolicy::AllKeysLfu;
    harness.run("DEL int");
    harness.run("SET int 1");
    assert_eq!(harness.run("OBJECT FREQ int"), ":5");
    // A new value is not a new key: its counter stays.
    harness.keyspace.access.lfu_log_factor = 0;
    harness.expect(&[
        ("TOUCH int", ":1"),
        ("SET int 2", "+OK"),
        ("OBJECT FREQ int", ":6"),
    ]);
    assert!(
        harness
            .run("OBJECT IDLETIME int")
            .starts_with("-ERR An LFU maxmemory policy is selected")
    );
    assert!(
        harness
            .run("OBJECT HELP")
            .starts_with("*11|+OBJECT <subcommand>")
    );
}
