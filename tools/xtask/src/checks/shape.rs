//! A file opens by saying what it is, and is no longer than one can read.

use crate::finding::Finding;
use crate::source::{lines_before_tests, scan};
use crate::tree::{File, Tree};

const FILE_LINES_MAX: usize = 800;
const INNER_TEST_LINES_MAX: usize = 150;

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.rust_files() {
        if !file.text.starts_with("//!") {
            findings.push(Finding::new(
                &file.path,
                1,
                "begin with `//!`: what this file is, who calls it, what always holds",
            ));
        }
        if !file.is_test() {
            check_length(file, findings);
        }
    }
}

fn check_length(file: &File, findings: &mut Vec<Finding>) {
    let lines = scan(&file.text);
    let before_tests = lines_before_tests(&lines);
    if before_tests > FILE_LINES_MAX {
        findings.push(Finding::new(
            &file.path,
            FILE_LINES_MAX,
            format!(
                "{before_tests} lines without tests; split it at an idea (at most {FILE_LINES_MAX})"
            ),
        ));
    }
    let tests = file.text.lines().count().saturating_sub(before_tests);
    if tests > INNER_TEST_LINES_MAX {
        findings.push(Finding::new(
            &file.path,
            before_tests + 1,
            format!(
                "{tests} lines of tests; above {INNER_TEST_LINES_MAX} they move to a file tests.rs"
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        check(&Tree::of(&[(path, text)]), &mut findings);
        findings
    }

    #[test]
    fn a_file_begins_with_its_purpose() {
        assert_eq!(messages("src/a.rs", "//! What.\n"), []);
        assert_eq!(messages("src/a.md", "# What\n"), []);
        let found = messages("src/a.rs", "use b;\n//! What.\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].to_string().starts_with("src/a.rs:1: begin with"),
            "{found:?}"
        );
    }

    #[test]
    fn a_file_is_short_but_its_tests_are_not_counted() {
        let lines = |count: usize| format!("//! What.\n{}", "fn a() {}\n".repeat(count));
        let tests =
            |count: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(count));
        assert_eq!(messages("src/a.rs", &lines(790)), []);
        assert_eq!(messages("src/a.rs", &(lines(790) + &tests(100))), []);
        assert_eq!(messages("src/a.rs", &lines(810)).len(), 1);
        assert_eq!(messages("src/a/tests.rs", &lines(810)), []);
        assert_eq!(messages("tests/a.rs", &lines(810)), []);
        assert_eq!(messages("src/a.rs", &(lines(10) + &tests(160))).len(), 1);
    }
}
