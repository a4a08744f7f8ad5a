//! What a snapshot takes of the keyspace: keys as they were, on their way to the thread that writes
//! them. The capture (`keyspace/capture.rs`) fills it on the core thread; the server's snapshot
//! writer reads it on another.
//!
//! What always holds: it stays as it was, whatever becomes of the keyspace; taking one key copies
//! at most a string, a packed block, or a count for each shared part of a large collection.

use std::io::{self, Write};
use std::ops::Range;

use holdfast_formats::rdb::ValueWriter;

use crate::digest::{self, Digest};
use crate::keyspace::{DatabaseIndex, Entry, Usage};
use crate::saved;
use crate::value::{Value, ValueRef};
use crate::values::sorted_set::SharedElements;
use crate::values::string::{IntegerText, StringRef};

/// What a key costs beside its bytes, for bounding how much waits.
const KEY_BYTES: usize = size_of::<Captured>();

/// An emptied one keeps at most this much of each kind of memory.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Some captured keys.
#[derive(Debug, Default)]
pub struct CapturedKeys {
    /// Keys, and the values that are strings.
    bytes: Vec<u8>,
    keys: Vec<Captured>,
    /// What the values that are not in `bytes` take, shared or not.
    values_bytes: usize,
}

#[derive(Debug)]
struct Captured {
    database: DatabaseIndex,
    key: Range<usize>,
    value: CapturedValue,
    expires_at_ms: Option<i64>,
    usage: Usage,
}

#[derive(Debug)]
enum CapturedValue {
    /// A string, in `CapturedKeys::bytes`.
    String(Range<usize>),
    /// A collection; its large parts are shared with that in the keyspace.
    Value(Value),
    /// A large sorted set.
    Elements(SharedElements),
}

/// A look at one captured key.
#[derive(Clone, Copy, Debug)]
pub struct CapturedKey<'a> {
    bytes: &'a [u8],
    captured: &'a Captured,
}

impl CapturedKeys {
    /// Takes a key as it is now.
    pub(crate) fn take(&mut self, database: DatabaseIndex, entry: &Entry, usage: Usage) {
        let key = self.keep(entry.key());
        let value = match entry.value() {
            ValueRef::String(string) => {
                CapturedValue::String(self.keep(string.bytes(&mut IntegerText::default())))
            }
            ValueRef::SortedSet(set) => match set.shared_elements() {
                Some(elements) => CapturedValue::Elements(elements),
                None => CapturedValue::Value(Value::SortedSet(set.clone())),
            },
            other => CapturedValue::Value(other.to_value()),
        };
        if !matches!(value, CapturedValue::String(_)) {
            self.values_bytes += entry.value().allocated_bytes();
        }
        self.keys.push(Captured {
            database,
            key,
            value,
            expires_at_ms: entry.expires_at_ms(),
            usage,
        });
    }

    /// Forgets all keys and keeps its memory for others, unless that is uncommonly much: so the
    /// thread that serves neither asks for memory nor gives any back while it walks.
    #[must_use]
    pub fn emptied(mut self) -> Self {
        if self.bytes.capacity() > KEPT_BYTES_MAX
            || self.keys.capacity() * KEY_BYTES > KEPT_BYTES_MAX
        {
            return Self::default();
        }
        self.bytes.clear();
        self.keys.clear();
        self.values_bytes = 0;
        self
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// How many keys there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// About how many bytes wait here, those that are shared included.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len() + self.keys.len() * KEY_BYTES + self.values_bytes
    }

    /// The keys, in the order in which they were taken.
    pub fn iter(&self) -> impl Iterator<Item = CapturedKey<'_>> {
        self.keys.iter().map(|captured| CapturedKey {
            bytes: &self.bytes,
            captured,
        })
    }
}

impl<'a> CapturedKey<'a> {
    /// Its database.
    #[must_use]
    pub const fn database(&self) -> DatabaseIndex {
        self.captured.database
    }

    /// Its name.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.range(&self.captured.key)
    }

    /// When it expires, in milliseconds since 1970.
    #[must_use]
    pub const fn expires_at_ms(&self) -> Option<i64> {
        self.captured.expires_at_ms
    }

    /// How it was used.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.captured.usage
    }

    fn range(&self, range: &Range<usize>) -> &'a [u8] {
        let found = self.bytes.get(range.clone());
        found.expect("the range was made when the bytes were kept")
    }

    /// Writes its value.
    ///
    /// # Errors
    /// What the stream under the writer says.
    pub fn write<W: Write>(&self, mut writer: ValueWriter<'_, W>) -> io::Result<()> {
        match &self.captured.value {
            CapturedValue::String(range) => writer.string(self.range(range))?,
            CapturedValue::Value(value) => return saved::write_value(value.as_ref(), writer),
            CapturedValue::Elements(elements) => {
                writer.zset_pairs(elements.len())?;
                for (member, score) in elements.descending() {
                    writer.scored(member, score)?;
                }
            }
        }
        writer.finish();
        Ok(())
    }

    /// Its digest: that of the key in the keyspace at the moment when it was taken.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let value = match &self.captured.value {
            CapturedValue::String(range) => {
                digest::of_value(ValueRef::String(StringRef::Whole(self.range(range))))
            }
            CapturedValue::Value(value) => digest::of_value(value.as_ref()),
            CapturedValue::Elements(elements) => digest::of_scored(elements.iter()),
        };
        digest::of_key(self.database(), self.key(), self.expires_at_ms(), value)
    }
}
