//! Union, intersection and difference of sorted sets and plain sets, whose members all score 1.

use std::collections::BTreeMap;

use holdfast_formats::{DecimalBuffer, Element};
use holdfast_resp::Reply;

use super::{write_header, write_member};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::number::{parse_f64, parse_i64};
use crate::value::{Collection, ValueRef};
use crate::values::set::SetValue;
use crate::values::sorted_set::SortedSet;

const NUMKEYS: Argument = Argument::integer("numkeys");
const KEYS: Argument = Argument::key("key").multiple();
const STORE_KEYS: Argument = Argument::new("key", ArgumentKind::Key(1)).multiple();
const DESTINATION: Argument = Argument::key("destination");
const WEIGHTS: Argument = Argument::integer("weight")
    .token("WEIGHTS")
    .optional()
    .multiple();
const AGGREGATE: Argument = Argument::one_of(
    "aggregate",
    &[
        Argument::word("sum", "SUM"),
        Argument::word("min", "MIN"),
        Argument::word("max", "MAX"),
    ],
)
.token("AGGREGATE")
.optional();
const WITH_SCORES: Argument = Argument::word("withscores", "WITHSCORES").optional();
const READ_SPECS: &[KeySpec] = &[KeySpec::READ.counted()];
const STORE_SPECS: &[KeySpec] = &[KeySpec::OVERWRITE, KeySpec::READ.index(2).counted()];
const UNION_COST: &str = "O(N)+O(M*log(M)) in all members and those of the result";
const INTER_COST: &str = "O(N*K)+O(M*log(M)) in the smallest set, the sets and the result";
const DIFF_COST: &str = "O(L+M*log(M)) in all members and those of the result";

pub(super) const ZUNION: Command<Handler> = Command::read("zunion", Group::SortedSet, zunion)
    .arity(AtLeast(3))
    .keys(READ_SPECS)
    .doc(
        "6.2.0",
        UNION_COST,
        "Returns what any of the sets has.",
        &[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITH_SCORES],
    );

pub(super) const ZUNIONSTORE: Command<Handler> =
    Command::write("zunionstore", Group::SortedSet, zunionstore)
        .arity(AtLeast(4))
        .flags(Flags::DENY_OOM)
        .keys(STORE_SPECS)
        .doc(
            "2.0.0",
            UNION_COST,
            "Stores what any of the sets has.",
            &[DESTINATION, NUMKEYS, STORE_KEYS, WEIGHTS, AGGREGATE],
        );

pub(super) const ZINTER: Command<Handler> = Command::read("zinter", Group::SortedSet, zinter)
    .arity(AtLeast(3))
    .keys(READ_SPECS)
    .doc(
        "6.2.0",
        INTER_COST,
        "Returns what all of the sets have.",
        &[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITH_SCORES],
    );

pub(super) const ZINTERSTORE: Command<Handler> =
    Command::write("zinterstore", Group::SortedSet, zinterstore)
        .arity(AtLeast(4))
        .flags(Flags::DENY_OOM)
        .keys(STORE_SPECS)
        .doc(
            "2.0.0",
            INTER_COST,
            "Stores what all of the sets have.",
            &[DESTINATION, NUMKEYS, STORE_KEYS, WEIGHTS, AGGREGATE],
        );

pub(super) const ZINTERCARD: Command<Handler> =
    Command::read("zintercard", Group::SortedSet, zintercard)
        .arity(AtLeast(3))
        .keys(READ_SPECS)
        .doc(
            "7.0.0",
            "O(N*K) in the smallest set and the sets",
            "Counts what all of the sets have.",
            &[
                NUMKEYS,
                KEYS,
                Argument::integer("limit").token("LIMIT").optional(),
            ],
        );

pub(super) const ZDIFF: Command<Handler> = Command::read("zdiff", Group::SortedSet, zdiff)
    .arity(AtLeast(3))
    .keys(READ_SPECS)
    .doc(
        "6.2.0",
        DIFF_COST,
        "Returns what only the first set has.",
        &[NUMKEYS, KEYS, WITH_SCORES],
    );

pub(super) const ZDIFFSTORE: Command<Handler> =
    Command::write("zdiffstore", Group::SortedSet, zdiffstore)
        .arity(AtLeast(4))
        .flags(Flags::DENY_OOM)
        .keys(STORE_SPECS)
        .doc(
            "6.2.0",
            DIFF_COST,
            "Stores what only the first set has.",
            &[DESTINATION, NUMKEYS, STORE_KEYS],
        );

/// What is made of several sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Algebra {
    Union,
    Intersection,
    Difference,
}

