//! Frames: one group commit each. This file knows their headers and how they are chained.
//!
//! A frame is a 64-byte header, records, and zeros up to a multiple of 4096. Always holds: a header is
//! accepted only at the stream position that it names, under the log id and the nonce it was written
//! with, so neither a recycled file's old bytes nor a client's payload can pass for a frame.

use crate::Lsn;
use crate::fields::Fields;
use crate::segment::{BLOCK, HEADER_BYTES};

/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 64;

const MAGIC: u32 = 0x4652_4648;

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Where the frame begins.
    pub lsn: Lsn,
    /// Number of the frame since the log began.
    pub sequence: u64,
    /// Bytes of the records.
    pub body_bytes: u32,
    /// How many records there are; none makes the frame a seal.
    pub records_count: u32,
    /// Checksum over the records' checksums.
    pub records_checksum: u32,
    /// Checksum of the frame before.
    pub previous_checksum: u32,
    /// Every byte before this position was durable when this frame was written.
    pub durable_through: Lsn,
    /// The nonce of the segment in which the frame begins.
    pub nonce: u64,
    /// Blocks that the next frame will take at most, if it is a giant; else zero.
    pub announced_blocks: u32,
}

/// A frame that takes more than this is announced by the frame before it.
pub(crate) const GIANT_BYTES: u64 = 6 << 20;

/// Where the next frame must begin and what it must be chained to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chain {
    /// Position of the next frame.
    pub lsn: Lsn,
    /// Its number.
    pub sequence: u64,
    /// The checksum of the frame before it.
    pub checksum: u32,
}

impl FrameHeader {
    /// Bytes of the stream that the frame takes, its padding included.
    pub fn extent(&self) -> u64 {
        extent_of(u64::from(self.body_bytes))
    }

    /// Where the frame ends; for one that announces a giant, where that ends at most.
    pub(crate) fn reach(&self) -> Lsn {
        let announced = u64::from(self.announced_blocks).saturating_mul(HEADER_BYTES);
        Lsn(self
            .lsn
            .0
            .saturating_add(self.extent())
            .saturating_add(announced))
    }

    /// The header's bytes and its checksum, to which the next frame is chained.
    pub(crate) fn encode(&self, log_id: &[u8; 16]) -> ([u8; FRAME_HEADER_BYTES], u32) {
        let mut bytes = [0u8; FRAME_HEADER_BYTES];
        let fields: [&[u8]; 10] = [
            &MAGIC.to_le_bytes(),
            &self.body_bytes.to_le_bytes(),
            &self.records_count.to_le_bytes(),
            &self.records_checksum.to_le_bytes(),
            &self.previous_checksum.to_le_bytes(),
            &self.announced_blocks.to_le_bytes(),
            &self.lsn.0.to_le_bytes(),
            &self.sequence.to_le_bytes(),
            &self.durable_through.0.to_le_bytes(),
            &self.nonce.to_le_bytes(),
        ];
        let mut places = bytes.iter_mut();
        for byte in fields.into_iter().flatten() {
            if let Some(place) = places.next() {
                *place = *byte;
            }
        }
        let checksum = checksum_of(bytes.get(..CHECKED).unwrap_or_default(), log_id);
        if let Some(place) = bytes.get_mut(CHECKED..CHECKED + 4) {
            place.copy_from_slice(&checksum.to_le_bytes());
        }
        (bytes, checksum)
    }

    /// Reads a header and its checksum; says why it is none.
    pub(crate) fn decode(bytes: &[u8], log_id: &[u8; 16]) -> Result<(FrameHeader, u32), Fault> {
        Self::decode_fields(bytes, log_id).unwrap_or(Err(Fault::Blank))
    }

    fn decode_fields(bytes: &[u8], log_id: &[u8; 16]) -> Option<Result<(FrameHeader, u32), Fault>> {
        let mut fields = Fields::new(bytes);
        let checked = fields.bytes(CHECKED)?;
        let stored = fields.u32()?;
        if checked.iter().all(|byte| *byte == 0) {
            return Some(Err(Fault::Blank));
        }
        let computed = checksum_of(checked, log_id);
        let mut fields = Fields::new(checked);
        let magic = fields.u32()?;
        if computed != stored || magic != MAGIC {
            return Some(Err(Fault::broken(
                "checksum of a frame header",
                format!("{stored:08x}"),
                format!("{computed:08x}"),
            )));
        }
        let body_bytes = fields.u32()?;
        let records_count = fields.u32()?;
        let records_checksum = fields.u32()?;
        let previous_checksum = fields.u32()?;
        let announced_blocks = fields.u32()?;
        let header = FrameHeader {
            announced_blocks,
            body_bytes,
            records_count,
            records_checksum,
            previous_checksum,
            lsn: Lsn(fields.u64()?),
            sequence: fields.u64()?,
            durable_through: Lsn(fields.u64()?),
            nonce: fields.u64()?,
        };
        Some(Ok((header, computed)))
    }

