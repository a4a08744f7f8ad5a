//! Opens what an earlier process left: replays it, decides about its end, and cuts a torn tail.
//!
//! The decision is a table, `decide`. Always holds: nothing that any header says was durable is ever
//! cut; and before anything is appended, what was cut can no more be read as a frame, and what was kept
//! is durable.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::fields::{in_memory, on_disk};
use crate::frame::{AlignedBuffer, Chain, Fault};
use crate::options::Create;
use crate::replay::{Groups, Replay};
use crate::scan::{FoundFile, Later, Scan, ScanEnd};
use crate::segment::{BLOCK, HEADER_BYTES, file_name};
use crate::segments::Segments;
use crate::storage::{SegmentFile, Storage};
use crate::{Cut, Lsn, WalError, WalOptions};

/// A segment file that is ready for use.
pub(crate) struct Spare {
    pub(crate) sequence: u64,
    pub(crate) size_bytes: u64,
    pub(crate) file: Arc<dyn SegmentFile>,
}

/// What recovery hands to the writer.
pub(crate) struct Recovered {
    pub(crate) groups: Groups,
    pub(crate) segments: Segments,
    pub(crate) spares: VecDeque<Spare>,
    pub(crate) chain: Chain,
    pub(crate) frames_count: u64,
    pub(crate) records_count: u64,
    pub(crate) cut: Option<Cut>,
}

/// What is found where the next frame belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing of this log.
    Nothing,
    /// Something that is not, or no longer, a frame of it.
    Broken,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The log ends here as it should.
    End,
    /// A torn tail: nobody was told that it is durable.
    Cut,
    /// It was durable. Refuse to start.
    Refuse,
}

/// The whole decision, RULES.md 16: a bad frame and all behind it is cut if nothing behind it says that
/// it was durable.
pub(crate) fn decide(found: Found, later: Later) -> Verdict {
    match (found, later) {
        (Found::Nothing, Later::Nothing) => Verdict::End,
        (Found::Broken, Later::Nothing) => Verdict::Cut,
        (Found::Nothing | Found::Broken, Later::Unpromised) => Verdict::Cut,
        (Found::Nothing | Found::Broken, Later::Promised) => Verdict::Refuse,
    }
}

/// Recovers the log in a locked directory.
pub(crate) fn recover(options: &WalOptions, storage: &dyn Storage) -> Result<Recovered, WalError> {
    remove_unfinished(storage)?;
    let scan = Scan::open(storage, options.log_id)?;
    if scan.files.is_empty() && options.create == Create::Never {
        return Err(WalError::Missing {
            directory: options.directory.display().to_string(),
        });
    }
    let mut replay = Replay::new(options.tail_bytes_max);
    let end = scan.for_each_frame(|frame| replay.apply(frame))?;
    let found = match end.fault {
        Fault::Blank | Fault::Stale => Found::Nothing,
        Fault::Broken { .. } => Found::Broken,
    };
    let verdict = decide(found, end.later);
    if verdict == Verdict::Refuse {
        return Err(scan.damage(&end));
    }
    if end.frames_count == 0 {
        check_may_be_empty(options, &scan, &end)?;
    }
    let groups = replay.finish(
        &scan
            .files
            .first()
            .map_or_else(String::new, |file| file_name(file.sequence)),
    )?;
    let cut = (verdict == Verdict::Cut).then(|| describe_cut(&scan, &end));
    settle(&scan, &end, verdict)?;
    let (segments, spares) = divide(scan, &end);
    Ok(Recovered {
        groups,
        segments,
        spares,
        chain: end.chain,
        frames_count: end.frames_count,
        records_count: end.records_count,
        cut,
    })
}

/// A file under an unfinished name was being made when the process ended; nothing was in it.
fn remove_unfinished(storage: &dyn Storage) -> Result<(), WalError> {
    let names = storage
        .list()
        .map_err(|e| WalError::io("list", "the log's directory", e))?;
    for name in names.iter().filter(|name| name.ends_with(".tmp")) {
        storage
            .remove(name)
            .map_err(|e| WalError::io("remove", name.as_str(), e))?;
    }
    Ok(())
}

/// A log without a single frame is believed only if it never had one: its first segment is the first
/// ever made, and the caller did not say that there was a log.
fn check_may_be_empty(options: &WalOptions, scan: &Scan, end: &ScanEnd) -> Result<(), WalError> {
    if scan.files.first().is_some_and(|first| first.sequence > 1) {
        return Err(scan.damage(end));
    }
    if options.create == Create::Never {
        return Err(WalError::Missing {
            directory: options.directory.display().to_string(),
        });
    }
    Ok(())
}

fn describe_cut(scan: &Scan, end: &ScanEnd) -> Cut {
    Cut {
        file: end.place.0.clone(),
        offset: end.place.1,
        reason: scan.damage(end).to_string(),
    }
}

