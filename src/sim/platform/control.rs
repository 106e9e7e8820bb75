//! Platforms that run instances in places of their own and look after them by themselves: pods on a cluster. Such a platform
//! is told what becomes of its instances, says when it wants to act, and gives orders.

use crate::units::{SimDuration, SimTime};

/// An instance as such a platform knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceId {
    /// Creation number within the run.
    pub number: u64,
    /// Its slot in the world.
    pub slot: u32,
    /// Position of its service.
    pub service: u16,
    /// Number of its function within the service.
    pub function: u32,
}

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// So many instances of a service are created. The platform is told of each.
    Create {
        /// Position of the service.
        service: u16,
        /// Instances.
        count: u32,
    },
    /// An instance begins to start.
    Start {
        /// Which.
        instance: InstanceId,
        /// What has to be done before its start, such as pulling its image.
        after: SimDuration,
        /// It is asked whether it is ready so often from now on, and is taken to be so with the first answer; zero: as soon
        /// as it could answer.
        probe: SimDuration,
        /// If its initialisation takes longer it is killed after that time, and replaced like one that is killed for its memory;
        /// `None`: it may take any time.
        alive_within: Option<SimDuration>,
    },
    /// An instance takes no more requests and ends with the last one that it has.
    Drain {
        /// Which.
        instance: InstanceId,
        /// It does not end earlier.
        at_least: SimDuration,
        /// It does not end later: what is not done by then fails.
        at_most: SimDuration,
    },
    /// An instance stops answering, and nobody has noticed: what it has fails, and it goes on getting requests.
    Lose {
        /// Which.
        instance: InstanceId,
    },
    /// An instance ends at once, and what it has fails.
    Kill {
        /// Which.
        instance: InstanceId,
    },
    /// A node of a kind comes into being, or goes.
    Node {
        /// Its kind, by position in the scenario's list.
        kind: u16,
        /// What becomes of it.
        change: NodeChange,
    },
    /// The state of the cluster from now on.
    Tell(ClusterState),
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeChange {
    /// It is launched.
    Comes,
    /// It is not needed any more.
    Goes,
    /// The cloud has taken it back, which had been there since then.
    TakenBack {
        /// When it was launched.
        launched: SimTime,
    },
    /// It has failed, and is given up now.
    Failed,
}

/// What a cluster has, what pods ask of it, and what of the rest is of no use. CPU in thousandths of a core, memory in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusterState {
    /// Nodes that are ready.
    pub nodes: u32,
    /// Pods that have a node.
    pub pods: u32,
    /// Pods that wait for one.
    pub pending: u32,
    /// What pods can have, that of DaemonSets included.
    pub allocatable: Amount,
    /// What DaemonSets ask for.
    pub daemons: Amount,
    /// What other pods ask for.
    pub requested: Amount,
    /// What is free on nodes that have no room for one more of any workload's pods for want of CPU.
    pub without_cpu: Amount,
    /// The same for want of memory.
    pub without_memory: Amount,
    /// The same for want of both.
    pub without_both: Amount,
    /// The same because they have as many pods as they may have.
    pub without_pods: Amount,
    /// Nodes that pods and DaemonSets need at least if they are of the kind of the present ones: the sum of what is asked for over
    /// what the largest node has, by the scarcer of CPU and memory.
    pub least_nodes: u32,
}

/// CPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Thousandths of a core.
    pub cpu: u64,
    /// MiB.
    pub memory: u64,
}

impl Amount {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }
}

/// What a function has had to do since the start of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests that came.
    pub arrivals: u64,
    /// Integral over time of the requests in service, in request-nanoseconds.
    pub in_flight: i128,
    /// The same of requests that wait for an instance.
    pub waiting: i128,
    /// Requests that wait for an instance now.
    pub queued: u32,
}

/// What such a platform may look at.
pub trait Sight {
    /// CPU time that an instance has used since its creation, in milli-CPU-nanoseconds.
    fn cpu(&mut self, instance: InstanceId) -> u128;

    /// Requests in service on an instance.
    fn in_flight(&self, instance: InstanceId) -> u32;

    /// What the first function of a service has had to do.
    fn load(&mut self, service: u16) -> Load;
}

/// The part of a platform that looks after instances.
pub trait Control {
    /// Instances of a service at the start of the run.
    fn replicas(&self, service: u16) -> u32;

    /// Whether its places are nodes, which all share.
    fn has_nodes(&self) -> bool;

    /// How long a request waits for an instance that does not answer, until it fails.
    fn connect_timeout(&self) -> SimDuration;

    /// An instance was created, at the start of the run if `initial`. Whether it is up at once, which only such a one can be.
    fn created(&mut self, instance: InstanceId, now: SimTime, initial: bool) -> bool;

    /// An instance is up.
    fn ready(&mut self, instance: InstanceId, now: SimTime);

    /// An instance has ended.
    fn ended(&mut self, instance: InstanceId, now: SimTime);

    /// An instance is about to be killed for its memory, or because it did not come up. It ends, and is replaced.
    fn crashes(&mut self, instance: InstanceId, now: SimTime);

    /// An instance that was killed is replaced by another one in the same place, which waits for the order to start.
    fn replaced(&mut self, old: InstanceId, new: InstanceId, now: SimTime);

    /// When it wants to act; not before the last time it did.
    fn next(&self) -> SimTime;

    /// Acts.
    fn act(&mut self, now: SimTime, sight: &mut dyn Sight, orders: &mut Vec<Order>);
}
