//! `[autoscaler.fixed]`: no autoscaler.

use serde::Deserialize;

use super::AutoscalerKind;
use crate::assumption::Assumption;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::autoscaler::fixed::FixedPlan;
use crate::sim::platform::Ground;
use crate::units::SimDuration;

/// `[autoscaler.fixed]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FixedReplicasSpec {
    /// Pods.
    pub replicas: u32,
    /// Other numbers of pods from some time after the beginning of the run on.
    pub schedule: Vec<Scheduled>,
}

/// So many pods from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// Time since the beginning of the run.
    pub at: SimDuration,
    /// Pods from then on.
    pub replicas: u32,
}

impl Default for FixedReplicasSpec {
    fn default() -> Self {
        Self {
            replicas: 1,
            schedule: Vec::new(),
        }
    }
}

impl AutoscalerKind for FixedReplicasSpec {
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

    fn plan(&self) -> SharedPlan {
        SharedPlan::new(FixedPlan {
            replicas: self.replicas,
            schedule: self.schedule.iter().map(|step| (step.at, step.replicas)).collect(),
        })
    }

    fn grounds(&self) -> &'static [Ground] {
        &[Ground::Tasks, Ground::Nodes]
    }
}
