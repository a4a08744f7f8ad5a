//! BITCOUNT and BITPOS: how many bits are set, and where the first one of a kind is.

use std::ops::RangeInclusive;

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::bits;
use crate::values::string::IntegerText;

pub(super) const BITCOUNT: Command<Handler> = Command::read("bitcount", Group::Bitmap, bitcount)
    .arity(AtLeast(2))
    .keys(&[KeySpec::READ])
    .doc(
        "2.6.0",
        "O(N) where N is the number of bytes looked at",
        "Counts the bits that are set in a string, or in a range of its bytes or bits.",
        &[
            Argument::key("key"),
            Argument::block(
                "index",
                &[
                    Argument::integer("start"),
                    Argument::integer("end"),
                    INDEX_UNIT,
                ],
            )
            .optional(),
        ],
    );

pub(super) const BITPOS: Command<Handler> = Command::read("bitpos", Group::Bitmap, bitpos)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .doc(
        "2.8.7",
        "O(N) where N is the number of bytes looked at",
        "Returns the position of the first bit that is set, or of the first that is not.",
        &[
            Argument::key("key"),
            Argument::integer("bit"),
            Argument::block(
                "index",
                &[
                    Argument::integer("start"),
                    Argument::block("end_index", &[Argument::integer("end"), INDEX_UNIT])
                        .optional(),
                ],
            )
            .optional(),
        ],
    );

const INDEX_UNIT: Argument = Argument::one_of(
    "index_unit",
    &[Argument::word("byte", "BYTE"), Argument::word("bit", "BIT")],
)
.optional();

/// What the ends of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    /// Reads the last argument, which may be left out.
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let unit = if args.accept("BIT") {
            Self::Bit
        } else {
            // Bytes are what is meant without a word.
            if !args.is_done() && !args.accept("BYTE") {
                return Err(CommandError::Syntax);
            }
            Self::Byte
        };
        args.finish()?;
        Ok(unit)
    }

    /// The bits between two ends, both included and negative ones counted from behind.
    fn bits_between(self, start: i64, end: i64, bytes_len: usize) -> RangeInclusive<u64> {
        let bits_per_unit = match self {
            Self::Byte => 8,
            Self::Bit => 1,
        };
        let bits_len = i64::try_from(bytes_len).unwrap_or(i64::MAX) * 8;
        let len = bits_len / bits_per_unit;
        let from_front = |at: i64| {
            if at < 0 {
                len.saturating_add(at).max(0)
            } else {
                at
            }
        };
        let first = from_front(start);
        let last = from_front(end).min(len - 1);
        if first > last {
            return EMPTY;
        }
        let bit = |at: i64| u64::try_from(at).expect("an end inside the string is not negative");
        bit(first * bits_per_unit)..=bit(last * bits_per_unit + bits_per_unit - 1)
    }
}

#[expect(
    clippy::reversed_empty_ranges,
    reason = "an inclusive range that is empty"
)]
const EMPTY: RangeInclusive<u64> = 1..=0;

fn bitcount(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    // Redis looks at the key first: one that is absent has no bits, whatever the other words are.
    let Some(string) = context.string(key)? else {
        reply.integer(0);
        return Ok(());
    };
    let mut text = IntegerText::default();
    let bytes = string.bytes(&mut text);
    let count = if args.is_done() {
        bits::count(bytes)
    } else {
        if !matches!(args.remaining(), 2 | 3) {
            return Err(CommandError::Syntax);
        }
        let (start, end) = (args.next_i64()?, args.next_i64()?);
        if start < 0 && end < 0 && start > end {
            // Nothing lies between these, and Redis does not read on.
            reply.integer(0);
            return Ok(());
        }
        let unit = Unit::read(args)?;
        bits::count_between(bytes, &unit.bits_between(start, end, bytes.len()))
    };
    reply.integer(count.cast_signed());
    Ok(())
}

fn bitpos(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let bit = match args.next_i64()? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::BitNeitherOneNorZero),
    };
    let Some(string) = context.string(key)? else {
        // An absent string is an endless row of zeros.
        reply.integer(if bit { -1 } else { 0 });
        return Ok(());
    };
    let mut text = IntegerText::default();
    let bytes = string.bytes(&mut text);
    if args.remaining() > 3 {
        return Err(CommandError::Syntax);
    }
    let start = if args.is_done() { 0 } else { args.next_i64()? };
    let (end, ends_before_zeros) = if args.is_done() {
        (-1, false)
    } else {
        (args.next_i64()?, true)
    };
    let unit = Unit::read(args)?;
    let range = unit.bits_between(start, end, bytes.len());
    let found = bits::position(bytes, &range, bit).map(u64::cast_signed);
    // Without an end, what comes after the string counts as zeros.
    let behind =
        (!bit && !ends_before_zeros && !range.is_empty()).then(|| range.end().cast_signed() + 1);
    reply.integer(found.or(behind).unwrap_or(-1));
    Ok(())
}
