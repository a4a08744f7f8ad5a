//! Intersection, union and difference of sets.

use holdfast_formats::Element;
use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::commands::element::write_element;
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::value::Collection;
use crate::values::encodings::Encodings;
use crate::values::set::SetValue;

const KEYS: &[Argument] = &[Argument::key("key").multiple()];
const STORE: &[Argument] = &[
    Argument::key("destination"),
    Argument::new("key", crate::command::ArgumentKind::Key(1)).multiple(),
];
const READ_ALL: &[KeySpec] = &[KeySpec::READ.range(-1, 1)];
const STORE_KEYS: &[KeySpec] = &[KeySpec::OVERWRITE, KeySpec::READ.index(2).range(-1, 1)];

pub(super) const SINTER: Command<Handler> = Command::read("sinter", Group::Set, sinter)
    .arity(AtLeast(2))
    .keys(READ_ALL)
    .doc(
        "1.0.0",
        "O(N*M) in the smallest set and the number of sets",
        "Returns what all of the sets have.",
        KEYS,
    );

pub(super) const SINTERSTORE: Command<Handler> =
    Command::write("sinterstore", Group::Set, sinterstore)
        .arity(AtLeast(3))
        .flags(Flags::DENY_OOM)
        .keys(STORE_KEYS)
        .doc(
            "1.0.0",
            "O(N*M) in the smallest set and the number of sets",
            "Stores what all of the sets have.",
            STORE,
        );

pub(super) const SINTERCARD: Command<Handler> = Command::read("sintercard", Group::Set, sintercard)
    .arity(AtLeast(3))
    .keys(&[KeySpec::READ.counted()])
    .doc(
        "7.0.0",
        "O(N*M) in the smallest set and the number of sets",
        "Counts what all of the sets have.",
        &[
            Argument::integer("numkeys"),
            Argument::key("key").multiple(),
            Argument::integer("limit").token("LIMIT").optional(),
        ],
    );

pub(super) const SUNION: Command<Handler> = Command::read("sunion", Group::Set, sunion)
    .arity(AtLeast(2))
    .keys(READ_ALL)
    .doc(
        "1.0.0",
        "O(N) in all members",
        "Returns what any of the sets has.",
        KEYS,
    );

pub(super) const SUNIONSTORE: Command<Handler> =
    Command::write("sunionstore", Group::Set, sunionstore)
        .arity(AtLeast(3))
        .flags(Flags::DENY_OOM)
        .keys(STORE_KEYS)
        .doc(
            "1.0.0",
            "O(N) in all members",
            "Stores what any of the sets has.",
            STORE,
        );

pub(super) const SDIFF: Command<Handler> = Command::read("sdiff", Group::Set, sdiff)
    .arity(AtLeast(2))
    .keys(READ_ALL)
    .doc(
        "1.0.0",
        "O(N) in all members",
        "Returns what only the first set has.",
        KEYS,
    );

pub(super) const SDIFFSTORE: Command<Handler> =
    Command::write("sdiffstore", Group::Set, sdiffstore)
        .arity(AtLeast(3))
        .flags(Flags::DENY_OOM)
        .keys(STORE_KEYS)
        .doc(
            "1.0.0",
            "O(N) in all members",
            "Stores what only the first set has.",
            STORE,
        );

/// What is made of several sets.
#[derive(Clone, Copy)]
enum Algebra {
    Intersection,
    Union,
    Difference,
}

type Sets<'a> = Vec<Option<&'a SetValue>>;

