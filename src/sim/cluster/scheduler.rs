//! The kube-scheduler: one pod at a time, a sample of the nodes that it fits onto, the best of them by a weighted sum of
//! scores.
//!
//! Source: kubernetes/kubernetes, pkg/scheduler, releases up to 1.35. Weights of the default profile: PodTopologySpread 2,
//! NodeResourcesFit, NodeResourcesBalancedAllocation and ImageLocality 1 each; taints and affinities are not modelled, and
//! give all nodes the same.
//!
//! A pod costs as many node visits as it takes to find the sample, each of a few dozen integer operations and no
//! allocation: with N nodes the sample has `max(100, N x pct / 100)` of them, `pct = max(5, 50 - N / 125)`, so 100,000 pods
//! on 5,000 nodes are some 50 million visits while most nodes have room.

mod allocated;
mod balanced;
mod cycle;
mod images;
mod preempt;
mod ratio;
mod spread;

pub use allocated::{Share, least_allocated, most_allocated};
pub use balanced::{balanced, balanced_change};
pub use cycle::{Cluster, NoNode, Placement, Scheduler, SchedulerSettings, Strategy, sample_size};
pub use images::image_locality;
pub use preempt::{Preemption, Running, preempt};
pub use ratio::{Point, piecewise, requested_to_capacity};
pub use spread::spread;

/// The best score of a rule.
const MOST: i64 = 100;
