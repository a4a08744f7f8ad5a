//! XADD and XTRIM.

use holdfast_formats::DecimalBuffer;
use holdfast_formats::rdb::StreamId;
use holdfast_resp::Reply;

use super::counter;
use super::ids::{self, AddedId};
use super::trimming::{self, TrimOptions};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::values::stream::StreamValue;

pub(super) const XADD: Command<Handler> = Command::write("xadd", Group::Stream, xadd)
    .arity(AtLeast(5))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .fast()
    .doc(
        "5.0.0",
        "O(1), O(N) with N entries trimmed",
        "Adds an entry at the end of a stream.",
        &[
            Argument::key("key"),
            Argument::word("nomkstream", "NOMKSTREAM").optional(),
            Argument::block("trim", trimming::ARGUMENTS).optional(),
            Argument::one_of(
                "id_or_auto",
                &[Argument::word("auto_id", "*"), Argument::string("id")],
            ),
            Argument::block(
                "field_value",
                &[Argument::string("field"), Argument::string("value")],
            )
            .multiple(),
        ],
    );

pub(super) const XTRIM: Command<Handler> = Command::write("xtrim", Group::Stream, xtrim)
    .arity(AtLeast(4))
    .keys(&[KeySpec::DELETE])
    .doc(
        "5.0.0",
        "O(N) with N entries trimmed",
        "Takes entries from the front of a stream.",
        &[
            Argument::key("key"),
            Argument::block("trim", trimming::ARGUMENTS),
        ],
    );

/// The id of the entry that XADD adds to a stream with this last id.
fn added_id(wanted: AddedId, last: StreamId, now_ms: i64) -> Result<StreamId, CommandError> {
    if last == StreamId::MAX {
        return Err(CommandError::StreamExhausted);
    }
    let id = match wanted {
        AddedId::Made => {
            return StreamValue::next_id(last, now_ms).ok_or(CommandError::StreamExhausted);
        }
        AddedId::Given(id) => id,
        AddedId::In(ms) if ms == last.ms => StreamId {
            ms,
            sequence: last
                .sequence
                .checked_add(1)
                .ok_or(CommandError::AddedIdTooSmall)?,
        },
        AddedId::In(ms) => StreamId { ms, sequence: 0 },
    };
    (id > last)
        .then_some(id)
        .ok_or(CommandError::AddedIdTooSmall)
}

fn xadd(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let wrong_arity = || CommandError::WrongArity("xadd".into());
    let encodings = context.encodings();
    let key = context.key(args.next()?);
    let (mut options, mut may_create) = (TrimOptions::default(), true);
    while args.peek() != Some(b"*") {
        if args.accept("NOMKSTREAM") {
            may_create = false;
        } else if !options.read_next(args)? {
            break;
        }
    }
    let wanted = args.peek().map(AddedId::parse).transpose()?;
    let trim = options.finish(&encodings)?;
    let wanted = wanted.ok_or_else(wrong_arity)?;
    args.next()?;
    let fields = args.take_rest();
    if fields.len() < 2 || !fields.len().is_multiple_of(2) {
        return Err(wrong_arity());
    }
    if wanted == AddedId::Given(StreamId::MIN) {
        return Err(CommandError::AddedIdZero);
    }
    let found = context.get::<StreamValue>(key)?;
    let Some(last) = found
        .map(StreamValue::last_id)
        .or(may_create.then_some(StreamId::MIN))
    else {
        reply.null();
        return Ok(());
    };
    let id = added_id(wanted, last, context.now_ms())?;
    if !StreamValue::can_hold(fields) {
        return Err(CommandError::StreamElementsTooLarge);
    }
    let stream = context.get_or_create::<StreamValue>(key)?;
    stream.append(id, fields, &encodings);
    let trimmed = trim.map_or(0, |trim| stream.trim(&trim));
    let length = stream.len();
    context.changed(key, NotifyClasses::STREAM, "xadd");
    if trimmed > 0 {
        context.notify(key, NotifyClasses::STREAM, "xtrim");
    }
    log(context, key, id, (trimmed > 0).then_some(length), fields);
    ids::write(reply, id);
    Ok(())
}

/// Records the entry with its id, and the length that a trim has left.
fn log(
    context: &mut WriteContext<'_>,
    key: Key<'_>,
    id: StreamId,
    length: Option<u64>,
    fields: &[&[u8]],
) {
    let (id, mut text) = (ids::text(id), DecimalBuffer::new());
    let mut command: Vec<&[u8]> = Vec::with_capacity(fields.len() + 6);
    command.extend([b"XADD", key.bytes]);
    if let Some(length) = length {
        command.extend([b"MAXLEN", b"=" as &[u8], text.format(counter(length))]);
    }
    command.push(&id);
    command.extend(fields);
    context.log(&command);
}

fn xtrim(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let mut options = TrimOptions::default();
    while !args.is_done() {
        if !options.read_next(args)? {
            return Err(CommandError::Syntax);
        }
    }
    let trim = options.finish(&context.encodings())?;
    let trim = trim.ok_or(CommandError::TrimMissing)?;
    let found = context.get_mut::<StreamValue>(key)?;
    let (trimmed, length) = found.map_or((0, 0), |stream| (stream.trim(&trim), stream.len()));
    if trimmed > 0 {
        context.changed(key, NotifyClasses::STREAM, "xtrim");
        let mut text = DecimalBuffer::new();
        let length = text.format(counter(length));
        context.log(&[b"XTRIM", key.bytes, b"MAXLEN", b"=", length]);
    }
    reply.integer(counter(trimmed));
    Ok(())
}
