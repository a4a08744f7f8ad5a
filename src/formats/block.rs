//! Growing and shrinking a boxed block of bytes with little slack.
//!
//! Called by `Listpack` and `Intset`, whose blocks say themselves how much of them is in use. A
//! `Box<[u8]>` takes sixteen bytes where a `Vec` takes twenty-four; in a keyspace of millions of
//! small values that is what counts.

/// The size to allocate for a block of `bytes`: mimalloc's and jemalloc's size classes (steps of
/// 16, then four per doubling). Asking for less would not save memory, and asking for exactly this
/// lets the next few elements in without another allocation. Large blocks step finer, eight per
/// doubling, because there the slack is real; never by a constant, or growing would be quadratic.
#[inline]
pub(crate) fn class_bytes(bytes: usize) -> usize {
    let steps_log = match bytes {
        0..=128 => return bytes.checked_next_multiple_of(16).unwrap_or(bytes),
        129..=4096 => 2,
        _ => 3,
    };
    bytes
        .saturating_sub(1)
        .checked_ilog2()
        .and_then(|log| 1usize.checked_shl(log.saturating_sub(steps_log)))
        .and_then(|step| bytes.checked_next_multiple_of(step))
        .unwrap_or(bytes)
}

/// A block of exactly `class_bytes(bytes.len())` that begins with `bytes`.
pub(crate) fn from_bytes(bytes: &[u8]) -> Box<[u8]> {
    let size = class_bytes(bytes.len());
    let mut block = Vec::with_capacity(size);
    block.extend_from_slice(bytes);
    block.resize(size, 0);
    block.into_boxed_slice()
}

/// As `from_bytes`, without a copy if `bytes` has room for its size class, no more and no less.
pub(crate) fn from_vec(mut bytes: Vec<u8>) -> Box<[u8]> {
    let size = class_bytes(bytes.len());
    bytes.reserve_exact(size.saturating_sub(bytes.len()));
    bytes.resize(size, 0);
    bytes.into_boxed_slice()
}

/// Makes `block` large enough for `used` bytes, if it is not.
#[inline]
pub(crate) fn grow(block: &mut Box<[u8]>, used: usize) {
    if used > block.len() {
        reallocate(block, class_bytes(used));
    }
}

/// Gives memory back once `used` bytes leave half of `block` empty. Not earlier: a value that
/// swings around one size must not reallocate at each change.
#[inline]
pub(crate) fn shrink(block: &mut Box<[u8]>, used: usize) {
    if used <= block.len() / 2 && block.len() > 16 {
        reallocate(block, class_bytes(used));
    }
}

fn reallocate(block: &mut Box<[u8]>, size: usize) {
    let mut bytes = std::mem::take(block).into_vec();
    if size > bytes.len() {
        bytes.reserve_exact(size.saturating_sub(bytes.len()));
        bytes.resize(size, 0);
    } else {
        bytes.truncate(size);
    }
    *block = bytes.into_boxed_slice();
}
