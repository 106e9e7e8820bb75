//! The HorizontalPodAutoscaler of one workload.

use super::metrics::{MetricReader, MetricTarget, Metrics};
use super::reconcile::{Hpa, HpaSettings};
use crate::sim::autoscaler::{Autoscaler, AutoscalerPlan, Timing, WorkloadView};

/// The settings of a HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaPlan {
    /// Pods at the start of the run.
    pub replicas: u32,
    /// Bounds and behaviour.
    pub spec: HpaSettings,
    /// Metrics.
    pub metrics: Metrics,
}

impl AutoscalerPlan for HpaPlan {
    fn initial_replicas(&self) -> u32 {
        self.replicas
    }

    fn needs_cpu(&self) -> bool {
        self.metrics.targets.iter().copied().any(MetricTarget::is_cpu)
    }

    fn start(&self) -> Box<dyn Autoscaler> {
        Box::new(HpaScaler {
            hpa: Hpa::new(self.spec.clone()),
            reader: MetricReader::new(self.metrics.clone()),
        })
    }
}

#[derive(Debug)]
struct HpaScaler {
    hpa: Hpa,
    reader: MetricReader,
}

impl Autoscaler for HpaScaler {
    fn timing(&self) -> Timing {
        self.reader.timing()
    }

    fn read(&mut self, view: &WorkloadView<'_>) {
        self.reader.read(view);
    }

    fn decide(&mut self, view: &WorkloadView<'_>) -> u32 {
        self.reader.read(view);
        let proposals = || self.reader.proposals(view, None);
        self.hpa.reconcile(view.replicas, view.now, proposals).replicas
    }
}
