//! The behaviour of the hash commands, with their effects replayed on a copy.

use crate::commands::testing::Harness;

#[test]
fn fields_are_set_read_and_removed() {
    let mut client = Harness::new();
    assert_eq!(client.run("HSET h a 1 b 2"), ":2");
    assert_eq!(client.run("HSET h a 3"), ":0");
    assert_eq!(client.run("HGET h a"), "$1|3");
    assert_eq!(client.run("HMGET h a x b"), "*3|$1|3|$-1|$1|2");
    assert_eq!(client.run("HGETALL h"), "*4|$1|a|$1|3|$1|b|$1|2");
    assert_eq!(client.run("HSETNX h a 9"), ":0");
    assert_eq!(client.logged, "");
    assert_eq!(client.run("HSETNX h c 9"), ":1");
    assert_eq!(client.run("HSTRLEN h c"), ":1");
    assert_eq!(client.run("HDEL h a b x"), ":2");
    assert_eq!(client.run("HDEL h c"), ":1");
    assert_eq!(client.run("HLEN h"), ":0");
}

#[test]
fn numbers_in_fields_are_added_to_and_logged_so_that_they_replay() {
    let mut client = Harness::new();
    assert_eq!(client.run("HINCRBY h n 5"), ":5");
    assert_eq!(client.run("HINCRBYFLOAT h n 0.5"), "$3|5.5");
    assert_eq!(client.logged, "HSET h n 5.5");
    assert_eq!(
        client.run("HINCRBY h n 1"),
        "-ERR hash value is not an integer"
    );
    client.run("HSET h t abc");
    assert_eq!(
        client.run("HINCRBYFLOAT h t 1"),
        "-ERR hash value is not a float"
    );
    assert_eq!(
        client.run("HINCRBYFLOAT h t inf"),
        "-ERR value is NaN or Infinity"
    );
    client.run("HSET h m 9223372036854775807");
    assert_eq!(
        client.run("HINCRBY h m 1"),
        "-ERR increment or decrement would overflow"
    );
}

#[test]
fn odd_pairs_and_other_types_are_refused_before_anything_changes() {
    let mut client = Harness::new();
    assert_eq!(
        client.run("HSET h a 1 b"),
        "-ERR wrong number of arguments for 'hset' command"
    );
    assert_eq!(client.run("HLEN h"), ":0");
    client.run("SET s x");
    for line in [
        "HSET s a 1",
        "HGET s a",
        "HDEL s a",
        "HGETALL s",
        "HSCAN s 0",
    ] {
        assert!(client.run(line).starts_with("-WRONGTYPE"), "{line}");
    }
}

#[test]
fn random_fields_are_distinct_or_drawn() {
    let mut client = Harness::new();
    for number in 0..300 {
        client.run(&format!("HSET h f{number} v"));
    }
    for (count, header) in [
        (5, "*5"),
        (200, "*200"),
        (300, "*300"),
        (1000, "*300"),
        (-1000, "*1000"),
    ] {
        let reply = client.run(&format!("HRANDFIELD h {count}"));
        let mut parts: Vec<_> = reply.split('|').collect();
        assert_eq!(parts.remove(0), header);
        if count > 0 {
            let names: std::collections::BTreeSet<_> =
                parts.iter().filter(|part| part.starts_with('f')).collect();
            assert_eq!(names.len(), count.min(300) as usize);
        }
    }
    assert_eq!(client.run("HRANDFIELD none"), "$-1");
    assert_eq!(client.run("HRANDFIELD none 3"), "*0");
    assert_eq!(
        client.run("HRANDFIELD h 1 WITHVALUES x"),
        "-ERR syntax error"
    );
}

#[test]
fn a_scan_shows_every_field() {
    let mut client = Harness::new();
    for number in 0..300 {
        client.run(&format!("HSET h f{number} v"));
    }
    let mut cursor = "0".to_owned();
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let reply = client.run(&format!("HSCAN h {cursor} MATCH f* COUNT 20"));
        let parts: Vec<_> = reply.split('|').map(str::to_owned).collect();
        cursor.clone_from(&parts[2]);
        seen.extend(
            parts
                .into_iter()
                .skip(4)
                .filter(|part| part.starts_with('f')),
        );
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(client.run("HSCAN h x"), "-ERR invalid cursor");
}
