//! MEMORY: what memory is used for.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group, KeySpec};
use holdfast_engine::keyspace::DatabaseIndex;
use holdfast_engine::{Args, CommandError};
use holdfast_resp::Reply;

use super::{ServerHandler, no_subcommand, write_help};
use crate::allocator;
use crate::core::Core;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[MEMORY];

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run)
        .arity(Exactly(2))
        .flags(Flags::LOCAL)
}

const MEMORY: Command<ServerHandler> =
    Command::<ServerHandler>::new("memory", Group::Server, no_subcommand)
        .arity(AtLeast(2))
        .doc(
            "4.0.0",
            "Depends on the subcommand",
            "What memory is used for.",
            &[],
        )
        .subcommands(&[USAGE, STATS, DOCTOR, PURGE, MALLOC_STATS, HELP]);

const USAGE: Command<ServerHandler> = Command::<ServerHandler>::new("usage", Group::Server, usage)
    .arity(AtLeast(3))
    .flags(Flags::READONLY)
    .keys(&[KeySpec::PEEK.index(2)])
    .doc(
        "4.0.0",
        "O(N) where N is the number of nodes or table segments of the value",
        "Returns the bytes that a key and its value use.",
        &[
            Argument::key("key"),
            Argument::integer("count").token("SAMPLES").optional(),
        ],
    );

const STATS: Command<ServerHandler> =
    command("stats", stats).doc("4.0.0", "O(1)", "Returns what memory is used for.", &[]);

const DOCTOR: Command<ServerHandler> = command("doctor", doctor).doc(
    "4.0.0",
    "O(1)",
    "Returns a report on the use of memory.",
    &[],
);

const PURGE: Command<ServerHandler> =
    command("purge", purge).doc("4.0.0", "O(1)", "Frees what is waiting to be freed.", &[]);

const MALLOC_STATS: Command<ServerHandler> = command("malloc-stats", malloc_stats).doc(
    "4.0.0",
    "O(1)",
    "Returns what the allocator says of itself.",
    &[],
);

const HELP: Command<ServerHandler> = command("help", help)
    .flags(Flags::LOADING.with(Flags::STALE))
    .doc("4.0.0", "O(1)", "Explains the subcommands.", &[]);

/// Bytes below which a report on fragmentation would be about noise.
const REPORT_BYTES_MIN: usize = 5 << 20;
/// Resident over used memory, from which on a report speaks of it.
const FRAGMENTATION_MAX: f64 = 1.4;
/// The peak over used memory, from which on a report speaks of it.
const PEAK_MAX: f64 = 1.5;

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn usage(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let key = args.next()?;
    while !args.is_done() {
        if args.remaining() < 2 || !args.accept("SAMPLES") {
            return Err(CommandError::Syntax);
        }
        // Sizes are known exactly here: nothing is sampled.
        if args.next_i64()? < 0 {
            return Err(CommandError::Syntax);
        }
    }
    let key = core.keyspace.key(key);
    let reply = &mut session.out.reply;
    match core.keyspace.peek(session.database, key) {
        Some(entry) => reply.integer(signed(entry.allocated_bytes())),
        None => reply.null(),
    }
    Ok(())
}

/// What MEMORY STATS and DOCTOR speak of.
struct Picture {
    used: usize,
    peak: usize,
    resident: usize,
    at_start: usize,
    clients: usize,
    keys: usize,
}

impl Picture {
    fn of(core: &Core) -> Self {
        let databases = 0..core.keyspace.databases_count();
        let used = allocator::used_bytes();
        Self {
            used,
            peak: allocator::peak_bytes().max(used),
            resident: allocator::resident_bytes().unwrap_or(used),
            at_start: core.stats.used_at_start_bytes,
            clients: core.sessions.iter().map(|session| session.out.len()).sum(),
            keys: databases
                .map(|number| core.keyspace.len(DatabaseIndex(number)))
                .sum(),
        }
    }

    /// What no key accounts for.
    const fn overhead(&self) -> usize {
        self.at_start + self.clients
    }

