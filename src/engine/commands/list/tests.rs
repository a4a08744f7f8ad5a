//! What the list commands answer, log and announce. Replies were compared with Redis 7.0.15.

use crate::commands::testing::Harness;

#[test]
fn pushes_and_pops_at_both_ends() {
    Harness::new().expect(&[
        ("LPUSH l a b c", ":3"),
        ("RPUSH l d", ":4"),
        ("LPUSHX l e", ":5"),
        ("RPUSHX l f", ":6"),
        ("LPUSHX none a", ":0"),
        ("RPUSHX none a", ":0"),
        ("EXISTS none", ":0"),
        ("LRANGE l 0 -1", "*6|$1|e|$1|c|$1|b|$1|a|$1|d|$1|f"),
        ("LLEN l", ":6"),
        ("LLEN none", ":0"),
        ("LPOP l", "$1|e"),
        ("RPOP l", "$1|f"),
        ("LPOP none", "$-1"),
        ("LPOP l 2", "*2|$1|c|$1|b"),
        ("RPOP l 0", "*0"),
        ("LPOP none 0", "*-1"),
        ("LPOP none 1", "*-1"),
        ("RPOP l 10", "*2|$1|d|$1|a"),
        ("EXISTS l", ":0"),
        ("LPOP l x", "-ERR value is out of range, must be positive"),
        ("LPOP l -1", "-ERR value is out of range, must be positive"),
        (
            "LPOP l 1 2",
            "-ERR wrong number of arguments for 'lpop' command",
        ),
        (
            "RPOP l 1 2",
            "-ERR wrong number of arguments for 'rpop' command",
        ),
    ]);
}

#[test]
fn elements_are_found_by_index_and_range() {
    Harness::new().expect(&[
        ("RPUSH l 0 1 2 3 4 5", ":6"),
        ("LINDEX l 0", "$1|0"),
        ("LINDEX l -1", "$1|5"),
        ("LINDEX l 6", "$-1"),
        ("LINDEX l -7", "$-1"),
        ("LINDEX l x", "-ERR value is not an integer or out of range"),
        ("LINDEX none x", "$-1"),
        ("LRANGE l 1 3", "*3|$1|1|$1|2|$1|3"),
        ("LRANGE l -2 100", "*2|$1|4|$1|5"),
        ("LRANGE l 4 2", "*0"),
        ("LRANGE l 6 7", "*0"),
        ("LRANGE none 0 1", "*0"),
        (
            "LRANGE l x 1",
            "-ERR value is not an integer or out of range",
        ),
        (
            "LRANGE none x 1",
            "-ERR value is not an integer or out of range",
        ),
    ]);
}

#[test]
fn positions() {
    Harness::new().expect(&[
        ("RPUSH l a b c 1 2 3 c c", ":8"),
        ("LPOS l c", ":2"),
        ("LPOS l c RANK 2", ":6"),
        ("LPOS l c RANK -1", ":7"),
        ("LPOS l c RANK -2", ":6"),
        ("LPOS l c RANK 4", "$-1"),
        ("LPOS l c COUNT 2", "*2|:2|:6"),
        ("LPOS l c COUNT 0", "*3|:2|:6|:7"),
        ("LPOS l c COUNT 0 RANK -1", "*3|:7|:6|:2"),
        ("LPOS l c COUNT 2 RANK -2", "*2|:6|:2"),
        ("LPOS l c COUNT 0 MAXLEN 3", "*1|:2"),
        ("LPOS l c COUNT 0 MAXLEN 2", "*0"),
        ("LPOS l c MAXLEN 2", "$-1"),
        ("LPOS l c RANK -1 MAXLEN 1", ":7"),
        ("LPOS l 3", ":5"),
        ("LPOS l x", "$-1"),
        ("LPOS l x COUNT 0", "*0"),
        ("LPOS none x", "$-1"),
        ("LPOS none x COUNT 1", "*0"),
        ("LPOS l a RANK 0", "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"),
        ("LPOS l a RANK x", "-ERR value is not an integer or out of range"),
        ("LPOS l a COUNT -1", "-ERR COUNT can't be negative"),
        ("LPOS l a MAXLEN -1", "-ERR MAXLEN can't be negative"),
        ("LPOS l a MAXLEN", "-ERR syntax error"),
        ("LPOS l a FOO 1", "-ERR syntax error"),
    ]);
}

