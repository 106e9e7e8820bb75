//! `[autoscaler.<kind>]`: how many pods a Deployment has.
//!
//! Keys are those of the APIs, in kebab-case: `autoscaling/v2` HorizontalPodAutoscaler and the controller manager's flags,
//! and KEDA's ScaledObject.

use serde::Deserialize;

use crate::registry::registry;
use crate::sim::autoscaler::{ecs, hpa, keda};
use crate::sim::platform::kubernetes::{EcsMetric, MetricTarget, Metrics, Scaling};
use crate::units::{PerSecond, SimDuration};

registry! {
    /// A `[autoscaler.<kind>]` table.
    pub enum AutoscalerSpec: AutoscalerKind {
        /// Nobody: so many pods, or so many by the clock.
        "fixed" => Fixed(FixedSpec),
        /// HorizontalPodAutoscaler.
        "hpa" => Hpa(HpaSpec),
        /// KEDA with the HorizontalPodAutoscaler behind it.
        "keda" => Keda(KedaSpec),
        /// Target tracking of an ECS service.
        "target-tracking" => TargetTracking(TargetTrackingSpec),
        /// Step scaling of an ECS service.
        "step-scaling" => StepScaling(StepScalingSpec),
    }
}

/// What every row of the registry can do.
pub trait AutoscalerKind {
    /// Everything that is wrong with the settings, each with the way out.
    fn problems(&self) -> Vec<String>;

    /// Choices that move the numbers, in words.
    fn assumptions(&self) -> Vec<String>;

    /// What the simulator is told.
    fn scaling(&self) -> Scaling;

    /// Whether it is for ECS services, or for Deployments; `None`: for both.
    fn is_of_ecs(&self) -> Option<bool>;
}

/// `[autoscaler.fixed]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FixedSpec {
    /// Pods.
    pub replicas: u32,
    /// Other numbers of pods from some time after the beginning of the run on.
    pub schedule: Vec<Scheduled>,
}

/// So many pods from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// Time since the beginning of the run.
    pub at: SimDuration,
    /// Pods from then on.
    pub replicas: u32,
}

impl Default for FixedSpec {
    fn default() -> Self {
        Self {
            replicas: 1,
            schedule: Vec::new(),
        }
    }
}

impl AutoscalerKind for FixedSpec {
    fn problems(&self) -> Vec<String> {
        let rising = self.schedule.is_sorted_by(|a, b| a.at < b.at);
        if rising {
            Vec::new()
        } else {
            vec!["`schedule` must be in order of `at`".into()]
        }
    }

    fn assumptions(&self) -> Vec<String> {
        Vec::new()
    }

    fn scaling(&self) -> Scaling {
        Scaling::Fixed {
            replicas: self.replicas,
            schedule: self.schedule.iter().map(|step| (step.at, step.replicas)).collect(),
        }
    }

    fn is_of_ecs(&self) -> Option<bool> {
        None
    }
}

/// What a pod should have of each metric; several are looked at together, and the highest number of pods holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Targets {
    cpu: Option<u32>,
    in_flight: Option<f64>,
    rate: Option<PerSecond>,
}

impl Targets {
    fn targets(&self) -> Vec<MetricTarget> {
        let thousandths = |value: f64| (value * 1e3).round() as i64;
        let cpu = self.cpu.map(|percent| MetricTarget::Cpu(i64::from(percent)));
        let in_flight = self.in_flight.map(|each| MetricTarget::InFlight(thousandths(each)));
        let rate = self.rate.map(|rate| MetricTarget::Rate(thousandths(rate.0)));
        [cpu, in_flight, rate].into_iter().flatten().collect()
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.cpu == Some(0) {
            problems.push("`cpu` must be at least 1 percent of what a pod requests".into());
        }
        if self.in_flight.is_some_and(|each| !(each.is_finite() && each >= 0.001)) {
            problems.push("`in-flight` must be at least 0.001 requests for each pod".into());
        }
        if self.rate.is_some_and(|rate| rate.0 < 0.001) {
            problems.push("`rate` must be at least 0.001/s for each pod".into());
        }
        problems
    }
}

