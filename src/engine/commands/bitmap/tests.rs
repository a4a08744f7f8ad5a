//! What the bitmap commands answer, log and announce. Replies were compared with Redis 7.0.15.

use crate::commands::testing::Harness;

const OFFSET_ERROR: &str = "-ERR bit offset is not an integer or out of range";

#[test]
fn bits_are_set_and_read() {
    let mut harness = Harness::new();
    harness.expect(&[
        ("SETBIT a 7 1", ":0"),
        ("SETBIT a 7 1", ":1"),
        ("GET a", "$1|\u{1}"),
        ("OBJECT ENCODING a", "$3|raw"),
        ("SETBIT a 16 0", ":0"),
        ("STRLEN a", ":3"),
        ("GETBIT a 7", ":1"),
        ("GETBIT a 6", ":0"),
        ("GETBIT a 100000", ":0"),
        ("GETBIT none 3", ":0"),
        ("SET n 1", "+OK"),
        ("GETBIT n 2", ":1"),
        ("SETBIT n 6 1", ":0"),
        ("GET n", "$1|3"),
        ("SETBIT a -1 1", OFFSET_ERROR),
        ("SETBIT a x 1", OFFSET_ERROR),
        ("SETBIT a 4294967296 1", OFFSET_ERROR),
        ("GETBIT a 4294967296", OFFSET_ERROR),
        ("GETBIT a #1", OFFSET_ERROR),
        ("SETBIT a 0 2", "-ERR bit is not an integer or out of range"),
        ("SETBIT a 0 x", "-ERR bit is not an integer or out of range"),
        ("RPUSH l x", ":1"),
        (
            "SETBIT l 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ]);
}

#[test]
fn only_what_changes_is_logged_and_announced() {
    let mut harness = Harness::new();
    for (line, logged) in [
        ("SETBIT a 7 1", "SETBIT a 7 1"),
        ("SETBIT a 7 1", ""),
        ("SETBIT a 8 0", "SETBIT a 8 0"),
        ("BITFIELD a GET u8 0", ""),
        ("BITFIELD a SET u8 0 1", ""),
        ("BITFIELD a OVERFLOW FAIL SET u8 0 256", ""),
        (
            "BITFIELD a SET u8 0 2 GET i4 0",
            "BITFIELD a SET u8 0 2 GET i4 0",
        ),
        ("BITOP OR b a", "BITOP OR b a"),
        ("BITOP OR none1 none2", ""),
        ("BITOP OR b none", "BITOP OR b none"),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
    }
    harness.listen();
    for line in ["SETBIT a 0 1", "BITFIELD a INCRBY u8 0 1", "BITOP NOT b a"] {
        harness.run(line);
    }
    assert_eq!(harness.heard(), "setbit a, setbit a, set b");
    harness.run("BITOP NOT b none");
    assert_eq!(harness.heard(), "del b");
}

#[test]
fn a_field_that_fails_still_leaves_the_room_that_it_asked_for() {
    let mut harness = Harness::new();
    harness.expect(&[
        ("BITFIELD a OVERFLOW FAIL SET u8 8 256", "*1|$-1"),
        ("GET a", "$2|\0\0"),
    ]);
}

#[test]
fn bits_are_counted() {
    Harness::new().expect(&[
        ("SET a foobar", "+OK"),
        ("BITCOUNT a", ":26"),
        ("BITCOUNT a 0 0", ":4"),
        ("BITCOUNT a 1 1", ":6"),
        ("BITCOUNT a 0 -1", ":26"),
        ("BITCOUNT a -2 -1", ":7"),
        ("BITCOUNT a -1 -2", ":0"),
        ("BITCOUNT a -1 -2 NOSUCH", ":0"),
        ("BITCOUNT a 5 30 BIT", ":17"),
        ("BITCOUNT a 5 30 BYTE", ":4"),
        ("BITCOUNT a 1 1 NOSUCH", "-ERR syntax error"),
        ("BITCOUNT a 1", "-ERR syntax error"),
        ("BITCOUNT a 1 2 BIT x", "-ERR syntax error"),
        (
            "BITCOUNT a 1 x",
            "-ERR value is not an integer or out of range",
        ),
        ("BITCOUNT none 1 x", ":0"),
        ("BITCOUNT a 100 200", ":0"),
        (
            "BITCOUNT a -9223372036854775808 9223372036854775807 BIT",
            ":26",
        ),
    ]);
}

#[test]
fn bits_are_found() {
    let mut harness = Harness::new();
    harness.run_words(&[b"SET", b"a", b"\xff\xf0\x00"]);
    harness.run_words(&[b"SET", b"full", b"\xff\xff\xff"]);
    harness.expect(&[
        ("BITPOS a 0", ":12"),
        ("BITPOS a 1", ":0"),
        ("BITPOS a 1 2", ":-1"),
        ("BITPOS a 0 2", ":16"),
        ("BITPOS a 1 7 15 BIT", ":7"),
        ("BITPOS a 1 12 15 BIT", ":-1"),
        ("BITPOS full 0", ":24"),
        ("BITPOS full 0 1", ":24"),
        ("BITPOS full 0 1 2", ":-1"),
        ("BITPOS full 0 0 -1", ":-1"),
        ("BITPOS full 0 4", ":-1"),
        ("BITPOS none 0", ":0"),
        ("BITPOS none 1", ":-1"),
        ("BITPOS a 2", "-ERR The bit argument must be 1 or 0."),
        ("BITPOS a 1 0 1 NOSUCH", "-ERR syntax error"),
        ("BITPOS a 1 0 1 BIT x", "-ERR syntax error"),
        ("BITPOS a x", "-ERR value is not an integer or out of range"),
    ]);
}

#[test]
fn strings_are_combined() {
    let mut harness = Harness::new();
    harness.run_words(&[b"SET", b"a", b"\x0f\xff\x01"]);
    harness.run_words(&[b"SET", b"b", b"\x31"]);
    harness.expect(&[
        ("BITOP AND c a b", ":3"),
        ("GET c", "$3|\u{1}\0\0"),
        ("BITOP AND c b a none", ":3"),
        ("GET c", "$3|\0\0\0"),
        ("BITOP OR c b b", ":1"),
        ("GET c", "$1|1"),
        ("OBJECT ENCODING c", "$3|raw"),
        ("BITOP XOR b a a", ":3"),
        ("GET b", "$3|\0\0\0"),
        ("BITOP not b a", ":3"),
        ("BITCOUNT b", ":11"),
        ("BITOP NOT b none", ":0"),
        ("EXISTS b", ":0"),
        (
            "BITOP NOT b a a",
            "-ERR BITOP NOT must be called with a single source key.",
        ),
        ("BITOP NAND b a a", "-ERR syntax error"),
    ]);
}

#[test]
fn fields_are_read_and_written() {
    Harness::new().expect(&[
        ("BITFIELD a", "*0"),
        (
            "BITFIELD a GET u8 0 SET i5 #1 -3 INCRBY u4 100 5",
            "*3|:0|:0|:5",
        ),
        ("BITFIELD a GET i5 5 GET u5 #1 GET u4 100", "*3|:-3|:29|:5"),
        (
            "BITFIELD a INCRBY u4 100 15 OVERFLOW SAT INCRBY u4 100 15 OVERFLOW FAIL INCRBY u4 100 1",
            "*3|:4|:15|$-1",
        ),
        ("BITFIELD_RO a GET u4 100", "*1|:15"),
        ("BITFIELD_RO a", "*0"),
        (
            "BITFIELD_RO a SET u4 100 1",
            "-ERR BITFIELD_RO only supports the GET subcommand",
        ),
        (
            "BITFIELD a OVERFLOW NOSUCH",
            "-ERR Invalid OVERFLOW type specified",
        ),
        ("BITFIELD a OVERFLOW", "-ERR syntax error"),
        ("BITFIELD a GET u8", "-ERR syntax error"),
        ("BITFIELD a GET u8 x", OFFSET_ERROR),
        ("BITFIELD a GET u8 #-1", OFFSET_ERROR),
        (
            "BITFIELD a SET u8 0 x",
            "-ERR value is not an integer or out of range",
        ),
    ]);
    for kind in ["u64", "i65", "u0", "i-1", "x8", "u", ""] {
        assert_eq!(
            Harness::new().run(&format!("BITFIELD a GET '{kind}' 0")),
            "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
            "{kind}"
        );
    }
}
