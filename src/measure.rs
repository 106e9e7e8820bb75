//! Measures frameworks on a real machine: images, cold starts by phase, and warm behaviour. Writes profiles.
//!
//! The life of a measurement:
//!
//! 1. The target deploys each app ([`target::Target::deploy`]). In containers it builds the image and looks at its size; with
//!    a registry at hand it also pushes and pulls the image. As a process it copies the sources and prepares the copy.
//! 2. Each app starts once without being counted, and must meet the HTTP contract ([`contract`]).
//! 3. Then come blocks. Each block starts every configuration once, in seeded random order. The target starts a new
//!    instance, and a probe polls it until the first correct answer. Each sample goes to disk at once.
//! 4. Each configuration gets one warm run: load on one instance, and a reading of the CPU and memory that it uses.
//! 5. The profiles are assembled and written. The target removes everything with the mark of the run, also after an error,
//!    a panic, SIGINT or SIGTERM. A second signal ends the process at once and prints the command that finishes the job.
//!
//! The session knows this protocol and [`target::Target`], and knows neither containers nor processes. tokio drives the engine
//! and the child processes. Whatever is timed runs on plain blocking threads, whose timers are finer. Durations in
//! samples are milliseconds. Nothing here knows the simulator. Linux only: it reads `/proc` and control groups.
//!
//! # Examples
//!
//! ```no_run
//! use coldcast::measure::{Backend, Measurement, Progress, config, frameworks, run};
//!
//! # async fn measure() -> Result<(), coldcast::measure::MeasureError> {
//! let subjects = frameworks("models/frameworks".as_ref(), &["gin".into()])?;
//! let configs = vec![config::Config {
//!     limits: config::REFERENCE,
//!     cold_mode: Default::default(),
//!     cpu_mode: Default::default(),
//!     samples: 5,
//!     warm_run: config::WarmKind::None,
//! }];
//! let measurement = Measurement::new(Backend::Docker, subjects, configs, "measured");
//! let finished = run(&measurement, &mut Progress::new(false, false)).await?;
//! for (profile, path) in finished.profiles {
//!     println!("{}: {}", profile.name, path.display());
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub mod cleanup;
pub mod config;
pub mod contract;
pub mod target;

mod assemble;
mod env;
mod error;
mod escape;
mod estimate;
mod host;
mod http;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod lambda_logs;
mod load;
mod lock;
mod noise;
pub mod options;
mod panel;
mod probe;
mod programs;
mod progress;
mod protocol;
mod run;
mod session;
mod slot;
mod sockets;
mod sources;
mod start;
mod store;
mod subject;
mod targets;
mod usage;
mod warm;
mod warning;

pub use env::EnvVar;
pub use error::MeasureError;
pub use estimate::{Estimate, estimate};
pub use host::cores as host_cores;
pub use noise::{Calibration, Machine, Readings, Timed};
pub use options::{Capability, ContainerOptions, Headers, Tmpfs};
pub use panel::{
    config as panel_config, finished as finished_panel, is_fresh as is_fresh_panel, kept_link as kept_panel,
    link_of_file as panel_of_file,
};
pub use progress::{Progress, human};
pub use run::{Finished, Unmeasured, run, run_on};
pub use store::write_profile;
pub use subject::{OwnImage, Subject, frameworks};
pub use targets::Backend;
pub use targets::docker::conformance::{Verdict, check as check_images};
pub use targets::docker::registry::Registry;
pub use targets::process::limits as process_limits;
pub use warm::routes::OwnRoute;

use config::{Config, WarmKind};
use start::trouble::give_up::GiveUpAfter;
use warm::Parts;

use crate::model::panel::PanelLink;
use crate::model::profile::ColdMode;

/// The longest time that a start may take unless the user says otherwise: a JVM on a quarter of a CPU needs its time.
pub const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// A measurement to be run: the subjects, their configurations and the settings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Measurement {
    /// The place where instances run.
    pub backend: Backend,
    /// The frameworks and images to measure.
    pub subjects: Vec<Subject>,
    /// The configurations in which each subject starts.
    pub configs: Vec<Config>,
    /// The seed of the random order.
    pub seed: u64,
    /// The longest time that a start may take.
    pub ready_timeout: Duration,
    /// The folder that receives `<name>/profile.json`.
    pub out: PathBuf,
    /// Official base images, each with the local image to use in its place.
    pub bases: BTreeMap<String, String>,
    /// A registry on this machine to pull from; without one, no pulls are measured.
    pub registry: Option<Registry>,
    /// The settings of the container of a user's own image.
    pub options: ContainerOptions,
    /// True if the user has set the longest time of a start: then doing nothing is no reason to give up earlier.
    pub patient: bool,
    /// True to continue with the samples of an interrupted run.
    pub resume: bool,
    /// True for few samples and short loads.
    pub quick: bool,
    /// True to measure although the disk is nearly full or the engine is on another machine.
    pub force: bool,
    /// The figures of the panel of this machine, which profiles carry.
    pub panel: Option<PanelLink>,
    /// The command line that repeats the measurement. A run resumes samples of the same command only.
    pub command: String,
}

impl Measurement {
    /// A measurement with seed 1, a timeout of two minutes for each start, and no other settings.
    pub fn new(backend: Backend, subjects: Vec<Subject>, configs: Vec<Config>, out: impl Into<PathBuf>) -> Self {
        Self {
            backend,
            subjects,
            configs,
            seed: 1,
            ready_timeout: READY_TIMEOUT,
            out: out.into(),
            bases: BTreeMap::new(),
            registry: None,
            options: ContainerOptions::default(),
            patient: false,
            resume: false,
            quick: false,
            force: false,
            panel: None,
            command: format!("coldcast measure {}", backend.name()),
        }
    }

    /// The number of blocks. Each block holds at most one cold start of every configuration.
    pub fn blocks(&self) -> u32 {
        self.configs.iter().map(|config| config.samples).max().unwrap_or(0)
    }

    /// Returns true if the outcome is a panel.
    pub fn is_panel(&self) -> bool {
        self.configs.iter().any(|config| config.warm_run == WarmKind::Panel)
    }

    /// Returns true if a configuration starts in this cold mode.
    fn asks_for(&self, mode: ColdMode) -> bool {
        self.configs.iter().any(|config| config.cold_mode == mode)
    }

    /// The time to wait for a start that shows no sign of becoming ready.
    fn give_up_after(&self) -> GiveUpAfter {
        if self.patient {
            GiveUpAfter::as_asked()
        } else {
            GiveUpAfter::USUAL
        }
    }

    /// The parts of the warm run of a configuration.
    fn parts(&self, config: &Config, subject: &Subject) -> Parts {
        Parts::of(config, subject, &self.configs, self.quick)
    }
}