/// `[autoscaler.hpa]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HpaSpec {
    /// `minReplicas`
    pub min_replicas: u32,
    /// `maxReplicas`
    pub max_replicas: u32,
    /// Pods at the beginning; `None`: `min-replicas`.
    pub initial_replicas: Option<u32>,
    /// `averageUtilization` of CPU in percent of the request; `None` with no other metric: 80.
    pub cpu: Option<u32>,
    /// `averageValue` of requests in flight and waiting.
    pub in_flight: Option<f64>,
    /// `averageValue` of requests per second.
    pub rate: Option<PerSecond>,
    /// `--horizontal-pod-autoscaler-tolerance`
    pub tolerance: f64,
    /// `behavior`; `None`: as without it.
    pub behavior: Option<BehaviorSpec>,
    /// `--horizontal-pod-autoscaler-sync-period`
    pub sync_period: SimDuration,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, where there is no `behavior`.
    pub downscale_stabilization: SimDuration,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`
    pub cpu_initialization_period: SimDuration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`
    pub initial_readiness_delay: SimDuration,
    /// `--metric-resolution` of metrics-server: time between two readings.
    pub metric_resolution: SimDuration,
    /// Time over which a reading is a mean.
    pub metric_window: SimDuration,
    /// Age of a reading before the autoscaler sees it.
    pub metric_lag: SimDuration,
}

impl Default for HpaSpec {
    fn default() -> Self {
        let (spec, readiness) = (hpa::Spec::default(), hpa::ReadinessRules::default());
        Self {
            min_replicas: spec.min,
            max_replicas: spec.max,
            initial_replicas: None,
            cpu: None,
            in_flight: None,
            rate: None,
            tolerance: hpa::Tolerance::default().up,
            behavior: None,
            sync_period: SimDuration::from_secs(15),
            downscale_stabilization: spec.downscale_stabilization,
            cpu_initialization_period: readiness.cpu_initialization,
            initial_readiness_delay: readiness.initial_readiness,
            metric_resolution: SimDuration::from_secs(15),
            metric_window: SimDuration::from_secs(30),
            metric_lag: SimDuration::from_secs(15),
        }
    }
}

impl HpaSpec {
    fn targets(&self) -> Vec<MetricTarget> {
        let targets = Targets {
            cpu: self.cpu,
            in_flight: self.in_flight,
            rate: self.rate,
        };
        let targets = targets.targets();
        if targets.is_empty() {
            // What the API fills in.
            return vec![MetricTarget::Cpu(80)];
        }
        targets
    }

    fn initial(&self) -> u32 {
        self.initial_replicas.unwrap_or(self.min_replicas)
    }

    fn metrics(&self) -> Metrics {
        Metrics {
            targets: self.targets(),
            tolerance: hpa::Tolerance {
                up: self.tolerance,
                down: self.tolerance,
            },
            readiness: hpa::ReadinessRules {
                cpu_initialization: self.cpu_initialization_period,
                initial_readiness: self.initial_readiness_delay,
            },
            sync: self.sync_period,
            resolution: self.metric_resolution,
            window: self.metric_window,
            lag: self.metric_lag,
        }
    }

    fn spec(&self) -> hpa::Spec {
        hpa::Spec {
            min: self.min_replicas,
            max: self.max_replicas,
            behavior: self.behavior.as_ref().map(BehaviorSpec::behavior),
            downscale_stabilization: self.downscale_stabilization,
        }
    }
}

