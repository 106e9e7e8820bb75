//! `[autoscaler.hpa]`: the HorizontalPodAutoscaler.

use serde::Deserialize;

use super::AutoscalerKind;
use crate::assumption::{Assumption, Topic};
use crate::sim::autoscaler::SharedPlan;
use crate::sim::autoscaler::hpa::{self, HpaPlan, MetricTarget, Metrics};
use crate::sim::platform::Ground;
use crate::units::{PerSecond, SimDuration};

/// `[autoscaler.hpa]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HpaSpec {
    /// The fewest pods (`minReplicas`); 0 needs a metric that can be read without pods.
    pub min_replicas: u32,
    /// The most pods (`maxReplicas`).
    pub max_replicas: u32,
    /// Pods at the beginning; `None`: `min-replicas`.
    pub initial_replicas: Option<u32>,
    /// `averageUtilization` of CPU in percent of the request; `None` with no other metric: 80.
    pub cpu: Option<u32>,
    /// `averageValue` of requests in flight and waiting.
    pub in_flight: Option<f64>,
    /// `averageValue` of requests per second.
    pub rate: Option<PerSecond>,
    /// `--horizontal-pod-autoscaler-tolerance`, where `behavior` does not give one for the direction.
    pub tolerance: f64,
    /// `behavior`; `None`: as without it.
    pub behavior: Option<BehaviorSpec>,
    /// Time between two decisions (`--horizontal-pod-autoscaler-sync-period`).
    pub sync_period: SimDuration,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, where there is no `behavior`.
    pub downscale_stabilization: SimDuration,
    /// Time after the start of a pod in which its CPU counts only if it was ready (`--horizontal-pod-autoscaler-cpu-initialization-period`).
    pub cpu_initialization_period: SimDuration,
    /// Time after the start of a pod in which it counts as not yet ready (`--horizontal-pod-autoscaler-initial-readiness-delay`).
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
        let (spec, readiness) = (hpa::HpaSettings::default(), hpa::ReadinessRules::default());
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

    /// A workload without pods is switched off, so that the run begins with one at least.
    fn initial(&self) -> u32 {
        self.initial_replicas.unwrap_or(self.min_replicas.max(1))
    }

    /// Deviations that change nothing: those of `behavior`, else the controller manager's.
    fn tolerances(&self) -> hpa::Tolerance {
        let of = |rules: fn(&BehaviorSpec) -> &Option<RulesSpec>| {
            let rules = self.behavior.as_ref().and_then(|behavior| rules(behavior).as_ref());
            rules.and_then(|rules| rules.tolerance).unwrap_or(self.tolerance)
        };
        hpa::Tolerance {
            up: of(|behavior| &behavior.scale_up),
            down: of(|behavior| &behavior.scale_down),
        }
    }

    /// The settings for the simulator.
    pub(super) fn resolved(&self) -> HpaPlan {
        HpaPlan {
            replicas: self.initial(),
            spec: self.spec(),
            metrics: self.metrics(),
        }
    }

    fn metrics(&self) -> Metrics {
        Metrics {
            targets: self.targets(),
            tolerance: self.tolerances(),
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

    fn spec(&self) -> hpa::HpaSettings {
        hpa::HpaSettings {
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
        if self.min_replicas == 0 && self.targets().into_iter().all(MetricTarget::is_cpu) {
            problems.push(
                "`min-replicas = 0` needs a metric that can be read without pods: add `rate` or `in-flight`, or set \
                 `min-replicas` to at least 1"
                    .into(),
            );
        }
        if self.initial_replicas == Some(0) {
            problems.push(
                "`initial-replicas` must be at least 1: a HorizontalPodAutoscaler leaves a workload alone that begins without \
                 pods"
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
        let hpa::Tolerance { up, down } = self.tolerances();
        let wrong = [self.tolerance, up, down]
            .into_iter()
            .find(|value| !(0.0..1.0).contains(value));
        problems.extend(wrong.map(|value| format!("`tolerance` is {value}; it must be at least 0 and below 1")));
        problems.extend(self.behavior.iter().flat_map(BehaviorSpec::problems));
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Autoscaler.small(format!(
            "the HorizontalPodAutoscaler looks every {} at a mean over {} that is read every {} and {} old when it is seen",
            self.sync_period, self.metric_window, self.metric_resolution, self.metric_lag
        ))]
    }

    fn plan(&self) -> SharedPlan {
        SharedPlan::new(self.resolved())
    }

    fn holds_no_requests(&self) -> Option<&'static str> {
        (self.min_replicas == 0).then_some("the HorizontalPodAutoscaler")
    }

    fn grounds(&self) -> &'static [Ground] {
        &[Ground::Nodes]
    }
}

/// A time in which metrics cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Time since the beginning of the run.
    pub from: SimDuration,
    /// How long it lasts.
    pub lasts: SimDuration,
}

impl Outage {
    fn span(self) -> (SimDuration, SimDuration) {
        (self.from, self.from + self.lasts)
    }
}

/// The target of each metric for a pod. Several metrics are evaluated together, and the highest number of pods wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) struct Targets {
    pub(super) cpu: Option<u32>,
    pub(super) in_flight: Option<f64>,
    pub(super) rate: Option<PerSecond>,
}

