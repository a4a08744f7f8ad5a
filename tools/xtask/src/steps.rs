//! Cargo's own checks and their repairs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether all code has the standard format.
pub(crate) fn format(root: &Path) -> bool {
    let mut passed = cargo(root, ["fmt", "--all", "--check"]);
    for manifest in outside_the_workspace(root) {
        let arguments = [
            OsStr::new("fmt"),
            "--check".as_ref(),
            "--manifest-path".as_ref(),
            manifest.as_ref(),
        ];
        passed &= cargo(root, arguments);
    }
    passed
}

/// Whether the lints find nothing, in tests and benches too.
pub(crate) fn lints(root: &Path) -> bool {
    // One crate with findings does not hide those of the others.
    let clippy = ["clippy", "--workspace", "--all-targets", "--keep-going"];
    cargo(root, clippy.into_iter().chain(["--", "-D", "warnings"]))
}

/// Formats everything and applies what the lints suggest.
pub(crate) fn fix(root: &Path) -> bool {
    let fixed = cargo(
        root,
        [
            "clippy",
            "--workspace",
            "--all-targets",
            "--fix",
            "--allow-dirty",
            "--allow-staged",
        ],
    );
    let mut formatted = cargo(root, ["fmt", "--all"]);
    for manifest in outside_the_workspace(root) {
        formatted &= cargo(
            root,
            [
                OsStr::new("fmt"),
                "--manifest-path".as_ref(),
                manifest.as_ref(),
            ],
        );
    }
    fixed & formatted
}

/// Fuzz targets are workspaces of their own, since they need another compiler.
fn outside_the_workspace(root: &Path) -> Vec<PathBuf> {
    ["src/resp", "src/formats", "src/engine", "wal", "raft", "."]
        .iter()
        .map(|package| root.join(package).join("fuzz/Cargo.toml"))
        .filter(|manifest| manifest.is_file())
        .collect()
}

fn cargo<S: AsRef<OsStr>>(root: &Path, arguments: impl IntoIterator<Item = S>) -> bool {
    // The cargo that runs this program: another one on the path may be of another version.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    run(&mut command)
}

/// Runs a command with its output shown; whether it succeeded.
pub(crate) fn run(command: &mut Command) -> bool {
    let line = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ");
    match command.status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            eprintln!("failed ({status}): {line}");
            false
        }
        Err(error) => {
            eprintln!("cannot run: {line}: {error}");
            false
        }
    }
}
