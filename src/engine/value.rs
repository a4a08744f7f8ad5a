//! The types of values, and how a handler gets at the one that it expects.

use crate::values::hash::HashValue;
use crate::values::list::ListValue;
use crate::values::set::SetValue;
use crate::values::sorted_set::SortedSet;
use crate::values::stream::StreamValue;
use crate::values::string::{StringRef, StringValue};

/// A value that is not (or no longer) in the keyspace.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    String(StringValue),
    /// A list.
    List(ListValue),
    /// A set.
    Set(SetValue),
    /// A hash.
    Hash(HashValue),
    /// A sorted set.
    SortedSet(SortedSet),
    /// A stream.
    Stream(StreamValue),
}

/// A look at a value in the keyspace.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
    /// A list.
    List(&'a ListValue),
    /// A set.
    Set(&'a SetValue),
    /// A hash.
    Hash(&'a HashValue),
    /// A sorted set.
    SortedSet(&'a SortedSet),
    /// A stream.
    Stream(&'a StreamValue),
}

impl Value {
    /// A look at it.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::String(value) => ValueRef::String(value.as_ref()),
            Self::List(value) => ValueRef::List(value),
            Self::Set(value) => ValueRef::Set(value),
            Self::Hash(value) => ValueRef::Hash(value),
            Self::SortedSet(value) => ValueRef::SortedSet(value),
            Self::Stream(value) => ValueRef::Stream(value),
        }
    }
}

impl ValueRef<'_> {
    /// The name that `TYPE` answers.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
            Self::SortedSet(_) => "zset",
            Self::Stream(_) => "stream",
        }
    }

    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding_name(self) -> &'static str {
        match self {
            Self::String(value) => value.encoding_name(),
            Self::List(value) => value.encoding_name(),
            Self::Set(value) => value.encoding_name(),
            Self::Hash(value) => value.encoding_name(),
            Self::SortedSet(value) => value.encoding_name(),
            Self::Stream(value) => value.encoding_name(),
        }
    }

    /// The bytes of its allocations.
    pub fn allocated_bytes(self) -> usize {
        match self {
            Self::String(value) => value.allocated_bytes(),
            Self::List(value) => value.allocated_bytes(),
            Self::Set(value) => value.allocated_bytes(),
            Self::Hash(value) => value.allocated_bytes(),
            Self::SortedSet(value) => value.allocated_bytes(),
            Self::Stream(value) => value.allocated_bytes(),
        }
    }

    /// How many separate allocations freeing it takes, roughly: what decides on freeing it elsewhere.
    pub fn weight(self) -> usize {
        match self {
            Self::String(_) => 1,
            Self::List(value) => value.weight(),
            Self::Set(value) => value.weight(),
            Self::Hash(value) => value.weight(),
            Self::SortedSet(value) => value.weight(),
            Self::Stream(value) => value.weight(),
        }
    }

    /// A copy that owns its contents.
    pub fn to_value(self) -> Value {
        match self {
            Self::String(value) => Value::String(value.to_value()),
            Self::List(value) => Value::List(value.clone()),
            Self::Set(value) => Value::Set(value.clone()),
            Self::Hash(value) => Value::Hash(value.clone()),
            Self::SortedSet(value) => Value::SortedSet(value.clone()),
            Self::Stream(value) => Value::Stream(value.clone()),
        }
    }
}

/// The types that hold elements: they come into being with their first and go with their last, but
/// for streams, which stay.
pub trait Collection: Sized {
    /// An empty one.
    fn empty() -> Self;
    /// It, if the value is of this type.
    fn of(value: ValueRef<'_>) -> Option<&Self>;
    /// It, if the value is of this type, to be changed.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// As a value of no particular type.
    fn into_value(self) -> Value;
    /// Whether no element is left.
    fn has_no_elements(&self) -> bool;
}

macro_rules! collection {
    ($type:ty, $variant:ident) => {
        impl Collection for $type {
            fn empty() -> Self {
                Self::new()
            }

            fn of(value: ValueRef<'_>) -> Option<&Self> {
                match value {
                    ValueRef::$variant(found) => Some(found),
                    _ => None,
                }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(found) => Some(found),
                    _ => None,
                }
            }

            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn has_no_elements(&self) -> bool {
                self.is_empty()
            }
        }
    };
}

collection!(ListValue, List);
collection!(SetValue, Set);
collection!(HashValue, Hash);
collection!(SortedSet, SortedSet);
collection!(StreamValue, Stream);
