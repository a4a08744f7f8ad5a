//! One word has one meaning: names that are declared use the project's words.
//!
//! Only what is declared here counts (`fn`, `struct`, `mod` …): names of other crates, and of Redis's
//! commands, are not ours to choose. Words with a second, legitimate meaning are left to reviewers.

use crate::finding::Finding;
use crate::source::{Line, scan, words};
use crate::tree::{File, Tree};

/// Files and folders of these names collect what has no owner.
const OWNERLESS: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

/// A folder, the words that names declared below it avoid, and what to say.
const WORDS: &[(&str, &[&str], &str)] = &[
    ("", &["ctx"], "context, or session"),
    ("", &["txn"], "batch, or multi"),
    ("", &["mgr", "manager"], "the thing that it owns"),
    // Not `entry`: the interface that the log offers to Raft is made of Raft's entries. Not `chunk`:
    // a file is read in chunks.
    (
        "wal/",
        &["flush", "persist", "commit"],
        "append and sync: a record is appended, then synced",
    ),
    (
        "wal/",
        &["trim", "delete"],
        "truncate (a suffix) or purge (a prefix)",
    ),
    ("src/", &["mutate", "mutation"], "execute, or effect"),
    ("src/", &["deferred"], "held"),
    ("src/", &["checkpoint"], "snapshot"),
    (
        "src/engine/",
        &["request", "response", "params"],
        "command, arguments, reply",
    ),
    (
        "src/resp/",
        &["request", "response", "params"],
        "command, arguments, reply",
    ),
];

/// What declares a name in the next word.
const DECLARING: &[&str] = &[
    "fn", "struct", "enum", "trait", "type", "mod", "const", "static", "union",
];

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files() {
        check_path(file, findings);
    }
    for file in tree.rust_files() {
        check_names(file, &scan(&file.text), findings);
    }
}

fn check_path(file: &File, findings: &mut Vec<Finding>) {
    let ownerless = file.path.split('/').find(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        OWNERLESS.contains(&stem)
    });
    if let Some(part) = ownerless {
        let message = format!("nothing is called `{part}`: things live with their owner");
        findings.push(Finding::new(&file.path, 1, message));
    }
}

fn check_names(file: &File, lines: &[Line], findings: &mut Vec<Finding>) {
    for (index, line) in lines.iter().enumerate() {
        for name in declared(&line.code) {
            if line.code.contains("mod ") && OWNERLESS.contains(&name) {
                let message = format!("no module is called `{name}`: things live with their owner");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
            for (folder, avoided, instead) in WORDS {
                if let Some(word) = first_avoided(name, avoided)
                    && file.path.starts_with(folder)
                {
                    let message = format!("`{name}`: not `{word}` but {instead}");
                    findings.push(Finding::new(&file.path, index + 1, message));
                }
            }
        }
    }
}

/// The names that a line of code declares.
fn declared(code: &str) -> impl Iterator<Item = &str> {
    words(code)
        .zip(words(code).skip(1))
        .filter(|(keyword, _)| DECLARING.contains(keyword))
        .map(|(_, name)| name)
}

fn first_avoided<'a>(name: &str, avoided: &[&'a str]) -> Option<&'a str> {
    let parts = parts(name);
    avoided
        .iter()
        .copied()
        .find(|word| parts.iter().any(|part| part == word))
}

/// The words of `snake_case`, `CamelCase` and `UPPER_CASE` names, in lower case.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_is_lower = false;
    for character in name.chars() {
        if character == '_' || (character.is_uppercase() && before_is_lower) {
            parts.push(String::new());
        }
        if character != '_' {
            let last = parts.last_mut().expect("there is always a last part");
            last.extend(character.to_lowercase());
        }
        before_is_lower = character.is_lowercase() || character.is_ascii_digit();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check(&Tree::of(&[(path, text)]), &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(parts("LogEntry"), ["log", "entry"]);
        assert_eq!(parts("read_log_entry"), ["read", "log", "entry"]);
        assert_eq!(parts("ENTRY_BYTES"), ["entry", "bytes"]);
        assert_eq!(parts("Fnv1aHash"), ["fnv1a", "hash"]);
    }

    #[test]
    fn declared_names_use_our_words() {
        assert_eq!(
            found("wal/src/a.rs", "//! A.\npub fn flush_all() {}"),
            [
                "wal/src/a.rs:2: `flush_all`: not `flush` but append and sync: a record is appended, then synced"
            ]
        );
        assert_eq!(found("src/a.rs", "fn mutate_key() {}").len(), 1);
        assert_eq!(
            found("src/a.rs", "fn a(x: &Ctx) {}\ntype Ctx = ();").len(),
            1
        );
    }

    #[test]
    fn names_of_others_and_words_in_text_are_free() {
        for (path, text) in [
            (
                "wal/src/a.rs",
                "use other::flush; // flush\nfile.flush(\"flush\");",
            ),
            ("raft/src/a.rs", "fn flush() {}"),
            ("src/engine/a.rs", "fn reply() {}"),
        ] {
            assert_eq!(found(path, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn things_live_with_their_owner() {
        assert_eq!(found("src/util.rs", "").len(), 1);
        assert_eq!(found("src/helpers/a.rs", "").len(), 1);
        assert_eq!(found("tests/common.py", "").len(), 1);
        assert_eq!(found("src/a.rs", "mod misc {\n}").len(), 1);
        assert_eq!(found("src/utility_pole.rs", ""), [""; 0]);
    }
}
