//! Reading streams: nodes of entries, counters, consumer groups.
//!
//! Called by `value` for type codes 15, 19, 21 and 26. Always holds of what is handed over: ids
//! rise strictly, counts in nodes are those of their entries, the length handed over is their sum,
//! and each pending entry belongs to exactly one consumer of its group.

use std::io::Read;

use super::codes::ENTRIES_READ_UNKNOWN;
use super::input::Input;
use super::part::{Part, StreamCounters, StreamId, StreamMeta};
use super::value::Receiver;
use crate::error::FormatError;
use crate::listpack::{Element, Iter as ListpackIter, Listpack};

/// Which of the four layouts a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StreamLayout {
    One,
    /// With counters and groups' read counts.
    Two,
    /// With consumers' active times.
    Three,
    /// With producers' idempotence state.
    Four,
}

/// Marks of a stream entry.
const ENTRY_DELETED: i64 = 1;
const ENTRY_SAME_FIELDS: i64 = 2;

/// A pending entry before its consumer is known.
struct Pending {
    id: StreamId,
    delivered_ms: i64,
    deliveries: u64,
    consumer: Option<usize>,
}

pub(super) fn read<R: Read>(
    input: &mut Input<R>,
    layout: StreamLayout,
    receiver: &mut Receiver<'_>,
) -> Result<(), FormatError> {
    let length = read_nodes(input, receiver)?;
    if input.length()? != length {
        // Release candidates of Redis 5 lost count while trimming, and no server checks it since.
        let part = Part::NotKept("a stream's stated length, which its entries contradict");
        receiver.part(input.position(), part)?;
    }
    let last_id = read_id(input)?;
    let counters = match layout {
        StreamLayout::One => None,
        _ => Some(StreamCounters {
            first_id: read_id(input)?,
            max_deleted_id: read_id(input)?,
            entries_added: input.length()?,
        }),
    };
    let meta = StreamMeta {
        length,
        last_id,
        counters,
    };
    receiver.part(input.position(), Part::StreamMeta(meta))?;
    let groups = input.length()?;
    for _ in 0..groups {
        read_group(input, layout, receiver)?;
    }
    if layout == StreamLayout::Four {
        skip_producers(input, receiver)?;
    }
    Ok(())
}

/// Hands over all nodes; the number of their entries that are not deleted.
fn read_nodes<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<u64, FormatError> {
    let nodes = input.length()?;
    let mut length = 0u64;
    let mut last: Option<StreamId> = None;
    let mut blob = Vec::new();
    for _ in 0..nodes {
        input.string(&mut blob)?;
        let master_id = raw_id(&blob).ok_or_else(|| input.corrupt("a stream node's id"))?;
        let entries = Listpack::from_vec_checked(input.blob()?)
            .map_err(|_| input.corrupt("a stream node that is no listpack"))?;
        let node = check_node(&entries, master_id)
            .filter(|node| node.in_order && last < Some(node.first_id))
            .ok_or_else(|| input.corrupt("a stream node's entries"))?;
        last = Some(node.last_id);
        length = length.saturating_add(node.length);
        receiver.part(input.position(), Part::StreamNode { master_id, entries })?;
    }
    Ok(length)
}

/// What a node's entries are.
struct Node {
    length: u64,
    first_id: StreamId,
    last_id: StreamId,
    in_order: bool,
}

/// Walks the entries of a node; `None` where they do not add up.
fn check_node(entries: &Listpack, master_id: StreamId) -> Option<Node> {
    let mut elements = entries.iter();
    let count = next_count(&mut elements)?;
    let deleted = next_count(&mut elements)?;
    let master_fields = next_count(&mut elements)?;
    skip(&mut elements, master_fields)?;
    if next_integer(&mut elements)? != 0 {
        return None;
    }
    let mut node = Node {
        length: 0,
        first_id: StreamId::default(),
        last_id: StreamId::default(),
        in_order: true,
    };
    let mut deleted_found = 0u64;
    let mut previous: Option<StreamId> = None;
    while let Some(flags) = elements.next() {
        let flags = integer(flags)?;
        let id = StreamId {
            ms: master_id
                .ms
                .wrapping_add_signed(next_integer(&mut elements)?),
            sequence: master_id
                .sequence
                .wrapping_add_signed(next_integer(&mut elements)?),
        };
        let body = if flags & ENTRY_SAME_FIELDS != 0 {
            skip(&mut elements, master_fields)?;
            master_fields.checked_add(3)?
        } else {
            let pairs = next_count(&mut elements)?;
            skip(&mut elements, pairs.checked_mul(2)?)?;
            pairs.checked_mul(2)?.checked_add(4)?
        };
        if next_count(&mut elements)? != body {
            return None;
        }
        if flags & ENTRY_DELETED != 0 {
            deleted_found = deleted_found.checked_add(1)?;
        } else {
            node.length = node.length.checked_add(1)?;
        }
        node.in_order &= previous < Some(id);
        node.first_id = if previous.is_none() {
            id
        } else {
            node.first_id
        };
        node.last_id = id;
        previous = Some(id);
    }
    (previous.is_some() && node.length == count && deleted_found == deleted).then_some(node)
}

