//! `Node`: some successive entries of a stream in one listpack, laid out as Redis does and as RDB
//! files hold it.
//!
//! Called by `Entries`, which keeps nodes by their master id. The block begins with the number of
//! entries that live, of those marked as deleted, and the fields of the first entry, which entries
//! with the same fields do not repeat; then each entry with its distance from the master id, and at
//! its end the number of its elements, for walks backwards. Always holds: both counts are those of
//! the entries, whose ids rise; an entry is only marked when it is deleted, and a node without a
//! living one is dropped by its owner.

use std::sync::Arc;

use holdfast_formats::rdb::StreamId;
use holdfast_formats::{Element, Listpack, ListpackIter, Position};

use crate::values::direction::Direction;

/// Marks of an entry.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 1 << 1;

/// What a block is made of beside the entries' own texts, at most: for the check of its size.
const ELEMENTS_BESIDE: usize = 16;

/// A field and its value.
pub type Pair<'a> = (Element<'a>, Element<'a>);

/// One entry of a stream.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    fields: Fields<'a>,
}

impl<'a> Entry<'a> {
    /// How many fields it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.fields.left
    }

    /// Whether it has no field; commands make no such entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its fields with their values, in the order in which they were given.
    pub fn pairs(&self) -> impl Iterator<Item = Pair<'a>> + use<'a> {
        self.fields.clone()
    }
}

/// A walk over the fields of an entry.
#[derive(Clone, Debug)]
struct Fields<'a> {
    /// The fields of the node's first entry, where this one has the same.
    shared: Option<ListpackIter<'a>>,
    own: ListpackIter<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        self.left = self.left.checked_sub(1)?;
        let field = match &mut self.shared {
            Some(shared) => shared.next(),
            None => self.own.next(),
        };
        Some((field?, self.own.next()?))
    }
}

/// An entry where it stands, deleted or not.
#[derive(Clone, Debug)]
struct Placed<'a> {
    at: Position,
    flags: i64,
    entry: Entry<'a>,
}

impl Placed<'_> {
    const fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }
}

/// Some successive entries.
#[derive(Clone)]
pub(super) struct Node {
    /// Shared with clones of the stream until one of them changes it.
    block: Arc<Listpack>,
}

/// What the block says before its entries.
#[derive(Clone)]
struct Header<'a> {
    living: u64,
    deleted: u64,
    fields_count: usize,
    fields: ListpackIter<'a>,
    /// From the first entry on.
    entries: ListpackIter<'a>,
}

impl Node {
    /// A node with one entry, whose id is the master id.
    pub(super) fn holding(fields: &[&[u8]]) -> Self {
        let mut block = Listpack::new();
        block.push_back_integer(0);
        block.push_back_integer(0);
        block.push_back_integer(signed(fields.len() / 2));
        for field in fields.iter().step_by(2) {
            block.push_back(field);
        }
        block.push_back_integer(0);
        let mut node = Self {
            block: Arc::new(block),
        };
        node.push_same_fields(StreamId::MIN, StreamId::MIN, fields);
        node
    }

    /// A node that was loaded and checked; `None` if it is not laid out as one.
    pub(super) fn from_block(block: Listpack) -> Option<Self> {
        let node = Self {
            block: Arc::new(block),
        };
        node.try_header()?;
        Some(node)
    }

    /// The block, as files hold it.
    pub(super) fn block(&self) -> &Listpack {
        &self.block
    }

    /// Whether an entry with these fields may go in without passing the block's own limit.
    pub(super) fn has_room_for(&self, text_bytes: usize, fields: &[&[u8]]) -> bool {
        self.block
            .has_room_for(text_bytes, fields.len().saturating_add(ELEMENTS_BESIDE))
    }

    /// How many entries live.
    pub(super) fn living(&self) -> u64 {
        self.header().living
    }

    /// How many entries there are, deleted ones included.
    pub(super) fn entries_count(&self) -> u64 {
        let header = self.header();
        header.living + header.deleted
    }

    /// Adds an entry, whose id is above all others.
    pub(super) fn push(&mut self, master: StreamId, id: StreamId, fields: &[&[u8]]) {
        if self.has_fields(fields) {
            self.push_same_fields(master, id, fields);
            return;
        }
        let block = Arc::make_mut(&mut self.block);
        push_head(block, 0, master, id);
        block.push_back_integer(signed(fields.len() / 2));
        for text in fields {
            block.push_back(text);
        }
        self.push_tail(fields.len() + 4);
    }

    fn push_same_fields(&mut self, master: StreamId, id: StreamId, fields: &[&[u8]]) {
        let block = Arc::make_mut(&mut self.block);
        push_head(block, SAME_FIELDS, master, id);
        for value in fields.iter().skip(1).step_by(2) {
            block.push_back(value);
        }
        self.push_tail(fields.len() / 2 + 3);
    }

    fn push_tail(&mut self, elements_count: usize) {
        Arc::make_mut(&mut self.block).push_back_integer(signed(elements_count));
        let living = self.living();
        self.set_counts(living + 1, None);
    }

    fn has_fields(&self, fields: &[&[u8]]) -> bool {
        let header = self.header();
        header.fields_count * 2 == fields.len()
            && fields
                .iter()
                .step_by(2)
                .zip(header.fields)
                .all(|(field, shared)| shared == **field)
    }

    fn set_counts(&mut self, living: u64, deleted: Option<u64>) {
        let block = Arc::make_mut(&mut self.block);
        let first = block.first().expect(WELL_FORMED);
        let first = block.replace_integer(first, living.cast_signed());
        if let Some(deleted) = deleted {
            let second = block.next(first).expect(WELL_FORMED);
            block.replace_integer(second, deleted.cast_signed());
        }
    }

