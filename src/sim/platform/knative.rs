//! Knative Serving: revisions whose pods come and go with their requests, on a Kubernetes cluster.
//!
//! Sources: [`crate::sim::autoscaler::kpa`], and knative/serving, `pkg/activator` and `pkg/queue`, for what stands before a
//! pod. Choices: requests that find no free place wait in one queue, whether the activator is on their path or not; a
//! revision always has a route; its activators have room for all that comes.

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::Draws;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::autoscaler::kpa::{self, Defaults, KpaPlan, TargetSpec};
use crate::sim::platform::kubernetes::{self, ClusterPlan, Kubernetes, Plan, PodTemplate};
use crate::sim::platform::{BilledBy, Platform, PlatformKind, RunsOn, Shape};
use crate::sim::pool::Routing;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// `[platform.knative]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KnativeSpec {
    /// CPU limit of a pod: names the measured configuration of a profile.
    pub cpu: MilliCpu,
    /// Memory limit of a pod.
    pub memory: MemoryMib,
    /// CPU that a pod requests; `None`: the limit.
    pub cpu_request: Option<MilliCpu>,
    /// Memory that a pod requests; `None`: the limit.
    pub memory_request: Option<MemoryMib>,
    /// `containerConcurrency`: requests in one pod at a time; 0: no limit.
    pub container_concurrency: u32,
    /// The metric that pods are counted by: requests in flight, or requests per second (`metric`).
    pub metric: Metric,
    /// `target`, in the metric's unit; `None`: the default's.
    pub target: Option<f64>,
    /// Percent of the target that a pod is loaded to (`target-utilization-percentage`).
    pub target_utilization_percentage: f64,
    /// Spare requests below which the activator stays in the path (`target-burst-capacity`).
    pub target_burst_capacity: f64,
    /// Time over which the load is averaged (`stable-window`).
    pub stable_window: SimDuration,
    /// Percent of the stable window over which a surge is looked for (`panic-window-percentage`).
    pub panic_window_percentage: f64,
    /// Percent of the present capacity above which the autoscaler panics: it only adds pods (`panic-threshold-percentage`).
    pub panic_threshold_percentage: f64,
    /// The largest factor by which pods grow in a step (`max-scale-up-rate`).
    pub max_scale_up_rate: f64,
    /// The largest factor by which pods shrink in a step (`max-scale-down-rate`).
    pub max_scale_down_rate: f64,
    /// The fewest pods (`min-scale`).
    pub min_scale: u32,
    /// `max-scale`; 0: no bound.
    pub max_scale: u32,
    /// Pods at the beginning (`initial-scale`).
    pub initial_scale: u32,
    /// The fewest pods when a service comes back from zero (`activation-scale`).
    pub activation_scale: u32,
    /// Time for which a lower load must last before pods go (`scale-down-delay`).
    pub scale_down_delay: SimDuration,
    /// True if the last pod may go (`enable-scale-to-zero`).
    pub enable_scale_to_zero: bool,
    /// The longest time that the last pod waits for the activator to take over (`scale-to-zero-grace-period`).
    pub scale_to_zero_grace_period: SimDuration,
    /// The least time that the last pod is kept after the last request (`scale-to-zero-pod-retention-period`).
    pub scale_to_zero_pod_retention_period: SimDuration,
    /// `timeoutSeconds`: a request waits for a pod so long at most.
    pub timeout: SimDuration,
}

/// The metric of the autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Requests in flight.
    Concurrency,
    /// Requests per second.
    Rps,
}

impl Default for KnativeSpec {
    fn default() -> Self {
        let (spec, rules) = (kpa::KpaSettings::default(), kpa::KpaRules::default());
        Self {
            cpu: MilliCpu(1000),
            memory: MemoryMib(512),
            cpu_request: None,
            memory_request: None,
            container_concurrency: 0,
            metric: Metric::Concurrency,
            target: None,
            target_utilization_percentage: 70.0,
            target_burst_capacity: spec.target_burst_capacity,
            stable_window: spec.stable_window,
            panic_window_percentage: 10.0,
            panic_threshold_percentage: 200.0,
            max_scale_up_rate: spec.max_scale_up_rate,
            max_scale_down_rate: spec.max_scale_down_rate,
            min_scale: rules.min_scale,
            max_scale: rules.max_scale,
            initial_scale: rules.initial_scale,
            activation_scale: spec.activation_scale,
            scale_down_delay: spec.scale_down_delay,
            enable_scale_to_zero: rules.scale_to_zero,
            scale_to_zero_grace_period: rules.grace,
            scale_to_zero_pod_retention_period: rules.retention,
            timeout: SimDuration::from_secs(300),
        }
    }
}

/// The activator holds so many requests of a revision; more are answered with 503. Source: `pkg/activator/net`.
const QUEUE_DEPTH: u32 = 10_000;
/// Time for which a pod that is deleted still drains. Source: `pkg/queue`.
const DRAIN: SimDuration = SimDuration::from_secs(30);

