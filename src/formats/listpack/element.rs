//! `Element`: one value of a listpack, as bytes or as the number that it is held as.
//!
//! Given out by everything that reads a listpack. Always holds: equality is that of the bytes, however
//! they are held.

use crate::integer::{DecimalBuffer, decimal_len, parse_i64};

/// What one element is. Canonical decimal text is always held as an integer.
#[derive(Clone, Copy, Debug)]
pub enum Element<'a> {
    /// Bytes that are not the canonical text of an `i64`.
    Text(&'a [u8]),
    /// A number; its bytes are its canonical decimal text.
    Integer(i64),
}

impl<'a> Element<'a> {
    /// The element's bytes; an integer is written into `buffer`.
    #[inline]
    #[must_use]
    pub fn to_bytes<'b>(self, buffer: &'b mut DecimalBuffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Text(text) => text,
            Self::Integer(value) => buffer.format(value),
        }
    }

    /// A copy of the element's bytes.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.to_bytes(&mut DecimalBuffer::new()).to_vec()
    }

    /// The number, if the bytes are the canonical text of one.
    #[inline]
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        match self {
            // Only blocks that others wrote can hold a number as text.
            Self::Text(text) => parse_i64(text),
            Self::Integer(value) => Some(value),
        }
    }

    /// How many bytes `to_bytes` gives.
    #[must_use]
    pub fn bytes_len(self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Integer(value) => decimal_len(value),
        }
    }
}

impl PartialEq<[u8]> for Element<'_> {
    #[inline]
    fn eq(&self, other: &[u8]) -> bool {
        match *self {
            Self::Text(text) => text == other,
            Self::Integer(value) => parse_i64(other) == Some(value),
        }
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Integer(one), Self::Integer(two)) => one == two,
            // A number that a foreign block holds as text is still the same bytes.
            (Self::Text(text), Self::Integer(value)) | (Self::Integer(value), Self::Text(text)) => {
                parse_i64(text) == Some(value)
            }
        }
    }
}

impl Eq for Element<'_> {}
