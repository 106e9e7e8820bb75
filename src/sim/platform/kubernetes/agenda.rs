//! The agenda: the platform's future work in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::SimTime;

/// Something to do. At one instant what comes first here is done first: what has become ready, what is measured, what
/// autoscalers decide, what becomes of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A node may have no pods any more.
    Gone(u32),
    /// A node is ready.
    NodeReady(u32),
    /// A node fails.
    Fails(u32),
    /// A node that has failed is found not to be ready.
    NotReady(u32),
    /// The pods of a node that has failed are deleted.
    GivenUp(u32),
    /// The cloud gives notice that it will take a node back.
    Interrupted(u32),
    /// The cloud takes a node back.
    TakenBack(u32),
    /// A node has reached its maximum age.
    Expires(u32),
    /// Evictions that budgets forbade are tried again.
    Evict(u32),
    /// A node shares out its CPU.
    ShareNode(u32),
    /// All nodes share out their CPU.
    Share,
    /// Kubelets look at the memory of their nodes.
    Pressure,
    /// Kubelets look at the disks of their nodes.
    Images,
    /// A pod of a service has got a machine of its own.
    Launched(u16),
    /// A pod that was killed starts again.
    Restart(u64),
    /// The autoscaler of a service reads its metrics.
    Sample(u16),
    /// The scenario's schedule changes the number of a service's pods.
    Scheduled(u16),
    /// A new version of a service is deployed.
    Deploy(u16),
    /// A pod of a service has become ready, or has ended: there may be something to do.
    Rollout(u16),
    /// The autoscaler of a service decides about the step from zero or to zero.
    Poll(u16),
    /// The autoscaler of a service decides.
    Sync(u16),
    /// A request has come to a service without pods.
    Poke(u16),
    /// The provisioner runs one loop. From here on all work is about nodes.
    Scan,
    /// Nodes are launched for pods that wait.
    Provision,
    /// The decision about nodes is validated and executed.
    Execute,
}

/// Future work.
#[derive(Debug, Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<(SimTime, Due)>>);

impl Agenda {
    /// Adds work at the instant `at`.
    pub(super) fn at(&mut self, at: SimTime, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    /// The time of the first work; never without work.
    pub(super) fn next(&self) -> SimTime {
        self.0.peek().map_or(SimTime::NEVER, |Reverse((at, _))| *at)
    }

    /// Takes the first work that is due at `now` or before.
    pub(super) fn take(&mut self, now: SimTime) -> Option<Due> {
        if self.next() > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, due))| due)
    }
}