impl AutoscalerKind for HpaSpec {
    fn problems(&self) -> Vec<String> {
        let targets = Targets {
            cpu: self.cpu,
            in_flight: self.in_flight,
            rate: self.rate,
        };
        let mut problems = targets.problems();
        if self.min_replicas == 0 {
            problems.push(
                "`min-replicas` must be at least 1: without pods there is no CPU to measure; [autoscaler.keda] goes to zero"
                    .into(),
            );
        }
        if self.max_replicas < self.min_replicas {
            problems.push("`max-replicas` must not be below `min-replicas`".into());
        }
        for (key, period) in [
            ("sync-period", self.sync_period),
            ("metric-resolution", self.metric_resolution),
            ("metric-window", self.metric_window),
        ] {
            if period < SimDuration::from_secs(1) {
                problems.push(format!("`{key}` must be at least 1s"));
            }
        }
        if !(0.0..1.0).contains(&self.tolerance) {
            problems.push(format!(
                "`tolerance` is {}; it must be at least 0 and below 1",
                self.tolerance
            ));
        }
        problems.extend(self.behavior.iter().flat_map(BehaviorSpec::problems));
        problems
    }

    fn assumptions(&self) -> Vec<String> {
        vec![format!(
            "the HorizontalPodAutoscaler looks every {} at a mean over {} that is read every {} and {} old when it is seen (when \
             each of these falls is drawn from the seed)",
            self.sync_period, self.metric_window, self.metric_resolution, self.metric_lag
        )]
    }

    fn scaling(&self) -> Scaling {
        Scaling::Hpa {
            replicas: self.initial(),
            spec: self.spec(),
            metrics: self.metrics(),
        }
    }

    fn is_of_ecs(&self) -> Option<bool> {
        Some(false)
    }
}

/// `behavior`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BehaviorSpec {
    /// `scaleUp`; `None`: the API's.
    pub scale_up: Option<RulesSpec>,
    /// `scaleDown`; `None`: the API's.
    pub scale_down: Option<RulesSpec>,
}

/// One direction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RulesSpec {
    /// `stabilizationWindowSeconds`; `None`: the API's.
    pub stabilization_window: Option<SimDuration>,
    /// `selectPolicy`; `None`: the largest change.
    pub select_policy: Option<SelectSpec>,
    /// `policies`; empty: the API's.
    pub policies: Vec<PolicySpec>,
}

/// `selectPolicy`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectSpec {
    /// The largest change.
    Max,
    /// The smallest.
    Min,
    /// None.
    Disabled,
}

/// A policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicySpec {
    /// What `value` means.
    pub r#type: PolicyType,
    /// Most change.
    pub value: u32,
    /// `periodSeconds`
    pub period: SimDuration,
}

/// What a policy's value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyType {
    /// So many pods.
    Pods,
    /// So many percent.
    Percent,
}

impl RulesSpec {
    fn rules(&self, api: hpa::Rules) -> hpa::Rules {
        let policies = self.policies.iter().map(|policy| hpa::Policy {
            kind: match policy.r#type {
                PolicyType::Pods => hpa::PolicyKind::Pods,
                PolicyType::Percent => hpa::PolicyKind::Percent,
            },
            value: policy.value,
            period: policy.period,
        });
        hpa::Rules {
            window: self.stabilization_window.unwrap_or(api.window),
            select: match self.select_policy {
                None | Some(SelectSpec::Max) => hpa::Select::Max,
                Some(SelectSpec::Min) => hpa::Select::Min,
                Some(SelectSpec::Disabled) => hpa::Select::Disabled,
            },
            policies: if self.policies.is_empty() {
                api.policies
            } else {
                policies.collect()
            },
        }
    }
}

impl BehaviorSpec {
    fn behavior(&self) -> hpa::Behavior {
        let or_api = |given: &Option<RulesSpec>, api: hpa::Rules| match given {
            Some(rules) => rules.rules(api),
            None => api,
        };
        hpa::Behavior {
            up: or_api(&self.scale_up, hpa::Rules::up()),
            down: or_api(&self.scale_down, hpa::Rules::down()),
        }
    }

