//! `[autoscaler.keda]`: KEDA, with the HorizontalPodAutoscaler behind it.

use serde::Deserialize;

use super::AutoscalerKind;
use super::hpa::{BehaviorSpec, HpaSpec, Outage, Targets};
use crate::assumption::{Assumption, Topic};
use crate::sim::autoscaler::SharedPlan;
use crate::sim::autoscaler::hpa::HpaPlan;
use crate::sim::autoscaler::keda::{self, KedaPlan};
use crate::sim::platform::Ground;
use crate::units::{PerSecond, SimDuration};

/// `[autoscaler.keda]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KedaSpec {
    /// The fewest pods (`minReplicaCount`).
    pub min_replica_count: u32,
    /// The most pods (`maxReplicaCount`).
    pub max_replica_count: u32,
    /// Pods while nothing is going on, below `min-replica-count` (`idleReplicaCount`).
    pub idle_replica_count: Option<u32>,
    /// Pods at the beginning; `None`: `min-replica-count`.
    pub initial_replicas: Option<u32>,
    /// Time between two looks at the metric while there are no pods (`pollingInterval`).
    pub polling_interval: SimDuration,
    /// Time without activity before the last pods go (`cooldownPeriod`).
    pub cooldown_period: SimDuration,
    /// Time after the beginning before the last pods may go (`initialCooldownPeriod`).
    pub initial_cooldown_period: SimDuration,
    /// `activationThreshold`, in the metric's unit.
    pub activation_threshold: f64,
    /// Requests in flight and waiting for each pod.
    pub in_flight: Option<f64>,
    /// Requests per second for each pod.
    pub rate: Option<PerSecond>,
    /// The behaviour of the autoscaler behind it.
    pub behavior: Option<BehaviorSpec>,
    /// Time over which a metric is a mean.
    pub metric_window: SimDuration,
    /// Age of a metric before KEDA sees it.
    pub metric_lag: SimDuration,
    /// `fallback`; `None`: replicas stay as they are while metrics cannot be read.
    pub fallback: Option<FallbackSpec>,
    /// When metrics cannot be read.
    pub metric_outages: Vec<Outage>,
}

/// The number of pods while the metric cannot be read (`fallback`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FallbackSpec {
    /// Failures in a row after which it holds (`failureThreshold`).
    pub failure_threshold: u32,
    /// Pods that are kept then (`replicas`).
    pub replicas: u32,
}

impl Default for KedaSpec {
    fn default() -> Self {
        let spec = keda::KedaSettings::default();
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
            fallback: None,
            metric_outages: Vec::new(),
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

    fn assumptions(&self) -> Vec<Assumption> {
        vec![
            Topic::Autoscaler
                .small(format!(
                    "KEDA looks every {} at a mean over {} with what waits now, and the autoscaler behind it every 15s",
                    self.polling_interval, self.metric_window
                ))
                .source(
                    "kube-controller-manager, --horizontal-pod-autoscaler-sync-period, default",
                    "2026",
                ),
        ]
    }

    fn plan(&self) -> SharedPlan {
        SharedPlan::new(self.resolved())
    }

    fn holds_no_requests(&self) -> Option<&'static str> {
        (self.initial() == 0).then_some("KEDA")
    }

    fn grounds(&self) -> &'static [Ground] {
        &[Ground::Nodes]
    }
}

impl KedaSpec {
    fn initial(&self) -> u32 {
        self.initial_replicas.unwrap_or(self.min_replica_count)
    }

    /// The settings for the simulator.
    fn resolved(&self) -> KedaPlan {
        let keda = keda::KedaSettings {
            polling_interval: self.polling_interval,
            cooldown_period: self.cooldown_period,
            initial_cooldown_period: self.initial_cooldown_period,
            min_replicas: self.min_replica_count,
            idle_replicas: self.idle_replica_count,
            activation_threshold: self.activation_threshold,
            fallback: self.fallback.map(|fallback| keda::Fallback {
                failure_threshold: fallback.failure_threshold,
                replicas: fallback.replicas,
            }),
        };
        let behind = HpaSpec {
            min_replicas: keda.hpa_min(),
            max_replicas: self.max_replica_count,
            in_flight: self.in_flight,
            rate: self.rate,
            behavior: self.behavior.clone(),
            metric_window: self.metric_window,
            metric_lag: self.metric_lag,
            metric_outages: self.metric_outages.clone(),
            ..HpaSpec::default()
        };
        let HpaPlan { spec, metrics, .. } = behind.resolved();
        KedaPlan {
            replicas: self.initial(),
            keda,
            spec,
            metrics,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_kedas() {
        let plan = toml::from_str::<KedaSpec>("rate = '5/s'").unwrap().resolved();
        assert_eq!((plan.replicas, plan.spec.min, plan.spec.max), (0, 1, 100));
        assert_eq!(plan.keda.min_replicas, 0);
    }
}
