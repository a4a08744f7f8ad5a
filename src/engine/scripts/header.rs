//! The first line of a script or a library: `#!lua name=… flags=…`.

use holdfast_resp::split_inline;
use thiserror::Error;

/// What the first line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The library's name.
    pub name: Option<Vec<u8>>,
    /// The script's flags, where the line has them.
    pub flags: Option<Vec<Vec<u8>>>,
    /// How many bytes the line has, its end not counted.
    pub bytes: usize,
}

/// Why a first line is not taken. `Display` is the text on the wire without its code word.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the text of each variant says what it is")]
pub enum HeaderError {
    #[error("Missing library metadata")]
    Missing,
    #[error("Invalid library metadata")]
    Invalid,
    #[error("Library name was not given")]
    NoName,
    #[error("Engine '{0}' not found")]
    Engine(String),
    #[error("Invalid metadata value given: {0}")]
    Value(String),
    #[error("Invalid metadata value, name argument was given multiple times")]
    NameTwice,
    #[error(
        "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
    )]
    NameFormat,
    #[error("Invalid script shebang")]
    ScriptLine,
    #[error("Invalid engine in script shebang")]
    ScriptWords,
    #[error("Unexpected engine in script shebang: {0}")]
    ScriptEngine(String),
    #[error("Unexpected flag in script shebang: {0}")]
    ScriptFlag(String),
    #[error("Unknown lua shebang option: {0}")]
    ScriptOption(String),
}

impl Header {
    /// The first line of a library, which it must have.
    ///
    /// # Errors
    /// It is not there, or says something else than it may.
    pub fn read_library(code: &[u8]) -> Result<Self, HeaderError> {
        if !code.starts_with(b"#!") {
            return Err(HeaderError::Missing);
        }
        let end = line_end(code).ok_or(HeaderError::Invalid)?;
        let words = words(code, end).ok_or(HeaderError::Invalid)?;
        let mut words = words.iter();
        let engine = words.next().ok_or(HeaderError::Invalid)?;
        let mut header = Self {
            bytes: end,
            ..Self::default()
        };
        if !engine.eq_ignore_ascii_case(b"lua") {
            return Err(HeaderError::Engine(shown(engine)));
        }
        for word in words {
            let name = word
                .strip_prefix(b"name=")
                .ok_or_else(|| HeaderError::Value(shown(word)))?;
            if header.name.replace(name.to_vec()).is_some() {
                return Err(HeaderError::NameTwice);
            }
        }
        let name = header.name.as_ref().ok_or(HeaderError::NoName)?;
        if !is_name(name) {
            return Err(HeaderError::NameFormat);
        }
        Ok(header)
    }

    /// The first line of a script; nothing if it has none of this kind.
    ///
    /// # Errors
    /// It says something else than it may.
    pub fn read_script(body: &[u8]) -> Result<Option<Self>, HeaderError> {
        if !body.starts_with(b"#!") {
            return Ok(None);
        }
        let end = line_end(body).ok_or(HeaderError::ScriptLine)?;
        let words = words(body, end).ok_or(HeaderError::ScriptWords)?;
        let mut words = words.iter();
        let engine = words.next().map(Vec::as_slice).unwrap_or_default();
        if engine != b"lua" {
            return Err(HeaderError::ScriptEngine(shown(engine)));
        }
        let mut header = Self {
            bytes: end,
            flags: Some(Vec::new()),
            ..Self::default()
        };
        for word in words {
            let flags = word
                .strip_prefix(b"flags=")
                .ok_or_else(|| HeaderError::ScriptOption(shown(word)))?;
            let flags = flags.split(|&byte| byte == b',');
            let flags = flags.filter(|flag| !flag.is_empty()).map(<[u8]>::to_vec);
            header.flags.get_or_insert_default().extend(flags);
        }
        Ok(Some(header))
    }
}

/// Whether a library or a function may have this name.
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn line_end(text: &[u8]) -> Option<usize> {
    text.iter().position(|&byte| byte == b'\n')
}

/// The words after the mark; the first may be empty.
fn words(text: &[u8], end: usize) -> Option<Vec<Vec<u8>>> {
    let line = text.get(2..end)?;
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    split_inline(line, &mut bytes, |from, to| places.push(from..to)).ok()?;
    let words = places.into_iter().filter_map(|place| bytes.get(place));
    let mut words: Vec<Vec<u8>> = words.map(<[u8]>::to_vec).collect();
    if line.first().is_none_or(u8::is_ascii_whitespace) {
        words.insert(0, Vec::new());
    }
    Some(words)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_library_names_it() {
        for (code, want) in [
            (&b"#!lua name=\"foo\"\nx"[..], Ok("foo")),
            (b"return 1", Err(HeaderError::Missing)),
            (b"#!lua name=a", Err(HeaderError::Invalid)),
            (b"#! name=a\n", Err(HeaderError::Engine(String::new()))),
            (b"#!lua x=1\n", Err(HeaderError::Value("x=1".to_owned()))),
            (b"#!lua name=a name=b\n", Err(HeaderError::NameTwice)),
            (b"#!lua name=a-b\n", Err(HeaderError::NameFormat)),
            (b"#!lua\n", Err(HeaderError::NoName)),
        ] {
            let name =
                Header::read_library(code).map(|header| shown(&header.name.unwrap_or_default()));
            assert_eq!(name, want.map(str::to_owned), "{}", shown(code));
        }
    }

    #[test]
    fn the_line_of_a_script_has_flags() {
        let flags =
            |body: &[u8]| Header::read_script(body).map(|header| header.map(|header| header.flags));
        assert_eq!(flags(b"return 1"), Ok(None));
        let two = vec![b"allow-oom".to_vec(), b"no-writes".to_vec()];
        assert_eq!(
            flags(b"#!lua flags=allow-oom,no-writes\n"),
            Ok(Some(Some(two)))
        );
        assert_eq!(flags(b"#!lua flags=\n"), Ok(Some(Some(vec![]))));
        assert_eq!(flags(b"#!lua"), Err(HeaderError::ScriptLine));
        assert_eq!(
            flags(b"#!not-lua\n"),
            Err(HeaderError::ScriptEngine("not-lua".to_owned()))
        );
    }
}
