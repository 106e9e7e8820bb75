//! Measures frameworks for real: images, cold starts by phase, warm behaviour. Writes profiles.
//!
//! Life of a measurement:
//!
//! 1. The target makes each app ready to be started ([`targets`]). With containers, [`build`] makes its image and
//!    [`image`] looks at its size; with a registry at hand, the image is pushed and pulled ([`fresh_copy`], [`pull`]).
//!    Without containers, its sources are copied and prepared.
//! 2. With containers, [`network`] makes a bridge without a route out, with one known address.
//! 3. Each app is started once without being counted, and must meet the HTTP contract ([`contract`]).
//! 4. Blocks: every configuration once per block, in seeded random order ([`protocol`]). The target starts a new instance
//!    ([`start`], [`targets::process`]); [`probe`] polls it until the first right answer. Each sample is appended to a file
//!    at once ([`store`]).
//! 5. Each configuration gets one warm run ([`warm`]). What an instance uses is read through [`usage`].
//! 6. [`assemble`] makes the profiles, and the target removes whatever carries the run's mark, also after an error, a
//!    panic, SIGINT or SIGTERM. A second signal ends the process at once and prints the command that finishes the job.
//!
//! [`session`] knows the protocol and [`target::Target`], and neither containers nor processes. Engine and children are
//! driven asynchronously; whatever is timed runs on plain blocking threads, whose timers are finer. Durations in samples
//! are milliseconds. Nothing here knows the simulator.

pub mod assemble;
pub mod attempts;
pub mod build;
pub mod cgroup;
pub mod cleanup;
pub mod compact;
pub mod config;
pub mod conformance;
pub mod contract;
pub mod docker;
pub mod env;
pub mod error;
pub mod estimate;
pub mod fresh_copy;
pub mod host;
pub mod http;
pub mod image;
pub mod leftovers;
pub mod load;
pub mod lock;
pub mod network;
pub mod noise;
pub mod offered;
pub mod pace;
pub mod page_cache;
pub mod probe;
pub mod process_tree;
pub mod progress;
pub mod protocol;
pub mod pull;
pub mod registry;
pub mod round_trip;
pub mod routes;
pub mod run;
pub mod scan;
pub mod session;
pub mod slot;
pub mod start;
pub mod store;
pub mod subject;
pub mod target;
pub mod targets;
pub mod usage;
pub mod warm;
pub mod warning;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use config::Config;
use env::EnvVar;
use pace::Pace;
use registry::Registry;
use subject::Subject;

use crate::model::profile::ColdMode;

/// Where instances run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// In containers on a Docker engine.
    Docker,
    /// As processes of this machine.
    Process,
}

/// What is to be measured, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Where instances run.
    pub backend: Backend,
    /// What is measured.
    pub subjects: Vec<Subject>,
    /// How each of them is started.
    pub configs: Vec<Config>,
    /// Seed of the random order.
    pub seed: u64,
    /// How long a start may take.
    pub patience: Duration,
    /// Where `<name>/profile.json` goes.
    pub out: PathBuf,
    /// Official base images and the local images to use instead.
    pub bases: BTreeMap<String, String>,
    /// The registry of this machine for pulls; none are made without one.
    pub registry: Option<Registry>,
    /// Environment of a user's own image.
    pub env: Vec<EnvVar>,
    /// Go on with the samples of an interrupted run.
    pub resume: bool,
    /// Few samples and short loads.
    pub quick: bool,
    /// Measure although the disk is nearly full or the engine is remote.
    pub force: bool,
    /// The command line that repeats the measurement.
    pub command: String,
}

impl Request {
    /// Blocks; each holds at most one cold start of every configuration.
    pub fn blocks(&self) -> u32 {
        self.configs.iter().map(|config| config.samples).max().unwrap_or(0)
    }

    /// Whether any configuration starts cold in that sense.
    fn asks_for(&self, mode: ColdMode) -> bool {
        self.configs.iter().any(|config| config.cold_mode == mode)
    }

    fn pace(&self) -> Pace {
        if self.quick { Pace::QUICK } else { Pace::FULL }
    }
}
