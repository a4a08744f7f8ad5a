//! What the value of an option may be: how its text is read, checked and written back. Called for
//! the configuration file, the command line and `CONFIG SET` alike, so that all three agree.
//! The error texts are those that Redis's clients know.

use super::words;

/// What an option's value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// A whole number.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// Bytes, with or without a unit.
    Memory {
        /// The fewest.
        min: i64,
        /// The most.
        max: i64,
    },
    /// Bytes, or a share of `maxmemory`.
    MemoryOrPercent,
    /// A file mode in octal digits.
    Octal,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// Several words, read and written by a function of their own.
    Words(Reader),
}

/// Reads the words of an option with several. It is given the value so far.
pub type Reader = fn(&[u8], &[&[u8]], Origin) -> Result<Vec<u8>, String>;

/// Where a value comes from: a file's lines may add to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The option's first line in a file or on the command line.
    First,
    /// A further line.
    Further,
    /// `CONFIG SET`: replaces what was.
    Command,
}

/// A value that has been read and checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// As `CONFIG GET` shows it.
    pub text: Box<[u8]>,
    /// The number that it means: of a yes or no 1 or 0, of a choice its place in the list.
    pub number: i64,
}

impl Value {
    fn new(text: impl AsRef<[u8]>, number: i64) -> Self {
        Self {
            text: text.as_ref().into(),
            number,
        }
    }

    /// Whether it is `yes`.
    pub const fn is_yes(&self) -> bool {
        self.number == 1
    }

    /// As an unsigned number: the kind's bounds keep negative ones out.
    pub fn unsigned<T: TryFrom<i64>>(&self, most: T) -> T {
        T::try_from(self.number.max(0)).unwrap_or(most)
    }

    /// As a size or count.
    pub fn size(&self) -> usize {
        self.unsigned(usize::MAX)
    }

