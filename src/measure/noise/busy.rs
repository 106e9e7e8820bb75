//! The processes that use the CPU now, as far as `/proc` shows them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// The time over which the use is counted.
const OVER: Duration = Duration::from_millis(500);
/// The ticks per second in `/proc/<pid>/stat` (`USER_HZ`), which Linux fixes for all programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// The share of a core from which a process is named.
const BUSY: f64 = 0.10;
/// The number of processes that are named.
const NAMED: usize = 4;

/// A process and its use of the CPU.
#[derive(Debug, Clone, PartialEq)]
pub struct BusyProcess {
    /// Its number.
    pub pid: u32,
    /// The name of its program. It is foreign text.
    pub name: String,
    /// Its use in cores.
    pub cores: f64,
}

impl std::fmt::Display for BusyProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pid, name, cores } = self;
        write!(f, "{} ({pid}) {:.0}%", name.escape_debug(), 100.0 * cores)
    }
}

/// Watches all processes but this one for half a second, and returns the busiest first.
pub fn busiest() -> Vec<BusyProcess> {
    let before = ticks();
    std::thread::sleep(OVER);
    between(&before, &ticks(), OVER.as_secs_f64())
}

/// The name and the CPU ticks of each process.
type Ticks = BTreeMap<u32, (String, u64)>;

fn between(before: &Ticks, after: &Ticks, seconds: f64) -> Vec<BusyProcess> {
    let used = after.iter().filter_map(|(&pid, (name, ticks))| {
        let earlier = before.get(&pid).map_or(0, |(_, ticks)| *ticks);
        let cores = ticks.saturating_sub(earlier) as f64 / TICKS_PER_SECOND / seconds;
        let name = name.clone();
        (cores >= BUSY && before.contains_key(&pid)).then_some(BusyProcess { pid, name, cores })
    });
    let mut used: Vec<BusyProcess> = used.collect();
    used.sort_by(|a, b| b.cores.total_cmp(&a.cores));
    used.truncate(NAMED);
    used
}

fn ticks() -> Ticks {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            (pid != own).then_some((pid, parse(&stat)?))
        })
        .collect()
}

/// The name (field 2, in brackets) and the ticks in user and kernel mode (fields 14 and 15) of `/proc/<pid>/stat`.
fn parse(stat: &str) -> Option<(String, u64)> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let user: u64 = fields.get(11)?.parse().ok()?;
    let kernel: u64 = fields.get(12)?.parse().ok()?;
    Some((name.to_string(), user + kernel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_anything() {
        let stat = "42 (a b) c) R 1 42 42 0 -1 4194560 1 0 0 0 130 25 0 0 20 0 1 0 99 0 0";
        assert_eq!(parse(stat), Some(("a b) c".to_string(), 155)));
        assert_eq!(parse("42 (a"), None);
        let process = BusyProcess {
            pid: 42,
            name: "\u{1b}[31mred".into(),
            cores: 0.984,
        };
        assert_eq!(process.to_string(), "\\u{1b}[31mred (42) 98%");
    }

    #[test]
    fn the_busiest_come_first_and_idle_ones_are_left_out() {
        let ticks = |list: &[(u32, u64)]| -> Ticks {
            list.iter()
                .map(|&(pid, ticks)| (pid, (format!("p{pid}"), ticks)))
                .collect()
        };
        let before = ticks(&[(1, 100), (2, 0), (3, 7)]);
        let after = ticks(&[(1, 101), (2, 49), (3, 107), (4, 500)]);
        let names: Vec<u32> = between(&before, &after, 0.5).iter().map(|one| one.pid).collect();
        assert_eq!(names, [3, 2], "process 4 began meanwhile: when is unknown");
    }
}
