//! What is a command and what is not, and that it does not matter how bytes arrive.

use super::*;
use crate::{Protocol, Reply, encode_command};
use bytes::BytesMut;
use proptest::prelude::*;

const UNAUTHENTICATED: Limits = Limits {
    bulk_bytes_max: BULK_BYTES_MAX_DEFAULT,
    stage: Stage::Unauthenticated,
};

/// What a connection makes of a stream: its commands, and how it ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    commands: Vec<Vec<Vec<u8>>>,
    unfinished_bytes: usize,
    error: Option<ProtocolError>,
}

/// Feeds `stream` in pieces of at most `piece_bytes`.
fn feed(stream: &[u8], piece_bytes: usize, limits: &Limits) -> Outcome {
    let mut parser = CommandParser::new();
    let mut buffer = Vec::new();
    let mut outcome = Outcome::default();
    for piece in stream.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        loop {
            match parser.parse(&buffer, limits) {
                Ok(Progress::Incomplete { missing_bytes_hint }) => {
                    assert!(missing_bytes_hint > 0, "nothing is missing");
                    break;
                }
                Ok(Progress::Empty { consumed_bytes }) => {
                    assert_eq!(parser.arguments(&buffer).len(), 0);
                    buffer.drain(..consumed_bytes);
                }
                Ok(Progress::Command { consumed_bytes }) => {
                    let arguments = parser.arguments(&buffer);
                    assert_ne!(arguments.len(), 0, "a command has a name");
                    outcome
                        .commands
                        .push(arguments.map(<[u8]>::to_vec).collect());
                    buffer.drain(..consumed_bytes);
                }
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
    }
    outcome.unfinished_bytes = buffer.len();
    outcome
}

fn commands(stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let outcome = feed(stream, usize::MAX, &Limits::default());
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.unfinished_bytes, 0);
    outcome.commands
}

fn words<const N: usize>(words: [&[u8]; N]) -> Vec<Vec<u8>> {
    words.map(<[u8]>::to_vec).to_vec()
}

fn error(stream: &[u8], limits: &Limits) -> Option<ProtocolError> {
    feed(stream, usize::MAX, limits).error
}

#[test]
fn arrays_and_lines_are_commands() {
    assert_eq!(
        commands(b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\nPING\r\n*1\r\n$4\r\nPING\r\nECHO \"a b\"\n"),
        [
            words([b"GET", b"key"]),
            words([b"PING"]),
            words([b"PING"]),
            words([b"ECHO", b"a b"]),
        ]
    );
}

#[test]
fn nothing_is_not_a_command() {
    assert_eq!(
        commands(b"\r\n*0\r\n*-1\r\n\n  \r\n*-5\r\nPING\r\n"),
        [words([b"PING"])]
    );
}

#[test]
fn the_bytes_after_an_argument_and_a_header_are_not_looked_at() {
    assert_eq!(commands(b"*1\rX$4\rXPINGXX"), [words([b"PING"])]);
}

#[test]
fn arguments_hold_any_bytes() {
    assert_eq!(
        commands(b"*3\r\n$0\r\n\r\n$5\r\n\r\n*1\r\r\n$3\r\n\0\xff$\r\n"),
        [words([b"", b"\r\n*1\r", b"\0\xff$"])]
    );
}

#[test]
fn malformed_input_gets_the_error_that_redis_gives() {
    for (stream, want) in [
        (&b"*abc\r\n"[..], "Protocol error: invalid multibulk length"),
        (b"*\r\n", "Protocol error: invalid multibulk length"),
        (b"*+1\r\n", "Protocol error: invalid multibulk length"),
        (b"*01\r\n", "Protocol error: invalid multibulk length"),
        (
            b"*2147483648\r\n",
            "Protocol error: invalid multibulk length",
        ),
        (
            b"*99999999999999999999\r\n",
            "Protocol error: invalid multibulk length",
        ),
        (b"*1\r\nx4\r\n", "Protocol error: expected '$', got 'x'"),
        (b"*1\r\n\r\n", "Protocol error: expected '$', got ' '"),
        (b"*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$abc\r\n", "Protocol error: invalid bulk length"),
        (
            b"*1\r\n$04\r\nPING\r\n",
            "Protocol error: invalid bulk length",
        ),
        (
            b"*1\r\n$536870913\r\n",
            "Protocol error: invalid bulk length",
        ),
        (
            b"*1\r\n$9223372036854775807\r\n",
            "Protocol error: invalid bulk length",
        ),
        (
            b"PING \"a\r\n",
            "Protocol error: unbalanced quotes in request",
        ),
        (
            b"PING 'a'b\r\n",
            "Protocol error: unbalanced quotes in request",
        ),
        (
            &[b'A'; LINE_BYTES_MAX + 1],
            "Protocol error: too big inline request",
        ),
        (
            &[0; LINE_BYTES_MAX + 1],
            "Protocol error: too big inline request",
        ),
        (
            &[b'*'; LINE_BYTES_MAX + 1],
            "Protocol error: too big mbulk count string",
        ),
        (
            &[&b"*1\r\n$"[..], &[b'1'; LINE_BYTES_MAX]].concat(),
            "Protocol error: too big bulk count string",
        ),
    ] {
        let got = error(stream, &Limits::default()).map(|error| error.to_string());
        let start = stream
            .get(..40)
            .unwrap_or(stream)
            .escape_ascii()
            .to_string();
        assert_eq!(got.as_deref(), Some(want), "{start}");
    }
}

