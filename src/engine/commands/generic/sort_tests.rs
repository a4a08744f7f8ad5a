//! SORT. Replies were compared with Redis 7.0.15.

use crate::commands::testing::Harness;
use crate::value::{Collection, Value};
use crate::values::encodings::Encodings;
use crate::values::list::{End, ListValue};

fn list(elements: &str) -> Value {
    let mut list = ListValue::empty();
    for element in elements.split_whitespace() {
        list.push(End::Back, element.as_bytes(), &Encodings::default());
    }
    list.into_value()
}

/// The elements of a reply, `nil` for null.
fn items(reply: &str) -> String {
    let mut lines = reply.split('|').skip(1);
    let mut items = Vec::new();
    while let Some(header) = lines.next() {
        items.push(if header == "$-1" {
            "nil"
        } else {
            lines.next().unwrap_or("")
        });
    }
    items.join(" ")
}

#[test]
fn elements_are_sorted() {
    let mut harness = Harness::new();
    harness.put("l", &list("3 10 2 1.5 -7"));
    harness.put("t", &list("b a C c"));
    harness.run("SADD s 3 1 2 x");
    for (line, want) in [
        ("SORT l", "-7 1.5 2 3 10"),
        ("SORT l DESC", "10 3 2 1.5 -7"),
        ("SORT l ALPHA", "-7 1.5 10 2 3"),
        ("SORT l LIMIT 1 2", "1.5 2"),
        ("SORT l LIMIT -5 2", "-7 1.5"),
        ("SORT l LIMIT 3 -1", "3 10"),
        ("SORT l LIMIT 9 9", ""),
        ("SORT l LIMIT 0 0", ""),
        ("SORT l LIMIT 1 9223372036854775807", "1.5 2 3 10"),
        ("SORT l BY nosort", "3 10 2 1.5 -7"),
        ("SORT l BY nosort LIMIT 1 1", "10"),
        ("SORT t ALPHA", "C a b c"),
        ("SORT_RO t ALPHA DESC", "c b a C"),
        ("SORT s ALPHA", "1 2 3 x"),
        ("SORT none", ""),
    ] {
        assert_eq!(items(&harness.run(line)), want, "{line}");
    }
}

#[test]
fn other_keys_give_the_order_and_the_replies() {
    let mut harness = Harness::new();
    harness.put("l", &list("1 2 3"));
    harness.run("MSET w_1 30 w_2 20 w_3 10 d_1 one d_3 three_of");
    harness.run("HSET h_1 w 5 n first");
    harness.run("HSET h_2 w 9 n second");
    harness.run("HSET h_3 w 1 n third");
    for (line, want) in [
        ("SORT l BY w_*", "3 2 1"),
        ("SORT l BY w_* DESC", "1 2 3"),
        ("SORT l BY h_*->w", "3 1 2"),
        ("SORT l BY h_*->none", "1 2 3"),
        ("SORT l BY none_* ALPHA", "1 2 3"),
        ("SORT l BY d_* ALPHA", "2 1 3"),
        ("SORT l GET d_*", "one nil three_of"),
        ("SORT l GET # GET h_*->n", "1 first 2 second 3 third"),
        ("SORT l GET w", "nil nil nil"),
        ("SORT l GET h_*->", "nil nil nil"),
        ("SORT l GET h_*", "nil nil nil"),
        ("SORT l BY nosort GET w_*", "30 20 10"),
    ] {
        assert_eq!(items(&harness.run(line)), want, "{line}");
    }
    assert_eq!(
        harness.run("SORT l BY d_*"),
        "-ERR One or more scores can't be converted into double"
    );
}

#[test]
fn what_cannot_be_sorted_is_refused() {
    let mut harness = Harness::new();
    harness.put("text", &list("a b"));
    harness.put("nan", &list("1 nan"));
    harness.run("SET string 1");
    harness.expect(&[
        (
            "SORT text",
            "-ERR One or more scores can't be converted into double",
        ),
        (
            "SORT nan",
            "-ERR One or more scores can't be converted into double",
        ),
        (
            "SORT string",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("SORT l LIMIT 0", "-ERR syntax error"),
        (
            "SORT l LIMIT 0 a",
            "-ERR value is not an integer or out of range",
        ),
        ("SORT l BY", "-ERR syntax error"),
        ("SORT l GET", "-ERR syntax error"),
        ("SORT l STORE", "-ERR syntax error"),
        ("SORT l foo", "-ERR syntax error"),
        ("SORT_RO l STORE x", "-ERR syntax error"),
    ]);
}

#[test]
fn nothing_to_store_removes_the_target() {
    let mut harness = Harness::new();
    harness.listen();
    harness.run("SET target 1");
    harness.heard();
    assert_eq!(harness.run("SORT none STORE target"), ":0");
    assert_eq!(harness.logged, "DEL target");
    assert_eq!(harness.heard(), "del target");
    assert_eq!(harness.run("SORT none STORE target"), ":0");
    assert_eq!(harness.logged, "");
}

#[test]
fn what_is_stored_is_logged_as_a_list() {
    let mut harness = Harness::new();
    harness.listen();
    harness.run("RPUSH l 3 1 2");
    harness.run("SADD s b a c");
    harness.run("MSET w_1 one target old");
    harness.heard();
    for (line, reply, logged, stored) in [
        (
            "SORT l STORE target",
            ":3",
            "DEL target; RPUSH target 1 2 3",
            "1 2 3",
        ),
        (
            "SORT l GET w_* STORE target",
            ":3",
            "DEL target; RPUSH target one  ",
            "one  ",
        ),
        ("SORT l DESC STORE new", ":3", "RPUSH new 3 2 1", "3 2 1"),
        (
            "SORT s BY nosort STORE new",
            ":3",
            "DEL new; RPUSH new a b c",
            "a b c",
        ),
        ("SORT l STORE l", ":3", "DEL l; RPUSH l 1 2 3", "1 2 3"),
    ] {
        assert_eq!(harness.run(line), reply, "{line}");
        assert_eq!(harness.logged, logged, "{line}");
        let target = line.split(' ').next_back().unwrap_or_default();
        assert_eq!(harness.heard(), format!("sortstore {target}"));
        assert_eq!(
            items(&harness.run(&format!("LRANGE {target} 0 -1"))),
            stored,
            "{line}"
        );
    }
}