    /// Says whether this header may stand where `chain` says the next frame is.
    pub(crate) fn check_place(&self, chain: &Chain, nonce: u64) -> Result<(), Fault> {
        if self.lsn < chain.lsn || self.nonce != nonce {
            return Err(Fault::Stale);
        }
        for (what, expected, found) in [
            ("position in a frame header", chain.lsn.0, self.lsn.0),
            ("number in a frame header", chain.sequence, self.sequence),
            (
                "chain in a frame header",
                u64::from(chain.checksum),
                u64::from(self.previous_checksum),
            ),
        ] {
            if expected != found {
                return Err(Fault::broken(what, expected.to_string(), found.to_string()));
            }
        }
        if self.durable_through > self.lsn {
            return Err(Fault::broken(
                "durable position in a frame header",
                format!("at most {}", self.lsn.0),
                self.durable_through.0.to_string(),
            ));
        }
        Ok(())
    }
}

const CHECKED: usize = 56;

fn checksum_of(checked: &[u8], log_id: &[u8; 16]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(log_id);
    hasher.update(checked);
    hasher.finalize()
}

/// Bytes of the stream that a frame with this many bytes of records takes.
pub(crate) fn extent_of(body_bytes: u64) -> u64 {
    let whole = body_bytes.saturating_add(u64::try_from(FRAME_HEADER_BYTES).unwrap_or(64));
    whole.div_ceil(HEADER_BYTES).saturating_mul(HEADER_BYTES)
}

/// Why there is no whole frame at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Zeros, or the end of the last segment: nothing was written.
    Blank,
    /// A frame of an earlier use of the file.
    Stale,
    /// Something was written and it is not, or no longer, a whole frame.
    Broken {
        /// Bytes from the start of the frame to what was looked at.
        at: u64,
        /// What was looked at.
        what: &'static str,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
}

impl Fault {
    pub(crate) fn broken(what: &'static str, expected: String, found: String) -> Self {
        Fault::Broken {
            at: 0,
            what,
            expected,
            found,
        }
    }
}

/// An encode buffer whose bytes start at a multiple of the block size, as `O_DIRECT` demands.
///
/// Found without `unsafe`: a vector with a block to spare, and as many bytes skipped as needed.
pub(crate) struct AlignedBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl AlignedBuffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(capacity.saturating_add(BLOCK));
        let start = bytes.as_ptr().align_offset(BLOCK).min(BLOCK);
        bytes.resize(start, 0);
        AlignedBuffer { bytes, start }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(self.start);
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity() - self.start
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..).unwrap_or_default()
    }

    /// Makes room, moving to a larger buffer if needed: growing in place would lose the alignment.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let needed = self.len().saturating_add(additional);
        if needed > self.capacity() {
            let mut larger =
                AlignedBuffer::with_capacity(needed.max(self.capacity().saturating_mul(2)));
            larger.bytes.extend_from_slice(self.as_slice());
            *self = larger;
        }
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends zeros up to a multiple of `unit`.
    pub(crate) fn pad_to(&mut self, unit: usize) {
        self.resize(self.len().next_multiple_of(unit));
    }

    /// Sets the length, filling with zeros.
    pub(crate) fn resize(&mut self, len: usize) {
        self.reserve(len.saturating_sub(self.len()));
        self.bytes.resize(self.start + len, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_refused_in_another_place_and_under_another_log() {
        let header = FrameHeader {
            lsn: Lsn(8192),
            sequence: 3,
            body_bytes: 100,
            records_count: 2,
            records_checksum: 5,
            previous_checksum: 77,
            durable_through: Lsn(4096),
            nonce: 42,
            announced_blocks: 9,
        };
        let (bytes, checksum) = header.encode(b"0123456789abcdef");
        assert_eq!(
            FrameHeader::decode(&bytes, b"0123456789abcdef"),
            Ok((header, checksum))
        );
        assert!(FrameHeader::decode(&bytes, b"another log's id").is_err());
        let chain = Chain {
            lsn: Lsn(8192),
            sequence: 3,
            checksum: 77,
        };
        assert_eq!(header.check_place(&chain, 42), Ok(()));
        assert_eq!(header.check_place(&chain, 43), Err(Fault::Stale));
        let later = Chain {
            lsn: Lsn(12288),
            ..chain
        };
        assert_eq!(header.check_place(&later, 42), Err(Fault::Stale));
        let unchained = Chain {
            checksum: 78,
            ..chain
        };
        assert!(matches!(
            header.check_place(&unchained, 42),
            Err(Fault::Broken { .. })
        ));
    }

    #[test]
    fn the_buffer_stays_aligned_while_it_grows() {
        let mut buffer = AlignedBuffer::with_capacity(10);
        let mut expected = Vec::new();
        for round in 0..2000u32 {
            buffer.extend(&round.to_le_bytes());
            expected.extend_from_slice(&round.to_le_bytes());
            assert_eq!(buffer.as_slice().as_ptr().align_offset(BLOCK), 0);
        }
        assert_eq!(buffer.as_slice(), expected);
        buffer.pad_to(BLOCK);
        assert_eq!(buffer.len(), 8192);
    }
}
