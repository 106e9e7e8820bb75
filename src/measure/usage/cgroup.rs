//! The control group of a container: CPU time, memory, throttling. Reads version 1 and version 2.
//!
//! CPU time is in nanoseconds, memory in bytes. A figure that the kernel does not tell this user is `None`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::profile::MemoryReading;

/// The control group of one container, by the folders of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    version: Version,
    cpu: PathBuf,
    cpu_accounting: PathBuf,
    memory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Cgroup {
    /// The control group of process `pid`, if its files can be read from here.
    pub fn of_process(pid: i64) -> Option<Self> {
        let membership = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let found = locate(&membership, &mounts)?;
        found.cpu_time().map(|_| found)
    }

    /// The CPU time used so far.
    pub fn cpu_time(&self) -> Option<Duration> {
        match self.version {
            Version::One => read(&self.cpu_accounting, "cpuacct.usage")?
                .trim()
                .parse()
                .ok()
                .map(Duration::from_nanos),
            Version::Two => key(&read(&self.cpu, "cpu.stat")?, "usage_usec").map(Duration::from_micros),
        }
    }

    /// The anonymous memory.
    pub fn anon_bytes(&self) -> Option<u64> {
        let stat = read(&self.memory, "memory.stat")?;
        match self.version {
            Version::One => key(&stat, "total_rss"),
            Version::Two => key(&stat, "anon"),
        }
    }

    /// The anonymous memory, the proportional set size of all processes, and the working set.
    pub fn memory(&self) -> MemoryReading {
        let (usage, inactive) = match self.version {
            Version::One => ("memory.usage_in_bytes", "total_inactive_file"),
            Version::Two => ("memory.current", "inactive_file"),
        };
        let used = read(&self.memory, usage).and_then(|text| text.trim().parse::<u64>().ok());
        let inactive = read(&self.memory, "memory.stat").and_then(|stat| key(&stat, inactive));
        MemoryReading {
            anon_bytes: self.anon_bytes(),
            pss_bytes: self.pss_bytes(),
            working_set_bytes: used.zip(inactive).map(|(used, inactive)| used.saturating_sub(inactive)),
        }
    }

    /// The proportional set size, summed over the processes; `None` if a process hides it.
    fn pss_bytes(&self) -> Option<u64> {
        let processes = read(&self.memory, "cgroup.procs")?;
        let mut sum = 0;
        for pid in processes.lines() {
            match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
                Ok(rollup) => sum += key(&rollup, "Pss:")? * 1024,
                // It has ended since.
                Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound) || e.raw_os_error() == Some(3) => {}
                Err(_) => return None,
            }
        }
        (sum > 0).then_some(sum)
    }

    /// The numbers of processes and of threads; `None` if they cannot be read.
    pub fn processes_and_threads(&self) -> Option<(u32, u32)> {
        let processes = read(&self.memory, "cgroup.procs")?;
        let threads = |pid: &str| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            u32::try_from(key(&status, "Threads:")?).ok()
        };
        let each: Vec<u32> = processes.lines().filter_map(threads).collect();
        (!each.is_empty()).then(|| (each.len() as u32, each.iter().sum()))
    }

    /// The number of its processes that the kernel has killed at the memory limit so far.
    pub fn oom_kills(&self) -> Option<u64> {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        key(&read(&self.memory, file)?, "oom_kill")
    }

    /// The time for which the CPU limit has stopped it so far, summed over CPUs.
    pub fn throttled(&self) -> Option<Duration> {
        let stat = read(&self.cpu, "cpu.stat")?;
        match self.version {
            Version::One => key(&stat, "throttled_time").map(Duration::from_nanos),
            Version::Two => key(&stat, "throttled_usec").map(Duration::from_micros),
        }
    }
}

fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

/// The number after `name` in lines of `name number`.
pub(super) fn key(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix([' ', '\t'])?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    })
}

