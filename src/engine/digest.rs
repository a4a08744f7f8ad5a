//! The logical digest of keys: what is the same on every node that has executed the same effects.
//! `DEBUG DIGEST`, tests and the comparison of replicas call it.
//!
//! It covers database, key, type, elements and deadline; not encodings, the order in which a set or
//! a hash is stored, nor when a key or a consumer was used. Digests of keys are summed, so a keyspace can be
//! walked in any order and in parts (RULES.md 13).

use std::fmt;
use std::hash::Hasher;

use holdfast_formats::rdb::StreamId;
use holdfast_formats::{DecimalBuffer, Element};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::keyspace::{DatabaseIndex, Entry, Keyspace};
use crate::value::ValueRef;
use crate::values::direction::Direction;
use crate::values::stream::StreamValue;
use crate::values::string::IntegerText;

/// A digest of some keys; that of no key is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// The digest of these keys and those.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl fmt::Display for Digest {
    /// Forty hexadecimal digits, as many as Redis prints.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:040x}", self.0)
    }
}

/// The digest of all keys, the expired ones that nobody has removed yet included.
pub fn of_keyspace(keyspace: &Keyspace) -> Digest {
    (0..keyspace.databases_count())
        .map(DatabaseIndex)
        .flat_map(|database| {
            keyspace
                .iter(database)
                .map(move |entry| of_entry(database, entry))
        })
        .fold(Digest::default(), Digest::plus)
}

/// The digest of the keys of one hash slot in one database.
pub fn of_slot(keyspace: &Keyspace, database: DatabaseIndex, slot: u16) -> Digest {
    keyspace
        .iter_slot(database, slot)
        .map(|entry| of_entry(database, entry))
        .fold(Digest::default(), Digest::plus)
}

/// The digest of one key with its place.
pub fn of_entry(database: DatabaseIndex, entry: &Entry) -> Digest {
    let value = of_value(entry.value());
    of_key(database, entry.key(), entry.expires_at_ms(), value)
}

/// The digest of a key whose value has this digest.
pub fn of_key(
    database: DatabaseIndex,
    key: &[u8],
    expires_at_ms: Option<i64>,
    value: Digest,
) -> Digest {
    let mut hash = Hash::new();
    hash.number(database.0.into());
    hash.bytes(key);
    // No deadline and one at any time differ by their sign bit and by the number before it.
    hash.number(u64::from(expires_at_ms.is_some()));
    hash.number(expires_at_ms.unwrap_or(0).cast_unsigned());
    hash.digest(value);
    hash.finish()
}

/// The digest of a value alone (`DEBUG DIGEST-VALUE`).
pub fn of_value(value: ValueRef<'_>) -> Digest {
    let mut hash = Hash::new();
    hash.bytes(value.type_name().as_bytes());
    match value {
        ValueRef::String(string) => hash.bytes(string.bytes(&mut IntegerText::default())),
        ValueRef::List(list) => list.iter().for_each(|element| hash.element(element)),
        ValueRef::Set(set) => {
            hash.digest(unordered(set.iter(), Hash::element));
        }
        ValueRef::Hash(fields) => hash.digest(unordered(fields.iter(), |hash, (field, value)| {
            hash.element(field);
            hash.element(value);
        })),
        ValueRef::SortedSet(set) => hash.digest(unordered(set.iter(), |hash, (member, score)| {
            hash.element(member);
            hash.number(score.to_bits());
        })),
        ValueRef::Stream(stream) => feed_stream(&mut hash, stream),
    }
    hash.finish()
}

/// The digest of a sorted set of these elements, which may come in any order.
pub(crate) fn of_scored<'a>(elements: impl Iterator<Item = (&'a [u8], f64)>) -> Digest {
    let mut hash = Hash::new();
    hash.bytes(SORTED_SET.as_bytes());
    hash.digest(unordered(elements, |hash, (member, score)| {
        hash.bytes(member);
        hash.number(score.to_bits());
    }));
    hash.finish()
}

/// What `TYPE` answers for a sorted set.
const SORTED_SET: &str = "zset";

/// All of a stream but when its consumers were seen, which is each node's own knowledge.
fn feed_stream(hash: &mut Hash, stream: &StreamValue) {
    for id in [stream.last_id(), stream.max_deleted_id()] {
        hash.id(id);
    }
    hash.number(stream.entries_added());
    hash.number(stream.len());
    for entry in stream.range(StreamId::MIN, StreamId::MAX, Direction::Forward) {
        hash.id(entry.id);
        hash.number(entry.len() as u64);
        for (field, value) in entry.pairs() {
            hash.element(field);
            hash.element(value);
        }
    }
    for (name, group) in stream.groups() {
        hash.bytes(name);
        hash.id(group.last_id);
        hash.number(u64::from(group.entries_read.is_some()));
        hash.number(group.entries_read.unwrap_or(0));
        hash.number(group.consumers_count() as u64);
        for consumer in group.consumers() {
            hash.bytes(&consumer.name);
        }
        hash.number(group.pending_count() as u64);
        for (id, pending) in group.pending_from(StreamId::MIN) {
            hash.id(id);
            hash.number(pending.delivered_ms.cast_unsigned());
            hash.number(pending.deliveries);
            hash.bytes(&group.consumer(pending.consumer).name);
        }
    }
}

fn unordered<T>(items: impl Iterator<Item = T>, feed: impl Fn(&mut Hash, T)) -> Digest {
    items
        .map(|item| {
            let mut hash = Hash::new();
            feed(&mut hash, item);
            hash.finish()
        })
        .fold(Digest::default(), Digest::plus)
}

/// A hash of a sequence of values, each with its length, so that no two sequences run together.
struct Hash(SipHasher13);

impl Hash {
    fn new() -> Self {
        // The key is fixed: digests are compared between nodes, and hide nothing.
        Self(SipHasher13::new())
    }

    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.write(bytes);
    }

    fn id(&mut self, id: StreamId) {
        self.number(id.ms);
        self.number(id.sequence);
    }

    fn element(&mut self, element: Element<'_>) {
        self.bytes(element.to_bytes(&mut DecimalBuffer::new()));
    }

    fn digest(&mut self, digest: Digest) {
        self.0.write(&digest.0.to_le_bytes());
    }

    fn finish(&self) -> Digest {
        Digest(self.0.finish128().as_u128())
    }
}
