//! One key of the keyspace with its value, deadline and access clock, behind one pointer.
//!
//! Most keys of most databases hold a short string: key, value and deadline then share one
//! allocation with a head of eight bytes ([`CompactHead`]). Everything else has a [`RoomyHead`] with
//! a value of its own. What always holds: a compact entry's bytes are the key, then the string (an
//! integer as eight bytes), then the deadline (eight bytes) if there is one.

use std::cell::Cell;

use crate::packed::{Kind, Packed, PackedEither};
use crate::value::{Collection, Value, ValueRef};
use crate::values::string::{StringRef, StringValue};

/// Longer strings have an allocation of their own, which the next SET gives back at once.
const COMPACT_STRING_BYTES_MAX: usize = 16 * 1024;

/// Bytes of an integer, and of a deadline.
const NUMBER_BYTES: usize = 8;

/// A key and all that belongs to it.
#[derive(Debug)]
pub struct Entry(PackedEither<CompactHead, RoomyHead>);

#[derive(Debug)]
struct CompactHead {
    access: Cell<u32>,
    shape: Shape,
}

#[derive(Debug)]
struct RoomyHead {
    access: Cell<u32>,
    expires_at_ms: Option<i64>,
    value: Value,
}

/// What the bytes of a compact entry are: the key's length, and two flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape(u32);

impl Shape {
    const KEY_BYTES_MAX: usize = (1 << 30) - 1;
    const HAS_DEADLINE: u32 = 1 << 31;
    const IS_INTEGER: u32 = 1 << 30;

    fn of_key(key: &[u8]) -> Option<Self> {
        let len = u32::try_from(key.len()).ok()?;
        (key.len() <= Self::KEY_BYTES_MAX).then_some(Self(len))
    }

    const fn with(self, flag: u32, is_set: bool) -> Self {
        Self(if is_set {
            self.0 | flag
        } else {
            self.0 & !flag
        })
    }

    const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    const fn key_len(self) -> usize {
        (self.0 & !(Self::HAS_DEADLINE | Self::IS_INTEGER)) as usize
    }

    const fn deadline_len(self) -> usize {
        if self.has(Self::HAS_DEADLINE) {
            NUMBER_BYTES
        } else {
            0
        }
    }
}

/// What a key is to hold.
#[derive(Debug)]
pub(crate) enum Contents<'a> {
    /// A string that was set as a whole.
    String(StringRef<'a>),
    /// A value that brings its own allocations.
    Value(Value),
}

impl From<Value> for Contents<'_> {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl Contents<'_> {
    /// The string, if a compact entry can hold it.
    fn compact(&self) -> Option<CompactString<'_>> {
        let string = match self {
            Self::String(string) => *string,
            Self::Value(Value::String(string)) => string.as_ref(),
            Self::Value(_) => return None,
        };
        match string {
            StringRef::Integer(integer) => Some(CompactString::Integer(integer.to_le_bytes())),
            StringRef::Whole(bytes) if bytes.len() <= COMPACT_STRING_BYTES_MAX => {
                Some(CompactString::Bytes(bytes))
            }
            // What is changed in place is likely to be so again: it has room of its own.
            StringRef::Whole(_) | StringRef::Edited(_) => None,
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::String(string) => Value::String(string.to_value()),
            Self::Value(value) => value,
        }
    }
}

#[derive(Clone, Copy)]
enum CompactString<'a> {
    Integer([u8; NUMBER_BYTES]),
    Bytes(&'a [u8]),
}

impl CompactString<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Integer(bytes) => bytes,
            Self::Bytes(bytes) => bytes,
        }
    }

    const fn is_integer(&self) -> bool {
        matches!(self, Self::Integer(_))
    }
}

impl Entry {
    /// A key with a value.
    pub(crate) fn new(
        key: &[u8],
        contents: Contents<'_>,
        expires_at_ms: Option<i64>,
        access: u32,
    ) -> Self {
        if let Some(string) = contents.compact()
            && let Some(shape) = Shape::of_key(key)
        {
            let deadline = expires_at_ms.map(i64::to_le_bytes);
            let head = CompactHead {
                access: Cell::new(access),
                shape: shape
                    .with(Shape::IS_INTEGER, string.is_integer())
                    .with(Shape::HAS_DEADLINE, deadline.is_some()),
            };
            let deadline = deadline.as_ref().map_or(&[][..], |bytes| bytes);
            let packed = Packed::new(head, &[key, string.bytes(), deadline]);
            return Self(PackedEither::first(packed));
        }
        Self::roomy(key, contents.into_value(), expires_at_ms, access)
    }

