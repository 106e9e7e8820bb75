//! The CPU time, memory, processes and threads of a process and all its descendants.
//!
//! CPU time has two parts. The clock of each process counts nanoseconds, and includes threads that have ended. For children
//! that were reaped the kernel keeps a sum, in ticks of 10 ms. A process is in exactly one of the two. Two things are lost:
//! descendants whose parent ended before them, because they are no longer descendants, and children of a process that
//! ignores `SIGCHLD`, because the kernel does not keep their time.
//!
//! Anonymous memory is proportional: a page that a server shares with its forked workers counts once in the sum, as it does in
//! a control group.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

use crate::measure::usage::cgroup::key;
use crate::model::profile::MemoryReading;

/// The tick of the times in `/proc/<pid>/stat`: USER_HZ is 100 on every architecture that Rust supports. Source: Linux 6.18,
/// include/asm-generic/param.h, read 2026-11-24.
const TICK: Duration = Duration::from_millis(10);
/// The number of attempts at a reading: a descendant that ends meanwhile spoils it.
const ATTEMPTS: usize = 5;

/// A process with its descendants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    root: Pid,
}

/// Some fields of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    session: i32,
    /// True if the process has ended and is not reaped yet.
    ended: bool,
    /// The CPU time of the children that it has reaped, and of theirs.
    waited_for: Duration,
}

impl Tree {
    /// The tree below the process `root`.
    pub fn new(root: Pid) -> Self {
        Self { root }
    }

    /// The CPU time used so far; `None` once the root is gone.
    pub fn cpu_time(&self) -> Option<Duration> {
        (0..ATTEMPTS).find_map(|_| self.cpu_time_at_once())
    }

    /// Reads the CPU time once; `None` if a process has gone meanwhile. The order counts: first the list of children, then the time
    /// of reaped children, then the clocks. A child that is reaped in between fails the reading, and none counts twice.
    fn cpu_time_at_once(&self) -> Option<Duration> {
        let mut sum = Duration::ZERO;
        let mut waiting = vec![self.root];
        while let Some(pid) = waiting.pop() {
            waiting.extend(children(pid)?);
            sum += stat(pid)?.waited_for;
            sum += Duration::from(ClockId::pid_cpu_clock_id(pid).ok()?.now().ok()?);
        }
        Some(sum)
    }

    /// The anonymous memory; `None` if a process hides it.
    pub fn anon_bytes(&self) -> Option<u64> {
        // Kernels before 5.3 do not have the proportional figure.
        self.sum(|pid| field(pid, "smaps_rollup", "Pss_Anon:"))
            .or_else(|| self.sum(|pid| field(pid, "status", "RssAnon:")))
    }

    /// The anonymous memory and the proportional set size of all processes.
    pub fn memory(&self) -> MemoryReading {
        MemoryReading {
            anon_bytes: self.anon_bytes(),
            pss_bytes: self.sum(|pid| field(pid, "smaps_rollup", "Pss:")),
            working_set_bytes: None,
        }
    }

    /// The numbers of processes and of threads, without processes that have ended and are not reaped yet.
    pub fn processes_and_threads(&self) -> Option<(u32, u32)> {
        let threads = |pid: Pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let ended = status.lines().any(|line| line.starts_with("State:\tZ"));
            u32::try_from(key(&status, "Threads:").filter(|_| !ended)?).ok()
        };
        let each: Vec<u32> = self.members().into_iter().filter_map(threads).collect();
        (!each.is_empty()).then(|| (each.len() as u32, each.iter().sum()))
    }

    /// All processes that can be found, the root first.
    pub fn members(&self) -> Vec<Pid> {
        let mut found = vec![self.root];
        let mut next = 0;
        while let Some(&pid) = found.get(next) {
            found.extend(children(pid).unwrap_or_default());
            next += 1;
        }
        found
    }

    /// Sums over the processes; processes that have gone add nothing. `None` if one hides its part, or if none is left.
    fn sum(&self, of: impl Fn(Pid) -> Reading) -> Option<u64> {
        let mut sum = None;
        for pid in self.members() {
            match of(pid) {
                Reading::Bytes(bytes) => *sum.get_or_insert(0) += bytes,
                Reading::Gone => {}
                Reading::Hidden => return None,
            }
        }
        sum
    }
}

/// The reading of one process.
enum Reading {
    Bytes(u64),
    Gone,
    Hidden,
}

/// Reads a field in KiB of a file in `/proc/<pid>`.
fn field(pid: Pid, file: &str, name: &str) -> Reading {
    /// No such process.
    const ESRCH: i32 = 3;
    match fs::read_to_string(format!("/proc/{pid}/{file}")) {
        Ok(text) if text.is_empty() || text.contains("\nState:\tZ") => Reading::Gone,
        Ok(text) => key(&text, name).map_or(Reading::Hidden, |kib| Reading::Bytes(kib * 1024)),
        Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH) => Reading::Gone,
        Err(_) => Reading::Hidden,
    }
}

