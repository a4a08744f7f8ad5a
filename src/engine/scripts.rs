//! Scripts and function libraries that clients loaded: replicated state beside the keys. The server
//! compiles and runs them; here they are text, as effects and snapshots hold it.
//!
//! What always holds: a script is found by the SHA-1 of its text, a library by the name that its
//! first line gives, in any case.

mod header;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha1::{Digest, Sha1};

pub use header::{Header, HeaderError, is_name as is_library_name};

/// The name of a script: the SHA-1 of its text in lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptSha([u8; 40]);

impl ScriptSha {
    /// The name of this text.
    pub fn of(body: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        let digest = Sha1::digest(body);
        for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
            pair.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]);
        }
        Self(text)
    }

    /// A name as a client writes it, in any case; nothing if it is none.
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut name: [u8; 40] = text.try_into().ok()?;
        name.make_ascii_lowercase();
        Some(Self(name))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A function library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// Its name as it was written.
    pub name: Box<[u8]>,
    /// Its text, the first line included.
    pub code: Arc<[u8]>,
}

/// What was loaded. A copy shares the texts.
#[derive(Clone, Debug, Default)]
pub struct ScriptStore {
    scripts: BTreeMap<ScriptSha, Arc<[u8]>>,
    /// By name in lower case.
    libraries: BTreeMap<Box<[u8]>, Library>,
    scripts_version: u64,
    libraries_version: u64,
}

impl ScriptStore {
    /// The text of a script.
    pub fn script(&self, sha: &ScriptSha) -> Option<&Arc<[u8]>> {
        self.scripts.get(sha)
    }

    /// Every script, by name.
    pub fn scripts(&self) -> impl ExactSizeIterator<Item = (&ScriptSha, &Arc<[u8]>)> {
        self.scripts.iter()
    }

    /// The library with this name, in any case.
    pub fn library(&self, name: &[u8]) -> Option<&Library> {
        self.libraries.get(name.to_ascii_lowercase().as_slice())
    }

    /// Every library, by name.
    pub fn libraries(&self) -> impl ExactSizeIterator<Item = &Library> {
        self.libraries.values()
    }

    /// Changes whenever scripts are taken away: what was compiled of them may be out of date.
    pub const fn scripts_version(&self) -> u64 {
        self.scripts_version
    }

    /// Changes whenever a library comes, goes or is replaced.
    pub const fn libraries_version(&self) -> u64 {
        self.libraries_version
    }

    /// Keeps a script; says whether it is new.
    pub fn put_script(&mut self, body: &[u8]) -> bool {
        let sha = ScriptSha::of(body);
        let is_new = !self.scripts.contains_key(&sha);
        if is_new {
            self.scripts.insert(sha, body.into());
        }
        is_new
    }

    /// Forgets all scripts; says whether there were any.
    pub(crate) fn clear_scripts(&mut self) -> bool {
        self.scripts_version += 1;
        !std::mem::take(&mut self.scripts).is_empty()
    }

    /// Keeps a library in place of one of the same name. Nothing if its first line is not right.
    pub fn put_library(&mut self, code: &[u8]) -> Option<()> {
        let header = Header::read_library(code).ok()?;
        let library = Library {
            name: header.name?.into(),
            code: code.into(),
        };
        self.libraries_version += 1;
        self.libraries
            .insert(library.name.to_ascii_lowercase().into(), library);
        Some(())
    }

    /// Removes a library; says whether it was there.
    pub(crate) fn remove_library(&mut self, name: &[u8]) -> bool {
        self.libraries_version += 1;
        self.libraries
            .remove(name.to_ascii_lowercase().as_slice())
            .is_some()
    }

    /// Removes all libraries; says whether there were any.
    pub(crate) fn clear_libraries(&mut self) -> bool {
        self.libraries_version += 1;
        !std::mem::take(&mut self.libraries).is_empty()
    }

    /// Whether another one holds the same.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        self.scripts == other.scripts && self.libraries == other.libraries
    }

    /// Takes over what another one holds.
    pub(crate) fn replace_by(&mut self, other: Self) {
        self.scripts = other.scripts;
        self.libraries = other.libraries;
        self.scripts_version += 1;
        self.libraries_version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_named_by_their_digest() {
        let sha = ScriptSha::of(b"");
        assert_eq!(sha.as_str(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        let upper = sha.as_str().to_ascii_uppercase();
        assert_eq!(ScriptSha::read(upper.as_bytes()), Some(sha));
        assert_eq!(ScriptSha::read(b"da39"), None);
    }

    #[test]
    fn libraries_are_found_in_any_case() {
        let mut store = ScriptStore::default();
        assert_eq!(store.put_library(b"#!lua name=Lib\nx"), Some(()));
        assert_eq!(store.put_library(b"#!lua\nx"), None);
        assert_eq!(
            store.library(b"lIB").map(|found| &*found.name),
            Some(&b"Lib"[..])
        );
        assert!(store.remove_library(b"lib"));
        assert!(!store.clear_libraries());
    }
}
