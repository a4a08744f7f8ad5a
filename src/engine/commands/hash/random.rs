//! HRANDFIELD.

use std::collections::BTreeSet;

use holdfast_formats::Element;
use holdfast_resp::{Protocol, Reply};

use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group, KeySpec};
use crate::commands::choose::{self, Wanted};
use crate::commands::element::write_element;
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::hash::HashValue;

pub(super) const HRANDFIELD: Command<Handler> =
    Command::read("hrandfield", Group::Hash, hrandfield)
        .arity(AtLeast(2))
        .keys(&[KeySpec::READ])
        .doc(
            "6.2.0",
            "O(N) in the number of fields returned",
            "Returns fields at random.",
            &[
                Argument::key("key"),
                Argument::block(
                    "options",
                    &[
                        Argument::integer("count"),
                        Argument::word("withvalues", "WITHVALUES").optional(),
                    ],
                )
                .optional(),
            ],
        );

type Pair<'a> = (Element<'a>, Element<'a>);

fn hrandfield(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let random = &mut || context.keyspace.random();
    if args.is_done() {
        let hash = context.get::<HashValue>(key)?;
        match hash.and_then(|hash| hash.random(random)) {
            Some((field, _)) => write_element(reply, field),
            None => reply.null(),
        }
        return Ok(());
    }
    let count = args.next_i64()?;
    let with_values = args.accept("WITHVALUES");
    args.finish()?;
    let too_many = with_values && count.unsigned_abs() > i64::MAX.unsigned_abs() / 4;
    if too_many {
        return Err(CommandError::OutOfRange);
    }
    let wanted = Wanted::from_count(count)?;
    let Some(hash) = context.get::<HashValue>(key)? else {
        reply.array(0);
        return Ok(());
    };
    match wanted {
        Wanted::Distinct(count) => write_pairs(reply, &distinct(hash, count, random), with_values),
        Wanted::Draws(count) => draw(hash, count, with_values, random, reply),
    }
    Ok(())
}

fn distinct<'a>(
    hash: &'a HashValue,
    count: usize,
    random: &mut dyn FnMut() -> u64,
) -> Vec<Pair<'a>> {
    /// Up to this share of the fields, drawing until they differ is cheaper than copying all.
    const SHARE: usize = 3;
    if count >= hash.len() {
        return hash.iter().collect();
    }
    if count * SHARE > hash.len() || hash.as_listpack().is_some() {
        return choose::distinct(hash.iter().collect(), count, random);
    }
    let mut chosen = Vec::with_capacity(count);
    let mut names = BTreeSet::new();
    while chosen.len() < count {
        let Some((field, value)) = hash.random(random) else {
            break;
        };
        if names.insert(field.to_vec()) {
            chosen.push((field, value));
        }
    }
    chosen
}

fn write_pairs(reply: &mut Reply, pairs: &[Pair<'_>], with_values: bool) {
    write_header(reply, pairs.len(), with_values);
    for &pair in pairs {
        write_pair(reply, pair, with_values);
    }
}

fn write_header(reply: &mut Reply, count: usize, with_values: bool) {
    let is_flat = with_values && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { count * 2 } else { count });
}

fn write_pair(reply: &mut Reply, (field, value): Pair<'_>, with_values: bool) {
    if with_values && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    write_element(reply, field);
    if with_values {
        write_element(reply, value);
    }
}

fn draw(
    hash: &HashValue,
    count: usize,
    with_values: bool,
    random: &mut dyn FnMut() -> u64,
    reply: &mut Reply,
) {
    write_header(reply, count, with_values);
    for _ in 0..count {
        if let Some(pair) = hash.random(random) {
            write_pair(reply, pair, with_values);
        }
    }
}
