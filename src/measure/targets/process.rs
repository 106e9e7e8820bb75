//! Processes of this machine, without containers: the same apps, started as the `[process]` table of their
//! `framework.toml` says.
//!
//! A process is pinned to whole CPUs. It has no memory limit, no network and no files of its own: it runs with the rights of
//! the user who measures. Its CPU and memory are summed process by process ([`crate::measure::usage::process_tree`]). It has a
//! session of its own, carries the marks of the run, and is removed on any end; see [`child`] and [`marks`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use nix::sched::CpuSet;

use crate::measure::assemble::{Backing, Image};
use crate::measure::cleanup::Leftover;
use crate::measure::config::{Config, Limits};
use crate::measure::error::MeasureError;
use crate::measure::progress::Progress;
use crate::measure::start::Outcome;
use crate::measure::start::failed::{Failed, Why};
use crate::measure::subject::Subject;
use crate::measure::target::Target;
use crate::measure::{Measurement, host};
use crate::units::{MemoryMib, MilliCpu};

mod child;
mod log;
mod marks;
mod ports;
mod recipe;
mod start;

use child::Child;
use ports::Ports;
use recipe::{App, Folders};

/// The processes of one run.
#[derive(Debug)]
pub struct Processes<'a> {
    run: &'a str,
    measurement: &'a Measurement,
    folders: Folders,
    ports: Ports,
    /// The logical CPUs that may be used.
    cpus: Vec<usize>,
    /// The instance that runs.
    running: Mutex<Option<Child>>,
}

/// The remains of runs on this machine, by run.
pub fn leftovers() -> BTreeMap<String, Leftover> {
    marks::leftovers()
}

/// Stops the processes that a run has left on this machine, and removes its folder. Returns a description of what is left.
pub async fn sweep(run: &str) -> Option<String> {
    marks::sweep(run).await.err()
}

/// The limits of a process on `cpu` CPUs: whole CPUs, and the memory of the machine.
///
/// # Errors
/// The reason why a process cannot have that CPU limit here, and the remedy.
pub fn limits(cpu: MilliCpu) -> Result<Limits, String> {
    let most = host::allowed_cpus().len();
    if cpu.0 == 0 || !cpu.0.is_multiple_of(1000) {
        return Err(format!(
            "--cpu {}: a process is pinned to whole CPUs, because a share of one needs a control group; use `coldcast \
             measure docker --cpu {}`",
            cpu.as_vcpu(),
            cpu.as_vcpu()
        ));
    }
    if cpu.0 as usize / 1000 > most {
        return Err(format!("--cpu {}: {most} CPUs can be used here", cpu.as_vcpu()));
    }
    let memory = MemoryMib(u32::try_from(host::memory_mib()).unwrap_or(u32::MAX));
    Ok(Limits { cpu, memory })
}

impl<'a> Processes<'a> {
    /// Makes the folder of the run of this id.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn connect(run: &'a str, measurement: &'a Measurement) -> Result<Self, MeasureError> {
        Ok(Self {
            run,
            measurement,
            folders: Folders::new(run)?,
            ports: Ports::new(run),
            cpus: host::allowed_cpus(),
            running: Mutex::new(None),
        })
    }

    /// The last of the CPUs that may be used: interrupts and this process prefer the first ones.
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

    /// The last lines of the instance that runs, or that ran last and was not removed.
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

    /// Stops the instance that runs, and the descendants that have left its group.
    async fn end(&self) {
        if let Some(child) = self.take() {
            let session = child.pid;
            child.stop().await;
            // A process that stays is found by its mark at the end.
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
        match start::cold_start(self, subject, app, cpus, self.measurement.ready_timeout).await {
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
        // It has no limit of its own that it could have met.
        false
    }

    async fn how_it_ended(&self, _id: &str) -> Option<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().and_then(Child::ended).map(child::how)
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

    fn contract_command(&self, name: &str) -> String {
        format!("coldcast measure process {name} --quick")
    }

    async fn leftovers(&self) -> Result<BTreeMap<String, Leftover>, MeasureError> {
        Ok(leftovers())
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
        why.with_log(log)
    }
}