fn stat(pid: Pid) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses `/proc/<pid>/stat`. The second field, in brackets, may contain spaces and brackets.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        ended: matches!(*fields.first()?, "Z" | "X"),
        waited_for: TICK * (ticks(13)? + ticks(14)?),
    })
}

/// The children of all threads of a process; `None` if it has gone.
fn children(pid: Pid) -> Option<Vec<Pid>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let task = task.ok()?.path();
        match fs::read_to_string(task.join("children")) {
            Ok(text) => found.extend(numbers(&text)),
            // The kernel was built without this file.
            Err(error) if error.kind() == ErrorKind::NotFound && task.exists() => return Some(by_parent(pid)),
            // The thread has ended.
            Err(_) => {}
        }
    }
    Some(found)
}

fn numbers(text: &str) -> impl Iterator<Item = Pid> + '_ {
    text.split_whitespace()
        .filter_map(|number| number.parse().ok().map(Pid::from_raw))
}

/// The processes of the machine that name `parent` as their parent.
fn by_parent(parent: Pid) -> Vec<Pid> {
    all()
        .filter(|&pid| stat(pid).is_some_and(|stat| stat.parent == parent.as_raw()))
        .collect()
}

/// The processes of a session that have not ended.
pub fn in_session(session: Pid) -> Vec<Pid> {
    let is_in = |stat: Stat| stat.session == session.as_raw() && !stat.ended;
    all().filter(|&pid| stat(pid).is_some_and(is_in)).collect()
}

/// All processes of the machine.
pub fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    /// A shell with a script; it ends with the test.
    struct Shell(Child);

    impl Shell {
        fn run(script: &str) -> Self {
            let mut command = Command::new("sh");
            Self(command.args(["-c", script]).stdin(Stdio::null()).spawn().unwrap())
        }

        fn tree(&self) -> Tree {
            Tree::new(Pid::from_raw(self.0.id() as i32))
        }

        /// Waits until the tree has so many processes.
        fn grown_to(&self, processes: usize) -> Tree {
            let began = Instant::now();
            while self.tree().members().len() != processes {
                assert!(began.elapsed() < Duration::from_secs(20), "{:?}", self.tree().members());
                std::thread::sleep(Duration::from_millis(5));
            }
            self.tree()
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            for pid in self.tree().members() {
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            }
            let _ = self.0.wait();
        }
    }

    #[test]
    fn times_are_read_behind_any_name() {
        let text = "42 (a) b (c) S 7 42 43 0 -1 4194304 1 2 3 4 11 12 25 5 20 0 1 0 99 1 1\n";
        let expected = Stat {
            parent: 7,
            session: 43,
            ended: false,
            waited_for: Duration::from_millis(300),
        };
        assert_eq!(parse_stat(text), Some(expected));
        assert_eq!(parse_stat("42 (a) S 7"), None);
    }

    #[test]
    fn a_tree_holds_grandchildren_and_both_ways_of_finding_them_agree() {
        let shell = Shell::run("sh -c 'sleep 60; true' & sleep 60 & wait");
        let tree = shell.grown_to(4);
        assert_eq!(tree.processes_and_threads(), Some((4, 4)));
        let mut children = children(tree.root).unwrap();
        let mut by_parent = by_parent(tree.root);
        children.sort_unstable();
        by_parent.sort_unstable();
        assert_eq!((children.len(), &children), (2, &by_parent));
        let memory = tree.memory();
        let (anon, pss) = (memory.anon_bytes.unwrap(), memory.pss_bytes.unwrap());
        assert!(anon > 0 && anon < pss && pss < 64 << 20, "{anon} {pss}");
    }

    #[test]
    fn work_counts_once_while_a_child_lives_and_after_it_was_waited_for() {
        // The shell waits for its child, whose work is then in the shell's own count, and lives on.
        let shell = Shell::run("sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; sleep 0.5'; sleep 60; true");
        let tree = shell.grown_to(3);
        let alive = tree.cpu_time().unwrap();
        assert!(alive > Duration::from_millis(50), "{alive:?}");
        let began = Instant::now();
        while children(tree.root).unwrap().len() != 1 || tree.members().len() != 2 {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(5));
        }
        let after = tree.cpu_time().unwrap();
        // Ticks of user and system time are cut off, and a little was used for ending.
        let off = after.abs_diff(alive);
        assert!(off < 3 * TICK, "{alive:?} {after:?}");
    }

    #[test]
    fn a_tree_that_has_gone_says_nothing() {
        let mut child = Command::new("true").spawn().unwrap();
        let tree = Tree::new(Pid::from_raw(child.id() as i32));
        child.wait().unwrap();
        assert_eq!((tree.cpu_time(), tree.anon_bytes()), (None, None));
        assert_eq!(
            (tree.memory(), tree.processes_and_threads()),
            (MemoryReading::default(), None)
        );
    }
}
