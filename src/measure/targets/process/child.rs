//! A child process in a session of its own, with a thread that keeps it.
//!
//! The keeper starts the child and waits for its end. It reaps the child only after it has killed the group, so that the number
//! of the group cannot belong to another group. The keeper lives as long as the child, because the kernel signals the
//! child when the thread that started it is gone. In this way `kill -9` of this process stops the child too. The signal is
//! SIGTERM, so that a server can stop its workers; a process that stays is found by its mark.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpid, getppid, setsid};
use tokio::sync::{oneshot, watch};

use super::log::Log;

/// The time between the request to stop and the kill.
pub const GRACE: Duration = Duration::from_secs(2);
/// The time after the kill from which a child counts as stuck in the kernel.
const STUCK: Duration = Duration::from_secs(5);

/// A command whose keeper waits for the word to start it.
#[derive(Debug)]
pub struct Armed {
    go: mpsc::Sender<()>,
    born: oneshot::Receiver<io::Result<Born>>,
    ended: watch::Receiver<Option<WaitStatus>>,
    gone: oneshot::Receiver<()>,
    done: mpsc::Sender<()>,
    log: Log,
}

/// A child that runs its program.
#[derive(Debug, Clone, Copy)]
struct Born {
    pid: Pid,
    /// The time at which the program had replaced the copy of this process.
    at: Instant,
}

/// A child. Dropping it kills it with its group.
#[derive(Debug)]
pub struct Child {
    /// The number of the process, of its session and of its group.
    pub pid: Pid,
    /// The time at which its program had replaced the copy of this process.
    pub began: Instant,
    ended: watch::Receiver<Option<WaitStatus>>,
    gone: oneshot::Receiver<()>,
    /// Dropped to let the keeper kill the group and end.
    done: Option<mpsc::Sender<()>>,
    log: Log,
}

/// The end of a child, to wait for.
#[derive(Debug, Clone)]
pub struct End(watch::Receiver<Option<WaitStatus>>);

impl Armed {
    /// Prepares the start of a command on `cpus`, or on all CPUs. A `confined` child cannot gain privileges.
    ///
    /// # Errors
    /// If a pipe or a thread cannot be created.
    pub fn new(mut command: Command, cpus: Option<CpuSet>, confined: bool) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let parent = getpid();
        // SAFETY: between fork and exec only system calls are made.
        unsafe {
            command.pre_exec(move || {
                setsid()?;
                prctl::set_pdeathsig(Signal::SIGTERM)?;
                if getppid() != parent {
                    return Err(Errno::ESRCH.into());
                }
                // The child inherits the signals that this process ignores.
                signal(Signal::SIGXFSZ, SigHandler::SigDfl)?;
                if let Some(cpus) = &cpus {
                    sched_setaffinity(Pid::from_raw(0), cpus)?;
                }
                if confined {
                    prctl::set_no_new_privs()?;
                }
                Ok(())
            });
        }
        let (go, word) = mpsc::channel();
        let (tell_born, born) = oneshot::channel();
        let (tell_ended, ended) = watch::channel(None);
        let (tell_gone, gone) = oneshot::channel();
        let (done, leave) = mpsc::channel();
        std::thread::Builder::new().name("keeper".into()).spawn(move || {
            if word.recv().is_ok() {
                keep(command, tell_born, &tell_ended, &leave);
            }
            let _ = tell_gone.send(());
        })?;
        Ok(Self {
            go,
            born,
            ended,
            gone,
            done,
            log: Log::of(reader)?,
        })
    }

    /// Starts the child. The keeper stops it if this future is dropped.
    ///
    /// # Errors
    /// If the program cannot be run.
    pub async fn spawn(self) -> io::Result<Child> {
        let lost = || io::Error::other("the thread that starts it is gone");
        self.go.send(()).map_err(|_| lost())?;
        let born = self.born.await.map_err(|_| lost())??;
        Ok(Child {
            pid: born.pid,
            began: born.at,
            ended: self.ended,
            gone: self.gone,
            done: Some(self.done),
            log: self.log,
        })
    }
}

