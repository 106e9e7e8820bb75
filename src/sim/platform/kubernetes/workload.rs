//! A workload: its pods' needs, and the autoscaler that says how many of them there should be.

use super::plan::{DisruptionBudget, Image, PodMemory, WorkloadPlan};
use super::pods::OwnPods;
use crate::sim::autoscaler::{Autoscaler, Timing, WorkloadView};
use crate::sim::cluster::node::PodShape;
use crate::sim::platform::control::Load;
use crate::units::SimTime;

/// The state of a workload.
#[derive(Debug)]
pub(super) struct Workload {
    plan: WorkloadPlan,
    /// Pods that it should have.
    pub(super) replicas: u32,
    /// New versions so far.
    pub(super) revision: u32,
    autoscaler: Box<dyn Autoscaler>,
    /// When its autoscaler reads and decides.
    pub(super) timing: Timing,
    /// Pods that have been asked for and have no machine yet.
    pub(super) launching: u32,
}

/// An occasion on which an autoscaler decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The end of a period.
    Period,
    /// The end of a period of its own for the step from zero and to zero.
    Activation,
    /// A time that the scenario names.
    Clock,
    /// A request has come to a workload without pods.
    Request,
}

impl Workload {
    pub(super) fn new(plan: WorkloadPlan) -> Self {
        let autoscaler = plan.autoscaler.start();
        Self {
            replicas: plan.autoscaler.initial_replicas(),
            revision: 0,
            timing: autoscaler.timing(),
            autoscaler,
            launching: 0,
            plan,
        }
    }

    /// The resources that one of its pods requests from a node.
    pub(super) fn shape(&self, service: u16) -> PodShape {
        let requests = self.plan.requests;
        PodShape {
            priority: self.plan.priority,
            images: self.image(self.revision).iter().map(|image| image.number).collect(),
            ..PodShape::new(Some(requests.cpu), Some(requests.memory << 20), u32::from(service))
        }
    }

    /// The priority of its pods.
    pub(super) fn priority(&self) -> i32 {
        self.plan.priority
    }

    /// The CPU that one of its pods requests, and the most that it may use, in thousandths of a core.
    pub(super) fn cpu_request(&self) -> u64 {
        self.plan.requests.cpu
    }

    /// See above.
    pub(super) fn cpu_limit(&self) -> u64 {
        self.plan.cpu_limit
    }

    /// Its disruption budget.
    pub(super) fn budget(&self) -> Option<DisruptionBudget> {
        self.plan.budget
    }

    /// Memory that one of its pods uses, where that may be more than it requests.
    pub(super) fn memory(&self) -> Option<PodMemory> {
        self.plan.memory
    }

    /// The image of a revision. It shares nothing with those of other revisions.
    pub(super) fn image(&self, revision: u32) -> Option<Image> {
        self.plan.image.map(|image| Image {
            number: image.number + (revision << 16),
            ..image
        })
    }

    /// The autoscaler takes a reading of the load.
    pub(super) fn read(&mut self, now: SimTime, load: Load, pods: OwnPods<'_>) {
        let (autoscaler, view) = self.view(now, load, &pods);
        autoscaler.read(&view);
    }

    /// The autoscaler decides about the number of pods.
    pub(super) fn decide(&mut self, occasion: Occasion, now: SimTime, load: Load, pods: OwnPods<'_>) {
        let (autoscaler, view) = self.view(now, load, &pods);
        self.replicas = match occasion {
            Occasion::Period => autoscaler.decide(&view),
            Occasion::Activation => autoscaler.activate(&view),
            Occasion::Clock => autoscaler.at_time(&view),
            Occasion::Request => autoscaler.request_without_pod(&view),
        };
    }

    fn view<'a>(
        &'a mut self,
        now: SimTime,
        load: Load,
        pods: &'a OwnPods<'a>,
    ) -> (&'a mut dyn Autoscaler, WorkloadView<'a>) {
        let view = WorkloadView {
            now,
            replicas: self.replicas,
            cpu_request: self.plan.requests.cpu,
            load,
            pods,
        };
        (&mut *self.autoscaler, view)
    }
}
