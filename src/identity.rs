//! Who a data directory belongs to: written once, checked at every start. A directory that holds
//! a log but no identity, or a damaged one, is refused: it is never taken for a new one (P4).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

const FILE: &str = "identity";
const MAGIC: &str = "holdfast-identity";
const VERSION: &str = "1";

/// What a data directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// This node's id in its cluster.
    pub node_id: u64,
    /// Random per data directory; every segment of its log carries it.
    pub log_id: [u8; 16],
    /// The seed of the keyspace's hash: part of the replicated state.
    pub hash_seed: u64,
}

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The identity cannot be read.
    #[error("{} is damaged: {expected} expected in line {line}, found {found:?}; restore the file or the whole directory from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// There is data without an identity.
    #[error("{} holds a log but no identity file: it is not taken for an empty directory; restore `{FILE}` from a copy", .0.display())]
    Missing(PathBuf),
}

impl Identity {
    /// Reads the identity of a data directory; makes one for a new directory.
    ///
    /// # Errors
    /// See [`IdentityError`]; nothing was changed, except that the directory may have been made.
    pub fn load_or_create(dir: &Path) -> Result<Self, IdentityError> {
        fs::create_dir_all(dir).map_err(failed("create", dir))?;
        let path = dir.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(dir, &path),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn create(dir: &Path, path: &Path) -> Result<Self, IdentityError> {
        if dir.join("wal").exists() {
            return Err(IdentityError::Missing(dir.to_owned()));
        }
        let mut log_id = [0; 16];
        let (high, low) = log_id.split_at_mut(8);
        high.copy_from_slice(&random_u64().to_le_bytes());
        low.copy_from_slice(&random_u64().to_le_bytes());
        let identity = Self {
            node_id: 1,
            log_id,
            hash_seed: random_u64(),
        };
        let temporary = dir.join("identity.new");
        let mut file = File::create(&temporary).map_err(failed("create", &temporary))?;
        file.write_all(identity.text().as_bytes())
            .map_err(failed("write", &temporary))?;
        file.sync_all().map_err(failed("sync", &temporary))?;
        fs::rename(&temporary, path).map_err(failed("rename", &temporary))?;
        sync_directory(dir).map_err(failed("sync", dir))?;
        Ok(identity)
    }

    fn text(&self) -> String {
        let log_id: String = self
            .log_id
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let body = format!(
            "{MAGIC} {VERSION}\nnode-id {}\nlog-id {log_id}\nhash-seed {:016x}\n",
            self.node_id, self.hash_seed
        );
        let checksum = crc32fast::hash(body.as_bytes());
        format!("{body}crc32 {checksum:08x}\n")
    }

    fn parse(text: &str, path: &Path) -> Result<Self, IdentityError> {
        let damaged = |line: usize, expected| IdentityError::Damaged {
            path: path.to_owned(),
            line,
            expected,
            found: text.lines().nth(line - 1).unwrap_or_default().to_owned(),
        };
        let value = |line: usize, name: &str| {
            text.lines()
                .nth(line - 1)?
                .strip_prefix(name)?
                .strip_prefix(' ')
        };
        let version = value(1, MAGIC).filter(|version| *version == VERSION);
        version.ok_or_else(|| damaged(1, "this file's name and version 1"))?;
        let node_id = value(2, "node-id").and_then(|text| text.parse().ok());
        let log_id = value(3, "log-id").and_then(parse_hex);
        let hash_seed = value(4, "hash-seed").and_then(|text| u64::from_str_radix(text, 16).ok());
        let identity = Self {
            node_id: node_id.ok_or_else(|| damaged(2, "the node's id"))?,
            log_id: log_id.ok_or_else(|| damaged(3, "the log's id"))?,
            hash_seed: hash_seed.ok_or_else(|| damaged(4, "the seed of the hash"))?,
        };
        if identity.text() == text {
            Ok(identity)
        } else {
            Err(damaged(5, "the checksum of the lines above"))
        }
    }
}

pub(crate) fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let number = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok())?;
    number.map(u128::to_be_bytes)
}

fn failed(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| IdentityError::Io {
        doing,
        path: path.clone(),
        source,
    }
}

fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// A random number from the operating system.
pub fn random_u64() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds each of these from the operating system's source.
    std::hash::RandomState::new().build_hasher().finish()
}

/// Forty random hexadecimal digits: Redis's form of ids.
pub fn random_hex() -> String {
    let digits: String = (0..3).map(|_| format!("{:016x}", random_u64())).collect();
    digits.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_its_identity() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = Identity::load_or_create(dir.path()).expect("made");
        assert_eq!(Identity::load_or_create(dir.path()).expect("read"), first);
    }

    #[test]
    fn a_changed_byte_is_refused_wherever_it_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Identity::load_or_create(dir.path()).expect("made");
        let path = dir.path().join(FILE);
        let whole = fs::read(&path).expect("read");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).expect("written");
            assert!(Identity::load_or_create(dir.path()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_log_without_an_identity_is_not_an_empty_directory() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("wal")).expect("made");
        assert!(matches!(
            Identity::load_or_create(dir.path()),
            Err(IdentityError::Missing(_))
        ));
    }
}
