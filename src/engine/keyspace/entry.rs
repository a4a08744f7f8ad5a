//! One key of the keyspace with its value, deadline and access clock.

use std::cell::Cell;

use crate::value::{Value, ValueRef};
use crate::values::string::{StringRef, StringValue};

/// A key and all that belongs to it.
#[derive(Debug)]
pub struct Entry(Box<Inner>);

#[derive(Debug)]
struct Inner {
    access: Cell<u32>,
    expires_at_ms: Option<i64>,
    key: Box<[u8]>,
    value: Value,
}

impl Entry {
    /// A key with a value.
    pub(crate) fn new(key: &[u8], value: Value, expires_at_ms: Option<i64>, access: u32) -> Self {
        Self(Box::new(Inner {
            access: Cell::new(access),
            expires_at_ms,
            key: key.into(),
            value,
        }))
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.0.key
    }

    /// When it expires, in milliseconds since 1970.
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.0.expires_at_ms
    }

    /// Whether its time has come.
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_at_ms()
            .is_some_and(|deadline| deadline <= now_ms)
    }

    /// The value.
    pub fn value(&self) -> ValueRef<'_> {
        self.0.value.as_ref()
    }

    /// 24 bits of access clock, whose meaning is the eviction policy's.
    pub fn access(&self) -> u32 {
        self.0.access.get()
    }

    /// Sets the access clock; readers do so, too.
    pub fn set_access(&self, access: u32) {
        self.0.access.set(access);
    }

    /// A collection that can be changed in place; strings go through the functions below.
    pub(crate) fn value_mut(&mut self) -> &mut Value {
        &mut self.0.value
    }

    pub(crate) fn set_expires_at_ms(&mut self, expires_at_ms: Option<i64>) {
        self.0.expires_at_ms = expires_at_ms;
    }

    /// Replaces the value; returns the old one.
    pub(crate) fn replace_value(&mut self, value: Value) -> Value {
        std::mem::replace(&mut self.0.value, value)
    }

    /// Changes the bytes of a string in place.
    pub(crate) fn edit_string<R>(&mut self, edit: impl FnOnce(&mut Vec<u8>) -> R) -> Option<R> {
        let Value::String(string) = &mut self.0.value else {
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

    /// Takes the value out.
    pub(crate) fn into_value(self) -> Value {
        self.0.value
    }

    /// The bytes of its own allocation and of its value's.
    pub fn allocated_bytes(&self) -> usize {
        std::mem::size_of::<Inner>() + self.0.key.len() + self.value().allocated_bytes()
    }
}
