//! DUMP and RESTORE: one value as bytes that any Redis can read.

use holdfast_formats::rdb::{self, Compression, DumpWriter, RestoreError};
use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::{AtLeast, Exactly};
use crate::command::{Argument, Categories, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::{Expiry, Key, Mode};
use crate::notify::NotifyClasses;
use crate::number::{self, DecimalBuffer};
use crate::saved::{self, ValueBuilder};
use crate::value::Value;

pub(super) const DUMP: Command<Handler> = Command::read("dump", Group::Generic, dump)
    .arity(Exactly(2))
    .keys(&[KeySpec::READ])
    .doc(
        "2.6.0",
        "O(N) where N is the size of the value",
        "Returns a value in the form that RESTORE takes.",
        &[Argument::key("key")],
    );

pub(super) const RESTORE: Command<Handler> = Command::write("restore", Group::Generic, restore)
    .arity(AtLeast(4))
    .flags(Flags::DENY_OOM)
    .categories(Categories::DANGEROUS)
    .keys(&[KeySpec::OVERWRITE])
    .doc(
        "2.6.0",
        "O(N) where N is the size of the value, O(N*log(N)) for sorted sets",
        "Puts a value that DUMP has returned.",
        &[
            Argument::key("key"),
            Argument::integer("ttl"),
            Argument::string("serialized-value"),
            Argument::word("replace", "REPLACE").optional(),
            Argument::word("absttl", "ABSTTL").optional(),
            Argument::integer("seconds").token("IDLETIME").optional(),
            Argument::integer("frequency").token("FREQ").optional(),
        ],
    );

fn dump(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    match context.value(context.key(args.next()?)) {
        None => reply.null(),
        Some(value) => {
            let mut writer = DumpWriter::new(Compression::Lzf);
            saved::write_value(value, writer.value()).expect("writing to memory does not fail");
            reply.bulk(&writer.finish());
        }
    }
    Ok(())
}

/// How the key was used where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Unsaid,
    IdleSeconds(u32),
    Frequency(u8),
}

#[derive(Clone, Copy, Debug)]
struct Options {
    replaces: bool,
    is_absolute: bool,
    usage: Use,
}

impl Options {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self {
            replaces: false,
            is_absolute: false,
            usage: Use::Unsaid,
        };
        while !args.is_done() {
            if args.accept("REPLACE") {
                options.replaces = true;
            } else if args.accept("ABSTTL") {
                options.is_absolute = true;
            } else if !matches!(options.usage, Use::Frequency(_)) && args.accept("IDLETIME") {
                let seconds = args.next_i64()?;
                let seconds = u64::try_from(seconds).map_err(|_| CommandError::InvalidIdleTime)?;
                options.usage = Use::IdleSeconds(u32::try_from(seconds).unwrap_or(u32::MAX));
            } else if !matches!(options.usage, Use::IdleSeconds(_)) && args.accept("FREQ") {
                let frequency = u8::try_from(args.next_i64()?);
                options.usage =
                    Use::Frequency(frequency.map_err(|_| CommandError::InvalidFrequency)?);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

fn restore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (key, ttl, payload) = (context.key(args.next()?), args.next()?, args.next()?);
    let options = Options::read(args)?;
    let is_there = context.exists(key);
    if is_there && !options.replaces {
        return Err(CommandError::BusyKey);
    }
    let ttl = number::parse_i64(ttl).ok_or(CommandError::NotAnInteger)?;
    let deadline = match u64::try_from(ttl) {
        Err(_) => return Err(CommandError::InvalidTtl),
        Ok(0) => None,
        Ok(_) if options.is_absolute => Some(ttl),
        Ok(_) => Some(ttl.saturating_add(context.now_ms())),
    };
    let value = read_payload(context, payload)?;
    let is_past = deadline.is_some_and(|deadline| deadline <= context.now_ms());
    if is_past && context.keyspace.mode() == Mode::Execute {
        if is_there {
            context.remove(key);
            context.changed(key, NotifyClasses::GENERIC, "del");
            context.log(&[b"DEL", key.bytes]);
        }
    } else {
        put(context, key, value, deadline, options.usage);
        let mut text = DecimalBuffer::new();
        let deadline = text.format(deadline.unwrap_or(0));
        if options.is_absolute {
            context.log_as_given();
        } else {
            let mut command = context.given_words().to_vec();
            if let Some(ttl) = command.get_mut(2) {
                *ttl = deadline;
            }
            command.push(b"ABSTTL");
            context.log(&command);
        }
    }
    reply.ok();
    Ok(())
}

fn read_payload(context: &WriteContext<'_>, payload: &[u8]) -> Result<Value, CommandError> {
    let mut builder = ValueBuilder::new(&context.keyspace.encodings);
    rdb::restore(payload, &mut builder).map_err(|error| match error {
        RestoreError::VersionOrChecksum => CommandError::DumpTrailer,
        RestoreError::BadData(_) => CommandError::DumpData,
    })?;
    builder.finish().ok_or(CommandError::DumpData)
}

fn put(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    value: Value,
    deadline: Option<i64>,
    usage: Use,
) {
    context.put(key, value, deadline.map_or(Expiry::Never, Expiry::At));
    let clock = &context.keyspace.access;
    let access = match usage {
        Use::IdleSeconds(seconds) if !clock.policy.counts_uses() => Some(clock.idle_since(seconds)),
        Use::Frequency(counter) if clock.policy.counts_uses() => Some(clock.with_counter(counter)),
        _ => None,
    };
    if let Some(access) = access {
        context.set_access(key, access);
    }
    context.changed(key, NotifyClasses::GENERIC, "restore");
}
