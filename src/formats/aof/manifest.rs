//! The manifest of an append-only directory: which files there are and in which order they count.
//!
//! Called by the importer and the offline tool. Always holds of a parsed manifest: at most one base,
//! incremental files with rising numbers, names that stay in the directory.

use holdfast_resp::split_inline;

use crate::integer::{DecimalBuffer, parse_i64};

/// The longest line, without its end.
const LINE_BYTES_MAX: usize = 1024;

/// The longest name of a file.
const NAME_BYTES_MAX: usize = 255;

/// One file that a manifest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its name within the directory: at most 255 bytes, no slash, no control characters.
    pub name: Vec<u8>,
    /// Its number; base and incremental files count apart.
    pub sequence: u64,
    /// The replication offset at its start, where Redis 8 noted it.
    pub start_offset: Option<u64>,
    /// The replication offset at its end, where Redis 8 noted it.
    pub end_offset: Option<u64>,
}

/// Which files make up the data, in the order in which they are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The image that all else builds on; absent until the first rewrite.
    pub base: Option<ManifestFile>,
    /// Files that were replaced and are yet to be deleted. Not to be read.
    pub history: Vec<ManifestFile>,
    /// What came after the base, oldest first.
    pub incremental: Vec<ManifestFile>,
}

/// Why a manifest is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("manifest line {line}: {what}")]
pub struct ManifestError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Base,
    History,
    Incremental,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// At the first line that Redis would refuse.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let mut manifest = Self::default();
        if text.is_empty() {
            return Err(ManifestError {
                line: 1,
                what: "the manifest is empty",
            });
        }
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = index.saturating_add(1);
            let error = |what| ManifestError { line: number, what };
            let line = line.strip_suffix(b"\n").ok_or(error("cut short"))?;
            if line.len() > LINE_BYTES_MAX {
                return Err(error("too long"));
            }
            if line.starts_with(b"#") {
                continue;
            }
            let (role, file) = parse_line(line).map_err(error)?;
            manifest.add(role, file).map_err(error)?;
        }
        Ok(manifest)
    }

    /// The text of the manifest.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Some(file) = &self.base {
            put_line(&mut text, file, b'b');
        }
        for file in &self.history {
            put_line(&mut text, file, b'h');
        }
        for file in &self.incremental {
            put_line(&mut text, file, b'i');
        }
        text
    }

    fn add(&mut self, role: Role, file: ManifestFile) -> Result<(), &'static str> {
        match role {
            Role::Base if self.base.is_some() => return Err("a second base"),
            Role::Base => self.base = Some(file),
            Role::History => self.history.push(file),
            Role::Incremental => {
                let last = self.incremental.last();
                if last.is_some_and(|last| last.sequence >= file.sequence) {
                    return Err("an incremental file's number does not rise");
                }
                self.incremental.push(file);
            }
        }
        Ok(())
    }
}

/// Reads one line: pairs of a name and a value.
fn parse_line(line: &[u8]) -> Result<(Role, ManifestFile), &'static str> {
    let (mut text, mut spans) = (Vec::new(), Vec::new());
    split_inline(line, &mut text, |start, end| spans.push(start..end))
        .map_err(|_| "unbalanced quotes")?;
    let words: Vec<&[u8]> = spans
        .into_iter()
        .map(|span| text.get(span).unwrap_or(&[]))
        .collect();
    let (pairs, rest) = words.as_chunks::<2>();
    if pairs.len() < 3 || !rest.is_empty() {
        return Err("not three pairs of words or more");
    }
    let mut file = ManifestFile::default();
    let (mut named, mut numbered, mut role) = (false, false, None);
    for &[name, value] in pairs {
        if name.eq_ignore_ascii_case(b"file") {
            if value.is_empty() || value.contains(&b'/') {
                return Err("a file name that leaves the directory");
            }
            // No file system has longer ones, and a line with its escapes stays below its limit.
            if value.len() > NAME_BYTES_MAX || value.iter().any(u8::is_ascii_control) {
                return Err("not a file name");
            }
            file.name = value.to_vec();
            named = true;
        } else if name.eq_ignore_ascii_case(b"seq") {
            file.sequence = parse_number(value)
                .filter(|n| *n > 0)
                .ok_or("a bad number")?;
            numbered = true;
        } else if name.eq_ignore_ascii_case(b"type") {
            role = Some(match value {
                b"b" => Role::Base,
                b"h" => Role::History,
                b"i" => Role::Incremental,
                _ => return Err("an unknown type"),
            });
        } else if name.eq_ignore_ascii_case(b"startoffset") {
            file.start_offset = Some(parse_number(value).ok_or("a bad offset")?);
        } else if name.eq_ignore_ascii_case(b"endoffset") {
            file.end_offset = Some(parse_number(value).ok_or("a bad offset")?);
        }
        // Pairs of other names are those of later versions, and mean nothing here.
    }
    match role {
        Some(role) if named && numbered => Ok((role, file)),
        _ => Err("name, number or type is missing"),
    }
}

fn parse_number(text: &[u8]) -> Option<u64> {
    u64::try_from(parse_i64(text)?).ok()
}

fn put_line(text: &mut Vec<u8>, file: &ManifestFile, role: u8) {
    let number = |text: &mut Vec<u8>, name: &[u8], value: u64| {
        let mut buffer = DecimalBuffer::new();
        text.extend_from_slice(name);
        text.extend_from_slice(buffer.format(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    text.extend_from_slice(b"file ");
    put_name(text, &file.name);
    number(text, b" seq ", file.sequence);
    text.extend_from_slice(b" type ");
    text.push(role);
    if let Some(offset) = file.start_offset {
        number(text, b" startoffset ", offset);
    }
    if let Some(offset) = file.end_offset {
        number(text, b" endoffset ", offset);
    }
    text.push(b'\n');
}

/// A name, in quotes if it would not be read back as one word.
fn put_name(text: &mut Vec<u8>, name: &[u8]) {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !br#"\"'"#.contains(byte);
    if !name.is_empty() && !name.starts_with(b"#") && name.iter().all(plain) {
        text.extend_from_slice(name);
        return;
    }
    text.push(b'"');
    for byte in name {
        match byte {
            b'\\' | b'"' => text.extend([b'\\', *byte]),
            byte => text.push(*byte),
        }
    }
    text.push(b'"');
}