    /// Marks an entry as deleted; whether it lived.
    pub(super) fn remove(&mut self, master: StreamId, id: StreamId) -> bool {
        let found = self
            .walk(master, Direction::Forward)
            .find(|placed| placed.entry.id >= id)
            .filter(|placed| placed.entry.id == id && !placed.is_deleted())
            .map(|placed| (placed.at, placed.flags));
        let Some((at, flags)) = found else {
            return false;
        };
        self.mark(&[(at, flags)]);
        true
    }

    /// Marks the first living entries as deleted, up to `count` of them and only those with an id
    /// below `end`; says how many.
    pub(super) fn remove_first(&mut self, master: StreamId, count: u64, end: StreamId) -> u64 {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let marked: Vec<(Position, i64)> = self
            .walk(master, Direction::Forward)
            .take_while(|placed| placed.entry.id < end)
            .filter(|placed| !placed.is_deleted())
            .take(count)
            .map(|placed| (placed.at, placed.flags))
            .collect();
        self.mark(&marked);
        marked.len() as u64
    }

    fn mark(&mut self, entries: &[(Position, i64)]) {
        // Flags are single bytes with the mark and without it: positions stay what they are.
        let block = Arc::make_mut(&mut self.block);
        for &(at, flags) in entries {
            block.replace_integer(at, flags | DELETED);
        }
        let header = self.header();
        let count = entries.len() as u64;
        let (living, deleted) = (header.living - count, header.deleted + count);
        self.set_counts(living, Some(deleted));
    }

    /// The id of the last entry, deleted or not.
    pub(super) fn last_id(&self, master: StreamId) -> StreamId {
        let last = self.walk(master, Direction::Backward).next();
        last.expect("a node holds an entry").entry.id
    }

    /// The living entries with an id from `from` to `to`.
    pub(super) fn range(
        &self,
        master: StreamId,
        from: StreamId,
        to: StreamId,
        direction: Direction,
    ) -> impl Iterator<Item = Entry<'_>> {
        self.walk(master, direction)
            .skip_while(move |placed| match direction {
                Direction::Forward => placed.entry.id < from,
                Direction::Backward => placed.entry.id > to,
            })
            .take_while(move |placed| (from..=to).contains(&placed.entry.id))
            .filter(|placed| !placed.is_deleted())
            .map(|placed| placed.entry)
    }

    fn walk(&self, master: StreamId, direction: Direction) -> Walk<'_> {
        let header = self.header();
        let next = match direction {
            Direction::Forward => header.entries.position(),
            Direction::Backward => self.before(None, &header),
        };
        Walk {
            node: self,
            master,
            header,
            direction,
            next,
        }
    }

    /// Where the entry before the one at `at` begins, or the last one.
    fn before(&self, at: Option<Position>, header: &Header<'_>) -> Option<Position> {
        let count_at = match at {
            Some(at) if Some(at) == header.entries.position() => return None,
            Some(at) => self.block.prev(at)?,
            None => self.block.last()?,
        };
        let elements = self.block.element(count_at)?.as_integer()?;
        (0..elements).try_fold(count_at, |at, _| self.block.prev(at))
    }

    fn header(&self) -> Header<'_> {
        self.try_header().expect(WELL_FORMED)
    }

    fn try_header(&self) -> Option<Header<'_>> {
        let mut elements = self.block.iter();
        let mut count = || elements.next()?.as_integer()?.try_into().ok();
        let (living, deleted): (u64, u64) = (count()?, count()?);
        let fields_count = usize::try_from(count()?).ok()?;
        let fields = elements.clone();
        elements.nth(fields_count)?;
        Some(Header {
            living,
            deleted,
            fields_count,
            fields,
            entries: elements,
        })
    }
}

const WELL_FORMED: &str = "a node is well formed: this file laid it out, or a reader checked it";

/// A walk over all entries of a node.
#[derive(Clone)]
struct Walk<'a> {
    node: &'a Node,
    master: StreamId,
    header: Header<'a>,
    direction: Direction,
    next: Option<Position>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Placed<'a>;

    fn next(&mut self) -> Option<Placed<'a>> {
        let at = self.next?;
        let mut elements = self.node.block.iter_from(at);
        let mut integer = || elements.next()?.as_integer();
        let (flags, ms, sequence) = (integer()?, integer()?, integer()?);
        let (shared, left) = if flags & SAME_FIELDS != 0 {
            (Some(self.header.fields.clone()), self.header.fields_count)
        } else {
            (None, usize::try_from(integer()?).ok()?)
        };
        let entry = Entry {
            id: StreamId {
                ms: self.master.ms.wrapping_add_signed(ms),
                sequence: self.master.sequence.wrapping_add_signed(sequence),
            },
            fields: Fields {
                shared: shared.clone(),
                own: elements.clone(),
                left,
            },
        };
        self.next = match self.direction {
            Direction::Forward => {
                let texts = if shared.is_some() { left } else { left * 2 };
                // The last one passed over is the number of the entry's elements.
                elements.nth(texts);
                elements.position()
            }
            Direction::Backward => self.node.before(Some(at), &self.header),
        };
        Some(Placed { at, flags, entry })
    }
}

/// What stands before the fields of an entry.
fn push_head(block: &mut Listpack, flags: i64, master: StreamId, id: StreamId) {
    let distance = |id: u64, master: u64| id.wrapping_sub(master).cast_signed();
    block.push_back_integer(flags);
    block.push_back_integer(distance(id.ms, master.ms));
    block.push_back_integer(distance(id.sequence, master.sequence));
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
