//! ZRANDMEMBER.

use std::collections::BTreeSet;

use holdfast_resp::Reply;

use super::{write_header, write_member};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group, KeySpec};
use crate::commands::choose::{self, Wanted};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::sorted_set::SortedSet;

pub(super) const ZRANDMEMBER: Command<Handler> =
    Command::read("zrandmember", Group::SortedSet, zrandmember)
        .arity(AtLeast(2))
        .keys(&[KeySpec::READ])
        .doc(
            "6.2.0",
            "O(N*log(M)) in the members returned and those of the set",
            "Returns members at random.",
            &[
                Argument::key("key"),
                Argument::block(
                    "options",
                    &[
                        Argument::integer("count"),
                        Argument::word("withscores", "WITHSCORES").optional(),
                    ],
                )
                .optional(),
            ],
        );

fn zrandmember(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let random = &mut || context.keyspace.random();
    if args.is_done() {
        let set = context.get::<SortedSet>(key)?;
        match set.and_then(|set| set.at_rank(random_rank(set, random))) {
            Some((member, score)) => write_member(reply, member, score, false),
            None => reply.null(),
        }
        return Ok(());
    }
    let count = args.next_i64()?;
    let with_scores = args.accept("WITHSCORES");
    args.finish()?;
    let wanted = Wanted::from_count(count)?;
    let Some(set) = context.get::<SortedSet>(key)? else {
        reply.array(0);
        return Ok(());
    };
    match wanted {
        Wanted::Distinct(count) => {
            let ranks = distinct(set, count, random);
            write_header(reply, ranks.len(), with_scores);
            for rank in ranks {
                write_rank(reply, set, rank, with_scores);
            }
        }
        Wanted::Draws(count) => {
            write_header(reply, count, with_scores);
            for _ in 0..count {
                write_rank(reply, set, random_rank(set, random), with_scores);
            }
        }
    }
    Ok(())
}

fn random_rank(set: &SortedSet, random: &mut dyn FnMut() -> u64) -> usize {
    // A set in the keyspace has members.
    let len = (set.len() as u64).max(1);
    usize::try_from(random() % len).unwrap_or(0)
}

fn write_rank(reply: &mut Reply, set: &SortedSet, rank: usize, with_scores: bool) {
    if let Some((member, score)) = set.at_rank(rank) {
        write_member(reply, member, score, with_scores);
    }
}

fn distinct(set: &SortedSet, count: usize, random: &mut dyn FnMut() -> u64) -> Vec<usize> {
    /// Up to this share of the members, drawing until they differ is cheaper than listing all.
    const SHARE: usize = 3;
    let len = set.len();
    if count >= len / SHARE {
        return choose::distinct((0..len).collect(), count, random);
    }
    let mut chosen = Vec::with_capacity(count);
    let mut known = BTreeSet::new();
    while chosen.len() < count {
        let rank = random_rank(set, random);
        if known.insert(rank) {
            chosen.push(rank);
        }
    }
    chosen
}
