//! Where tests find files of real servers. They lie beside the repository, not in it: a test that
//! does not find them says that it is skipped.

use std::path::{Path, PathBuf};

/// The folder of samples, if there is one.
pub(crate) fn samples_folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ["../shared", "../../shared"]
        .iter()
        .map(|shared| root.join(shared).join("samples/public"))
        .find(|folder| folder.is_dir())
}

/// All files below `folder` whose name ends in `end`, sorted.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of samples") {
        let path = entry.expect("a folder of samples").path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}
