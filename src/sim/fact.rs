//! Facts: the events of a run, as observers are told. Physical amounts only: no prices, no objectives.

use std::ops::{AddAssign, Sub};

use crate::sim::late::Spans;
use crate::sim::platform::control::NodeChange;
use crate::units::{SimDuration, SimTime};

/// The outcome of a request that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was answered.
    Completed,
    /// It exceeded the platform's timeout.
    TimedOut,
    /// Its instance was killed because it ran out of memory or its node went, or does not answer any more.
    Failed,
}

/// The reason for a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reject {
    /// The account's or the function's concurrency limit.
    Concurrency,
    /// The platform's limit of requests per second.
    RequestRate,
    /// The platform's limit of new instances per time.
    ScalingRate,
    /// The most instances that the scenario allows.
    MaxInstances,
    /// The most waiting requests that the scenario allows.
    QueueFull,
    /// No instance had a free slot for too long.
    Pending,
    /// No instance was ready.
    NoEndpoint,
}

impl Reject {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency-limit",
            Self::RequestRate => "request-rate-limit",
            Self::ScalingRate => "scaling-rate-limit",
            Self::MaxInstances => "max-instances",
            Self::QueueFull => "queue-full",
            Self::Pending => "pending-too-long",
            Self::NoEndpoint => "no-ready-instance",
        }
    }
}

/// The meaning of a fact about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// A whole request.
    Request,
    /// One attempt of a call. The end of the call is a fact of its own.
    Attempt,
    /// A request of the operator, to keep an instance warm.
    Ping,
}

/// The end of a call, for services whose clients have timeouts or retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Position of its service.
    pub service: u16,
    /// Number of its function within the service.
    pub function: u32,
    /// How many calls of this function came before it.
    pub index: u64,
    /// When it was made.
    pub arrived: SimTime,
    /// When it was answered, or its last attempt was lost.
    pub at: SimTime,
    /// Its outcome, if its last attempt was not rejected.
    pub outcome: Outcome,
    /// The reason for the rejection of its last attempt, if it was rejected.
    pub rejected: Option<Reject>,
}

/// A request, or one attempt of a call, that ran to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Position of its service.
    pub service: u16,
    /// Number of its function within the service.
    pub function: u32,
    /// How many requests of this function arrived before it.
    pub index: u64,
    /// When it arrived.
    pub arrived: SimTime,
    /// When its service began, after any wait and start of an instance.
    pub started: SimTime,
    /// When it ended.
    pub finished: SimTime,
    /// Number of the instance that served it, unique within its function.
    pub instance: u64,
    /// True if an instance was started for it.
    pub cold: bool,
    /// True if it is the first request of its instance, which was started for it or ahead of it.
    pub first_use: bool,
    /// Initialisation of that instance; zero for a request that is not the first one there.
    pub init: SimDuration,
    /// How it ended.
    pub outcome: Outcome,
    /// Whole request, attempt or ping.
    pub role: Role,
    /// True if an instance of provisioned concurrency served it.
    pub provisioned: bool,
}

/// The state of a service's instances at one instant, or its integral over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FleetState<T> {
    /// Instances that start.
    pub starting: T,
    /// Instances with at least one request in service.
    pub busy: T,
    /// Instances without a request.
    pub idle: T,
    /// Requests that wait for an instance.
    pub queued: T,
    /// Nodes of the cluster, which all services share: they are counted with the first one.
    pub nodes: T,
    /// CPU time that requests used, in thousandths of a core: an integral only, and only on clusters.
    pub cpu: T,
    /// Requests in service: an integral only, and only on clusters.
    pub in_flight: T,
}

impl<T: AddAssign> AddAssign for FleetState<T> {
    fn add_assign(&mut self, other: Self) {
        self.starting += other.starting;
        self.busy += other.busy;
        self.idle += other.idle;
        self.queued += other.queued;
        self.nodes += other.nodes;
        self.cpu += other.cpu;
        self.in_flight += other.in_flight;
    }
}

