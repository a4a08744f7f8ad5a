//! The memory that the process really has, for benchmarks that state bytes per element.
//!
//! Included by the benchmarks of the value structures with `mod`. Only growth means something, and
//! only while nothing that was freed before can be used again: what is to be measured is built
//! first and kept.

/// Bytes of resident memory.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark looks at its process"
)]
pub(crate) fn resident_bytes() -> usize {
    const PAGE_BYTES: usize = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * PAGE_BYTES
}
