//! `[autoscaler.<kind>]`: how many pods a Deployment has.
//!
//! Keys are those of the APIs, in kebab-case: `autoscaling/v2` HorizontalPodAutoscaler and the controller manager's flags,
//! and KEDA's ScaledObject.

mod ecs;
mod fixed;
mod hpa;
mod keda;

use crate::assumption::Assumption;
use crate::registry::registry;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::platform::Ground;
pub use ecs::{StepScalingSpec, TargetTrackingSpec};
pub use fixed::FixedReplicasSpec;
pub use hpa::HpaSpec;
pub use keda::KedaSpec;

registry! {
    /// A `[autoscaler.<kind>]` table.
    pub enum AutoscalerSpec: AutoscalerKind {
        /// Nobody: so many pods, or so many by the clock.
        "fixed" => Fixed(FixedReplicasSpec),
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

/// A kind of autoscaler: the settings behind one row of the registry.
pub trait AutoscalerKind {
    /// Everything that is wrong with the settings, each with the way out.
    fn problems(&self) -> Vec<String>;

    /// Choices that move the numbers, in words.
    fn assumptions(&self) -> Vec<Assumption>;

    /// The settings for the simulator.
    fn plan(&self) -> SharedPlan;

    /// Its name if it may leave a workload without pods and holds no requests then.
    fn holds_no_requests(&self) -> Option<&'static str> {
        None
    }

    /// The grounds whose workloads it scales.
    fn grounds(&self) -> &'static [Ground];
}

/// The settings of a workload for which the scenario names no autoscaler: one pod.
pub(in crate::scenario) fn without() -> SharedPlan {
    FixedReplicasSpec::default().plan()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        let spec: AutoscalerSpec = toml::from_str(text).unwrap();
        spec.part().problems().len()
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
            ("[hpa]\n[hpa.behavior.scale-up]\ntolerance = -0.1", 1),
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
