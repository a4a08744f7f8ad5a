//! Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Categories, Command, Group};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::DatabaseIndex;
use crate::number;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[DBSIZE, FLUSHDB, FLUSHALL, SWAPDB];

const DBSIZE: Command<Handler> = Command::read("dbsize", Group::Server, dbsize)
    .arity(Exactly(1))
    .categories(Categories::KEYSPACE)
    .fast()
    .doc(
        "1.0.0",
        "O(1)",
        "Returns how many keys the database has.",
        &[],
    );

const FLUSHDB: Command<Handler> = Command::write("flushdb", Group::Server, flushdb)
    .arity(AtLeast(1))
    .categories(Categories::KEYSPACE.with(Categories::DANGEROUS))
    .doc(
        "1.0.0",
        "O(1); the memory is freed on another thread",
        "Removes every key of the database.",
        FLUSH_ARGUMENTS,
    );

const FLUSHALL: Command<Handler> = Command::write("flushall", Group::Server, flushall)
    .arity(AtLeast(1))
    .categories(Categories::KEYSPACE.with(Categories::DANGEROUS))
    .doc(
        "1.0.0",
        "O(N) where N is the number of databases; the memory is freed on another thread",
        "Removes every key of every database.",
        FLUSH_ARGUMENTS,
    );

const FLUSH_ARGUMENTS: &[Argument] = &[Argument::one_of(
    "async",
    &[
        Argument::word("async", "ASYNC"),
        Argument::word("sync", "SYNC"),
    ],
)
.optional()];

const SWAPDB: Command<Handler> = Command::write("swapdb", Group::Server, swapdb)
    .arity(Exactly(3))
    .categories(Categories::KEYSPACE.with(Categories::DANGEROUS))
    .fast()
    .doc(
        "4.0.0",
        "O(N) where N is the number of keys that sessions watch or wait for",
        "Exchanges the contents of two databases.",
        &[Argument::integer("index1"), Argument::integer("index2")],
    );

fn dbsize(
    context: &ReadContext<'_>,
    _args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    context.keyspace.observe_all();
    reply.integer(i64::try_from(context.keyspace.len(context.database)).unwrap_or(i64::MAX));
    Ok(())
}

fn flushdb(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    read_mode(args)?;
    if context.keyspace.len(context.database) > 0 {
        context.keyspace.flush(context.database);
    }
    // Logged even if there was nothing, as Redis propagates it: who follows may hold something else.
    context.log(&[b"FLUSHDB"]);
    context.keyspace.observe_all();
    reply.ok();
    Ok(())
}

fn flushall(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    read_mode(args)?;
    for number in 0..context.keyspace.databases_count() {
        let database = DatabaseIndex(number);
        if context.keyspace.len(database) > 0 {
            context.keyspace.flush(database);
        }
    }
    context.log(&[b"FLUSHALL"]);
    context.keyspace.observe_all();
    reply.ok();
    Ok(())
}

/// Reads `ASYNC` or `SYNC`, which are the same here: memory is always freed on another thread.
fn read_mode(args: &mut Args<'_>) -> Result<(), CommandError> {
    if !args.accept("ASYNC") {
        args.accept("SYNC");
    }
    args.finish()
}

fn swapdb(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let read = |text: &[u8]| number::parse_i64(text).and_then(|number| i32::try_from(number).ok());
    let one = read(args.next()?).ok_or(CommandError::InvalidFirstDatabase)?;
    let other = read(args.next()?).ok_or(CommandError::InvalidSecondDatabase)?;
    let existing = |number: i32| {
        let number = u32::try_from(number).ok();
        let number = number.filter(|&number| number < context.keyspace.databases_count());
        number
            .map(DatabaseIndex)
            .ok_or(CommandError::DatabaseOutOfRange)
    };
    let (one, other) = (existing(one)?, existing(other)?);
    if one != other {
        context.keyspace.swap(one, other);
        context.log_as_given();
    }
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Harness;
    use crate::keyspace::DatabaseIndex;

    #[test]
    fn databases_are_emptied_and_exchanged() {
        let mut harness = Harness::new();
        harness.expect(&[
            ("MSET a 1 b 2", "+OK"),
            ("DBSIZE", ":2"),
            ("SWAPDB 0 3", "+OK"),
            ("DBSIZE", ":0"),
            ("FLUSHDB", "+OK"),
        ]);
        assert_eq!(harness.logged, "FLUSHDB", "as Redis propagates it");
        harness.database = DatabaseIndex(3);
        harness.expect(&[
            ("DBSIZE", ":2"),
            ("GET a", "$1|1"),
            ("FLUSHDB ASYNC", "+OK"),
            ("DBSIZE", ":0"),
            ("SET a 1", "+OK"),
        ]);
        harness.database = DatabaseIndex(0);
        harness.expect(&[
            ("FLUSHALL SYNC", "+OK"),
            ("SWAPDB 0 3", "+OK"),
            ("DBSIZE", ":0"),
            ("FLUSHALL foo", "-ERR syntax error"),
            ("FLUSHDB ASYNC SYNC", "-ERR syntax error"),
            ("SWAPDB x 1", "-ERR invalid first DB index"),
            ("SWAPDB 1 x", "-ERR invalid second DB index"),
            ("SWAPDB 0 16", "-ERR DB index is out of range"),
            ("SWAPDB -1 0", "-ERR DB index is out of range"),
        ]);
    }
}
