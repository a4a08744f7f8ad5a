//! What INFO says: sections of `name:value` lines with the names that tools read. Called by the
//! INFO command. Where Redis counts something that cannot happen here, the line says so by its zero.
//!
//! - `node` server, clients, memory · `activity` persistence, stats, replication, cpu
//! - `counters` commandstats, errorstats, latencystats, keyspace, raft · `process` what /proc knows

mod activity;
mod counters;
mod node;
mod process;

use std::fmt::Display;

use crate::core::Core;
use crate::session::Session;

/// One section.
#[derive(Clone, Copy)]
struct Section {
    /// The name by which it is asked for.
    name: &'static str,
    title: &'static str,
    shown: Shown,
    write: fn(&Core, &Session, &mut Text),
}

/// When a section is shown without being named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    ByDefault,
    WithAll,
}

const fn section(
    name: &'static str,
    title: &'static str,
    shown: Shown,
    write: fn(&Core, &Session, &mut Text),
) -> Section {
    Section {
        name,
        title,
        shown,
        write,
    }
}

/// All sections, in their order.
const SECTIONS: &[Section] = &[
    section("server", "Server", Shown::ByDefault, node::server),
    section("clients", "Clients", Shown::ByDefault, node::clients),
    section("memory", "Memory", Shown::ByDefault, node::memory),
    section(
        "persistence",
        "Persistence",
        Shown::ByDefault,
        activity::persistence,
    ),
    section("stats", "Stats", Shown::ByDefault, activity::stats),
    section(
        "replication",
        "Replication",
        Shown::ByDefault,
        activity::replication,
    ),
    section("cpu", "CPU", Shown::ByDefault, activity::cpu),
    section("modules", "Modules", Shown::ByDefault, |_, _, _| {}),
    section(
        "commandstats",
        "Commandstats",
        Shown::WithAll,
        counters::commands,
    ),
    section(
        "errorstats",
        "Errorstats",
        Shown::ByDefault,
        counters::errors,
    ),
    section(
        "latencystats",
        "Latencystats",
        Shown::WithAll,
        counters::latencies,
    ),
    section("cluster", "Cluster", Shown::ByDefault, |_, _, text| {
        text.line("cluster_enabled", 0);
    }),
    section("keyspace", "Keyspace", Shown::ByDefault, counters::keyspace),
    section("raft", "Raft", Shown::ByDefault, counters::raft),
];

/// The lines of a reply.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn line(&mut self, name: &str, value: impl Display) {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    /// A number of bytes, and once more for people.
    fn bytes(&mut self, name: &str, bytes: usize) {
        self.line(name, bytes);
        self.line(&format!("{name}_human"), human(bytes));
    }
}

/// Bytes as people read them, such as `1.50M`.
pub(crate) fn human(bytes: usize) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.2}{unit}")
}

/// The sections that are asked for; without a name those that are shown by default.
pub(crate) fn text(core: &Core, session: &Session, names: &[&[u8]]) -> String {
    let mut text = Text::default();
    for section in SECTIONS.iter().filter(|section| is_wanted(section, names)) {
        if !text.0.is_empty() {
            text.0.push_str("\r\n");
        }
        text.0.push_str(&format!("# {}\r\n", section.title));
        (section.write)(core, session, &mut text);
    }
    text.0
}

/// Whether the reply shows what the keyspace holds, and so depends on every effect so far.
pub(crate) fn shows_keyspace(names: &[&[u8]]) -> bool {
    SECTIONS
        .iter()
        .any(|section| section.name == "keyspace" && is_wanted(section, names))
}

fn is_wanted(section: &Section, names: &[&[u8]]) -> bool {
    if names.is_empty() {
        return section.shown == Shown::ByDefault;
    }
    names.iter().any(|name| {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        is(section.name)
            || is("all")
            || is("everything")
            || is("default") && section.shown == Shown::ByDefault
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_chosen_by_name_as_in_redis() {
        let chosen = |names: &[&[u8]]| -> Vec<&str> {
            let wanted = SECTIONS.iter().filter(|section| is_wanted(section, names));
            wanted.map(|section| section.name).collect()
        };
        assert!(!chosen(&[]).contains(&"commandstats"));
        assert_eq!(chosen(&[]), chosen(&[b"DEFAULT"]));
        assert_eq!(chosen(&[b"all"]).len(), SECTIONS.len());
        assert_eq!(chosen(&[b"cpu", b"Server", b"none"]), ["server", "cpu"]);
    }

    #[test]
    fn bytes_are_shown_as_redis_shows_them() {
        let shown: Vec<_> = [0, 1023, 1024, 1_572_864, 25_276_514_304]
            .map(human)
            .into_iter()
            .collect();
        assert_eq!(shown, ["0B", "1023B", "1.00K", "1.50M", "23.54G"]);
    }
}