/// Finds the folders, from the texts of `/proc/<pid>/cgroup` and `/proc/self/mounts`.
fn locate(membership: &str, mounts: &str) -> Option<Cgroup> {
    // The lines of version 1 are like "4:memory:/docker/1f..", the line of version 2 is like "0::/docker/1f..".
    let path_in = |controller: &str| {
        membership.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let controllers = parts.next()?;
            let path = parts.next()?;
            let named = match controller {
                "" => controllers.is_empty(),
                _ => controllers.split(',').any(|c| c == controller),
            };
            named.then(|| path.trim_start_matches('/').to_string())
        })
    };
    let mount_of = |kind: &str, controller: &str| {
        mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (place, found, options) = (fields.next()?, fields.next()?, fields.next()?);
            let fits = found == kind && (controller.is_empty() || options.split(',').any(|o| o == controller));
            fits.then(|| PathBuf::from(place))
        })
    };
    let folder = |kind: &str, controller: &str| Some(mount_of(kind, controller)?.join(path_in(controller)?));
    if path_in("memory").is_some() {
        return Some(Cgroup {
            version: Version::One,
            cpu: folder("cgroup", "cpu")?,
            cpu_accounting: folder("cgroup", "cpuacct")?,
            memory: folder("cgroup", "memory")?,
        });
    }
    let unified = folder("cgroup2", "")?;
    Some(Cgroup {
        version: Version::Two,
        cpu: unified.clone(),
        cpu_accounting: unified.clone(),
        memory: unified,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_in_both_versions() {
        let mounts = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n\
                      cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let one = locate("5:memory:/docker/ab\n2:cpu,cpuacct:/docker/ab\n0::/docker/ab\n", mounts).unwrap();
        assert_eq!(one.version, Version::One);
        assert_eq!(one.cpu, Path::new("/sys/fs/cgroup/cpu,cpuacct/docker/ab"));
        assert_eq!(one.memory, Path::new("/sys/fs/cgroup/memory/docker/ab"));
        let two = locate(
            "0::/system.slice/docker-ab.scope\n",
            "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n",
        )
        .unwrap();
        assert_eq!(two.version, Version::Two);
        assert_eq!(two.memory, Path::new("/sys/fs/cgroup/system.slice/docker-ab.scope"));
        assert_eq!(locate("0::/a\n", "proc /proc proc rw 0 0\n"), None);
    }

    #[test]
    fn values_are_read_in_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let group = |version| Cgroup {
            version,
            cpu: folder.path().into(),
            cpu_accounting: folder.path().into(),
            memory: folder.path().into(),
        };
        put(
            "memory.stat",
            "cache 5\nrss 1\ninactive_file 11\ntotal_rss 4096\ntotal_inactive_file 10\nanon 77\n",
        );
        put("memory.usage_in_bytes", "100\n");
        put("memory.current", "200\n");
        put("cpuacct.usage", "1500000\n");
        put("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        put("memory.events", "low 0\noom 4\noom_kill 3\n");
        put("cpu.stat", "usage_usec 2500\nthrottled_time 7000\nthrottled_usec 8\n");
        let one = group(Version::One);
        assert_eq!(one.cpu_time(), Some(Duration::from_nanos(1_500_000)));
        assert_eq!(
            (one.anon_bytes(), one.memory().working_set_bytes),
            (Some(4096), Some(90))
        );
        assert_eq!(one.throttled(), Some(Duration::from_nanos(7000)));
        let two = group(Version::Two);
        assert_eq!(two.cpu_time(), Some(Duration::from_micros(2500)));
        assert_eq!(
            (two.anon_bytes(), two.memory().working_set_bytes),
            (Some(77), Some(189))
        );
        assert_eq!(two.throttled(), Some(Duration::from_micros(8)));
        assert_eq!((one.oom_kills(), two.oom_kills()), (Some(2), Some(3)));
        assert_eq!(two.memory().pss_bytes, None);
    }
}