    fn roomy(key: &[u8], value: Value, expires_at_ms: Option<i64>, access: u32) -> Self {
        let head = RoomyHead {
            access: Cell::new(access),
            expires_at_ms,
            value,
        };
        Self(PackedEither::second(Packed::new(head, &[key])))
    }

    fn roomy_head(&self) -> Option<&RoomyHead> {
        self.0.as_second().map(|(head, _)| head)
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        if let Some(compact) = self.0.as_first() {
            let len = compact.header().shape.key_len();
            return compact.bytes().get(..len).unwrap_or_default();
        }
        self.0.as_second().map_or(&[], |(_, key)| key)
    }

    /// When it expires, in milliseconds since 1970.
    #[inline]
    pub fn expires_at_ms(&self) -> Option<i64> {
        match self.0.as_first() {
            Some(compact) => {
                if !compact.header().shape.has(Shape::HAS_DEADLINE) {
                    return None;
                }
                compact
                    .bytes()
                    .last_chunk()
                    .map(|at| i64::from_le_bytes(*at))
            }
            None => self.roomy_head()?.expires_at_ms,
        }
    }

    /// Whether its time has come.
    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_at_ms()
            .is_some_and(|deadline| deadline <= now_ms)
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> ValueRef<'_> {
        if let Some(compact) = self.0.as_first() {
            return ValueRef::String(compact_string(compact));
        }
        let head = self.roomy_head();
        head.expect("an entry is compact or roomy").value.as_ref()
    }

    fn access_cell(&self) -> &Cell<u32> {
        match self.0.as_first() {
            Some(compact) => &compact.header().access,
            None => {
                let head = self.roomy_head();
                &head.expect("an entry is compact or roomy").access
            }
        }
    }

    /// 24 bits of access clock, whose meaning is the eviction policy's.
    pub fn access(&self) -> u32 {
        self.access_cell().get()
    }

    /// Sets the access clock; readers do so, too.
    pub fn set_access(&self, access: u32) {
        self.access_cell().set(access);
    }

    /// A collection that can be changed in place, if it is of this type.
    pub(crate) fn collection_mut<C: Collection>(&mut self) -> Option<&mut C> {
        C::of_mut(&mut self.0.second_header_mut()?.value)
    }

    pub(crate) fn set_expires_at_ms(&mut self, expires_at_ms: Option<i64>) {
        if let Some(compact) = self.0.as_first_mut() {
            let shape = compact.header().shape;
            let kept_len = compact.len() - shape.deadline_len();
            match expires_at_ms {
                Some(at) => compact.replace_tail(kept_len, &[&at.to_le_bytes()]),
                None => compact.resize(kept_len),
            }
            compact.header_mut().shape = shape.with(Shape::HAS_DEADLINE, expires_at_ms.is_some());
        } else if let Some(head) = self.0.second_header_mut() {
            head.expires_at_ms = expires_at_ms;
        }
    }

    /// Replaces the value and keeps the rest; returns the old one if it had allocations of its own.
    pub(crate) fn replace(&mut self, contents: Contents<'_>) -> Option<Value> {
        if let (Some(compact), Some(string)) = (self.0.as_first_mut(), contents.compact()) {
            let shape = compact.header().shape;
            let deadline: Option<[u8; NUMBER_BYTES]> = shape
                .has(Shape::HAS_DEADLINE)
                .then(|| compact.bytes().last_chunk().copied())
                .flatten();
            let deadline = deadline.as_ref().map_or(&[][..], |bytes| bytes);
            compact.replace_tail(shape.key_len(), &[string.bytes(), deadline]);
            compact.header_mut().shape = shape.with(Shape::IS_INTEGER, string.is_integer());
            return None;
        }
        let roomy_stays = contents.compact().is_none();
        match self.0.second_header_mut() {
            Some(head) if roomy_stays => {
                Some(std::mem::replace(&mut head.value, contents.into_value()))
            }
            _ => {
                let fresh = Self::new(self.key(), contents, self.expires_at_ms(), self.access());
                std::mem::replace(self, fresh).into_own_value()
            }
        }
    }

    /// Changes the bytes of a string in place.
    pub(crate) fn edit_string<R>(&mut self, edit: impl FnOnce(&mut Vec<u8>) -> R) -> Option<R> {
        if self.0.as_first().is_some() {
            let value = self.value().to_value();
            let roomy = Self::roomy(self.key(), value, self.expires_at_ms(), self.access());
            *self = roomy;
        }
        let head = self.0.second_header_mut();
        let Value::String(string) = &mut head.expect("it was made roomy").value else {
            return None;
        };
        let mut bytes = match std::mem::replace(string, StringValue::Integer(0)) {
            StringValue::Integer(integer) => integer.to_string().into_bytes(),
            StringValue::Whole(bytes) | StringValue::Edited(bytes) => bytes,
        };
        let result = edit(&mut bytes);
        *string = StringValue::Edited(bytes);
        Some(result)
    }

    /// The string, if it is one.
    pub fn string(&self) -> Option<StringRef<'_>> {
        match self.value() {
            ValueRef::String(string) => Some(string),
            _ => None,
        }
    }

    /// Takes the value out if it has allocations of its own.
    fn into_own_value(self) -> Option<Value> {
        match self.0.into_kind() {
            Kind::First(_) => None,
            Kind::Second(roomy) => Some(roomy.into_header().value),
        }
    }

    /// Takes the value out.
    pub(crate) fn into_value(self) -> Value {
        match self.0.into_kind() {
            Kind::First(compact) => Value::String(compact_string(&compact).to_value()),
            Kind::Second(roomy) => roomy.into_header().value,
        }
    }

    /// The bytes of its own allocation and of its value's.
    pub fn allocated_bytes(&self) -> usize {
        match self.0.as_first() {
            Some(compact) => compact.allocated_bytes(),
            None => {
                let head_bytes = size_of::<RoomyHead>() + size_of::<u32>();
                head_bytes + self.key().len() + self.value().allocated_bytes()
            }
        }
    }
}

