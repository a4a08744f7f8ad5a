//! Times operations by the thread's own CPU clock: on a shared machine the wall clock would mostly
//! show for how long other processes ran in between.
//!
//! Included by the benchmarks of the value structures with `mod`.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Has the kernel give memory in small pages. With huge ones (mimalloc asks for them) every 2 MiB
/// of growth is one page fault of 5 ms on the project's machines, which hides all else; growing by
/// 3 M allocations of 100 bytes took 5.0 s with them and 2.8 s without.
pub(crate) fn use_small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        println!("huge pages stay: {error}");
    }
}

/// The CPU time of one call.
pub(crate) fn time(each: impl FnOnce()) -> Duration {
    let start = now();
    each();
    now().saturating_sub(start)
}

/// What reading the clock twice costs by itself.
fn overhead() -> Duration {
    (0..10_000).map(|_| time(|| ())).sum::<Duration>() / 10_000
}

/// Prints the mean of many calls and the slowest.
pub(crate) fn measure(what: &str, count: usize, mut each: impl FnMut()) {
    let overhead = overhead();
    let (mut sum, mut worst) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..count {
        let one = time(&mut each).saturating_sub(overhead);
        sum += one;
        worst = worst.max(one);
    }
    let mean = sum.as_nanos() / count as u128;
    println!(
        "  {what:<28} {mean:>8} ns  worst {:>8.1} us",
        worst.as_nanos() as f64 / 1e3
    );
}
