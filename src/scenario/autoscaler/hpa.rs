//! `[autoscaler.hpa]`: the HorizontalPodAutoscaler.

use serde::Deserialize;

use super::{AutoscalerKind, Outage, Targets};
use crate::assumption::{Assumption, Topic};
use crate::sim::autoscaler::hpa;
use crate::sim::platform::kubernetes::{MetricTarget, Metrics, Scaling};
use crate::units::{PerSecond, SimDuration};

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
    /// When metrics cannot be read.
    pub metric_outages: Vec<Outage>,
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
            metric_outages: Vec::new(),
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

    pub(super) fn metrics(&self) -> Metrics {
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
            outages: self.metric_outages.iter().map(|outage| outage.span()).collect(),
        }
    }

    pub(super) fn spec(&self) -> hpa::Spec {
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

    fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Autoscaler.small(format!(
            "the HorizontalPodAutoscaler looks every {} at a mean over {} that is read every {} and {} old when it is seen (when \
             each of these falls is drawn from the seed)",
            self.sync_period, self.metric_window, self.metric_resolution, self.metric_lag
        ))]
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

    pub(super) fn problems(&self) -> Vec<String> {
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
