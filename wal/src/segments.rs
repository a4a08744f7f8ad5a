//! The segments that hold the log, as one stream of bytes. Shared by scan, reader and writer.
//!
//! Always holds: segments are in order and each begins where the one before ends.

use std::sync::Arc;

use crate::fields::{in_memory, on_disk};
use crate::frame::{FRAME_HEADER_BYTES, Fault, FrameHeader};
use crate::record::{self, RawRecord, Record};
use crate::segment::{BLOCK, HEADER_BYTES, SegmentHeader, file_name};
use crate::storage::SegmentFile;
use crate::{GroupId, Lsn, WalError};

/// A segment file that holds a part of the stream.
pub(crate) struct LiveSegment {
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<dyn SegmentFile>,
}

impl LiveSegment {
    pub(crate) fn end(&self) -> Lsn {
        Lsn(self.header.base.0.saturating_add(self.header.capacity()))
    }

    pub(crate) fn name(&self) -> String {
        file_name(self.header.sequence)
    }

    /// The byte position in the file of a stream position in this segment.
    pub(crate) fn offset_of(&self, lsn: Lsn) -> u64 {
        lsn.0
            .saturating_sub(self.header.base.0)
            .saturating_add(HEADER_BYTES)
    }
}

/// A frame that was read whole, its checksums verified.
pub struct Frame {
    header: FrameHeader,
    checksum: u32,
    body: Vec<u8>,
    records: Vec<RawRecord>,
    file: String,
    offset: u64,
}

impl Frame {
    /// Its header.
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// The file in which it begins, and where.
    pub fn place(&self) -> (&str, u64) {
        (&self.file, self.offset)
    }

    /// Its records, in order.
    ///
    /// # Errors
    /// `Corrupt` for a record whose checksum is right and whose content this version cannot read.
    pub fn records(&self) -> impl Iterator<Item = Result<(GroupId, Record), WalError>> + '_ {
        self.records
            .iter()
            .map(|raw| Ok((raw.group, self.decode(raw)?)))
    }

    pub(crate) fn checksum(&self) -> u32 {
        self.checksum
    }

    pub(crate) fn raw_records(&self) -> &[RawRecord] {
        &self.records
    }

    pub(crate) fn decode(&self, raw: &RawRecord) -> Result<Record, WalError> {
        raw.decode(&self.body)
            .map_err(|fault| corrupt(self.file.clone(), self.offset, fault))
    }
}

/// Turns a fault at a place into the error that names it.
pub(crate) fn corrupt(file: String, offset: u64, fault: Fault) -> WalError {
    let (at, what, expected, found) = match fault {
        Fault::Blank => (0, "a frame", "a frame".to_string(), "zeros".to_string()),
        Fault::Stale => (
            0,
            "a frame",
            "a frame".to_string(),
            "an earlier use's".to_string(),
        ),
        Fault::Broken {
            at,
            what,
            expected,
            found,
        } => (at, what, expected, found),
    };
    WalError::Corrupt {
        file,
        offset: offset.saturating_add(at),
        what,
        expected,
        found,
    }
}

/// The stream. Cloning shares the files.
#[derive(Clone, Default)]
pub(crate) struct Segments {
    pub(crate) list: Vec<Arc<LiveSegment>>,
}

impl Segments {
    /// The segment that holds the byte at `lsn`.
    pub(crate) fn find(&self, lsn: Lsn) -> Option<&Arc<LiveSegment>> {
        let after = self
            .list
            .partition_point(|segment| segment.header.base <= lsn);
        self.list
            .get(after.checked_sub(1)?)
            .filter(|segment| lsn < segment.end())
    }

    /// Where the stream ends.
    pub(crate) fn end(&self) -> Lsn {
        self.list.last().map_or(Lsn(0), |segment| segment.end())
    }

    /// Fills `buffer` from the stream, across segments.
    pub(crate) fn read(&self, mut lsn: Lsn, mut buffer: &mut [u8]) -> Result<(), WalError> {
        while !buffer.is_empty() {
            let segment = self.find(lsn).ok_or(WalError::OutsideLog(lsn))?;
            let room = in_memory(segment.end().0 - lsn.0).min(buffer.len());
            let (piece, rest) = buffer.split_at_mut(room);
            segment
                .file
                .read_at(piece, segment.offset_of(lsn))
                .map_err(|source| WalError::io("read", segment.name(), source))?;
            buffer = rest;
            lsn = Lsn(lsn.0.saturating_add(on_disk(room)));
        }
        Ok(())
    }

    /// Hints that the stream will be read from `lsn` on.
    pub(crate) fn will_read(&self, lsn: Lsn, bytes: u64) {
        let until = Lsn(lsn.0.saturating_add(bytes));
        for segment in &self.list {
            let from = lsn.max(segment.header.base);
            let bytes = until.min(segment.end()).0.saturating_sub(from.0);
            if bytes > 0 {
                segment.file.will_read(segment.offset_of(from), bytes);
            }
        }
    }

    /// Reads the frame at `lsn`. The inner error says why there is no whole frame; `check` may refuse
    /// its header before its body is read.
    pub(crate) fn read_frame(
        &self,
        log_id: &[u8; 16],
        lsn: Lsn,
        check: impl FnOnce(&FrameHeader, u64) -> Result<(), Fault>,
    ) -> Result<Result<Frame, Fault>, WalError> {
        let Some(segment) = self.find(lsn) else {
            return Ok(Err(Fault::Blank));
        };
        let mut block = [0u8; BLOCK];
        self.read(lsn, &mut block)?;
        let decoded = FrameHeader::decode(&block, log_id).and_then(|(header, checksum)| {
            check(&header, segment.header.nonce).map(|()| (header, checksum))
        });
        let (header, checksum) = match decoded {
            Ok(decoded) => decoded,
            Err(fault) => return Ok(Err(fault)),
        };
        let left = self.end().0.saturating_sub(lsn.0);
        if header.extent() > left {
            let (expected, found) = (format!("at most {left}"), header.extent().to_string());
            return Ok(Err(Fault::broken("length of a frame", expected, found)));
        }
        let body_bytes = in_memory(u64::from(header.body_bytes));
        let mut body = Vec::with_capacity(body_bytes);
        let first = block.get(FRAME_HEADER_BYTES..).unwrap_or_default();
        body.extend_from_slice(first.get(..body_bytes.min(first.len())).unwrap_or_default());
        let have = body.len();
        body.resize(body_bytes, 0);
        if let Some(rest) = body.get_mut(have..) {
            self.read(Lsn(lsn.0.saturating_add(HEADER_BYTES)), rest)?;
        }
        let records = match record::split(&body, header.records_count, header.records_checksum) {
            Ok(records) => records,
            Err(Fault::Broken {
                at,
                what,
                expected,
                found,
            }) => {
                let at = at.saturating_add(on_disk(FRAME_HEADER_BYTES));
                return Ok(Err(Fault::Broken {
                    at,
                    what,
                    expected,
                    found,
                }));
            }
            Err(fault) => return Ok(Err(fault)),
        };
        let (file, offset) = (segment.name(), segment.offset_of(lsn));
        Ok(Ok(Frame {
            header,
            checksum,
            body,
            records,
            file,
            offset,
        }))
    }
}