    fn problems(&self) -> Vec<String> {
        let policies = [&self.scale_up, &self.scale_down]
            .into_iter()
            .flatten()
            .flat_map(|rules| &rules.policies);
        let wrong = policies.filter(|policy| policy.value == 0 || policy.period == SimDuration::ZERO);
        wrong
            .map(|_| "a policy of `behavior` needs a `value` and a `period` above 0".to_string())
            .take(1)
            .collect()
    }
}

/// `[autoscaler.keda]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KedaSpec {
    /// `minReplicaCount`
    pub min_replica_count: u32,
    /// `maxReplicaCount`
    pub max_replica_count: u32,
    /// `idleReplicaCount`
    pub idle_replica_count: Option<u32>,
    /// Pods at the beginning; `None`: `min-replica-count`.
    pub initial_replicas: Option<u32>,
    /// `pollingInterval`
    pub polling_interval: SimDuration,
    /// `cooldownPeriod`
    pub cooldown_period: SimDuration,
    /// `initialCooldownPeriod`
    pub initial_cooldown_period: SimDuration,
    /// `activationThreshold`, in the metric's unit.
    pub activation_threshold: f64,
    /// Requests in flight and waiting for each pod.
    pub in_flight: Option<f64>,
    /// Requests per second for each pod.
    pub rate: Option<PerSecond>,
    /// What the autoscaler behind it does.
    pub behavior: Option<BehaviorSpec>,
    /// Time over which a metric is a mean.
    pub metric_window: SimDuration,
    /// Age of a metric before KEDA sees it.
    pub metric_lag: SimDuration,
}

impl Default for KedaSpec {
    fn default() -> Self {
        let spec = keda::Spec::default();
        Self {
            min_replica_count: spec.min_replicas,
            max_replica_count: 100,
            idle_replica_count: spec.idle_replicas,
            initial_replicas: None,
            polling_interval: spec.polling_interval,
            cooldown_period: spec.cooldown_period,
            initial_cooldown_period: spec.initial_cooldown_period,
            activation_threshold: spec.activation_threshold,
            in_flight: None,
            rate: None,
            behavior: None,
            metric_window: SimDuration::from_secs(30),
            metric_lag: SimDuration::ZERO,
        }
    }
}

impl AutoscalerKind for KedaSpec {
    fn problems(&self) -> Vec<String> {
        let targets = Targets {
            cpu: None,
            in_flight: self.in_flight,
            rate: self.rate,
        };
        let mut problems = targets.problems();
        if self.in_flight.is_none() && self.rate.is_none() {
            problems.push("say what a pod should have: `in-flight = 10` or `rate = \"50/s\"`".into());
        }
        if self.max_replica_count < self.min_replica_count.max(1) {
            problems.push("`max-replica-count` must be at least 1 and not below `min-replica-count`".into());
        }
        if self
            .idle_replica_count
            .is_some_and(|idle| idle >= self.min_replica_count)
        {
            problems.push("`idle-replica-count` must be below `min-replica-count`".into());
        }
        if self.polling_interval < SimDuration::from_secs(1) || self.metric_window < SimDuration::from_secs(1) {
            problems.push("`polling-interval` and `metric-window` must be at least 1s".into());
        }
        problems.extend(self.behavior.iter().flat_map(BehaviorSpec::problems));
        problems
    }

    fn assumptions(&self) -> Vec<String> {
        vec![format!(
            "KEDA looks every {} at a mean over {} with what waits now, and the autoscaler behind it every 15s",
            self.polling_interval, self.metric_window
        )]
    }

