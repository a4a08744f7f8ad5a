//! The snapshots of a data directory by name, and the steps by which one gets its name.
//!
//! `snapshot-<index of its last entry, 20 digits>.rdb` is a snapshot that was read back completely;
//! `snapshot.tmp` is being written and means nothing after a crash. `dbfilename` is a second name of
//! the newest one, for those who look for a dump.
//!
//! Always holds: create = write, sync the file, rename, sync the directory; each step is a line of
//! its own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::InstallError;
use super::place::Place;

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".rdb";
const TEMPORARY: &str = "snapshot.tmp";
const LINK: &str = "snapshot-link.tmp";

/// One snapshot of a data directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation {
    /// The last entry that it contains, by its name.
    pub index: u64,
    /// Its file.
    pub path: PathBuf,
}

/// The file that a snapshot is written to.
pub(super) fn temporary(dir: &Path) -> PathBuf {
    dir.join(TEMPORARY)
}

/// The file of the snapshot that ends with this entry.
pub(super) fn path_of(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{index:020}{SUFFIX}"))
}

/// The snapshots of a directory, the newest first.
///
/// # Errors
/// The directory cannot be read.
pub fn list(dir: &Path) -> io::Result<Vec<Generation>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let index = name
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX))
            .and_then(|digits| digits.parse().ok());
        if let Some(index) = index {
            found.push(Generation { index, path });
        }
    }
    found.sort_unstable_by(|one, two| two.cmp(one));
    Ok(found)
}

/// Removes what a crash left half written.
///
/// # Errors
/// A file is there and cannot be removed.
pub fn remove_temporaries(dir: &Path) -> io::Result<()> {
    for name in [TEMPORARY, LINK] {
        remove_if_there(&dir.join(name))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives a synced and verified file its name.
///
/// # Errors
/// What the operating system says; the file may have its name already, but nobody relies on it.
pub(super) fn publish(dir: &Path, index: u64) -> io::Result<Generation> {
    let path = path_of(dir, index);
    fs::rename(temporary(dir), &path)?;
    sync_directory(dir)?;
    Ok(Generation { index, path })
}

/// Makes `name` another name of a snapshot.
///
/// # Errors
/// What the operating system says.
pub(super) fn link(dir: &Path, generation: &Generation, name: &str) -> io::Result<()> {
    let link = dir.join(LINK);
    remove_if_there(&link)?;
    fs::hard_link(&generation.path, &link)?;
    fs::rename(&link, dir.join(name))?;
    // Nothing happens to two names of one file: then the first one is still there.
    remove_if_there(&link)?;
    sync_directory(dir)
}

/// Removes the snapshots that are older than this entry.
///
/// # Errors
/// What the operating system says.
pub(super) fn remove_before(dir: &Path, index: u64) -> io::Result<()> {
    for generation in list(dir)? {
        if generation.index < index {
            fs::remove_file(&generation.path)?;
        }
    }
    Ok(())
}

fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// What a snapshot says of its place in the log.
///
/// # Errors
/// It does not begin as a snapshot, or belongs to another entry than its name says.
pub fn place_of(generation: &Generation) -> Result<Place, InstallError> {
    let file = File::open(&generation.path)?;
    let size = file.metadata()?.len();
    let place = Place::read(file, size)?;
    if place.position.index == generation.index {
        Ok(place)
    } else {
        Err(InstallError::Field("hf-position"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_found_newest_first_and_old_ones_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path();
        for index in [7, 1000, 30] {
            fs::write(temporary(dir), b"x").expect("written");
            publish(dir, index).expect("renamed");
        }
        fs::write(dir.join("snapshot-old.rdb"), b"x").expect("written");
        fs::write(temporary(dir), b"x").expect("written");
        let indexes = |dir| -> Vec<u64> {
            let found = list(dir).expect("a directory");
            found.iter().map(|one| one.index).collect()
        };
        assert_eq!(indexes(dir), [1000, 30, 7]);
        let newest = list(dir).expect("a directory").remove(0);
        link(dir, &newest, "dump.rdb").expect("linked");
        link(dir, &newest, "dump.rdb").expect("the same link once more");
        remove_temporaries(dir).expect("removed");
        assert!(!temporary(dir).exists());
        remove_before(dir, 30).expect("removed");
        assert_eq!(indexes(dir), [1000, 30]);
        assert_eq!(fs::read(dir.join("dump.rdb")).expect("a file"), b"x");
    }
}
