//! Records: what frames are made of. Encoding is done by the writer thread, decoding by every reader.
//!
//! A record is a 32-byte header, its payload, and zeros up to a multiple of eight. Its checksum covers
//! header and payload; the frame covers the checksums. Decoding expects hostile bytes: a length is
//! believed only after it was found inside the frame.

use std::io::Read;
use std::ops::Range;

use bytes::Bytes;

use crate::fields::{Fields, in_memory};
use crate::frame::{AlignedBuffer, Fault};
use crate::{Entry, EntryKind, GroupId, LogPosition};

/// Largest payload of a record.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// Bytes of a record's header.
pub(crate) const RECORD_HEADER_BYTES: usize = 32;

const ALIGNMENT: usize = 8;
const FLAG_ZSTD: u8 = 1;
const NO_INDEX: u64 = u64::MAX;

/// What a record says about its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An entry follows the last one.
    Entry(Entry),
    /// The group's state (its vote) is now this.
    State(Bytes),
    /// The entries after this index are gone; all of them, if `None`.
    TruncateAfter(Option<u64>),
    /// The entries up to and with this one are gone.
    Purge(LogPosition),
    /// The caller's committed position.
    CommittedHint(Bytes),
    /// All that earlier segments say about the group, so that they can be reused.
    Checkpoint(Checkpoint),
}

/// A group's bounds as a segment begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The last purged entry.
    pub purged: Option<LogPosition>,
    /// Index of the first entry; `None` if there is none behind `purged`.
    pub first_index: Option<u64>,
    /// Index of the last entry; its term stands in the entry, or in `purged`.
    pub last_index: Option<u64>,
    /// The state.
    pub state: Option<Bytes>,
    /// The committed hint.
    pub committed_hint: Option<Bytes>,
}

mod kinds {
    pub(super) const ENTRY: u8 = 1;
    pub(super) const STATE: u8 = 2;
    pub(super) const TRUNCATE_AFTER: u8 = 3;
    pub(super) const PURGE: u8 = 4;
    pub(super) const COMMITTED_HINT: u8 = 5;
    pub(super) const CHECKPOINT: u8 = 6;
}

/// A record as it stands in a frame, its payload not yet unpacked.
pub(crate) struct RawRecord {
    pub(crate) group: GroupId,
    kind: u8,
    flags: u8,
    entry_kind: u8,
    term: u64,
    index: u64,
    payload: Range<usize>,
    checksum: u32,
}

/// Bytes that a record with this payload takes, uncompressed.
pub(crate) fn record_bytes(payload: usize) -> usize {
    (RECORD_HEADER_BYTES.saturating_add(payload)).next_multiple_of(ALIGNMENT)
}

/// Compresses payloads where it pays.
pub(crate) struct Compression {
    from_bytes: Option<usize>,
    packed: Vec<u8>,
}

impl Compression {
    pub(crate) fn new(from_bytes: Option<usize>) -> Self {
        Compression {
            from_bytes,
            packed: Vec::new(),
        }
    }

    /// The packed form of `payload`, if it is large enough and at least an eighth smaller.
    fn pack(&mut self, payload: &[u8]) -> Option<&[u8]> {
        const LEVEL: i32 = 1;
        if payload.len() < self.from_bytes? {
            return None;
        }
        let raw_bytes = u32::try_from(payload.len()).ok()?;
        let limit = payload.len() - payload.len() / 8;
        self.packed.clear();
        self.packed.resize(limit, 0);
        let room = self.packed.get_mut(4..)?;
        // A packed form that does not fit in the smaller room is an error here, and does not pay.
        let packed_bytes = zstd::bulk::compress_to_buffer(payload, room, LEVEL).ok()?;
        self.packed
            .get_mut(..4)?
            .copy_from_slice(&raw_bytes.to_le_bytes());
        self.packed.get(..packed_bytes.checked_add(4)?)
    }
}

/// Writes records behind each other and remembers the checksum of their checksums.
pub(crate) struct RecordWriter<'a> {
    pub(crate) buffer: &'a mut AlignedBuffer,
    pub(crate) compression: &'a mut Compression,
    pub(crate) checksums: crc32fast::Hasher,
    pub(crate) count: u32,
}

struct Fixed {
    kind: u8,
    entry_kind: u8,
    term: u64,
    index: u64,
}

