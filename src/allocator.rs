//! The process's allocator: mimalloc, with a count of the bytes in use for `used_memory` and
//! `maxmemory`. Each thread counts for itself and adds to the common count in large steps, so that
//! threads do not fight over one cache line.

#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use mimalloc::MiMalloc;

/// A thread's own count is added to the common one when it is off by this many bytes.
const STEP_BYTES: isize = 32 * 1024;

static USED: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static UNCOUNTED: Cell<isize> = const { Cell::new(0) };
}

/// Mimalloc, counted.
#[derive(Debug)]
pub struct Counting;

/// The bytes that are allocated now, exact to 32 KiB for each thread.
pub fn used_bytes() -> usize {
    let used = usize::try_from(USED.load(Ordering::Relaxed) + own_uncounted()).unwrap_or(0);
    PEAK.fetch_max(used, Ordering::Relaxed);
    used
}

/// The most that `used_bytes` has ever answered.
pub fn peak_bytes() -> usize {
    used_bytes();
    PEAK.load(Ordering::Relaxed)
}

/// The bytes of memory that the operating system has given to the process, where it says so.
pub fn resident_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    pages.checked_mul(rustix::param::page_size())
}

fn own_uncounted() -> isize {
    UNCOUNTED.try_with(Cell::get).unwrap_or(0)
}

fn count(change: isize) {
    // A thread that is ending has no own count any more: its last few are added at once.
    let left = UNCOUNTED.try_with(|uncounted| {
        let total = uncounted.get() + change;
        let is_large = total.abs() >= STEP_BYTES;
        uncounted.set(if is_large { 0 } else { total });
        if is_large { total } else { 0 }
    });
    let add = left.unwrap_or(change);
    if add != 0 {
        USED.fetch_add(add, Ordering::Relaxed);
    }
}

fn signed(bytes: usize) -> isize {
    // No allocation is larger than isize::MAX, by the contract of `Layout`.
    bytes as isize
}

// SAFETY: every call is passed on to mimalloc unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's contract is the callee's.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: the caller's contract is the callee's.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's contract is the callee's.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(signed(new_size) - signed(layout.size()));
        // SAFETY: the caller's contract is the callee's.
        unsafe { MiMalloc.realloc(pointer, layout, new_size) }
    }
}
