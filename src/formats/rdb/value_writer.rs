//! `ValueWriter`: one value, written straight from the structures that hold it.
//!
//! Given out by `RdbWriter::key` and `DumpWriter::value`. One call says what the value is and how
//! many pieces it has, then each piece is given, then `finish`. Always holds, asserted: exactly the
//! announced number of pieces, of the announced kind; a file with another count could not be read.

use std::io::{self, Write};

use super::codes::{NODE_PACKED, NODE_PLAIN, type_code as code};
use super::output::Output;
use super::stream_writer::StreamWriter;
use crate::integer::DecimalBuffer;
use crate::intset::Intset;
use crate::listpack::Listpack;

/// What a value was announced to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Whole,
    List,
    Set,
    Hash,
    Zset,
}

/// Writes one value.
#[derive(Debug)]
#[must_use = "a value that is not finished leaves a file that cannot be read"]
pub struct ValueWriter<'w, W> {
    output: &'w mut Output<W>,
    /// Written behind the type code; a payload has none.
    key: Option<&'w [u8]>,
    kind: Kind,
    pieces_left: u64,
}

impl<'w, W: Write> ValueWriter<'w, W> {
    pub(super) fn new(output: &'w mut Output<W>, key: Option<&'w [u8]>) -> Self {
        Self {
            output,
            key,
            kind: Kind::Nothing,
            pieces_left: 0,
        }
    }

    /// A whole string.
    ///
    /// # Errors
    /// Here and in every method: what the underlying stream says.
    pub fn string(&mut self, value: &[u8]) -> io::Result<()> {
        self.start(code::STRING, Kind::Whole)?;
        self.output.string(value)
    }

    /// A list of so many nodes; `packed_node` or `plain_node` for each.
    ///
    /// # Errors
    /// As `string`.
    pub fn list_nodes(&mut self, nodes: usize) -> io::Result<()> {
        self.start_counted(code::QUICKLIST, Kind::List, nodes)
    }

    /// The next elements of a list.
    ///
    /// # Errors
    /// As `string`.
    pub fn packed_node(&mut self, elements: &Listpack) -> io::Result<()> {
        self.piece(Kind::List);
        self.output.length(NODE_PACKED)?;
        self.output.string(elements.bytes())
    }

    /// The next element of a list, on its own because it is large.
    ///
    /// # Errors
    /// As `string`.
    pub fn plain_node(&mut self, element: &[u8]) -> io::Result<()> {
        self.piece(Kind::List);
        self.output.length(NODE_PLAIN)?;
        self.output.string(element)
    }

    /// A set of so many members; `member` for each.
    ///
    /// # Errors
    /// As `string`.
    pub fn set_members(&mut self, members: usize) -> io::Result<()> {
        self.start_counted(code::SET, Kind::Set, members)
    }

    /// The next member of a set.
    ///
    /// # Errors
    /// As `string`.
    #[inline]
    pub fn member(&mut self, member: &[u8]) -> io::Result<()> {
        self.piece(Kind::Set);
        self.output.string(member)
    }

    /// A whole set of integers.
    ///
    /// # Errors
    /// As `string`.
    pub fn intset(&mut self, set: &Intset) -> io::Result<()> {
        self.start(code::SET_INTSET, Kind::Whole)?;
        self.output.string(set.bytes())
    }

    /// A whole packed set. Redis 7.0 knows no packed sets, so it is written member by member.
    ///
    /// # Errors
    /// As `string`.
    pub fn set_packed(&mut self, set: &Listpack) -> io::Result<()> {
        self.set_members(set.len())?;
        let mut buffer = DecimalBuffer::new();
        for member in set {
            self.member(member.to_bytes(&mut buffer))?;
        }
        Ok(())
    }

    /// A hash of so many fields; `pair` for each.
    ///
    /// # Errors
    /// As `string`.
    pub fn hash_pairs(&mut self, pairs: usize) -> io::Result<()> {
        self.start_counted(code::HASH, Kind::Hash, pairs)
    }

    /// The next field of a hash and its value.
    ///
    /// # Errors
    /// As `string`.
    #[inline]
    pub fn pair(&mut self, field: &[u8], value: &[u8]) -> io::Result<()> {
        self.piece(Kind::Hash);
        self.output.string(field)?;
        self.output.string(value)
    }

    /// A whole packed hash: field, value, ….
    ///
    /// # Errors
    /// As `string`.
    pub fn hash_packed(&mut self, hash: &Listpack) -> io::Result<()> {
        self.start(code::HASH_LISTPACK, Kind::Whole)?;
        self.output.string(hash.bytes())
    }

    /// A sorted set of so many members; `scored` for each, best from the highest score down: Redis
    /// then loads it fastest.
    ///
    /// # Errors
    /// As `string`.
    pub fn zset_pairs(&mut self, members: usize) -> io::Result<()> {
        self.start_counted(code::ZSET, Kind::Zset, members)
    }

    /// The next member of a sorted set and its score.
    ///
    /// # Errors
    /// As `string`.
    #[inline]
    pub fn scored(&mut self, member: &[u8], score: f64) -> io::Result<()> {
        assert!(!score.is_nan(), "a score is a number");
        self.piece(Kind::Zset);
        self.output.string(member)?;
        self.output.bytes(&score.to_le_bytes())
    }

    /// A whole packed sorted set: member, score, … in ascending order.
    ///
    /// # Errors
    /// As `string`.
    pub fn zset_packed(&mut self, zset: &Listpack) -> io::Result<()> {
        self.start(code::ZSET_LISTPACK, Kind::Whole)?;
        self.output.string(zset.bytes())
    }

    /// A whole value of a module, as `Part::Module` gave it.
    ///
    /// # Errors
    /// As `string`.
    pub fn module(&mut self, id: u64, payload: &[u8]) -> io::Result<()> {
        self.start(code::MODULE, Kind::Whole)?;
        self.output.length(id)?;
        self.output.bytes(payload)
    }

    /// A stream of so many nodes, through a writer of its own.
    ///
    /// # Errors
    /// As `string`.
    pub fn stream(mut self, nodes: usize) -> io::Result<StreamWriter<'w, W>> {
        self.start(code::STREAM_2, Kind::Whole)?;
        StreamWriter::new(self.output, nodes)
    }

    /// Ends the value.
    ///
    /// # Panics
    /// If it is not whole.
    pub fn finish(self) {
        assert!(self.kind != Kind::Nothing, "no value was written");
        assert!(
            self.pieces_left == 0,
            "{} announced pieces of a value are missing",
            self.pieces_left
        );
    }

    fn start(&mut self, code: u8, kind: Kind) -> io::Result<()> {
        assert!(self.kind == Kind::Nothing, "a second value for one key");
        self.kind = kind;
        self.output.byte(code)?;
        match self.key {
            Some(key) => self.output.string(key),
            None => Ok(()),
        }
    }

    fn start_counted(&mut self, code: u8, kind: Kind, pieces: usize) -> io::Result<()> {
        // Servers refuse payloads of empty collections, and drop such keys of files.
        assert!(pieces > 0, "an empty collection is no value");
        self.start(code, kind)?;
        self.pieces_left = u64::try_from(pieces).unwrap_or(u64::MAX);
        self.output.length(self.pieces_left)
    }

    #[inline]
    fn piece(&mut self, kind: Kind) {
        assert!(self.kind == kind, "a piece of another kind of value");
        assert!(self.pieces_left > 0, "more pieces than announced");
        self.pieces_left = self.pieces_left.saturating_sub(1);
    }
}