impl Targets {
    pub(super) fn targets(&self) -> Vec<MetricTarget> {
        let thousandths = |value: f64| (value * 1e3).round() as i64;
        let cpu = self.cpu.map(|percent| MetricTarget::Cpu(i64::from(percent)));
        let in_flight = self.in_flight.map(|each| MetricTarget::InFlight(thousandths(each)));
        let rate = self.rate.map(|rate| MetricTarget::Rate(thousandths(rate.0)));
        [cpu, in_flight, rate].into_iter().flatten().collect()
    }

    pub(super) fn problems(&self) -> Vec<String> {
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

/// Rules of scaling up and down (`behavior`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BehaviorSpec {
    /// `scaleUp`; `None`: the API's.
    pub scale_up: Option<RulesSpec>,
    /// `scaleDown`; `None`: the API's.
    pub scale_down: Option<RulesSpec>,
}

/// The rules of one direction.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RulesSpec {
    /// `stabilizationWindowSeconds`; `None`: the API's.
    pub stabilization_window: Option<SimDuration>,
    /// `selectPolicy`; `None`: the largest change.
    pub select_policy: Option<SelectSpec>,
    /// `policies`; empty: the API's.
    pub policies: Vec<PolicySpec>,
    /// `tolerance`: the deviation from the target in this direction that changes nothing; `None`: that of the controller
    /// manager.
    pub tolerance: Option<f64>,
}

/// The policy that holds where there are several: the largest change, the smallest, or no change at all (`selectPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicySpec {
    /// The meaning of `value`.
    pub r#type: PolicyType,
    /// Most change.
    pub value: u32,
    /// Time in which the change counts (`periodSeconds`).
    pub period: SimDuration,
}

/// The meaning of the value of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PolicyType {
    /// So many pods.
    Pods,
    /// So many percent.
    Percent,
}

impl RulesSpec {
    fn rules(&self, api: hpa::HpaRules) -> hpa::HpaRules {
        let policies = self.policies.iter().map(|policy| hpa::HpaPolicy {
            kind: match policy.r#type {
                PolicyType::Pods => hpa::PolicyKind::Pods,
                PolicyType::Percent => hpa::PolicyKind::Percent,
            },
            value: policy.value,
            period: policy.period,
        });
        hpa::HpaRules {
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
        let or_api = |given: &Option<RulesSpec>, api: hpa::HpaRules| match given {
            Some(rules) => rules.rules(api),
            None => api,
        };
        hpa::Behavior {
            up: or_api(&self.scale_up, hpa::HpaRules::up()),
            down: or_api(&self.scale_down, hpa::HpaRules::down()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::file::autoscaler::AutoscalerSpec;

    fn resolved(text: &str) -> HpaPlan {
        toml::from_str::<HpaSpec>(text).unwrap().resolved()
    }

    #[test]
    fn what_is_left_out_is_the_apis() {
        let plan = resolved("max-replicas = 7");
        let HpaPlan {
            replicas,
            spec,
            metrics,
        } = &plan;
        assert_eq!((*replicas, spec.min, spec.max, &spec.behavior), (1, 1, 7, &None));
        assert_eq!(metrics.targets, [MetricTarget::Cpu(80)]);
        let row: AutoscalerSpec = toml::from_str("[hpa]\nmax-replicas = 7").unwrap();
        assert_eq!(row.part().plan(), SharedPlan::new(plan));
    }

    #[test]
    fn behavior_is_filled_in_by_the_apis_defaults() {
        let plan = resolved(
            "in-flight = 2.5\nrate = '40/s'\n[behavior.scale-up]\nselect-policy = 'min'\n\
             policies = [{ type = 'pods', value = 2, period = '60s' }]",
        );
        assert_eq!(
            plan.metrics.targets,
            [MetricTarget::InFlight(2_500), MetricTarget::Rate(40_000)]
        );
        let behavior = plan.spec.behavior.unwrap();
        assert_eq!((behavior.up.select, behavior.up.policies.len()), (hpa::Select::Min, 1));
        assert_eq!(behavior.down, hpa::HpaRules::down());
    }

    #[test]
    fn each_direction_has_its_own_tolerance() {
        let tolerance = |text: &str| {
            let hpa::Tolerance { up, down } = resolved(text).metrics.tolerance;
            (up, down)
        };
        assert_eq!(tolerance(""), (0.1, 0.1));
        assert_eq!(
            tolerance("tolerance = 0.2\n[behavior.scale-down]\ntolerance = 0.3"),
            (0.2, 0.3)
        );
        assert_eq!(
            tolerance("[behavior.scale-up]\ntolerance = 0.0\n[behavior.scale-down]\ntolerance = 0.05"),
            (0.0, 0.05)
        );
    }

    #[test]
    fn zero_pods_need_a_metric_that_can_be_read_then() {
        let problems = |text: &str| toml::from_str::<HpaSpec>(text).unwrap().problems();
        for text in ["min-replicas = 0", "min-replicas = 0\ncpu = 50"] {
            let problems = problems(text);
            assert!(
                problems.len() == 1 && problems[0].contains("`rate` or `in-flight`"),
                "{problems:?}"
            );
        }
        for text in [
            "min-replicas = 0\nrate = '5/s'",
            "min-replicas = 0\ncpu = 50\nin-flight = 2.0",
        ] {
            assert_eq!(problems(text), [""; 0]);
            assert_eq!(resolved(text).replicas, 1);
        }
        assert_eq!(problems("initial-replicas = 0").len(), 1);
    }
}