impl RecordWriter<'_> {
    pub(crate) fn entry(&mut self, group: GroupId, entry: &Entry) {
        let fixed = Fixed {
            kind: kinds::ENTRY,
            entry_kind: entry.kind.0,
            term: entry.term,
            index: entry.index,
        };
        self.put(group, &fixed, &entry.payload);
    }

    pub(crate) fn state(&mut self, group: GroupId, state: &[u8]) {
        self.put(
            group,
            &Fixed {
                kind: kinds::STATE,
                entry_kind: 0,
                term: 0,
                index: 0,
            },
            state,
        );
    }

    pub(crate) fn truncate_after(&mut self, group: GroupId, index: Option<u64>) {
        let index = index.unwrap_or(NO_INDEX);
        let fixed = Fixed {
            kind: kinds::TRUNCATE_AFTER,
            entry_kind: 0,
            term: 0,
            index,
        };
        self.put(group, &fixed, &[]);
    }

    pub(crate) fn purge(&mut self, group: GroupId, upto: LogPosition) {
        let LogPosition { index, term } = upto;
        self.put(
            group,
            &Fixed {
                kind: kinds::PURGE,
                entry_kind: 0,
                term,
                index,
            },
            &[],
        );
    }

    pub(crate) fn committed_hint(&mut self, group: GroupId, hint: &[u8]) {
        let fixed = Fixed {
            kind: kinds::COMMITTED_HINT,
            entry_kind: 0,
            term: 0,
            index: 0,
        };
        self.put(group, &fixed, hint);
    }

    pub(crate) fn checkpoint(&mut self, group: GroupId, checkpoint: &Checkpoint) {
        let fixed = Fixed {
            kind: kinds::CHECKPOINT,
            entry_kind: 0,
            term: 0,
            index: 0,
        };
        self.put(group, &fixed, &checkpoint.encode());
    }

    fn put(&mut self, group: GroupId, fixed: &Fixed, payload: &[u8]) {
        let (flags, stored) = match self.compression.pack(payload) {
            Some(packed) => (FLAG_ZSTD, packed),
            None => (0, payload),
        };
        let stored_bytes = u32::try_from(stored.len())
            .expect("append refuses payloads above 1 GiB, so the length fits");
        let mut checked = [0u8; RECORD_HEADER_BYTES - 4];
        let fields: [&[u8]; 6] = [
            &stored_bytes.to_le_bytes(),
            &[fixed.kind, flags],
            &group.0.to_le_bytes(),
            &[fixed.entry_kind, 0, 0, 0],
            &fixed.term.to_le_bytes(),
            &fixed.index.to_le_bytes(),
        ];
        let mut places = checked.iter_mut();
        for byte in fields.into_iter().flatten() {
            if let Some(place) = places.next() {
                *place = *byte;
            }
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&checked);
        hasher.update(stored);
        let checksum = hasher.finalize().to_le_bytes();
        self.checksums.update(&checksum);
        self.buffer.extend(&checksum);
        self.buffer.extend(&checked);
        self.buffer.extend(stored);
        self.buffer.pad_to(ALIGNMENT);
        self.count += 1;
    }
}

/// Splits a frame's body into records and verifies every checksum, without unpacking payloads.
pub(crate) fn split(body: &[u8], count: u32, checksum: u32) -> Result<Vec<RawRecord>, Fault> {
    let most = body.len() / RECORD_HEADER_BYTES;
    let mut records = Vec::with_capacity(most.min(usize::try_from(count).unwrap_or(most)));
    let mut checksums = crc32fast::Hasher::new();
    let mut at = 0usize;
    for _ in 0..count {
        let record = RawRecord::read(body, at)?;
        checksums.update(&record.checksum.to_le_bytes());
        at = record.payload.end.next_multiple_of(ALIGNMENT);
        records.push(record);
    }
    let computed = checksums.finalize();
    if computed != checksum {
        let (expected, found) = (format!("{checksum:08x}"), format!("{computed:08x}"));
        return Err(Fault::broken(
            "checksum over a frame's records",
            expected,
            found,
        ));
    }
    if at != body.len() {
        let (expected, found) = (body.len().to_string(), at.to_string());
        return Err(Fault::broken(
            "length of a frame's records",
            expected,
            found,
        ));
    }
    Ok(records)
}

impl RawRecord {
    fn read(body: &[u8], at: usize) -> Result<RawRecord, Fault> {
        let fault = |what, expected: String, found: String| Fault::Broken {
            at: crate::fields::on_disk(at),
            what,
            expected,
            found,
        };
        let rest = body.get(at..).unwrap_or_default();
        let Some((stored_checksum, record)) = Self::read_fields(rest, at) else {
            return Err(fault(
                "length of a record",
                "a record inside the frame".to_string(),
                format!("{} bytes left", rest.len()),
            ));
        };
        let checked = body
            .get(at.saturating_add(4)..record.payload.end)
            .unwrap_or_default();
        let computed = crc32fast::hash(checked);
        if computed != stored_checksum {
            return Err(fault(
                "checksum of a record",
                format!("{stored_checksum:08x}"),
                format!("{computed:08x}"),
            ));
        }
        Ok(record)
    }

