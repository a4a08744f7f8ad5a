//! SORT: the elements of a list, set or sorted set in an order, and what other keys know of them.
//!
//! With STORE the log gets the outcome (DEL and RPUSH): the order of a set's elements, the keys that
//! a pattern names and the collation are this node's own matter (RULES.md 11).

use holdfast_formats::Element;
use holdfast_resp::Reply;

use super::sort_options::SortOptions;
use super::sort_patterns::Pattern;
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Categories, Command, Flags, Group, KeySpec};
use crate::context::{Caller, ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::value::{Collection, ValueRef};
use crate::values::direction::Direction;
use crate::values::list::{End, ListValue};

const CATEGORIES: Categories = Categories::SET
    .with(Categories::SORTED_SET)
    .with(Categories::LIST)
    .with(Categories::DANGEROUS);

pub(super) const SORT: Command<Handler> = Command::write("sort", Group::Generic, sort)
    .arity(AtLeast(2))
    .flags(Flags::DENY_OOM)
    .categories(CATEGORIES)
    .keys(&[KeySpec::READ, KeySpec::READ.unknown(), KeySpec::OVERWRITE.unknown()])
    .doc(
        "1.0.0",
        COMPLEXITY,
        "Sorts a list, a set or a sorted set; returns or stores the elements, or what keys know of them.",
        &[
            Argument::key("key"),
            BY,
            LIMIT,
            GET,
            ORDER,
            ALPHA,
            Argument::new("destination", ArgumentKind::Key(2)).token("STORE").optional(),
        ],
    );

pub(super) const SORT_RO: Command<Handler> = Command::read("sort_ro", Group::Generic, sort_ro)
    .arity(AtLeast(2))
    .categories(CATEGORIES)
    .keys(&[KeySpec::READ, KeySpec::READ.unknown()])
    .doc(
        "7.0.0",
        COMPLEXITY,
        "Sorts a list, a set or a sorted set; returns the elements, or what keys know of them.",
        &[Argument::key("key"), BY, LIMIT, GET, ORDER, ALPHA],
    );

const COMPLEXITY: &str =
    "O(N+M*log(M)) where N is the number of elements and M the number of those returned";
const BY: Argument = Argument::new("pattern", ArgumentKind::Pattern)
    .token("BY")
    .optional();
const LIMIT: Argument = Argument::block(
    "offset_count",
    &[Argument::integer("offset"), Argument::integer("count")],
)
.token("LIMIT")
.optional();
const GET: Argument = Argument {
    multiple: true,
    multiple_token: true,
    ..Argument::new("pattern", ArgumentKind::Pattern)
        .token("GET")
        .optional()
};
const ORDER: Argument = Argument::one_of(
    "order",
    &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")],
)
.optional();
const ALPHA: Argument = Argument::word("sorting", "ALPHA").optional();

/// What is returned for the elements, in order; `None` where a key does not know.
type Output = Vec<Option<Vec<u8>>>;

fn sort(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let options = SortOptions::read(args)?;
    let output = sorted(&context.reading(&[key]), key, &options)?;
    match options.store {
        None => reply_output(&output, reply),
        Some(target) => {
            let target = context.key(target);
            reply.integer(i64::try_from(output.len()).unwrap_or(i64::MAX));
            store(context, target, output);
        }
    }
    Ok(())
}

fn sort_ro(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let options = SortOptions::read(args)?;
    if options.store.is_some() {
        return Err(CommandError::Syntax);
    }
    reply_output(&sorted(context, key, &options)?, reply);
    Ok(())
}

fn reply_output(output: &Output, reply: &mut Reply) {
    reply.array(output.len());
    for item in output {
        reply.bulk_or_null(item.as_deref());
    }
}

fn store(context: &mut WriteContext<'_>, target: Key<'_>, output: Output) {
    let was_there = context.exists(target);
    if was_there {
        context.log(&[b"DEL", target.bytes]);
    }
    if output.is_empty() {
        if was_there {
            context.remove(target);
            context.changed(target, NotifyClasses::GENERIC, "del");
        }
        return;
    }
    let mut list = ListValue::empty();
    let encodings = context.encodings();
    let mut effect: Vec<&[u8]> = vec![b"RPUSH", target.bytes];
    for item in &output {
        let item = item.as_deref().unwrap_or_default();
        list.push(End::Back, item, &encodings);
        effect.push(item);
    }
    context.put(target, list.into_value(), Expiry::Never);
    context.log(&effect);
    context.changed(target, NotifyClasses::LIST, "sortstore");
}

/// Sorts, cuts and looks up.
fn sorted(
    context: &ReadContext<'_>,
    key: Key<'_>,
    options: &SortOptions<'_>,
) -> Result<Output, CommandError> {
    let value = context.value(key);
    let order = Order::of(value, options, context.caller);
    let mut elements = elements_of(value, order, options)?;
    match order {
        Order::AsStored => {}
        Order::ByText => sort_by_text(context, &mut elements, options),
        Order::ByNumber => sort_by_number(context, &mut elements, options)?,
    }
    let range = options.range(elements.len());
    let chosen = elements.drain(range);
    if options.get.is_empty() {
        return Ok(chosen.map(Some).collect());
    }
    Ok(chosen
        .flat_map(|element| {
            let patterns = options.get.iter();
            patterns.map(move |pattern| Pattern::new(pattern).look_up(context, &element))
        })
        .collect())
}

/// How elements are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    AsStored,
    ByText,
    ByNumber,
}

