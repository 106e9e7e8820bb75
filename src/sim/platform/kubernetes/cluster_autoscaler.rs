//! Cluster Autoscaler: node groups that grow for pods without a node and shrink when nodes are not needed. The files below
//! it have upstream's names.
//!
//! Every scan interval:
//! 1. Scale-up adds nodes of one group for pods that fit onto no node, and the loop ends.
//! 2. Otherwise scale-down removes nodes that have not been needed for long enough.
//!
//! Source: kubernetes/autoscaler, cluster-autoscaler/FAQ.md, flags and "How does scale-up/scale-down work", 2026-08. Choices:
//! pods are put onto new nodes first fit, larger ones first by the mean of their shares of CPU and memory; all groups have
//! the same priority; only missing space for its pods elsewhere and their disruption budgets block the removal of a node.

mod expander;
mod scale_down;
mod scale_up;

use super::Kubernetes;
use crate::sim::platform::control::Order;
use crate::units::{SimDuration, SimTime};
pub use expander::Expander;

/// The settings of Cluster Autoscaler, resolved from the scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterAutoscalerPlan {
    /// Time between two looks at the cluster (`--scan-interval`).
    pub scan_interval: SimDuration,
    /// True if nodes are removed (`--scale-down-enabled`).
    pub scale_down_enabled: bool,
    /// Time for which a node must be unneeded before it goes (`--scale-down-unneeded-time`).
    pub scale_down_unneeded_time: SimDuration,
    /// Share of a node's CPU or memory that pods request, below which it is unneeded (`--scale-down-utilization-threshold`).
    pub scale_down_utilization_threshold: f64,
    /// Time after a new node in which none goes (`--scale-down-delay-after-add`).
    pub scale_down_delay_after_add: SimDuration,
    /// Time after a node was deleted in which no other goes (`--scale-down-delay-after-delete`); `None`: the scan interval.
    pub scale_down_delay_after_delete: Option<SimDuration>,
    /// `--max-scale-down-parallelism`: empty nodes that go at a time.
    pub max_scale_down_parallelism: u32,
    /// The rule that chooses among kinds of nodes (`--expander`).
    pub expander: Expander,
}

impl Default for ClusterAutoscalerPlan {
    fn default() -> Self {
        Self {
            scan_interval: SimDuration::from_secs(10),
            scale_down_enabled: true,
            scale_down_unneeded_time: SimDuration::from_secs(600),
            scale_down_utilization_threshold: 0.5,
            scale_down_delay_after_add: SimDuration::from_secs(600),
            scale_down_delay_after_delete: None,
            max_scale_down_parallelism: 10,
            expander: Expander::LeastWaste,
        }
    }
}

/// The state of Cluster Autoscaler.
#[derive(Debug)]
pub(super) struct ClusterAutoscaler {
    plan: ClusterAutoscalerPlan,
    /// When nodes were added last.
    added: Option<SimTime>,
    /// When the deletion of nodes began last.
    deleted: Option<SimTime>,
}

impl ClusterAutoscaler {
    pub(super) fn new(plan: ClusterAutoscalerPlan) -> Self {
        Self {
            plan,
            added: None,
            deleted: None,
        }
    }

    pub(super) fn period(&self) -> SimDuration {
        self.plan.scan_interval
    }

    /// Runs one loop.
    pub(super) fn scan(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        if scale_up::scale_up(platform, self.plan.expander, now, orders) {
            self.added = Some(now);
        } else if self.plan.scale_down_enabled {
            let after_add = self.added.map(|added| added + self.plan.scale_down_delay_after_add);
            let pause = self
                .plan
                .scale_down_delay_after_delete
                .unwrap_or(self.plan.scan_interval);
            let after_delete = self.deleted.map(|deleted| deleted + pause);
            let is_delayed = after_add.max(after_delete).is_some_and(|until| until > now);
            if scale_down::scale_down(platform, &self.plan, is_delayed, now, orders) {
                self.deleted = Some(now);
            }
        }
    }
}
