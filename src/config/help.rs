//! What `--help` prints: the table of options with its own words.

use std::fmt::Write;

use super::options::{self, Changes, Definition, Meaning};

const USAGE: &str = "\
holdfast: a Redis-protocol database that syncs every write before it answers

    holdfast [file] [--option value ...]
    holdfast --version | --help

    file    a configuration file with the syntax of redis.conf; - for standard input
    --import PATH
            once, into an empty data directory: take in the data of a Redis or Valkey server from
            an RDB file, an append-only file, or a data directory
    --accept-data-loss
            for this start only: serve although a part of the data may be lost (changes nothing
            yet: a damaged log is refused in any case)

Options, with their defaults. Each can stand in the file or on the command line; all but those with
a * can be changed by CONFIG SET. Memory takes the units k, kb, m, mb, g and gb.
";

/// The whole text.
pub(super) fn text() -> String {
    let mut text = USAGE.to_owned();
    text.push('\n');
    let is_used = |definition: &&Definition| matches!(definition.meaning, Meaning::Applied(_));
    for definition in shown().filter(is_used) {
        write_option(&mut text, definition);
    }
    text.push_str(
        "\nOptions of redis.conf that are accepted and change nothing here, and why:\n\n",
    );
    for definition in shown().filter(|definition| !is_used(definition)) {
        write_option(&mut text, definition);
    }
    text
}

fn shown() -> impl Iterator<Item = &'static Definition> {
    options::all().filter(|definition| !definition.is_hidden)
}

fn write_option(text: &mut String, definition: &Definition) {
    let mark = match definition.changes {
        Changes::AtRunTime => "",
        Changes::AtStart | Changes::AtStartUnlikeRedis | Changes::Protected => " *",
    };
    let default = definition.default_value().string();
    let shown = if default.is_empty() { "\"\"" } else { &default };
    let name = definition.names().collect::<Vec<_>>().join(", --");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "    --{name} {shown}{mark}\n            {}",
        definition.summary
    );
}
