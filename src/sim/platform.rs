//! Platforms: who serves a request, who starts, who waits, who is turned away, and when an idle instance ends.
//!
//! A platform decides by returning values and changes nothing but its own memory (tokens, counters).

pub mod azure_flex;
pub mod azure_functions;
pub mod billed_by;
pub mod cloud_run;
pub mod control;
pub mod fargate;
pub mod fixed;
pub mod knative;
pub mod kubernetes;
pub mod lambda;
pub mod lambda_managed;
mod runs_on;
pub mod scale_per_request;
mod window;

use crate::assumption::Assumption;
use crate::model::profile::CpuMode;
use crate::registry::registry;
use crate::rng::Draws;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::client::Client;
use crate::sim::fact::Reject;
pub use crate::sim::platform::billed_by::{Architecture, BilledBy};
pub use crate::sim::platform::control::Control;
use crate::sim::platform::kubernetes::{ClusterPlan, Kubernetes, Plan};
pub use crate::sim::platform::runs_on::{Restore, RunsOn, TaskMachine};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};

registry! {
    /// A `[platform.<name>]` table.
    pub enum PlatformSpec: PlatformKind {
        /// The generic function platform.
        "scale-per-request" => ScalePerRequest(scale_per_request::ScalePerRequestSpec),
        /// Instances that nobody scales.
        "fixed" => Fixed(fixed::FixedSpec),
        /// AWS Lambda.
        "lambda" => Lambda(lambda::LambdaSpec),
        /// AWS Lambda Managed Instances.
        "lambda-managed" => LambdaManaged(lambda_managed::LambdaManagedSpec),
        /// Google Cloud Run services.
        "cloud-run" => CloudRun(cloud_run::CloudRunSpec),
        /// Azure Functions, Consumption plan.
        "azure-functions" => AzureFunctions(azure_functions::AzureFunctionsSpec),
        /// Azure Functions, Flex Consumption plan.
        "azure-flex" => AzureFlex(azure_flex::AzureFlexSpec),
        /// Deployments on a Kubernetes cluster.
        "kubernetes" => Kubernetes(kubernetes::KubernetesSpec),
        /// Knative Serving on a Kubernetes cluster.
        "knative" => Knative(knative::KnativeSpec),
        /// Amazon ECS on AWS Fargate.
        "fargate" => Fargate(fargate::FargateSpec),
    }
}

/// The answers that a platform's settings give. Nothing outside the file of a platform decides by its name.
pub trait PlatformKind {
    /// Everything that is wrong with the settings, each with the way out.
    fn problems(&self) -> Vec<String>;

    /// Choices where the platform's documents are silent, and defaults that matter, in words.
    fn assumptions(&self) -> Vec<Assumption>;

    /// Returns the resources and limits of each instance and each request.
    fn shape(&self) -> Shape;

