//! Streams as clients see them, and what is logged of what they do.

use holdfast_resp::Protocol;

use crate::commands::testing::{Harness, START_MS};

fn with(lines: &[&str]) -> Harness {
    let mut harness = Harness::new();
    for line in lines {
        let reply = harness.run(line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
    }
    harness
}

/// A stream of three entries, the first two of which one consumer has read.
fn with_group() -> Harness {
    with(&[
        "XADD s 1-1 f 1",
        "XADD s 1-2 f 2",
        "XADD s 2-0 f 3",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
    ])
}

#[test]
fn an_entry_gets_the_id_that_was_asked_for_or_one_from_the_time() {
    let mut harness = Harness::new();
    let made = format!("{START_MS}-0");
    for (line, id, logged) in [
        ("XADD s 5 a b", "5-0", "XADD s 5-0 a b"),
        ("XADD s 5-* a b", "5-1", "XADD s 5-1 a b"),
        ("XADD s 7-* a b", "7-0", "XADD s 7-0 a b"),
        ("XADD s * a b", &made, &format!("XADD s {made} a b")),
    ] {
        assert_eq!(harness.run(line), format!("${}|{id}", id.len()), "{line}");
        assert_eq!(harness.logged, logged, "{line}");
    }
    harness.expect(&[
        (
            "XADD s 1-1 a b",
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
        ),
        (
            "XADD s 0-0 a b",
            "-ERR The ID specified in XADD must be greater than 0-0",
        ),
        (
            "XADD s 5-3-1 a b",
            "-ERR Invalid stream ID specified as stream command argument",
        ),
        (
            "XADD s * a",
            "-ERR wrong number of arguments for 'xadd' command",
        ),
        ("XADD t NOMKSTREAM * a b", "$-1"),
        (
            "XADD u 18446744073709551615-18446744073709551615 a b",
            "$41|18446744073709551615-18446744073709551615",
        ),
        (
            "XADD u * a b",
            "-ERR The stream has exhausted the last possible ID, unable to add more items",
        ),
        ("EXISTS t", ":0"),
        ("XLEN s", ":4"),
    ]);
}

#[test]
fn trims_are_logged_by_what_they_left() {
    let mut harness = Harness::new();
    harness.keyspace.encodings.stream_node_max_entries = 3;
    for number in 1..=8 {
        harness.run(&format!("XADD s {number} f v"));
    }
    for (line, reply, logged) in [
        ("XTRIM s MAXLEN ~ 4", ":3", "XTRIM s MAXLEN = 5"),
        ("XTRIM s MINID ~ 6", ":0", ""),
        ("XTRIM s MINID 5", ":1", "XTRIM s MAXLEN = 4"),
        ("XTRIM s MAXLEN 100", ":0", ""),
        (
            "XADD s MAXLEN = 2 9 f v",
            "$3|9-0",
            "XADD s MAXLEN = 2 9-0 f v",
        ),
        (
            "XADD s MINID ~ 0 LIMIT 5 10 f v",
            "$4|10-0",
            "XADD s 10-0 f v",
        ),
        ("XTRIM s MAXLEN 0", ":3", "XTRIM s MAXLEN = 0"),
    ] {
        assert_eq!(harness.run(line), reply, "{line}");
        assert_eq!(harness.logged, logged, "{line}");
    }
    harness.expect(&[
        ("TYPE s", "+stream"),
        (
            "XTRIM s MAXLEN -1",
            "-ERR The MAXLEN argument must be >= 0.",
        ),
        (
            "XTRIM s MAXLEN 1 MINID 1",
            "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
        ),
        (
            "XTRIM s MAXLEN 1 LIMIT 1",
            "-ERR syntax error, LIMIT cannot be used without the special ~ option",
        ),
        (
            "XTRIM s LIMIT 1 LIMIT 1",
            "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
        ),
        (
            "XTRIM s LIMIT 0 LIMIT 0",
            "-ERR syntax error, XTRIM must be called with a trimming strategy",
        ),
    ]);
}

#[test]
fn ranges_include_or_exclude_their_ends() {
    let mut harness = with(&["XADD s 1-1 f 1", "XADD s 1-2 f 2", "XADD s 2-0 f 3"]);
    let ids = |reply: &str| -> String {
        let words = reply.split('|').filter(|word| word.contains('-'));
        words.collect::<Vec<_>>().join(" ")
    };
    for (line, want) in [
        ("XRANGE s - +", "1-1 1-2 2-0"),
        ("XRANGE s 1 1", "1-1 1-2"),
        ("XRANGE s (1-1 + COUNT 1", "1-2"),
        ("XREVRANGE s + -", "2-0 1-2 1-1"),
        ("XREVRANGE s (2-0 1 COUNT 1", "1-2"),
        ("XRANGE s 3 +", ""),
    ] {
        assert_eq!(ids(&harness.run(line)), want, "{line}");
    }
    harness.expect(&[
        ("XRANGE s 2 2", "*1|*2|$3|2-0|*2|$1|f|$1|3"),
        ("XRANGE s - + COUNT 0", "*-1"),
        ("XRANGE none - +", "*0"),
        ("XDEL s 1-2 9-9", ":1"),
        ("XRANGE s 1 1", "*1|*2|$3|1-1|*2|$1|f|$1|1"),
    ]);
}

#[test]
fn a_read_of_a_group_is_logged_as_what_it_made_pending() {
    let mut harness = with(&[
        "XADD s 1-1 f 1",
        "XADD s 1-2 f 2",
        "XGROUP CREATE s g $",
        "XGROUP SETID s g 0",
    ]);
    harness.listen();
    let reply = harness.run("XREADGROUP GROUP g alice STREAMS s >");
    assert!(reply.starts_with("*1|*2|$1|s|*2|*2|$3|1-1|"), "{reply}");
    assert_eq!(
        harness.logged,
        format!(
            "XCLAIM s g alice 0 1-1 TIME {START_MS} RETRYCOUNT 1 FORCE JUSTID LASTID 1-2; \
             XCLAIM s g alice 0 1-2 TIME {START_MS} RETRYCOUNT 1 FORCE JUSTID LASTID 1-2; \
             XGROUP SETID s g 1-2 ENTRIESREAD 2"
        )
    );
    assert_eq!(harness.heard(), "xgroup-createconsumer s");
    harness.wait_ms(5);
    harness.run("XREADGROUP GROUP g alice STREAMS s 1-1");
    let again = format!(
        "XCLAIM s g alice 0 1-2 TIME {} RETRYCOUNT 2 FORCE JUSTID LASTID 1-2",
        START_MS + 5
    );
    assert_eq!(harness.logged, again);
    assert_eq!(harness.run("XREADGROUP GROUP g alice STREAMS s >"), "*-1");
    assert_eq!(harness.logged, "");
    harness.run("XADD s 3 f 3");
    harness.run("XREADGROUP GROUP g alice NOACK STREAMS s >");
    assert_eq!(harness.logged, "XGROUP SETID s g 3-0 ENTRIESREAD 3");
    harness.run("XREADGROUP GROUP g bob STREAMS s 0");
    assert_eq!(harness.logged, "XGROUP CREATECONSUMER s g bob");
    harness.run("XACK s g 1-1 1-2 3-0");
    assert_eq!(harness.logged, "XACK s g 1-1 1-2 3-0");
    harness.expect(&[("XPENDING s g", "*4|:0|$-1|$-1|*-1")]);
}

#[test]
fn claims_are_logged_with_their_times_and_drop_what_is_gone() {
    let mut harness = with_group();
    harness.run("XDEL s 1-1");
    harness.wait_ms(100);
    let now_ms = START_MS + 100;
    assert_eq!(harness.run("XCLAIM s g bob 1000 1-2"), "*0");
    assert_eq!(harness.logged, "");
    assert_eq!(harness.run("XCLAIM s g bob 50 1-1 1-2 JUSTID"), "*1|$3|1-2");
    assert_eq!(
        harness.logged,
        format!(
            "XACK s g 1-1; \
             XCLAIM s g bob 0 1-2 TIME {now_ms} RETRYCOUNT 1 FORCE JUSTID LASTID 1-2"
        )
    );
    assert_eq!(
        harness.run("XAUTOCLAIM s g alice 0 0"),
        "*3|$3|0-0|*1|*2|$3|1-2|*2|$1|f|$1|2|*0"
    );
    assert_eq!(harness.run("XCLAIM s g bob 0 9-9 LASTID 2-0"), "*0");
    assert_eq!(harness.logged, "XGROUP SETID s g 2-0 ENTRIESREAD 2");
    harness.expect(&[
        ("XPENDING s g - + 10", "*1|*4|$3|1-2|$5|alice|:0|:2"),
        ("XPENDING s g IDLE 1 - + 10", "*0"),
        (
            "XCLAIM s g bob x 1-1",
            "-ERR Invalid min-idle-time argument for XCLAIM",
        ),
        (
            "XCLAIM s g bob 0 1-1 NOSUCH",
            "-ERR Unrecognized XCLAIM option 'NOSUCH'",
        ),
        (
            "XCLAIM s none bob 0 1-1",
            "-NOGROUP No such key 's' or consumer group 'none'",
        ),
        ("XAUTOCLAIM s g bob 0 0 COUNT 0", "-ERR COUNT must be > 0"),
    ]);
}

#[test]
fn an_automatic_claim_goes_on_where_it_stopped() {
    let mut harness = with_group();
    harness.run("XREADGROUP GROUP g alice STREAMS s >");
    harness.run("XDEL s 1-2");
    harness.expect(&[
        (
            "XAUTOCLAIM s g bob 0 0 COUNT 2 JUSTID",
            "*3|$3|2-0|*1|$3|1-1|*1|$3|1-2",
        ),
        ("XAUTOCLAIM s g bob 0 2-0 JUSTID", "*3|$3|0-0|*1|$3|2-0|*0"),
        ("XGROUP DELCONSUMER s g bob", ":2"),
        ("XGROUP DELCONSUMER s g bob", ":0"),
        ("XPENDING s g", "*4|:0|$-1|$-1|*-1"),
    ]);
}

#[test]
fn groups_need_a_stream_and_names_of_their_own() {
    let mut harness = with_group();
    let needs_key = "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
                     the MKSTREAM option to create an empty stream automatically.";
    harness.expect(&[
        ("XGROUP CREATE none g $", needs_key),
        ("XGROUP CREATE none g $ MKSTREAM", "+OK"),
        ("XLEN none", ":0"),
        (
            "XGROUP CREATE s g $",
            "-BUSYGROUP Consumer Group name already exists",
        ),
        (
            "XGROUP CREATE s h 0 ENTRIESREAD -2",
            "-ERR value for ENTRIESREAD must be positive or -1",
        ),
        (
            "XGROUP CREATE s h 0 NOSUCH",
            "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
        ),
        (
            "XGROUP SETID s none 0",
            "-NOGROUP No such consumer group 'none' for key name 's'",
        ),
        ("XGROUP CREATECONSUMER s g bob", ":1"),
        ("XGROUP CREATECONSUMER s g bob", ":0"),
        ("XGROUP DESTROY s g", ":1"),
        ("XGROUP DESTROY s g", ":0"),
        (
            "XREADGROUP GROUP g bob STREAMS s >",
            "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
        ),
        ("SET text x", "+OK"),
        (
            "XREAD STREAMS s text 0 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "SORT s",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ]);
}

#[test]
fn a_reader_waits_for_what_comes_after_the_moment_in_which_it_began() {
    let mut harness = with(&["XADD s 1-1 f 1"]);
    assert_eq!(harness.run("XREAD BLOCK 10 STREAMS s t $ 0"), "*-1");
    harness.caller.in_script = true;
    assert_eq!(
        harness.run("XREAD BLOCK 10 STREAMS s $"),
        "-ERR XREAD command is not allowed with BLOCK option from scripts"
    );
    harness.caller.in_script = false;
    harness.caller.may_block = true;
    assert_eq!(harness.run("XREAD BLOCK 10 COUNT 5 STREAMS t s 0 $"), "");
    let block = harness.outcome.block.take().expect("the command waits");
    assert_eq!(block.timeout_ms, Some(10));
    assert_eq!(block.keys, [Box::from(*b"t"), Box::from(*b"s")]);
    let command = block.command.expect("its ids are those of now");
    assert_eq!(command.last().map(AsRef::as_ref), Some(&b"1-1"[..]));
    harness.run("XADD t 5 f 1");
    harness.run("XADD s 5 f 1");
    harness.caller.has_waited = true;
    harness.caller.woken_by = 1;
    let words: Vec<&[u8]> = command.iter().map(AsRef::as_ref).collect();
    // Only what woke it is in its answer.
    let want = "*1|*2|$1|s|*1|*2|$3|5-0|*2|$1|f|$1|1";
    assert_eq!(harness.run_words(&words), want);
    harness.protocol = Protocol::Resp3;
    assert_eq!(harness.run_words(&words), want.replacen("*1|*2|", "%1|", 1));
}

#[test]
fn a_waiting_consumer_is_told_that_its_group_is_gone() {
    let mut harness = with(&["XGROUP CREATE s g $ MKSTREAM"]);
    harness.caller.may_block = true;
    let line = "XREADGROUP GROUP g alice BLOCK 0 STREAMS s >";
    assert_eq!(harness.run(line), "");
    let block = harness.outcome.block.take().expect("the command waits");
    assert_eq!(block.timeout_ms, None);
    harness.caller.has_waited = true;
    harness.run("XGROUP DESTROY s g");
    assert_eq!(
        harness.run(line),
        "-NOGROUP the consumer group this client was blocked on no longer exists"
    );
    harness.run("DEL s");
    let gone = "-UNBLOCKED the stream key no longer exists";
    assert_eq!(harness.run(line), gone);
    harness.run("SET s x");
    assert_eq!(harness.run(line), gone);
}

#[test]
fn facts_tell_how_far_a_group_has_come() {
    let mut harness = with_group();
    harness.wait_ms(7);
    harness.expect(&[
        (
            "XINFO GROUPS s",
            "*1|*12|$4|name|$1|g|$9|consumers|:1|$7|pending|:2|$17|last-delivered-id|$3|1-2|$12|entries-read|:2|$3|lag|:1",
        ),
        (
            "XINFO CONSUMERS s g",
            "*1|*6|$4|name|$5|alice|$7|pending|:2|$4|idle|:7",
        ),
        ("XSETID s 5 ENTRIESADDED 9 MAXDELETEDID 3", "+OK"),
        ("XSETID s 1", "-ERR The ID specified in XSETID is smaller than the target stream top item"),
        ("XSETID s 5 ENTRIESADDED 1", "-ERR The entries_added specified in XSETID is smaller than the target stream length"),
        ("XSETID s 5 MAXDELETEDID 6", "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"),
        ("XSETID none 5", "-ERR no such key"),
        (
            "XINFO STREAM s",
            "*20|$6|length|:3|$15|radix-tree-keys|:1|$16|radix-tree-nodes|:2|$17|last-generated-id|$3|5-0|\
             $20|max-deleted-entry-id|$3|3-0|$13|entries-added|:9|$23|recorded-first-entry-id|$3|1-1|$6|groups|:1|\
             $11|first-entry|*2|$3|1-1|*2|$1|f|$1|1|$10|last-entry|*2|$3|2-0|*2|$1|f|$1|3",
        ),
        ("XINFO STREAM none", "-ERR no such key"),
    ]);
    let full = harness.run("XINFO STREAM s FULL COUNT 1");
    let pending = format!("$7|pending|*1|*4|$3|1-1|$5|alice|:{START_MS}|:1|");
    assert!(full.contains(&pending), "{full}");
}

#[test]
fn subscribers_hear_of_what_happens_to_streams() {
    let mut harness = Harness::new();
    harness.listen();
    for (line, heard) in [
        ("XADD s 1 f v", "xadd s"),
        ("XADD s MAXLEN 1 2 f v", "xadd s, xtrim s"),
        ("XDEL s 9", ""),
        ("XDEL s 2", "xdel s"),
        ("XSETID s 5", "xsetid s"),
        ("XGROUP CREATE s g 0", "xgroup-create s"),
        ("XGROUP CREATECONSUMER s g c", "xgroup-createconsumer s"),
        ("XGROUP SETID s g $", "xgroup-setid s"),
        ("XGROUP DELCONSUMER s g c", "xgroup-delconsumer s"),
        ("XGROUP DESTROY s g", "xgroup-destroy s"),
        ("XADD s 6 f v", "xadd s"),
        ("XTRIM s MAXLEN 0", "xtrim s"),
    ] {
        harness.run(line);
        assert_eq!(harness.heard(), heard, "{line}");
    }
}

#[test]
fn only_entries_concern_those_who_watch_a_stream() {
    let mut harness = with_group();
    let database = harness.database;
    for (line, is_concern) in [
        ("XADD s * f v", true),
        ("XGROUP CREATE s h 0", false),
        ("XREADGROUP GROUP h c STREAMS s >", false),
        ("XACK s h 1-1", false),
        ("XSETID s 9999999999999", false),
        ("XTRIM s MAXLEN 1", true),
    ] {
        harness.keyspace.interest.register(database, b"s");
        harness.run(line);
        assert!(harness.outcome.changed, "{line}");
        assert_eq!(
            harness.keyspace.interest.any_touched(),
            is_concern,
            "{line}"
        );
        harness.keyspace.interest.take_touched();
    }
}

#[test]
fn copies_and_payloads_hold_groups_and_what_is_pending() {
    let mut harness = with_group();
    harness.expect(&[
        ("COPY s t", ":1"),
        ("XPENDING t g", "*4|:2|$3|1-1|$3|1-2|*1|*2|$5|alice|$1|2"),
        ("XADD t * f v", &format!("$15|{START_MS}-0")),
        ("XLEN s", ":3"),
        ("OBJECT ENCODING t", "$6|stream"),
    ]);
}
