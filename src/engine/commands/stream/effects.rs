//! What replicas need of a group's reads and claims: XCLAIM with all that follows from time and
//! choice, XGROUP SETID with the group's counters.

use holdfast_formats::DecimalBuffer;
use holdfast_formats::rdb::StreamId;

use super::{counter, ids};
use crate::context::WriteContext;
use crate::keyspace::Key;
use crate::notify::NotifyClasses;
use crate::values::stream::{Group, Pending};

/// Ids in one effect, at most.
const IDS_MAX: usize = 1_000;

/// A group of a stream, by its names.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) key: Key<'a>,
    pub(super) group: &'a [u8],
}

/// How far a group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) last_id: StreamId,
    pub(super) entries_read: Option<u64>,
}

impl Position {
    pub(super) const fn of(group: &Group) -> Self {
        Self {
            last_id: group.last_id,
            entries_read: group.entries_read,
        }
    }
}

/// Records that entries are pending now, all with one consumer, which this makes if need be. One
/// command an entry, as Redis sends them to its replicas.
pub(super) fn log_pending(
    context: &mut WriteContext<'_>,
    place: Place<'_>,
    consumer: &[u8],
    entries: &[(StreamId, Pending)],
    last_id: StreamId,
) {
    let last_id = ids::text(last_id);
    for (id, pending) in entries {
        let (mut time, mut deliveries) = (DecimalBuffer::new(), DecimalBuffer::new());
        context.log(&[
            b"XCLAIM",
            place.key.bytes,
            place.group,
            consumer,
            b"0",
            &ids::text(*id),
            b"TIME",
            time.format(pending.delivered_ms),
            b"RETRYCOUNT",
            deliveries.format(counter(pending.deliveries)),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            &last_id,
        ]);
    }
}

/// Records how far a group has come.
pub(super) fn log_position(context: &mut WriteContext<'_>, place: Place<'_>, position: Position) {
    let (last_id, mut read) = (ids::text(position.last_id), DecimalBuffer::new());
    let read = read.format(position.entries_read.map_or(-1, counter));
    context.log(&[
        b"XGROUP",
        b"SETID",
        place.key.bytes,
        place.group,
        &last_id,
        b"ENTRIESREAD",
        read,
    ]);
}

/// Tells of a consumer that came into being by being named.
pub(super) fn notify_consumer(context: &mut WriteContext<'_>, place: Place<'_>) {
    context.notify(place.key, NotifyClasses::STREAM, "xgroup-createconsumer");
}

/// Records a consumer that has nothing pending; one that has comes with it.
pub(super) fn log_consumer(context: &mut WriteContext<'_>, place: Place<'_>, consumer: &[u8]) {
    context.log(&[
        b"XGROUP",
        b"CREATECONSUMER",
        place.key.bytes,
        place.group,
        consumer,
    ]);
}

/// Records that entries are pending no more.
pub(super) fn log_acknowledged(
    context: &mut WriteContext<'_>,
    place: Place<'_>,
    gone: &[StreamId],
) {
    for gone in gone.chunks(IDS_MAX) {
        let ids: Vec<Vec<u8>> = gone.iter().map(|&id| ids::text(id)).collect();
        let mut command: Vec<&[u8]> = vec![b"XACK", place.key.bytes, place.group];
        command.extend(ids.iter().map(Vec::as_slice));
        context.log(&command);
    }
}
