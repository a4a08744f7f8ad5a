//! Data that will take the place of the keyspace's: filled from a snapshot while commands still see
//! the old data, then installed as a whole. The server's `snapshot` calls it.
//!
//! What always holds: nothing here records effects or tells subscribers. Whoever installs data that
//! is not equal to what the log gives has lost the log: [`Replacement::digest`] is there to be asked.

use super::{DatabaseIndex, Entry, Keyspace, Mode};
use crate::digest::{self, Digest};
use crate::scripts::ScriptStore;
use crate::value::Value;

/// Databases that are being filled.
#[derive(Debug)]
pub struct Replacement(Keyspace);

/// A key as a snapshot holds it.
#[derive(Debug)]
pub struct ArrivingKey<'a> {
    /// Its database.
    pub database: DatabaseIndex,
    /// Its name.
    pub key: &'a [u8],
    /// Its value.
    pub value: Value,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// Its access clock; a fresh one where there is none.
    pub access: Option<u32>,
}

impl Replacement {
    /// The keyspace that is being filled: for looking only.
    pub const fn keyspace(&self) -> &Keyspace {
        &self.0
    }

    /// Puts a key. Returns false, and does nothing, if it is there already or the database is not.
    pub fn put(&mut self, arriving: ArrivingKey<'_>) -> bool {
        let access = arriving.access.unwrap_or_else(|| self.0.access.fresh());
        let key = self.0.key(arriving.key);
        let Some(database) = self.0.databases.get_mut(arriving.database.0 as usize) else {
            return false;
        };
        let is_new = database.find(key).is_none();
        if is_new {
            database.insert(key, arriving.value.into(), arriving.expires_at_ms, access);
        }
        is_new
    }

    /// Puts the scripts and libraries that belong to the data.
    pub fn put_scripts(&mut self, scripts: ScriptStore) {
        self.0.scripts = scripts;
    }

    /// The digest of what it holds.
    pub fn digest(&self) -> Digest {
        digest::of_keyspace(&self.0)
    }
}

impl Keyspace {
    /// An empty replacement, with the same databases, seed, thresholds and clocks.
    pub fn replacement(&self) -> Replacement {
        let mut fresh = Self::new(self.databases_count(), self.encodings, self.random());
        fresh.access = self.access.clone();
        fresh.set_now_ms(self.now_ms);
        fresh.set_mode(Mode::Replay);
        Replacement(fresh)
    }

    /// Puts the replacement in the place of all data. Readers go on waiting for what they waited
    /// for: what is dirty stays dirty.
    pub fn install(&mut self, replacement: Replacement) {
        let Replacement(mut fresh) = replacement;
        std::mem::swap(&mut self.databases, &mut fresh.databases);
        self.scripts.replace_by(fresh.scripts);
        for (index, database) in (0..).map(DatabaseIndex).zip(fresh.databases) {
            self.let_go(index, database);
        }
    }
}

impl Entry {
    /// The same key, as a snapshot would hold it, for tests of what reads snapshots.
    #[cfg(test)]
    pub(crate) fn arriving(&self, database: DatabaseIndex) -> ArrivingKey<'_> {
        ArrivingKey {
            database,
            key: self.key(),
            value: self.value().to_value(),
            expires_at_ms: self.expires_at_ms(),
            access: Some(self.access()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Expiry;
    use crate::values::encodings::Encodings;
    use crate::values::string::StringValue;

    fn keyspace() -> Keyspace {
        let mut keyspace = Keyspace::new(2, Encodings::default(), 1);
        keyspace.set_now_ms(1000);
        for (number, name) in [(0, "a"), (1, "b")] {
            let value = Value::String(StringValue::from_bytes(name.as_bytes()));
            let key = keyspace.key(name.as_bytes());
            keyspace.put(DatabaseIndex(number), key, value.into(), Expiry::At(5000));
        }
        keyspace
    }

    #[test]
    fn an_installed_copy_has_the_digest_of_the_original() {
        let mut keyspace = keyspace();
        let before = digest::of_keyspace(&keyspace);
        let mut copy = keyspace.replacement();
        for number in 0..keyspace.databases_count() {
            let database = DatabaseIndex(number);
            for entry in keyspace.iter(database) {
                assert!(copy.put(entry.arriving(database)));
                assert!(!copy.put(entry.arriving(database)), "the key is there");
            }
        }
        assert_eq!(copy.digest(), before);
        keyspace.install(copy);
        assert_eq!(digest::of_keyspace(&keyspace), before);
        assert_eq!(keyspace.volatile_len(DatabaseIndex(1)), 1);
    }

    #[test]
    fn a_database_that_does_not_exist_takes_no_key() {
        let keyspace = keyspace();
        let mut copy = keyspace.replacement();
        let arriving = ArrivingKey {
            database: DatabaseIndex(2),
            key: b"a",
            value: Value::String(StringValue::Integer(1)),
            expires_at_ms: None,
            access: None,
        };
        assert!(!copy.put(arriving));
    }
}
