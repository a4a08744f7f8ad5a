//! What the operating system knows of the process, from /proc. A value that cannot be read is zero:
//! INFO is for looking at, and nothing is decided by it.

use std::fs;

/// Time that a process or thread has run, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CpuTime {
    pub(super) user: f64,
    pub(super) system: f64,
}

/// Bytes of the process in memory.
pub(super) fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = field(&statm, 1);
    pages * rustix::param::page_size()
}

/// Bytes of memory that the machine has.
pub(super) fn machine_bytes() -> usize {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"));
    line.map_or(0, |line| field::<usize>(line, 1) * 1024)
}

/// The processor time of the process, of its finished children, and of the calling thread.
pub(super) fn cpu_times() -> [CpuTime; 3] {
    let process = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let thread = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    [
        cpu_time(&process, 11),
        cpu_time(&process, 13),
        cpu_time(&thread, 11),
    ]
}

/// The two times from a field on, counted after the name, which may hold blanks.
fn cpu_time(stat: &str, at: usize) -> CpuTime {
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    CpuTime {
        user: field::<f64>(rest, at) / ticks,
        system: field::<f64>(rest, at + 1) / ticks,
    }
}

fn field<T: std::str::FromStr + Default>(line: &str, at: usize) -> T {
    line.split_whitespace()
        .nth(at)
        .and_then(|word| word.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_in_memory_and_has_run() {
        assert!(resident_bytes() > 100_000);
        assert!(machine_bytes() > resident_bytes());
        let [process, _, _] = cpu_times();
        assert!(process.user >= 0.0);
        let time = cpu_time("1 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 7 8 0", 11);
        assert_eq!((time.user, time.system), (2.5, 0.5));
    }
}
