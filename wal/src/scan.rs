//! Reads a log from its files and reports; never changes them. Used by recovery, which then decides,
//! and by the offline tool.
//!
//! Always holds: frames are delivered in order, each whole and chained to the one before; the scan ends
//! at the first place where that fails, and says what lies behind it.

use std::sync::Arc;

use crate::fields::in_memory;
use crate::frame::{Chain, FRAME_HEADER_BYTES, Fault, FrameHeader};
use crate::segment::{BLOCK, HEADER_BYTES, SegmentHeader, file_name, sequence_of};
use crate::segments::{Frame, LiveSegment, Segments, corrupt};
use crate::storage::{SegmentFile, Storage};
use crate::{Lsn, WalError};

/// A segment file as found.
pub(crate) struct FoundFile {
    pub(crate) sequence: u64,
    pub(crate) file: Arc<dyn SegmentFile>,
    pub(crate) size_bytes: u64,
    /// Where its part of the stream begins, by its own header or by those before it.
    pub(crate) base: Lsn,
    pub(crate) header: Option<SegmentHeader>,
}

impl FoundFile {
    fn end(&self) -> Lsn {
        Lsn(self
            .base
            .0
            .saturating_add(self.size_bytes.saturating_sub(HEADER_BYTES)))
    }
}

/// The segment files of a log.
pub struct Scan {
    pub(crate) log_id: [u8; 16],
    /// The unbroken run of segments from the first.
    pub(crate) run: Segments,
    /// All files in order; the first ones are those of the run.
    pub(crate) files: Vec<FoundFile>,
}

/// What lies behind the place where a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// Nothing of this log.
    Nothing,
    /// Headers of frames or segments that were written before that place was durable.
    Unpromised,
    /// A header that says that the place was durable.
    Promised,
}

/// Where and why a scan ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanEnd {
    /// Where the next frame belongs.
    pub chain: Chain,
    /// Why there is none.
    pub fault: Fault,
    /// What lies behind it.
    pub later: Later,
    /// Every byte before this is said to be durable by a frame that was read.
    pub vouched: Lsn,
    /// End of the last header found behind it.
    pub evidence_end: Lsn,
    /// File and byte position of the end.
    pub place: (String, u64),
    /// Frames delivered.
    pub frames_count: u64,
    /// Records in them.
    pub records_count: u64,
}

/// How far behind a place it is looked for headers that vouch for it: behind the place itself, behind
/// each header found, and behind a giant that was announced. Frames are smaller than this, or announced, so
/// that the next one is in reach even if the header of the one at the place is gone.
const LOOK_AHEAD_BYTES: u64 = 8 << 20;

/// How far ahead of the scan the disk is asked to read.
const READ_AHEAD_BYTES: u64 = 8 << 20;

impl Scan {
    /// Reads the headers of all segment files.
    ///
    /// # Errors
    /// `WrongLog` if a header names another log; `Corrupt` if a file is missing between others, has an
    /// impossible size, or is the first and unreadable; `Io`.
    pub fn open(storage: &dyn Storage, log_id: [u8; 16]) -> Result<Scan, WalError> {
        let names = storage
            .list()
            .map_err(|e| WalError::io("list", "the log's directory", e))?;
        let mut sequences: Vec<u64> = names.iter().filter_map(|name| sequence_of(name)).collect();
        sequences.sort_unstable();
        let mut files: Vec<FoundFile> = Vec::with_capacity(sequences.len());
        let mut run = Segments::default();
        for sequence in sequences {
            check_successor(files.last(), sequence)?;
            let found = find_file(storage, log_id, sequence, files.last())?;
            let unbroken = run.list.len() == files.len();
            if unbroken
                && let Some(header) = &found.header
                && (files.is_empty() || header.base == found.base)
            {
                let (header, file) = (header.clone(), Arc::clone(&found.file));
                run.list.push(Arc::new(LiveSegment { header, file }));
            }
            files.push(found);
        }
        if let Some(first) = files.first()
            && first.header.is_none()
            && first.sequence > 1
        {
            return Err(WalError::Corrupt {
                file: file_name(first.sequence),
                offset: 0,
                what: "header of the log's first segment",
                expected: "a whole header".to_string(),
                found: "none".to_string(),
            });
        }
        Ok(Scan { log_id, run, files })
    }

