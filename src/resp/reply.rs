//! Writes replies into one growing buffer, in the shape of the session's protocol.
//!
//! Handlers call one method per element; the connection sends the bytes from the front. Always
//! holds: an aggregate's header is followed by as many elements as it says, which is the
//! caller's duty, and no text of an error or a status can break out of its line.

use std::fmt::{Display, Write as _};

use bytes::{Buf, BytesMut};

use crate::decimal::{DecimalText, HeaderText};
use crate::double::DoubleText;

/// Which version of the protocol a session speaks; `HELLO` changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What every client begins with.
    #[default]
    Resp2,
    /// With maps, sets, doubles, booleans and pushed messages.
    Resp3,
}

/// Replies that were written and not yet sent, in order.
#[derive(Debug, Default)]
pub struct Reply {
    out: BytesMut,
    protocol: Protocol,
}

impl Reply {
    /// An empty buffer for a session that speaks `protocol`.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        Self {
            out: BytesMut::new(),
            protocol,
        }
    }

    /// The protocol in which the next element is written.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the protocol from the next element on.
    pub const fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A status: one line. Line ends in `text` become blanks.
    pub fn simple(&mut self, text: impl AsRef<[u8]>) {
        self.line(b'+', text.as_ref());
    }

    /// An error, which begins with its code word. Line ends in `text` become blanks, but for those
    /// at its end, which vanish.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        let mut text = text.as_ref();
        while let [head @ .., b'\r' | b'\n'] = text {
            text = head;
        }
        self.line(b'-', text);
    }

    /// A whole number.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// A string of any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        let mut room = HeaderText::new();
        let header = room.format_len(b'$', bytes.len());
        // One reservation for all three parts: each part's own check then finds room.
        self.out
            .reserve(bytes.len().saturating_add(header.len()).saturating_add(2));
        self.out.extend_from_slice(header);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A string, or null where there is none.
    #[inline]
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// A string that is made by `Display`, without a detour over the heap.
    pub fn bulk_display(&mut self, value: impl Display) {
        let start = self.out.len();
        // Writing to the buffer does not fail; a `Display` that does leaves a shorter text.
        let _ = write!(self.out, "{value}");
        let len = self.out.len().saturating_sub(start);
        self.insert_header(start, b'$', len);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A whole number as a string.
    #[inline]
    pub fn bulk_integer(&mut self, value: i64) {
        self.bulk(DecimalText::new().format(value));
    }

    /// Nothing, where a string could be.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// Nothing, where an array could be.
    #[inline]
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// `len` elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header_len(b'*', len);
    }

    /// `pairs` keys follow, each with its value.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        let (marker, len) = self.map_header(pairs);
        self.header_len(marker, len);
    }

    /// `len` elements follow, in no order and without doubles.
    #[inline]
    pub fn set(&mut self, len: usize) {
        self.header_len(self.set_marker(), len);
    }

    /// A message of `len` elements that answers no command.
    #[inline]
    pub fn push(&mut self, len: usize) {
        let marker = match self.protocol {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => b'>',
        };
        self.header_len(marker, len);
    }

    /// `pairs` facts about the reply that comes after them. Only RESP3 has attributes: the caller
    /// checks `protocol` first.
    pub fn attribute(&mut self, pairs: usize) {
        debug_assert_eq!(self.protocol, Protocol::Resp3, "RESP2 has no attributes");
        self.header_len(b'|', pairs);
    }

    /// A floating point number: its `%.17g` as a string, or RESP3's own type.
    pub fn double(&mut self, value: f64) {
        self.double_text(DoubleText::new().format(value));
    }

    /// A floating point number whose text the caller made (`INCRBYFLOAT`, `GEOPOS`).
    pub fn double_text(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(b',', text),
        }
    }

    /// True or false: 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// A whole number of any size, as its digits.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }

    /// A text for people; `format` says what it is, as in `txt` or `mkd`.
    pub fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                let [first, second, third] = format;
                self.header_len(b'=', text.len().saturating_add(4));
                self.out.extend_from_slice(&[first, second, third, b':']);
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Bytes that are a reply already, in this protocol.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// An array whose length is known only afterwards: `body` writes the elements and returns how
    /// many there are, which is also returned here. Costs one move of what was written.
    pub fn array_of(&mut self, body: impl FnOnce(&mut Self) -> usize) -> usize {
        let start = self.out.len();
        let len = body(self);
        self.insert_header(start, b'*', len);
        len
    }

    /// Like `array_of` for a map; `body` returns the number of pairs.
    pub fn map_of(&mut self, body: impl FnOnce(&mut Self) -> usize) -> usize {
        let start = self.out.len();
        let pairs = body(self);
        let (marker, len) = self.map_header(pairs);
        self.insert_header(start, marker, len);
        pairs
    }

    /// Like `array_of` for a set.
    pub fn set_of(&mut self, body: impl FnOnce(&mut Self) -> usize) -> usize {
        let start = self.out.len();
        let len = body(self);
        self.insert_header(start, self.set_marker(), len);
        len
    }

    /// How many bytes wait to be sent.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing waits to be sent.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Drops what was written after the buffer had `len` bytes: what a failing handler left.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// What waits to be sent.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.out
    }

    /// Drops up to `count` bytes from the front: they were sent.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        self.out.advance(count.min(self.out.len()));
    }

    /// Takes up to `count` bytes from the front without copying them.
    pub fn split_to(&mut self, count: usize) -> BytesMut {
        self.out.split_to(count.min(self.out.len()))
    }

    /// Takes everything without copying it. The room that is left stays with the reply.
    pub fn take(&mut self) -> BytesMut {
        self.out.split()
    }

    /// Makes room for `additional` bytes at once, where the caller knows what is coming.
    pub fn reserve(&mut self, additional: usize) {
        self.out.reserve(additional);
    }

    /// How many bytes the buffer can hold without growing.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.out.capacity()
    }

    #[inline]
    fn header(&mut self, marker: u8, value: i64) {
        self.out
            .extend_from_slice(HeaderText::new().format(marker, value));
    }

    #[inline]
    fn header_len(&mut self, marker: u8, len: usize) {
        self.out
            .extend_from_slice(HeaderText::new().format_len(marker, len));
    }

    const fn map_header(&self, pairs: usize) -> (u8, usize) {
        match self.protocol {
            Protocol::Resp2 => (b'*', pairs.saturating_mul(2)),
            Protocol::Resp3 => (b'%', pairs),
        }
    }

    const fn set_marker(&self) -> u8 {
        match self.protocol {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => b'~',
        }
    }

    /// Puts a header before what was written since `start`.
    fn insert_header(&mut self, start: usize, marker: u8, len: usize) {
        let mut room = HeaderText::new();
        let header = room.format_len(marker, len);
        self.out.extend_from_slice(header);
        // A rotation by a few bytes is one move of the body; `start` is past the end only if the
        // body took bytes out of the buffer, and then the header stands at the end.
        if let Some(written) = self.out.get_mut(start..) {
            written.rotate_right(header.len());
        }
    }

    /// One line of text, in which a line end would begin a forged reply.
    fn line(&mut self, marker: u8, text: &[u8]) {
        self.out.reserve(text.len().saturating_add(3));
        self.out.extend_from_slice(&[marker]);
        let start = self.out.len();
        self.out.extend_from_slice(text);
        for byte in self.out.get_mut(start..).unwrap_or_default() {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
