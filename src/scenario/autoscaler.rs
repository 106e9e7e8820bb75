//! `[autoscaler.<kind>]`: how many pods a Deployment has.
//!
//! Keys are those of the APIs, in kebab-case: `autoscaling/v2` HorizontalPodAutoscaler and the controller manager's flags,
//! and KEDA's ScaledObject.

mod ecs;
mod hpa;
mod keda;

use serde::Deserialize;

use crate::assumption::Assumption;
use crate::registry::registry;
use crate::sim::platform::kubernetes::{MetricTarget, Scaling};
use crate::units::{PerSecond, SimDuration};
pub use ecs::{StepScalingSpec, TargetTrackingSpec};
pub use hpa::HpaSpec;
pub use keda::KedaSpec;

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
    fn assumptions(&self) -> Vec<Assumption>;

    /// What the simulator is told.
    fn scaling(&self) -> Scaling;

    /// Whether it is for ECS services, or for Deployments; `None`: for both.
    fn is_of_ecs(&self) -> Option<bool>;
}

/// A time in which metrics cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
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

    fn assumptions(&self) -> Vec<Assumption> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::autoscaler::hpa;

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