fn sets<'a>(context: &ReadContext<'a>, keys: &[Key<'_>]) -> Result<Sets<'a>, CommandError> {
    keys.iter()
        .map(|&key| context.get::<SetValue>(key))
        .collect()
}

/// Visits what all sets have, until `visit` wants no more.
fn intersect<'a>(sets: &Sets<'a>, visit: &mut dyn FnMut(Element<'a>) -> bool) {
    let Some(mut present) = sets.iter().copied().collect::<Option<Vec<&SetValue>>>() else {
        return; // one of them is empty
    };
    present.sort_by_key(|set| set.len());
    let Some((smallest, others)) = present.split_first() else {
        return;
    };
    let mut text = holdfast_formats::DecimalBuffer::new();
    for member in smallest.iter() {
        let bytes = member.to_bytes(&mut text);
        if others.iter().all(|set| set.contains(bytes)) && !visit(member) {
            return;
        }
    }
}

fn subtract<'a>(sets: &Sets<'a>, visit: &mut dyn FnMut(Element<'a>)) {
    let Some((Some(first), others)) = sets.split_first() else {
        return;
    };
    let mut text = holdfast_formats::DecimalBuffer::new();
    for member in first.iter() {
        let bytes = member.to_bytes(&mut text);
        if !others.iter().flatten().any(|set| set.contains(bytes)) {
            visit(member);
        }
    }
}

fn unite(sets: &Sets<'_>, encodings: &Encodings) -> SetValue {
    let mut all = SetValue::new();
    let mut text = holdfast_formats::DecimalBuffer::new();
    for member in sets.iter().flatten().flat_map(|set| set.iter()) {
        all.add(member.to_bytes(&mut text), encodings);
    }
    all
}

impl Algebra {
    fn to_set(self, sets: &Sets<'_>, encodings: &Encodings) -> SetValue {
        let mut result = SetValue::new();
        let mut text = holdfast_formats::DecimalBuffer::new();
        let mut add = |member: Element<'_>| {
            result.add(member.to_bytes(&mut text), encodings);
        };
        match self {
            Self::Intersection => intersect(sets, &mut |member| {
                add(member);
                true
            }),
            Self::Difference => subtract(sets, &mut add),
            Self::Union => return unite(sets, encodings),
        }
        result
    }

    fn answer(
        self,
        context: &ReadContext<'_>,
        args: &mut Args<'_>,
        reply: &mut Reply,
    ) -> Result<(), CommandError> {
        let keys: Vec<Key<'_>> = args
            .take_rest()
            .iter()
            .map(|key| context.key(key))
            .collect();
        let sets = sets(context, &keys)?;
        match self {
            Self::Intersection => reply.set_of(|reply| {
                let mut count = 0;
                intersect(&sets, &mut |member| {
                    write_element(reply, member);
                    count += 1;
                    true
                });
                count
            }),
            Self::Difference => reply.set_of(|reply| {
                let mut count = 0;
                subtract(&sets, &mut |member| {
                    write_element(reply, member);
                    count += 1;
                });
                count
            }),
            Self::Union => {
                let all = unite(&sets, &context.keyspace.encodings);
                reply.set(all.len());
                all.iter().for_each(|member| write_element(reply, member));
                all.len()
            }
        };
        Ok(())
    }

    fn store(
        self,
        context: &mut WriteContext<'_>,
        args: &mut Args<'_>,
        reply: &mut Reply,
        event: &'static str,
    ) -> Result<(), CommandError> {
        let destination = context.key(args.next()?);
        let keys: Vec<Key<'_>> = args
            .take_rest()
            .iter()
            .map(|key| context.key(key))
            .collect();
        let encodings = context.encodings();
        let result = self.to_set(&sets(&context.reading(&keys), &keys)?, &encodings);
        let count = result.len();
        if count > 0 {
            context.put(destination, result.into_value(), Expiry::Never);
            context.changed(destination, NotifyClasses::SET, event);
            context.log_as_given();
        } else if context.remove(destination) {
            context.changed(destination, NotifyClasses::GENERIC, "del");
            context.log_as_given();
        }
        reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(())
    }
}

fn sinter(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Intersection.answer(context, args, reply)
}

fn sunion(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Union.answer(context, args, reply)
}

fn sdiff(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Difference.answer(context, args, reply)
}

fn sinterstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Intersection.store(context, args, reply, "sinterstore")
}

fn sunionstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Union.store(context, args, reply, "sunionstore")
}

fn sdiffstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    Algebra::Difference.store(context, args, reply, "sdiffstore")
}

fn sintercard(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let count = args
        .next_i64()
        .ok()
        .filter(|&count| count > 0)
        .ok_or(CommandError::NumkeysNotPositive)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > args.remaining() {
        return Err(CommandError::NumkeysTooLarge);
    }
    let keys: Vec<Key<'_>> = args
        .take(count)?
        .iter()
        .map(|key| context.key(key))
        .collect();
    let mut limit = 0;
    while !args.is_done() {
        if args.remaining() < 2 || !args.accept("LIMIT") {
            return Err(CommandError::Syntax);
        }
        let wanted = args.next_i64().map_err(|_| CommandError::LimitNegative)?;
        limit = usize::try_from(wanted).map_err(|_| CommandError::LimitNegative)?;
    }
    let sets = sets(context, &keys)?;
    let mut found = 0;
    intersect(&sets, &mut |_| {
        found += 1;
        found != limit
    });
    reply.integer(i64::try_from(found).unwrap_or(i64::MAX));
    Ok(())
}
