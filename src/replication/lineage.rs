//! Which batches of the committed log count: the rule that every node follows (RULES.md 1, 2).
//!
//! openraft can reject batch k and accept k+1 in one term. A batch is valid if it was executed on
//! the last valid one, and void otherwise: no effect, on any node.

use bytes::{Bytes, BytesMut};

use super::batch::{BatchError, BatchHeader, BatchId};

/// The last valid batch, and the parts of the next as far as they came.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    last: BatchId,
    partial: Option<Partial>,
}

#[derive(Debug)]
struct Partial {
    header: BatchHeader,
    body: BytesMut,
}

/// What an entry of the log means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The batch is whole and valid: its effects happen now.
    Valid {
        id: BatchId,
        time_ms: i64,
        body: Bytes,
    },
    /// A part of a batch that may become valid with its last part.
    Incomplete,
    /// Nothing happens.
    Void(BatchId),
}

impl From<BatchId> for Lineage {
    /// The state in which this is the last valid batch.
    fn from(last: BatchId) -> Self {
        Self {
            last,
            partial: None,
        }
    }
}

impl Lineage {
    /// Whether no part of a batch has come whose other parts may still come.
    pub(crate) const fn is_between_batches(&self) -> bool {
        self.partial.is_none()
    }

    /// The last valid batch.
    pub(crate) const fn last(&self) -> BatchId {
        self.last
    }

    /// Judges the next entry of the committed log.
    ///
    /// # Errors
    /// The entry is no batch.
    pub(crate) fn judge(&mut self, entry: &Bytes) -> Result<Verdict, BatchError> {
        let (header, body) = BatchHeader::decode(entry)?;
        if header.prev != self.last || header.id <= self.last {
            self.partial = None;
            return Ok(Verdict::Void(header.id));
        }
        if header.parts == 1 {
            self.partial = None;
            return Ok(self.accept(header, body));
        }
        Ok(self.add_part(header, body))
    }

    fn add_part(&mut self, header: BatchHeader, body: Bytes) -> Verdict {
        if header.part == 0 {
            self.partial = Some(Partial {
                header,
                body: BytesMut::from(&body[..]),
            });
            return Verdict::Incomplete;
        }
        let Some(mut partial) = self
            .partial
            .take()
            .filter(|partial| continues(partial.header, header))
        else {
            return Verdict::Void(header.id);
        };
        partial.body.extend_from_slice(&body);
        partial.header = header;
        if header.part + 1 == header.parts {
            return self.accept(header, partial.body.freeze());
        }
        self.partial = Some(partial);
        Verdict::Incomplete
    }

    fn accept(&mut self, header: BatchHeader, body: Bytes) -> Verdict {
        self.last = header.id;
        Verdict::Valid {
            id: header.id,
            time_ms: header.time_ms,
            body,
        }
    }
}

fn continues(before: BatchHeader, next: BatchHeader) -> bool {
    (next.id, next.prev, next.parts) == (before.id, before.prev, before.parts)
        && next.part == before.part + 1
}

#[cfg(test)]
mod tests {
    use super::super::batch::{Epoch, PART_BYTES_MAX};
    use super::*;

    fn id(term: u64, seq: u64) -> BatchId {
        let epoch = Epoch {
            term,
            incarnation: 0,
        };
        BatchId { epoch, seq }
    }

    fn batch(id: BatchId, prev: BatchId, bytes: usize) -> Vec<Bytes> {
        let header = BatchHeader {
            id,
            prev,
            time_ms: 0,
            part: 0,
            parts: 1,
        };
        header.entries(BytesMut::zeroed(bytes))
    }

    fn kinds(lineage: &mut Lineage, entries: &[Bytes]) -> Vec<&'static str> {
        let judge = |entry| match lineage.judge(entry).expect("a batch") {
            Verdict::Valid { .. } => "valid",
            Verdict::Incomplete => "incomplete",
            Verdict::Void(_) => "void",
        };
        entries.iter().map(judge).collect()
    }

    #[test]
    fn a_batch_after_a_gap_is_void_and_so_are_doubles() {
        let mut lineage = Lineage::default();
        let (a, b, c) = (
            batch(id(1, 1), BatchId::default(), 1),
            batch(id(1, 2), id(1, 1), 1),
            batch(id(1, 3), id(1, 2), 1),
        );
        let log = [&a[..], &c, &b, &b, &c].concat();
        assert_eq!(
            kinds(&mut lineage, &log),
            ["valid", "void", "valid", "void", "valid"]
        );
        assert_eq!(lineage.last(), id(1, 3));
    }

    #[test]
    fn a_leader_of_a_later_term_continues_from_the_last_valid_batch() {
        let mut lineage = Lineage::default();
        let log = [
            batch(id(1, 1), BatchId::default(), 1),
            batch(id(2, 1), id(1, 1), 1),
            batch(id(1, 2), id(1, 1), 1),
        ];
        assert_eq!(
            kinds(&mut lineage, &log.concat()),
            ["valid", "valid", "void"]
        );
    }

    #[test]
    fn an_incomplete_series_of_parts_is_void() {
        let mut lineage = Lineage::default();
        let large = batch(id(1, 1), BatchId::default(), PART_BYTES_MAX * 3);
        let other = batch(id(1, 2), BatchId::default(), 1);
        let log = [large[0].clone(), large[2].clone(), large[1].clone()];
        assert_eq!(kinds(&mut lineage, &log), ["incomplete", "void", "void"]);
        assert_eq!(
            kinds(&mut lineage, &large),
            ["incomplete", "incomplete", "valid"]
        );
        assert_eq!(kinds(&mut lineage, &other), ["void"]);
    }
}