impl<T: Sub<Output = T>> Sub for FleetState<T> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            starting: self.starting - other.starting,
            busy: self.busy - other.busy,
            idle: self.idle - other.idle,
            queued: self.queued - other.queued,
            nodes: self.nodes - other.nodes,
            cpu: self.cpu - other.cpu,
            in_flight: self.in_flight - other.in_flight,
        }
    }
}

/// The activity of an instance from now on, for meters that bill for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Position of its service.
    pub service: u16,
    /// Number of its function within the service.
    pub function: u32,
    /// Number of the instance, unique within its function.
    pub instance: u64,
    /// Since when.
    pub at: SimTime,
    /// True while it starts.
    pub starting: bool,
    /// Requests in service; without meaning while it starts.
    pub requests: u32,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// A request arrived.
    Arrived {
        /// Position of its service.
        service: u16,
        /// When.
        at: SimTime,
    },
    /// A request ran to an end.
    Finished(Finished),
    /// A request was rejected.
    Rejected {
        /// Position of its service.
        service: u16,
        /// Number of its function within the service.
        function: u32,
        /// When it had arrived.
        arrived: SimTime,
        /// When it was rejected.
        at: SimTime,
        /// Why.
        reason: Reject,
        /// Whole request, attempt or ping.
        role: Role,
    },
    /// A waiting request exceeded its timeout.
    GaveUp {
        /// Position of its service.
        service: u16,
        /// Number of its function within the service.
        function: u32,
        /// When it had arrived.
        arrived: SimTime,
        /// When the timeout ended.
        at: SimTime,
        /// Whole request, attempt or ping.
        role: Role,
    },
    /// A request or a call got its answer later than [`ServiceSetup::explain_above`](crate::sim::setup::ServiceSetup::explain_above).
    Late {
        /// Position of its service.
        service: u16,
        /// When it had arrived.
        arrived: SimTime,
        /// The time that it spent, by class.
        spans: Spans,
    },
    /// A call gets another attempt.
    Retried {
        /// Position of its service.
        service: u16,
        /// When the call was made.
        arrived: SimTime,
        /// When the attempt before was lost.
        at: SimTime,
    },
    /// A call ended.
    Ended(Ended),
    /// An instance was started for a request.
    ColdStart {
        /// Position of its service.
        service: u16,
        /// When.
        at: SimTime,
    },
    /// An instance is ready that was not started for a request.
    Prepared {
        /// Position of its service.
        service: u16,
        /// When.
        at: SimTime,
        /// Its initialisation.
        init: SimDuration,
        /// True if it belongs to provisioned concurrency.
        provisioned: bool,
    },
    /// The provisioned concurrency of a function is changed.
    Configured {
        /// Position of its service.
        service: u16,
        /// Number of the function within the service.
        function: u32,
        /// When.
        at: SimTime,
        /// Instances.
        provisioned: u32,
    },
    /// The number of machines that exist or start for one function alone.
    Hosts {
        /// Position of its service.
        service: u16,
        /// Number of the function within the service.
        function: u32,
        /// Since when.
        at: SimTime,
        /// Machines.
        hosts: u32,
    },
    /// An instance is created, becomes ready, or has another number of requests in service; only if
    /// [`Setup::tell_activity`](crate::sim::setup::Setup::tell_activity) is set.
    Activity(Activity),
    /// An instance ended.
    Stopped {
        /// Position of its service.
        service: u16,
        /// Number of its function within the service.
        function: u32,
        /// Number of the instance, unique within its function.
        instance: u64,
        /// When it was created.
        created: SimTime,
        /// When it ended.
        at: SimTime,
    },
    /// A node is launched or ends.
    Node {
        /// Its kind, by position in the scenario's list.
        kind: u16,
        /// When.
        at: SimTime,
        /// The change.
        change: NodeChange,
    },
    /// The state of a service at a sampling instant.
    Sampled {
        /// Position of the service.
        service: u16,
        /// When.
        at: SimTime,
        /// Integrals over time since the start of the run, in instance-nanoseconds and request-nanoseconds.
        area: FleetState<i128>,
    },
}
