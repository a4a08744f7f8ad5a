//! Adding members and changing their scores.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::number::parse_f64;
use crate::values::sorted_set::{Inserted, SortedSet};

pub(super) const ZADD: Command<Handler> = Command::write("zadd", Group::SortedSet, zadd)
    .arity(AtLeast(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "1.2.0",
        "O(log(N)) for each member",
        "Adds members, or changes their scores.",
        &[
            Argument::key("key"),
            Argument::one_of(
                "condition",
                &[Argument::word("nx", "NX"), Argument::word("xx", "XX")],
            )
            .optional(),
            Argument::one_of(
                "comparison",
                &[Argument::word("gt", "GT"), Argument::word("lt", "LT")],
            )
            .optional(),
            Argument::word("change", "CH").optional(),
            Argument::word("increment", "INCR").optional(),
            Argument::block(
                "score_member",
                &[Argument::double("score"), Argument::string("member")],
            )
            .multiple(),
        ],
    );

pub(super) const ZINCRBY: Command<Handler> = Command::write("zincrby", Group::SortedSet, zincrby)
    .arity(Exactly(4))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::UPDATE])
    .fast()
    .doc(
        "1.2.0",
        "O(log(N))",
        "Adds to the score of a member, which starts from zero.",
        &[
            Argument::key("key"),
            Argument::integer("increment"),
            Argument::string("member"),
        ],
    );

/// Which changes are wanted, and how they are told.
#[derive(Clone, Copy, Default)]
pub(in crate::commands) struct Options {
    /// Members that are there are left as they are.
    pub(in crate::commands) only_new: bool,
    /// No member is added.
    pub(in crate::commands) only_present: bool,
    only_greater: bool,
    only_less: bool,
    /// The reply counts changed scores, too.
    pub(in crate::commands) counts_changed: bool,
    increments: bool,
}

impl Options {
    fn read(args: &mut Args<'_>) -> Self {
        let mut options = Self::default();
        loop {
            let option = if args.accept("NX") {
                &mut options.only_new
            } else if args.accept("XX") {
                &mut options.only_present
            } else if args.accept("GT") {
                &mut options.only_greater
            } else if args.accept("LT") {
                &mut options.only_less
            } else if args.accept("CH") {
                &mut options.counts_changed
            } else if args.accept("INCR") {
                &mut options.increments
            } else {
                return options;
            };
            *option = true;
        }
    }

    fn check(self, members_count: usize) -> Result<(), CommandError> {
        if self.only_new && self.only_present {
            return Err(CommandError::XxAndNx);
        }
        let conditions = [self.only_new, self.only_greater, self.only_less];
        if conditions
            .into_iter()
            .filter(|&condition| condition)
            .count()
            > 1
        {
            return Err(CommandError::GtLtOrNx);
        }
        if self.increments && members_count > 1 {
            return Err(CommandError::IncrSeveral);
        }
        Ok(())
    }

    /// The score that a member is to get from `given`, if it is to be touched at all.
    fn score(self, current: Option<f64>, given: f64) -> Result<Option<f64>, CommandError> {
        let Some(current) = current else {
            return Ok((!self.only_present).then_some(given));
        };
        if self.only_new {
            return Ok(None);
        }
        let score = if self.increments {
            current + given
        } else {
            given
        };
        if score.is_nan() {
            return Err(CommandError::ScoreNotANumber);
        }
        let is_refused =
            (self.only_greater && score <= current) || (self.only_less && score >= current);
        Ok((!is_refused).then_some(score))
    }
}

fn zadd(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let options = Options::read(args);
    let pairs = args.take_rest();
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    options.check(pairs.len() / 2)?;
    let members = pairs
        .chunks_exact(2)
        .map(|pair| match pair {
            [score, member] => parse_f64(score).map(|score| (score, *member)),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(CommandError::NotAFloat)?;
    if options.increments {
        return match *members {
            [(increment, member)] => increment_one(context, key, options, increment, member, reply),
            _ => Err(CommandError::IncrSeveral),
        };
    }
    add(context, key, options, &members, reply)
}

/// Adds members or changes their scores, and answers how many.
pub(in crate::commands) fn add(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    options: Options,
    members: &[(f64, &[u8])],
    reply: &mut Reply,
) -> Result<(), CommandError> {
    if context.get::<SortedSet>(key)?.is_none() && options.only_present {
        reply.integer(0);
        return Ok(());
    }
    let encodings = context.encodings();
    let set = context.get_or_create::<SortedSet>(key)?;
    let (mut added, mut updated) = (0, 0);
    let has_conditions =
        options.only_new || options.only_present || options.only_greater || options.only_less;
    for &(given, member) in members {
        if has_conditions && options.score(set.score(member), given)?.is_none() {
            continue;
        }
        match set.insert(member, given, &encodings) {
            Inserted::Added => added += 1,
            Inserted::Updated => updated += 1,
            Inserted::Same => {}
        }
    }
    if added + updated > 0 {
        context.changed(key, NotifyClasses::SORTED_SET, "zadd");
        context.log_as_given();
    }
    reply.integer(if options.counts_changed {
        added + updated
    } else {
        added
    });
    Ok(())
}

fn increment_one(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    options: Options,
    increment: f64,
    member: &[u8],
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let set = context.get::<SortedSet>(key)?;
    let current = set.and_then(|set| set.score(member));
    let Some(score) = options.score(current, increment)? else {
        reply.null();
        return Ok(());
    };
    let encodings = context.encodings();
    let set = context.get_or_create::<SortedSet>(key)?;
    if set.insert(member, score, &encodings) != Inserted::Same {
        context.changed(key, NotifyClasses::SORTED_SET, "zincr");
        context.log_as_given();
    }
    reply.double(score);
    Ok(())
}

fn zincrby(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, increment, member) = (context.key(args.next()?), args.next_f64()?, args.next()?);
    let options = Options {
        increments: true,
        ..Options::default()
    };
    increment_one(context, key, options, increment, member, reply)
}