    /// The physical facts by which the platform bills. Those of pods on nodes are facts of the resolved `cluster`.
    fn billed_by<'a>(&'a self, _cluster: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::Unknown
    }

    /// The ground that instances stand on, and the settings of pods where there are pods.
    fn runs_on(&self) -> RunsOn {
        RunsOn::Functions
    }

    /// Returns the problem of the size that a service gives its instances in place of the platform's; `None` if the
    /// platform offers it.
    fn size_problem(&self, _cpu: MilliCpu, _memory: MemoryMib) -> Option<String> {
        None
    }

    /// The settings of the autoscaler, where the platform's own keys give them in place of `[autoscaler]`.
    fn autoscaler(&self) -> Option<SharedPlan> {
        None
    }

    /// True if an instance has more CPU while it starts than [`Self::shape`] says for later. Then starts that were measured
    /// with more CPU stand for its starts, where a profile has them.
    fn boosts_start(&self) -> bool {
        self.shape().boost.is_some()
    }

    /// The memory setting that buys this CPU, where CPU follows from memory.
    fn memory_for(&self, _cpu: MilliCpu) -> Option<MemoryMib> {
        None
    }

    /// The restore from a snapshot that takes the place of a start; `None`: instances start as measured.
    fn restore(&self) -> Option<Restore<'_>> {
        None
    }

    /// Services that the settings name, each with the key of the table that names it, such as `function`.
    fn named_services(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    /// Assumptions that a profile of containers brings with it on this platform. `cpu_mode` tells how its starts were
    /// measured.
    fn profile_assumptions(&self, _framework: &str, _cpu_mode: CpuMode) -> Vec<Assumption> {
        Vec::new()
    }

    /// Returns the queue between callers and the platform; `None` if callers wait for the answer.
    fn queue(&self) -> Option<Client> {
        None
    }

    /// Time after which a request gets an error, its waits included, while its instance works on; `None`: none.
    fn request_timeout(&self) -> Option<SimDuration> {
        None
    }

    /// Returns true if functions share resources and therefore cannot be simulated one by one.
    fn couples(&self) -> bool {
        true
    }

    /// The platform at work, for services of these names. Pods have no nodes; see [`Self::build_on`].
    fn build(&self, draws: Draws, services: &[&str]) -> Box<dyn Platform>;

    /// The platform at work on a resolved plan of cluster and workloads, or without one where it has no pods.
    fn build_on(&self, plan: Option<&Plan>, draws: Draws, services: &[&str]) -> Box<dyn Platform> {
        match (self.runs_on().pods(), plan) {
            (Some(template), Some(plan)) => Box::new(Kubernetes::new(template.clone(), plan.clone(), draws)),
            _ => self.build(draws, services),
        }
    }
}

/// The resources and limits of each instance and each request on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shape {
    /// CPU of an instance: names the measured configuration of a profile.
    pub cpu: MilliCpu,
    /// More CPU while an instance starts and shortly after; `None`: the same as ever.
    pub boost: Option<Boost>,
    /// Memory of an instance; `None`: as measured.
    pub memory: Option<MemoryMib>,
    /// Requests that one instance serves at a time.
    pub concurrency: u32,
    /// Which of several free instances takes a request.
    pub routing: Routing,
    /// A request that runs longer is cut off.
    pub timeout: Option<SimDuration>,
    /// An initialisation that takes longer is run again inside the first request.
    pub init_limit: Option<SimDuration>,
    /// A request that waits longer gives up.
    pub queue_timeout: Option<SimDuration>,
    /// True if the platform rejects a request that has waited too long; false if the client gives up.
    pub queue_refuses: bool,
    /// True if instances may be started without a request.
    pub starts_ahead: bool,
    /// Instances of each function at the start.
    pub initial: InitialState,
}

impl Default for Shape {
    /// Instances with one vCPU that serve one request at a time, without limits.
    fn default() -> Self {
        Self {
            cpu: MilliCpu(1000),
            boost: None,
            memory: None,
            concurrency: 1,
            routing: Routing::MostRecentlyUsed,
            timeout: None,
            init_limit: None,
            queue_timeout: None,
            queue_refuses: false,
            starts_ahead: false,
            initial: InitialState::default(),
        }
    }
}

/// More CPU while an instance starts and shortly after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boost {
    /// CPU of the instance then.
    pub cpu: MilliCpu,
    /// For how long after the start.
    pub lasts: SimDuration,
}

/// The decision about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// An instance with a free slot takes it; which one is a matter of routing.
    Warm,
    /// An instance of provisioned concurrency with a free slot takes it.
    Provisioned,
    /// It waits for an instance that is on its way up and has a free slot.
    Join,
    /// A new instance is started for it.
    Start,
    /// It waits in the function's queue.
    Wait,
    /// It waits in the function's queue for so long at most, and an instance is started if `start`.
    Queue {
        /// Longest wait.
        at_most: SimDuration,
        /// True if an instance is started for the waiting request.
        start: bool,
    },
    /// It is turned away.
    Reject(Reject),
}