/// How the scores of a member in several sets become one.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        if args.accept("SUM") {
            Ok(Self::Sum)
        } else if args.accept("MIN") {
            Ok(Self::Min)
        } else if args.accept("MAX") {
            Ok(Self::Max)
        } else {
            Err(CommandError::Syntax)
        }
    }

    fn of(self, one: f64, two: f64) -> f64 {
        match self {
            // Infinities of both signs cancel out.
            Self::Sum => number_or_zero(one + two),
            Self::Min => one.min(two),
            Self::Max => one.max(two),
        }
    }
}

const fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The sets that a command names, and what is to be done with their scores.
struct Operands<'a> {
    keys: Vec<Key<'a>>,
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

/// Reads `numkeys key [key …]`.
fn read_keys<'a>(args: &mut Args<'a>, name: &'static str) -> Result<&'a [&'a [u8]], CommandError> {
    let count = parse_i64(args.next()?).ok_or(CommandError::NotAnInteger)?;
    let count = usize::try_from(count).ok().filter(|&count| count > 0);
    args.take(count.ok_or(CommandError::NoInputKeys(name))?)
}

impl<'a> Operands<'a> {
    /// Reads the options behind the keys.
    fn read(
        args: &mut Args<'a>,
        keys: Vec<Key<'a>>,
        algebra: Algebra,
        is_stored: bool,
    ) -> Result<Self, CommandError> {
        let mut operands = Self {
            weights: vec![1.0; keys.len()],
            keys,
            aggregate: Aggregate::Sum,
            with_scores: false,
        };
        let scores_count = algebra != Algebra::Difference;
        while !args.is_done() {
            if scores_count && args.remaining() > operands.keys.len() && args.accept("WEIGHTS") {
                for weight in &mut operands.weights {
                    *weight = parse_f64(args.next()?).ok_or(CommandError::WeightNotAFloat)?;
                }
            } else if scores_count && args.remaining() >= 2 && args.accept("AGGREGATE") {
                operands.aggregate = Aggregate::read(args)?;
            } else if !is_stored && args.accept("WITHSCORES") {
                operands.with_scores = true;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(operands)
    }

    /// The elements of the result, in no order, none twice.
    fn compute(
        &self,
        algebra: Algebra,
        context: &ReadContext<'_>,
    ) -> Result<Vec<(Vec<u8>, f64)>, CommandError> {
        let sources = sources(context, &self.keys)?;
        let mut weighted: Vec<_> = sources
            .into_iter()
            .zip(self.weights.iter().copied())
            .collect();
        if algebra == Algebra::Difference {
            return Ok(subtract(&weighted));
        }
        // The order of sums is part of the result: from the smallest set on, as in Redis.
        weighted.sort_by_key(|(source, _)| source.len());
        Ok(match algebra {
            Algebra::Union => unite(&weighted, self.aggregate),
            _ => {
                let mut elements = Vec::new();
                intersect(&weighted, self.aggregate, &mut |member, score| {
                    elements.push((member.to_vec(), score));
                    true
                });
                elements
            }
        })
    }
}

/// A set of either kind, or none.
#[derive(Clone, Copy)]
enum Source<'a> {
    Absent,
    Sorted(&'a SortedSet),
    Plain(&'a SetValue),
}

/// Plain members count as this.
const PLAIN_SCORE: f64 = 1.0;

impl<'a> Source<'a> {
    fn len(self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Sorted(set) => set.len(),
            Self::Plain(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Absent => None,
            Self::Sorted(set) => set.score(member),
            Self::Plain(set) => set.contains(member).then_some(PLAIN_SCORE),
        }
    }

    fn iter(self) -> Box<dyn Iterator<Item = (Element<'a>, f64)> + 'a> {
        match self {
            Self::Absent => Box::new(std::iter::empty()),
            Self::Sorted(set) => Box::new(set.iter()),
            Self::Plain(set) => Box::new(set.iter().map(|member| (member, PLAIN_SCORE))),
        }
    }
}

fn sources<'a>(
    context: &ReadContext<'a>,
    keys: &[Key<'_>],
) -> Result<Vec<Source<'a>>, CommandError> {
    keys.iter()
        .map(|&key| match context.value(key) {
            None => Ok(Source::Absent),
            Some(ValueRef::SortedSet(set)) => Ok(Source::Sorted(set)),
            Some(ValueRef::Set(set)) => Ok(Source::Plain(set)),
            Some(_) => Err(CommandError::WrongType),
        })
        .collect()
}

fn unite(sources: &[(Source<'_>, f64)], aggregate: Aggregate) -> Vec<(Vec<u8>, f64)> {
    let mut scores = BTreeMap::<Vec<u8>, f64>::new();
    let mut text = DecimalBuffer::new();
    for &(source, weight) in sources {
        for (member, score) in source.iter() {
            let score = number_or_zero(score * weight);
            let member = member.to_bytes(&mut text);
            if let Some(known) = scores.get_mut(member) {
                *known = aggregate.of(*known, score);
            } else {
                scores.insert(member.to_vec(), score);
            }
        }
    }
    scores.into_iter().collect()
}

/// Visits what all sets have, until `visit` wants no more. The first set is the smallest.
fn intersect(
    sources: &[(Source<'_>, f64)],
    aggregate: Aggregate,
    visit: &mut dyn FnMut(&[u8], f64) -> bool,
) {
    let Some((&(first, weight), others)) = sources.split_first() else {
        return;
    };
    let mut text = DecimalBuffer::new();
    for (member, score) in first.iter() {
        let member = member.to_bytes(&mut text);
        let start = number_or_zero(score * weight);
        let total = others.iter().try_fold(start, |total, &(source, weight)| {
            let score = source.score(member)?;
            Some(aggregate.of(total, number_or_zero(score * weight)))
        });
        if let Some(total) = total
            && !visit(member, total)
        {
            return;
        }
    }
}

fn subtract(sources: &[(Source<'_>, f64)]) -> Vec<(Vec<u8>, f64)> {
    let Some((&(first, _), others)) = sources.split_first() else {
        return Vec::new();
    };
    first
        .iter()
        .map(|(member, score)| (member.to_vec(), score))
        .filter(|(member, _)| {
            others
                .iter()
                .all(|(other, _)| other.score(member).is_none())
        })
        .collect()
}

/// Stores elements, none of them twice, in place of what is at a key; removes it for none.
pub(super) fn store(
    context: &mut WriteContext<'_>,
    destination: Key<'_>,
    elements: Vec<(Vec<u8>, f64)>,
    event: &'static str,
    reply: &mut Reply,
) {
    let count = elements.len();
    let encodings = context.encodings();
    match SortedSet::from_elements(elements, &encodings).filter(|set| !set.is_empty()) {
        Some(set) => {
            context.put(destination, set.into_value(), Expiry::Never);
            context.changed(destination, NotifyClasses::SORTED_SET, event);
            context.log_as_given();
        }
        None => {
            if context.remove(destination) {
                context.changed(destination, NotifyClasses::GENERIC, "del");
                context.log_as_given();
            }
        }
    }
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}

impl Algebra {
    fn answer(
        self,
        context: &ReadContext<'_>,
        args: &mut Args<'_>,
        reply: &mut Reply,
        name: &'static str,
    ) -> Result<(), CommandError> {
        let keys = read_keys(args, name)?;
        let keys: Vec<Key<'_>> = keys.iter().map(|key| context.key(key)).collect();
        // As in Redis, types are looked at before options.
        sources(context, &keys)?;
        let operands = Operands::read(args, keys, self, false)?;
        let elements = operands.compute(self, context)?;
        let set =
            SortedSet::from_elements(elements, &context.keyspace.encodings).unwrap_or_default();
        write_header(reply, set.len(), operands.with_scores);
        for (member, score) in set.iter() {
            write_member(reply, member, score, operands.with_scores);
        }
        Ok(())
    }

    fn store(
        self,
        context: &mut WriteContext<'_>,
        args: &mut Args<'_>,
        reply: &mut Reply,
        name: &'static str,
    ) -> Result<(), CommandError> {
        let destination = context.key(args.next()?);
        let keys = read_keys(args, name)?;
        let keys: Vec<Key<'_>> = keys.iter().map(|key| context.key(key)).collect();
        let reading = context.reading(&keys);
        sources(&reading, &keys)?;
        let operands = Operands::read(args, keys, self, true)?;
        let elements = operands.compute(self, &reading)?;
        store(context, destination, elements, name, reply);
        Ok(())
    }
}

fn zunion(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Union.answer(context, args, reply, "zunion")
}

fn zinter(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Intersection.answer(context, args, reply, "zinter")
}

fn zdiff(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Difference.answer(context, args, reply, "zdiff")
}

fn zunionstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Union.store(context, args, reply, "zunionstore")
}

fn zinterstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Intersection.store(context, args, reply, "zinterstore")
}

fn zdiffstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Difference.store(context, args, reply, "zdiffstore")
}

fn zintercard(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let keys = read_keys(args, "zintercard")?;
    let keys: Vec<Key<'_>> = keys.iter().map(|key| context.key(key)).collect();
    let mut weighted: Vec<_> = sources(context, &keys)?
        .into_iter()
        .map(|source| (source, 1.0))
        .collect();
    let mut limit = 0;
    while !args.is_done() {
        if args.remaining() < 2 || !args.accept("LIMIT") {
            return Err(CommandError::Syntax);
        }
        let wanted = args.next_i64().map_err(|_| CommandError::LimitNegative)?;
        limit = usize::try_from(wanted).map_err(|_| CommandError::LimitNegative)?;
    }
    weighted.sort_by_key(|(source, _)| source.len());
    let mut found = 0;
    intersect(&weighted, Aggregate::Sum, &mut |_, _| {
        found += 1;
        found != limit
    });
    reply.integer(i64::try_from(found).unwrap_or(i64::MAX));
    Ok(())
}
