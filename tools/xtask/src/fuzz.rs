//! Builds and runs fuzz targets that are laid out for cargo-fuzz, which need not be installed.
//!
//! Inputs that reach new code are kept in `fuzz/corpus/<target>`, and an input that breaks a
//! property is written to `fuzz/artifacts/<target>`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::steps;

/// How libFuzzer wants code to be compiled: coverage that it can read, and memory checks.
const COMPILER_FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Zsanitizer=address -Ccodegen-units=1 -Cdebug-assertions --cfg fuzzing";

/// Sanitizers cannot be linked into build scripts, so the target is named even though it is the
/// host: then cargo gives the flags to the targets only.
const COMPILER_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs `target` of the crate in the folder `package`; whether nothing was found.
pub(crate) fn run(package: &Path, target: &str, seconds: u32) -> bool {
    let fuzz = package.join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    let artifacts = fuzz.join("artifacts").join(target);
    for folder in [&corpus, &artifacts] {
        if let Err(error) = fs::create_dir_all(folder) {
            eprintln!("{}: cannot be made: {error}", folder.display());
            return false;
        }
    }
    let build = fuzz.join("target");
    let mut compile = Command::new("rustup");
    compile
        .args([
            "run",
            "nightly",
            "cargo",
            "build",
            "--release",
            "--bin",
            target,
        ])
        .args(["--target", COMPILER_TARGET, "--target-dir"])
        .arg(&build)
        .current_dir(&fuzz)
        // The compiler of the toolchain that runs this program must not leak into the other one.
        .env_remove("RUSTC")
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTFLAGS", COMPILER_FLAGS);
    if !steps::run(&mut compile) {
        return false;
    }
    let program = build.join(COMPILER_TARGET).join("release").join(target);
    let mut search = Command::new(program);
    search
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&corpus)
        .current_dir(&fuzz);
    steps::run(&mut search)
}
