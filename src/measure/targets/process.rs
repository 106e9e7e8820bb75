//! Processes of this machine, without containers: the same apps, started as the `[process]` table of their
//! `framework.toml` says.
//!
//! A process is pinned to whole CPUs and has no memory limit, no network and no files of its own: it runs with the rights
//! of whoever measures. What it uses is counted process by process ([`super::super::process_tree`]). It is in a session of
//! its own, carries the marks of the run, and is removed on any end; see [`child`] and [`marks`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use nix::sched::CpuSet;

use crate::measure::assemble::{Backing, Image};
use crate::measure::config::Config;
use crate::measure::error::MeasureError;
use crate::measure::leftovers::Leftover;
use crate::measure::progress::Progress;
use crate::measure::start::Outcome;
use crate::measure::start::failed::{Failed, Why};
use crate::measure::subject::Subject;
use crate::measure::target::Target;
use crate::measure::{Request, host};
use crate::units::MilliCpu;

mod child;
mod log;
mod marks;
mod ports;
mod recipe;
mod start;

use child::Child;
use ports::Ports;
use recipe::{App, Folders};

/// Processes of one run.
#[derive(Debug)]
pub struct Processes<'a> {
    run: &'a str,
    request: &'a Request,
    folders: Folders,
    ports: Ports,
    /// The logical CPUs that may be used.
    cpus: Vec<usize>,
    /// The one that runs.
    running: Mutex<Option<Child>>,
}

/// What runs have left on this machine, by run.
pub fn leftovers() -> BTreeMap<String, Leftover> {
    marks::leftovers()
}

/// Ends what processes a run has left on this machine and removes its folder. Returns what is left, as text.
pub async fn sweep(run: &str) -> Option<String> {
    marks::sweep(run).await.err()
}

/// Whether a process can have that CPU limit here.
///
/// # Errors
/// Why not, and what to do instead.
pub fn check_cpu(cpu: MilliCpu) -> Result<(), String> {
    let most = host::allowed_cpus().len();
    if cpu.0 == 0 || !cpu.0.is_multiple_of(1000) {
        return Err(format!(
            "--cpu {}: a process is pinned to whole CPUs, as a share of one takes a control group; `coldcast measure \
             docker --cpu {}` has that",
            cpu.as_vcpu(),
            cpu.as_vcpu()
        ));
    }
    if cpu.0 as usize / 1000 > most {
        return Err(format!("--cpu {}: {most} CPUs can be used here", cpu.as_vcpu()));
    }
    Ok(())
}

impl<'a> Processes<'a> {
    /// Makes the folder of the run of that id.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(run: &'a str, request: &'a Request) -> Result<Self, MeasureError> {
        Ok(Self {
            run,
            request,
            folders: Folders::new(run)?,
            ports: Ports::new(run),
            cpus: host::allowed_cpus(),
            running: Mutex::new(None),
        })
    }

    /// The last CPUs of those that may be used: interrupts and this process rather use the first.
    fn cpus_for(&self, cpu: MilliCpu) -> CpuSet {
        let mut set = CpuSet::new();
        let count = cpu.0 as usize / 1000;
        for &cpu in self.cpus.iter().rev().take(count) {
            let _ = set.set(cpu);
        }
        set
    }

    fn keep(&self, child: Child) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Some(child);
    }

    fn take(&self) -> Option<Child> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The last lines that the one which runs, or ran last and was not removed, has written.
    async fn last_lines(&self) -> Vec<String> {
        let log = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.as_ref().map(Child::log)
        };
        match log {
            Some(log) => log.last_lines().await,
            None => Vec::new(),
        }
    }

    /// Ends the one that runs, and what has left its group.
    async fn end(&self) {
        if let Some(child) = self.take() {
            let session = child.pid;
            child.stop().await;
            // What stays is found by its mark at the end.
            let _ = marks::end_strays(self.run, session).await;
        }
    }
}

impl Target for Processes<'_> {
    type Deployed = App;

    fn backing(&self) -> Backing {
        let none = || "none".to_string();
        Backing {
            backend: "process".into(),
            engine_version: none(),
            storage_driver: none(),
            cgroup_version: none(),
            cpu_period_us: None,
            clock: "CLOCK_MONOTONIC".into(),
        }
    }

    async fn deploy(&self, subject: &Subject, progress: &Progress) -> Result<(Image, App), MeasureError> {
        recipe::deploy(&self.folders, subject, progress).await
    }

    async fn open(&self) -> Result<(), MeasureError> {
        Ok(())
    }

    async fn cold_start(&self, subject: &Subject, app: &App, config: Config, _number: u32) -> Outcome {
        let cpus = self.cpus_for(config.limits.cpu);
        match start::cold_start(self, subject, app, cpus, self.request.patience).await {
            Ok(up) => Outcome::Up(Box::new(up)),
            Err(why) => Outcome::Failed(self.failed(why).await),
        }
    }

    async fn remove(&self, _id: &str) {
        self.end().await;
    }

    async fn settle(&self, _app: &App, _config: Config) {}

    async fn last_log_lines(&self, _id: &str) -> Vec<String> {
        self.last_lines().await
    }

    async fn is_out_of_memory(&self, _id: &str) -> bool {
        // There is no limit of its own that it could have met.
        false
    }

    async fn other_instances(&self) -> Option<u64> {
        None
    }

    fn remarks(&self) -> Vec<String> {
        let all = self.cpus.len();
        vec![
            "backend process: no container, no image, no engine; create_ms and start_ms are what a new process takes, not \
             what a new container or environment takes"
                .to_string(),
            "no memory limit was set; the memory of each run is the host's".to_string(),
            format!(
                "the app is pinned to as many of {all} logical CPUs as the run says, the last ones; prober and load \
                 generator are not pinned and share them only where no other is left"
            ),
            "the first start of each app in the session is not counted: it reads from disk and fills the runtime's caches"
                .to_string(),
            "CPU time and memory are summed over the first process and its descendants; anonymous memory is proportional, \
             so that pages shared by workers count once; there is no working set without a control group"
                .to_string(),
        ]
    }

    async fn sweep(&self) -> Option<String> {
        self.end().await;
        sweep(self.run).await
    }

    fn by_hand(&self) -> String {
        format!("coldcast measure cleanup --run {} --yes", self.run)
    }
}

impl Processes<'_> {
    async fn failed(&self, why: Why) -> Failed {
        let log = self.last_lines().await;
        self.end().await;
        Failed {
            log,
            ..why.without_log()
        }
    }
}
