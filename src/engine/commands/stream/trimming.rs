//! `MAXLEN|MINID [=|~] threshold [LIMIT count]`, as XADD and XTRIM take it.

use crate::args::Args;
use crate::command::Argument;
use crate::error::CommandError;
use crate::values::encodings::Encodings;
use crate::values::stream::{Bound, Trim};

use super::ids;

/// How the options are documented.
pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::one_of(
        "strategy",
        &[
            Argument::word("maxlen", "MAXLEN"),
            Argument::word("minid", "MINID"),
        ],
    ),
    Argument::one_of(
        "operator",
        &[
            Argument::word("equal", "="),
            Argument::word("approximately", "~"),
        ],
    )
    .optional(),
    Argument::string("threshold"),
    Argument::integer("count").token("LIMIT").optional(),
];

/// The options as far as they were read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TrimOptions {
    bound: Option<Bound>,
    is_approximate: bool,
    limit: Option<u64>,
}

impl TrimOptions {
    /// Reads one option; whether the next argument was one.
    pub(super) fn read_next(&mut self, args: &mut Args<'_>) -> Result<bool, CommandError> {
        // A word without its value is no option: XADD takes it for an id, XTRIM for an error.
        if args.remaining() < 2 {
            return Ok(false);
        }
        if args.accept("MAXLEN") {
            self.read_threshold(args, |text| {
                let length = crate::number::parse_i64(text).ok_or(CommandError::NotAnInteger)?;
                let length = u64::try_from(length).map_err(|_| CommandError::TrimLengthNegative)?;
                Ok(Bound::Length(length))
            })?;
        } else if args.accept("MINID") {
            self.read_threshold(args, |text| ids::parse(text, 0).map(Bound::Id))?;
        } else if args.accept("LIMIT") {
            let limit = u64::try_from(args.next_i64()?);
            self.limit = Some(limit.map_err(|_| CommandError::TrimLimitNegative)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn read_threshold(
        &mut self,
        args: &mut Args<'_>,
        parse: impl Fn(&[u8]) -> Result<Bound, CommandError>,
    ) -> Result<(), CommandError> {
        if self.bound.is_some() {
            return Err(CommandError::TrimTwice);
        }
        let has_operator = args.remaining() >= 2;
        self.is_approximate = has_operator && args.peek() == Some(b"~");
        if self.is_approximate || (has_operator && args.peek() == Some(b"=")) {
            args.next()?;
        }
        self.bound = Some(parse(args.next()?)?);
        Ok(())
    }

    /// The trim that they ask for, if they do.
    pub(super) fn finish(self, encodings: &Encodings) -> Result<Option<Trim>, CommandError> {
        let Some(bound) = self.bound else {
            let is_limited = self.limit.is_some_and(|limit| limit > 0);
            return if is_limited {
                Err(CommandError::TrimLimitAlone)
            } else {
                Ok(None)
            };
        };
        if self.limit.is_some() && !self.is_approximate {
            return Err(CommandError::TrimLimitExact);
        }
        let removed_max = match self.limit {
            Some(limit) => limit,
            None if self.is_approximate => limit_unsaid(encodings),
            None => 0,
        };
        Ok(Some(Trim {
            bound,
            only_whole_nodes: self.is_approximate,
            removed_max: (removed_max > 0).then_some(removed_max),
        }))
    }
}

/// How many entries an approximate trim takes at most: a hundred nodes, so that no command takes
/// long.
fn limit_unsaid(encodings: &Encodings) -> u64 {
    const NODES: u64 = 100;
    const WITHOUT_NODE_LIMIT: u64 = 10_000;
    const MAX: u64 = 1_000_000;
    match encodings.stream_node_max_entries as u64 {
        0 => WITHOUT_NODE_LIMIT,
        entries => entries.saturating_mul(NODES).min(MAX),
    }
}
