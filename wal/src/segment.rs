//! Segment files: their names and their headers.
//!
//! Always holds: a header is valid only in the file whose name carries its sequence number, so a file
//! that was renamed to be a spare holds no log, without a write. The header block holds two copies in
//! different sectors: one rotten sector does not make a whole segment unreadable.

use crate::Lsn;
use crate::fields::Fields;

/// Bytes of a segment's header, and the unit that frames are aligned to.
pub(crate) const HEADER_BYTES: u64 = 4096;

/// The same, for sizes in memory.
pub(crate) const BLOCK: usize = 4096;

const MAGIC: [u8; 8] = *b"HFWAL\0\0\x01";
const COPY_BYTES: usize = 92;
const COPIES_AT: [usize; 2] = [0, BLOCK / 2];
const NO_FRAME: u64 = u64::MAX;

/// What a segment's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Place in the order of segments; also the file's name.
    pub sequence: u64,
    /// Size of the file, this header included.
    pub segment_bytes: u64,
    /// Drawn anew for each use of the file; each frame that begins in it repeats it.
    pub nonce: u64,
    /// The log that it belongs to.
    pub log_id: [u8; 16],
    /// Position in the stream of the first byte after the header.
    pub base: Lsn,
    /// Where the first frame begins; `None` if one frame covers the whole segment.
    pub first_frame: Option<Lsn>,
    /// Number of the first frame that begins here.
    pub first_frame_sequence: u64,
    /// Checksum of the frame before that.
    pub previous_checksum: u32,
    /// What was durable when the header was written.
    pub durable_through: Lsn,
}

impl SegmentHeader {
    /// The bytes of the stream that this segment holds.
    pub fn capacity(&self) -> u64 {
        self.segment_bytes.saturating_sub(HEADER_BYTES)
    }

    /// The whole header block.
    pub(crate) fn encode(&self) -> [u8; BLOCK] {
        let mut copy = Vec::with_capacity(COPY_BYTES);
        copy.extend_from_slice(&MAGIC);
        copy.extend_from_slice(&self.sequence.to_le_bytes());
        copy.extend_from_slice(&self.segment_bytes.to_le_bytes());
        copy.extend_from_slice(&self.nonce.to_le_bytes());
        copy.extend_from_slice(&self.log_id);
        copy.extend_from_slice(&self.base.0.to_le_bytes());
        copy.extend_from_slice(&self.first_frame.map_or(NO_FRAME, |lsn| lsn.0).to_le_bytes());
        copy.extend_from_slice(&self.first_frame_sequence.to_le_bytes());
        copy.extend_from_slice(&self.durable_through.0.to_le_bytes());
        copy.extend_from_slice(&self.previous_checksum.to_le_bytes());
        copy.extend_from_slice(&0u32.to_le_bytes());
        let checksum = crc32fast::hash(&copy);
        copy.extend_from_slice(&checksum.to_le_bytes());
        let mut block = [0u8; BLOCK];
        for at in COPIES_AT {
            if let Some(place) = block.get_mut(at..at.saturating_add(copy.len())) {
                place.copy_from_slice(&copy);
            }
        }
        block
    }

    /// Reads a header block; `None` if neither copy is intact.
    pub(crate) fn decode(block: &[u8]) -> Option<SegmentHeader> {
        COPIES_AT
            .iter()
            .find_map(|at| Self::decode_copy(block.get(*at..)?))
    }

    fn decode_copy(bytes: &[u8]) -> Option<SegmentHeader> {
        const CHECKED: usize = COPY_BYTES - 4;
        let mut fields = Fields::new(bytes);
        let checked = fields.bytes(CHECKED)?;
        if fields.u32()? != crc32fast::hash(checked) {
            return None;
        }
        let mut fields = Fields::new(checked);
        if fields.bytes(MAGIC.len())? != MAGIC.as_slice() {
            return None;
        }
        let sequence = fields.u64()?;
        let segment_bytes = fields.u64()?;
        let nonce = fields.u64()?;
        let log_id = fields.id()?;
        let base = Lsn(fields.u64()?);
        let first_frame = Some(fields.u64()?).filter(|lsn| *lsn != NO_FRAME).map(Lsn);
        let first_frame_sequence = fields.u64()?;
        let durable_through = Lsn(fields.u64()?);
        let previous_checksum = fields.u32()?;
        let header = SegmentHeader {
            sequence,
            segment_bytes,
            nonce,
            log_id,
            base,
            first_frame,
            first_frame_sequence,
            previous_checksum,
            durable_through,
        };
        header.is_sane().then_some(header)
    }

    fn is_sane(&self) -> bool {
        self.segment_bytes >= 2 * HEADER_BYTES
            && self.segment_bytes.is_multiple_of(HEADER_BYTES)
            && self.base.0.is_multiple_of(HEADER_BYTES)
            && self.base.0.checked_add(self.segment_bytes).is_some()
    }
}

/// The name of the segment file with this sequence number.
pub(crate) fn file_name(sequence: u64) -> String {
    format!("{sequence:016x}.seg")
}

/// The name under which it is made, before it is whole.
pub(crate) fn unfinished_name(sequence: u64) -> String {
    format!("{sequence:016x}.tmp")
}

/// The sequence number in a segment file's name; `None` for other files.
pub(crate) fn sequence_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    if digits.len() != 16 {
        return None;
    }
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|sequence| *sequence > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            sequence: 7,
            segment_bytes: 64 << 20,
            nonce: 0x1234_5678_9abc_def0,
            log_id: *b"0123456789abcdef",
            base: Lsn(8192),
            first_frame: None,
            first_frame_sequence: 12,
            previous_checksum: 99,
            durable_through: Lsn(4096),
        }
    }

    #[test]
    fn a_header_survives_rot_in_either_copy_but_not_in_both() {
        let whole = header().encode();
        assert_eq!(SegmentHeader::decode(&whole), Some(header()));
        for at in COPIES_AT {
            for byte in 0..COPY_BYTES {
                let mut rotten = whole;
                rotten[at + byte] ^= 0x10;
                assert_eq!(
                    SegmentHeader::decode(&rotten),
                    Some(header()),
                    "byte {byte}"
                );
                rotten[BLOCK / 2 - at + 5] ^= 1;
                assert_eq!(SegmentHeader::decode(&rotten), None, "byte {byte}");
            }
        }
    }

    #[test]
    fn only_names_of_sixteen_digits_are_segments() {
        assert_eq!(sequence_of(&file_name(0xabc)), Some(0xabc));
        for name in [
            unfinished_name(3),
            "3.seg".into(),
            "LOCK".into(),
            file_name(0),
        ] {
            assert_eq!(sequence_of(&name), None, "{name}");
        }
    }
}
