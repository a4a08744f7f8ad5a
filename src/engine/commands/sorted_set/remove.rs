//! Removing members.

use std::ops::Range;

use holdfast_resp::Reply;

use super::selection::{parse_lex, parse_scores, ranks_by_lex};
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Command, Group, KeySpec};
use crate::commands::index_range::IndexRange;
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::values::sorted_set::SortedSet;

const COST: &str = "O(log(N)+M) with M members removed";

pub(super) const ZREM: Command<Handler> = Command::write("zrem", Group::SortedSet, zrem)
    .arity(AtLeast(3))
    .keys(&[KeySpec::DELETE])
    .fast()
    .doc(
        "1.2.0",
        "O(M*log(N)) with M members to remove",
        "Removes members, and the set with its last one.",
        &[Argument::key("key"), Argument::string("member").multiple()],
    );

pub(super) const ZREMRANGEBYRANK: Command<Handler> =
    Command::write("zremrangebyrank", Group::SortedSet, zremrangebyrank)
        .arity(Exactly(4))
        .keys(&[KeySpec::DELETE])
        .doc(
            "2.0.0",
            COST,
            "Removes a range of members by index.",
            &[
                Argument::key("key"),
                Argument::integer("start"),
                Argument::integer("stop"),
            ],
        );

pub(super) const ZREMRANGEBYSCORE: Command<Handler> =
    Command::write("zremrangebyscore", Group::SortedSet, zremrangebyscore)
        .arity(Exactly(4))
        .keys(&[KeySpec::DELETE])
        .doc(
            "1.2.0",
            COST,
            "Removes a range of members by score.",
            &[
                Argument::key("key"),
                Argument::double("min"),
                Argument::double("max"),
            ],
        );

pub(super) const ZREMRANGEBYLEX: Command<Handler> =
    Command::write("zremrangebylex", Group::SortedSet, zremrangebylex)
        .arity(Exactly(4))
        .keys(&[KeySpec::DELETE])
        .doc(
            "2.8.9",
            COST,
            "Removes a range of members between two members.",
            &[
                Argument::key("key"),
                Argument::string("min"),
                Argument::string("max"),
            ],
        );

/// Says what was removed, and records the command if it was anything.
fn finish(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    removed: usize,
    event: &'static str,
    reply: &mut Reply,
) {
    if removed > 0 {
        context.changed(key, NotifyClasses::SORTED_SET, event);
        context.remove_if_empty::<SortedSet>(key);
        context.log_as_given();
    }
    reply.integer(i64::try_from(removed).unwrap_or(i64::MAX));
}

fn zrem(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, members) = (context.key(args.next()?), args.take_rest());
    let removed = context.get_mut::<SortedSet>(key)?.map_or(0, |set| {
        let removed = members.iter().filter(|member| set.remove(member).is_some());
        removed.count()
    });
    finish(context, key, removed, "zrem", reply);
    Ok(())
}

fn remove_ranks(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    ranks: impl FnOnce(&SortedSet) -> Range<usize>,
    event: &'static str,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let removed = context.get_mut::<SortedSet>(key)?.map_or(0, |set| {
        let ranks = ranks(set);
        set.remove_ranks(ranks, |_, _| {})
    });
    finish(context, key, removed, event, reply);
    Ok(())
}

fn zremrangebyrank(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = IndexRange::read(args)?;
    let ranks = |set: &SortedSet| range.within(set.len());
    remove_ranks(context, key, ranks, "zremrangebyrank", reply)
}

fn zremrangebyscore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = parse_scores(args.next()?, args.next()?)?;
    let ranks = |set: &SortedSet| set.ranks_by_score(&range);
    remove_ranks(context, key, ranks, "zremrangebyscore", reply)
}

fn zremrangebylex(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = parse_lex(args.next()?, args.next()?)?;
    let ranks = |set: &SortedSet| ranks_by_lex(set, &range);
    remove_ranks(context, key, ranks, "zremrangebylex", reply)
}