fn integer(element: Element<'_>) -> Option<i64> {
    match element {
        Element::Integer(value) => Some(value),
        Element::Text(_) => None,
    }
}

fn next_integer(elements: &mut ListpackIter<'_>) -> Option<i64> {
    integer(elements.next()?)
}

fn next_count(elements: &mut ListpackIter<'_>) -> Option<u64> {
    u64::try_from(next_integer(elements)?).ok()
}

/// Passes over `count` elements that must be there. Each step needs one, so a forged count ends
/// with the block.
fn skip(elements: &mut ListpackIter<'_>, count: u64) -> Option<()> {
    for _ in 0..count {
        elements.next()?;
    }
    Some(())
}

fn read_group<R: Read>(
    input: &mut Input<R>,
    layout: StreamLayout,
    receiver: &mut Receiver<'_>,
) -> Result<(), FormatError> {
    let mut name = Vec::new();
    input.string(&mut name)?;
    let last_id = read_id(input)?;
    let entries_read = match layout {
        StreamLayout::One => None,
        _ => Some(input.length()?).filter(|count| *count != ENTRIES_READ_UNKNOWN),
    };
    let group = Part::StreamGroup {
        name: &name,
        last_id,
        entries_read,
    };
    receiver.part(input.position(), group)?;

    let mut pending = read_pending(input)?;
    let consumers = input.length()?;
    let mut names = std::collections::HashSet::new();
    for _ in 0..consumers {
        let consumer = names.len();
        input.string(&mut name)?;
        let seen_ms = input.i64_le()?;
        let active_ms = match layout {
            StreamLayout::One | StreamLayout::Two => None,
            StreamLayout::Three | StreamLayout::Four => Some(input.i64_le()?),
        };
        let part = Part::StreamConsumer {
            name: &name,
            seen_ms,
            active_ms,
        };
        receiver.part(input.position(), part)?;
        if !names.insert(name.clone()) {
            return Err(input.corrupt("a stream consumer comes twice"));
        }
        let owned = input.length()?;
        for _ in 0..owned {
            let id = read_raw_id(input)?;
            let entry = pending
                .binary_search_by_key(&id, |entry| entry.id)
                .ok()
                .and_then(|index| pending.get_mut(index))
                .filter(|entry| entry.consumer.is_none())
                .ok_or_else(|| input.corrupt("a consumer's entry is not its group's"))?;
            entry.consumer = Some(consumer);
        }
    }
    for entry in pending {
        let consumer = entry
            .consumer
            .ok_or_else(|| input.corrupt("a pending entry without a consumer"))?;
        let part = Part::StreamPending {
            id: entry.id,
            delivered_ms: entry.delivered_ms,
            deliveries: entry.deliveries,
            consumer,
        };
        receiver.part(input.position(), part)?;
    }
    Ok(())
}

/// A group's pending entries, ids rising.
fn read_pending<R: Read>(input: &mut Input<R>) -> Result<Vec<Pending>, FormatError> {
    let count = input.length()?;
    let mut pending = Vec::with_capacity(input.believable(count, 25));
    for _ in 0..count {
        pending.push(Pending {
            id: read_raw_id(input)?,
            delivered_ms: input.i64_le()?,
            deliveries: input.length()?,
            consumer: None,
        });
    }
    pending.sort_by_key(|entry| entry.id);
    if !pending.array_windows().all(|[one, two]| one.id != two.id) {
        return Err(input.corrupt("a pending entry comes twice"));
    }
    Ok(pending)
}

/// Passes over what Redis 8.6 keeps to recognise a producer's repeated additions.
fn skip_producers<R: Read>(
    input: &mut Input<R>,
    receiver: &mut Receiver<'_>,
) -> Result<(), FormatError> {
    let mut text = Vec::new();
    let _duration_seconds = input.length()?;
    let _entries_max = input.length()?;
    let producers = input.length()?;
    for _ in 0..producers {
        input.string(&mut text)?;
        let additions = input.length()?;
        for _ in 0..additions {
            input.string(&mut text)?;
            read_id(input)?;
        }
    }
    let _added = input.length()?;
    let _duplicates = input.length()?;
    if producers > 0 {
        let part = Part::NotKept("idempotence state of a stream's producers");
        receiver.part(input.position(), part)?;
    }
    Ok(())
}

/// An id as two lengths.
fn read_id<R: Read>(input: &mut Input<R>) -> Result<StreamId, FormatError> {
    Ok(StreamId {
        ms: input.length()?,
        sequence: input.length()?,
    })
}

/// An id as sixteen bytes.
fn read_raw_id<R: Read>(input: &mut Input<R>) -> Result<StreamId, FormatError> {
    Ok(StreamId {
        ms: u64::from_be_bytes(input.array()?),
        sequence: u64::from_be_bytes(input.array()?),
    })
}

fn raw_id(blob: &[u8]) -> Option<StreamId> {
    let (ms, rest) = blob.split_first_chunk()?;
    let (sequence, rest) = rest.split_first_chunk()?;
    rest.is_empty().then(|| StreamId {
        ms: u64::from_be_bytes(*ms),
        sequence: u64::from_be_bytes(*sequence),
    })
}
