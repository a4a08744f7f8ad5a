//! What the HyperLogLog commands answer, log and announce. Replies were compared with Redis 7.0.15.

use crate::commands::testing::Harness;
use crate::value::Value;
use crate::values::hyperloglog;
use crate::values::string::StringValue;

const NOT_ONE: &str = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
const CORRUPT: &str = "-INVALIDOBJ Corrupted HLL object detected";

/// Puts a string that begins like a HyperLogLog and goes on with these bytes.
fn put_runs(harness: &mut Harness, name: &str, runs: &[u8]) {
    let mut bytes = hyperloglog::empty();
    bytes.truncate(hyperloglog::HEADER_BYTES);
    hyperloglog::mark_stale(&mut bytes);
    bytes.extend_from_slice(runs);
    harness.put(name, &Value::String(StringValue::Edited(bytes)));
}

#[test]
fn elements_are_counted() {
    Harness::new().expect(&[
        ("PFCOUNT a", ":0"),
        ("PFADD a", ":1"),
        ("PFADD a", ":0"),
        ("PFCOUNT a", ":0"),
        ("PFADD a x y z", ":1"),
        ("PFADD a x y z", ":0"),
        ("PFCOUNT a", ":3"),
        ("PFADD b z 1 2", ":1"),
        ("PFCOUNT a b none", ":5"),
        ("PFMERGE c a b none", "+OK"),
        ("PFCOUNT c", ":5"),
        ("PFMERGE none", "+OK"),
        ("STRLEN none", ":18"),
        ("PFDEBUG ENCODING c", "+sparse"),
        ("PFDEBUG TODENSE c", ":1"),
        ("PFDEBUG TODENSE c", ":0"),
        ("PFDEBUG ENCODING c", "+dense"),
        ("PFCOUNT c", ":5"),
        ("PFMERGE a c", "+OK"),
        ("PFDEBUG ENCODING a", "+dense"),
        ("PFCOUNT a", ":5"),
        ("PFSELFTEST", "+OK"),
        ("OBJECT ENCODING a", "$3|raw"),
    ]);
}

#[test]
fn other_values_are_refused_and_left_as_they_are() {
    let mut harness = Harness::new();
    put_runs(&mut harness, "short", b"\x7f\xfe");
    put_runs(&mut harness, "none", b"");
    put_runs(&mut harness, "half", b"\x5f\xff");
    harness.expect(&[
        ("SET text HYLL", "+OK"),
        ("SET number 5", "+OK"),
        ("RPUSH list a", ":1"),
        ("PFADD text a", NOT_ONE),
        ("PFCOUNT text", NOT_ONE),
        ("PFCOUNT x number", NOT_ONE),
        ("PFMERGE x text", NOT_ONE),
        ("PFMERGE text x", NOT_ONE),
        ("PFDEBUG GETREG text", NOT_ONE),
        (
            "PFADD list a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("PFCOUNT short", CORRUPT),
        ("PFCOUNT x short", CORRUPT),
        ("PFMERGE x short", CORRUPT),
        ("PFMERGE short x", CORRUPT),
        ("PFDEBUG GETREG short", CORRUPT),
        ("PFDEBUG TODENSE short", CORRUPT),
        ("PFADD none a", CORRUPT),
        ("PFADD half a b c d e f g", CORRUPT),
        ("STRLEN half", ":18"),
        ("STRLEN none", ":16"),
        ("EXISTS x", ":0"),
        ("GET text", "$4|HYLL"),
    ]);
}

#[test]
fn debug_shows_the_inside() {
    let mut harness = Harness::new();
    harness.expect(&[
        ("PFADD a a b c d e f g", ":1"),
        (
            "PFDEBUG DECODE a",
            "$93|Z:1646 v:1,1 Z:5645 v:1,1 Z:1085 v:2,1 z:57 v:1,1 Z:4274 v:2,1 Z:2445 v:1,1 Z:622 v:1,1 Z:603",
        ),
        (
            "PFDEBUG ENCODING none",
            "-ERR The specified key does not exist",
        ),
        (
            "PFDEBUG nosuch a",
            "-ERR Unknown PFDEBUG subcommand 'nosuch'",
        ),
    ]);
    let registers = harness.run("PFDEBUG GETREG a");
    assert!(registers.starts_with("*16384|:0|:0"), "{registers:.40}");
    assert_eq!(harness.logged, "PFDEBUG TODENSE a");
    assert_eq!(
        harness.run("PFDEBUG DECODE a"),
        "-ERR HLL encoding is not sparse"
    );
}

#[test]
fn the_count_is_kept_and_logged_once() {
    let mut harness = Harness::new();
    harness.run("PFADD a x");
    harness.listen();
    for (line, logged) in [
        ("PFCOUNT a", "SETRANGE a 8 \u{1}\0\0\0\0\0\0\0"),
        ("PFCOUNT a", ""),
        ("PFCOUNT a a", ""),
        ("PFADD a x", ""),
        ("PFADD a y", "PFADD a y"),
        ("PFMERGE b a", "PFMERGE b a"),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
    }
    assert_eq!(harness.heard(), "pfadd a, pfadd b");
}

#[test]
fn replicas_learn_when_runs_became_dense() {
    let mut harness = Harness::new();
    harness.keyspace.encodings.hll_sparse_max_bytes = 24;
    for (line, logged) in [
        (
            "PFADD a 1 2 3 4 5",
            "PFADD a; PFDEBUG TODENSE a; PFADD a 1 2 3 4 5",
        ),
        ("PFADD a 6", "PFADD a 6"),
        ("PFADD b 1", "PFADD b 1"),
        ("PFCOUNT b", "SETRANGE b 8 \u{1}\0\0\0\0\0\0\0"),
        ("PFADD b 2 3 4", "PFDEBUG TODENSE b; PFADD b 2 3 4"),
        ("PFADD c 1", "PFADD c 1"),
        ("PFADD d 2", "PFADD d 2"),
        ("PFMERGE c d", "PFMERGE c d"),
        ("PFMERGE e a d", "PFADD e; PFDEBUG TODENSE e; PFMERGE e a d"),
        ("PFMERGE c a", "PFDEBUG TODENSE c; PFMERGE c a"),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
    }
}
