//! Reads entries that are not in memory any more from the segment files, on the caller's thread.
//!
//! Always holds: what is returned was verified by its checksums and carries the index asked for.

use std::ops::Range;
use std::sync::Arc;

use crate::disk_log::Place;
use crate::frame::Fault;
use crate::group_log::Lookup;
use crate::record::Record;
use crate::segments::{Frame, Segments, corrupt};
use crate::state::Shared;
use crate::{Entry, GroupId, Lsn, WalError};

/// How often a read starts anew because the segment under it was reused.
const ATTEMPTS_MAX: usize = 8;

/// Reads a contiguous prefix of `range`, from disk and then from memory.
pub(crate) fn read(
    shared: &Shared,
    log_id: &[u8; 16],
    group: GroupId,
    range: Range<u64>,
    max_bytes: usize,
) -> Result<Vec<Entry>, WalError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut budget = max_bytes;
    loop {
        let next = entries.last().map_or(range.start, |entry| entry.index + 1);
        let part = match read_part(shared, log_id, group, next..range.end, budget) {
            // Purged while this read was on its way: what was read is a prefix all the same.
            Err(WalError::Purged { .. }) if !entries.is_empty() => return Ok(entries),
            part => part?,
        };
        let (part, is_from_disk) = part;
        let bytes: usize = part.iter().map(|entry| entry.payload.len()).sum();
        let fits = entries.is_empty() || bytes <= budget;
        if part.is_empty() || !fits {
            return Ok(entries);
        }
        entries.extend(part);
        budget = budget.saturating_sub(bytes);
        if !is_from_disk || budget == 0 {
            return Ok(entries);
        }
    }
}

/// Reads up to the next border between disk and memory, or between two marks; says whether it was disk.
fn read_part(
    shared: &Shared,
    log_id: &[u8; 16],
    group: GroupId,
    range: Range<u64>,
    max_bytes: usize,
) -> Result<(Vec<Entry>, bool), WalError> {
    let mut result = Ok((Vec::new(), true));
    for _ in 0..ATTEMPTS_MAX {
        let state = shared.lock();
        let Some(found) = state.groups.get(&group) else {
            return Ok((Vec::new(), false));
        };
        let until = match found.log.look_up(group, range.clone(), max_bytes)? {
            Lookup::Memory(entries) => return Ok((entries, false)),
            Lookup::Disk { until } => until,
        };
        let place = found.disk.place_of(range.start);
        let segments = Arc::clone(&state.segments);
        drop(state);
        let Some(place) = place else {
            let error = Fault::broken("mark of an entry", range.start.to_string(), "none".into());
            return Err(corrupt(group.to_string(), 0, error));
        };
        let wanted = Wanted {
            group,
            range: range.start..until.min(place.until),
            max_bytes,
        };
        // A damaged frame and a segment that was reused meanwhile look alike; only after the state was
        // looked at again is it known which it was.
        result = read_frames(&segments, log_id, place, &wanted).map(|entries| (entries, true));
        if result.is_ok() {
            break;
        }
    }
    result
}

struct Wanted {
    group: GroupId,
    range: Range<u64>,
    max_bytes: usize,
}

fn read_frames(
    segments: &Segments,
    log_id: &[u8; 16],
    place: Place,
    wanted: &Wanted,
) -> Result<Vec<Entry>, WalError> {
    let mut lsn = place.frame;
    let mut entries = Vec::new();
    let mut budget = wanted.max_bytes;
    loop {
        let read = segments.read_frame(log_id, lsn, |header, nonce| {
            if header.lsn == lsn && header.nonce == nonce {
                Ok(())
            } else {
                Err(Fault::Stale)
            }
        })?;
        let frame = read.map_err(|fault| {
            let place = segments
                .find(lsn)
                .map(|segment| (segment.name(), segment.offset_of(lsn)));
            let (file, offset) = place.unwrap_or_default();
            corrupt(file, offset, fault)
        })?;
        if take_entries(&frame, wanted, &mut entries, &mut budget)? {
            return Ok(entries);
        }
        lsn = Lsn(lsn.0.saturating_add(frame.header().extent()));
    }
}

/// Takes the entries that are due from a frame; true when there is no more to take.
///
/// A frame may hold an entry, a truncation that drops it, and the entry in its place: so the whole frame
/// is gone through. Truncations in later frames do no harm: what comes after them has a mark of its own.
fn take_entries(
    frame: &Frame,
    wanted: &Wanted,
    entries: &mut Vec<Entry>,
    budget: &mut usize,
) -> Result<bool, WalError> {
    let mut is_full = false;
    for raw in frame
        .raw_records()
        .iter()
        .filter(|raw| raw.group == wanted.group)
    {
        if let Some(keep_to) = raw.truncation() {
            while entries
                .pop_if(|entry| Some(entry.index) > keep_to)
                .is_some()
            {
                is_full = false;
            }
        }
        let next = entries
            .last()
            .map_or(wanted.range.start, |entry: &Entry| entry.index + 1);
        if next >= wanted.range.end || is_full || raw.entry_index() != Some(next) {
            continue;
        }
        let Record::Entry(entry) = frame.decode(raw)? else {
            continue;
        };
        // What a truncation gave back is not counted again: the limit is one for memory, not exact.
        if !entries.is_empty() && entry.payload.len() > *budget {
            is_full = true;
            continue;
        }
        *budget = budget.saturating_sub(entry.payload.len());
        entries.push(entry);
    }
    let next = entries
        .last()
        .map_or(wanted.range.start, |entry: &Entry| entry.index + 1);
    Ok(next >= wanted.range.end || is_full || (!entries.is_empty() && *budget == 0))
}
