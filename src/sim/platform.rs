//! Platforms: who serves a request, who starts, who waits, who is turned away, and when an idle instance ends.
//!
//! A platform decides by returning values and changes nothing but its own memory (tokens, counters).

pub mod azure_flex;
pub mod azure_functions;
pub mod billed_by;
pub mod cloud_run;
pub mod control;
mod decision;
pub mod fargate;
pub mod fixed;
pub mod knative;
pub mod kubernetes;
pub mod lambda;
pub mod lambda_managed;
mod runs_on;
pub mod scale_per_request;
mod shape;
mod token_bucket;
mod view;
mod window;

use crate::assumption::Assumption;
use crate::model::dist::DistSpec;
use crate::registry::registry;
use crate::rng::Draws;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::client::Client;
pub use crate::sim::platform::billed_by::{Architecture, BilledBy};
pub use crate::sim::platform::control::Control;
pub use crate::sim::platform::decision::{Admission, KeepAlive, Lifetime, Scale, Ticks};
pub use crate::sim::platform::fixed::FixedSpec;
use crate::sim::platform::kubernetes::{ClusterPlan, Kubernetes, Plan};
pub use crate::sim::platform::runs_on::{Ground, Restore, RunsOn, Starts, TaskMachine};
pub use crate::sim::platform::shape::{Boost, Shape};
pub(crate) use crate::sim::platform::token_bucket::TokenBucket;
pub use crate::sim::platform::view::{FleetView, InstanceView, Used};
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

    /// The instruction set of its instances.
    fn architecture(&self) -> Architecture {
        Architecture::X86_64
    }

    /// The time that something takes on that instruction set for each second where it was measured on the other one, if the
    /// settings say so.
    fn architecture_time_factor(&self) -> Option<f64> {
        None
    }

    /// The time until there is a place for an instance, where it takes the place of creating the measured container; `None`: the
    /// container stands for it.
    fn environment(&self) -> Option<&DistSpec> {
        None
    }

    /// The same platform without its limits of concurrency, requests and instances; `None` where it has none, or where nobody says what
    /// it would be without.
    fn without_limits(&self) -> Option<PlatformSpec> {
        None
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

    /// Assumptions that a profile of containers brings with it on this platform. `starts` tells how its starts were measured.
    fn profile_assumptions(&self, _framework: &str, _starts: Starts) -> Vec<Assumption> {
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
