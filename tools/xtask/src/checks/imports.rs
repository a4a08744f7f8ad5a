//! A crate imports only crates below it, as its manifest shows.

use crate::finding::Finding;
use crate::tree::{Package, Tree};

/// Each crate and what it may use. A new crate takes its place here first.
const LAYERS: &[(&str, &[&str])] = &[
    ("holdfast-wal", &[]),
    ("holdfast-resp", &[]),
    ("xtask", &[]),
    ("holdfast-raft", &["holdfast-wal"]),
    ("holdfast-formats", &["holdfast-resp"]),
    ("holdfast-engine", &["holdfast-resp", "holdfast-formats"]),
    ("holdfast", BELOW_THE_SERVER),
    ("holdfast-doctor", BELOW_THE_SERVER),
    ("holdfast-benches", ALL),
    ("holdfast-tests", ALL),
];

const BELOW_THE_SERVER: &[&str] = &[
    "holdfast-resp",
    "holdfast-formats",
    "holdfast-engine",
    "holdfast-wal",
    "holdfast-raft",
];

const ALL: &[&str] = &[
    "holdfast",
    "holdfast-resp",
    "holdfast-formats",
    "holdfast-engine",
    "holdfast-wal",
    "holdfast-raft",
];

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for package in tree.packages() {
        check_package(package, findings);
    }
}

fn check_package(package: Package<'_>, findings: &mut Vec<Finding>) {
    let manifest = package.manifest;
    let Some(name) = package_name(&manifest.text) else {
        findings.push(Finding::new(&manifest.path, 1, "the package has no name"));
        return;
    };
    // The fuzz targets of a crate use that crate.
    let fuzzed = name.strip_suffix("-fuzz");
    let layer = LAYERS
        .iter()
        .find(|(layer, _)| *layer == fuzzed.unwrap_or(name));
    let Some((_, below)) = layer else {
        let message = format!(
            "`{name}` has no place among the layers: give it one in tools/xtask/src/checks/imports.rs"
        );
        findings.push(Finding::new(&manifest.path, 1, message));
        return;
    };
    for (line, dependency) in own_dependencies(&manifest.text) {
        if !below.contains(&dependency) && fuzzed != Some(dependency) && name != dependency {
            let allowed = match below {
                [] => "no other crate of ours".to_owned(),
                below => below.join(", "),
            };
            let message = format!(
                "`{name}` may not use `{dependency}`, which is not below it (it may use {allowed})"
            );
            findings.push(Finding::new(&manifest.path, line, message));
        }
    }
}

fn package_name(manifest: &str) -> Option<&str> {
    let (_, package) = manifest.split_once("[package]")?;
    let line = package.lines().find(|line| key(line) == Some("name"))?;
    line.split('"').nth(1)
}

/// The crates of ours that a manifest depends on, with their lines; for tests and builds too.
fn own_dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_dependencies = false;
    for (index, line) in manifest.lines().enumerate() {
        let dependency = if let Some(section) = line.trim().strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let (table, dependency) = match section.rsplit_once("dependencies.") {
                Some((_, dependency)) => (false, Some(dependency)),
                None => (
                    section.ends_with("dependencies") && !section.starts_with("workspace"),
                    None,
                ),
            };
            in_dependencies = table;
            dependency
        } else if in_dependencies {
            key(line)
        } else {
            None
        };
        if let Some(dependency) = dependency
            && (dependency == "holdfast" || dependency.starts_with("holdfast-"))
        {
            found.push((index + 1, dependency));
        }
    }
    found
}

/// The name before `=`, without what follows a dot: `a.workspace = true` is about `a`.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim().trim_matches('"');
    Some(key.split_once('.').map_or(key, |(first, _)| first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &str) -> Vec<(usize, String)> {
        let mut findings = Vec::new();
        check(&Tree::of(&[("x/Cargo.toml", manifest)]), &mut findings);
        findings
            .into_iter()
            .map(|finding| (finding.line, finding.message))
            .collect()
    }

    #[test]
    fn imports_go_down() {
        for manifest in [
            "[package]\nname = \"holdfast-engine\"\n[dependencies]\nholdfast-resp.workspace = true\nbytes = \"1\"\n",
            "[package]\nname = \"holdfast-resp-fuzz\"\n[dependencies]\nholdfast-resp = { path = \"..\" }\n",
            "[workspace]\nmembers = []\n[workspace.dependencies]\nholdfast-raft = { path = \"raft\" }\n",
        ] {
            assert_eq!(found(manifest), [], "{manifest}");
        }
    }

    #[test]
    fn imports_do_not_go_up_or_sideways() {
        for (manifest, line, part) in [
            (
                "[package]\nname = \"holdfast-wal\"\n[dependencies]\nholdfast-raft.workspace = true\n",
                4,
                "`holdfast-wal` may not use `holdfast-raft`",
            ),
            (
                "[package]\nname = \"holdfast-formats\"\n[dev-dependencies]\nholdfast-engine = \"1\"\n",
                4,
                "`holdfast-formats` may not use `holdfast-engine`",
            ),
            (
                "[package]\nname = \"holdfast-raft\"\n[target.'cfg(unix)'.dependencies.holdfast-resp]\n",
                3,
                "`holdfast-raft` may not use `holdfast-resp`",
            ),
            (
                "[package]\nname = \"holdfast-new\"\n",
                1,
                "has no place among the layers",
            ),
        ] {
            let found = found(manifest);
            assert_eq!(found.len(), 1, "{manifest}");
            assert_eq!(found[0].0, line);
            assert!(found[0].1.contains(part), "{found:?}");
        }
    }
}
