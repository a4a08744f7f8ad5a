//! `unsafe` stands in one file of a crate at most, and each use says why it is sound.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::source::{Line, scan, words};
use crate::tree::Tree;

/// How far above its block a `SAFETY:` comment may begin.
const COMMENT_LINES_MAX: usize = 12;

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let packages = tree.packages();
    // The crate's folder, and its first file with `unsafe`.
    let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
    for file in tree.rust_files() {
        let lines = scan(&file.text);
        let places = unsafe_lines(&lines);
        let Some(&first) = places.first() else {
            continue;
        };
        let package = packages
            .iter()
            .find(|package| file.path.starts_with(package.folder));
        let folder = package.map_or("", |package| package.folder);
        // Benchmarks and tests are programs of their own; a counting allocator needs it, for one.
        let in_program = !file.is_test() && !file.path.split('/').any(|folder| folder == "benches");
        let holder = if in_program {
            *holders.entry(folder).or_insert(&file.path)
        } else {
            &file.path
        };
        if holder != file.path {
            let message =
                format!("`unsafe` is in {holder} already: one file per crate may hold it");
            findings.push(Finding::new(&file.path, first + 1, message));
        }
        for place in places {
            if needs_reason(&lines[place].code) && !has_reason(&lines, place) {
                let message = "say why it is sound: `// SAFETY: …`";
                findings.push(Finding::new(&file.path, place + 1, message));
            }
        }
    }
}

fn unsafe_lines(lines: &[Line]) -> Vec<usize> {
    let is_unsafe = |line: &Line| words(&line.code).any(|word| word == "unsafe");
    (0..lines.len())
        .filter(|&index| is_unsafe(&lines[index]))
        .collect()
}

/// Blocks and impls claim soundness; an `unsafe fn` only passes the duty on, and rustdoc's lint
/// asks for its `# Safety`.
fn needs_reason(code: &str) -> bool {
    let after = code.split("unsafe").nth(1).unwrap_or_default().trim_start();
    after.is_empty() || after.starts_with('{') || after.starts_with("impl")
}

/// Whether the comment above, or on the line itself, gives a reason. Lines of the same statement
/// and attributes may stand between.
fn has_reason(lines: &[Line], place: usize) -> bool {
    let first = place.saturating_sub(COMMENT_LINES_MAX);
    lines[first..=place]
        .iter()
        .any(|line| line.comment.contains("SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let manifests = [
            ("Cargo.toml", "[package]\nname = \"holdfast\""),
            ("wal/Cargo.toml", "[package]\nname = \"holdfast-wal\""),
        ];
        let mut findings = Vec::new();
        check(&Tree::of(&[&manifests[..], files].concat()), &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    const SOUND: &str = "// SAFETY: it is.\nunsafe { a() }";

    #[test]
    fn one_file_of_each_crate_may_hold_it() {
        assert_eq!(
            found(&[("src/a.rs", SOUND), ("wal/src/b.rs", SOUND)]),
            [""; 0]
        );
        let two = found(&[("wal/src/b.rs", SOUND), ("wal/src/c.rs", SOUND)]);
        assert_eq!(
            two,
            ["wal/src/c.rs:2: `unsafe` is in wal/src/b.rs already: one file per crate may hold it"]
        );
    }

    #[test]
    fn benchmarks_and_tests_are_not_counted() {
        assert_eq!(
            found(&[
                ("wal/src/b.rs", SOUND),
                ("wal/benches/c.rs", SOUND),
                ("wal/tests/d.rs", SOUND)
            ]),
            [""; 0]
        );
    }

    #[test]
    fn each_block_says_why_it_is_sound() {
        let silent = found(&[("src/a.rs", "fn a() {\n    unsafe { b() }\n}")]);
        assert_eq!(silent, ["src/a.rs:2: say why it is sound: `// SAFETY: …`"]);
        assert_eq!(
            found(&[("src/a.rs", "/// # Safety\npub unsafe fn a() {}")]),
            [""; 0]
        );
    }

    #[test]
    fn the_word_alone_is_not_a_use() {
        assert_eq!(
            found(&[(
                "src/a.rs",
                "#![deny(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";"
            )]),
            [""; 0]
        );
    }
}
