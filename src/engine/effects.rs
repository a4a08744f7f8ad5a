//! What replicas need of the commands that ran: plain Redis commands in RESP, back to back.
//!
//! The write context appends; the server's `replication` takes the bytes as the body of a batch;
//! [`crate::replay`] reads them back. A section `@` + database (u32, little endian) stands before
//! the first effect and wherever the database changes, so databases ride outside the commands.

use bytes::BytesMut;
use holdfast_resp::{MalformedCommand, encode_command, read_command};

use crate::keyspace::DatabaseIndex;

/// Opens a section: the database of the effects that follow.
const DATABASE_MARK: u8 = b'@';
/// Bytes of a section's head.
const DATABASE_MARK_BYTES: usize = 5;

/// The effects of one batch while it is being filled.
#[derive(Debug, Default)]
pub struct Effects {
    body: BytesMut,
    database: Option<DatabaseIndex>,
    count: usize,
    /// Where the unit begins that has not been taken.
    unit_at: usize,
    /// The database in force where it begins.
    unit_database: Option<DatabaseIndex>,
}

impl Effects {
    /// Appends one command.
    pub fn push(&mut self, database: DatabaseIndex, command: &[&[u8]]) {
        if self.database != Some(database) {
            self.database = Some(database);
            self.body.extend_from_slice(&[DATABASE_MARK]);
            self.body.extend_from_slice(&database.0.to_le_bytes());
        }
        encode_command(command, &mut self.body);
        self.count += 1;
    }

    /// How many commands it holds.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether nothing has been recorded.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Hands the bytes out and starts anew.
    pub fn take(&mut self) -> BytesMut {
        self.database = None;
        self.count = 0;
        self.unit_at = 0;
        self.unit_database = None;
        self.body.split()
    }

    /// What was recorded since the last call, in this batch: what one command or transaction did;
    /// and the database that it is for up to the first section in it.
    pub fn take_unit(&mut self) -> (Option<DatabaseIndex>, &[u8]) {
        let from = std::mem::replace(&mut self.unit_at, self.body.len());
        let database = std::mem::replace(&mut self.unit_database, self.database);
        (database, self.body.get(from..).unwrap_or_default())
    }

    /// The same without looking at it.
    pub fn skip_unit(&mut self) {
        self.unit_at = self.body.len();
        self.unit_database = self.database;
    }
}

/// What stands next in the body of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The effects that follow are for this database.
    Database(DatabaseIndex),
    /// One effect.
    Command,
}

/// Reads what stands at the front of `body`, which is not empty; the words of a command are put
/// behind those in `arguments`. Returns it with its length in bytes.
///
/// # Errors
/// The bytes are not effects.
pub fn next_piece<'a>(
    body: &'a [u8],
    arguments: &mut Vec<&'a [u8]>,
) -> Result<(Piece, usize), MalformedCommand> {
    if let [DATABASE_MARK, a, b, c, d, ..] = *body {
        let number = u32::from_le_bytes([a, b, c, d]);
        let piece = Piece::Database(DatabaseIndex(number));
        return Ok((piece, DATABASE_MARK_BYTES));
    }
    read_command(body, arguments).map(|len| (Piece::Command, len))
}
