//! Finds one command after another in a connection's read buffer, as Redis 7.0 does.
//!
//! The connection calls [`CommandParser::parse`] with all bytes that it has not consumed yet. A
//! command that is not complete is taken up again where it was left, so that a large argument that
//! arrives in a thousand reads is not looked at a thousand times. Arguments are not copied: they
//! are places in the buffer (those of inline commands, which may need unescaping, in a buffer
//! of the parser). Always holds: `position <= input.len()`, and every place lies before `position`.

use std::mem;

use crate::decimal::{parse_i64, short_header};
use crate::{ProtocolError, split_inline};

/// The longest inline command and the longest header line that is waited for.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Redis takes as many arguments as a C `int` counts.
const ARGUMENTS_COUNT_MAX: i64 = 0x7fff_ffff;

/// Before it has authenticated, a client needs little more than `AUTH` and `HELLO`.
const UNAUTHENTICATED_ARGUMENTS_COUNT_MAX: i64 = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX: i64 = 16 * 1024;

/// Places that are kept for the next command; a larger command gives its room back.
const KEPT_PLACES_COUNT_MAX: usize = 1024;
const KEPT_WORDS_BYTES_MAX: usize = 4096;

/// `proto-max-bulk-len` as it is without configuration.
const BULK_BYTES_MAX_DEFAULT: usize = 512 * 1024 * 1024;

/// Whether the client has shown who it is, or need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A password is required and has not been given.
    Unauthenticated,
    /// All commands may come.
    Authenticated,
}

/// How much a client may send in one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest argument, `proto-max-bulk-len`.
    pub bulk_bytes_max: usize,
    /// Tighter limits hold before authentication.
    pub stage: Stage,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bulk_bytes_max: BULK_BYTES_MAX_DEFAULT,
            stage: Stage::Authenticated,
        }
    }
}

/// What was found at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No whole command yet. Read more, append it, and parse again from the same first byte.
    Incomplete {
        /// At least so many bytes are missing. Useful for the next read's size, but it is the
        /// client's word: room for all of it should not be set aside at once.
        missing_bytes_hint: usize,
    },
    /// A command: see [`CommandParser::arguments`]. Then drop its bytes and parse the next.
    Command {
        /// How many bytes it has.
        consumed_bytes: usize,
    },
    /// An empty line or an array of nothing. It has no reply. Drop its bytes and go on.
    Empty {
        /// How many bytes it has.
        consumed_bytes: usize,
    },
}

/// Where one argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: usize,
    end: usize,
}

/// What the parser waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first byte, which tells inline commands from arrays.
    Start,
    InlineLine,
    Count,
    Length {
        remaining: i64,
    },
    Bulk {
        remaining: i64,
        bytes: usize,
    },
    /// A command was given out; the next call begins a new one.
    Complete,
}

/// Reads the commands of one connection.
#[derive(Debug)]
pub struct CommandParser {
    state: State,
    /// The first byte that has not been understood yet.
    position: usize,
    /// The bytes from `position` to here hold no line end.
    searched: usize,
    places: Vec<Place>,
    /// The words of an inline command, which `places` then points into.
    words: Vec<u8>,
    inline: bool,
}

impl Default for CommandParser {
    fn default() -> Self {
        Self::new()
    }
}

