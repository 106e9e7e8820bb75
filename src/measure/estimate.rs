//! The time that a measurement will take.

use std::time::Duration;

use crate::measure::config::{Config, WarmKind};
use crate::measure::panel;
use crate::measure::subject::Subject;
use crate::model::framework::Framework;
use crate::model::profile::{self, FrameworkProfile};
use crate::stats::order;

/// The time to create, inspect and remove a container, without the start itself. Seen with Docker 20.10 on two cores.
const AROUND_A_START: Duration = Duration::from_millis(250);
/// The CPU time of a start that was not measured before.
const ASSUMED_CPU: Duration = Duration::from_millis(1500);
/// The time of a warm run: the sum of the limits of its parts.
const SHORT: Duration = Duration::from_secs(50);
const LONG: Duration = Duration::from_secs(540);
const QUICK: Duration = Duration::from_secs(8);

/// The estimate for one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The name of the profile.
    pub name: String,
    /// The number of configurations.
    pub configs: usize,
    /// The number of cold starts.
    pub starts: u32,
    /// The time of all cold starts.
    pub cold: Duration,
    /// The number of warm runs.
    pub warm_runs: usize,
    /// The time of all warm runs.
    pub warm: Duration,
    /// The day of the profile whose medians were used; `None` if the times are assumed.
    pub measured: Option<String>,
}

/// Estimates the time for `subject` in these configurations. Builds of images are not part of it.
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

/// The expected times of the parts of a subject's measurement.
#[derive(Debug)]
pub struct Expected {
    profile: Option<FrameworkProfile>,
    framework: Option<Framework>,
    quick: bool,
}

impl Expected {
    /// The times by the profile in the folder of the subject, if there is one.
    pub fn of(subject: &Subject, quick: bool) -> Self {
        let profile = match subject {
            Subject::Framework { folder, .. } => std::fs::read_to_string(folder.join("profile.json")).ok(),
            Subject::Image { .. } => None,
        };
        let profile = profile.and_then(|text| profile::parse(&text).ok());
        let framework = match subject {
            Subject::Framework { framework, .. } => Some((**framework).clone()),
            Subject::Image { .. } => None,
        };
        Self {
            profile,
            framework,
            quick,
        }
    }

    /// The time of one start, with the work around it.
    pub fn start(&self, config: &Config) -> Duration {
        start(self.profile.as_ref(), config) + AROUND_A_START
    }

    /// The time of the warm run; zero without one.
    pub fn warm(&self, config: &Config) -> Duration {
        match config.warm_run {
            WarmKind::None => Duration::ZERO,
            WarmKind::Panel => panel::expected_warm(self.framework.as_ref(), self.start(config)),
            _ if self.quick => QUICK,
            WarmKind::Short => SHORT,
            WarmKind::Long => LONG,
        }
    }
}

/// The time of a start at the nearest measured CPU limit, in proportion to the limits; at least a quarter of a second.
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