    /// Delivers every whole frame in order, then says why it stopped.
    ///
    /// # Errors
    /// `Io`, and whatever `visit` returns. Damage is no error here: see `ScanEnd`.
    pub fn for_each_frame(
        &self,
        mut visit: impl FnMut(&Frame) -> Result<(), WalError>,
    ) -> Result<ScanEnd, WalError> {
        let mut chain = self.start();
        let (mut vouched, mut reach) = (Lsn(0), Lsn(0));
        let (mut frames_count, mut records_count) = (0u64, 0u64);
        let mut hinted = chain.lsn;
        let fault = loop {
            // The log was written past the page cache: without the hint each read waits for the disk.
            if hinted.0 < chain.lsn.0.saturating_add(READ_AHEAD_BYTES) {
                hinted = hinted.max(chain.lsn);
                self.run.will_read(hinted, READ_AHEAD_BYTES);
                hinted = Lsn(hinted.0.saturating_add(READ_AHEAD_BYTES));
            }
            let read = self
                .run
                .read_frame(&self.log_id, chain.lsn, |header, nonce| {
                    header.check_place(&chain, nonce)
                })?;
            let frame = match read {
                Ok(frame) => frame,
                Err(fault) => break fault,
            };
            visit(&frame)?;
            let header = frame.header();
            vouched = vouched.max(header.durable_through);
            reach = header.reach();
            frames_count += 1;
            records_count += u64::from(header.records_count);
            chain = Chain {
                lsn: Lsn(chain.lsn.0.saturating_add(header.extent())),
                sequence: chain.sequence.saturating_add(1),
                checksum: frame.checksum(),
            };
        };
        let (later, evidence_end) = self.look_behind(chain.lsn, reach)?;
        let place = self.place_of(chain.lsn);
        Ok(ScanEnd {
            chain,
            fault,
            later,
            vouched,
            evidence_end,
            place,
            frames_count,
            records_count,
        })
    }

    /// The error that names the place where the scan ended.
    pub fn damage(&self, end: &ScanEnd) -> WalError {
        corrupt(end.place.0.clone(), end.place.1, end.fault.clone())
    }

    /// Where the first frame is, by the headers. The first segments may hold the rest of a frame that
    /// began in one that was reused already: reusing goes one segment at a time.
    fn start(&self) -> Chain {
        let begins = |segment: &Arc<LiveSegment>| {
            let header = &segment.header;
            header.first_frame.map(|lsn| Chain {
                lsn,
                sequence: header.first_frame_sequence,
                checksum: header.previous_checksum,
            })
        };
        self.run.list.iter().find_map(begins).unwrap_or_default()
    }

    /// File and offset of a stream position, even behind the run.
    fn place_of(&self, lsn: Lsn) -> (String, u64) {
        let file = self
            .files
            .iter()
            .find(|file| lsn < file.end())
            .or(self.files.last());
        file.map_or((file_name(1), 0), |file| {
            let offset = lsn
                .0
                .saturating_sub(file.base.0)
                .saturating_add(HEADER_BYTES);
            (file_name(file.sequence), offset)
        })
    }

    /// Looks for headers of this log behind `end`, and what they say about it.
    fn look_behind(&self, end: Lsn, announced: Lsn) -> Result<(Later, Lsn), WalError> {
        let mut seen = Seen {
            end,
            later: Later::Nothing,
            evidence_end: end,
            reach: end.max(announced),
        };
        let behind = self.files.iter().filter(|file| file.end() > end);
        for header in behind.clone().filter_map(|file| file.header.as_ref()) {
            if header.base > end {
                seen.note(header.durable_through);
                // A segment that was taken into use was reached by a frame.
                seen.reach = seen.reach.max(header.first_frame.unwrap_or(header.base));
            }
        }
        for file in behind {
            if file.base.0 < seen.horizon() {
                self.look_through(file, &mut seen)?;
            }
        }
        Ok((seen.later, seen.evidence_end))
    }

