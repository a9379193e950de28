//! How much memory a program may have now without pushing out what others use.
//!
//! What systems call free memory lies under pressure, both ways. Counted is what can be had, as `models/coreml`
//! counts it: on Linux `MemAvailable`, and no more than the container allows; on macOS pages that are free, inactive,
//! speculative or purgeable, and as swap the system disk's free space but for what macOS keeps free itself.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// 10⁹ bytes, as disks and memory are sold.
pub const GB: u64 = 1_000_000_000;

/// macOS makes swap files as it needs them, and stops before the disk is full.
const DISK_KEPT_FREE: u64 = 10 * GB;

/// What can be had now, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Without pushing anything out.
    pub available: u64,
    /// Beyond that, slowly.
    pub swap: u64,
}

impl Memory {
    /// Of this machine; `None` where it cannot be read.
    pub fn now() -> Option<Self> {
        if cfg!(target_os = "macos") {
            let output = std::process::Command::new("/usr/bin/vm_stat").output().ok()?;
            let available = of_vm_stat(&String::from_utf8_lossy(&output.stdout))?;
            let swap = free_disk(Path::new("/")).unwrap_or(0).saturating_sub(DISK_KEPT_FREE);
            return Some(Self { available, swap });
        }
        let read = |name: &str| std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(name));
        let Self { available, swap } = of_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
        let limit = read("memory.max").ok().zip(read("memory.current").ok());
        let allowed = limit.and_then(|(limit, current)| {
            of_cgroup(&limit, &current, &read("memory.stat").unwrap_or_default())
        });
        Some(Self { available: available.min(allowed.unwrap_or(u64::MAX)), swap })
    }
}

/// Bytes that may be written to the disk of `path`; `None` where that cannot be asked.
#[cfg(unix)]
pub(crate) fn free_disk(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Not asked on systems without Core ML.
#[cfg(not(unix))]
pub(crate) fn free_disk(_: &Path) -> Option<u64> {
    None
}

/// Linux' `/proc/meminfo`, in kilobytes of 1024.
fn of_meminfo(text: &str) -> Option<Memory> {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        kilobytes.checked_mul(1024)
    };
    Some(Memory { available: value("MemAvailable")?, swap: value("SwapFree").unwrap_or(0) })
}

/// Bytes that can be had by macOS' `vm_stat`, which counts pages.
fn of_vm_stat(text: &str) -> Option<u64> {
    let (_, size) = text.split_once("page size of ")?;
    let size: u64 = size.split_whitespace().next()?.parse().ok()?;
    let pages = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().trim_end_matches('.').parse().ok()
    };
    let free = pages("Pages free")?;
    let others = ["Pages inactive", "Pages speculative", "Pages purgeable"];
    let reclaimable: u64 = others.into_iter().filter_map(pages).sum();
    (free + reclaimable).checked_mul(size)
}

/// What a container still allows, by version 2 of its controls: files it has read count as used there, and go when
/// it needs more. `None` where there is no limit.
fn of_cgroup(limit: &str, current: &str, stat: &str) -> Option<u64> {
    let (limit, current): (u64, u64) = (limit.trim().parse().ok()?, current.trim().parse().ok()?);
    let reclaimable =
        stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok());
    Some(limit.saturating_sub(current).saturating_add(reclaimable.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       16000000 kB\nMemFree:          500000 kB\n\
                           MemAvailable:    9000000 kB\nSwapTotal:       4000000 kB\nSwapFree:        3000000 kB\n";
    const VM_STAT: &str = "\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                5000.
Pages active:                            300000.
Pages inactive:                          200000.
Pages speculative:                         1000.
Pages throttled:                              0.
Pages wired down:                        100000.
Pages purgeable:                           4000.
\"Translation faults\":                 123456789.
";

    #[test]
    fn reads_what_systems_write() {
        let linux = Memory { available: 9_000_000 * 1024, swap: 3_000_000 * 1024 };
        assert_eq!(of_meminfo(MEMINFO), Some(linux));
        assert_eq!(of_meminfo("MemAvailable: 5 kB"), Some(Memory { available: 5 * 1024, swap: 0 }));
        assert_eq!(of_meminfo("MemFree: 5 kB"), None, "free is not available");
        assert_eq!(of_vm_stat(VM_STAT), Some(210_000 * 16384));
        assert_eq!(of_vm_stat(""), None);
        assert_eq!(of_vm_stat("(page size of 4096 bytes)\nPages free: many."), None);
    }

    #[test]
    fn a_container_gives_no_more_than_its_limit() {
        assert_eq!(of_cgroup("1000\n", "700\n", "anon 5\ninactive_file 200\n"), Some(500));
        assert_eq!(of_cgroup("1000", "2000", ""), Some(0));
        assert_eq!(of_cgroup("max\n", "700\n", ""), None);
    }

    #[test]
    #[cfg(unix)]
    fn this_machine_has_some() {
        assert!(Memory::now().is_some_and(|memory| memory.available > 0));
        assert!(free_disk(Path::new("/")).is_some());
        assert_eq!(free_disk(Path::new("/nowhere/at/all")), None);
    }
}
