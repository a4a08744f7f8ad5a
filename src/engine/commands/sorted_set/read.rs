//! Looking at single members, counting, and walking piece by piece.

use holdfast_resp::{DoubleText, Reply};

use super::selection::{parse_lex, parse_scores, ranks_by_lex};
use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Command, Group, KeySpec};
use crate::commands::scan_options::{self, ScanOptions};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::direction::Direction;
use crate::values::sorted_set::SortedSet;

const KEY_AND_MEMBER: &[Argument] = &[Argument::key("key"), Argument::string("member")];
const RANK: &[Argument] = &[
    Argument::key("key"),
    Argument::string("member"),
    Argument::word("withscore", "WITHSCORE").optional(),
];

pub(super) const ZCARD: Command<Handler> = Command::read("zcard", Group::SortedSet, zcard)
    .arity(Exactly(2))
    .keys(&[KeySpec::PEEK])
    .fast()
    .doc(
        "1.2.0",
        "O(1)",
        "Returns the number of members.",
        &[Argument::key("key")],
    );

pub(super) const ZCOUNT: Command<Handler> = Command::read("zcount", Group::SortedSet, zcount)
    .arity(Exactly(4))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "2.0.0",
        "O(log(N))",
        "Counts the members between two scores.",
        &[
            Argument::key("key"),
            Argument::double("min"),
            Argument::double("max"),
        ],
    );

pub(super) const ZLEXCOUNT: Command<Handler> =
    Command::read("zlexcount", Group::SortedSet, zlexcount)
        .arity(Exactly(4))
        .keys(&[KeySpec::READ])
        .fast()
        .doc(
            "2.8.9",
            "O(log(N))",
            "Counts the members between two members.",
            &[
                Argument::key("key"),
                Argument::string("min"),
                Argument::string("max"),
            ],
        );

pub(super) const ZSCORE: Command<Handler> = Command::read("zscore", Group::SortedSet, zscore)
    .arity(Exactly(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "1.2.0",
        "O(1)",
        "Returns the score of a member.",
        KEY_AND_MEMBER,
    );

pub(super) const ZMSCORE: Command<Handler> = Command::read("zmscore", Group::SortedSet, zmscore)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "6.2.0",
        "O(N) in the members asked for",
        "Returns the scores of several members.",
        &[Argument::key("key"), Argument::string("member").multiple()],
    );

pub(super) const ZRANK: Command<Handler> = Command::read("zrank", Group::SortedSet, zrank)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc("2.0.0", "O(log(N))", "Returns the index of a member.", RANK);

pub(super) const ZREVRANK: Command<Handler> = Command::read("zrevrank", Group::SortedSet, zrevrank)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .fast()
    .doc(
        "2.0.0",
        "O(log(N))",
        "Returns the index of a member, counted from the highest score.",
        RANK,
    );

pub(super) const ZSCAN: Command<Handler> = Command::read("zscan", Group::SortedSet, zscan)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ])
    .doc(
        "2.8.0",
        "O(1) for each call, O(N) for all of them",
        "Walks the members and their scores piece by piece.",
        &[
            Argument::key("key"),
            Argument::integer("cursor"),
            Argument::new("pattern", ArgumentKind::Pattern)
                .token("MATCH")
                .optional(),
            Argument::integer("count").token("COUNT").optional(),
        ],
    );

fn write_count(reply: &mut Reply, count: usize) {
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}

fn write_score(reply: &mut Reply, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

fn zcard(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let count = context.get::<SortedSet>(key)?.map_or(0, SortedSet::len);
    write_count(reply, count);
    Ok(())
}

fn zcount(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = parse_scores(args.next()?, args.next()?)?;
    let set = context.get::<SortedSet>(key)?;
    write_count(reply, set.map_or(0, |set| set.ranks_by_score(&range).len()));
    Ok(())
}

fn zlexcount(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let range = parse_lex(args.next()?, args.next()?)?;
    let set = context.get::<SortedSet>(key)?;
    write_count(reply, set.map_or(0, |set| ranks_by_lex(set, &range).len()));
    Ok(())
}

fn zscore(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, member) = (context.key(args.next()?), args.next()?);
    let set = context.get::<SortedSet>(key)?;
    write_score(reply, set.and_then(|set| set.score(member)));
    Ok(())
}

fn zmscore(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, members) = (context.key(args.next()?), args.take_rest());
    let set = context.get::<SortedSet>(key)?;
    reply.array(members.len());
    for member in members {
        write_score(reply, set.and_then(|set| set.score(member)));
    }
    Ok(())
}

fn rank(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    direction: Direction,
    name: &'static str,
) -> Result<(), CommandError> {
    let (key, member) = (context.key(args.next()?), args.next()?);
    if args.remaining() > 1 {
        return Err(CommandError::WrongArity(name.into()));
    }
    let with_score = args.accept("WITHSCORE");
    args.finish()?;
    let set = context.get::<SortedSet>(key)?;
    let found = set.and_then(|set| Some((set.rank(member, direction)?, set.score(member)?)));
    match found {
        Some((rank, score)) if with_score => {
            reply.array(2);
            write_count(reply, rank);
            reply.double(score);
        }
        Some((rank, _)) => write_count(reply, rank),
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(())
}

fn zrank(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    rank(context, args, reply, Direction::Forward, "zrank")
}

fn zrevrank(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    rank(context, args, reply, Direction::Backward, "zrevrank")
}

fn zscan(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let options = ScanOptions::cursor(args)?.rest(args)?;
    let mut found = Vec::new();
    let mut next = None;
    if let Some(set) = context.get::<SortedSet>(key)? {
        next = set.scan(options.from, options.count, &mut |member, score| {
            let member = member.to_vec();
            if options.shows(&member) {
                found.push(member);
                found.push(DoubleText::new().format(score).to_vec());
            }
        });
    }
    scan_options::write(reply, next, &found);
    Ok(())
}