    fn look_through(&self, file: &FoundFile, seen: &mut Seen) -> Result<(), WalError> {
        const CHUNK: usize = 256 * BLOCK;
        let mut chunk = vec![0u8; CHUNK];
        // The block at the end itself is known not to hold the next frame.
        let mut lsn = Lsn(seen.end.0.saturating_add(HEADER_BYTES).max(file.base.0));
        while lsn < file.end() && lsn.0 < seen.horizon() && seen.later != Later::Promised {
            let bytes = in_memory(file.end().0 - lsn.0).min(CHUNK);
            let piece = chunk.get_mut(..bytes).unwrap_or_default();
            let offset = lsn
                .0
                .saturating_sub(file.base.0)
                .saturating_add(HEADER_BYTES);
            file.file
                .read_at(piece, offset)
                .map_err(|source| WalError::io("read", file_name(file.sequence), source))?;
            for block in piece.chunks(BLOCK) {
                if let Some(header) = self.header_in(block, lsn, file) {
                    seen.note(header.durable_through);
                    let frame_end = Lsn(lsn.0.saturating_add(header.extent()));
                    seen.evidence_end = frame_end.max(seen.evidence_end);
                    seen.reach = header.reach().max(seen.reach);
                }
                lsn = Lsn(lsn.0.saturating_add(HEADER_BYTES));
            }
        }
        Ok(())
    }

    fn header_in(&self, block: &[u8], lsn: Lsn, file: &FoundFile) -> Option<FrameHeader> {
        let bytes = block.get(..FRAME_HEADER_BYTES)?;
        let (header, _) = FrameHeader::decode(bytes, &self.log_id).ok()?;
        let nonce_fits = file
            .header
            .as_ref()
            .is_none_or(|segment| segment.nonce == header.nonce);
        (header.lsn == lsn && nonce_fits).then_some(header)
    }
}

/// What was seen behind the end so far.
struct Seen {
    end: Lsn,
    later: Later,
    evidence_end: Lsn,
    /// Frames may reach this far, by what was seen.
    reach: Lsn,
}

impl Seen {
    fn note(&mut self, durable_through: Lsn) {
        self.later = match self.later {
            _ if durable_through > self.end => Later::Promised,
            Later::Promised => Later::Promised,
            Later::Nothing | Later::Unpromised => Later::Unpromised,
        };
    }

    fn horizon(&self) -> u64 {
        self.reach.0.saturating_add(LOOK_AHEAD_BYTES)
    }
}

fn check_successor(before: Option<&FoundFile>, sequence: u64) -> Result<(), WalError> {
    let Some(before) = before else { return Ok(()) };
    let expected = before.sequence.saturating_add(1);
    if sequence == expected {
        return Ok(());
    }
    Err(WalError::Corrupt {
        file: file_name(expected),
        offset: 0,
        what: "segment file between others",
        expected: file_name(expected),
        found: file_name(sequence),
    })
}

fn find_file(
    storage: &dyn Storage,
    log_id: [u8; 16],
    sequence: u64,
    before: Option<&FoundFile>,
) -> Result<FoundFile, WalError> {
    let name = file_name(sequence);
    let file = storage
        .open(&name)
        .map_err(|e| WalError::io("open", name.as_str(), e))?;
    let size_bytes = file
        .size_bytes()
        .map_err(|e| WalError::io("measure", name.as_str(), e))?;
    let wrong_size = |expected: String| WalError::Corrupt {
        file: name.clone(),
        offset: size_bytes,
        what: "size of a segment file",
        expected,
        found: size_bytes.to_string(),
    };
    if size_bytes < 2 * HEADER_BYTES || !size_bytes.is_multiple_of(HEADER_BYTES) {
        return Err(wrong_size(
            "a multiple of 4096, at least two of them".to_string(),
        ));
    }
    let mut block = [0u8; BLOCK];
    file.read_at(&mut block, 0)
        .map_err(|e| WalError::io("read", name.as_str(), e))?;
    // A header of another number is a former use's: the file was renamed to be a spare.
    let header = SegmentHeader::decode(&block).filter(|header| header.sequence == sequence);
    if let Some(header) = &header {
        if header.log_id != log_id {
            let (expected, found) = (hexadecimal(&log_id), hexadecimal(&header.log_id));
            return Err(WalError::WrongLog {
                file: name,
                expected,
                found,
            });
        }
        if header.segment_bytes != size_bytes {
            return Err(wrong_size(header.segment_bytes.to_string()));
        }
    }
    let base = match (before, &header) {
        (Some(before), _) => before.end(),
        (None, Some(header)) => header.base,
        (None, None) => Lsn(0),
    };
    Ok(FoundFile {
        sequence,
        file,
        size_bytes,
        base,
        header,
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
