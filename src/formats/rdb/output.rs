//! The small items of RDB files, written, with a running checksum.
//!
//! Used by everything in `rdb` that writes. Lengths take their shortest form and strings the form
//! that Redis would choose: an integer, LZF where it saves more than four bytes, else plain.

use std::io::{self, Write};

use super::codes::length;
use crate::crc64::crc64;
use crate::integer::parse_i64;
use crate::lzf::Compressor;

/// Bytes are handed on once there are this many.
const BUFFER_BYTES: usize = 64 * 1024;
/// The longest text that may be an integer of 32 bits.
const INTEGER_TEXT_BYTES_MAX: usize = 11;
/// Shorter strings are not worth a try at compression.
const COMPRESSED_TEXT_BYTES_MIN: usize = 21;

/// Whether long strings are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Strings above 20 bytes, where it saves space (`rdbcompression yes`).
    #[default]
    Lzf,
    /// Never.
    None,
}

/// Where encoded bytes go, counted and checksummed.
#[derive(Debug)]
pub(crate) struct Output<W> {
    sink: W,
    buffer: Vec<u8>,
    /// `buffer` is handed on at this size.
    buffer_bytes_max: usize,
    crc: u64,
    /// The checksum of what was handed on since [`Output::cut_block`], where blocks are wanted.
    block_crc: Option<u64>,
    /// How many bytes were handed on.
    handed_on: u64,
    compressor: Option<Compressor>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(sink: W, compression: Compression) -> Self {
        Self {
            sink,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            buffer_bytes_max: BUFFER_BYTES,
            crc: 0,
            block_crc: None,
            handed_on: 0,
            compressor: match compression {
                Compression::Lzf => Some(Compressor::new()),
                Compression::None => None,
            },
        }
    }

    /// How many bytes were written.
    pub(crate) fn position(&self) -> u64 {
        let buffered = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.handed_on.saturating_add(buffered)
    }

    /// Hands everything on and gives the checksum of it.
    pub(crate) fn flush(&mut self) -> io::Result<u64> {
        self.hand_on()?;
        self.sink.flush()?;
        Ok(self.crc)
    }

    /// Ends a block: gives the checksum of what was written since the last call.
    pub(crate) fn cut_block(&mut self) -> io::Result<u64> {
        self.hand_on()?;
        Ok(self.block_crc.replace(0).unwrap_or(0))
    }

    /// From now on there are blocks, beginning with what was not handed on yet.
    pub(crate) fn begin_blocks(&mut self) {
        self.block_crc = Some(0);
    }

    pub(crate) fn into_sink(self) -> W {
        self.sink
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.crc = crc64(self.crc, &self.buffer);
        self.block_crc = self.block_crc.map(|crc| crc64(crc, &self.buffer));
        self.sink.write_all(&self.buffer)?;
        self.handed_on = self.position();
        self.buffer.clear();
        Ok(())
    }

    #[inline]
    fn after_item(&mut self) -> io::Result<()> {
        if self.buffer.len() >= self.buffer_bytes_max {
            self.hand_on()?;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.buffer.push(byte);
        self.after_item()
    }

    /// Bytes as they are. Long ones are not copied once more.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() >= self.buffer_bytes_max {
            self.hand_on()?;
            self.crc = crc64(self.crc, bytes);
            self.block_crc = self.block_crc.map(|crc| crc64(crc, bytes));
            self.sink.write_all(bytes)?;
            let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.handed_on = self.handed_on.saturating_add(count);
            return Ok(());
        }
        self.buffer.extend_from_slice(bytes);
        self.after_item()
    }

    #[inline]
    pub(crate) fn length(&mut self, length: u64) -> io::Result<()> {
        put_length(&mut self.buffer, length);
        self.after_item()
    }

    pub(crate) fn i64_le(&mut self, value: i64) -> io::Result<()> {
        self.bytes(&value.to_le_bytes())
    }

    /// A string as it is, to be found by those who look for its bytes.
    pub(crate) fn plain_string(&mut self, text: &[u8]) -> io::Result<()> {
        put_size(&mut self.buffer, text.len());
        self.bytes(text)
    }

    /// A string in the form that takes least.
    #[inline]
    pub(crate) fn string(&mut self, text: &[u8]) -> io::Result<()> {
        if text.len() <= INTEGER_TEXT_BYTES_MAX && put_integer(&mut self.buffer, text) {
            return self.after_item();
        }
        if let Some(compressor) = &mut self.compressor
            && text.len() >= COMPRESSED_TEXT_BYTES_MIN
            && let Some(packed) = compressor.compress(text, text.len().saturating_sub(5))
        {
            self.buffer.push(0xc0 | length::STRING_LZF);
            put_size(&mut self.buffer, packed.len());
            put_size(&mut self.buffer, text.len());
            return self.bytes(&packed);
        }
        put_size(&mut self.buffer, text.len());
        self.bytes(text)
    }
}

impl Output<io::Empty> {
    /// An output that keeps everything in memory.
    pub(crate) fn in_memory(compression: Compression) -> Self {
        let mut output = Self::new(io::empty(), compression);
        output.buffer = Vec::new();
        output.buffer_bytes_max = usize::MAX;
        output
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.buffer
    }
}

fn put_size(out: &mut Vec<u8>, size: usize) {
    put_length(out, u64::try_from(size).unwrap_or(u64::MAX));
}

/// Appends a length in its shortest form.
#[inline]
pub(crate) fn put_length(out: &mut Vec<u8>, value: u64) {
    if let Ok(short @ 0..=0x3f) = u8::try_from(value) {
        out.push(short);
    } else if let Ok(middle @ 0..=0x3fff) = u16::try_from(value) {
        out.extend((0x4000 | middle).to_be_bytes());
    } else if let Ok(long) = u32::try_from(value) {
        out.push(length::BITS_32);
        out.extend(long.to_be_bytes());
    } else {
        out.push(length::BITS_64);
        out.extend(value.to_be_bytes());
    }
}

/// Appends a string without any attempt to shorten it.
pub(crate) fn put_plain_string(out: &mut Vec<u8>, text: &[u8]) {
    put_size(out, text.len());
    out.extend_from_slice(text);
}

/// Appends `text` as an integer, if it is the canonical text of one of at most 32 bits.
fn put_integer(out: &mut Vec<u8>, text: &[u8]) -> bool {
    let Some(value) = parse_i64(text) else {
        return false;
    };
    if let Ok(value) = i8::try_from(value) {
        out.push(0xc0 | length::STRING_I8);
        out.extend(value.to_le_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xc0 | length::STRING_I16);
        out.extend(value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xc0 | length::STRING_I32);
        out.extend(value.to_le_bytes());
    } else {
        return false;
    }
    true
}
