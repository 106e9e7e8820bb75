//! How long a measurement will take.

use std::time::Duration;

use super::config::{Config, WarmKind};
use super::subject::Subject;
use crate::model::profile::{self, FrameworkProfile};
use crate::stats::order;

/// Creating, inspecting and removing a container beside the start itself, as seen with Docker 20.10 on two cores.
const AROUND_A_START: Duration = Duration::from_millis(250);
/// CPU time of a start where nothing was measured before.
const ASSUMED_CPU: Duration = Duration::from_millis(1500);
/// A warm run, by what the pace allows for its parts.
const SHORT: Duration = Duration::from_secs(50);
const LONG: Duration = Duration::from_secs(540);
const QUICK: Duration = Duration::from_secs(8);

/// What a subject will take.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Name of the profile.
    pub name: String,
    /// Configurations.
    pub configs: usize,
    /// Cold starts.
    pub starts: u32,
    /// Time for them.
    pub cold: Duration,
    /// Warm runs.
    pub warm_runs: usize,
    /// Time for them.
    pub warm: Duration,
    /// The day of the profile whose medians were used; `None`: assumed.
    pub measured: Option<String>,
}

/// What `subject` will take in these configurations. Images that are still to be built are not in it.
pub fn estimate(subject: &Subject, configs: &[Config], quick: bool) -> Estimate {
    let expected = Expected::of(subject, quick);
    let warm = |config: &&Config| config.warm_run != WarmKind::None;
    Estimate {
        name: subject.name().to_string(),
        configs: configs.len(),
        starts: configs.iter().map(|config| config.samples).sum(),
        cold: configs
            .iter()
            .map(|config| expected.start(config) * config.samples)
            .sum(),
        warm_runs: configs.iter().filter(warm).count(),
        warm: configs.iter().map(|config| expected.warm(config)).sum(),
        measured: expected.profile.map(|profile| profile.measured_on().to_string()),
    }
}

/// What parts of the measurement of a subject will take.
#[derive(Debug)]
pub struct Expected {
    profile: Option<FrameworkProfile>,
    quick: bool,
}

impl Expected {
    /// From what was measured of it before, if anything was.
    pub fn of(subject: &Subject, quick: bool) -> Self {
        let profile = match subject {
            Subject::Framework { folder, .. } => std::fs::read_to_string(folder.join("profile.json")).ok(),
            Subject::Image { .. } => None,
        };
        let profile = profile.and_then(|text| profile::parse(&text).ok());
        Self { profile, quick }
    }

    /// One start, with what is around it.
    pub fn start(&self, config: &Config) -> Duration {
        start(self.profile.as_ref(), config) + AROUND_A_START
    }

    /// The warm run, if there is one.
    pub fn warm(&self, config: &Config) -> Duration {
        match config.warm_run {
            WarmKind::None => Duration::ZERO,
            _ if self.quick => QUICK,
            WarmKind::Short => SHORT,
            WarmKind::Long => LONG,
        }
    }
}

/// A start at the nearest CPU limit that was measured, in proportion to the limits; at least a quarter of a second.
fn start(profile: Option<&FrameworkProfile>, config: &Config) -> Duration {
    let cpu = config.limits.cpu;
    let runs = profile.map(|profile| profile.runs.as_slice()).unwrap_or_default();
    let nearest = runs
        .iter()
        .filter(|run| run.counted().next().is_some())
        .min_by_key(|run| run.cpu.0.abs_diff(cpu.0));
    let measured = nearest.and_then(|run| {
        let median = order::median(&order::sorted(run.counted().map(|sample| sample.total_ms)))?;
        Some(Duration::from_secs_f64(median / 1e3).mul_f64(run.cpu.as_vcpu() / cpu.as_vcpu()))
    });
    measured
        .unwrap_or_else(|| ASSUMED_CPU.div_f64(cpu.as_vcpu().min(1.0)))
        .max(Duration::from_millis(250))
}
