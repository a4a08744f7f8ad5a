//! The behaviour of the set commands, with their effects replayed on a copy.

use std::collections::BTreeSet;

use crate::commands::testing::Harness;

fn members(reply: &str) -> BTreeSet<String> {
    reply
        .split('|')
        .filter(|part| !part.starts_with(['*', '$']))
        .map(str::to_owned)
        .collect()
}

fn set_of(members: &[&str]) -> BTreeSet<String> {
    members.iter().map(|&member| member.to_owned()).collect()
}

#[test]
fn members_are_added_found_moved_and_removed() {
    let mut client = Harness::new();
    assert_eq!(client.run("SADD s a b a"), ":2");
    assert_eq!(client.run("SADD s a"), ":0");
    assert_eq!(client.logged, "");
    assert_eq!(client.run("SISMEMBER s a"), ":1");
    assert_eq!(client.run("SMISMEMBER s a x"), "*2|:1|:0");
    assert_eq!(client.run("SMOVE s t a"), ":1");
    assert_eq!(client.run("SMOVE s t x"), ":0");
    assert_eq!(client.run("SMOVE s s b"), ":1");
    assert_eq!(client.run("SREM s b x"), ":1");
    assert_eq!(client.run("SCARD s"), ":0");
    assert_eq!(client.run("SMEMBERS t"), "*1|$1|a");
}

#[test]
fn algebra_answers_and_stores() {
    let mut client = Harness::new();
    client.run("SADD a 1 2 3 x");
    client.run("SADD b 2 3 4 x");
    assert_eq!(members(&client.run("SINTER a b")), set_of(&["2", "3", "x"]));
    assert_eq!(
        members(&client.run("SUNION a b")),
        set_of(&["1", "2", "3", "4", "x"])
    );
    assert_eq!(members(&client.run("SDIFF a b")), set_of(&["1"]));
    assert_eq!(client.run("SINTERSTORE c a b"), ":3");
    assert_eq!(client.run("SINTERCARD 2 a b LIMIT 2"), ":2");
    assert_eq!(client.run("SINTERCARD 2 a b"), ":3");
    assert_eq!(
        client.run("SINTERCARD 0 a"),
        "-ERR numkeys should be greater than 0"
    );
    assert_eq!(
        client.run("SINTERCARD 3 a b"),
        "-ERR Number of keys can't be greater than number of args"
    );
    assert_eq!(
        client.run("SINTERCARD 1 a LIMIT -1"),
        "-ERR LIMIT can't be negative"
    );
    assert_eq!(client.run("SINTERSTORE c a none"), ":0");
    assert_eq!(client.run("SCARD c"), ":0");
    assert_eq!(client.run("SDIFFSTORE a a b"), ":1");
    assert_eq!(client.run("SMEMBERS a"), "*1|$1|1");
}

#[test]
fn what_chance_takes_out_is_named_in_the_effect() {
    let mut client = Harness::new();
    client.run("SADD s a b c");
    let taken = client.run("SPOP s");
    let member = taken.split('|').nth(1).expect("a bulk string");
    assert_eq!(client.logged, format!("SREM s {member}"));
    assert!(client.run("SPOP s 5").starts_with("*2|"));
    assert_eq!(client.logged, "DEL s");
    assert_eq!(client.run("SPOP s"), "$-1");
    assert_eq!(
        client.run("SPOP s -1"),
        "-ERR value is out of range, must be positive"
    );
}

#[test]
fn random_members_are_distinct_or_drawn() {
    let mut client = Harness::new();
    for number in 0..1000 {
        client.run(&format!("SADD s m{number}"));
    }
    for count in [1, 10, 500, 1000] {
        assert_eq!(
            members(&client.run(&format!("SRANDMEMBER s {count}"))).len(),
            count
        );
    }
    assert!(client.run("SRANDMEMBER s -2000").starts_with("*2000|"));
    assert_eq!(client.run("SRANDMEMBER none -2"), "*0");
}

#[test]
fn other_types_are_refused() {
    let mut client = Harness::new();
    client.run("SET s x");
    for line in [
        "SADD s a",
        "SREM s a",
        "SPOP s",
        "SINTER s",
        "SUNIONSTORE d s",
        "SSCAN s 0",
        "SMOVE s d a",
    ] {
        assert!(client.run(line).starts_with("-WRONGTYPE"), "{line}");
    }
}
