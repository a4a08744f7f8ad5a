//! Members at random: SRANDMEMBER, SPOP.

use std::collections::BTreeSet;

use holdfast_formats::Element;
use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group, KeySpec};
use crate::commands::choose::{self, Wanted};
use crate::commands::element::write_element;
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::values::set::SetValue;

const KEY_AND_COUNT: &[Argument] = &[Argument::key("key"), Argument::integer("count").optional()];
/// Members named in one effect of SPOP.
const MEMBERS_PER_EFFECT: usize = 1024;

pub(super) const SRANDMEMBER: Command<Handler> =
    Command::read("srandmember", Group::Set, srandmember)
        .arity(AtLeast(2))
        .keys(&[KeySpec::READ])
        .doc(
            "1.0.0",
            "O(N) in the members returned",
            "Returns members at random.",
            KEY_AND_COUNT,
        );

pub(super) const SPOP: Command<Handler> = Command::write("spop", Group::Set, spop)
    .arity(AtLeast(2))
    .keys(&[KeySpec::TAKE])
    .fast()
    .doc(
        "1.0.0",
        "O(N) in the members returned",
        "Takes members out at random.",
        KEY_AND_COUNT,
    );

fn srandmember(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let random = &mut || context.keyspace.random();
    if args.is_done() {
        let set = context.get::<SetValue>(key)?;
        match set.and_then(|set| set.random(random)) {
            Some(member) => write_element(reply, member),
            None => reply.null(),
        }
        return Ok(());
    }
    let count = args.next_i64()?;
    args.finish()?;
    let wanted = Wanted::from_count(count)?;
    let Some(set) = context.get::<SetValue>(key)? else {
        reply.array(0);
        return Ok(());
    };
    match wanted {
        Wanted::Distinct(count) => {
            let members = distinct(set, count, random);
            reply.array(members.len());
            members
                .into_iter()
                .for_each(|member| write_element(reply, member));
        }
        Wanted::Draws(count) => {
            reply.array(count);
            for _ in 0..count {
                if let Some(member) = set.random(random) {
                    write_element(reply, member);
                }
            }
        }
    }
    Ok(())
}

/// So many different members, or all.
fn distinct<'a>(
    set: &'a SetValue,
    count: usize,
    random: &mut dyn FnMut() -> u64,
) -> Vec<Element<'a>> {
    /// Up to this share of the members, drawing until they differ is cheaper than copying all.
    const SHARE: usize = 3;
    if count >= set.len() {
        return set.iter().collect();
    }
    if count.saturating_mul(SHARE) > set.len() || set.as_intset().is_some() {
        return choose::distinct(set.iter().collect(), count, random);
    }
    let mut chosen = Vec::with_capacity(count);
    let mut texts = BTreeSet::new();
    while chosen.len() < count {
        let Some(member) = set.random(random) else {
            break;
        };
        if texts.insert(member.to_vec()) {
            chosen.push(member);
        }
    }
    chosen
}

fn spop(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let count = if args.is_done() {
        None
    } else {
        Some(args.next_i64()?)
    };
    args.finish()?;
    let count = count
        .map(|count| usize::try_from(count).map_err(|_| CommandError::NotPositive))
        .transpose()?;
    let chosen: Vec<Vec<u8>> = {
        let reading = context.reading(&[key]);
        let random = &mut || reading.keyspace.random();
        let set = reading.get::<SetValue>(key)?;
        set.map(|set| distinct(set, count.unwrap_or(1), random))
            .unwrap_or_default()
    }
    .into_iter()
    .map(Element::to_vec)
    .collect();
    if !chosen.is_empty() {
        take(context, key, &chosen)?;
    }
    match (count, chosen.as_slice()) {
        (None, [member, ..]) => reply.bulk(member),
        (None, []) => reply.null(),
        (Some(_), members) => {
            reply.set(members.len());
            members.iter().for_each(|member| reply.bulk(member));
        }
    }
    Ok(())
}

/// Takes these members out; chance has chosen them, so the effects name them.
fn take(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    members: &[Vec<u8>],
) -> Result<(), CommandError> {
    if let Some(set) = context.get_mut::<SetValue>(key)? {
        if set.len() == members.len() {
            context.remove(key);
            context.changed(key, NotifyClasses::SET, "spop");
            context.changed(key, NotifyClasses::GENERIC, "del");
            context.log(&[b"DEL", key.bytes]);
            return Ok(());
        }
        for member in members {
            set.remove(member);
        }
    }
    context.changed(key, NotifyClasses::SET, "spop");
    for piece in members.chunks(MEMBERS_PER_EFFECT) {
        let mut effect: Vec<&[u8]> = vec![b"SREM", key.bytes];
        effect.extend(piece.iter().map(Vec::as_slice));
        context.log(&effect);
    }
    Ok(())
}
