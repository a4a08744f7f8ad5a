//! The table of options: one line for each says its name, what its value may be, its default, when
//! it may change, and what it means here. The configuration file, the command line, `CONFIG` and
//! `--help` all read it.
//!
//! Every option of Redis 7.0's redis.conf stands in it. Those whose meaning is the same are mapped
//! onto the typed [`Config`]; the others are kept and shown, and do what their line says.
//!
//! - `network`, `data`, `durability`, `cluster`, `process` the lines, by subject

mod cluster;
mod data;
mod durability;
mod network;
mod process;

use super::Config;
use super::kind::{Kind, Origin, Reader, Value};

/// The lines of the table, in the order in which `--help` shows them.
const TABLE: &[&[Definition]] = &[
    network::OPTIONS,
    data::OPTIONS,
    durability::OPTIONS,
    cluster::OPTIONS,
    process::OPTIONS,
];

/// When an option may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// By `CONFIG SET`.
    AtRunTime,
    /// At start only.
    AtStart,
    /// At start only, where Redis changes it at run time: setting what it is already succeeds.
    AtStartUnlikeRedis,
    /// At start, and by `CONFIG SET` with `enable-protected-configs`, as in Redis.
    Protected,
}

/// What an option does here.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// What it does in Redis: it sets a part of the configuration in force.
    Applied(Apply),
    /// It is kept and shown. The text says why nothing follows from it.
    Kept(&'static str),
    /// The same, and who sets it to another value than the default is warned with the text.
    Warned(&'static str),
    /// Any other value than the default would be a promise that is not kept: the start is refused.
    Refused(&'static str),
}

/// Puts a value into the configuration in force.
pub type Apply = fn(&mut Config, &Value) -> Result<(), String>;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// Its older name.
    pub alias: Option<&'static str>,
    /// What its value may be.
    pub kind: Kind,
    /// Its default, as a line of the file would say it.
    pub default: &'static str,
    /// When it may change.
    pub changes: Changes,
    /// What it does.
    pub meaning: Meaning,
    /// One line for `--help`.
    pub summary: &'static str,
    /// Only who asks for it by its whole name sees it: the ones that Redis's own tests use.
    pub is_hidden: bool,
}

impl Definition {
    const fn new(name: &'static str, kind: Kind, default: &'static str) -> Self {
        Self {
            name,
            alias: None,
            kind,
            default,
            changes: Changes::AtRunTime,
            meaning: Meaning::Kept(""),
            summary: "",
            is_hidden: false,
        }
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    const fn at_start(mut self) -> Self {
        self.changes = Changes::AtStart;
        self
    }

    const fn at_start_unlike_redis(mut self) -> Self {
        self.changes = Changes::AtStartUnlikeRedis;
        self
    }

    const fn protected(mut self) -> Self {
        self.changes = Changes::Protected;
        self
    }

    const fn sets(mut self, summary: &'static str, apply: Apply) -> Self {
        self.summary = summary;
        self.meaning = Meaning::Applied(apply);
        self
    }

    const fn kept(mut self, why: &'static str) -> Self {
        self.summary = why;
        self.meaning = Meaning::Kept(why);
        self
    }

    const fn warned(mut self, why: &'static str) -> Self {
        self.summary = why;
        self.meaning = Meaning::Warned(why);
        self
    }

    const fn refused(mut self, why: &'static str) -> Self {
        self.summary = why;
        self.meaning = Meaning::Refused(why);
        self
    }

    /// Whether this is one of its names, in any case.
    pub fn is_called(&self, name: &[u8]) -> bool {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        is(self.name) || self.alias.is_some_and(is)
    }

    /// Its names, the current one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.alias)
    }

    /// Its default value.
    pub fn default_value(&self) -> Value {
        let words: Vec<&[u8]> = vec![self.default.as_bytes()];
        self.kind
            .read(b"", &words, Origin::Command)
            .expect("defaults are valid, as a test of the whole table shows")
    }
}

const fn yes_no(name: &'static str, default: &'static str) -> Definition {
    Definition::new(name, Kind::YesNo, default)
}

const fn integer(name: &'static str, min: i64, max: i64, default: &'static str) -> Definition {
    Definition::new(name, Kind::Integer { min, max }, default)
}

const fn memory(name: &'static str, min: i64, max: i64, default: &'static str) -> Definition {
    Definition::new(name, Kind::Memory { min, max }, default)
}

const fn choice(
    name: &'static str,
    choices: &'static [&'static str],
    default: &'static str,
) -> Definition {
    Definition::new(name, Kind::Choice(choices), default)
}

const fn text(name: &'static str, default: &'static str) -> Definition {
    Definition::new(name, Kind::Text, default)
}

const fn words(name: &'static str, reader: Reader, default: &'static str) -> Definition {
    Definition::new(name, Kind::Words(reader), default)
}

/// The largest value of a C `int`, the bound of many of Redis's options.
const INT_MAX: i64 = i32::MAX as i64;
/// The largest value of a C `unsigned int`.
const UINT_MAX: i64 = u32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;

/// All options, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    TABLE.iter().flat_map(|part| part.iter())
}

/// The option with this name or older name, and its place in the table.
pub fn find(name: &[u8]) -> Option<(usize, &'static Definition)> {
    all()
        .enumerate()
        .find(|(_, definition)| definition.is_called(name))
}

/// The value of every option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// In the order of the table.
    values: Vec<Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            values: all().map(Definition::default_value).collect(),
        }
    }
}

impl Settings {
    /// Every option with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Definition, &Value)> {
        all().zip(&self.values)
    }

    /// The value of the option at this place of the table.
    pub fn at(&self, place: usize) -> &Value {
        &self.values[place]
    }

    /// The value of the option with this name, as text.
    pub fn text(&self, name: &str) -> Option<&[u8]> {
        find(name.as_bytes()).map(|(place, _)| &*self.at(place).text)
    }

    /// Replaces the value of the option at this place.
    pub fn set(&mut self, place: usize, value: Value) {
        self.values[place] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_defaults_are_what_config_get_would_show() {
        let mut names: Vec<_> = all().flat_map(Definition::names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for definition in all() {
            let value = definition.default_value();
            assert!(!definition.summary.is_empty(), "{}", definition.name);
            let again = definition.kind.read(b"", &[&value.text], Origin::Command);
            assert_eq!(again, Ok(value), "{}", definition.name);
        }
    }

    #[test]
    fn every_option_of_redis_7_0_is_known() {
        let names = include_str!("options/redis-7.0-names.txt");
        for name in names.lines() {
            assert!(find(name.as_bytes()).is_some(), "{name}");
        }
    }
}
