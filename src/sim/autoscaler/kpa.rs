//! The Knative Serving pod autoscaler (KPA).
//!
//! Source: knative/serving, main at 98e5ef90 (2026-08-21): `pkg/autoscaler/aggregation` for averages and maxima over time,
//! `pkg/reconciler/autoscaling/resources/target.go` for what a pod should carry, `pkg/autoscaler/metrics/sample_size.go` for
//! how many pods are asked, `pkg/autoscaler/scaling/autoscaler.go` for the decision, `scaler.go` and `kpa.go` in
//! `pkg/reconciler/autoscaling/kpa` for the way from there to replicas. Defaults: `config-autoscaler` and `config-defaults`.
//!
//! Both metrics, concurrent requests and requests per second, take the same path; values are in the metric's unit.

mod decide;
mod scale;
mod scaler;
mod target;
mod window;

pub use decide::{Decider, KpaDecision, KpaSettings, Observed, TICK, panic_window};
pub use scale::{Activity, KpaRules, RevisionOutcome, RevisionStatus, RevisionView, ServeMode, mode, reconcile};
pub use scaler::KpaPlan;
pub use target::{Defaults, KpaMetric, PodTarget, TargetSpec, activators, resolve, sample_size};
pub use window::{BUCKET, BucketWindow, MaxWindow, Weighting, smoothing_coefficient};