/// How long an instance that just became idle may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepAlive {
    /// Until this instant, if it stays idle so long.
    Until(SimTime),
    /// Until the end of the run.
    Forever,
    /// It ends at once.
    Stop,
    /// It ends at once, and another one is started at this instant unless a request comes before.
    Rewarm(SimTime),
}

/// When an instance ends: after so long without a request, and once it is idle at an instant or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetime {
    /// Longest time without a request.
    pub idle: SimDuration,
    /// It does not stay idle after that.
    pub latest: SimTime,
}

impl Lifetime {
    /// It does not end by itself.
    pub const FOREVER: Self = Self {
        idle: SimDuration::MAX,
        latest: SimTime::NEVER,
    };

    /// Returns the decision about an instance that is idle from `now` on.
    #[inline]
    pub(crate) fn from(self, now: SimTime) -> KeepAlive {
        let until = (now + self.idle).min(self.latest);
        if until <= now {
            KeepAlive::Stop
        } else {
            KeepAlive::Until(until)
        }
    }
}

/// The state of a function when a request arrives, as the platform sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetView {
    /// The instant of the decision.
    pub now: SimTime,
    /// Position of the service.
    pub service: u16,
    /// Number of the function within the service.
    pub function: u32,
    /// True if a running instance without provisioned concurrency has a free slot.
    pub free: bool,
    /// True if a running instance of provisioned concurrency has a free slot.
    pub free_provisioned: bool,
    /// True if a starting instance has a free slot.
    pub starting_free: bool,
    /// Instances on their way up that have a free slot, and are not of provisioned concurrency.
    pub starting: u32,
    /// Instances of the function: starting, busy and idle.
    pub instances: u32,
    /// Those of them that belong to provisioned concurrency.
    pub provisioned: u32,
    /// Requests of the function in service or waiting for an instance that starts for them.
    pub in_flight: u32,
    /// Those of them on instances of provisioned concurrency.
    pub provisioned_in_flight: u32,
    /// Requests in the function's queue.
    pub queued: u32,
    /// Requests of all functions that share the account's limit in service or waiting for an instance that starts for them;
    /// not those on instances of provisioned concurrency.
    pub account_in_flight: u32,
}

#[cfg(test)]
impl FleetView {
    /// A function with nothing in it, for tests.
    pub(crate) fn empty(now: SimTime) -> Self {
        Self {
            now,
            service: 0,
            function: 0,
            free: false,
            free_provisioned: false,
            starting_free: false,
            starting: 0,
            instances: 0,
            provisioned: 0,
            in_flight: 0,
            provisioned_in_flight: 0,
            queued: 0,
            account_in_flight: 0,
        }
    }
}

/// The resource use of a function since the start of the run, for platforms that act by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Used {
    /// Integral over time of the requests in service or waiting for an instance that starts for them, in
    /// request-nanoseconds.
    pub in_flight: i128,
    /// The part of it on instances of provisioned concurrency.
    pub on_provisioned: i128,
    /// CPU time in milli-CPU-nanoseconds, where requests share the CPU of an instance; else 0.
    pub cpu: u128,
}

/// The state of an instance that has just become idle, as the platform sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceView {
    /// The instant of the decision.
    pub now: SimTime,
    /// Position of the service.
    pub service: u16,
    /// Number of the function within the service.
    pub function: u32,
    /// Number of the function's random stream.
    pub entity: u64,
    /// Number of the instance, unique within its function.
    pub ordinal: u64,
    /// When it was created.
    pub created: SimTime,
    /// True if the instance belongs to provisioned concurrency.
    pub provisioned: bool,
    /// True if the instance was started in advance and has had no request yet.
    pub unused: bool,
}

/// When a platform looks at the functions of a service by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticks {
    /// First time.
    pub first: SimTime,
    /// Time from one to the next.
    pub every: SimDuration,
}

