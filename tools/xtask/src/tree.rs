//! The files that the checks look at: everything in the work tree but build products and data.

use std::fs;
use std::io;
use std::path::Path;

/// Names that hold no source, wherever they are (`.git` is a file in a linked work tree).
const SKIPPED_NAMES: &[&str] = &[
    ".git",
    "target",
    "data",
    "corpus",
    "artifacts",
    "coverage",
    "fixtures",
    "__pycache__",
    "node_modules",
];

/// Larger files are data, whatever their name says.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is tests: `tests.rs`, or anything in a folder `tests`.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.rsplit('/');
        parts.next() == Some("tests.rs") || parts.any(|folder| folder == "tests")
    }
}

/// All text files of the work tree, in the order of their paths.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads the files below `root`.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        read_folder(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Self {
            files: files.iter().map(file).collect(),
        }
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// The folders that hold a `Cargo.toml` with a package, the deepest first.
    pub(crate) fn packages(&self) -> Vec<Package<'_>> {
        let mut packages: Vec<_> = self
            .files
            .iter()
            .filter_map(|file| {
                let folder = file.path.strip_suffix("Cargo.toml")?;
                file.text.contains("[package]").then_some(Package {
                    folder,
                    manifest: file,
                })
            })
            .collect();
        packages.sort_by_key(|package| std::cmp::Reverse(package.folder.len()));
        packages
    }
}

/// A crate of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package<'a> {
    /// With a `/` at its end; empty for the root.
    pub(crate) folder: &'a str,
    pub(crate) manifest: &'a File,
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        let name = item.file_name();
        // A name that is not text cannot be in a link, and nothing of ours has one.
        let Some(name) = name.to_str() else { continue };
        let kind = item.file_type()?;
        if SKIPPED_NAMES.contains(&name) {
            continue;
        }
        if kind.is_dir() {
            read_folder(&item.path(), &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file()
            && item.metadata()?.len() <= FILE_BYTES_MAX
            && let Ok(text) = String::from_utf8(fs::read(item.path())?)
        {
            let path = format!("{prefix}{name}");
            files.push(File { path, text });
        }
    }
    Ok(())
}
