//! Commands that one connection has sent ahead of their execution: parsed together, so that the
//! memory that they will look at is fetched for all of them at once.

use holdfast_engine::Keyspace;
use holdfast_engine::keyspace::{DatabaseIndex, KEYS_WARMED_AT_ONCE};
use holdfast_resp::{CommandParser, Limits, Progress, ProtocolError};
use smallvec::SmallVec;

/// Arguments that fit on the stack; more take one allocation for all commands.
const ARGUMENTS_INLINE: usize = 4 * KEYS_WARMED_AT_ONCE;

/// Whole commands at the front of a connection's input.
pub(crate) struct Ahead<'a> {
    arguments: SmallVec<[&'a [u8]; ARGUMENTS_INLINE]>,
    commands: SmallVec<[Bounds; KEYS_WARMED_AT_ONCE]>,
}

/// Where a command ends: in the list of arguments, and in the input.
#[derive(Clone, Copy)]
struct Bounds {
    arguments_end: usize,
    input_end: usize,
}

/// What stands behind the commands that were parsed.
#[derive(Debug)]
pub(crate) enum Rest {
    /// Nothing, or part of a command.
    Unfinished,
    /// More commands, for the next round.
    More,
    /// A line that is no array: its arguments live in the parser, so it is run by itself.
    Inline,
    /// What can not be understood.
    Malformed(ProtocolError),
}

impl<'a> Ahead<'a> {
    /// Parses up to `count_max` commands. The parser is left at a command that is not complete.
    pub(crate) fn parse(
        parser: &mut CommandParser,
        input: &'a [u8],
        limits: &Limits,
        count_max: usize,
    ) -> (Self, Rest) {
        let mut ahead = Self {
            arguments: SmallVec::new(),
            commands: SmallVec::new(),
        };
        let mut at = 0;
        for _ in 0..count_max.min(KEYS_WARMED_AT_ONCE) {
            let input = input.get(at..).unwrap_or_default();
            match input.first() {
                None => return (ahead, Rest::Unfinished),
                Some(b'*') => {}
                Some(_) => return (ahead, Rest::Inline),
            }
            match parser.parse(input, limits) {
                Ok(Progress::Command { consumed_bytes } | Progress::Empty { consumed_bytes }) => {
                    at += consumed_bytes;
                    ahead.arguments.extend(parser.arguments_in_input(input));
                    ahead.commands.push(Bounds {
                        arguments_end: ahead.arguments.len(),
                        input_end: at,
                    });
                }
                Ok(Progress::Incomplete { .. }) => return (ahead, Rest::Unfinished),
                Err(error) => {
                    parser.reset();
                    return (ahead, Rest::Malformed(error));
                }
            }
        }
        (ahead, Rest::More)
    }

    /// Whether no command is complete.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Fetches what the commands will look at. Nearly every command's first key is its first
    /// argument; where it is not, nothing is lost but a look.
    pub(crate) fn warm(&self, keyspace: &Keyspace, database: DatabaseIndex) {
        if self.commands.len() > 1 {
            let keys = self.iter().filter_map(|(arguments, _)| arguments.get(1));
            keyspace.warm(database, keys.copied());
        }
    }

    /// The commands, each with where it ends in the input. One without arguments has no reply.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[&'a [u8]], usize)> {
        let mut start = 0;
        self.commands.iter().map(move |bounds| {
            let arguments = self.arguments.get(start..bounds.arguments_end);
            start = bounds.arguments_end;
            (arguments.unwrap_or_default(), bounds.input_end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(input: &[u8], count_max: usize) -> (Vec<(usize, usize)>, Rest) {
        let mut parser = CommandParser::new();
        let (ahead, rest) = Ahead::parse(&mut parser, input, &Limits::default(), count_max);
        let found = ahead.iter().map(|(arguments, end)| (arguments.len(), end));
        (found.collect(), rest)
    }

    #[test]
    fn whole_commands_are_taken_and_the_rest_is_named() {
        let ping = b"*1\r\n$4\r\nPING\r\n";
        let two = [&ping[..], ping].concat();
        assert!(
            matches!(parsed(&two, 9), (found, Rest::Unfinished) if found == [(1, 14), (1, 28)])
        );
        assert!(matches!(parsed(&two, 1), (found, Rest::More) if found == [(1, 14)]));
        let with_nothing = [&ping[..], b"*0\r\n*1\r\n$1"].concat();
        assert!(matches!(
            parsed(&with_nothing, 9),
            (found, Rest::Unfinished) if found == [(1, 14), (0, 18)]
        ));
        let inline = [&ping[..], b"PING\r\n"].concat();
        assert!(matches!(parsed(&inline, 9), (found, Rest::Inline) if found == [(1, 14)]));
        let malformed = [&ping[..], b"*1\r\n!4\r\n"].concat();
        assert!(matches!(parsed(&malformed, 9), (found, Rest::Malformed(_)) if found == [(1, 14)]));
    }
}
