//! Provisioned concurrency: environments that are initialised ahead of requests, a fixed number, one by the time of day, or
//! one that follows their utilisation.
//!
//! Sources: Developer Guide, "Configuring provisioned concurrency" (allocation after one to two minutes, up to 6,000
//! environments per minute; the latter not confirmed); Application Auto Scaling User Guide, "Target tracking" (alarms of
//! three and fifteen one-minute points; scaling in below nine tenths of the target).

use serde::{Deserialize, Serialize};

use super::at_work::RATE_PER_CONCURRENCY;
use crate::assumption::{Assumption, Topic};
use crate::sim::platform::{FleetView, Scale, TokenBucket, Used};
use crate::units::{SimDuration, SimTime};

const DAY: SimDuration = SimDuration::from_secs(86_400);
const MINUTE: SimDuration = SimDuration::from_secs(60);
/// Points in a row above the target that scale out.
const OUT_AFTER: u32 = 3;
/// Points in a row below [`LOW`] of the target that scale in.
const IN_AFTER: u32 = 15;
const LOW: f64 = 0.9;

/// `[platform.lambda.provisioned-concurrency]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProvisionedSpec {
    /// Environments of each function, at the start of the run where they change.
    pub concurrency: u32,
    /// Time from a change to the first environment that is allocated for it; none at the start of the run.
    #[serde(default = "ninety_seconds")]
    pub preparation: SimDuration,
    /// Environments allocated per minute and function.
    #[serde(default = "six_thousand")]
    pub per_minute: u32,
    /// Changes at times of the day.
    #[serde(default)]
    pub schedule: Vec<Scheduled>,
    /// Changes with the utilisation; `None`: none.
    pub tracking: Option<Tracking>,
}

/// A change at a time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// Time since the start of the day; the run starts with a day.
    pub at: SimDuration,
    /// Environments from then on.
    pub concurrency: u32,
}

/// Target tracking.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// Mean share of the environments that have a request, above 0 and at most 1.
    pub target: f64,
    /// Fewest environments.
    pub min: u32,
    /// Most environments.
    pub max: u32,
}

fn ninety_seconds() -> SimDuration {
    SimDuration::from_secs(90)
}

fn six_thousand() -> u32 {
    6000
}

impl ProvisionedSpec {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.per_minute == 0 {
            problems.push("`provisioned-concurrency.per-minute` must be at least 1".into());
        }
        if self.schedule.iter().any(|change| change.at >= DAY) {
            problems.push("`provisioned-concurrency.schedule.at` is a time of the day, below 24h".into());
        }
        if !self.schedule.is_sorted_by(|a, b| a.at < b.at) {
            problems.push("`provisioned-concurrency.schedule` must be in order of `at`, each time once".into());
        }
        if let Some(Tracking { target, min, max }) = self.tracking {
            if !(target > 0.0 && target <= 1.0) {
                problems.push(format!(
                    "`provisioned-concurrency.tracking.target` is {target}; it must be above 0 and at most 1, such as 0.7"
                ));
            }
            if min == 0 || min > max {
                problems.push("`provisioned-concurrency.tracking` needs 1 <= min <= max".into());
            }
            if !self.schedule.is_empty() {
                problems.push("`provisioned-concurrency` has either a `schedule` or `tracking`, not both".into());
            }
        }
        problems
    }

    /// The most that is ever configured.
    pub(super) fn most(&self) -> u32 {
        let scheduled = self.schedule.iter().map(|change| change.concurrency);
        let tracked = self.tracking.map(|tracking| tracking.max);
        scheduled.chain(tracked).fold(self.concurrency, u32::max)
    }

    pub(super) fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::Capacity
                .small(format!(
                    "provisioned environments are allocated {} after a change, {} per minute and function (documented are one to \
                     two minutes; the rate is not confirmed)",
                    self.preparation, self.per_minute
                ))
                .source("AWS Lambda Developer Guide, \"Configuring provisioned concurrency\"", "2026-11"),
            Topic::Capacity.note(
                "provisioned environments are chosen before all others, and none of them is replaced in the background",
            ),
        ];
        if !self.schedule.is_empty() {
            lines.push(
                Topic::Capacity.note("provisioned concurrency changes at times of the day; the run starts at midnight"),
            );
        }
        if self.tracking.is_some() {
            lines.push(
                Topic::Capacity
                    .small(
                        "provisioned concurrency is scaled to ceil(configured x utilisation / target) after three minutes above \
                         the target, or fifteen below nine tenths of it",
                    )
                    .source("Application Auto Scaling User Guide, \"Target tracking\"", "2026-11"),
            );
            lines.push(
                Topic::Capacity.note("the utilisation of provisioned concurrency is the mean of a minute (a choice)"),
            );
        }
        lines
    }
}

