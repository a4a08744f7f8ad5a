//! LCS: the longest common subsequence of two strings.

use holdfast_resp::Reply;

use super::read::wire_len;
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::string::IntegerText;

pub(super) const LCS: Command<Handler> = Command::read("lcs", Group::String, lcs)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ.range(1, 1)])
    .doc(
        "7.0.0",
        "O(N*M) where N and M are the lengths of the strings",
        "Returns the longest common subsequence of two strings, its length, or where it stands in them.",
        &[
            Argument::key("key1"),
            Argument::key("key2"),
            Argument::word("len", "LEN").optional(),
            Argument::word("idx", "IDX").optional(),
            Argument::integer("len").token("MINMATCHLEN").optional(),
            Argument::word("withmatchlen", "WITHMATCHLEN").optional(),
        ],
    );

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    length: bool,
    indexes: bool,
    match_lengths: bool,
    match_len_min: i64,
}

impl Options {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while !args.is_done() {
            if args.accept("LEN") {
                options.length = true;
            } else if args.accept("IDX") {
                options.indexes = true;
            } else if args.accept("WITHMATCHLEN") {
                options.match_lengths = true;
            } else if args.accept("MINMATCHLEN") {
                options.match_len_min = args.next_i64()?.max(0);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        if options.length && options.indexes {
            return Err(CommandError::LcsLengthAndIndexes);
        }
        Ok(options)
    }
}

fn lcs(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (one, other) = (context.key(args.next()?), context.key(args.next()?));
    let not_strings = |_| CommandError::LcsNotStrings;
    let (one, other) = (
        context.string(one).map_err(not_strings)?,
        context.string(other).map_err(not_strings)?,
    );
    let options = Options::read(args)?;
    let (mut one_text, mut other_text) = (IntegerText::default(), IntegerText::default());
    let one = one.map_or(&[][..], |string| string.bytes(&mut one_text));
    let other = other.map_or(&[][..], |string| string.bytes(&mut other_text));
    let lengths = Lengths::of(one, other, context.keyspace.string_bytes_max)?;
    if options.length {
        reply.integer(i64::from(lengths.at(one.len(), other.len())));
    } else if options.indexes {
        reply_indexes(&lengths, one, other, options, reply);
    } else {
        let runs = lengths.runs(one, other);
        let parts = runs
            .iter()
            .rev()
            .filter_map(|run| one.get(run.one..run.one + run.len));
        reply.bulk(&parts.collect::<Vec<_>>().concat());
    }
    Ok(())
}

fn reply_indexes(lengths: &Lengths, one: &[u8], other: &[u8], options: Options, reply: &mut Reply) {
    let mut runs = lengths.runs(one, other);
    runs.retain(|run| wire_len(run.len) >= options.match_len_min);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(runs.len());
    for run in runs {
        reply.array(2 + usize::from(options.match_lengths));
        for start in [run.one, run.other] {
            reply.array(2);
            reply.integer(wire_len(start));
            reply.integer(wire_len(start + run.len - 1));
        }
        if options.match_lengths {
            reply.integer(wire_len(run.len));
        }
    }
    reply.bulk(b"len");
    reply.integer(i64::from(lengths.at(one.len(), other.len())));
}

/// Bytes that follow each other in both strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    one: usize,
    other: usize,
    len: usize,
}

/// The length of the longest common subsequence of each pair of beginnings.
struct Lengths {
    cells: Vec<u32>,
    width: usize,
}

impl Lengths {
    /// The table takes four bytes for each pair of positions, which `bytes_max` bounds.
    fn of(one: &[u8], other: &[u8], bytes_max: u64) -> Result<Self, CommandError> {
        let width = other.len() + 1;
        let count = (one.len() + 1).checked_mul(width);
        let count = count.filter(|&count| {
            let bytes = u64::try_from(count)
                .ok()
                .and_then(|count| count.checked_mul(4));
            bytes.is_some_and(|bytes| bytes <= bytes_max)
        });
        let mut cells = vec![0; count.ok_or(CommandError::LcsTooLarge)?];
        for (row, byte) in one.iter().enumerate() {
            let (above, current) = cells[row * width..(row + 2) * width].split_at_mut(width);
            for (column, other_byte) in other.iter().enumerate() {
                current[column + 1] = if byte == other_byte {
                    above[column] + 1
                } else {
                    above[column + 1].max(current[column])
                };
            }
        }
        Ok(Self { cells, width })
    }

    fn at(&self, one: usize, other: usize) -> u32 {
        self.cells[one * self.width + other]
    }

    /// The runs of one longest common subsequence, from the back. Where several are possible, the
    /// second string is shortened first, as Redis does it.
    fn runs(&self, one: &[u8], other: &[u8]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let (mut i, mut j) = (one.len(), other.len());
        while i > 0 && j > 0 {
            if one[i - 1] != other[j - 1] {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.one == i && run.other == j => {
                    *run = Run {
                        one: i - 1,
                        other: j - 1,
                        len: run.len + 1,
                    };
                }
                _ => runs.push(Run {
                    one: i - 1,
                    other: j - 1,
                    len: 1,
                }),
            }
            (i, j) = (i - 1, j - 1);
        }
        runs
    }
}
