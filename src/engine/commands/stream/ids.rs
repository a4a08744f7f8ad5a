//! Stream ids as clients write them: whole, without their number, as the ends of a range.

use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use crate::error::CommandError;

/// Longest text that is an id, in bytes; Redis draws the same line.
const TEXT_BYTES_MAX: usize = 127;

/// An id with or without the number within its millisecond.
struct Halves {
    ms: u64,
    sequence: Sequence,
}

enum Sequence {
    Missing,
    /// `*`
    Next,
    Given(u64),
}

fn halves(text: &[u8]) -> Option<Halves> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let Some(dash) = text.iter().position(|&byte| byte == b'-') else {
        return Some(Halves {
            ms: parse_u64(text)?,
            sequence: Sequence::Missing,
        });
    };
    let sequence = match text.get(dash + 1..)? {
        b"*" => Sequence::Next,
        digits => Sequence::Given(parse_u64(digits)?),
    };
    Some(Halves {
        ms: parse_u64(text.get(..dash)?)?,
        sequence,
    })
}

/// Reads a number as Redis does: plain decimal, or what C's `strtoull` makes of other texts, with
/// blanks and a sign in front and with zeros that lead.
fn parse_u64(text: &[u8]) -> Option<u64> {
    if let Some(number) = crate::number::parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let blanks = text
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b);
    let text = text.get(blanks.count()..)?;
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// Reads an id; `sequence` stands for the number if that is missing.
pub(super) fn parse(text: &[u8], sequence: u64) -> Result<StreamId, CommandError> {
    let halves = halves(text).ok_or(CommandError::InvalidStreamId)?;
    let sequence = match halves.sequence {
        Sequence::Missing => sequence,
        Sequence::Given(sequence) => sequence,
        Sequence::Next => return Err(CommandError::InvalidStreamId),
    };
    Ok(StreamId {
        ms: halves.ms,
        sequence,
    })
}

/// Reads ids without more: a number that is missing is 0.
pub(super) fn parse_all(texts: &[&[u8]]) -> Result<Vec<StreamId>, CommandError> {
    texts.iter().map(|text| parse(text, 0)).collect()
}

/// The id of an entry that is to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddedId {
    /// `*`: made from the time.
    Made,
    /// `ms-*`: the next number in this millisecond.
    In(u64),
    /// This one.
    Given(StreamId),
}

impl AddedId {
    pub(super) fn parse(text: &[u8]) -> Result<Self, CommandError> {
        if text == b"*" {
            return Ok(Self::Made);
        }
        let halves = halves(text).ok_or(CommandError::InvalidStreamId)?;
        let sequence = match halves.sequence {
            Sequence::Missing => 0,
            Sequence::Given(sequence) => sequence,
            Sequence::Next => return Ok(Self::In(halves.ms)),
        };
        Ok(Self::Given(StreamId {
            ms: halves.ms,
            sequence,
        }))
    }
}

/// The lower end of a range of ids, the id itself included.
pub(super) fn parse_start(text: &[u8]) -> Result<StreamId, CommandError> {
    match text {
        [b'(', rest @ ..] if !rest.is_empty() => {
            parse(rest, 0)?.next().ok_or(CommandError::IntervalStart)
        }
        text => parse_or_edge(text, 0),
    }
}

/// The upper end of a range of ids, the id itself included.
pub(super) fn parse_end(text: &[u8]) -> Result<StreamId, CommandError> {
    match text {
        [b'(', rest @ ..] if !rest.is_empty() => parse(rest, u64::MAX)?
            .previous()
            .ok_or(CommandError::IntervalEnd),
        text => parse_or_edge(text, u64::MAX),
    }
}

/// Reads an id, or `-` and `+` for the first and the last one.
pub(super) fn parse_or_edge(text: &[u8], sequence: u64) -> Result<StreamId, CommandError> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        text => parse(text, sequence),
    }
}

/// Writes an id.
pub(super) fn write(reply: &mut Reply, id: StreamId) {
    reply.bulk_display(id);
}

/// An id as an argument of an effect.
pub(super) fn text(id: StreamId) -> Vec<u8> {
    id.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_redis_reads_them() {
        for (text, want) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("007", Some(7)),
            (" 7", Some(7)),
            ("+7", Some(7)),
            ("-7", None),
            ("-07", Some(7u64.wrapping_neg())),
            ("7 ", None),
            ("", None),
            ("+", None),
        ] {
            assert_eq!(parse_u64(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn an_id_may_lack_its_number() {
        let id = |ms, sequence| Ok(StreamId { ms, sequence });
        let wrong = Err(CommandError::InvalidStreamId);
        for (text, want) in [
            ("5-3", id(5, 3)),
            ("5", id(5, 9)),
            ("5-*", wrong.clone()),
            ("-", wrong.clone()),
            ("+", wrong.clone()),
            ("", wrong.clone()),
            ("5-3-1", wrong),
        ] {
            assert_eq!(parse(text.as_bytes(), 9), want, "{text:?}");
        }
        assert_eq!(parse_start(b"(5"), id(5, 1));
        assert_eq!(parse_end(b"(5"), id(5, u64::MAX - 1));
        assert_eq!(parse_start(b"(+"), Err(CommandError::InvalidStreamId));
        assert_eq!(parse_end(b"(0-0"), Err(CommandError::IntervalEnd));
        assert_eq!(AddedId::parse(b"5-*"), Ok(AddedId::In(5)));
    }
}