#[test]
fn elements_are_edited_in_the_middle() {
    Harness::new().expect(&[
        ("RPUSH l a b c b a", ":5"),
        ("LSET l 1 x", "+OK"),
        ("LSET l -1 y", "+OK"),
        ("LSET l 9 z", "-ERR index out of range"),
        ("LSET l x z", "-ERR value is not an integer or out of range"),
        ("LSET none 0 z", "-ERR no such key"),
        ("LSET none x z", "-ERR no such key"),
        ("LRANGE l 0 -1", "*5|$1|a|$1|x|$1|c|$1|b|$1|y"),
        ("LINSERT l BEFORE c 1", ":6"),
        ("LINSERT l after c 2", ":7"),
        ("LINSERT l AFTER none 2", ":-1"),
        ("LINSERT none AFTER a 2", ":0"),
        ("LINSERT l BESIDE c 2", "-ERR syntax error"),
        ("LINSERT none BESIDE c 2", "-ERR syntax error"),
        ("LRANGE l 0 -1", "*7|$1|a|$1|x|$1|1|$1|c|$1|2|$1|b|$1|y"),
        ("LREM l 1 b", ":1"),
        ("LRANGE l 0 -1", "*6|$1|a|$1|x|$1|1|$1|c|$1|2|$1|y"),
        ("RPUSH l a a a", ":9"),
        ("LREM l -2 a", ":2"),
        ("LREM l 0 a", ":2"),
        ("LREM l 0 none", ":0"),
        ("LREM none 0 a", ":0"),
        ("LREM l x a", "-ERR value is not an integer or out of range"),
        ("LRANGE l 0 -1", "*5|$1|x|$1|1|$1|c|$1|2|$1|y"),
        ("LTRIM l 1 -2", "+OK"),
        ("LRANGE l 0 -1", "*3|$1|1|$1|c|$1|2"),
        ("LTRIM l 0 -1", "+OK"),
        ("LTRIM l 5 1", "+OK"),
        ("EXISTS l", ":0"),
        ("LTRIM none 0 1", "+OK"),
        (
            "LTRIM none x 1",
            "-ERR value is not an integer or out of range",
        ),
    ]);
}

