//! `[autoscaler.target-tracking]` and `[autoscaler.step-scaling]`: Application Auto Scaling of an ECS service.

use serde::Deserialize;

use super::AutoscalerKind;
use crate::assumption::{Assumption, Topic};
use crate::sim::autoscaler::SharedPlan;
use crate::sim::autoscaler::ecs::{self, EcsMetric, EcsPlan};
use crate::sim::platform::Ground;
use crate::units::SimDuration;

/// `[autoscaler.target-tracking]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TargetTrackingSpec {
    /// The fewest tasks (`MinCapacity`).
    pub min_capacity: u32,
    /// The most tasks (`MaxCapacity`).
    pub max_capacity: u32,
    /// Tasks at the beginning; `None`: `min-capacity`.
    pub initial_tasks: Option<u32>,
    /// Target of `ECSServiceAverageCPUUtilization` in percent; `None` with no other target: 70.
    pub cpu: Option<f64>,
    /// Target of `ALBRequestCountPerTarget`: requests in a minute for each task.
    pub requests_per_target: Option<f64>,
    /// Time after a removal of tasks before the next one (`ScaleInCooldown`).
    pub scale_in_cooldown: SimDuration,
    /// True if tasks are never removed (`DisableScaleIn`).
    pub disable_scale_in: bool,
    /// Points in a row above the target until it scales out.
    pub high_points: usize,
    /// Points in a row below the low threshold until it scales in.
    pub low_points: usize,
    /// The low threshold, as a share of the target.
    pub low_share: f64,
}

impl Default for TargetTrackingSpec {
    fn default() -> Self {
        let tracking = ecs::TargetTracking::default();
        Self {
            min_capacity: 1,
            max_capacity: 10,
            initial_tasks: None,
            cpu: None,
            requests_per_target: None,
            scale_in_cooldown: tracking.in_cooldown,
            disable_scale_in: tracking.disable_scale_in,
            high_points: tracking.high_points,
            low_points: tracking.low_points,
            low_share: tracking.low_share,
        }
    }
}

impl AutoscalerKind for TargetTrackingSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_capacity < self.min_capacity {
            problems.push("`max-capacity` must not be below `min-capacity`".into());
        }
        for (key, target) in [("cpu", self.cpu), ("requests-per-target", self.requests_per_target)] {
            if target.is_some_and(|target| !(target.is_finite() && target > 0.0)) {
                problems.push(format!("`{key}` must be above 0"));
            }
        }
        if self.high_points == 0 || self.low_points == 0 {
            problems.push("`high-points` and `low-points` must be at least 1".into());
        }
        if !(0.0..=1.0).contains(&self.low_share) {
            problems.push("`low-share` is a share of the target, from 0 to 1".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Autoscaler.large(format!(
            "target tracking scales out when {} minutes in a row are above the target, and in when {} are below {} of it (not in \
             the documents)",
            self.high_points, self.low_points, self.low_share
        ))]
    }

    fn plan(&self) -> SharedPlan {
        let policy = |target: f64, metric| {
            let tracking = ecs::TargetTracking {
                target,
                high_points: self.high_points,
                low_points: self.low_points,
                low_share: self.low_share,
                in_cooldown: self.scale_in_cooldown,
                disable_scale_in: self.disable_scale_in,
            };
            (ecs::EcsPolicy::Target(tracking), metric)
        };
        let cpu = self.cpu.or(self.requests_per_target.is_none().then_some(70.0));
        let cpu = cpu.map(|target| policy(target, EcsMetric::Cpu));
        let requests = self
            .requests_per_target
            .map(|target| policy(target, EcsMetric::RequestsPerTarget));
        SharedPlan::new(EcsPlan {
            tasks: self.initial_tasks.unwrap_or(self.min_capacity),
            bounds: (self.min_capacity, self.max_capacity),
            policies: cpu.into_iter().chain(requests).collect(),
        })
    }

    fn grounds(&self) -> &'static [Ground] {
        &[Ground::Tasks]
    }
}

/// `[autoscaler.step-scaling]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct StepScalingSpec {
    /// The fewest tasks (`MinCapacity`).
    pub min_capacity: u32,
    /// The most tasks (`MaxCapacity`).
    pub max_capacity: u32,
    /// Tasks at the beginning; `None`: `min-capacity`.
    pub initial_tasks: Option<u32>,
    /// Policies with an alarm each.
    pub policies: Vec<AlarmSpec>,
}

/// An alarm and its steps.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlarmSpec {
    /// The metric.
    pub metric: MetricSpec,
    /// The alarm goes off above this, as a mean over a minute.
    pub above: Option<f64>,
    /// Or below this.
    pub below: Option<f64>,
    /// Minutes in a row.
    #[serde(default = "one_point")]
    pub points: usize,
    /// By distance from the threshold.
    pub steps: Vec<StepSpec>,
    /// Time after a change before the policy acts again (`Cooldown`).
    #[serde(default = "five_minutes")]
    pub cooldown: SimDuration,
}

/// The metric of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MetricSpec {
    /// CPU of all tasks in percent.
    Cpu,
    /// Requests in a minute for each task.
    RequestsPerTarget,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// Distance from the threshold from which on it holds.
    #[serde(default)]
    pub from: f64,
    /// `ChangeInCapacity`: tasks more, or less.
    pub change: i32,
}

fn one_point() -> usize {
    1
}

fn five_minutes() -> SimDuration {
    SimDuration::from_secs(300)
}

impl Default for StepScalingSpec {
    fn default() -> Self {
        Self {
            min_capacity: 1,
            max_capacity: 10,
            initial_tasks: None,
            policies: Vec::new(),
        }
    }
}

impl AutoscalerKind for StepScalingSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_capacity < self.min_capacity {
            problems.push("`max-capacity` must not be below `min-capacity`".into());
        }
        if self.policies.is_empty() {
            problems.push(
                "`policies` is empty: [{ metric = \"cpu\", above = 70.0, steps = [{ change = 2 }] }] is one".into(),
            );
        }
        for policy in &self.policies {
            if policy.above.is_some() == policy.below.is_some() {
                problems.push("a policy has either `above` or `below`".into());
            }
            if policy.points == 0 || policy.steps.is_empty() {
                problems.push("a policy needs at least one of `points` and `steps`".into());
            }
            if !policy.steps.is_sorted_by(|a, b| a.from < b.from) {
                problems.push("`steps` must be in order of `from`".into());
            }
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Autoscaler.note("step scaling does nothing more within the cooldown of its last step")]
    }

    fn plan(&self) -> SharedPlan {
        let policies = self.policies.iter().map(|policy| {
            let step = ecs::StepScaling {
                threshold: policy.above.or(policy.below).unwrap_or(0.0),
                above: policy.above.is_some(),
                points: policy.points,
                steps: policy.steps.iter().map(|step| (step.from, step.change)).collect(),
                cooldown: policy.cooldown,
            };
            let metric = match policy.metric {
                MetricSpec::Cpu => EcsMetric::Cpu,
                MetricSpec::RequestsPerTarget => EcsMetric::RequestsPerTarget,
            };
            (ecs::EcsPolicy::Step(step), metric)
        });
        SharedPlan::new(EcsPlan {
            tasks: self.initial_tasks.unwrap_or(self.min_capacity),
            bounds: (self.min_capacity, self.max_capacity),
            policies: policies.collect(),
        })
    }

    fn grounds(&self) -> &'static [Ground] {
        &[Ground::Tasks]
    }
}