fn compact_string(compact: &Packed<CompactHead>) -> StringRef<'_> {
    let shape = compact.header().shape;
    let end = compact.len() - shape.deadline_len();
    let bytes = compact.bytes().get(shape.key_len()..end);
    let bytes = bytes.expect("the key and the deadline are inside the entry");
    match bytes.first_chunk() {
        Some(integer) if shape.has(Shape::IS_INTEGER) => {
            StringRef::Integer(i64::from_le_bytes(*integer))
        }
        _ => StringRef::Whole(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::set::SetValue;

    fn whole(bytes: &[u8]) -> Contents<'_> {
        Contents::String(StringRef::Whole(bytes))
    }

    #[test]
    fn a_short_string_costs_its_bytes_and_twelve_more() {
        let entry = Entry::new(&[b'k'; 14], whole(&[b'v'; 32]), None, 1);
        assert_eq!(entry.allocated_bytes(), 12 + 14 + 32);
        assert_eq!(size_of::<Option<Entry>>(), size_of::<usize>());
    }

    #[test]
    fn every_change_of_value_keeps_key_deadline_and_access() {
        let long = vec![b'x'; COMPACT_STRING_BYTES_MAX + 1];
        let contents: [fn(&[u8]) -> Contents<'_>; 4] = [
            |_| Contents::String(StringRef::Integer(-7)),
            |long| whole(&long[..9]),
            whole,
            |_| Contents::Value(SetValue::empty().into_value()),
        ];
        for deadline in [None, Some(i64::MAX)] {
            for (from, to) in (0..4).flat_map(|from| (0..4).map(move |to| (from, to))) {
                let mut entry = Entry::new(b"key", contents[from](&long), deadline, 5);
                let old = entry.replace(contents[to](&long));
                assert_eq!(old.is_some(), from >= 2, "{from} to {to}");
                let want = contents[to](&long).into_value();
                assert_eq!(
                    format!("{:?}", entry.value()),
                    format!("{:?}", want.as_ref())
                );
                let rest = (entry.key(), entry.expires_at_ms(), entry.access());
                assert_eq!(rest, (&b"key"[..], deadline, 5), "{from} to {to}");
            }
        }
    }

    #[test]
    fn deadlines_come_and_go_behind_a_compact_string() {
        let mut entry = Entry::new(b"key", whole(b"value"), None, 5);
        for deadline in [Some(1), Some(-2), None, None, Some(3)] {
            entry.set_expires_at_ms(deadline);
            assert_eq!(entry.expires_at_ms(), deadline);
            assert_eq!(entry.string(), Some(StringRef::Whole(b"value")));
        }
        assert!(entry.is_expired(3) && !entry.is_expired(2));
        entry.replace(Contents::String(StringRef::Integer(i64::MIN)));
        assert_eq!(entry.edit_string(|bytes| bytes.len()), Some(20));
        assert_eq!((entry.expires_at_ms(), entry.key()), (Some(3), &b"key"[..]));
        let text = i64::MIN.to_string();
        assert_eq!(entry.string(), Some(StringRef::Edited(text.as_bytes())));
        assert!(matches!(
            entry.into_value(),
            Value::String(StringValue::Edited(_))
        ));
    }
}
