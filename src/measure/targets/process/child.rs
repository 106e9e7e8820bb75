//! A child process in a session of its own, with a thread that keeps it.
//!
//! The keeper starts the child, waits for its end and removes it from the kernel's table only once the group has been
//! killed, so that the number of the group cannot come to mean another one. It lives as long as the child: the kernel
//! signals the child when the thread that started it is gone, which is how `kill -9` of this process ends it. That signal
//! is SIGTERM, so that a server can end its workers; whoever stays all the same is found by its mark.

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

/// A child that is asked to end has so long before it is killed.
pub const GRACE: Duration = Duration::from_secs(2);
/// A killed child that is still there after so long is stuck in the kernel.
const STUCK: Duration = Duration::from_secs(5);

/// A command whose keeper waits for the word.
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
    /// When the program had taken the place of ours.
    at: Instant,
}

/// A child; it is killed with its group when dropped.
#[derive(Debug)]
pub struct Child {
    /// Its number, and that of its session and group.
    pub pid: Pid,
    /// When its program had taken the place of ours.
    pub began: Instant,
    ended: watch::Receiver<Option<WaitStatus>>,
    gone: oneshot::Receiver<()>,
    /// Dropped to let the keeper kill the group and go.
    done: Option<mpsc::Sender<()>>,
    log: Log,
}

/// Tells of the end of a child.
#[derive(Debug, Clone)]
pub struct End(watch::Receiver<Option<WaitStatus>>);

impl Armed {
    /// Makes ready to start a command on these CPUs, or on all; `confined`: without a way to new privileges.
    ///
    /// # Errors
    /// If a pipe or a thread cannot be had.
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
                // Whatever this process ignores, the child would ignore as well.
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

    /// Starts it. The keeper ends it if this future is dropped.
    ///
    /// # Errors
    /// Why the program could not be run.
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

/// Starts, watches and buries a child.
fn keep(
    mut command: Command,
    born: oneshot::Sender<io::Result<Born>>,
    ended: &watch::Sender<Option<WaitStatus>>,
    leave: &mpsc::Receiver<()>,
) {
    let spawned = command.spawn();
    let at = Instant::now();
    // Our end of the pipe would keep it open.
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
    /// Tells of its end.
    pub fn end(&self) -> End {
        End(self.ended.clone())
    }

    /// What it writes.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Asks the group to end, kills what is left of it, and waits until the child is gone.
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
        // The keeper has not buried it as long as we hold `done`, so the number is still that of our group.
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
    /// Returns how it ended, once it has.
    pub async fn wait(&mut self) -> WaitStatus {
        match self.0.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or(WaitStatus::StillAlive),
            Err(_) => WaitStatus::StillAlive,
        }
    }
}

/// `exited with code 3`, `was killed by SIGSEGV`.
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
    use crate::measure::process_tree::Tree;

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
            // Orphans are buried by others, soon.
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
            assert_eq!(child.log().last_lines().await, [format!("Cpus_allowed_list:\t{last}")]);
        });
    }
}