    /// As text; what is not UTF-8 is replaced.
    pub fn string(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

impl Kind {
    /// Reads a value from its words.
    ///
    /// # Errors
    /// What is wrong with it, in Redis's words.
    pub fn read(self, before: &[u8], words: &[&[u8]], origin: Origin) -> Result<Value, String> {
        if let Self::Words(reader) = self {
            // `CONFIG SET` gives all words as one argument.
            let split: Vec<&[u8]>;
            let words = match (origin, words) {
                (Origin::Command, [one]) | (_, [one]) if one.contains(&b' ') || one.is_empty() => {
                    split = one
                        .split(|byte| *byte == b' ')
                        .filter(|word| !word.is_empty())
                        .collect();
                    &split[..]
                }
                _ => words,
            };
            return reader(before, words, origin).map(|text| Value::new(text, 0));
        }
        let [word] = words else {
            return Err("wrong number of arguments".to_owned());
        };
        self.read_word(word)
    }

    fn read_word(self, word: &[u8]) -> Result<Value, String> {
        let text = String::from_utf8_lossy(word);
        match self {
            Self::YesNo => read_yes_no(&text),
            Self::Integer { min, max } => {
                let number = integer(&text)
                    .ok_or_else(|| "argument couldn't be parsed into an integer".to_owned())?;
                within(number, min, max)?;
                Ok(Value::new(number.to_string(), number))
            }
            Self::Memory { min, max } => {
                let bytes =
                    memory(&text).ok_or_else(|| "argument must be a memory value".to_owned())?;
                within(bytes, min, max)?;
                Ok(Value::new(bytes.to_string(), bytes))
            }
            Self::MemoryOrPercent => read_memory_or_percent(&text),
            Self::Octal => {
                let mode = u32::from_str_radix(&text, 8)
                    .ok()
                    .filter(|mode| *mode <= 0o777)
                    .ok_or_else(|| "argument couldn't be parsed as an octal number".to_owned())?;
                Ok(Value::new(format!("{mode:o}"), i64::from(mode)))
            }
            Self::Choice(choices) => choices
                .iter()
                .position(|choice| choice.eq_ignore_ascii_case(&text))
                .and_then(|at| Some(Value::new(choices.get(at)?, i64::try_from(at).ok()?)))
                .ok_or_else(|| one_of(choices)),
            Self::Text | Self::Words(_) => Ok(Value::new(word, 0)),
        }
    }

    /// How a line of the configuration file says this value.
    pub fn lines(self, name: &str, value: &Value) -> Vec<String> {
        match self {
            Self::Words(_) => words::lines(name, &value.text),
            Self::Text => vec![format!("{name} {}", quoted(&value.text))],
            _ => vec![format!("{name} {}", value.string())],
        }
    }
}

/// The complaint about a word that is none of the choices.
pub(super) fn one_of(choices: &[&str]) -> String {
    format!(
        "argument(s) must be one of the following: {}",
        choices.join(", ")
    )
}

fn read_yes_no(text: &str) -> Result<Value, String> {
    if text.eq_ignore_ascii_case("yes") {
        Ok(Value::new("yes", 1))
    } else if text.eq_ignore_ascii_case("no") {
        Ok(Value::new("no", 0))
    } else {
        Err("argument must be 'yes' or 'no'".to_owned())
    }
}

fn within(number: i64, min: i64, max: i64) -> Result<(), String> {
    if (min..=max).contains(&number) {
        Ok(())
    } else {
        Err(format!(
            "argument must be between {min} and {max} inclusive"
        ))
    }
}

/// A whole number as Redis reads it: no sign but a minus, no leading zeros.
pub(super) fn integer(text: &str) -> Option<i64> {
    holdfast_engine::number::parse_i64(text.as_bytes())
}

/// Bytes, with one of Redis's units: `k` is 1000, `kb` is 1024.
pub(super) fn memory(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: i64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(scale)
}

fn read_memory_or_percent(text: &str) -> Result<Value, String> {
    let bad = || "argument must be a memory or percent value".to_owned();
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse::<i64>().ok().filter(|percent| *percent >= 0);
        let percent = percent.ok_or_else(bad)?;
        if percent > 100 {
            return Err("percentage argument must be less or equal to 100".to_owned());
        }
        return Ok(Value::new(format!("{percent}%"), percent));
    }
    let bytes = memory(text).ok_or_else(bad)?;
    Ok(Value::new(bytes.to_string(), bytes))
}

/// A word as a line of the file must write it: in quotes where it could be misread.
pub(super) fn quoted(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !word.is_empty() && word.iter().all(is_plain) && word.first() != Some(&b'#') {
        return String::from_utf8_lossy(word).into_owned();
    }
    let mut quoted = Vec::new();
    crate::monitor::quote(word, &mut quoted);
    // Quoting leaves ASCII only.
    String::from_utf8_lossy(&quoted).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_mean_what_they_mean_in_redis() {
        for (text, want) in [
            ("0", Some(0)),
            ("100", Some(100)),
            ("1b", Some(1)),
            ("1k", Some(1000)),
            ("1KB", Some(1024)),
            ("2mb", Some(2 << 20)),
            ("3G", Some(3_000_000_000)),
            ("1gb", Some(1 << 30)),
            ("", None),
            ("-1", None),
            ("1tb", None),
            ("9999999999gb", None),
        ] {
            assert_eq!(memory(text), want, "{text}");
        }
    }

    #[test]
    fn a_refused_value_says_what_would_be_accepted() {
        let read = |kind: Kind, text: &str| {
            kind.read(b"", &[text.as_bytes()], Origin::Command)
                .map(|value| value.string())
        };
        let percent = Kind::MemoryOrPercent;
        for (got, want) in [
            (read(Kind::YesNo, "YES"), Ok("yes")),
            (
                read(Kind::YesNo, "on"),
                Err("argument must be 'yes' or 'no'"),
            ),
            (
                read(Kind::Integer { min: 1, max: 9 }, "10"),
                Err("argument must be between 1 and 9 inclusive"),
            ),
            (
                read(Kind::Choice(&["a", "b"]), "c"),
                Err("argument(s) must be one of the following: a, b"),
            ),
            (read(percent, "20%"), Ok("20%")),
            (
                read(percent, "200%"),
                Err("percentage argument must be less or equal to 100"),
            ),
            (
                read(percent, "-5%"),
                Err("argument must be a memory or percent value"),
            ),
            (read(Kind::Octal, "755"), Ok("755")),
        ] {
            assert_eq!(got.as_deref().map_err(String::as_str), want);
        }
    }
}