#[test]
fn the_largest_allowed_lengths_are_waited_for() {
    for stream in [
        &b"*2147483647\r\n"[..],
        b"*1\r\n$536870912\r\n",
        &[b'A'; LINE_BYTES_MAX],
        &[b'*'; LINE_BYTES_MAX],
    ] {
        let outcome = feed(stream, usize::MAX, &Limits::default());
        assert_eq!((outcome.error, outcome.commands.len()), (None, 0));
    }
}

#[test]
fn unauthenticated_clients_may_send_little() {
    for (stream, want) in [
        (&b"*10\r\n"[..], None),
        (b"*11\r\n", Some(ProtocolError::CountUnauthenticated)),
        (b"*1\r\n$16384\r\n", None),
        (
            b"*1\r\n$16385\r\n",
            Some(ProtocolError::LengthUnauthenticated),
        ),
        (b"*3000000000\r\n", Some(ProtocolError::CountInvalid)),
        (b"*1\r\n$3000000000\r\n", Some(ProtocolError::LengthInvalid)),
    ] {
        assert_eq!(
            error(stream, &UNAUTHENTICATED),
            want,
            "{:?}",
            stream.escape_ascii().to_string()
        );
    }
}

#[test]
fn the_configured_bulk_limit_holds() {
    let limits = Limits {
        bulk_bytes_max: 1_048_576,
        stage: Stage::Authenticated,
    };
    assert_eq!(error(b"*1\r\n$1048576\r\n", &limits), None);
    assert_eq!(
        error(b"*1\r\n$1048577\r\n", &limits),
        Some(ProtocolError::LengthInvalid)
    );
}

#[test]
fn the_error_reply_gives_the_byte_back_as_it_came() {
    for (got, want) in [
        (b'x', &b"-ERR Protocol error: expected '$', got 'x'\r\n"[..]),
        (b'\r', b"-ERR Protocol error: expected '$', got ' '\r\n"),
        (0xff, b"-ERR Protocol error: expected '$', got '\xff'\r\n"),
    ] {
        let mut reply = Reply::new(Protocol::Resp2);
        ProtocolError::DollarExpected { got }.write_to(&mut reply);
        assert_eq!(reply.as_slice(), want);
    }
    let mut reply = Reply::new(Protocol::Resp3);
    ProtocolError::CountInvalid.write_to(&mut reply);
    assert_eq!(
        reply.as_slice(),
        b"-ERR Protocol error: invalid multibulk length\r\n"
    );
}

#[test]
fn a_large_argument_says_how_much_is_missing() {
    let mut parser = CommandParser::new();
    let mut buffer = b"*2\r\n$4\r\nECHO\r\n$100000\r\nabc".to_vec();
    let limits = Limits::default();
    assert_eq!(
        parser.parse(&buffer, &limits),
        Ok(Progress::Incomplete {
            missing_bytes_hint: 100_002 - 3
        })
    );
    buffer.resize(buffer.len() + 99_998, b'x');
    assert_eq!(
        parser.parse(&buffer, &limits),
        Ok(Progress::Incomplete {
            missing_bytes_hint: 1
        })
    );
    buffer.push(b'\n');
    assert_eq!(
        parser.parse(&buffer, &limits),
        Ok(Progress::Command {
            consumed_bytes: buffer.len()
        })
    );
    assert_eq!(
        parser.arguments(&buffer).last().map(<[u8]>::len),
        Some(100_000)
    );
}

#[test]
fn a_huge_command_does_not_keep_its_room() {
    let mut parser = CommandParser::new();
    let mut stream = BytesMut::new();
    encode_command(&vec![b"x"; 100_000], &mut stream);
    assert!(matches!(
        parser.parse(&stream, &Limits::default()),
        Ok(Progress::Command { .. })
    ));
    parser.reset();
    assert!(parser.places.capacity() <= KEPT_PLACES_COUNT_MAX);
}

/// Streams near the grammar: whole commands, and pieces of syntax in any order.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let argument = prop::collection::vec(any::<u8>(), 0..120);
    let command = prop::collection::vec(argument, 1..12).prop_map(|arguments| {
        let mut out = BytesMut::new();
        encode_command(&arguments, &mut out);
        out.to_vec()
    });
    let syntax = prop::collection::vec(
        prop::sample::select(vec![
            &b"*"[..],
            b"$",
            b"\r\n",
            b"\n",
            b"\r",
            b"0",
            b"1",
            b"2",
            b"-1",
            b"10",
            b"PING",
            b"\"",
            b"'",
            b"\\x41",
            b" ",
            b"\0",
            b"*1\r\n$4\r\nPING\r\n",
            b"*2\r\n$1\r\na\r\n",
            b"ECHO 'x'\r\n",
        ]),
        0..12,
    )
    .prop_map(|pieces| pieces.concat());
    prop::collection::vec(prop_oneof![3 => command, 1 => syntax], 0..5)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn it_does_not_matter_how_bytes_arrive(stream in stream(), piece_bytes in 1usize..50) {
        let limits = Limits::default();
        let whole = feed(&stream, usize::MAX, &limits);
        prop_assert_eq!(&feed(&stream, 1, &limits), &whole);
        prop_assert_eq!(&feed(&stream, piece_bytes, &limits), &whole);
    }

    #[test]
    fn encoded_commands_come_back(
        sent in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20), 0..6)
    ) {
        let mut stream = BytesMut::new();
        for command in &sent {
            encode_command(command, &mut stream);
        }
        prop_assert_eq!(commands(&stream), sent);
    }

    #[test]
    fn any_bytes_are_survived(stream in prop::collection::vec(any::<u8>(), 0..400)) {
        let whole = feed(&stream, usize::MAX, &UNAUTHENTICATED);
        prop_assert_eq!(feed(&stream, 1, &UNAUTHENTICATED), whole);
    }
}
