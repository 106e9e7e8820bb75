//! Who makes nodes and takes them away.

use super::cluster_autoscaler::ClusterAutoscaler;
use super::karpenter::Karpenter;
use super::nodes::FreeSpace;
use super::plan::Provisioning;
use super::{Due, Kubernetes};
use crate::sim::platform::control::{Amount, Order};
use crate::units::{SimDuration, SimTime};

/// One of them at work.
#[derive(Debug)]
pub(super) enum Provisioner {
    /// Nobody: nodes stay as they are.
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
            Provisioning::ClusterAutoscaler(spec) => Self::ClusterAutoscaler(ClusterAutoscaler::new(spec.clone())),
            Provisioning::Karpenter(spec) => Self::Karpenter(Karpenter::new(spec.clone())),
        }
    }

    /// Whether it makes nodes for pods, and keeps no groups.
    pub(super) fn is_karpenter(&self) -> bool {
        matches!(self, Self::Karpenter(_))
    }

    /// The age at which nodes have to go; `None`: none.
    pub(super) fn expire_after(&self) -> Option<SimDuration> {
        match self {
            Self::Karpenter(karpenter) => Some(karpenter.expire_after()),
            Self::None | Self::ClusterAutoscaler(_) => None,
        }
    }

    /// How often it looks at nodes.
    pub(super) fn period(&self) -> Option<SimDuration> {
        match self {
            Self::None => None,
            Self::ClusterAutoscaler(autoscaler) => Some(autoscaler.period()),
            Self::Karpenter(karpenter) => Some(karpenter.period()),
        }
    }

    /// Pods wait for a node, the newest of them with this number, and nodes may be `coming`: when it wants to make nodes, if it
    /// has not said so yet.
    pub(super) fn pending(&mut self, newest: u64, coming: bool, now: SimTime) -> Option<SimTime> {
        match self {
            Self::None | Self::ClusterAutoscaler(_) => None,
            Self::Karpenter(karpenter) => karpenter.pending(newest, coming, now),
        }
    }
}

/// A pod that waits for a node, or would have to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PendingPod {
    pub(super) number: u64,
    pub(super) asks: Amount,
}

/// Pods that wait for a node, in the order in which the scheduler looks at them.
pub(super) fn waiting(platform: &Kubernetes) -> Vec<PendingPod> {
    let numbers = platform.pods.waiting().into_iter();
    numbers.filter_map(|number| of(platform, number)).collect()
}

/// A pod, as it would be if it had to wait.
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

/// It looks at nodes.
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

/// It makes nodes for pods that wait.
pub(super) fn provision(platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
    with(platform, |provisioner, platform| {
        if let Provisioner::Karpenter(karpenter) = provisioner {
            karpenter.provision(platform, now, orders);
        }
    });
}

/// What it has decided about nodes is looked at again and done.
pub(super) fn execute(platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
    with(platform, |provisioner, platform| {
        if let Provisioner::Karpenter(karpenter) = provisioner {
            karpenter.execute(platform, now, orders);
        }
    });
}

/// It is taken out of the platform while it looks at it.
fn with(platform: &mut Kubernetes, act: impl FnOnce(&mut Provisioner, &mut Kubernetes)) {
    let mut provisioner = std::mem::replace(&mut platform.provisioner, Provisioner::None);
    act(&mut provisioner, platform);
    platform.provisioner = provisioner;
}
