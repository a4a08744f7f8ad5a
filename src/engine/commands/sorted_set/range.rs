//! ZRANGE, the commands that it replaced, and ZRANGESTORE.

use holdfast_resp::Reply;

use super::selection::{By, Form, Selection};
use super::{write_header, write_member};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::values::direction::Direction;
use crate::values::sorted_set::SortedSet;

const COST: &str = "O(log(N)+M) with M elements returned";
const SORT_BY: Argument = Argument::one_of(
    "sortby",
    &[
        Argument::word("byscore", "BYSCORE"),
        Argument::word("bylex", "BYLEX"),
    ],
)
.optional();
const REV: Argument = Argument::word("rev", "REV").optional();
const LIMIT: Argument = Argument::block(
    "offset_count",
    &[Argument::integer("offset"), Argument::integer("count")],
)
.token("LIMIT")
.optional();
const WITH_SCORES: Argument = Argument::word("withscores", "WITHSCORES").optional();
const KEY: Argument = Argument::key("key");

pub(super) const ZRANGE: Command<Handler> = Command::read("zrange", Group::SortedSet, zrange)
    .arity(AtLeast(4))
    .keys(&[KeySpec::READ])
    .doc(
        "1.2.0",
        COST,
        "Returns a range of members by index, score or member.",
        &[
            KEY,
            Argument::string("start"),
            Argument::string("stop"),
            SORT_BY,
            REV,
            LIMIT,
            WITH_SCORES,
        ],
    );

pub(super) const ZRANGESTORE: Command<Handler> =
    Command::write("zrangestore", Group::SortedSet, zrangestore)
        .arity(AtLeast(5))
        .flags(Flags::DENY_OOM)
        .keys(&[KeySpec::OVERWRITE, KeySpec::READ.index(2)])
        .doc(
            "6.2.0",
            "O(log(N)+M) with M elements stored",
            "Stores a range of members in another key.",
            &[
                Argument::key("dst"),
                Argument::new("src", ArgumentKind::Key(1)),
                Argument::string("min"),
                Argument::string("max"),
                SORT_BY,
                REV,
                LIMIT,
            ],
        );

pub(super) const ZREVRANGE: Command<Handler> =
    Command::read("zrevrange", Group::SortedSet, zrevrange)
        .arity(AtLeast(4))
        .keys(&[KeySpec::READ])
        .doc(
            "1.2.0",
            COST,
            "Returns a range of members by index, from the highest score down.",
            &[
                KEY,
                Argument::integer("start"),
                Argument::integer("stop"),
                WITH_SCORES,
            ],
        )
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument");

pub(super) const ZRANGEBYSCORE: Command<Handler> =
    Command::read("zrangebyscore", Group::SortedSet, zrangebyscore)
        .arity(AtLeast(4))
        .keys(&[KeySpec::READ])
        .doc(
            "1.0.5",
            COST,
            "Returns a range of members by score.",
            &[
                KEY,
                Argument::double("min"),
                Argument::double("max"),
                WITH_SCORES,
                LIMIT,
            ],
        )
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument");

pub(super) const ZREVRANGEBYSCORE: Command<Handler> =
    Command::read("zrevrangebyscore", Group::SortedSet, zrevrangebyscore)
        .arity(AtLeast(4))
        .keys(&[KeySpec::READ])
        .doc(
            "2.2.0",
            COST,
            "Returns a range of members by score, from the highest score down.",
            &[
                KEY,
                Argument::double("max"),
                Argument::double("min"),
                WITH_SCORES,
                LIMIT,
            ],
        )
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments");

pub(super) const ZRANGEBYLEX: Command<Handler> =
    Command::read("zrangebylex", Group::SortedSet, zrangebylex)
        .arity(AtLeast(4))
        .keys(&[KeySpec::READ])
        .doc(
            "2.8.9",
            COST,
            "Returns a range of members between two members.",
            &[KEY, Argument::string("min"), Argument::string("max"), LIMIT],
        )
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument");

pub(super) const ZREVRANGEBYLEX: Command<Handler> =
    Command::read("zrevrangebylex", Group::SortedSet, zrevrangebylex)
        .arity(AtLeast(4))
        .keys(&[KeySpec::READ])
        .doc(
            "2.8.9",
            COST,
            "Returns a range of members between two members, from the greatest down.",
            &[KEY, Argument::string("max"), Argument::string("min"), LIMIT],
        )
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments");

/// Writes what the arguments select.
fn answer(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    by: Option<By>,
    direction: Option<Direction>,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let form = Form {
        by,
        direction,
        is_stored: false,
    };
    let selection = Selection::read(args, form)?;
    let Some(set) = context.get::<SortedSet>(key)? else {
        reply.array(0);
        return Ok(());
    };
    let ranks = selection.ranks(set);
    write_header(reply, ranks.len(), selection.with_scores);
    for (member, score) in set.range(ranks, selection.direction) {
        write_member(reply, member, score, selection.with_scores);
    }
    Ok(())
}

fn zrange(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(context, args, reply, None, None)
}

fn zrevrange(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(
        context,
        args,
        reply,
        Some(By::Index),
        Some(Direction::Backward),
    )
}

fn zrangebyscore(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(
        context,
        args,
        reply,
        Some(By::Score),
        Some(Direction::Forward),
    )
}

fn zrevrangebyscore(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(
        context,
        args,
        reply,
        Some(By::Score),
        Some(Direction::Backward),
    )
}

fn zrangebylex(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(
        context,
        args,
        reply,
        Some(By::Lex),
        Some(Direction::Forward),
    )
}

fn zrevrangebylex(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(
        context,
        args,
        reply,
        Some(By::Lex),
        Some(Direction::Backward),
    )
}

fn zrangestore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (destination, source) = (context.key(args.next()?), context.key(args.next()?));
    let form = Form {
        by: None,
        direction: None,
        is_stored: true,
    };
    let selection = Selection::read(args, form)?;
    let elements = copy(&context.reading(&[source]), source, &selection)?;
    super::algebra::store(context, destination, elements, "zrangestore", reply);
    Ok(())
}

fn copy(
    context: &ReadContext<'_>,
    source: Key<'_>,
    selection: &Selection<'_>,
) -> Result<Vec<(Vec<u8>, f64)>, CommandError> {
    let Some(set) = context.get::<SortedSet>(source)? else {
        return Ok(Vec::new());
    };
    let elements = set.range(selection.ranks(set), Direction::Forward);
    Ok(elements
        .map(|(member, score)| (member.to_vec(), score))
        .collect())
}
