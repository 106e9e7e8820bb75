//! Platforms that run instances in places of their own and look after them by themselves: pods on a cluster. Such a platform
//! is told what becomes of its instances, says when it wants to act, and gives orders.

use crate::units::{SimDuration, SimTime};

/// The identity of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceId {
    /// Creation number within the run.
    pub number: u64,
    /// Slot in the world.
    pub slot: u32,
    /// Position of its service.
    pub service: u16,
    /// Number of its function within the service.
    pub function: u32,
}

/// An order of the platform to the world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Creates instances of a service. The platform is told of each.
    Create {
        /// Position of the service.
        service: u16,
        /// Instances.
        count: u32,
    },
    /// Starts an instance.
    Start {
        /// Which.
        instance: InstanceId,
        /// Time before its start, such as that of pulling its image.
        after: SimDuration,
        /// It is asked whether it is ready so often from now on, and is taken to be so with the first answer; zero: as soon
        /// as it could answer.
        probe: SimDuration,
        /// If its initialisation takes longer it is killed after that time, and replaced like one that is killed for its
        /// memory; `None`: it may take any time.
        alive_within: Option<SimDuration>,
    },
    /// Sends an instance no more requests; it ends when its last request is done.
    Drain {
        /// Which.
        instance: InstanceId,
        /// Shortest time until it ends.
        at_least: SimDuration,
        /// Longest time until it ends. Requests that are not done by then fail.
        at_most: SimDuration,
    },
    /// Makes an instance stop answering without notice: its requests fail, and it still gets requests.
    Lose {
        /// Which.
        instance: InstanceId,
    },
    /// Ends an instance at once. Its requests fail.
    Kill {
        /// Which.
        instance: InstanceId,
    },
    /// Lets an instance use so much CPU at most from now on, beside its own limit.
    Limit {
        /// Which.
        instance: InstanceId,
        /// Thousandths of a core.
        cpu: u64,
    },
    /// A node is launched or ends.
    Node {
        /// Its kind, by position in the scenario's list.
        kind: u16,
        /// The change.
        change: NodeChange,
    },
    /// The state of the cluster from now on.
    Tell(ClusterState),
}

/// A change of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeChange {
    /// It is launched.
    Comes,
    /// It is removed because it is not needed any more.
    Goes,
    /// The cloud has taken it back.
    TakenBack {
        /// Time of its launch.
        launched: SimTime,
    },
    /// It has failed, and its replacement begins now.
    Failed,
}

/// The resources of a cluster: what nodes offer, what pods request, and what no pod can use. CPU in thousandths of a core,
/// memory in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusterState {
    /// Nodes that are ready.
    pub nodes: u32,
    /// Pods that have a node.
    pub pods: u32,
    /// Pods that wait for one.
    pub pending: u32,
    /// Resources for pods, those of DaemonSets included.
    pub allocatable: Amount,
    /// Requests of DaemonSets.
    pub daemons: Amount,
    /// Requests of other pods.
    pub requested: Amount,
    /// Free resources on nodes on which no workload's pod fits because CPU is missing.
    pub without_cpu: Amount,
    /// The same where memory is missing.
    pub without_memory: Amount,
    /// The same where both are missing.
    pub without_both: Amount,
    /// The same where the limit of pods is reached.
    pub without_pods: Amount,
    /// Nodes that pods and DaemonSets need at least if they are of the kind of the present ones: the sum of what is asked for
    /// over what the largest node has, by the scarcer of CPU and memory.
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

/// The load of a function since the start of the run.
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

/// The measurements that such a platform can read.
pub trait Sight {
    /// CPU time that an instance has used since its creation, in milli-CPU-nanoseconds.
    fn cpu(&mut self, instance: InstanceId) -> u128;

    /// CPU that an instance could use now within its own limit, in thousandths of a core.
    fn demand(&mut self, instance: InstanceId) -> u64;

    /// Requests in service on an instance.
    fn in_flight(&self, instance: InstanceId) -> u32;

    /// The load of the first function of a service.
    fn load(&mut self, service: u16) -> Load;
}

/// The part of a platform that looks after instances.
pub trait Control {
    /// Instances of a service at the start of the run.
    fn replicas(&self, service: u16) -> u32;

    /// Returns true if its instances run on nodes that all services share.
    fn has_nodes(&self) -> bool;

    /// Time after which a request to an instance that does not answer fails.
    fn connect_timeout(&self) -> SimDuration;

    /// An instance was created, at the start of the run if `initial`. Whether it is up at once, which only such a one can be.
    fn created(&mut self, instance: InstanceId, now: SimTime, initial: bool) -> bool;

    /// An instance is ready.
    fn ready(&mut self, instance: InstanceId, now: SimTime);

    /// An instance whose CPU was limited by an order gets a request after it had nothing to do.
    fn wants_cpu(&mut self, _instance: InstanceId, _now: SimTime) {}

    /// An instance has ended.
    fn ended(&mut self, instance: InstanceId, now: SimTime);

    /// An instance is about to be killed for its memory, or because it did not come up. It ends, and is replaced.
    fn crashes(&mut self, instance: InstanceId, now: SimTime);

    /// An instance that was killed is replaced by another one in the same place, which waits for the order to start.
    fn replaced(&mut self, old: InstanceId, new: InstanceId, now: SimTime);

    /// The next time at which it acts; not before the last time.
    fn next(&self) -> SimTime;

    /// Acts.
    fn act(&mut self, now: SimTime, sight: &mut dyn Sight, orders: &mut Vec<Order>);
}