impl KnativeSpec {
    /// The pods of its revisions.
    fn template(&self) -> PodTemplate {
        PodTemplate {
            cpu: self.cpu,
            memory: self.memory,
            cpu_request: self.cpu_request,
            memory_request: self.memory_request,
            concurrency: Some(self.container_concurrency).filter(|limit| *limit > 0),
            routing: match self.container_concurrency {
                0 => Routing::RandomOfTwo,
                1..=3 => Routing::Oldest,
                _ => Routing::RoundRobin,
            },
            hold: self.timeout,
            queue_depth: Some(QUEUE_DEPTH),
            readiness_period: SimDuration::ZERO,
            pre_stop: DRAIN.min(self.timeout),
            termination_grace: self.timeout,
            ..PodTemplate::default()
        }
    }

    /// The settings of its autoscaler.
    fn kpa(&self) -> KpaPlan {
        let metric = match self.metric {
            Metric::Concurrency => kpa::KpaMetric::Concurrency,
            Metric::Rps => kpa::KpaMetric::Rps,
        };
        let target = TargetSpec {
            metric,
            container_concurrency: self.container_concurrency,
            target: self.target,
            utilisation_percentage: Some(self.target_utilization_percentage),
        };
        let carries = kpa::resolve(&target, &Defaults::default());
        KpaPlan {
            spec: kpa::KpaSettings {
                target: carries.target,
                total: carries.total,
                target_burst_capacity: self.target_burst_capacity,
                panic_threshold: self.panic_threshold_percentage / 100.0,
                max_scale_up_rate: self.max_scale_up_rate,
                max_scale_down_rate: self.max_scale_down_rate,
                stable_window: self.stable_window,
                reachable: true,
                activation_scale: self.activation_scale,
                scale_down_delay: self.scale_down_delay,
            },
            rules: kpa::KpaRules {
                min_scale: self.min_scale,
                max_scale: self.max_scale,
                initial_scale: self.initial_scale,
                scale_to_zero: self.enable_scale_to_zero,
                stable_window: self.stable_window,
                grace: self.scale_to_zero_grace_period,
                retention: self.scale_to_zero_pod_retention_period,
                target_burst_capacity: self.target_burst_capacity,
                ..kpa::KpaRules::default()
            },
            metric,
            panic_window_percentage: self.panic_window_percentage,
        }
    }
}

impl PlatformKind for KnativeSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.template().problems();
        if self.container_concurrency > 1000 {
            problems.push("`container-concurrency` is at most 1000; 0 is no limit".into());
        }
        if self.max_scale > 0 && self.max_scale < self.min_scale {
            problems.push("`max-scale` must not be below `min-scale`; 0 is no bound".into());
        }
        if self.stable_window < SimDuration::from_secs(6) || self.stable_window > SimDuration::from_secs(3600) {
            problems.push(format!(
                "`stable-window` is {}, Knative takes 6s to 1h",
                self.stable_window
            ));
        }
        let in_range = |value: f64, least: f64, most: f64| value.is_finite() && value >= least && value <= most;
        for (key, value, least, most) in [
            ("target", self.target.unwrap_or(1.0), 0.01, 1e9),
            (
                "target-utilization-percentage",
                self.target_utilization_percentage,
                1.0,
                100.0,
            ),
            ("panic-window-percentage", self.panic_window_percentage, 1.0, 100.0),
            (
                "panic-threshold-percentage",
                self.panic_threshold_percentage,
                110.0,
                1000.0,
            ),
            ("max-scale-up-rate", self.max_scale_up_rate, 1.01, 1e9),
            ("max-scale-down-rate", self.max_scale_down_rate, 1.01, 1e9),
        ] {
            if !in_range(value, least, most) {
                problems.push(format!("`{key}` is {value}; Knative takes {least} to {most}"));
            }
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = self.template().assumptions();
        lines.push(
            Topic::Platform.small(
                "Knative: requests without a free place wait in one queue before all pods, and the activator and the queue proxy \
                 take no time",
            ),
        );
        lines
    }

    fn billed_by<'a>(&'a self, cluster: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        cluster.map_or(BilledBy::Unknown, kubernetes::node_time)
    }

    fn runs_on(&self) -> RunsOn {
        RunsOn::Nodes(self.template())
    }

    fn autoscaler(&self) -> Option<SharedPlan> {
        Some(SharedPlan::new(self.kpa()))
    }

    fn shape(&self) -> Shape {
        self.template().shape()
    }

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(Kubernetes::new(self.template(), Plan::default(), draws))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_knatives() {
        let plan = KnativeSpec::default().kpa();
        assert_eq!(
            (plan.spec, plan.rules),
            (kpa::KpaSettings::default(), kpa::KpaRules::default())
        );
        assert!(KnativeSpec::default().problems().is_empty());
        let spec: KnativeSpec = toml::from_str("container-concurrency = 10\nmax-scale = 1\nmin-scale = 2").unwrap();
        assert_eq!(spec.problems().len(), 1);
        assert_eq!(
            (spec.shape().concurrency, spec.template().routing),
            (10, Routing::RoundRobin)
        );
        let plan = spec.kpa();
        assert_eq!((plan.spec.target, plan.spec.total), (7.0, 10.0));
        for wrong in [
            "stable-window = '1s'",
            "panic-threshold-percentage = 100.0",
            "max-scale-down-rate = 1.0",
        ] {
            let spec: KnativeSpec = toml::from_str(wrong).unwrap();
            assert_eq!(spec.problems().len(), 1, "{wrong}");
        }
    }
}