impl Order {
    fn of(value: Option<ValueRef<'_>>, options: &SortOptions<'_>, caller: Caller) -> Self {
        let is_unordered = matches!(value, Some(ValueRef::Set(_)));
        if options.is_as_stored() {
            // What is stored has to be the same wherever the command runs.
            if is_unordered && (options.store.is_some() || caller.in_script) {
                Self::ByText
            } else {
                Self::AsStored
            }
        } else if options.by_text {
            Self::ByText
        } else {
            Self::ByNumber
        }
    }
}

fn elements_of(
    value: Option<ValueRef<'_>>,
    order: Order,
    options: &SortOptions<'_>,
) -> Result<Vec<Vec<u8>>, CommandError> {
    Ok(match value {
        None => Vec::new(),
        Some(ValueRef::List(list)) => list.iter().map(Element::to_vec).collect(),
        Some(ValueRef::Set(set)) => set.iter().map(Element::to_vec).collect(),
        Some(ValueRef::SortedSet(set)) => {
            let is_reversed = order == Order::AsStored && options.descending;
            let direction = if is_reversed {
                Direction::Backward
            } else {
                Direction::Forward
            };
            let members = set.range(0..set.len(), direction);
            members.map(|(member, _)| member.to_vec()).collect()
        }
        Some(ValueRef::String(_) | ValueRef::Hash(_) | ValueRef::Stream(_)) => {
            return Err(CommandError::WrongType);
        }
    })
}

/// What an element is sorted by: what a key knows of it, or itself.
fn weight(context: &ReadContext<'_>, element: &[u8], options: &SortOptions<'_>) -> Option<Vec<u8>> {
    match options.by.filter(|_| !options.is_as_stored()) {
        Some(pattern) => Pattern::new(pattern).look_up(context, element),
        None => Some(element.to_vec()),
    }
}

fn sort_by_text(context: &ReadContext<'_>, elements: &mut Vec<Vec<u8>>, options: &SortOptions<'_>) {
    let mut weighed: Vec<_> = elements
        .drain(..)
        .map(|element| (weight(context, &element, options), element))
        .collect();
    weighed.sort_by(|one, other| options.directed(one.0.cmp(&other.0)));
    elements.extend(weighed.into_iter().map(|(_, element)| element));
}

fn sort_by_number(
    context: &ReadContext<'_>,
    elements: &mut Vec<Vec<u8>>,
    options: &SortOptions<'_>,
) -> Result<(), CommandError> {
    let mut weighed = Vec::with_capacity(elements.len());
    for element in elements.drain(..) {
        let score = match weight(context, &element, options) {
            Some(text) => score_of(&text).ok_or(CommandError::SortScores)?,
            None => 0.0,
        };
        weighed.push((score, element));
    }
    weighed.sort_by(|one, other| {
        let by_score = one.0.partial_cmp(&other.0).expect("scores are not NaN");
        options.directed(by_score.then_with(|| one.1.cmp(&other.1)))
    });
    elements.extend(weighed.into_iter().map(|(_, element)| element));
    Ok(())
}

/// Reads a score. Unlike everywhere else blanks may stand before it, and no text at all is zero.
fn score_of(text: &[u8]) -> Option<f64> {
    if text.is_empty() {
        return Some(0.0);
    }
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0b';
    let start = text.iter().position(|byte| !is_blank(byte))?;
    crate::number::parse_f64(&text[start..])
}
