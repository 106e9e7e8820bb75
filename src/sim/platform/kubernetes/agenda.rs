//! What the platform is going to do, in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::SimTime;

/// Something to do. At one instant what comes first here is done first: what has become ready, what is measured, what
/// autoscalers decide, what becomes of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A node may be gone.
    Gone(u32),
    /// A node is ready.
    NodeReady(u32),
    /// A node fails.
    Fails(u32),
    /// A node that has failed is found not to be ready.
    NotReady(u32),
    /// The pods of a node that has failed are deleted.
    GivenUp(u32),
    /// The cloud says that it takes a node back.
    Interrupted(u32),
    /// The cloud takes a node back.
    TakenBack(u32),
    /// A node is too old.
    Expires(u32),
    /// Pods are evicted from a node that budgets have kept.
    Evict(u32),
    /// Kubelets look at the memory of their nodes.
    Pressure,
    /// Kubelets look at the disks of their nodes.
    Images,
    /// A pod of a service has got a machine of its own.
    Launched(u16),
    /// A pod that was killed starts again.
    Restart(u64),
    /// The use of a service's pods is measured.
    Sample(u16),
    /// The number of a service's pods is changed by the clock.
    Scheduled(u16),
    /// A new version of a service is deployed.
    Deploy(u16),
    /// A pod of a service has become ready, or has ended: there may be something to do.
    Rollout(u16),
    /// KEDA looks at a service.
    Poll(u16),
    /// The autoscaler looks at a service.
    Sync(u16),
    /// A request has come to a service without pods.
    Poke(u16),
    /// Nodes are looked at. From here on it is about them.
    Scan,
    /// Nodes are made for pods that wait.
    Provision,
    /// What was decided about nodes is looked at again and done.
    Execute,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<(SimTime, Due)>>);

impl Agenda {
    /// Has something done at `at`.
    pub(super) fn at(&mut self, at: SimTime, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    /// When there is something to do; never if there is nothing.
    pub(super) fn next(&self) -> SimTime {
        self.0.peek().map_or(SimTime::NEVER, |Reverse((at, _))| *at)
    }

    /// What is to be done now or before.
    pub(super) fn take(&mut self, now: SimTime) -> Option<Due> {
        if self.next() > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, due))| due)
    }
}
