//! What holds for any input. The fuzz targets search for a counter-example, guided by coverage;
//! `tests/random_input.rs` tries a bounded number of inputs in each run of the tests.

use bytes::BytesMut;
use holdfast_resp::{CommandParser, Limits, Progress, ProtocolError, Stage};
use holdfast_resp::{encode_command, read_command};

/// What a connection makes of a stream: its commands, what is left, and how it ends.
type Outcome = (Vec<Vec<Vec<u8>>>, usize, Option<ProtocolError>);

/// The first byte of `input` chooses how the rest is cut into reads.
pub(crate) fn commands_do_not_depend_on_how_bytes_arrive(input: &[u8]) {
    let Some((&choice, stream)) = input.split_first() else {
        return;
    };
    let limits = Limits {
        bulk_bytes_max: 1 << 20,
        stage: if choice & 1 == 0 {
            Stage::Authenticated
        } else {
            Stage::Unauthenticated
        },
    };
    let whole = feed(stream, stream.len().max(1), &limits);
    let pieces = feed(stream, usize::from(choice >> 1) + 1, &limits);
    assert_eq!(whole, pieces);
    // Written anew in the strict form, the same commands are read by both readers.
    let mut encoded = BytesMut::new();
    for command in &whole.0 {
        encode_command(command, &mut encoded);
    }
    let unlimited = Limits {
        bulk_bytes_max: usize::MAX,
        stage: Stage::Authenticated,
    };
    assert_eq!(
        feed(&encoded, encoded.len().max(1), &unlimited),
        (whole.0, 0, None)
    );
    what_is_read_is_what_would_be_written(&encoded);
}

/// Whatever the reader of effects accepts, the writer gives byte for byte.
pub(crate) fn what_is_read_is_what_would_be_written(input: &[u8]) {
    let mut rest = input;
    let mut arguments = Vec::new();
    while let Ok(consumed) = read_command(rest, &mut arguments) {
        let mut encoded = BytesMut::new();
        encode_command(&arguments, &mut encoded);
        assert_eq!(encoded, rest[..consumed]);
        rest = &rest[consumed..];
        arguments.clear();
    }
}

fn feed(stream: &[u8], piece_bytes: usize, limits: &Limits) -> Outcome {
    let mut parser = CommandParser::new();
    let mut buffer = Vec::new();
    let mut commands = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        loop {
            match parser.parse(&buffer, limits) {
                Ok(Progress::Incomplete { missing_bytes_hint }) => {
                    assert_ne!(missing_bytes_hint, 0);
                    break;
                }
                Ok(Progress::Empty { consumed_bytes }) => {
                    buffer.drain(..consumed_bytes);
                }
                Ok(Progress::Command { consumed_bytes }) => {
                    commands.push(parser.arguments(&buffer).map(<[u8]>::to_vec).collect());
                    buffer.drain(..consumed_bytes);
                }
                Err(error) => return (commands, 0, Some(error)),
            }
        }
    }
    (commands, buffer.len(), None)
}
