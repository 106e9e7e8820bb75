//! Provisioners: Cluster Autoscaler, Karpenter, or none.

use super::cluster_autoscaler::ClusterAutoscaler;
use super::karpenter::Karpenter;
use super::nodes::FreeSpace;
use super::plan::Provisioning;
use super::{Due, Kubernetes};
use crate::sim::platform::control::{Amount, Order};
use crate::units::{SimDuration, SimTime};

/// The provisioner of the cluster.
#[derive(Debug)]
pub(super) enum Provisioner {
    /// None: nodes stay as they are.
    None,
    /// Cluster Autoscaler.
    ClusterAutoscaler(ClusterAutoscaler),
    /// Karpenter.
    Karpenter(Karpenter),
}

impl Provisioner {
    pub(super) fn new(plan: &Provisioning) -> Self {
        match plan {
            Provisioning::None => Self::None,
            Provisioning::ClusterAutoscaler(plan) => Self::ClusterAutoscaler(ClusterAutoscaler::new(plan.clone())),
            Provisioning::Karpenter(plan) => Self::Karpenter(Karpenter::new(plan.clone())),
        }
    }

    /// Returns true for Karpenter, which has no node groups.
    pub(super) fn is_karpenter(&self) -> bool {
        matches!(self, Self::Karpenter(_))
    }

    /// The age at which nodes are drained; `None`: never.
    pub(super) fn expire_after(&self) -> Option<SimDuration> {
        match self {
            Self::Karpenter(karpenter) => Some(karpenter.expire_after()),
            Self::None | Self::ClusterAutoscaler(_) => None,
        }
    }

    /// Time between two looks at the nodes.
    pub(super) fn period(&self) -> Option<SimDuration> {
        match self {
            Self::None => None,
            Self::ClusterAutoscaler(autoscaler) => Some(autoscaler.period()),
            Self::Karpenter(karpenter) => Some(karpenter.period()),
        }
    }

    /// Pods wait for a node, the newest of them with this number, and nodes may be `coming`: when it wants to make nodes, if
    /// it has not said so yet.
    pub(super) fn pending(&mut self, newest: u64, coming: bool, now: SimTime) -> Option<SimTime> {
        match self {
            Self::None | Self::ClusterAutoscaler(_) => None,
            Self::Karpenter(karpenter) => karpenter.pending(newest, coming, now),
        }
    }
}

/// A pod that waits for a node, or would wait if its node went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PendingPod {
    pub(super) number: u64,
    pub(super) asks: Amount,
}

/// Pods that wait for a node, in the order of the scheduling queue.
pub(super) fn waiting(platform: &Kubernetes) -> Vec<PendingPod> {
    let numbers = platform.pods.waiting().into_iter();
    numbers.filter_map(|number| of(platform, number)).collect()
}

/// A pod as a pending pod; `None` if it does not exist.
pub(super) fn of(platform: &Kubernetes, number: u64) -> Option<PendingPod> {
    let service = platform.pods.get(number)?.id.service;
    let requests = platform.shape(service).requests;
    Some(PendingPod {
        number,
        asks: Amount {
            cpu: requests.cpu,
            memory: requests.memory >> 20,
        },
    })
}

/// Puts each pod into the first free space that holds it. Returns those that fit nowhere.
pub(super) fn first_fit(pods: Vec<PendingPod>, free: &mut [FreeSpace]) -> Vec<PendingPod> {
    let mut left = pods;
    left.retain(|pod| !free.iter_mut().any(|space| space.take(pod.asks)));
    left
}

/// Runs one loop of the provisioner.
pub(super) fn scan(platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
    with(platform, |provisioner, platform| match provisioner {
        Provisioner::None => {}
        Provisioner::ClusterAutoscaler(autoscaler) => autoscaler.scan(platform, now, orders),
        Provisioner::Karpenter(karpenter) => {
            if let Some(at) = karpenter.disrupt(platform, now) {
                platform.agenda.at(at, Due::Execute);
            }
        }
    });
}

/// Launches nodes for pods that wait.
pub(super) fn provision(platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
    with(platform, |provisioner, platform| {
        if let Provisioner::Karpenter(karpenter) = provisioner {
            karpenter.provision(platform, now, orders);
        }
    });
}

/// Validates and executes the decision about nodes.
pub(super) fn execute(platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
    with(platform, |provisioner, platform| {
        if let Provisioner::Karpenter(karpenter) = provisioner {
            karpenter.execute(platform, now, orders);
        }
    });
}

/// Takes the provisioner out of the platform, so that it can look at the platform.
fn with(platform: &mut Kubernetes, act: impl FnOnce(&mut Provisioner, &mut Kubernetes)) {
    let mut provisioner = std::mem::replace(&mut platform.provisioner, Provisioner::None);
    act(&mut provisioner, platform);
    platform.provisioner = provisioner;
}