    const fn dataset(&self) -> usize {
        self.used.saturating_sub(self.overhead())
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn stats(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    let picture = Picture::of(core);
    let databases: Vec<_> = (0..core.keyspace.databases_count())
        .map(DatabaseIndex)
        .filter(|&database| core.keyspace.len(database) > 0)
        .collect();
    session.out.reply.map_of(|reply| {
        let mut fields = Fields { reply, count: 0 };
        fields.bytes("peak.allocated", picture.peak);
        fields.bytes("total.allocated", picture.used);
        fields.bytes("startup.allocated", picture.at_start);
        fields.bytes("replication.backlog", 0);
        fields.bytes("clients.slaves", 0);
        fields.bytes("clients.normal", picture.clients);
        fields.bytes("cluster.links", 0);
        fields.bytes("aof.buffer", core.replication.uncommitted_bytes());
        fields.bytes("lua.caches", 0);
        fields.bytes("functions.caches", 0);
        for database in databases {
            fields.database(core, database);
        }
        write_totals(&mut fields, &picture);
        fields.count
    });
    Ok(())
}

fn write_totals(fields: &mut Fields<'_>, picture: &Picture) {
    let resident_over = picture.resident.saturating_sub(picture.used);
    fields.bytes("overhead.total", picture.overhead());
    fields.bytes("keys.count", picture.keys);
    let per_key = picture.dataset().checked_div(picture.keys).unwrap_or(0);
    fields.bytes("keys.bytes-per-key", per_key);
    fields.bytes("dataset.bytes", picture.dataset());
    let net = picture.used.saturating_sub(picture.at_start);
    fields.number("dataset.percentage", 100.0 * ratio(picture.dataset(), net));
    fields.number("peak.percentage", 100.0 * ratio(picture.used, picture.peak));
    // The allocator keeps no counts between its own and the process's pages.
    fields.bytes("allocator.allocated", picture.used);
    fields.bytes("allocator.active", picture.resident);
    fields.bytes("allocator.resident", picture.resident);
    let over = ratio(picture.resident, picture.used);
    fields.number("allocator-fragmentation.ratio", over);
    fields.bytes("allocator-fragmentation.bytes", resident_over);
    fields.number("allocator-rss.ratio", 1.0);
    fields.bytes("allocator-rss.bytes", 0);
    fields.number("rss-overhead.ratio", 1.0);
    fields.bytes("rss-overhead.bytes", 0);
    fields.number("fragmentation", over);
    fields.bytes("fragmentation.bytes", resident_over);
}

/// Writes the pairs of a map and counts them.
struct Fields<'r> {
    reply: &'r mut Reply,
    count: usize,
}

impl Fields<'_> {
    fn bytes(&mut self, name: &str, bytes: usize) {
        self.reply.bulk(name.as_bytes());
        self.reply.integer(signed(bytes));
        self.count += 1;
    }

    fn number(&mut self, name: &str, number: f64) {
        self.reply.bulk(name.as_bytes());
        self.reply.double(number);
        self.count += 1;
    }

    /// Tables hold their entries themselves: beside those there is the list of deadlines.
    fn database(&mut self, core: &Core, database: DatabaseIndex) {
        const DEADLINE_BYTES: usize = 16;
        let keys = core.keyspace.len(database);
        let volatile = core.keyspace.volatile_len(database);
        self.reply.bulk(format!("db.{}", database.0).as_bytes());
        self.count += 1;
        self.reply.map(3);
        for (name, bytes) in [
            ("overhead.hashtable.main", keys * size_of::<usize>()),
            ("overhead.hashtable.expires", volatile * DEADLINE_BYTES),
            ("overhead.hashtable.slot-to-keys", 0),
        ] {
            self.reply.bulk(name.as_bytes());
            self.reply.integer(signed(bytes));
        }
    }
}

fn doctor(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let picture = Picture::of(core);
    let mut text = String::new();
    if picture.used < REPORT_BYTES_MIN {
        text.push_str("So little memory is in use that there is nothing to report.\n");
    } else {
        if ratio(picture.peak, picture.used) > PEAK_MAX {
            text.push_str(
                "The peak was far above what is used now: the process may keep more memory from the \
                 operating system than it needs.\n",
            );
        }
        if ratio(picture.resident, picture.used) > FRAGMENTATION_MAX {
            text.push_str(
                "Resident memory is far above what is used: the allocator's pages are only partly filled.\n",
            );
        }
        if text.is_empty() {
            text.push_str("No problem was found.\n");
        }
    }
    session.out.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn purge(core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    // The allocator gives pages back by itself; what waits to be freed is handed over now.
    core.settle_effects();
    session.out.reply.ok();
    Ok(())
}

fn malloc_stats(
    _core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let text = format!(
        "mimalloc\nallocated: {}\npeak: {}\nresident: {}\n",
        allocator::used_bytes(),
        allocator::peak_bytes(),
        allocator::resident_bytes().unwrap_or(0)
    );
    session.out.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "MEMORY",
        &[
            "DOCTOR",
            "    A report on the use of memory, for people.",
            "MALLOC-STATS",
            "    What the allocator says of itself.",
            "PURGE",
            "    Frees what is waiting to be freed.",
            "STATS",
            "    What memory is used for.",
            "USAGE <key> [SAMPLES <count>]",
            "    The bytes that a key and its value use; nothing is sampled for it.",
        ],
    );
    Ok(())
}
