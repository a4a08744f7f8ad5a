//! `RdbWriter`: an RDB file of version 10, which stock Redis 7.0 and everything newer loads.
//!
//! Called by the server's snapshots and by exports. Streaming: what is written is handed on in
//! blocks of 64 KiB and never kept. Always holds: only type codes that Redis 7.0 knows. Making the
//! file durable (sync, rename, sync of the directory) is the caller's.

use std::io::{self, Write};

use super::block_mark::{BLOCK_BYTES, BlockMark};
use super::codes::{VERSION_WRITTEN, module_opcode, opcode};
use super::output::{Compression, Output};
use super::value_writer::ValueWriter;

/// What stands beside a key's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyAttributes {
    /// When it expires, in Unix milliseconds.
    pub expires_at_ms: Option<i64>,
    /// For how many seconds nobody has used it; written under the LRU policies.
    pub idle_seconds: Option<u64>,
    /// How often it is used; written under the LFU policies.
    pub frequency: Option<u8>,
}

/// Writes an RDB file to any stream.
#[derive(Debug)]
pub struct RdbWriter<W> {
    output: Output<W>,
    block: Option<Block>,
}

/// The block that is being written.
#[derive(Debug)]
struct Block {
    start: u64,
    keys: u64,
    /// The database in which it began.
    database: u64,
}

impl<W: Write> RdbWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Here and in every method: what the underlying stream says.
    pub fn new(stream: W, compression: Compression) -> io::Result<Self> {
        let mut output = Output::new(stream, compression);
        output.bytes(format!("REDIS{VERSION_WRITTEN:04}").as_bytes())?;
        Ok(Self {
            output,
            block: None,
        })
    }

    /// As `new`, of a file with block marks, which let a reader of a damaged file go on behind the
    /// damage (RULES.md 23).
    ///
    /// # Errors
    /// As `new`.
    pub fn with_block_marks(stream: W, compression: Compression) -> io::Result<Self> {
        let mut writer = Self::new(stream, compression)?;
        // The header is still in the buffer, so that the first block begins with the file.
        writer.output.begin_blocks();
        writer.block = Some(Block {
            start: 0,
            keys: 0,
            database: 0,
        });
        Ok(writer)
    }

    /// Marks the end of a block if it is large enough. To be called between two keys of `database`.
    ///
    /// # Errors
    /// As `new`.
    pub fn mark_block_if_due(&mut self, database: u64) -> io::Result<()> {
        let position = self.output.position();
        match &self.block {
            Some(block) if position.saturating_sub(block.start) >= BLOCK_BYTES => {
                self.mark_block(database)
            }
            _ => Ok(()),
        }
    }

    /// Marks the end of a block, however small it is.
    ///
    /// # Errors
    /// As `new`.
    pub fn mark_block(&mut self, database: u64) -> io::Result<()> {
        let Some(block) = &mut self.block else {
            return Ok(());
        };
        let position = self.output.position();
        let mark = BlockMark {
            start: block.start,
            length: position.saturating_sub(block.start),
            keys: std::mem::take(&mut block.keys),
            database: std::mem::replace(&mut block.database, database),
            checksum: self.output.cut_block()?,
        };
        self.output.byte(opcode::AUX)?;
        self.output.plain_string(BlockMark::NAME)?;
        self.output.plain_string(mark.encode().as_bytes())?;
        // The mark belongs to no block.
        self.output.cut_block()?;
        block.start = self.output.position();
        Ok(())
    }

    /// How many bytes were written.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.output.position()
    }

    /// A named field of the file's own, which servers that do not know it ignore.
    ///
    /// # Errors
    /// As `new`.
    pub fn aux(&mut self, name: &[u8], value: &[u8]) -> io::Result<()> {
        self.output.byte(opcode::AUX)?;
        self.output.string(name)?;
        self.output.string(value)
    }

    /// The source of a function library.
    ///
    /// # Errors
    /// As `new`.
    pub fn function(&mut self, source: &[u8]) -> io::Result<()> {
        self.output.byte(opcode::FUNCTION)?;
        self.output.string(source)
    }

    /// What a module saved beside its keys; `when` is 1 before the keys and 2 after them.
    ///
    /// # Errors
    /// As `new`.
    pub fn module_aux(&mut self, id: u64, when: u64, payload: &[u8]) -> io::Result<()> {
        self.output.byte(opcode::MODULE_AUX)?;
        self.output.length(id)?;
        self.output.length(module_opcode::UNSIGNED)?;
        self.output.length(when)?;
        self.output.bytes(payload)
    }

    /// The keys that follow belong to this database.
    ///
    /// # Errors
    /// As `new`.
    pub fn select_db(&mut self, database: u64) -> io::Result<()> {
        self.output.byte(opcode::SELECT_DB)?;
        self.output.length(database)
    }

    /// How many keys follow in this database, and how many of them expire.
    ///
    /// # Errors
    /// As `new`.
    pub fn resize_db(&mut self, keys: u64, expiring: u64) -> io::Result<()> {
        self.output.byte(opcode::RESIZE_DB)?;
        self.output.length(keys)?;
        self.output.length(expiring)
    }

    /// A key; its value goes through the writer that this gives.
    ///
    /// # Errors
    /// As `new`.
    pub fn key<'w>(
        &'w mut self,
        key: &'w [u8],
        attributes: KeyAttributes,
    ) -> io::Result<ValueWriter<'w, W>> {
        if let Some(block) = &mut self.block {
            block.keys = block.keys.saturating_add(1);
        }
        if let Some(at) = attributes.expires_at_ms {
            self.output.byte(opcode::EXPIRE_MS)?;
            self.output.i64_le(at)?;
        }
        if let Some(seconds) = attributes.idle_seconds {
            self.output.byte(opcode::IDLE)?;
            self.output.length(seconds)?;
        }
        if let Some(frequency) = attributes.frequency {
            self.output.byte(opcode::FREQUENCY)?;
            self.output.byte(frequency)?;
        }
        Ok(ValueWriter::new(&mut self.output, Some(key)))
    }

    /// Writes the end mark and the checksum, hands everything on and gives the stream back. Nothing
    /// is synced.
    ///
    /// # Errors
    /// As `new`.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.byte(opcode::END)?;
        let checksum = self.output.flush()?;
        self.output.bytes(&checksum.to_le_bytes())?;
        self.output.flush()?;
        Ok(self.output.into_sink())
    }
}
