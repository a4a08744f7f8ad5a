//! The quoting rules of inline commands: what a person types into `nc` or a telnet client.
//!
//! The parser calls it for lines that do not begin with `*`, the configuration reader for the
//! lines of its files. Words are separated by blanks. Double quotes understand `\n \r \t \b \a
//! \xHH` and take any other escaped byte as it is; single quotes understand only `\'`. A closing
//! quote must end its word. A NUL byte ends the line.

use crate::ProtocolError;

/// Splits `line` into words. Their bytes are appended to `words`, and `on_word` learns the start
/// and end of each in it.
///
/// # Errors
///
/// `UnbalancedQuotes`, after which what was appended means nothing.
pub fn split_inline(
    line: &[u8],
    words: &mut Vec<u8>,
    mut on_word: impl FnMut(usize, usize),
) -> Result<(), ProtocolError> {
    let mut rest = line;
    loop {
        rest = skip_blanks(rest);
        if matches!(rest, [] | [0, ..]) {
            return Ok(());
        }
        let start = words.len();
        rest = read_word(rest, words)?;
        on_word(start, words.len());
    }
}

fn skip_blanks(mut rest: &[u8]) -> &[u8] {
    while let [first, tail @ ..] = rest
        && is_blank(*first)
    {
        rest = tail;
    }
    rest
}

/// What C's `isspace` calls a blank. Inside of a word only some of these end it.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Appends one word, in which quotations may begin anywhere, and returns what follows it.
fn read_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    loop {
        rest = match rest {
            [] | [0 | b' ' | b'\n' | b'\r' | b'\t', ..] => return Ok(rest),
            [b'"', tail @ ..] => return read_double_quoted(tail, word),
            [b'\'', tail @ ..] => return read_single_quoted(tail, word),
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
        }
    }
}

fn read_double_quoted<'a>(
    mut rest: &'a [u8],
    word: &mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    loop {
        rest = match rest {
            [] | [0, ..] | [b'\\'] | [b'\\', 0, ..] => return Err(ProtocolError::UnbalancedQuotes),
            [b'"', tail @ ..] => return end_of_quotation(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex_value(*high) << 4 | hex_value(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(unescape(*escaped));
                tail
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
        }
    }
}

fn read_single_quoted<'a>(
    mut rest: &'a [u8],
    word: &mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    loop {
        rest = match rest {
            [] | [0, ..] => return Err(ProtocolError::UnbalancedQuotes),
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                tail
            }
            [b'\'', tail @ ..] => return end_of_quotation(tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
        }
    }
}

/// A closing quote must be the end of its word: `"a"b` is refused.
fn end_of_quotation(rest: &[u8]) -> Result<&[u8], ProtocolError> {
    match rest {
        [] | [0, ..] => Ok(rest),
        [byte, ..] if is_blank(*byte) => Ok(rest),
        _ => Err(ProtocolError::UnbalancedQuotes),
    }
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let mut words = Vec::new();
        let mut places = Vec::new();
        split_inline(line, &mut words, |start, end| places.push(start..end))?;
        Ok(places
            .into_iter()
            .map(|place| words[place].to_vec())
            .collect())
    }

    #[test]
    fn words_are_split_as_redis_splits_them() {
        for (line, want) in [
            (&b""[..], Some(vec![])),
            (b"   \t ", Some(vec![])),
            (b"GET key", Some(vec![&b"GET"[..], b"key"])),
            (b" \x0b\x0c GET\tkey ", Some(vec![b"GET", b"key"])),
            (b"a\x0bb", Some(vec![b"a\x0bb"])),
            (b"\"\"", Some(vec![b""])),
            (b"'' \"\"", Some(vec![b"", b""])),
            (
                b"\"a\\x41\\n\\r\\t\\b\\a\\q\\\"\"",
                Some(vec![b"aA\n\r\t\x08\x07q\""]),
            ),
            (b"\"\\xzz \\xff\\x0A\"", Some(vec![b"xzz \xff\n"])),
            (b"'a\\'b\\n \"'", Some(vec![b"a'b\\n \""])),
            (b"a'b c'", Some(vec![b"ab c"])),
            (b"a\"b c\"\tx", Some(vec![b"ab c", b"x"])),
            (b"a\0b", Some(vec![b"a"])),
            (b"\"a\"\0b", Some(vec![b"a"])),
            (b"\"a", None),
            (b"'a", None),
            (b"\"a\"b", None),
            (b"'a'b", None),
            (b"\"a\\", None),
            (b"\"a\0\"", None),
        ] {
            let got = split(line);
            let want = want
                .map(|words| words.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
                .ok_or(ProtocolError::UnbalancedQuotes);
            assert_eq!(got, want, "{:?}", line.escape_ascii().to_string());
        }
    }

    proptest! {
        #[test]
        fn quoted_bytes_come_back(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6)) {
            let mut line = Vec::new();
            for word in &words {
                line.push(b'"');
                for byte in word {
                    line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
                }
                line.extend_from_slice(b"\" ");
            }
            prop_assert_eq!(split(&line), Ok(words));
        }

        #[test]
        fn words_are_never_longer_than_the_line(line in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(words) = split(&line) {
                prop_assert!(words.iter().map(Vec::len).sum::<usize>() <= line.len());
            }
        }
    }
}
