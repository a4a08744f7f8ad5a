//! The arguments of one command, read from left to right by its handler.

use crate::error::CommandError;
use crate::number;

/// The arguments of one command. Handlers read all of them before they touch the keyspace.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    all: &'a [&'a [u8]],
    next: usize,
}

impl<'a> Args<'a> {
    /// Starts reading `all` after its first `skip` words: 1 for a command, 2 for a subcommand.
    pub const fn new(all: &'a [&'a [u8]], skip: usize) -> Self {
        Self { all, next: skip }
    }

    /// Every argument, the command's name included.
    pub const fn all(&self) -> &'a [&'a [u8]] {
        self.all
    }

    /// The command's name as the client wrote it.
    pub fn name(&self) -> &'a [u8] {
        self.all.first().copied().unwrap_or_default()
    }

    /// Those not read yet.
    pub fn rest(&self) -> &'a [&'a [u8]] {
        self.all.get(self.next..).unwrap_or_default()
    }

    /// How many are not read yet.
    pub fn remaining(&self) -> usize {
        self.all.len().saturating_sub(self.next)
    }

    /// Whether all have been read.
    pub fn is_done(&self) -> bool {
        self.remaining() == 0
    }

    /// The next one, left where it is.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.all.get(self.next).copied()
    }

    /// The next one.
    ///
    /// # Errors
    /// A syntax error when there is none.
    #[expect(
        clippy::should_implement_trait,
        reason = "a missing argument is an error, not an end"
    )]
    pub fn next(&mut self) -> Result<&'a [u8], CommandError> {
        let argument = self.peek().ok_or(CommandError::Syntax)?;
        self.next += 1;
        Ok(argument)
    }

    /// The next `count`.
    ///
    /// # Errors
    /// A syntax error when there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [&'a [u8]], CommandError> {
        let taken = self.rest().get(..count).ok_or(CommandError::Syntax)?;
        self.next += count;
        Ok(taken)
    }

    /// All that are left, marked as read.
    pub fn take_rest(&mut self) -> &'a [&'a [u8]] {
        let rest = self.rest();
        self.next = self.all.len();
        rest
    }

    /// The next one as a whole number.
    ///
    /// # Errors
    /// `value is not an integer or out of range`.
    pub fn next_i64(&mut self) -> Result<i64, CommandError> {
        number::parse_i64(self.next()?).ok_or(CommandError::NotAnInteger)
    }

    /// The next one as a floating point number.
    ///
    /// # Errors
    /// `value is not a valid float`.
    pub fn next_f64(&mut self) -> Result<f64, CommandError> {
        number::parse_f64(self.next()?).ok_or(CommandError::NotAFloat)
    }

    /// Reads the next one if it is `word`, in any case.
    pub fn accept(&mut self, word: &str) -> bool {
        let matches = self.next_is(word);
        if matches {
            self.next += 1;
        }
        matches
    }

    /// Whether the next one is `word`, in any case.
    pub fn next_is(&self, word: &str) -> bool {
        self.peek()
            .is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A syntax error when something is left.
    pub fn finish(&self) -> Result<(), CommandError> {
        if self.is_done() {
            Ok(())
        } else {
            Err(CommandError::Syntax)
        }
    }
}
