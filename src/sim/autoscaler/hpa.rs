//! The Kubernetes HorizontalPodAutoscaler, version 2.
//!
//! Source: kubernetes/kubernetes, pkg/controller/podautoscaler, 1.37 development line: `replica_calculator.go` for classes of
//! pods and proposals, `horizontal.go` for the reconcile, stabilisation and limits. Defaults: the API's and the controller
//! manager's.

mod behavior;
mod limits;
mod pods;
mod proposal;
mod reconcile;
mod stabilise;

pub use behavior::{Behavior, Policy, PolicyKind, Rules, Select};
pub use limits::{Condition, Event, Limited, limited, rate_limited};
pub use pods::{Groups, Phase, Pod, ReadinessRules, Sample, group};
pub use proposal::{
    Measured, NoProposal, Proposal, Tolerance, average_value, pods_average, ready_and_running, utilisation, value,
};
pub use reconcile::{Decision, Hpa, Spec};
pub use stabilise::{Recommendation, stabilised, stabilised_with_behavior};