/// The changes of a function that are not caused by its requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scale {
    /// The configured provisioned concurrency from now on; `None`: unchanged.
    pub configured: Option<u32>,
    /// Instances to be started.
    pub start: u32,
    /// Idle instances to be ended.
    pub stop: u32,
    /// Instances of provisioned concurrency to be started.
    pub start_provisioned: u32,
    /// Idle instances of provisioned concurrency to be ended.
    pub stop_provisioned: u32,
    /// Requests of the operator's own that keep instances warm, at once, and how long each holds its instance.
    pub pings: Option<(u32, SimDuration)>,
    /// Machines that are there or on their way for the function's instances, where they have machines of their own.
    pub hosts: Option<u32>,
    /// True if the platform wants to look again even if the function has neither instances nor requests.
    pub awake: bool,
}

/// A platform.
pub trait Platform: Send {
    /// Decides about a request.
    fn admit(&mut self, view: &FleetView) -> Admission;

    /// Returns true if a request of the service always goes to a free instance if there is one. The platform is then
    /// not asked about such requests.
    fn takes_free(&self, _service: u16) -> bool {
        false
    }

    /// When a new instance will end, where that is known from the start; `None`: [`Self::idle`] is asked whenever it becomes
    /// idle.
    fn lifetime(&mut self, _instance: &InstanceView) -> Option<Lifetime> {
        None
    }

    /// Decides about an instance that just became idle.
    fn idle(&mut self, _instance: &InstanceView) -> KeepAlive {
        KeepAlive::Forever
    }

    /// Decides about an instance whose idle time has run out; `instances`: how many the function has.
    fn expired(&mut self, _instance: &InstanceView, _instances: u32) -> KeepAlive {
        KeepAlive::Stop
    }

    /// An instance came up after so long.
    fn came_up(&mut self, _service: u16, _function: u32, _now: SimTime, _took: SimDuration) {}

    /// A request that waited in a queue since `arrived` is served now.
    fn waited(&mut self, _service: u16, _function: u32, _arrived: SimTime, _now: SimTime) {}

    /// Instances of each function that are up from the start on and never end by themselves.
    fn replicas(&self) -> u32 {
        0
    }

    /// Returns true if requests of the service count towards the limit of the account.
    fn shares_account(&self, _service: u16) -> bool {
        true
    }

    /// When it looks at the functions of a service by itself; `None`: never.
    fn ticks(&self, _service: u16) -> Option<Ticks> {
        None
    }

    /// Looks at a function.
    fn scale(&mut self, _view: &FleetView, _used: &Used) -> Scale {
        Scale::default()
    }

    /// The part of it that looks after instances by itself, where it has places for them.
    fn control(&mut self) -> Option<&mut dyn Control> {
        None
    }
}

/// Tokens that come back at a steady rate up to a capacity.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    /// Time that one token takes to come back.
    interval: SimDuration,
    /// The bucket is full again at this instant; every missing token puts it one interval further.
    full_at: SimTime,
    /// `full_at` is never further ahead than this.
    depth: SimDuration,
}

impl TokenBucket {
    /// A full bucket of `capacity` tokens of which `per_second` come back each second.
    pub(crate) fn new(capacity: f64, per_second: f64) -> Self {
        let interval = SimDuration::from_secs_f64(1.0 / per_second);
        Self {
            interval,
            full_at: SimTime::ZERO,
            depth: interval.scale(capacity),
        }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: SimTime) -> bool {
        let after = self.full_at.max(now) + self.interval;
        let granted = after <= now + self.depth;
        if granted {
            self.full_at = after;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_capacity_and_refills_steadily() {
        let mut bucket = TokenBucket::new(1_000.0, 100.0);
        let start = SimTime(5_000_000_000);
        assert_eq!((0..2_000).filter(|_| bucket.take(start)).count(), 1_000);
        let later = start + SimDuration::from_secs(3);
        assert_eq!((0..2_000).filter(|_| bucket.take(later)).count(), 300);
        let much_later = later + SimDuration::from_secs(3_600);
        assert_eq!((0..2_000).filter(|_| bucket.take(much_later)).count(), 1_000);
    }
}
