//! What a process has used, as Linux tells in `/proc`.

use std::fs;

/// Clock ticks per second of `/proc/PID/stat`: 100 on every Linux that Rust runs
/// on, whatever the kernel's own tick (`man 2 times`, `USER_HZ`).
const TICKS_PER_S: u64 = 100;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// User and system time, in milliseconds, to 10 ms.
    pub(super) cpu_ms: u64,
    /// Memory resident now, in KiB.
    pub(super) rss_kib: u64,
    /// Files and sockets open now; 0 where the kernel does not say (before Linux
    /// 6.2, which counts them as the size of their folder).
    pub(super) files: u64,
}

/// What the process `pid` has used; `None` once it is gone, or elsewhere than on
/// Linux.
pub(super) fn used(pid: u32) -> Option<Used> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let files = fs::metadata(format!("/proc/{pid}/fd")).map_or(0, |folder| folder.len());
    Some(Used { cpu_ms: cpu_ms(&stat)?, rss_kib: rss_kib(&status)?, files })
}

/// The name in the second field may hold blanks and brackets; what follows the
/// last bracket does not.
fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 1_000 / TICKS_PER_S)
}

fn rss_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_the_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 30 0 0 20";
        assert_eq!(cpu_ms(stat), Some(1_800));
        assert_eq!(cpu_ms("7 (a"), None);
        assert_eq!(rss_kib("Name:\ta\nVmRSS:\t   1234 kB\n"), Some(1_234));
    }

    #[test]
    fn this_process_uses_something() {
        assert!(used(std::process::id()).is_some_and(|used| used.rss_kib > 0));
    }
}
