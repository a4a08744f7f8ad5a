//! Nothing that is committed names the machine that it was written on, and a note of unfinished
//! work names its issue.

use crate::finding::Finding;
use crate::source::scan;
use crate::tree::{File, Tree};

/// The first folders of paths that exist on one machine only.
const MACHINE_FOLDERS: &[&str] = &["home", "work", "root", "Users"];

/// Notes of unfinished work.
const NOTES: &[&str] = &["TODO", "FIXME"];

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files() {
        check_paths(file, findings);
        if !file.path.ends_with(".md") {
            check_notes(file, findings);
        }
    }
}

fn check_paths(file: &File, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            if names_folder(line, folder) {
                let message = format!("a path below /{folder} exists on one machine only");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
    }
}

/// Whether `line` has the absolute path `/folder/…`, not merely a folder of that name in a path.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "_-.}$)*".contains(before))
    })
}

fn check_notes(file: &File, findings: &mut Vec<Finding>) {
    let comments: Vec<String> = if file.is_rust() {
        scan(&file.text)
            .into_iter()
            .map(|line| line.comment)
            .collect()
    } else {
        // In scripts and manifests a comment runs from `#` to the end of its line.
        let comment = |line: &str| line.split_once('#').map(|(_, comment)| comment.to_owned());
        file.text
            .lines()
            .map(|line| comment(line).unwrap_or_default())
            .collect()
    };
    for (index, comment) in comments.iter().enumerate() {
        for note in NOTES {
            if let Some((_, after)) = comment.split_once(note)
                && !names_issue(after)
            {
                let message = format!("{note} needs the number of its issue: {note}(#12)");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
    }
}

fn names_issue(after_note: &str) -> bool {
    let after = after_note.trim_start_matches(['(', ' ', ':']);
    after
        .strip_prefix('#')
        .is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let mut findings = Vec::new();
        check(&Tree::of(&[(path, text)]), &mut findings);
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let home = format!("/{}/", "home");
        assert_eq!(lines("a.sh", &format!("cd x\ncd {home}someone\n")), [2]);
        assert_eq!(lines("a.rs", &format!("const A: &str = \"{home}x\";")), [1]);
        assert_eq!(lines("a.md", &format!("see ({home}x)")), [1]);
        assert_eq!(
            lines(
                "a.sh",
                &format!("cd .{home}x; cd $dir{home}x; cd ${{DIR}}{home}x")
            ),
            []
        );
    }

    #[test]
    fn notes_name_their_issue() {
        let note = NOTES[0];
        assert_eq!(
            lines(
                "a.rs",
                &format!("// {note}: later\n// {note}(#12): later\n// {note} #3\n")
            ),
            [1]
        );
        assert_eq!(lines("a.py", &format!("x = 1  # {note} later\n")), [1]);
        assert_eq!(lines("a.rs", &format!("let a = \"{note}\";\n")), []);
    }
}
