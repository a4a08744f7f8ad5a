//! Checks of the work tree, run as `cargo xtask …`; the rules are those of the project's style page.
//!
//! - `tree`    finds the files · `source` tells a Rust file's code from its comments and strings
//! - `checks/` one rule a file, each a function from files to findings
//! - `steps`   runs cargo's own checks · `fuzz` builds and runs fuzz targets
//!
//! Always holds: `verify` changes nothing; `fix` is the only command that writes to the tree.

mod checks;
mod finding;
mod fuzz;
mod source;
mod steps;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask verify            check the text rules, the format and the lints; changes nothing
cargo xtask verify --quick    the same without the lints
cargo xtask fix               format, and apply what the lints suggest
cargo xtask fuzz <crate> <target> [seconds]
                              run a fuzz target, as in: cargo xtask fuzz src/resp commands 60";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let passed = match arguments[..] {
        ["verify"] => verify(&root) & steps::format(&root) & steps::lints(&root),
        ["verify", "--quick"] => verify(&root) & steps::format(&root),
        ["fix"] => steps::fix(&root),
        ["fuzz", package, target] => fuzz::run(&root.join(package), target, 60),
        ["fuzz", package, target, seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run(&root.join(package), target, seconds),
            Err(_) => usage(),
        },
        _ => usage(),
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn usage() -> bool {
    eprintln!("{USAGE}");
    false
}

/// Prints every finding; whether there was none.
fn verify(root: &Path) -> bool {
    let tree = match tree::Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("{}: cannot be read: {error}", root.display());
            return false;
        }
    };
    let findings = checks::all(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => println!("text rules: {} files, nothing found", tree.files().len()),
        count => eprintln!("text rules: {count} findings"),
    }
    findings.is_empty()
}

/// The workspace that this program was called in: cargo says where its package is now, which for a
/// copied target folder is not where it was built.
fn root() -> PathBuf {
    let built_in = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_in, PathBuf::from);
    package
        .ancestors()
        .nth(2)
        .expect("xtask lies two folders below the root")
        .to_path_buf()
}