/// The state of the provisioned concurrency of one function.
#[derive(Debug)]
pub(super) struct Provisioned {
    spec: ProvisionedSpec,
    /// `None` before the first look.
    configured: Option<u32>,
    /// Nothing is allocated before.
    ready_at: SimTime,
    allocation: TokenBucket,
    /// Ten requests per second for each environment.
    requests: TokenBucket,
    point: Point,
}

/// The minute that is being measured, and the row of points so far.
#[derive(Debug, Default)]
struct Point {
    since: SimTime,
    area: i128,
    /// Integral of the environments that there were, in instance-nanoseconds.
    instances: u128,
    seen: SimTime,
    above: u32,
    below: u32,
}

impl Provisioned {
    pub(super) fn new(spec: ProvisionedSpec) -> Self {
        let per_second = f64::from(spec.per_minute) / 60.0;
        Self {
            configured: None,
            ready_at: SimTime::ZERO,
            allocation: TokenBucket::new(per_second.max(1.0), per_second),
            requests: TokenBucket::new(1.0, 1.0),
            point: Point::default(),
            spec,
        }
    }

    /// Environments that are configured now.
    pub(super) fn configured(&self) -> u32 {
        self.configured.unwrap_or(0)
    }

    /// Returns true if one more request may go to these environments under the limit of requests per second.
    pub(super) fn take(&mut self, now: SimTime) -> bool {
        self.requests.take(now)
    }

    /// Looks at the function.
    pub(super) fn scale(&mut self, view: &FleetView, used: &Used, scale: &mut Scale) {
        let wanted = match (self.configured, self.spec.tracking) {
            (None, _) => self.scheduled(view.now),
            (Some(configured), Some(tracking)) => self.point.track(view, used, tracking, configured),
            (Some(_), None) => self.scheduled(view.now),
        };
        if self.configured != Some(wanted) {
            let at_start = self.configured.is_none();
            self.configured = Some(wanted);
            scale.configured = Some(wanted);
            self.ready_at = if at_start {
                view.now
            } else {
                view.now + self.spec.preparation
            };
            let rate = RATE_PER_CONCURRENCY * f64::from(wanted.max(1));
            self.requests = TokenBucket::new(rate, rate);
            if at_start {
                // What is there at the start has been allocated before.
                scale.start_provisioned = wanted;
                return;
            }
        }
        scale.stop_provisioned = view.provisioned.saturating_sub(wanted);
        if view.now >= self.ready_at {
            let missing = wanted.saturating_sub(view.provisioned);
            scale.start_provisioned = (0..missing).take_while(|_| self.allocation.take(view.now)).count() as u32;
        }
    }

    /// Returns the provisioned concurrency at this time of the day.
    fn scheduled(&self, now: SimTime) -> u32 {
        let time = SimDuration(now.0 % DAY.0);
        let schedule = &self.spec.schedule;
        let last = schedule.iter().rev().find(|change| change.at <= time);
        // Before the first change of the first day what the run starts with; of later days the last one of the day before.
        let earlier = schedule.last().filter(|_| now.0 >= DAY.0);
        last.or(earlier)
            .map_or(self.spec.concurrency, |change| change.concurrency)
    }
}

impl Point {
    /// Takes a point at the end of each minute; what is to be configured then.
    fn track(&mut self, view: &FleetView, used: &Used, tracking: Tracking, configured: u32) -> u32 {
        self.instances += u128::from(view.provisioned) * u128::from(view.now.since(self.seen).0);
        self.seen = view.now;
        if view.now.since(self.since) < MINUTE {
            return configured;
        }
        let busy = (used.on_provisioned - self.area) as f64;
        let utilisation = if self.instances > 0 {
            busy / self.instances as f64
        } else {
            0.0
        };
        (self.since, self.area, self.instances) = (view.now, used.on_provisioned, 0);
        self.above = if utilisation > tracking.target {
            self.above + 1
        } else {
            0
        };
        self.below = if utilisation < LOW * tracking.target {
            self.below + 1
        } else {
            0
        };
        if self.above < OUT_AFTER && self.below < IN_AFTER {
            return configured;
        }
        (self.above, self.below) = (0, 0);
        let wanted = (f64::from(configured) * utilisation / tracking.target).ceil();
        (wanted as u32).clamp(tracking.min, tracking.max)
    }
}
