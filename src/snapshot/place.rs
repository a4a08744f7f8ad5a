//! What a snapshot says of itself in fields that Redis passes over: its place in the log before the
//! keys, what it should hold behind them.
//!
//! Always holds: a file without all of these fields is no snapshot of this node; it can be imported,
//! but never stands for the log.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use holdfast_formats::rdb::{RdbReader, RdbWriter, Record};
use holdfast_raft::SnapshotPosition;

use super::InstallError;
use crate::replication::{BatchId, Epoch};

const FORMAT: &str = "1";
/// Every name of a field begins so.
const PREFIX: &[u8] = b"hf-";
/// How many fields may stand before the first key: more are not ours.
const HEAD_FIELDS_MAX: usize = 64;

/// Where a snapshot stands in the log, and whose log that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log's identity.
    pub log_id: [u8; 16],
    /// The last entry that the snapshot contains, and the members as of it.
    pub position: SnapshotPosition,
    /// The last valid batch that it contains.
    pub(crate) batch: BatchId,
    /// The newest time in the log as of it.
    pub log_time_ms: i64,
    /// The seed of the keyspace's hash.
    pub hash_seed: u64,
}

/// What the keys of a snapshot come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How many there are.
    pub keys_count: u64,
    /// Their digest.
    pub digest: String,
}

/// Fields by name.
#[derive(Debug, Default)]
pub(super) struct Fields(HashMap<Vec<u8>, Vec<u8>>);

impl Fields {
    /// Takes a field, if it is one of ours.
    pub(super) fn take(&mut self, name: Vec<u8>, value: Vec<u8>) {
        if name.starts_with(PREFIX) {
            self.0.insert(name, value);
        }
    }

    fn text(&self, name: &'static str) -> Result<&str, InstallError> {
        let value = self.0.get(name.as_bytes());
        value
            .and_then(|value| std::str::from_utf8(value).ok())
            .ok_or(InstallError::Field(name))
    }

    fn number<N: std::str::FromStr>(&self, name: &'static str) -> Result<N, InstallError> {
        self.text(name)?
            .parse()
            .map_err(|_| InstallError::Field(name))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Place {
    /// Writes the fields that stand before the keys.
    ///
    /// # Errors
    /// What the stream says.
    pub(super) fn write<W: Write>(&self, writer: &mut RdbWriter<W>) -> io::Result<()> {
        let BatchId { epoch, seq } = self.batch;
        let batch = format!("{} {} {seq}", epoch.term, epoch.incarnation);
        let seed = format!("{:016x}", self.hash_seed);
        writer.aux(b"hf-format", FORMAT.as_bytes())?;
        writer.aux(b"hf-log-id", hex(&self.log_id).as_bytes())?;
        writer.aux(b"hf-position", &self.position.to_json())?;
        writer.aux(b"hf-batch", batch.as_bytes())?;
        writer.aux(b"hf-log-time", self.log_time_ms.to_string().as_bytes())?;
        writer.aux(b"hf-hash-seed", seed.as_bytes())
    }

    pub(super) fn of(fields: &Fields) -> Result<Self, InstallError> {
        if fields.text("hf-format")? != FORMAT {
            return Err(InstallError::Field("hf-format"));
        }
        let log_id = fields.text("hf-log-id")?;
        let log_id = crate::identity::parse_hex(log_id).ok_or(InstallError::Field("hf-log-id"))?;
        let position = SnapshotPosition::from_json(fields.text("hf-position")?.as_bytes())
            .map_err(|_| InstallError::Field("hf-position"))?;
        let batch = parse_batch(fields.text("hf-batch")?).ok_or(InstallError::Field("hf-batch"))?;
        let seed = u64::from_str_radix(fields.text("hf-hash-seed")?, 16);
        Ok(Self {
            log_id,
            position,
            batch,
            log_time_ms: fields.number("hf-log-time")?,
            hash_seed: seed.map_err(|_| InstallError::Field("hf-hash-seed"))?,
        })
    }

    /// Reads the fields at the beginning of a file, and no further.
    ///
    /// # Errors
    /// The file does not begin as a snapshot.
    pub(super) fn read<R: Read>(stream: R, size: u64) -> Result<Self, InstallError> {
        let mut reader = RdbReader::new(stream, Some(size))?;
        let mut fields = Fields::default();
        for _ in 0..HEAD_FIELDS_MAX {
            match reader.next_record()? {
                Some(Record::Aux { name, value }) => fields.take(name, value),
                _ => break,
            }
        }
        Self::of(&fields)
    }
}

fn parse_batch(text: &str) -> Option<BatchId> {
    let mut numbers = text.split(' ');
    let epoch = Epoch {
        term: numbers.next()?.parse().ok()?,
        incarnation: numbers.next()?.parse().ok()?,
    };
    let seq = numbers.next()?.parse().ok()?;
    numbers.next().is_none().then_some(BatchId { epoch, seq })
}

impl Sum {
    /// Writes the fields that stand behind the keys.
    ///
    /// # Errors
    /// What the stream says.
    pub(super) fn write<W: Write>(&self, writer: &mut RdbWriter<W>) -> io::Result<()> {
        writer.aux(b"hf-keys", self.keys_count.to_string().as_bytes())?;
        writer.aux(b"hf-digest", self.digest.as_bytes())
    }

    pub(super) fn of(fields: &Fields) -> Result<Self, InstallError> {
        Ok(Self {
            keys_count: fields.number("hf-keys")?,
            digest: fields.text("hf-digest")?.to_owned(),
        })
    }
}