    fn read_fields(rest: &[u8], at: usize) -> Option<(u32, RawRecord)> {
        let mut fields = Fields::new(rest);
        let checksum = fields.u32()?;
        let payload_bytes = usize::try_from(fields.u32()?).ok()?;
        let kind = fields.u8()?;
        let flags = fields.u8()?;
        let group = GroupId(fields.u16()?);
        let entry_kind = fields.u8()?;
        fields.bytes(3)?;
        let term = fields.u64()?;
        let index = fields.u64()?;
        fields.bytes(payload_bytes)?;
        let start = at.checked_add(RECORD_HEADER_BYTES)?;
        let payload = start..start.checked_add(payload_bytes)?;
        Some((
            checksum,
            RawRecord {
                group,
                kind,
                flags,
                entry_kind,
                term,
                index,
                payload,
                checksum,
            },
        ))
    }

    /// The entry's index, if the record is an entry.
    pub(crate) fn entry_index(&self) -> Option<u64> {
        (self.kind == kinds::ENTRY).then_some(self.index)
    }

    /// The index that the record truncates after, if it is a truncation.
    pub(crate) fn truncation(&self) -> Option<Option<u64>> {
        let index = Some(self.index).filter(|index| *index != NO_INDEX);
        (self.kind == kinds::TRUNCATE_AFTER).then_some(index)
    }

    /// Unpacks the record from the frame's body, from which it was split.
    pub(crate) fn decode(&self, body: &[u8]) -> Result<Record, Fault> {
        let stored = body.get(self.payload.clone()).unwrap_or_default();
        let payload = if self.flags & FLAG_ZSTD == 0 {
            Bytes::copy_from_slice(stored)
        } else {
            unpack(stored)?
        };
        let unreadable = || {
            Fault::broken(
                "type of a record",
                "a known type".to_string(),
                self.kind.to_string(),
            )
        };
        Ok(match self.kind {
            kinds::ENTRY => Record::Entry(Entry {
                index: self.index,
                term: self.term,
                kind: EntryKind(self.entry_kind),
                payload,
            }),
            kinds::STATE => Record::State(payload),
            kinds::TRUNCATE_AFTER => {
                Record::TruncateAfter(Some(self.index).filter(|index| *index != NO_INDEX))
            }
            kinds::PURGE => Record::Purge(LogPosition {
                index: self.index,
                term: self.term,
            }),
            kinds::COMMITTED_HINT => Record::CommittedHint(payload),
            kinds::CHECKPOINT => {
                Record::Checkpoint(Checkpoint::decode(&payload).ok_or_else(unreadable)?)
            }
            _ => return Err(unreadable()),
        })
    }
}

/// Unpacks a compressed payload. Memory grows with what really comes out, up to what was announced.
fn unpack(stored: &[u8]) -> Result<Bytes, Fault> {
    let fault = |found: String| {
        Fault::broken(
            "a compressed payload",
            "zstd of the announced size".to_string(),
            found,
        )
    };
    let mut fields = Fields::new(stored);
    let raw_bytes = fields.u32().ok_or_else(|| fault("no size".to_string()))?;
    if in_memory(u64::from(raw_bytes)) > PAYLOAD_BYTES_MAX {
        return Err(fault(format!("{raw_bytes} bytes")));
    }
    let mut raw = Vec::new();
    zstd::stream::read::Decoder::with_buffer(stored.get(4..).unwrap_or_default())
        .and_then(|decoder| decoder.take(u64::from(raw_bytes) + 1).read_to_end(&mut raw))
        .map_err(|error| fault(error.to_string()))?;
    if raw.len() != in_memory(u64::from(raw_bytes)) {
        return Err(fault(format!("{} bytes", raw.len())));
    }
    Ok(Bytes::from(raw))
}

