//! Strings: an integer, or bytes. The encoding names follow Redis: `int`, `embstr` up to
//! [`EMBEDDED_BYTES_MAX`] bytes set as a whole, `raw` beyond that and after a change in place.

use crate::number;

/// Longest string that is called `embstr`, in bytes.
pub const EMBEDDED_BYTES_MAX: usize = 44;

/// A string that owns its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringValue {
    /// The canonical text of this number.
    Integer(i64),
    /// Bytes that were set as a whole.
    Whole(Vec<u8>),
    /// Bytes that were changed in place.
    Edited(Vec<u8>),
}

/// A look at a string in the keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringRef<'a> {
    /// The canonical text of this number.
    Integer(i64),
    /// Bytes that were set as a whole.
    Whole(&'a [u8]),
    /// Bytes that were changed in place.
    Edited(&'a [u8]),
}

/// Room for the text of any integer, so that looking at a string's bytes never allocates.
#[derive(Debug, Default)]
pub struct IntegerText(holdfast_formats::DecimalBuffer);

impl StringValue {
    /// What `SET` makes of these bytes: an integer where they are the canonical text of one.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        StringRef::from_bytes(bytes).to_value()
    }

    /// A look at it.
    pub fn as_ref(&self) -> StringRef<'_> {
        match self {
            Self::Integer(integer) => StringRef::Integer(*integer),
            Self::Whole(bytes) => StringRef::Whole(bytes),
            Self::Edited(bytes) => StringRef::Edited(bytes),
        }
    }
}

impl<'a> StringRef<'a> {
    /// What `SET` makes of these bytes: an integer where they are the canonical text of one.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        match number::parse_i64(bytes) {
            Some(integer) => Self::Integer(integer),
            None => Self::Whole(bytes),
        }
    }

    /// Its bytes; `text` is where those of an integer are put.
    pub fn bytes<'b>(self, text: &'b mut IntegerText) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Integer(integer) => text.0.format(integer),
            Self::Whole(bytes) | Self::Edited(bytes) => bytes,
        }
    }

    /// Its length in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Integer(integer) => holdfast_formats::decimal_len(integer),
            Self::Whole(bytes) | Self::Edited(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The number that it is the text of.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Whole(bytes) | Self::Edited(bytes) => number::parse_i64(bytes),
        }
    }

    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding_name(self) -> &'static str {
        match self {
            Self::Integer(_) => "int",
            Self::Whole(bytes) if bytes.len() <= EMBEDDED_BYTES_MAX => "embstr",
            Self::Whole(_) | Self::Edited(_) => "raw",
        }
    }

    /// The bytes of its allocations beside the entry's own.
    pub fn allocated_bytes(self) -> usize {
        match self {
            Self::Integer(_) => 0,
            Self::Whole(bytes) | Self::Edited(bytes) => bytes.len(),
        }
    }

    /// A copy that owns its contents.
    pub fn to_value(self) -> StringValue {
        match self {
            Self::Integer(integer) => StringValue::Integer(integer),
            Self::Whole(bytes) => StringValue::Whole(bytes.to_vec()),
            Self::Edited(bytes) => StringValue::Edited(bytes.to_vec()),
        }
    }
}
