//! What replicas need of the commands that ran: plain Redis commands in RESP, back to back.
//!
//! The write context appends; the server's `replication` takes the bytes as the body of a batch;
//! [`crate::replay`] reads them back. A section `@` + database (u32, little endian) stands before
//! the first effect and wherever the database changes, so databases ride outside the commands.

use bytes::BytesMut;
use holdfast_resp::encode_command;

use crate::keyspace::DatabaseIndex;

/// Opens a section: the database of the effects that follow.
pub(crate) const DATABASE_MARK: u8 = b'@';

/// The effects of one batch while it is being filled.
#[derive(Debug, Default)]
pub struct Effects {
    body: BytesMut,
    database: Option<DatabaseIndex>,
    count: usize,
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
        self.body.split()
    }
}