impl Checkpoint {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut present = 0u8;
        for (bit, is_some) in [
            (1, self.purged.is_some()),
            (2, self.last_index.is_some()),
            (4, self.state.is_some()),
            (8, self.committed_hint.is_some()),
            (16, self.first_index.is_some()),
        ] {
            present |= if is_some { bit } else { 0 };
        }
        bytes.push(present);
        if let Some(purged) = self.purged {
            bytes.extend_from_slice(&purged.index.to_le_bytes());
            bytes.extend_from_slice(&purged.term.to_le_bytes());
        }
        if let Some(last_index) = self.last_index {
            bytes.extend_from_slice(&last_index.to_le_bytes());
        }
        if let Some(first_index) = self.first_index {
            bytes.extend_from_slice(&first_index.to_le_bytes());
        }
        for blob in [&self.state, &self.committed_hint].into_iter().flatten() {
            let len = u32::try_from(blob.len()).expect("states and hints are below 1 GiB");
            bytes.extend_from_slice(&len.to_le_bytes());
            bytes.extend_from_slice(blob);
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Checkpoint> {
        let mut fields = Fields::new(bytes);
        let present = fields.u8()?;
        let mut checkpoint = Checkpoint::default();
        if present & 1 != 0 {
            checkpoint.purged = Some(LogPosition {
                index: fields.u64()?,
                term: fields.u64()?,
            });
        }
        if present & 2 != 0 {
            checkpoint.last_index = Some(fields.u64()?);
        }
        if present & 16 != 0 {
            checkpoint.first_index = Some(fields.u64()?);
        }
        let mut blob = |bit: u8| -> Option<Option<Bytes>> {
            if present & bit == 0 {
                return Some(None);
            }
            let len = usize::try_from(fields.u32()?).ok()?;
            Some(Some(Bytes::copy_from_slice(fields.bytes(len)?)))
        };
        checkpoint.state = blob(4)?;
        checkpoint.committed_hint = blob(8)?;
        fields.is_empty().then_some(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, payload: Vec<u8>) -> Record {
        Record::Entry(Entry {
            index,
            term: 3,
            kind: EntryKind(9),
            payload: payload.into(),
        })
    }

    fn all_kinds() -> Vec<Record> {
        let position = LogPosition { index: 4, term: 2 };
        vec![
            entry(1, b"abc".to_vec()),
            entry(2, vec![7; 100_000]),
            entry(
                3,
                (0..50_000u32)
                    .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
                    .collect(),
            ),
            Record::State(Bytes::from_static(b"vote")),
            Record::TruncateAfter(None),
            Record::TruncateAfter(Some(2)),
            Record::Purge(position),
            Record::CommittedHint(Bytes::from_static(b"")),
            Record::Checkpoint(Checkpoint::default()),
            Record::Checkpoint(Checkpoint {
                purged: Some(position),
                first_index: Some(5),
                last_index: Some(7),
                state: Some(Bytes::from_static(b"s")),
                committed_hint: Some(Bytes::from_static(b"hint")),
            }),
        ]
    }

    fn encode(records: &[Record], compress: Option<usize>) -> (Vec<u8>, u32, u32) {
        let mut buffer = AlignedBuffer::with_capacity(0);
        let mut writer = RecordWriter {
            buffer: &mut buffer,
            compression: &mut Compression::new(compress),
            checksums: crc32fast::Hasher::new(),
            count: 0,
        };
        let group = GroupId(5);
        for record in records {
            match record {
                Record::Entry(entry) => writer.entry(group, entry),
                Record::State(state) => writer.state(group, state),
                Record::TruncateAfter(index) => writer.truncate_after(group, *index),
                Record::Purge(upto) => writer.purge(group, *upto),
                Record::CommittedHint(hint) => writer.committed_hint(group, hint),
                Record::Checkpoint(checkpoint) => writer.checkpoint(group, checkpoint),
            }
        }
        let (checksum, count) = (writer.checksums.clone().finalize(), writer.count);
        (buffer.as_slice().to_vec(), count, checksum)
    }

    #[test]
    fn every_record_comes_back_as_it_was_written() {
        let records = all_kinds();
        let mut sizes = Vec::new();
        for compress in [None, Some(4096)] {
            let (body, count, checksum) = encode(&records, compress);
            sizes.push(body.len());
            let found: Vec<Record> = split(&body, count, checksum)
                .expect("written whole")
                .iter()
                .map(|raw| raw.decode(&body).expect("written whole"))
                .collect();
            assert_eq!(found, records);
        }
        assert!(
            sizes[1] + 90_000 < sizes[0],
            "the repetitive payload is packed: {sizes:?}"
        );
        assert!(sizes[1] > 200_000, "the random payload is not");
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let small: Vec<Record> = all_kinds()
            .into_iter()
            .filter(|r| !matches!(r, Record::Entry(e) if e.index > 1))
            .collect();
        let (body, count, checksum) = encode(&small, None);
        let whole: Vec<Record> = small;
        for bit in 0..body.len() * 8 {
            let mut rotten = body.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            if let Ok(records) = split(&rotten, count, checksum) {
                // Only padding is not covered, and it changes nothing.
                let found: Vec<_> = records.iter().map(|raw| raw.decode(&rotten)).collect();
                assert_eq!(
                    found,
                    whole.iter().cloned().map(Ok).collect::<Vec<_>>(),
                    "bit {bit}"
                );
            }
        }
        for length in 0..body.len() {
            assert!(
                split(&body[..length], count, checksum).is_err(),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn a_packed_payload_cannot_unpack_to_more_than_it_announces() {
        let packed = zstd::bulk::compress(&vec![0; 1 << 20], 1).expect("zeros compress");
        let mut stored = 100u32.to_le_bytes().to_vec();
        stored.extend_from_slice(&packed);
        assert!(unpack(&stored).is_err());
    }
}
