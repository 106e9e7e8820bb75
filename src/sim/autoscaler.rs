//! Autoscalers of replicas: from what was measured of a workload to how many pods it should have. Pure: an autoscaler decides
//! and changes nothing but its own memory.
//!
//! An autoscaler is one file of rules here, with its settings as an [`AutoscalerPlan`], and its keys in the scenario. The
//! platform knows it through these two traits alone. The life of an autoscaler:
//! 1. [`AutoscalerPlan::initial_replicas`] says how many pods the run begins with, and [`AutoscalerPlan::start`] starts it.
//! 2. [`Autoscaler::timing`] says when it reads and when it decides. The first time of each period is drawn at random.
//! 3. At one instant [`Autoscaler::read`] comes first, then [`Autoscaler::at_time`], then [`Autoscaler::activate`], then
//!    [`Autoscaler::decide`], and [`Autoscaler::request_without_pod`] last.
//! 4. Each of the last four returns the replicas that the workload should have from now on.

pub mod ecs;
pub mod fixed;
pub mod hpa;
pub mod keda;
pub mod kpa;
pub mod metrics;
pub(crate) mod series;

use std::fmt::Debug;
use std::sync::Arc;

use crate::sim::platform::control::Load;
use crate::units::{SimDuration, SimTime};
use metrics::PodMetrics;

/// The settings of an autoscaler.
pub trait AutoscalerPlan: Debug + Send + Sync {
    /// Pods at the start of the run.
    fn initial_replicas(&self) -> u32;

    /// Returns true if it looks at the CPU of pods.
    fn needs_cpu(&self) -> bool {
        false
    }

    /// Starts an autoscaler for one workload, at the start of the run.
    fn start(&self) -> Box<dyn Autoscaler>;
}

/// Settings that workloads share.
#[derive(Debug, Clone)]
pub struct SharedPlan(Arc<dyn AutoscalerPlan>);

impl SharedPlan {
    /// Settings for any number of workloads.
    pub fn new(plan: impl AutoscalerPlan + 'static) -> Self {
        Self(Arc::new(plan))
    }
}

impl std::ops::Deref for SharedPlan {
    type Target = dyn AutoscalerPlan;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for SharedPlan {
    /// Settings are equal if they print the same.
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

/// The autoscaler of one workload.
pub trait Autoscaler: Debug + Send {
    /// When it reads and decides. Does not change during a run.
    fn timing(&self) -> Timing;

    /// Takes a reading of the workload.
    fn read(&mut self, _view: &WorkloadView<'_>) {}

    /// Decides at the end of a period.
    fn decide(&mut self, view: &WorkloadView<'_>) -> u32 {
        view.replicas
    }

    /// Decides about the step from zero and to zero, where that has a period of its own.
    fn activate(&mut self, view: &WorkloadView<'_>) -> u32 {
        view.replicas
    }

    /// Decides at one of the times of [`Timing::at`].
    fn at_time(&mut self, view: &WorkloadView<'_>) -> u32 {
        view.replicas
    }

    /// Decides when a request has come to a workload that should have no pods.
    fn request_without_pod(&mut self, view: &WorkloadView<'_>) -> u32 {
        view.replicas
    }
}

/// The times at which an autoscaler acts by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timing {
    /// The periods of readings and decisions; `None`: it neither reads nor decides.
    pub periods: Option<Periods>,
    /// Time between two calls of [`Autoscaler::activate`]; `None`: it is not called.
    pub activation: Option<SimDuration>,
    /// Times since the start of the run of the calls of [`Autoscaler::at_time`].
    pub at: Vec<SimDuration>,
    /// Age up to which readings of the CPU of pods are kept; `None`: the CPU of pods is not read.
    pub cpu_history: Option<SimDuration>,
}

/// The periods of an autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// Time between two readings.
    pub read: SimDuration,
    /// Time between two decisions.
    pub decide: SimDuration,
    /// True if readings and decisions fall on the same instants; else the first of each is drawn by itself.
    pub in_step: bool,
}

/// A workload as its autoscaler sees it.
#[derive(Clone, Copy)]
pub struct WorkloadView<'a> {
    /// The instant.
    pub now: SimTime,
    /// Pods that it should have now.
    pub replicas: u32,
    /// CPU that a pod requests, in thousandths of a core.
    pub cpu_request: u64,
    /// The load since the start of the run.
    pub load: Load,
    /// Its pods.
    pub pods: &'a dyn PodMetrics,
}