#[test]
fn elements_are_moved() {
    Harness::new().expect(&[
        ("RPUSH l a b c", ":3"),
        ("RPOPLPUSH l m", "$1|c"),
        ("LMOVE l m LEFT RIGHT", "$1|a"),
        ("LMOVE l m right left", "$1|b"),
        ("EXISTS l", ":0"),
        ("LRANGE m 0 -1", "*3|$1|b|$1|c|$1|a"),
        ("LMOVE m m LEFT RIGHT", "$1|b"),
        ("LRANGE m 0 -1", "*3|$1|c|$1|a|$1|b"),
        ("LMOVE none m LEFT LEFT", "$-1"),
        ("RPOPLPUSH none m", "$-1"),
        ("LMOVE m m MIDDLE RIGHT", "-ERR syntax error"),
        ("RPUSH one x", ":1"),
        ("RPOPLPUSH one one", "$1|x"),
        ("LRANGE one 0 -1", "*1|$1|x"),
        ("SET s x", "+OK"),
        (
            "LMOVE m s LEFT LEFT",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LMOVE s m LEFT LEFT",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("LMOVE none s LEFT LEFT", "$-1"),
        ("LRANGE m 0 -1", "*3|$1|c|$1|a|$1|b"),
    ]);
}

#[test]
fn several_lists_are_popped() {
    Harness::new().expect(&[
        ("RPUSH l a b c d", ":4"),
        ("RPUSH m 1 2", ":2"),
        ("LMPOP 2 none l LEFT", "*2|$1|l|*1|$1|a"),
        ("LMPOP 2 none l RIGHT COUNT 2", "*2|$1|l|*2|$1|d|$1|c"),
        ("LMPOP 3 none l m RIGHT COUNT 10", "*2|$1|l|*1|$1|b"),
        ("LMPOP 3 none l m RIGHT COUNT 10", "*2|$1|m|*2|$1|2|$1|1"),
        ("LMPOP 3 none l m RIGHT COUNT 10", "*-1"),
        ("LMPOP 0 l LEFT", "-ERR numkeys should be greater than 0"),
        ("LMPOP x l LEFT", "-ERR numkeys should be greater than 0"),
        ("LMPOP 2 l LEFT", "-ERR syntax error"),
        (
            "LMPOP 1 l LEFT COUNT 0",
            "-ERR count should be greater than 0",
        ),
        (
            "LMPOP 1 l LEFT COUNT x",
            "-ERR count should be greater than 0",
        ),
        ("LMPOP 1 l LEFT COUNT", "-ERR syntax error"),
        ("LMPOP 1 l LEFT COUNT 1 COUNT 1", "-ERR syntax error"),
        ("LMPOP 1 l MID", "-ERR syntax error"),
        ("SET s x", "+OK"),
        (
            "LMPOP 2 none s LEFT",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ]);
}

#[test]
fn blocking_forms_answer_at_once_where_there_is_something() {
    Harness::new().expect(&[
        ("RPUSH l a b c d e f g", ":7"),
        ("BLPOP none l 0", "*2|$1|l|$1|a"),
        ("BRPOP none l 0.5", "*2|$1|l|$1|g"),
        ("BLMOVE l m LEFT RIGHT 0", "$1|b"),
        ("BRPOPLPUSH l m 0", "$1|f"),
        ("BLMPOP 0 2 none l LEFT COUNT 2", "*2|$1|l|*2|$1|c|$1|d"),
        ("LRANGE l 0 -1", "*1|$1|e"),
        ("LRANGE m 0 -1", "*2|$1|f|$1|b"),
        ("SET s x", "+OK"),
        (
            "BLPOP none s l 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("BLPOP l s 0", "*2|$1|l|$1|e"),
        (
            "BRPOPLPUSH m s 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("BLPOP none -1", "-ERR timeout is negative"),
        (
            "BLPOP none x",
            "-ERR timeout is not a float or out of range",
        ),
        (
            "BLPOP none nan",
            "-ERR timeout is not a float or out of range",
        ),
        (
            "BLMPOP -1 0 none LEFT",
            "-ERR numkeys should be greater than 0",
        ),
        (
            "BLMPOP 1 0 none LEFT",
            "-ERR numkeys should be greater than 0",
        ),
        ("BLMOVE none d X LEFT -1", "-ERR syntax error"),
        ("BLMOVE none d LEFT LEFT -1", "-ERR timeout is negative"),
    ]);
}

#[test]
fn other_types_are_refused() {
    Harness::new().expect(&[
        ("SET s x", "+OK"),
        (
            "LPUSH s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "RPUSHX s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LPOP s",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LPOP s 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LLEN s",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LINDEX s 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LINDEX s x",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LRANGE s 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LPOS s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LSET s 0 a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LINSERT s BEFORE a b",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LREM s 0 a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "LTRIM s 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "RPOPLPUSH s d",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ]);
}

#[test]
fn what_was_taken_is_logged() {
    let mut harness = Harness::new();
    for (line, logged) in [
        ("RPUSH l a b c d e f g h", "RPUSH l a b c d e f g h"),
        ("LPOP l", "LPOP l"),
        ("RPOP l 2", "RPOP l 2"),
        ("LPOP l 0", ""),
        ("LMPOP 2 none l RIGHT", "RPOP l 1"),
        ("BLPOP none l 0", "LPOP l"),
        ("BLMOVE l m RIGHT LEFT 0", "LMOVE l m RIGHT LEFT"),
        ("BRPOPLPUSH l m 0", "LMOVE l m RIGHT LEFT"),
        ("RPUSH l b b", "RPUSH l b b"),
        ("BLMPOP 0 1 l LEFT COUNT 100", "LPOP l 3"),
        ("LPOP l", ""),
        ("LREM m 0 none", ""),
        ("LTRIM m 0 -1", ""),
        ("LTRIM m 1 0", "LTRIM m 1 0"),
        ("LPUSHX m a", ""),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
    }
}

#[test]
fn a_command_waits_where_it_may() {
    let mut harness = Harness::new();
    for (line, reply) in [
        ("BLPOP a b 0", "*-1"),
        ("BRPOPLPUSH a b 1", "$-1"),
        ("BLMOVE a b LEFT LEFT 1", "$-1"),
        ("BLMPOP 1 2 a b LEFT", "*-1"),
    ] {
        assert_eq!(harness.run(line), reply, "{line}");
        assert_eq!(harness.outcome.block, None, "{line}");
    }
    harness.caller.may_block = true;
    for (line, keys, timeout_ms) in [
        ("BLPOP a b 0", &["a", "b"][..], None),
        ("BRPOP a 0.0001", &["a"], Some(1)),
        ("BRPOPLPUSH a b 1.5", &["a"], Some(1500)),
        ("BLMOVE a b LEFT LEFT 1", &["a"], Some(1000)),
        ("BLMPOP 2 2 a b LEFT", &["a", "b"], Some(2000)),
    ] {
        assert_eq!(harness.run(line), "", "{line}");
        let block = harness.outcome.block.take().expect("the command waits");
        assert_eq!(block.timeout_ms, timeout_ms, "{line}");
        let found: Vec<_> = block
            .keys
            .iter()
            .map(|key| String::from_utf8_lossy(key))
            .collect();
        assert_eq!(found, keys, "{line}");
    }
    harness.run("SET a x");
    assert!(harness.run("BLPOP a b 0").starts_with("-WRONGTYPE"));
    harness.caller.has_waited = true;
    assert_eq!(harness.run("BLPOP a b 0"), "");
    assert_eq!(harness.run("BLMOVE a b LEFT LEFT 0"), "");
}

#[test]
fn subscribers_hear_of_pushes_and_pops() {
    let mut harness = Harness::new();
    harness.listen();
    for (line, heard) in [
        ("RPUSH l a b c", "rpush l"),
        ("LPOP l 0", ""),
        ("LPOP l", "lpop l"),
        ("LMOVE l m RIGHT RIGHT", "rpush m, rpop l"),
        ("RPOPLPUSH l m", "lpush m, rpop l, del l"),
        ("RPOPLPUSH m m", "lpush m, rpop m"),
        ("LSET m 0 x", "lset m"),
        ("LINSERT m AFTER x y", "linsert m"),
        ("LREM m 0 y", "lrem m"),
        ("LTRIM m 0 -1", "ltrim m"),
        ("BLMPOP 0 1 m LEFT COUNT 5", "lpop m, del m"),
    ] {
        harness.run(line);
        assert_eq!(harness.heard(), heard, "{line}");
    }
}
