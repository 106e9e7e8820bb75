//! Facts about the machine that measures.

use std::fs;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

/// The model of the processor.
pub fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    ["model name", "Model", "Hardware"]
        .iter()
        .find_map(|key| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':').map(str::trim))
        })
        .map_or_else(|| format!("unknown {}", std::env::consts::ARCH), str::to_string)
}

/// The memory in MiB.
pub fn memory_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    kib / 1024
}

/// The release of the kernel.
pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(|_| "unknown".into(), |text| text.trim().to_string())
}

/// The number of logical CPUs.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u32)
}

/// Lets the calling thread, and the threads that it starts from now on, run on these logical CPUs only.
pub fn stay_on(cpus: &[usize]) {
    let mut set = CpuSet::new();
    // A number that the kernel does not know is left out, and a refusal leaves the thread where it is.
    for &cpu in cpus {
        let _ = set.set(cpu);
    }
    let _ = sched_setaffinity(Pid::from_raw(0), &set);
}

/// The logical CPUs that this process may use, in order.
pub fn allowed_cpus() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else {
        return Vec::new();
    };
    (0..CpuSet::count())
        .filter(|&cpu| set.is_set(cpu) == Ok(true))
        .collect()
}

/// The identity of this process: its number and the clock tick at which it began, such as `4711.90210`. The tick tells it from a
/// later process with the same number.
pub fn own_identity() -> String {
    let pid = std::process::id();
    let began = began_at(pid).map_or_else(|| "unknown".into(), |tick| tick.to_string());
    format!("{pid}.{began}")
}

/// Returns true if the process with this identity still runs on this machine.
pub fn is_alive(identity: &str) -> bool {
    let Some((pid, began)) = identity.split_once('.') else {
        return false;
    };
    let now = pid.parse().ok().and_then(began_at);
    now.is_some_and(|tick| tick.to_string() == began)
}

/// Reads field 22 of `/proc/<pid>/stat`; `None` for a process that has ended and is not reaped yet. The second field, in
/// brackets, may contain spaces.
fn began_at(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let ended = fields.next().is_none_or(|state| matches!(state, "Z" | "X"));
    (!ended).then(|| fields.nth(18)?.parse().ok()).flatten()
}

/// The CPU time that this process has used so far.
pub fn own_cpu_time() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let part = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs()) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    Some(part(usage.user_time()) + part(usage.system_time()))
}

/// The used share of the file system that contains `path`, in per cent; `None` if it cannot be read.
pub fn disk_used_percent(path: &std::path::Path) -> Option<f64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    let total = stat.blocks() as f64;
    (total > 0.0).then(|| 100.0 * (1.0 - stat.blocks_available() as f64 / total))
}

/// The CPU time that the hypervisor has stolen since boot, and all CPU time, in clock ticks.
pub fn steal_and_total() -> Option<(u64, u64)> {
    parse_stat(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse_stat(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

/// The pressure on a resource (`some avg10`): the per cent of the last 10 seconds in which at least one task waited for it.
pub fn pressure(resource: &str) -> Option<f64> {
    parse_pressure(&fs::read_to_string(format!("/proc/pressure/{resource}")).ok()?)
}

fn parse_pressure(text: &str) -> Option<f64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split(' ')
        .find_map(|field| field.strip_prefix("avg10="))?
        .parse()
        .ok()
}

/// The memory that programs can still get, in MiB.
pub fn available_memory_mib() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

/// The mean clock rate of the cores in MHz.
pub fn cpu_mhz() -> Option<f64> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let clocks: Vec<f64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("cpu MHz")?.split_once(':')?.1.trim().parse().ok())
        .collect();
    (!clocks.is_empty()).then(|| clocks.iter().sum::<f64>() / clocks.len() as f64)
}

/// The governor of the cores' clock rate, such as `performance`; `None` if the kernel does not tell.
pub fn governor() -> Option<String> {
    let text = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok()?;
    Some(text.trim().to_string())
}

/// The number of times that the cores were slowed down for heat since boot, summed over cores.
pub fn thermal_throttles() -> Option<u64> {
    let count = |core: u32| -> Option<u64> {
        let file = format!("/sys/devices/system/cpu/cpu{core}/thermal_throttle/core_throttle_count");
        fs::read_to_string(file).ok()?.trim().parse().ok()
    };
    (0..cores()).map(count).sum()
}

/// The load average over the last minute.
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_read() {
        assert_eq!(parse_stat("cpu  10 0 20 60 1 2 3 4 0 0\ncpu0 1 2\n"), Some((4, 100)));
        assert_eq!(parse_stat("intr 5\n"), None);
    }

    #[test]
    fn pressure_is_that_of_some_tasks_over_ten_seconds() {
        let text = "some avg10=1.53 avg60=0.87 avg300=0.73 total=1\nfull avg10=0.20 avg60=0.1 avg300=0 total=2\n";
        assert_eq!(parse_pressure(text), Some(1.53));
        assert_eq!(parse_pressure("full avg10=1.0\n"), None);
    }
}
