//! A stream of bytes with a position and a running checksum, and the small items of RDB files.
//!
//! Used by everything in `rdb` and `aof` that reads. Always holds: memory grows only with bytes that really
//! came, never with a length that the stream claims; the checksum covers exactly what was consumed.

use std::io::{ErrorKind, Read};

use super::codes::length;
use crate::block::class_bytes;
use crate::crc64::crc64;
use crate::error::FormatError;
use crate::integer::DecimalBuffer;
use crate::lzf;

/// How much is read from the stream at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// How much room is made for a string before any of it has come.
const TRUSTED_BYTES: usize = 1024 * 1024;
/// How many elements a count may announce before any of them has come.
const TRUSTED_ELEMENTS: u64 = 1024;

/// A buffered stream that counts and checksums what is consumed.
#[derive(Debug)]
pub(crate) struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    /// What is unread: `buffer[from..to]`.
    from: usize,
    to: usize,
    /// `crc` covers the stream up to here in `buffer`.
    summed: usize,
    crc: u64,
    /// The stream's position of the buffer's first byte.
    base: u64,
    /// Size of the whole stream where the caller knows it.
    size: Option<u64>,
}

/// A length, or the number of a special string encoding in its place.
enum Length {
    Plain(u64),
    Special(u8),
}

impl<R: Read> Input<R> {
    pub(crate) fn new(reader: R, size: Option<u64>) -> Self {
        // A small payload needs no large buffer; one byte more lets the end show in one read.
        let buffer_bytes = size
            .and_then(|size| usize::try_from(size).ok())
            .map_or(BUFFER_BYTES, |size| {
                size.saturating_add(1).clamp(64, BUFFER_BYTES)
            });
        Self {
            reader,
            buffer: vec![0; buffer_bytes].into_boxed_slice(),
            from: 0,
            to: 0,
            summed: 0,
            crc: 0,
            base: 0,
            size,
        }
    }

    /// How many bytes were consumed.
    pub(crate) fn position(&self) -> u64 {
        self.base
            .saturating_add(u64::try_from(self.from).unwrap_or(u64::MAX))
    }

    /// The checksum of all bytes consumed so far.
    pub(crate) fn checksum(&mut self) -> u64 {
        let fresh = self.buffer.get(self.summed..self.from).unwrap_or(&[]);
        self.crc = crc64(self.crc, fresh);
        self.summed = self.from;
        self.crc
    }

    pub(crate) fn corrupt(&self, what: &'static str) -> FormatError {
        FormatError::Corrupt {
            at: self.position(),
            what,
        }
    }

    /// How many of `count` announced elements, each of at least `element_bytes_min`, can be
    /// believed before they have come.
    pub(crate) fn believable(&self, count: u64, element_bytes_min: u64) -> usize {
        let bound = match self.size {
            Some(size) => size
                .saturating_sub(self.position())
                .checked_div(element_bytes_min)
                .unwrap_or(0),
            None => TRUSTED_ELEMENTS,
        };
        usize::try_from(count.min(bound)).unwrap_or(0)
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&mut self) -> Result<bool, FormatError> {
        Ok(self.from == self.to && !self.fill()?)
    }

    /// The next `N` bytes, or fewer at the end of the stream, without consuming them.
    pub(crate) fn peek<const N: usize>(&mut self) -> Result<&[u8], FormatError> {
        while self.to.saturating_sub(self.from) < N && self.fill()? {}
        let unread = self.buffer.get(self.from..self.to).unwrap_or(&[]);
        Ok(unread.get(..N).unwrap_or(unread))
    }

    /// Reads more behind the unread bytes; false at the end of the stream.
    fn fill(&mut self) -> Result<bool, FormatError> {
        self.checksum();
        self.buffer.copy_within(self.from..self.to, 0);
        self.base = self.position();
        self.to = self.to.saturating_sub(self.from);
        self.from = 0;
        self.summed = 0;
        let room = self.buffer.get_mut(self.to..).unwrap_or(&mut []);
        loop {
            match self.reader.read(room) {
                Ok(count) => {
                    self.to = self.to.saturating_add(count).min(self.buffer.len());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(FormatError::Io {
                        at: self.position(),
                        source,
                    });
                }
            }
        }
    }

