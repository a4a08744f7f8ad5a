//! The syntax of redis.conf: one option a line, words in quotes as in Redis, `#` before comments,
//! `include` for other files.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use holdfast_resp::split_inline;
use thiserror::Error;

/// Files that may include each other: beyond it they include themselves.
const INCLUDE_DEPTH_MAX: usize = 16;

/// One option as a file or the command line gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name and the words of its value.
    pub words: Vec<Vec<u8>>,
    /// Where it stands, for error messages.
    pub place: String,
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line has quotes that do not end.
    #[error("{place}: unbalanced quotes")]
    Quotes {
        /// File and line.
        place: String,
    },
    /// Files include each other without end.
    #[error("{place}: files include each other more than {INCLUDE_DEPTH_MAX} deep")]
    Depth {
        /// File and line.
        place: String,
    },
    /// `include` without a file, or with several.
    #[error("{place}: `include` takes one file")]
    Include {
        /// File and line.
        place: String,
    },
}

/// Reads a file and those that it includes; `-` is standard input.
///
/// # Errors
/// A file cannot be read, or a line is malformed.
pub fn read(path: &Path) -> Result<Vec<Line>, FileError> {
    let mut lines = Vec::new();
    read_into(path, 0, &mut lines)?;
    Ok(lines)
}

fn read_into(path: &Path, depth: usize, into: &mut Vec<Line>) -> Result<(), FileError> {
    let text = text_of(path).map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })?;
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let place = format!("{}:{}", path.display(), number + 1);
        let Some(words) = split_line(line) else {
            return Err(FileError::Quotes { place });
        };
        match words.as_slice() {
            [] => {}
            [name, rest @ ..] if name.eq_ignore_ascii_case(b"include") => {
                let [file] = rest else {
                    return Err(FileError::Include { place });
                };
                if depth >= INCLUDE_DEPTH_MAX {
                    return Err(FileError::Depth { place });
                }
                let file = String::from_utf8_lossy(file).into_owned();
                read_into(Path::new(&file), depth + 1, into)?;
            }
            _ => into.push(Line { words, place }),
        }
    }
    Ok(())
}

fn text_of(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(path)
}

/// The words of a line; none for a comment or an empty line, `None` for quotes that do not end.
pub(super) fn split_line(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = line.trim_ascii();
    if line.first() == Some(&b'#') {
        return Some(Vec::new());
    }
    split_words(line)
}

/// Words separated by blanks, with Redis's quotes.
pub(super) fn split_words(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    split_inline(text, &mut bytes, |start, end| places.push(start..end)).ok()?;
    places
        .into_iter()
        .map(|place| bytes.get(place).map(<[u8]>::to_vec))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_includes_others_in_place_and_comments_are_skipped() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let inner = dir.path().join("inner.conf");
        let outer = dir.path().join("outer.conf");
        std::fs::write(&inner, "port 2\r\n").expect("written");
        let text = format!(
            "# comment\n\nport 1\n include {}\nrequirepass \"a b\\x41\"\nsave ''",
            inner.display()
        );
        std::fs::write(&outer, text).expect("written");
        let lines = read(&outer).expect("read");
        let words: Vec<Vec<&[u8]>> = lines
            .iter()
            .map(|line| line.words.iter().map(Vec::as_slice).collect())
            .collect();
        let want: [&[&[u8]]; 4] = [
            &[b"port", b"1"],
            &[b"port", b"2"],
            &[b"requirepass", b"a bA"],
            &[b"save", b""],
        ];
        assert_eq!(words, want);
        assert!(lines[2].place.ends_with("outer.conf:5"), "{:?}", lines[2]);
    }

    #[test]
    fn a_file_that_includes_itself_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.conf");
        std::fs::write(&path, format!("include {}", path.display())).expect("written");
        assert!(matches!(read(&path), Err(FileError::Depth { .. })));
    }
}
