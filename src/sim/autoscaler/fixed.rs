//! No autoscaler: a fixed number of pods, or numbers by the clock.

use super::{Autoscaler, AutoscalerPlan, Timing, WorkloadView};
use crate::units::{SimDuration, SimTime};

/// Numbers of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedPlan {
    /// Pods at the start of the run.
    pub replicas: u32,
    /// Times since the start of the run, and the pods from then on, in order of time.
    pub schedule: Vec<(SimDuration, u32)>,
}

impl AutoscalerPlan for FixedPlan {
    fn initial_replicas(&self) -> u32 {
        self.replicas
    }

    fn start(&self) -> Box<dyn Autoscaler> {
        Box::new(self.clone())
    }
}

impl Autoscaler for FixedPlan {
    fn timing(&self) -> Timing {
        Timing {
            at: self.schedule.iter().map(|(at, _)| *at).collect(),
            ..Timing::default()
        }
    }

    fn at_time(&mut self, view: &WorkloadView<'_>) -> u32 {
        let reached = self.schedule.iter().rfind(|(at, _)| SimTime::ZERO + *at <= view.now);
        reached.map_or(view.replicas, |(_, replicas)| *replicas)
    }
}
