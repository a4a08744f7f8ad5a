//! Which keys there are: KEYS, SCAN, RANDOMKEY. Their replies depend on every key of the database,
//! also on those that are not in them.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, ArgumentKind, Categories, Command, Group};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Entry, Mode};
use crate::pattern;

/// How many keys SCAN visits if nothing is said.
const SCAN_COUNT: usize = 10;
/// How often RANDOMKEY draws before it looks for any key that has not expired.
const DRAWS_MAX: usize = 100;

pub(super) const RANDOMKEY: Command<Handler> =
    Command::read("randomkey", Group::Generic, randomkey)
        .arity(Exactly(1))
        .doc("1.0.0", "O(1)", "Returns some key of the database.", &[]);

pub(super) const KEYS: Command<Handler> = Command::read("keys", Group::Generic, keys)
    .arity(Exactly(2))
    .categories(Categories::DANGEROUS)
    .doc(
        "1.0.0",
        "O(N) where N is the number of keys in the database",
        "Returns all keys that match a pattern.",
        &[Argument::new("pattern", ArgumentKind::Pattern)],
    );

pub(super) const SCAN: Command<Handler> = Command::read("scan", Group::Generic, scan)
    .arity(AtLeast(2))
    .doc(
        "2.8.0",
        "O(1) for each call, O(N) for a whole walk, where N is the number of keys in the database",
        "Returns some keys of the database, and the cursor to go on with.",
        &[
            Argument::integer("cursor"),
            Argument::new("pattern", ArgumentKind::Pattern)
                .token("MATCH")
                .optional(),
            Argument::integer("count").token("COUNT").optional(),
            Argument::string("type").token("TYPE").optional(),
        ],
    );

/// Whether a client may see the key; one whose time has come is removed after the command.
fn is_visible(context: &ReadContext<'_>, entry: &Entry) -> bool {
    let is_expired = context.keyspace.mode() == Mode::Execute && entry.is_expired(context.now_ms());
    if is_expired {
        context
            .keyspace
            .peek(context.database, context.key(entry.key()));
    }
    !is_expired
}

fn randomkey(
    context: &ReadContext<'_>,
    _args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    context.keyspace.observe_all();
    let draw = |_| context.keyspace.random_entry(context.database);
    let drawn = (0..DRAWS_MAX)
        .map_while(draw)
        .find(|entry| is_visible(context, entry));
    let any = || {
        let mut entries = context.keyspace.iter(context.database);
        entries.find(|entry| is_visible(context, entry))
    };
    reply.bulk_or_null(drawn.or_else(any).map(Entry::key));
    Ok(())
}

fn keys(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let pattern = args.next()?;
    context.keyspace.observe_all();
    reply.array_of(|reply| {
        let mut count = 0;
        for entry in context.keyspace.iter(context.database) {
            if pattern::matches(pattern, entry.key()) && is_visible(context, entry) {
                reply.bulk(entry.key());
                count += 1;
            }
        }
        count
    });
    Ok(())
}

/// What SCAN was asked for.
#[derive(Clone, Copy, Debug)]
struct ScanOptions<'a> {
    cursor: u64,
    count: usize,
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
}

impl<'a> ScanOptions<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let cursor = std::str::from_utf8(args.next()?)
            .ok()
            .and_then(|text| text.parse().ok());
        let mut options = Self {
            cursor: cursor.ok_or(CommandError::InvalidCursor)?,
            count: SCAN_COUNT,
            pattern: None,
            type_name: None,
        };
        while !args.is_done() {
            if args.accept("COUNT") {
                let count = usize::try_from(args.next_i64()?)
                    .ok()
                    .filter(|&count| count > 0);
                options.count = count.ok_or(CommandError::Syntax)?;
            } else if args.accept("MATCH") {
                options.pattern = Some(args.next()?);
            } else if args.accept("TYPE") {
                options.type_name = Some(args.next()?);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    fn selects(&self, entry: &Entry) -> bool {
        self.pattern
            .is_none_or(|pattern| pattern::matches(pattern, entry.key()))
            && self
                .type_name
                .is_none_or(|name| name.eq_ignore_ascii_case(entry.value().type_name().as_bytes()))
    }
}

fn scan(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let options = ScanOptions::read(args)?;
    context.keyspace.observe_all();
    // The cursor stands before the keys, and is known after them.
    let mut keys = Reply::new(reply.protocol());
    let mut count = 0;
    let next = context.keyspace.scan(
        context.database,
        options.cursor,
        options.count,
        &mut |entry| {
            if options.selects(entry) && is_visible(context, entry) {
                keys.bulk(entry.key());
                count += 1;
            }
        },
    );
    reply.array(2);
    reply.bulk_display(next.unwrap_or(0));
    reply.array(count);
    reply.raw(keys.as_slice());
    Ok(())
}
