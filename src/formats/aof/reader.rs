//! `AofReader`: the commands of one append-only file.
//!
//! Called by the importer and the offline tool, through `open`, which tells files that begin with an
//! RDB preamble from those that do not. Bounded memory: one command at a time. Always holds: nothing is
//! repaired; `valid_through` is where a cut would lose no whole command and split no transaction.

use std::io::Read;

use crate::error::FormatError;
use crate::integer::parse_i64;
use crate::rdb::{Input, RdbReader};

/// The longest line between strings: `*` or `$`, a number, a line end.
const HEADER_BYTES_MAX: usize = 24;
/// The longest annotation that servers write or accept.
const ANNOTATION_BYTES_MAX: usize = 1024;

/// How a file begins.
#[derive(Debug)]
pub enum AofStart<R> {
    /// With an RDB image. Read it to its end, then go on with `AofReader::after_preamble`.
    Preamble(RdbReader<R>),
    /// With commands, or not at all.
    Commands(AofReader<R>),
}

/// Looks at how a file begins. `size` is how many bytes the stream has, where that is known.
///
/// # Errors
/// If the stream fails, or begins as an RDB file of an unknown version.
pub fn open<R: Read>(stream: R, size: Option<u64>) -> Result<AofStart<R>, FormatError> {
    let mut input = Input::new(stream, size);
    let begins = input.peek::<6>()?;
    if begins.starts_with(b"REDIS") || begins == b"VALKEY" {
        RdbReader::from_input(input).map(AofStart::Preamble)
    } else {
        Ok(AofStart::Commands(AofReader::from_input(input)))
    }
}

/// What came next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AofStep {
    /// A command; `arguments` gives it.
    Command,
    /// What follows was written in or after this Unix second.
    Timestamp(i64),
    /// A line of another kind, without meaning for the data.
    Annotation,
    /// The file is over.
    End(AofTail),
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AofTail {
    /// After a whole command, outside of any transaction.
    Clean,
    /// Inside a command or a transaction, as after a crash.
    Torn,
}

/// Reads the commands of one append-only file.
#[derive(Debug)]
pub struct AofReader<R> {
    input: Input<R>,
    /// The arguments of the last command, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    line: Vec<u8>,
    in_transaction: bool,
    valid_through: u64,
}

impl<R: Read> AofReader<R> {
    /// Goes on behind an RDB preamble.
    ///
    /// # Panics
    /// If the preamble was not read to its end.
    #[must_use]
    pub fn after_preamble(preamble: RdbReader<R>) -> Self {
        assert!(
            preamble.checksum().is_some(),
            "a preamble is read to its end before the commands behind it"
        );
        Self::from_input(preamble.into_input())
    }

    fn from_input(input: Input<R>) -> Self {
        Self {
            valid_through: input.position(),
            input,
            text: Vec::new(),
            ends: Vec::new(),
            line: Vec::new(),
            in_transaction: false,
        }
    }

    /// The next command or line, or how the file ends.
    ///
    /// # Errors
    /// At the first byte that no server writes there. The reader is of no further use then.
    pub fn next_step(&mut self) -> Result<AofStep, FormatError> {
        if self.input.at_end()? {
            let tail = if self.in_transaction {
                AofTail::Torn
            } else {
                AofTail::Clean
            };
            return Ok(AofStep::End(tail));
        }
        let step = match self.input.byte()? {
            b'*' => self.read_command(),
            b'#' => self.read_annotation(),
            _ => Err(self.input.corrupt("neither a command nor an annotation")),
        };
        match step {
            // The end of the file within a command is not damage: every crash may leave that.
            Err(FormatError::Truncated { .. }) => Ok(AofStep::End(AofTail::Torn)),
            Err(error) => Err(error),
            Ok(step) => {
                if step == AofStep::Command {
                    self.follow_transaction()?;
                }
                if !self.in_transaction {
                    self.valid_through = self.input.position();
                }
                Ok(step)
            }
        }
    }

    /// The arguments of the command that `next_step` said came; at least one, the command's name.
    pub fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(self.ends.iter().copied())
            .map(|(start, end)| self.text.get(start..end).unwrap_or(&[]))
    }

    /// The position up to which everything is whole: the start of the command or of the transaction
    /// that was being read.
    #[must_use]
    pub fn valid_through(&self) -> u64 {
        self.valid_through
    }

    fn read_command(&mut self) -> Result<AofStep, FormatError> {
        self.text.clear();
        self.ends.clear();
        let count = self.read_number("a bad number of arguments")?;
        if count == 0 {
            return Err(self.input.corrupt("a command without a name"));
        }
        for _ in 0..count {
            if self.input.byte()? != b'$' {
                return Err(self.input.corrupt("an argument without its length"));
            }
            let length = self.read_number("a bad length of an argument")?;
            self.input.append(length, &mut self.text)?;
            if self.input.array()? != *b"\r\n" {
                return Err(self.input.corrupt("an argument of another length"));
            }
            self.ends.push(self.text.len());
        }
        Ok(AofStep::Command)
    }

    fn read_annotation(&mut self) -> Result<AofStep, FormatError> {
        self.read_line(ANNOTATION_BYTES_MAX)?;
        let Some(seconds) = self.line.strip_prefix(b"TS:") else {
            return Ok(AofStep::Annotation);
        };
        parse_i64(seconds)
            .map(AofStep::Timestamp)
            .ok_or_else(|| self.input.corrupt("a timestamp that is no number"))
    }

    fn read_number(&mut self, what: &'static str) -> Result<u64, FormatError> {
        self.read_line(HEADER_BYTES_MAX)?;
        parse_i64(&self.line)
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| self.input.corrupt(what))
    }

    /// Reads up to a line end, which is not kept.
    fn read_line(&mut self, bytes_max: usize) -> Result<(), FormatError> {
        self.line.clear();
        loop {
            match self.input.byte()? {
                b'\n' if self.line.last() == Some(&b'\r') => {
                    self.line.pop();
                    return Ok(());
                }
                byte => self.line.push(byte),
            }
            if self.line.len() > bytes_max {
                return Err(self.input.corrupt("a line without an end"));
            }
        }
    }

    /// A MULTI within a transaction, or an EXEC outside, means that its counterpart is damaged.
    fn follow_transaction(&mut self) -> Result<(), FormatError> {
        let name = self.arguments().next().unwrap_or(&[]);
        let (begins, ends) = (
            name.eq_ignore_ascii_case(b"multi"),
            name.eq_ignore_ascii_case(b"exec"),
        );
        match (self.in_transaction, begins, ends) {
            (true, true, _) => Err(self.input.corrupt("MULTI within a transaction")),
            (false, _, true) => Err(self.input.corrupt("EXEC without a transaction")),
            (inside, ..) => {
                self.in_transaction = (inside || begins) && !ends;
                Ok(())
            }
        }
    }
}
