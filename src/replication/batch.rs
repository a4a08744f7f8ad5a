//! The bytes of a batch in the log: a header that names the batch and the one that it was executed
//! on, then the effects as plain Redis commands (`holdfast_engine::effects`).
//!
//! A batch of more than [`PART_BYTES_MAX`] goes out as several entries, each with the same header
//! but for the part's number; nodes put them together and apply them at the last (RULES.md 8).
//!
//! ```text
//! u8 version (1) | u8 0 | u16 0 | u32 part | u32 parts | i64 leader time, ms
//! | u64 term, u32 incarnation, u64 seq        of this batch
//! | u64 term, u32 incarnation, u64 seq        of the batch before
//! | body                                      all integers little endian
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

const VERSION: u8 = 1;
/// Size of the header, in bytes.
pub(crate) const HEADER_BYTES: usize = 20 + 20 + 20;
/// Longest body of one entry.
pub(crate) const PART_BYTES_MAX: usize = 1024 * 1024;

/// One unbroken run of a leader's batches, ordered by term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch {
    pub(crate) term: u64,
    /// Distinguishes the runs of one term: a leader that had to roll back starts another.
    pub(crate) incarnation: u32,
}

/// The name of a batch. All zero stands for the state before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchId {
    pub(crate) epoch: Epoch,
    pub(crate) seq: u64,
}

/// What stands before the effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) id: BatchId,
    /// The batch that this one was executed on.
    pub(crate) prev: BatchId,
    /// The leader's time at which the batch was executed.
    pub(crate) time_ms: i64,
    pub(crate) part: u32,
    pub(crate) parts: u32,
}

/// An entry of the log that is no batch of a version known here.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BatchError {
    #[error("a batch of {0} bytes is shorter than its header")]
    Short(usize),
    #[error("the batch has format version {0}; this program reads version {VERSION}")]
    Version(u8),
    #[error("part {part} of {parts}")]
    Part { part: u32, parts: u32 },
}

impl BatchHeader {
    /// The entries of a batch with this body.
    pub(crate) fn entries(self, mut body: BytesMut) -> Vec<Bytes> {
        let parts = body.len().div_ceil(PART_BYTES_MAX).max(1);
        let parts = u32::try_from(parts).expect("the body is bounded by effects_bytes_max");
        let mut entries = Vec::with_capacity(1);
        for part in 0..parts {
            let piece = body.split_to(body.len().min(PART_BYTES_MAX));
            let header = Self {
                part,
                parts,
                ..self
            };
            entries.push(header.encode(&piece));
        }
        entries
    }

    fn encode(self, body: &[u8]) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + body.len());
        bytes.put_u8(VERSION);
        bytes.put_bytes(0, 3);
        bytes.put_u32_le(self.part);
        bytes.put_u32_le(self.parts);
        bytes.put_i64_le(self.time_ms);
        for id in [self.id, self.prev] {
            bytes.put_u64_le(id.epoch.term);
            bytes.put_u32_le(id.epoch.incarnation);
            bytes.put_u64_le(id.seq);
        }
        bytes.put_slice(body);
        bytes.freeze()
    }

    /// Reads the header; returns it with the body that follows.
    ///
    /// # Errors
    /// The entry was not written by [`BatchHeader::entries`], or by a later version.
    pub(crate) fn decode(entry: &Bytes) -> Result<(Self, Bytes), BatchError> {
        use bytes::Buf;
        if entry.len() < HEADER_BYTES {
            return Err(BatchError::Short(entry.len()));
        }
        let mut bytes = entry.clone();
        let version = bytes.get_u8();
        if version != VERSION {
            return Err(BatchError::Version(version));
        }
        bytes.advance(3);
        let (part, parts) = (bytes.get_u32_le(), bytes.get_u32_le());
        if part >= parts {
            return Err(BatchError::Part { part, parts });
        }
        let time_ms = bytes.get_i64_le();
        let mut id = || BatchId {
            epoch: Epoch {
                term: bytes.get_u64_le(),
                incarnation: bytes.get_u32_le(),
            },
            seq: bytes.get_u64_le(),
        };
        let header = Self {
            id: id(),
            prev: id(),
            time_ms,
            part,
            parts,
        };
        Ok((header, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> BatchHeader {
        let epoch = Epoch {
            term: 3,
            incarnation: 1,
        };
        BatchHeader {
            id: BatchId { epoch, seq: 9 },
            prev: BatchId { epoch, seq: 8 },
            time_ms: 1_700_000_000_000,
            part: 0,
            parts: 1,
        }
    }

    #[test]
    fn a_large_batch_comes_back_from_its_parts() {
        let body = vec![7; PART_BYTES_MAX * 2 + 5];
        let entries = header().entries(BytesMut::from(&body[..]));
        let decoded: Vec<_> = entries
            .iter()
            .map(|entry| BatchHeader::decode(entry).expect("own bytes"))
            .collect();
        let parts: Vec<_> = decoded
            .iter()
            .map(|(header, _)| (header.part, header.parts))
            .collect();
        assert_eq!(parts, [(0, 3), (1, 3), (2, 3)]);
        let joined: Vec<u8> = decoded.iter().flat_map(|(_, body)| body.to_vec()).collect();
        assert_eq!(joined, body);
    }

    #[test]
    fn foreign_bytes_are_refused() {
        let entry = header().entries(BytesMut::from(&b"x"[..])).remove(0);
        assert_eq!(
            BatchHeader::decode(&entry.slice(..59)),
            Err(BatchError::Short(59))
        );
        let mut other = entry.to_vec();
        other[0] = 2;
        assert_eq!(
            BatchHeader::decode(&Bytes::from(other)),
            Err(BatchError::Version(2))
        );
    }
}
