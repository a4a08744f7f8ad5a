//! `AofWriter`: commands in the form of append-only files.
//!
//! Called by exports. Making the file durable is the caller's.

use std::io::{self, Write};

use bytes::BytesMut;
use holdfast_resp::encode_command;

use crate::integer::DecimalBuffer;

/// Bytes are handed on once there are this many.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes the commands of one append-only file to any stream.
#[derive(Debug)]
pub struct AofWriter<W> {
    stream: W,
    buffer: BytesMut,
}

impl<W: Write> AofWriter<W> {
    /// A file without commands yet. Behind an RDB preamble, `stream` is what `RdbWriter::finish` gave.
    #[must_use]
    pub fn new(stream: W) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// One command.
    ///
    /// # Errors
    /// Here and in every method: what the underlying stream says.
    pub fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> io::Result<()> {
        encode_command(arguments, &mut self.buffer);
        self.after_item()
    }

    /// Says that what follows was written in or after this Unix second. Servers before 7.0 refuse it.
    ///
    /// # Errors
    /// As `command`.
    pub fn timestamp(&mut self, unix_seconds: i64) -> io::Result<()> {
        self.buffer.extend_from_slice(b"#TS:");
        let mut text = DecimalBuffer::new();
        self.buffer.extend_from_slice(text.format(unix_seconds));
        self.buffer.extend_from_slice(b"\r\n");
        self.after_item()
    }

    /// Hands everything on and gives the stream back. Nothing is synced.
    ///
    /// # Errors
    /// As `command`.
    pub fn finish(mut self) -> io::Result<W> {
        self.stream.write_all(&self.buffer)?;
        self.stream.flush()?;
        Ok(self.stream)
    }

    fn after_item(&mut self) -> io::Result<()> {
        if self.buffer.len() >= BUFFER_BYTES {
            self.stream.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}