    fn scaling(&self) -> Scaling {
        let keda = keda::Spec {
            polling_interval: self.polling_interval,
            cooldown_period: self.cooldown_period,
            initial_cooldown_period: self.initial_cooldown_period,
            min_replicas: self.min_replica_count,
            idle_replicas: self.idle_replica_count,
            activation_threshold: self.activation_threshold,
            fallback: None,
        };
        let behind = HpaSpec {
            min_replicas: keda.hpa_min(),
            max_replicas: self.max_replica_count,
            in_flight: self.in_flight,
            rate: self.rate,
            behavior: self.behavior.clone(),
            metric_window: self.metric_window,
            metric_lag: self.metric_lag,
            ..HpaSpec::default()
        };
        Scaling::Keda {
            replicas: self.initial_replicas.unwrap_or(self.min_replica_count),
            keda,
            spec: behind.spec(),
            metrics: behind.metrics(),
        }
    }

    fn is_of_ecs(&self) -> Option<bool> {
        Some(false)
    }
}

/// `[autoscaler.target-tracking]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TargetTrackingSpec {
    /// `MinCapacity`
    pub min_capacity: u32,
    /// `MaxCapacity`
    pub max_capacity: u32,
    /// Tasks at the beginning; `None`: `min-capacity`.
    pub initial_tasks: Option<u32>,
    /// Target of `ECSServiceAverageCPUUtilization` in percent; `None` with no other target: 70.
    pub cpu: Option<f64>,
    /// Target of `ALBRequestCountPerTarget`: requests in a minute for each task.
    pub requests_per_target: Option<f64>,
    /// `ScaleInCooldown`
    pub scale_in_cooldown: SimDuration,
    /// `DisableScaleIn`
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

    fn assumptions(&self) -> Vec<String> {
        vec![format!(
            "target tracking scales out when {} minutes in a row are above the target, and in when {} are below {} of it, to the \
             number of tasks that would meet it, rounded up (counts and low threshold are not in the documents)",
            self.high_points, self.low_points, self.low_share
        )]
    }

    fn scaling(&self) -> Scaling {
        let policy = |target: f64, metric| {
            let tracking = ecs::TargetTracking {
                target,
                high_points: self.high_points,
                low_points: self.low_points,
                low_share: self.low_share,
                in_cooldown: self.scale_in_cooldown,
                disable_scale_in: self.disable_scale_in,
            };
            (ecs::Policy::Target(tracking), metric)
        };
        let cpu = self.cpu.or(self.requests_per_target.is_none().then_some(70.0));
        let cpu = cpu.map(|target| policy(target, EcsMetric::Cpu));
        let requests = self
            .requests_per_target
            .map(|target| policy(target, EcsMetric::RequestsPerTarget));
        Scaling::Ecs {
            replicas: self.initial_tasks.unwrap_or(self.min_capacity),
            bounds: (self.min_capacity, self.max_capacity),
            policies: cpu.into_iter().chain(requests).collect(),
        }
    }

    fn is_of_ecs(&self) -> Option<bool> {
        Some(true)
    }
}

/// `[autoscaler.step-scaling]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct StepScalingSpec {
    /// `MinCapacity`
    pub min_capacity: u32,
    /// `MaxCapacity`
    pub max_capacity: u32,
    /// Tasks at the beginning; `None`: `min-capacity`.
    pub initial_tasks: Option<u32>,
    /// Policies with an alarm each.
    pub policies: Vec<AlarmSpec>,
}

/// An alarm and its steps.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlarmSpec {
    /// What it looks at.
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
    /// `Cooldown`
    #[serde(default = "five_minutes")]
    pub cooldown: SimDuration,
}