impl CommandParser {
    /// A parser before its first command.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Start,
            position: 0,
            searched: 0,
            places: Vec::new(),
            words: Vec::new(),
            inline: false,
        }
    }

    /// Looks for a whole command at the front of `input`, which holds all bytes since the end of
    /// the last command. After `Incomplete` the same bytes come again with more behind them.
    ///
    /// # Errors
    ///
    /// The input can not be understood any more: answer, and close the connection.
    #[inline]
    pub fn parse(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, ProtocolError> {
        if self.state == State::Complete {
            self.reset();
        }
        debug_assert!(
            self.position <= input.len(),
            "bytes of an unfinished command vanished"
        );
        loop {
            match self.state {
                State::Start | State::Complete => match input.first() {
                    None => return Ok(incomplete(1)),
                    Some(b'*') => self.state = State::Count,
                    Some(_) => self.state = State::InlineLine,
                },
                State::InlineLine => return self.parse_inline(input),
                State::Count => match self.parse_count(input, limits)? {
                    None => return Ok(incomplete(1)),
                    Some(count) if count <= 0 => return Ok(self.finish()),
                    Some(remaining) => self.state = State::Length { remaining },
                },
                State::Length { remaining: 0 } => return Ok(self.finish()),
                State::Length { remaining } => match self.parse_length(input, limits)? {
                    None => return Ok(incomplete(1)),
                    Some(bytes) => self.state = State::Bulk { remaining, bytes },
                },
                State::Bulk { remaining, bytes } => {
                    let end = self.position.saturating_add(bytes);
                    // The two bytes after it are not looked at, as in Redis.
                    let next = end.saturating_add(2);
                    if next > input.len() {
                        return Ok(incomplete(next.saturating_sub(input.len())));
                    }
                    self.places.push(Place {
                        start: self.position,
                        end,
                    });
                    self.position = next;
                    self.state = State::Length {
                        remaining: remaining.saturating_sub(1),
                    };
                }
            }
        }
    }

    /// The arguments of the command that `parse` has just found, its name first. `input` is what
    /// was parsed, or at least the bytes of the command.
    #[inline]
    pub fn arguments<'a>(&'a self, input: &'a [u8]) -> Arguments<'a> {
        Arguments {
            bytes: if self.inline { &self.words } else { input },
            places: self.places.iter(),
        }
    }

    /// The arguments of a command that came as an array: they stand in `input` and outlive the
    /// parser's next command. Those of an inline command do not: it has none here.
    #[inline]
    pub fn arguments_in_input<'s, 'a>(
        &'s self,
        input: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        let places = if self.inline {
            &[]
        } else {
            self.places.as_slice()
        };
        places
            .iter()
            .map(move |place| input.get(place.start..place.end).unwrap_or_default())
    }

    /// Forgets an unfinished command.
    pub fn reset(&mut self) {
        self.state = State::Start;
        self.position = 0;
        self.searched = 0;
        self.inline = false;
        self.places.clear();
        self.words.clear();
        // One command with a million arguments must not hold their room for ever.
        self.places.shrink_to(KEPT_PLACES_COUNT_MAX);
        self.words.shrink_to(KEPT_WORDS_BYTES_MAX);
    }

    fn finish(&mut self) -> Progress {
        self.state = State::Complete;
        let consumed_bytes = self.position;
        if self.places.is_empty() {
            Progress::Empty { consumed_bytes }
        } else {
            Progress::Command { consumed_bytes }
        }
    }

    /// The number of arguments, once its line is there.
    #[inline]
    fn parse_count(&mut self, input: &[u8], limits: &Limits) -> Result<Option<i64>, ProtocolError> {
        if let Some(count) = self.take_short_header(input, b'*') {
            return check_count(count, limits).map(Some);
        }
        let Some(line) = self.take_header(input, ProtocolError::CountTooLong)? else {
            return Ok(None);
        };
        let count = line
            .get(1..)
            .and_then(parse_i64)
            .ok_or(ProtocolError::CountInvalid)?;
        check_count(count, limits).map(Some)
    }

    /// The length of the next argument, once its line is there.
    #[inline]
    fn parse_length(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        if let Some(bytes) = self.take_short_header(input, b'$') {
            return check_length(bytes, limits).map(Some);
        }
        let Some(line) = self.take_header(input, ProtocolError::LengthTooLong)? else {
            return Ok(None);
        };
        match line {
            [b'$', digits @ ..] => {
                let bytes = parse_i64(digits).ok_or(ProtocolError::LengthInvalid)?;
                check_length(bytes, limits).map(Some)
            }
            // A line of nothing: what was found is its end.
            _ => Err(ProtocolError::DollarExpected {
                got: line.first().copied().unwrap_or(b'\r'),
            }),
        }
    }

    #[inline]
    fn take_short_header(&mut self, input: &[u8], marker: u8) -> Option<i64> {
        let (value, bytes) = short_header(input.get(self.position..)?, marker)?;
        self.position = self.position.saturating_add(bytes);
        Some(i64::from(value))
    }

    /// Takes a line up to its carriage return and the byte after that, whatever it is.
    #[cold]
    fn take_header<'a>(
        &mut self,
        input: &'a [u8],
        too_long: ProtocolError,
    ) -> Result<Option<&'a [u8]>, ProtocolError> {
        let Some(end) = self.find_line_end(input, b'\r', too_long)? else {
            return Ok(None);
        };
        let next = end.saturating_add(2);
        if next > input.len() {
            return Ok(None);
        }
        let line = input.get(self.position..end);
        self.position = next;
        self.searched = next;
        Ok(line)
    }

    fn parse_inline(&mut self, input: &[u8]) -> Result<Progress, ProtocolError> {
        let Some(end) = self.find_line_end(input, b'\n', ProtocolError::InlineTooBig)? else {
            return Ok(incomplete(1));
        };
        let line = input.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.inline = true;
        let mut words = mem::take(&mut self.words);
        let places = &mut self.places;
        let split = split_inline(line, &mut words, |start, end| {
            places.push(Place { start, end });
        });
        self.words = words;
        split?;
        self.position = end.saturating_add(1);
        Ok(self.finish())
    }

    /// Finds `wanted` from `position` on, or learns that there is none yet. A NUL byte hides all
    /// that follows: text has none, so the connection carries something else, and is refused
    /// once it has sent too much of it.
    fn find_line_end(
        &mut self,
        input: &[u8],
        wanted: u8,
        too_long: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        let from = self.searched.max(self.position);
        let rest = input.get(from..).unwrap_or_default();
        let found = rest.iter().position(|&byte| byte == wanted || byte == 0);
        let stop = from.saturating_add(found.unwrap_or(rest.len()));
        self.searched = stop;
        let is_line_end = input.get(stop) == Some(&wanted);
        // A line that is too long is refused even if its end is there, so that the answer does
        // not depend on how the bytes were cut into reads.
        let seen = if is_line_end { stop } else { input.len() };
        if seen.saturating_sub(self.position) > LINE_BYTES_MAX {
            return Err(too_long);
        }
        Ok(is_line_end.then_some(stop))
    }
}

