//! What the string commands answer, log and announce. Replies were compared with Redis 7.0.15.

use crate::commands::testing::{Harness, START_MS};
use holdfast_resp::Protocol;

#[test]
fn set_with_conditions() {
    Harness::new().expect(&[
        ("SET a 1 XX", "$-1"),
        ("SET a 1 NX", "+OK"),
        ("SET a 2 NX", "$-1"),
        ("GET a", "$1|1"),
        ("SET a 2 XX", "+OK"),
        ("SET a 3 GET", "$1|2"),
        ("SET a 4 NX GET", "$1|3"),
        ("GET a", "$1|3"),
        ("SET b 1 NX GET", "$-1"),
        ("GET b", "$1|1"),
        ("SET c 1 XX GET", "$-1"),
        ("GET c", "$-1"),
        ("SET a 1 NX XX", "-ERR syntax error"),
        ("SET a 1 XX NX EX 10", "-ERR syntax error"),
        ("SET a 1 EX 10 KEEPTTL", "-ERR syntax error"),
        ("SET a 1 KEEPTTL PX 10", "-ERR syntax error"),
        ("SET a 1 EX 10 PX 10", "-ERR syntax error"),
        ("SET a 1 EX", "-ERR syntax error"),
        ("SET a 1 PERSIST", "-ERR syntax error"),
        (
            "SET a 1 EX ten",
            "-ERR value is not an integer or out of range",
        ),
        ("SET a 1 EX 0", "-ERR invalid expire time in 'set' command"),
        ("SET a 1 PX -1", "-ERR invalid expire time in 'set' command"),
        (
            "SET a 1 EX 9223372036854776",
            "-ERR invalid expire time in 'set' command",
        ),
        (
            "SET a 1 PX 9223372036854775807",
            "-ERR invalid expire time in 'set' command",
        ),
        ("GET a", "$1|3"),
    ]);
}

#[test]
fn set_logs_the_deadline_and_not_the_time_to_live() {
    let mut harness = Harness::new();
    for (line, logged) in [
        ("SET a 1 EX 10 EX 20", "SET a 1 PXAT 1700000020000"),
        ("SET a 1 PX 500 NX", ""),
        ("SET a 2 KEEPTTL", "SET a 2 KEEPTTL"),
        ("SET a 3 EXAT 1800000000", "SET a 3 PXAT 1800000000000"),
        (
            "SET a 3 PXAT 1800000000001 GET",
            "SET a 3 PXAT 1800000000001",
        ),
        ("SETEX a 1 4", "SET a 4 PXAT 1700000001000"),
        ("PSETEX a 1 5", "SET a 5 PXAT 1700000000001"),
        ("SET a 6", "SET a 6"),
        ("SETNX a 7", ""),
        ("SETNX b 7", "SET b 7"),
        ("GETSET b 8", "SET b 8"),
        ("MSET a 1 b 2", "MSET a 1 b 2"),
        ("MSETNX a 1 c 2", ""),
        ("MSETNX c 1 d 2", "MSETNX c 1 d 2"),
        ("INCRBYFLOAT a 0.5", "SET a 1.5 KEEPTTL"),
        ("GETDEL a", "DEL a"),
        ("GETDEL a", ""),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
        assert_eq!(harness.outcome.error, None, "{line}");
    }
}

#[test]
fn an_expired_key_is_gone_before_it_is_written() {
    let mut harness = Harness::new();
    harness.run("SET a 1 PX 100");
    harness.wait_ms(100);
    assert_eq!(harness.run("SET a 2 KEEPTTL"), "+OK");
    assert_eq!(harness.logged, "DEL a; SET a 2 KEEPTTL");
    harness.wait_ms(1000);
    assert_eq!(harness.run("GET a"), "$1|2");
    harness.run("SET a 1 PX 100");
    harness.wait_ms(100);
    assert_eq!(harness.run("INCR a"), ":1");
    assert_eq!(harness.logged, "DEL a; INCR a");
    harness.run("SET a 1 PX 100");
    harness.wait_ms(100);
    assert_eq!(harness.run("MSETNX a 5 b 6"), ":1");
    harness.run("SET c 1 PXAT 1");
    assert_eq!(harness.run("GET c"), "$-1");
    assert_eq!(harness.logged, "DEL c");
}

#[test]
fn getex_changes_the_deadline() {
    let mut harness = Harness::new();
    harness.run("SET a v");
    for (line, reply, logged) in [
        ("GETEX a", "$1|v", ""),
        ("GETEX a EX 10", "$1|v", "PEXPIREAT a 1700000010000"),
        ("GETEX a PX 10", "$1|v", "PEXPIREAT a 1700000000010"),
        ("GETEX a PERSIST", "$1|v", "PERSIST a"),
        ("GETEX a PERSIST", "$1|v", ""),
        (
            "GETEX a EXAT 1800000000",
            "$1|v",
            "PEXPIREAT a 1800000000000",
        ),
        ("GETEX a PERSIST EX 1", "-ERR syntax error", ""),
        (
            "GETEX a EX 0",
            "-ERR invalid expire time in 'getex' command",
            "",
        ),
        ("GETEX none EX 0", "$-1", ""),
        ("GETEX none KEEPTTL", "-ERR syntax error", ""),
        ("GETEX a PXAT 1", "$1|v", "DEL a"),
        ("GET a", "$-1", ""),
    ] {
        assert_eq!(harness.run(line), reply, "{line}");
        assert_eq!(harness.logged, logged, "{line}");
    }
    assert_eq!(harness.keyspace.now_ms(), START_MS);
}