/// Makes the end that was decided the end on disk: writes again what no frame vouches for, erases what
/// was cut, and syncs both.
fn settle(scan: &Scan, end: &ScanEnd, verdict: Verdict) -> Result<(), WalError> {
    // Frames that no later frame vouches for may be in the page cache only, and after a failed sync they
    // may even look clean there. Writing the same bytes again is the only way to know them durable.
    let mut buffer = AlignedBuffer::with_capacity(256 * BLOCK);
    // No frame may vouch, or the last that did may lie before the first segment.
    let mut lsn = end
        .vouched
        .max(scan.run.list.first().map_or(Lsn(0), |s| s.header.base));
    while lsn < end.chain.lsn {
        let Some(segment) = scan.run.find(lsn) else {
            break;
        };
        let until = segment.end().min(end.chain.lsn);
        buffer.resize(in_memory(until.0 - lsn.0).min(256 * BLOCK));
        scan.run.read(lsn, buffer.as_mut_slice())?;
        write(
            &*segment.file,
            &segment.name(),
            buffer.as_slice(),
            segment.offset_of(lsn),
        )?;
        lsn = Lsn(lsn.0 + on_disk(buffer.len()));
        buffer.clear();
    }
    if verdict == Verdict::Cut {
        erase(scan, end)?;
    }
    // A segment's header is as old as its first frame, which may be among the unvouched.
    for segment in &scan.run.list {
        if segment.end() > end.vouched && segment.header.base < end.chain.lsn {
            write(&*segment.file, &segment.name(), &segment.header.encode(), 0)?;
        }
    }
    for file in scan
        .files
        .iter()
        .filter(|file| file_end(file) > end.vouched)
    {
        let is_part = file.header.is_some() || file.base < end.evidence_end;
        if is_part {
            let name = file_name(file.sequence);
            file.file
                .sync()
                .map_err(|e| WalError::io("sync", name, e))?;
        }
    }
    Ok(())
}

/// Zeroes what was cut: every block up to the end of the last header found, at least the one in which
/// the next frame goes, and the headers of segments that are not reached any more.
fn erase(scan: &Scan, end: &ScanEnd) -> Result<(), WalError> {
    let mut zeros = AlignedBuffer::with_capacity(256 * BLOCK);
    zeros.resize(256 * BLOCK);
    for file in &scan.files {
        let name = file_name(file.sequence);
        if file.header.is_some() && file.base >= end.chain.lsn {
            write(
                &*file.file,
                &name,
                zeros.as_slice().get(..BLOCK).unwrap_or_default(),
                0,
            )?;
        }
        let until = file_end(file).min(Lsn(end.evidence_end.0.max(end.chain.lsn.0 + HEADER_BYTES)));
        let mut lsn = end.chain.lsn.max(file.base);
        while lsn < until {
            let bytes = in_memory(until.0 - lsn.0).min(zeros.len());
            let piece = zeros.as_slice().get(..bytes).unwrap_or_default();
            write(
                &*file.file,
                &name,
                piece,
                lsn.0 - file.base.0 + HEADER_BYTES,
            )?;
            lsn = Lsn(lsn.0 + on_disk(bytes));
        }
    }
    Ok(())
}

fn file_end(file: &FoundFile) -> Lsn {
    Lsn(file
        .base
        .0
        .saturating_add(file.size_bytes.saturating_sub(HEADER_BYTES)))
}

fn write(file: &dyn SegmentFile, name: &str, bytes: &[u8], offset: u64) -> Result<(), WalError> {
    file.write_at(bytes, offset)
        .map_err(|e| WalError::io("write", name, e))
}

/// The segments that the log reaches, and the files behind them, which are spares.
fn divide(scan: Scan, end: &ScanEnd) -> (Segments, VecDeque<Spare>) {
    let mut segments = scan.run;
    segments
        .list
        .retain(|segment| segment.header.base < end.chain.lsn);
    let spares = scan
        .files
        .into_iter()
        .skip(segments.list.len())
        .map(|file| Spare {
            sequence: file.sequence,
            size_bytes: file.size_bytes,
            file: file.file,
        })
        .collect();
    (segments, spares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_vouches_for_is_cut() {
        for (found, later, want) in [
            (Found::Nothing, Later::Nothing, Verdict::End),
            (Found::Nothing, Later::Unpromised, Verdict::Cut),
            (Found::Nothing, Later::Promised, Verdict::Refuse),
            (Found::Broken, Later::Nothing, Verdict::Cut),
            (Found::Broken, Later::Unpromised, Verdict::Cut),
            (Found::Broken, Later::Promised, Verdict::Refuse),
        ] {
            assert_eq!(decide(found, later), want, "{found:?} {later:?}");
        }
    }
}