/// The arguments of one command, its name first.
#[derive(Clone, Debug)]
pub struct Arguments<'a> {
    bytes: &'a [u8],
    places: std::slice::Iter<'a, Place>,
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let place = self.places.next()?;
        Some(self.bytes.get(place.start..place.end).unwrap_or_default())
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for Arguments<'_> {}

#[inline]
const fn incomplete(missing_bytes_hint: usize) -> Progress {
    Progress::Incomplete { missing_bytes_hint }
}

#[inline]
fn check_count(count: i64, limits: &Limits) -> Result<i64, ProtocolError> {
    if count > ARGUMENTS_COUNT_MAX {
        Err(ProtocolError::CountInvalid)
    } else if limits.stage == Stage::Unauthenticated && count > UNAUTHENTICATED_ARGUMENTS_COUNT_MAX
    {
        Err(ProtocolError::CountUnauthenticated)
    } else {
        Ok(count)
    }
}

#[inline]
fn check_length(bytes: i64, limits: &Limits) -> Result<usize, ProtocolError> {
    let size = usize::try_from(bytes).map_err(|_| ProtocolError::LengthInvalid)?;
    if size > limits.bulk_bytes_max {
        Err(ProtocolError::LengthInvalid)
    } else if limits.stage == Stage::Unauthenticated && bytes > UNAUTHENTICATED_BULK_BYTES_MAX {
        Err(ProtocolError::LengthUnauthenticated)
    } else {
        Ok(size)
    }
}

#[cfg(test)]
mod tests;