    #[inline]
    fn fill_or_truncated(&mut self) -> Result<(), FormatError> {
        if self.fill()? {
            Ok(())
        } else {
            Err(FormatError::Truncated {
                at: self
                    .base
                    .saturating_add(u64::try_from(self.to).unwrap_or(u64::MAX)),
            })
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        loop {
            let unread = self.buffer.get(self.from..self.to);
            if let Some(array) = unread.and_then(<[u8]>::first_chunk::<N>) {
                self.from = self.from.saturating_add(N);
                return Ok(*array);
            }
            self.fill_or_truncated()?;
        }
    }

    /// The next byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, FormatError> {
        self.array().map(|[byte]| byte)
    }

    /// Appends the next `count` bytes to `out`.
    pub(crate) fn append(&mut self, count: u64, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let mut left = usize::try_from(count).map_err(|_| self.corrupt("length beyond memory"))?;
        out.reserve(left.min(TRUSTED_BYTES));
        while left > 0 {
            if self.from == self.to {
                self.fill_or_truncated()?;
            }
            let unread = self.buffer.get(self.from..self.to).unwrap_or(&[]);
            let taken = unread.get(..left).unwrap_or(unread);
            out.extend_from_slice(taken);
            self.from = self.from.saturating_add(taken.len());
            left = left.saturating_sub(taken.len());
        }
        Ok(())
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64_le(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64_le(&mut self) -> Result<i64, FormatError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn f64_le(&mut self) -> Result<f64, FormatError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A length or count.
    #[inline]
    pub(crate) fn length(&mut self) -> Result<u64, FormatError> {
        match self.length_or_special()? {
            Length::Plain(length) => Ok(length),
            Length::Special(_) => Err(self.corrupt("a special string where a length must stand")),
        }
    }

    #[inline]
    fn length_or_special(&mut self) -> Result<Length, FormatError> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            0 => Length::Plain(u64::from(first)),
            1 => {
                let second = self.byte()?;
                Length::Plain(u64::from(u16::from_be_bytes([first & 0x3f, second])))
            }
            3 => Length::Special(first & 0x3f),
            _ if first == length::BITS_32 => {
                Length::Plain(u64::from(u32::from_be_bytes(self.array()?)))
            }
            _ if first == length::BITS_64 => Length::Plain(u64::from_be_bytes(self.array()?)),
            _ => return Err(self.corrupt("an invalid length")),
        })
    }

    /// A string, in place of whatever `out` held.
    #[inline]
    pub(crate) fn string(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.clear();
        match self.length_or_special()? {
            Length::Plain(count) => self.append(count, out),
            Length::Special(encoding) => self.special_string(encoding, out),
        }
    }

    /// A string that stands as a number or compressed.
    fn special_string(&mut self, encoding: u8, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let value = match encoding {
            length::STRING_I8 => i64::from(i8::from_le_bytes(self.array()?)),
            length::STRING_I16 => i64::from(i16::from_le_bytes(self.array()?)),
            length::STRING_I32 => i64::from(i32::from_le_bytes(self.array()?)),
            length::STRING_LZF => return self.lzf_string(out),
            _ => return Err(self.corrupt("an unknown string encoding")),
        };
        out.extend_from_slice(DecimalBuffer::new().format(value));
        Ok(())
    }

    /// A string that becomes a packed block: it gets the room that the block will want.
    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, FormatError> {
        let mut out = Vec::new();
        match self.length_or_special()? {
            Length::Plain(count) => {
                let believed = usize::try_from(count).unwrap_or(usize::MAX);
                out.reserve_exact(class_bytes(believed.min(TRUSTED_BYTES)));
                self.append(count, &mut out)?;
            }
            Length::Special(encoding) => self.special_string(encoding, &mut out)?,
        }
        Ok(out)
    }

    /// A string of its own.
    pub(crate) fn owned_string(&mut self) -> Result<Vec<u8>, FormatError> {
        let mut out = Vec::new();
        self.string(&mut out)?;
        Ok(out)
    }

    fn lzf_string(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let packed_bytes = self.length()?;
        let text_bytes = self.length()?;
        let text_bytes =
            usize::try_from(text_bytes).map_err(|_| self.corrupt("length beyond memory"))?;
        let mut packed = Vec::new();
        self.append(packed_bytes, &mut packed)?;
        *out = lzf::decompress(&packed, text_bytes)
            .map_err(|_| self.corrupt("a compressed string that does not decompress"))?;
        Ok(())
    }
}