#[test]
fn whole_numbers_are_counted() {
    Harness::new().expect(&[
        ("INCR a", ":1"),
        ("INCRBY a 41", ":42"),
        ("DECR a", ":41"),
        ("DECRBY a 40", ":1"),
        ("SET a 9223372036854775807", "+OK"),
        ("INCR a", "-ERR increment or decrement would overflow"),
        ("SET a -9223372036854775808", "+OK"),
        ("DECR a", "-ERR increment or decrement would overflow"),
        (
            "DECRBY a -9223372036854775808",
            "-ERR decrement would overflow",
        ),
        ("INCRBY a x", "-ERR value is not an integer or out of range"),
        ("SET a ' 1'", "+OK"),
        ("INCR a", "-ERR value is not an integer or out of range"),
        ("SET a 01", "+OK"),
        ("INCR a", "-ERR value is not an integer or out of range"),
        ("SET a 1 EX 100", "+OK"),
        ("INCR a", ":2"),
    ]);
}

#[test]
fn floating_point_numbers_are_counted() {
    Harness::new().expect(&[
        ("INCRBYFLOAT a 3.0e3", "$4|3000"),
        ("INCRBYFLOAT a 200", "$4|3200"),
        ("INCRBYFLOAT a -3200", "$1|0"),
        ("SET a ' 1'", "+OK"),
        ("INCRBYFLOAT a 1", "-ERR value is not a valid float"),
        ("SET a 1", "+OK"),
        ("INCRBYFLOAT a one", "-ERR value is not a valid float"),
        (
            "INCRBYFLOAT a +inf",
            "-ERR increment would produce NaN or Infinity",
        ),
        ("GET a", "$1|1"),
    ]);
}

#[test]
fn parts_of_strings() {
    Harness::new().expect(&[
        ("APPEND a hello", ":5"),
        ("APPEND a ' world'", ":11"),
        ("STRLEN a", ":11"),
        ("STRLEN none", ":0"),
        ("GETRANGE a 0 4", "$5|hello"),
        ("GETRANGE a -5 -1", "$5|world"),
        ("GETRANGE a -100 2", "$3|hel"),
        ("GETRANGE a 6 100", "$5|world"),
        ("GETRANGE a 5 4", "$0|"),
        ("GETRANGE a -1 -5", "$0|"),
        ("GETRANGE a -100 -50", "$1|h"),
        ("GETRANGE a 11 20", "$0|"),
        ("GETRANGE none 0 -1", "$0|"),
        (
            "GETRANGE a x 1",
            "-ERR value is not an integer or out of range",
        ),
        ("SUBSTR a 0 0", "$1|h"),
        ("SETRANGE a 6 redis", ":11"),
        ("GET a", "$11|hello redis"),
        ("SETRANGE b 3 x", ":4"),
        ("GET b", "$4|\0\0\0x"),
        ("SETRANGE a -1 x", "-ERR offset is out of range"),
        ("SETRANGE none 5 \"\"", ":0"),
        ("SETRANGE a 50 \"\"", ":11"),
        ("GET none", "$-1"),
        (
            "SETRANGE a 536870912 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        (
            "SETRANGE a 9223372036854775807 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        ("SET n 12", "+OK"),
        ("APPEND n 3", ":3"),
        ("GETRANGE n 0 -1", "$3|123"),
        ("INCR n", ":124"),
    ]);
}

#[test]
fn many_keys_at_once() {
    Harness::new().expect(&[
        ("MSET a 1 b 2 a 3", "+OK"),
        ("MGET a b c", "*3|$1|3|$1|2|$-1"),
        (
            "MSET a 1 b",
            "-ERR wrong number of arguments for 'mset' command",
        ),
        ("MSETNX x 1 a 2", ":0"),
        ("MGET x", "*1|$-1"),
        ("MSETNX x 1 x 2", ":1"),
        ("GET x", "$1|2"),
    ]);
}

#[test]
fn common_subsequences() {
    let mut harness = Harness::new();
    harness.run("MSET a ohmytext b mynewtext");
    harness.expect(&[
        ("LCS a b", "$6|mytext"),
        ("LCS a b LEN", ":6"),
        (
            "LCS a b IDX",
            "*4|$7|matches|*2|*2|*2|:4|:7|*2|:5|:8|*2|*2|:2|:3|*2|:0|:1|$3|len|:6",
        ),
        (
            "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
            "*4|$7|matches|*1|*3|*2|:4|:7|*2|:5|:8|:4|$3|len|:6",
        ),
        ("LCS a none", "$0|"),
        ("LCS a none LEN", ":0"),
        ("LCS a none IDX", "*4|$7|matches|*0|$3|len|:0"),
        (
            "LCS a b IDX LEN",
            "-ERR If you want both the length and indexes, please just use IDX.",
        ),
        ("LCS a b MINMATCHLEN", "-ERR syntax error"),
    ]);
    harness.protocol = Protocol::Resp3;
    assert_eq!(harness.run("LCS a none IDX"), "%2|$7|matches|*0|$3|len|:0");
}

#[test]
fn subscribers_learn_what_happened() {
    let mut harness = Harness::new();
    harness.listen();
    for (line, heard) in [
        ("SET a 1", "set a"),
        ("SET a 1 EX 5", "set a, expire a"),
        ("GETSET a 1", "set a"),
        ("GETEX a EX 5", "expire a"),
        ("GETEX a PERSIST", "persist a"),
        ("MSET a 1 b 2", "set a, set b"),
        ("INCR a", "incrby a"),
        ("DECRBY a 5", "incrby a"),
        ("INCRBYFLOAT a 5", "incrbyfloat a"),
        ("APPEND a x", "append a"),
        ("SETRANGE a 0 x", "setrange a"),
        ("GETDEL a", "del a"),
    ] {
        harness.run(line);
        assert_eq!(harness.heard(), heard, "{line}");
    }
}
