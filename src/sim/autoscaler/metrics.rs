//! The metrics of pods, as autoscalers see them.

use crate::units::{SimDuration, SimTime};

/// The phase of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodPhase {
    /// Not started yet.
    Pending,
    /// Started.
    Running,
    /// Succeeded or failed.
    Ended,
}

/// The status of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodStatus {
    /// Its phase.
    pub phase: PodPhase,
    /// True if it is about to be deleted.
    pub deleting: bool,
    /// The Ready condition and the time of its last change; `None` without one.
    pub ready: Option<(bool, SimTime)>,
    /// When it started.
    pub started: Option<SimTime>,
}

/// A reading of a metric of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The mean, in thousandths of the metric's unit.
    pub value: i64,
    /// End of the time over which it is a mean.
    pub at: SimTime,
    /// Length of that time.
    pub window: SimDuration,
}

/// The pods of one workload.
pub trait PodMetrics {
    /// Pods that are ready and not about to go.
    fn ready(&self) -> u32;

    /// Mean CPU of the ready pods over the last `window`, or as much of it as was read, in thousandths of a core; `None` if
    /// nothing was read.
    fn mean_cpu(&self, window: SimDuration) -> Option<f64>;

    /// The status of each pod, and its mean CPU over `window` up to the last reading that is at least `lag` old, in
    /// thousandths of a core; `None` if it was not read.
    fn cpu(&self, lag: SimDuration, window: SimDuration) -> (Vec<PodStatus>, Vec<Option<Sample>>);
}
