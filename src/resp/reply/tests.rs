//! Golden bytes of every kind of element in both protocols.

use super::*;

fn written(protocol: Protocol, write: impl FnOnce(&mut Reply)) -> String {
    let mut reply = Reply::new(protocol);
    write(&mut reply);
    reply.as_slice().escape_ascii().to_string()
}

#[test]
fn each_element_has_its_bytes_in_both_protocols() {
    type Write = fn(&mut Reply);
    let cases: &[(Write, &str, &str)] = &[
        (Reply::ok, r"+OK\r\n", r"+OK\r\n"),
        (|r| r.simple("PONG"), r"+PONG\r\n", r"+PONG\r\n"),
        (|r| r.error("ERR no"), r"-ERR no\r\n", r"-ERR no\r\n"),
        (|r| r.integer(-12), r":-12\r\n", r":-12\r\n"),
        (|r| r.bulk(b""), r"$0\r\n\r\n", r"$0\r\n\r\n"),
        (
            |r| r.bulk(b"a\r\nb"),
            r"$4\r\na\r\nb\r\n",
            r"$4\r\na\r\nb\r\n",
        ),
        (
            |r| r.bulk_or_null(Some(b"x")),
            r"$1\r\nx\r\n",
            r"$1\r\nx\r\n",
        ),
        (|r| r.bulk_or_null(None), r"$-1\r\n", r"_\r\n"),
        (
            |r| r.bulk_display(format_args!("{}-{}", 1, 23)),
            r"$4\r\n1-23\r\n",
            r"$4\r\n1-23\r\n",
        ),
        (
            |r| r.bulk_integer(i64::MIN),
            r"$20\r\n-9223372036854775808\r\n",
            r"$20\r\n-9223372036854775808\r\n",
        ),
        (Reply::null, r"$-1\r\n", r"_\r\n"),
        (Reply::null_array, r"*-1\r\n", r"_\r\n"),
        (|r| r.array(3), r"*3\r\n", r"*3\r\n"),
        (|r| r.map(3), r"*6\r\n", r"%3\r\n"),
        (|r| r.set(3), r"*3\r\n", r"~3\r\n"),
        (|r| r.push(3), r"*3\r\n", r">3\r\n"),
        (
            |r| r.double(0.1),
            r"$19\r\n0.10000000000000001\r\n",
            r",0.10000000000000001\r\n",
        ),
        (
            |r| r.double(f64::NEG_INFINITY),
            r"$4\r\n-inf\r\n",
            r",-inf\r\n",
        ),
        (|r| r.double_text(b"3.5"), r"$3\r\n3.5\r\n", r",3.5\r\n"),
        (|r| r.boolean(true), r":1\r\n", r"#t\r\n"),
        (|r| r.boolean(false), r":0\r\n", r"#f\r\n"),
        (|r| r.big_number("123"), r"$3\r\n123\r\n", r"(123\r\n"),
        (
            |r| r.verbatim(*b"txt", b"Hello"),
            r"$5\r\nHello\r\n",
            r"=9\r\ntxt:Hello\r\n",
        ),
        (|r| r.raw(b":1\r\n"), r":1\r\n", r":1\r\n"),
    ];
    for (write, resp2, resp3) in cases {
        assert_eq!(written(Protocol::Resp2, write), *resp2);
        assert_eq!(written(Protocol::Resp3, write), *resp3);
    }
    assert_eq!(written(Protocol::Resp3, |r| r.attribute(1)), r"|1\r\n");
}

#[test]
fn a_line_end_in_a_text_cannot_forge_a_reply() {
    for (text, want) in [
        ("ERR a\r\n+OK\r\n", r"-ERR a  +OK\r\n"),
        ("ERR a\nb\rc", r"-ERR a b c\r\n"),
        ("ERR a\r\n\r\n", r"-ERR a\r\n"),
    ] {
        assert_eq!(written(Protocol::Resp2, |reply| reply.error(text)), want);
    }
    assert_eq!(
        written(Protocol::Resp2, |r| r.simple("a\r\nb")),
        r"+a  b\r\n"
    );
    assert_eq!(
        written(Protocol::Resp3, |r| r.big_number("1\r\n+OK")),
        r"(1  +OK\r\n"
    );
}

#[test]
fn aggregates_of_unknown_length_get_their_header_in_front() {
    let write = |reply: &mut Reply| {
        reply.ok();
        let len = reply.array_of(|reply| {
            let pairs = reply.map_of(|reply| {
                reply.bulk(b"key");
                12
            });
            assert_eq!(pairs, 12);
            reply.set_of(|_| 0);
            for index in 0..3 {
                reply.integer(index);
            }
            5
        });
        assert_eq!(len, 5);
    };
    assert_eq!(
        written(Protocol::Resp2, write),
        r"+OK\r\n*5\r\n*24\r\n$3\r\nkey\r\n*0\r\n:0\r\n:1\r\n:2\r\n"
    );
    assert_eq!(
        written(Protocol::Resp3, write),
        r"+OK\r\n*5\r\n%12\r\n$3\r\nkey\r\n~0\r\n:0\r\n:1\r\n:2\r\n"
    );
}

#[test]
fn an_array_of_many_elements_equals_one_of_known_length() {
    let known = written(Protocol::Resp2, |reply| {
        reply.array(5000);
        (0..5000).for_each(|value| reply.bulk_integer(value));
    });
    let unknown = written(Protocol::Resp2, |reply| {
        reply.array_of(|reply| {
            (0..5000).for_each(|value| reply.bulk_integer(value));
            5000
        });
    });
    assert_eq!(known, unknown);
}

#[test]
fn what_a_failing_handler_wrote_is_dropped() {
    let mut reply = Reply::new(Protocol::Resp2);
    reply.ok();
    let before = reply.len();
    reply.array(2);
    reply.bulk(b"half");
    reply.truncate(before);
    reply.error("ERR no");
    assert_eq!(reply.as_slice(), b"+OK\r\n-ERR no\r\n");
}

#[test]
fn a_connection_takes_bytes_from_the_front() {
    let mut reply = Reply::new(Protocol::Resp2);
    reply.ok();
    reply.integer(7);
    reply.advance(1);
    assert_eq!(reply.as_slice(), b"OK\r\n:7\r\n");
    assert_eq!(&reply.split_to(4)[..], b"OK\r\n");
    assert_eq!(reply.len(), 4);
    assert_eq!(&reply.take()[..], b":7\r\n");
    assert!(reply.is_empty());
    reply.advance(10);
    assert_eq!(&reply.split_to(10)[..], b"");
}

#[test]
fn hello_changes_the_protocol_of_the_next_element() {
    let mut reply = Reply::new(Protocol::Resp2);
    reply.null();
    reply.set_protocol(Protocol::Resp3);
    assert_eq!(reply.protocol(), Protocol::Resp3);
    reply.null();
    assert_eq!(reply.as_slice(), b"$-1\r\n_\r\n");
}