/// What an alarm looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricSpec {
    /// CPU of all tasks in percent.
    Cpu,
    /// Requests in a minute for each task.
    RequestsPerTarget,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, serde::Serialize)]
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

    fn assumptions(&self) -> Vec<String> {
        vec!["step scaling does nothing more within the cooldown of its last step".into()]
    }

    fn scaling(&self) -> Scaling {
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
            (ecs::Policy::Step(step), metric)
        });
        Scaling::Ecs {
            replicas: self.initial_tasks.unwrap_or(self.min_capacity),
            bounds: (self.min_capacity, self.max_capacity),
            policies: policies.collect(),
        }
    }

    fn is_of_ecs(&self) -> Option<bool> {
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        let spec: AutoscalerSpec = toml::from_str(text).unwrap();
        spec.part().problems().len()
    }

    #[test]
    fn what_is_left_out_is_the_vendors() {
        let spec: AutoscalerSpec = toml::from_str("[hpa]\nmax-replicas = 7").unwrap();
        let Scaling::Hpa {
            replicas,
            spec,
            metrics,
        } = spec.part().scaling()
        else {
            panic!("an autoscaler")
        };
        assert_eq!((replicas, spec.min, spec.max, spec.behavior), (1, 1, 7, None));
        assert_eq!(metrics.targets, [MetricTarget::Cpu(80)]);
        let text = "[hpa]\nin-flight = 2.5\nrate = '40/s'\n[hpa.behavior.scale-up]\nselect-policy = 'min'\n\
                    policies = [{ type = 'pods', value = 2, period = '60s' }]";
        let spec: AutoscalerSpec = toml::from_str(text).unwrap();
        let Scaling::Hpa { spec, metrics, .. } = spec.part().scaling() else {
            panic!("an autoscaler")
        };
        assert_eq!(
            metrics.targets,
            [MetricTarget::InFlight(2_500), MetricTarget::Rate(40_000)]
        );
        let behavior = spec.behavior.unwrap();
        assert_eq!((behavior.up.select, behavior.up.policies.len()), (hpa::Select::Min, 1));
        assert_eq!(behavior.down, hpa::Rules::down());
        let spec: AutoscalerSpec = toml::from_str("[keda]\nrate = '5/s'").unwrap();
        let Scaling::Keda {
            replicas, spec, keda, ..
        } = spec.part().scaling()
        else {
            panic!("KEDA")
        };
        assert_eq!((replicas, spec.min, spec.max, keda.min_replicas), (0, 1, 100, 0));
    }

    #[test]
    fn what_cannot_be_is_a_problem() {
        for (text, wrong) in [
            ("[fixed]\nreplicas = 0", 0),
            (
                "[fixed]\nschedule = [{ at = '2h', replicas = 3 }, { at = '1h', replicas = 1 }]",
                1,
            ),
            ("[hpa]", 0),
            ("[hpa]\nmin-replicas = 0", 1),
            ("[hpa]\nmin-replicas = 11", 1),
            ("[hpa]\ncpu = 0", 1),
            ("[hpa]\nin-flight = 0", 1),
            ("[hpa]\nsync-period = '0s'", 1),
            ("[hpa]\ntolerance = 1.0", 1),
            (
                "[hpa]\n[hpa.behavior.scale-down]\npolicies = [{ type = 'percent', value = 0, period = '60s' }]",
                1,
            ),
            ("[target-tracking]", 0),
            ("[target-tracking]\nmin-capacity = 20", 1),
            ("[target-tracking]\ncpu = 0.0", 1),
            ("[step-scaling]", 1),
            (
                "[step-scaling]\npolicies = [{ metric = 'cpu', above = 70.0, steps = [{ change = 2 }] }]",
                0,
            ),
            (
                "[step-scaling]\npolicies = [{ metric = 'cpu', steps = [{ change = 2 }] }]",
                1,
            ),
            (
                "[step-scaling]\npolicies = [{ metric = 'cpu', below = 30.0, steps = [{ from = 5.0, change = -2 }, { change = -1 }] }]",
                1,
            ),
            ("[keda]", 1),
            ("[keda]\nrate = '1/s'\nidle-replica-count = 0", 1),
            ("[keda]\nrate = '1/s'\nmax-replica-count = 0", 1),
        ] {
            assert_eq!(problems(text), wrong, "{text}");
        }
    }
}
