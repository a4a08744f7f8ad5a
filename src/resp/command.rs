//! The strict form of a command that effects have in the log: an array of strings, `*2\r\n$3\r\n…`.
//!
//! The engine writes effects with [`encode_command`] and replays them with [`read_command`]; both
//! run for every write. Always holds: what the reader accepts is exactly what the writer gives,
//! so equal effects have equal bytes.

use bytes::BytesMut;
use thiserror::Error;

use crate::decimal::{HeaderText, parse_i64, short_header};

/// Bytes that `encode_command` has not written, or not all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("malformed command: {expected} expected at byte {at}")]
pub struct MalformedCommand {
    /// The position, counted from the command's first byte.
    pub at: usize,
    /// What should have been there.
    pub expected: &'static str,
}

/// The longest header: a marker, a number of nineteen digits, a line end.
const HEADER_BYTES_MAX: usize = 22;

/// Appends one command. It has at least one argument, its name.
#[inline]
pub fn encode_command<A: AsRef<[u8]>>(arguments: &[A], out: &mut BytesMut) {
    debug_assert!(!arguments.is_empty(), "a command has a name");
    let mut header = HeaderText::new();
    out.extend_from_slice(header.format_len(b'*', arguments.len()));
    for argument in arguments {
        let argument = argument.as_ref();
        let header = header.format_len(b'$', argument.len());
        out.reserve(
            argument
                .len()
                .saturating_add(HEADER_BYTES_MAX)
                .saturating_add(2),
        );
        out.extend_from_slice(header);
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads the command at the front of `input`: appends its arguments to `arguments`, in place, and
/// returns how many bytes it has.
///
/// # Errors
///
/// If the bytes are not a whole command as `encode_command` writes it. `arguments` may then hold
/// some of them.
#[inline]
pub fn read_command<'a>(
    input: &'a [u8],
    arguments: &mut Vec<&'a [u8]>,
) -> Result<usize, MalformedCommand> {
    let mut rest = input;
    let malformed = |rest: &[u8], expected| MalformedCommand {
        at: input.len().saturating_sub(rest.len()),
        expected,
    };
    let count = take_header(&mut rest, b'*').ok_or_else(|| malformed(rest, "an argument count"))?;
    if count == 0 {
        return Err(malformed(rest, "at least one argument"));
    }
    for _ in 0..count {
        let len =
            take_header(&mut rest, b'$').ok_or_else(|| malformed(rest, "an argument length"))?;
        let (argument, tail) = rest
            .split_at_checked(len)
            .ok_or_else(|| malformed(rest, "a whole argument"))?;
        let [b'\r', b'\n', tail @ ..] = tail else {
            return Err(malformed(tail, "the end of an argument"));
        };
        arguments.push(argument);
        rest = tail;
    }
    Ok(input.len().saturating_sub(rest.len()))
}

/// Takes `marker`, a number and a line end from the front of `rest`; on `None` it is unchanged.
#[inline]
fn take_header(rest: &mut &[u8], marker: u8) -> Option<usize> {
    if let Some((value, bytes)) = short_header(rest, marker) {
        let (header, tail) = rest.split_at_checked(bytes)?;
        *rest = header.ends_with(b"\n").then_some(tail)?;
        return Some(usize::from(value));
    }
    let text = rest.strip_prefix(&[marker])?;
    let line = text.get(..text.len().min(HEADER_BYTES_MAX))?;
    let end = line.iter().position(|&byte| byte == b'\r')?;
    let (digits, tail) = text.split_at_checked(end)?;
    let tail = tail.strip_prefix(b"\r\n")?;
    let value = usize::try_from(parse_i64(digits)?).ok()?;
    *rest = tail;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded<A: AsRef<[u8]>>(arguments: &[A]) -> BytesMut {
        let mut out = BytesMut::new();
        encode_command(arguments, &mut out);
        out
    }

    #[test]
    fn commands_have_these_bytes() {
        assert_eq!(
            &encoded(&[&b"SET"[..], b"", b"a\r\nb"])[..],
            b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n"
        );
        let long = vec![b'x'; 1234];
        let bytes = encoded(&[long.clone(), long.clone()]);
        assert!(bytes.starts_with(b"*2\r\n$1234\r\nxxx"), "{bytes:?}");
        let mut arguments = Vec::new();
        assert_eq!(read_command(&bytes, &mut arguments), Ok(bytes.len()));
        assert_eq!(arguments, [&long[..], &long[..]]);
    }

    #[test]
    fn only_the_strict_form_is_read() {
        for (input, at, expected) in [
            (&b""[..], 0, "an argument count"),
            (b"PING\r\n", 0, "an argument count"),
            (b"*0\r\n", 4, "at least one argument"),
            (b"*-1\r\n", 0, "an argument count"),
            (b"*01\r\n$1\r\na\r\n", 0, "an argument count"),
            (b"*+1\r\n$1\r\na\r\n", 0, "an argument count"),
            (b"*1\n$1\na\n", 0, "an argument count"),
            (b"*1\r\n", 4, "an argument length"),
            (b"*1\r\n:1\r\n", 4, "an argument length"),
            (b"*1\r\n$-1\r\n", 4, "an argument length"),
            (b"*1\r\n$00\r\n\r\n", 4, "an argument length"),
            (b"*1\r\n$99999999999999999999\r\n", 4, "an argument length"),
            (
                b"*1\r\n$9223372036854775807\r\nabc",
                4 + 22,
                "a whole argument",
            ),
            (b"*1\r\n$3\r\nab", 8, "a whole argument"),
            (b"*1\r\n$3\r\nabc", 11, "the end of an argument"),
            (b"*1\r\n$3\r\nabc\r", 11, "the end of an argument"),
            (b"*1\r\n$3\r\nabcd\r\n", 11, "the end of an argument"),
            (b"*2\r\n$1\r\na\r\n", 11, "an argument length"),
        ] {
            assert_eq!(
                read_command(input, &mut Vec::new()),
                Err(MalformedCommand { at, expected }),
                "{:?}",
                input.escape_ascii().to_string()
            );
        }
    }

    proptest! {
        #[test]
        fn commands_come_back(
            commands in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..15), 1..5)
        ) {
            let mut bytes = BytesMut::new();
            for command in &commands {
                encode_command(command, &mut bytes);
            }
            let mut rest = &bytes[..];
            for command in &commands {
                let mut arguments = Vec::new();
                let consumed = read_command(rest, &mut arguments).expect("it was encoded");
                prop_assert_eq!(&arguments, command);
                rest = &rest[consumed..];
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn what_is_read_is_what_would_be_written(
            mut bytes in prop::collection::vec(prop::sample::select(&b"*$0123-+\r\na"[..]), 0..40),
            well_formed: bool,
        ) {
            if well_formed {
                bytes.splice(0..0, *b"*1\r\n$");
            }
            let mut arguments = Vec::new();
            if let Ok(consumed) = read_command(&bytes, &mut arguments) {
                prop_assert_eq!(&encoded(&arguments)[..], &bytes[..consumed]);
            }
        }

        #[test]
        fn a_cut_command_is_refused(
            command in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..5)
        ) {
            let bytes = encoded(&command);
            for len in 0..bytes.len() {
                prop_assert!(read_command(&bytes[..len], &mut Vec::new()).is_err());
            }
        }
    }
}