/// Starts a child, waits for its end and reaps it.
fn keep(
    mut command: Command,
    born: oneshot::Sender<io::Result<Born>>,
    ended: &watch::Sender<Option<WaitStatus>>,
    leave: &mpsc::Receiver<()>,
) {
    let spawned = command.spawn();
    let at = Instant::now();
    // The end of the pipe in this process would keep the pipe open.
    drop(command);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let _ = born.send(Err(error));
            return;
        }
    };
    let pid = Pid::from_raw(child.id().cast_signed());
    if born.send(Ok(Born { pid, at })).is_err() {
        let _ = killpg(pid, Signal::SIGKILL);
    }
    let status = loop {
        match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Err(Errno::EINTR) => {}
            Ok(status) => break Some(status),
            Err(_) => break None,
        }
    };
    ended.send_replace(status.or(Some(WaitStatus::StillAlive)));
    let _ = leave.recv();
    let _ = killpg(pid, Signal::SIGKILL);
    let _ = child.wait();
}

impl Child {
    /// The way in which it has ended; `None` if it still runs.
    pub fn ended(&self) -> Option<WaitStatus> {
        *self.ended.borrow()
    }

    /// The end of the child.
    pub fn end(&self) -> End {
        End(self.ended.clone())
    }

    /// The output of the child.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Asks the group to stop, kills the rest of it, and waits until the child is gone.
    pub async fn stop(mut self) {
        let mut end = self.end();
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(GRACE, end.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
            let _ = tokio::time::timeout(STUCK, end.wait()).await;
        }
        self.done = None;
        let _ = tokio::time::timeout(STUCK, &mut self.gone).await;
    }

    fn signal(&self, signal: Signal) {
        // The keeper does not reap the child as long as `done` exists, so the number still belongs to this group.
        if self.done.is_some() {
            let _ = killpg(self.pid, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

impl End {
    /// Waits for the end, and returns the status.
    pub async fn wait(&mut self) -> WaitStatus {
        match self.0.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or(WaitStatus::StillAlive),
            Err(_) => WaitStatus::StillAlive,
        }
    }
}

/// The status in words, such as `exited with code 3` or `was killed by SIGSEGV`.
pub fn how(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exited with code {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("was killed by {signal}"),
        _ => "ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::usage::process_tree::Tree;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn on_runtime<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work)
    }

    async fn started(script: &str) -> Child {
        Armed::new(shell(script), None, true).unwrap().spawn().await.unwrap()
    }

    fn is_there(pid: Pid) -> bool {
        nix::sys::signal::kill(pid, None).is_ok()
    }

    #[test]
    fn a_child_ends_by_itself_and_says_how() {
        on_runtime(async {
            let child = started("echo one; echo two >&2; exit 3").await;
            assert_eq!(how(child.end().wait().await), "exited with code 3");
            assert_eq!(child.log().last_lines().await, ["one", "two"]);
            let pid = child.pid;
            child.stop().await;
            assert!(!is_there(pid));
        });
    }

    #[test]
    fn stopping_ends_the_whole_group_however_stubborn() {
        on_runtime(async {
            let child =
                started("trap '' TERM; sh -c 'trap \"\" TERM; echo up; while :; do sleep 1; done' & wait").await;
            let began = Instant::now();
            while child.log().last_lines().await.is_empty() {
                assert!(began.elapsed() < Duration::from_secs(10));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let members = Tree::new(child.pid).members();
            assert!(members.len() >= 2, "{members:?}");
            let began = Instant::now();
            child.stop().await;
            assert!(began.elapsed() >= GRACE && began.elapsed() < GRACE + STUCK);
            // Another process reaps orphans, soon.
            let began = Instant::now();
            while let Some(pid) = members.iter().find(|pid| is_alive(**pid)) {
                assert!(began.elapsed() < Duration::from_secs(5), "{pid} is still there");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }

    fn is_alive(pid: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    }

    #[test]
    fn a_dropped_child_is_killed() {
        on_runtime(async {
            let child = started("sleep 60").await;
            let (pid, mut end) = (child.pid, child.end());
            drop(child);
            assert_eq!(how(end.wait().await), "was killed by SIGKILL");
            let began = Instant::now();
            while is_there(pid) {
                assert!(began.elapsed() < Duration::from_secs(5));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        on_runtime(async {
            let armed = Armed::new(Command::new("/nonexistent/program"), None, true).unwrap();
            let error = armed.spawn().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        });
    }

    #[test]
    fn a_child_stays_on_its_cpus() {
        let cpus = crate::measure::host::allowed_cpus();
        let last = *cpus.last().unwrap();
        let mut set = CpuSet::new();
        set.set(last).unwrap();
        on_runtime(async {
            let armed = Armed::new(shell("grep Cpus_allowed_list /proc/self/status"), Some(set), true).unwrap();
            let child = armed.spawn().await.unwrap();
            child.end().wait().await;
            assert_eq!(child.log().last_lines().await, [format!("Cpus_allowed_list: {last}")]);
        });
    }
}
