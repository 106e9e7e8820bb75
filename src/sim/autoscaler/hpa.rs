//! The Kubernetes HorizontalPodAutoscaler, version 2.
//!
//! Source: kubernetes/kubernetes, pkg/controller/podautoscaler, 1.37 development line: `replica_calculator.go` for classes of
//! pods and proposals, `horizontal.go` for the reconcile, stabilisation and limits. Defaults: the API's and the controller
//! manager's.

mod behavior;
mod limits;
pub(super) mod metrics;
mod pods;
mod proposal;
mod reconcile;
mod scaler;
mod stabilise;

pub use behavior::{Behavior, HpaPolicy, HpaRules, PolicyKind, Select};
pub use limits::{Condition, Limited, ScaleEvent, limited, rate_limited};
pub use metrics::{MetricTarget, Metrics};
pub use pods::{Groups, ReadinessRules, group};
pub use proposal::{
    Measured, NoProposal, Proposal, Tolerance, average_value, pods_average, ready_and_running, utilisation, value,
};
pub use reconcile::{Hpa, HpaDecision, HpaSettings};
pub use scaler::HpaPlan;
pub use stabilise::{Recommendation, stabilised, stabilised_with_behavior};
