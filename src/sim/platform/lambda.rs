//! AWS Lambda: one request per environment, account and function limits, the scaling rate, provisioned concurrency,
//! warmers, and environments that end after an idle time or at an age.
//!
//! Sources: AWS Lambda Developer Guide, "Lambda quotas", "Lambda function scaling" and "execution environment lifecycle",
//! read November 2026. When environments end is not documented; `expiry` has the laws and where they come from.

mod at_work;
mod environment;
mod expiry;
mod provisioned;
#[cfg(test)]
mod tests;
mod warmer;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::model::dist::DistSpec;
use crate::rng::Draws;
use crate::sim::client::{Backoff, Client, Jitter, Retry, Rule};
use crate::sim::platform::billed_by::{BilledBy, Invocations, factor_problem};
use crate::sim::platform::kubernetes::ClusterPlan;
use crate::sim::platform::{Architecture, Platform, PlatformKind, PlatformSpec, Restore, Shape, Starts};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, PerSecond, SimDuration};
use at_work::Lambda;
use expiry::Expiry;
pub use expiry::{IdleTimeout, MaxAge, Spread};
pub use provisioned::{ProvisionedSpec, Scheduled, Tracking};
pub use warmer::Warmer;

/// Memory that comes with one vCPU, in MB of 2^20 bytes. Source: Developer Guide, "Configure Lambda function memory".
pub const MB_PER_VCPU: u32 = 1769;

/// An initialisation beyond this is aborted and run again inside the first invocation. Source: "execution environment
/// lifecycle".
pub const INIT_LIMIT: SimDuration = SimDuration::from_secs(10);

/// `[platform.lambda]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LambdaSpec {
    /// Memory of an environment; CPU follows at 1 vCPU per 1,769 MB.
    pub memory: MemoryMib,
    /// Instruction set.
    #[serde(default = "x86")]
    pub architecture: Architecture,
    /// The seconds that a second on the instruction set of the profile's machine takes on this one, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture_time_factor: Option<f64>,
    /// A request that runs longer is cut off.
    #[serde(default = "three_seconds")]
    pub timeout: SimDuration,
    /// Concurrency that all functions of the account share.
    #[serde(default = "thousand")]
    pub account_concurrency: u32,
    /// True if the concurrency and the request rate of the account are limited. Without limits, functions share
    /// nothing.
    #[serde(default = "yes")]
    pub account_limits: bool,
    /// Ceiling of each function's concurrency, taken out of the account's; `None`: none.
    pub reserved_concurrency: Option<u32>,
    /// Environments of each function that are initialised ahead of requests; `None`: none.
    pub provisioned_concurrency: Option<ProvisionedSpec>,
    /// Requests that somebody sends to keep environments warm; `None`: nobody does.
    pub warmer: Option<Warmer>,
    /// Settings of single services, by name, in place of those above.
    #[serde(default)]
    pub function: BTreeMap<String, FunctionSpec>,
    /// How the code is packaged; it decided until August 2025 whether initialisation is billed.
    #[serde(default)]
    pub package: Package,
    /// Time until there is an environment, before its initialisation; `None`: as `models/platforms` has it by the kind of package.
    #[serde(skip_serializing)]
    pub environment: Option<DistSpec>,
    /// New environments are restored from a snapshot instead of being initialised; `None`: they are not.
    pub snap_start: Option<SnapStart>,
    /// Requests are put into a queue of Lambda's, which invokes the function and repeats what fails; `None`: callers wait.
    pub asynchronous: Option<Asynchronous>,
    /// The idle times after which an environment ends; drawn per environment.
    #[serde(default)]
    pub idle_timeout: IdleTimeout,
    /// Age at which an environment ends once it is idle; drawn per environment between two ends.
    #[serde(default)]
    pub max_age: MaxAge,
    /// Rate at which idle environments end early.
    #[serde(default = "expiry::early_end")]
    pub early_end: PerSecond,
    /// Share of the environments that end early or by age and are replaced ahead of requests.
    #[serde(default = "expiry::replaced_ahead")]
    pub replaced_ahead: f64,
    /// Which of several idle environments takes a request.
    #[serde(default = "most_recently_used")]
    pub routing: Routing,
    /// Ephemeral storage of an environment.
    #[serde(default = "half_gib")]
    pub ephemeral_storage: MemoryMib,
}

/// How the code of a function is packaged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Package {
    /// A zip archive on a managed runtime.
    #[default]
    Zip,
    /// A container image.
    Image,
}

/// Managed runtimes that can be restored from a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Java: a snapshot costs nothing.
    Java,
    /// Python: keeping a snapshot and restoring from it costs.
    Python,
    /// .NET: as Python.
    Dotnet,
}

/// `[platform.lambda.snap-start]`: times of a restore. They depend on the function and are not part of measured profiles.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SnapStart {
    /// The managed runtime of the functions, which decides what their snapshots cost.
    pub runtime: Runtime,
    /// Creating the environment and fetching the snapshot, which is not billed.
    #[serde(skip_serializing)]
    pub fetch: DistSpec,
    /// Loading the runtime and running the after-restore hooks, which is billed.
    #[serde(skip_serializing)]
    pub resume: DistSpec,
}

/// `[platform.lambda.asynchronous]`. Source: Developer Guide, "Asynchronous invocation".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Asynchronous {
    /// Retries after an error of the function: at most two, the first after a minute, the second after two more.
    pub retries: u32,
    /// An event that would be older is not tried again.
    pub maximum_event_age: SimDuration,
}

impl Default for Asynchronous {
    fn default() -> Self {
        Self {
            retries: 2,
            maximum_event_age: LONGEST_EVENT_AGE,
        }
    }
}

/// Longest time that an event stays in Lambda's queue.
const LONGEST_EVENT_AGE: SimDuration = SimDuration::from_secs(6 * 3600);

impl Asynchronous {
    /// Lambda's queue as a client of the function. Throttled events come again after 1 s to 5 min (doubling is a choice).
    fn client(&self, throttled_for_good: bool) -> Client {
        let rule = |most, first, longest| {
            Some(Rule {
                most,
                backoff: Backoff {
                    first: SimDuration::from_secs(first),
                    factor: 2.0,
                    most: SimDuration::from_secs(longest),
                    jitter: Jitter::None,
                },
            })
        };
        Client {
            timeout: None,
            retry: Retry {
                rejected: rule(u32::MAX, 1, 300).filter(|_| !throttled_for_good),
                timed_out: rule(self.retries, 60, 120),
                failed: rule(self.retries, 60, 120),
                together: false,
                max_age: Some(self.maximum_event_age),
                budget: None,
            },
            users: None,
            sessions: 0,
        }
    }
}

/// Settings of the functions of one service, each in place of the platform's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FunctionSpec {
    /// Ceiling of each function's concurrency, taken out of the account's.
    pub reserved_concurrency: Option<u32>,
    /// Environments of each function that are initialised ahead of requests.
    pub provisioned_concurrency: Option<ProvisionedSpec>,
    /// Requests that somebody sends to keep environments warm.
    pub warmer: Option<Warmer>,
}

fn x86() -> Architecture {
    Architecture::X86_64
}
fn three_seconds() -> SimDuration {
    SimDuration::from_secs(3)
}
fn yes() -> bool {
    true
}
fn thousand() -> u32 {
    1000
}
fn most_recently_used() -> Routing {
    Routing::MostRecentlyUsed
}
fn half_gib() -> MemoryMib {
    MemoryMib(512)
}

impl LambdaSpec {
    /// Returns true if a function may have provisioned concurrency.
    pub fn provisions(&self) -> bool {
        let own = self
            .function
            .values()
            .any(|function| function.provisioned_concurrency.is_some());
        own || self.provisioned_concurrency.is_some()
    }

    /// The laws by which environments end.
    fn expiry(&self) -> Expiry {
        Expiry {
            idle: self.idle_timeout,
            max_age: self.max_age,
            early_end: self.early_end,
            replaced_ahead: self.replaced_ahead,
        }
    }

    /// CPU share of an environment, rounded to a thousandth of a vCPU.
    pub fn cpu(&self) -> MilliCpu {
        MilliCpu((f64::from(self.memory.0) * 1000.0 / f64::from(MB_PER_VCPU)).round() as u32)
    }
}

impl PlatformKind for LambdaSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(128..=10_240).contains(&self.memory.0) {
            problems.push(format!("`memory` is {}, Lambda offers 128Mi to 10240Mi", self.memory));
        }
        if !(512..=10_240).contains(&self.ephemeral_storage.0) {
            problems.push(format!(
                "`ephemeral-storage` is {}, Lambda offers 512Mi to 10240Mi",
                self.ephemeral_storage
            ));
        }
        if self.timeout < SimDuration::from_secs(1) || self.timeout > SimDuration::from_secs(900) {
            problems.push(format!("`timeout` is {}, Lambda offers 1s to 900s", self.timeout));
        }
        problems.extend(self.expiry().problems());
        problems.extend(factor_problem(self.architecture_time_factor));
        if self.account_concurrency == 0 {
            problems.push("`account-concurrency` must be at least 1".into());
        }
        if self.snap_start.is_some() && self.provisions() {
            problems.push("`snap-start` and `provisioned-concurrency` exclude each other".into());
        }
        if self.snap_start.is_some() && self.package == Package::Image {
            problems.push("`snap-start` is not there for container images: `package = \"zip\"`".into());
        }
        if self.snap_start.is_some() && self.ephemeral_storage.0 > 512 {
            problems.push("`snap-start` allows `ephemeral-storage` of 512Mi at most".into());
        }
        if let Some(Asynchronous {
            retries,
            maximum_event_age: age,
        }) = self.asynchronous
        {
            if retries > 2 {
                problems.push(format!("`asynchronous.retries` is {retries}, Lambda offers 0, 1 and 2"));
            }
            if age < SimDuration::from_secs(60) || age > LONGEST_EVENT_AGE {
                problems.push(format!(
                    "`asynchronous.maximum-event-age` is {age}, Lambda offers 60s to 6h"
                ));
            }
        }
        let own = FunctionSpec {
            reserved_concurrency: self.reserved_concurrency,
            provisioned_concurrency: self.provisioned_concurrency.clone(),
            warmer: self.warmer,
        };
        problems.extend(own.problems(self.account_concurrency));
        for (name, function) in &self.function {
            let of = function.or(&own).problems(self.account_concurrency);
            problems.extend(of.into_iter().map(|problem| format!("function.{name}: {problem}")));
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::ColdStart
                .large(format!(
                    "Lambda ends an idle environment {}, at an age of {} to {}, and early at a rate of {:.2} an hour; {:.0}% of those \
                     that end by age or early are replaced ahead of requests (undocumented; the defaults come from five runs of 2020)",
                    self.expiry().idle_text(),
                    self.max_age.min,
                    self.max_age.max,
                    3600.0 * self.early_end.0,
                    100.0 * self.replaced_ahead
                ))
                .source(
                    "the experiments of Mahmoudi and Khazaei, Performance Modeling of Serverless Computing Platforms, 2020, fitted by \
                     this project",
                    "2026-11",
                ),
            Topic::Platform.small(format!(
                "Lambda routes a request by the rule `{}` (undocumented; a choice)",
                self.routing.name()
            )),
            Topic::Capacity
                .small(
                    "Lambda starts at most 1,000 environments at once and 100 more per second for each function, refilled \
                     continuously (documented are 1,000 per 10 s)",
                )
                .source("AWS Lambda Developer Guide, \"Lambda function scaling\"", "2026-11"),
            Topic::Platform.note(format!(
                "Lambda cuts a request off after {}; the next request on that environment initialises again",
                self.timeout
            )),
        ];
        if let Some(snap_start) = &self.snap_start {
            let costs = match snap_start.runtime {
                Runtime::Java => "snapshots of Java cost nothing",
                Runtime::Python | Runtime::Dotnet => {
                    "the snapshot of one version of each function that starts environments is paid for all the time, and each \
                     restore by its memory"
                }
            };
            lines.push(Topic::ColdStart.large(
                "with SnapStart a new environment takes `fetch` (not billed) and `resume` (billed), both from the scenario",
            ));
            lines.push(Topic::ColdStart.small(
                "the first request after a restore has the measured overhead of a first request, and a restore counts against the \
                 scaling rate",
            ));
            lines.push(
                Topic::Price
                    .small(costs)
                    .source("AWS Lambda pricing page, \"SnapStart\"", "2026"),
            );
        }
        if !self.account_limits {
            lines.push(Topic::Capacity.large("the account has no limits of concurrency and request rate"));
        }
        if let Some(Asynchronous {
            retries,
            maximum_event_age,
        }) = self.asynchronous
        {
            lines.push(
                Topic::Traffic
                    .large(
                        "requests are events in Lambda's queue: throttled ones come again after 1s, 2s and so on up to 300s \
                         (doubling is a choice)",
                    )
                    .source("AWS Lambda Developer Guide, \"Asynchronous invocation\"", "2026-11"),
            );
            lines.push(
                Topic::Traffic
                    .small(format!(
                        "failed events come again up to {retries} times, after 60s and 120s, unless they would be older than \
                         {maximum_event_age} then"
                    ))
                    .source("AWS Lambda Developer Guide, \"Asynchronous invocation\"", "2026-11"),
            );
            lines.push(
                Topic::Traffic.note("the latency of an event runs from its acceptance to the end of its last run"),
            );
        }
        let functions = self.function.values();
        let provisioned = functions
            .clone()
            .filter_map(|function| function.provisioned_concurrency.as_ref());
        for provisioned in self.provisioned_concurrency.iter().chain(provisioned) {
            lines.extend(provisioned.assumptions());
        }
        for warmer in self
            .warmer
            .iter()
            .chain(functions.filter_map(|function| function.warmer.as_ref()))
        {
            lines.push(warmer.assumption());
        }
        lines
    }

    fn billed_by<'a>(&'a self, _: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::Invocations(Invocations {
            memory: self.memory,
            ephemeral_storage: self.ephemeral_storage,
            architecture: self.architecture,
            container_image: self.package == Package::Image,
            snapshot: self.snap_start.as_ref().map(|snap_start| snap_start.runtime),
            provisioned: self.provisions(),
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu(),
            boost: None,
            memory: Some(self.memory),
            concurrency: 1,
            routing: self.routing,
            timeout: Some(self.timeout),
            // With a snapshot the limit is 130 s or the function's timeout.
            init_limit: Some(INIT_LIMIT).filter(|_| self.snap_start.is_none()),
            queue_timeout: None,
            queue_refuses: false,
            starts_ahead: self.provisions(),
            initial: InitialState::default(),
        }
    }

    fn boosts_start(&self) -> bool {
        true
    }

    fn memory_for(&self, cpu: MilliCpu) -> Option<MemoryMib> {
        Some(MemoryMib((cpu.as_vcpu() * f64::from(MB_PER_VCPU)).round() as u32))
    }

    fn restore(&self) -> Option<Restore<'_>> {
        self.snap_start.as_ref().map(|SnapStart { fetch, resume, .. }| Restore {
            key: "snap-start",
            fetch,
            resume,
        })
    }

    fn named_services(&self) -> Vec<(&'static str, &str)> {
        self.function.keys().map(|name| ("function", name.as_str())).collect()
    }

    fn profile_assumptions(&self, framework: &str, starts: Starts) -> Vec<Assumption> {
        let mut assumptions = stands_for(framework, starts);
        assumptions.push(match &self.environment {
            None => environment::assumption(self.package),
            Some(_) => Topic::ColdStart.note("the time of an environment is that of `platform.lambda.environment`"),
        });
        assumptions
    }

    fn without_limits(&self) -> Option<PlatformSpec> {
        let limited = self.account_limits || self.reserved_concurrency.is_some();
        limited.then(|| {
            PlatformSpec::Lambda(Self {
                account_limits: false,
                reserved_concurrency: None,
                ..self.clone()
            })
        })
    }

    fn environment(&self) -> Option<&DistSpec> {
        Some(
            self.environment
                .as_ref()
                .unwrap_or_else(|| environment::time(self.package)),
        )
    }

    fn architecture(&self) -> Architecture {
        self.architecture
    }

    fn architecture_time_factor(&self) -> Option<f64> {
        self.architecture_time_factor
    }

    fn queue(&self) -> Option<Client> {
        let never = self.reserved_concurrency == Some(0);
        self.asynchronous.map(|asynchronous| asynchronous.client(never))
    }

    fn couples(&self) -> bool {
        self.account_limits
    }

    fn build(&self, draws: Draws, services: &[&str]) -> Box<dyn Platform> {
        Box::new(Lambda::new(self, draws, services))
    }
}

/// The parts of a measured start of a container that stand for the parts of a start on Lambda.
fn stands_for(framework: &str, starts: Starts) -> Vec<Assumption> {
    match starts {
        Starts::UnderLimit => vec![
            Topic::ColdStart.large(
                "the measured time from process start to listening socket stands for Lambda's init, which is billed where the \
                 price list says so",
            ),
            Topic::ColdStart.factor(
                "the CPU limit was in force from the start of the container, but Lambda is reported to give initialisation more \
                 CPU than the memory buys: cold starts at less than a whole vCPU are upper bounds",
            ),
        ],
        Starts::WithTwoCpus => vec![
            Topic::ColdStart
                .large(format!(
                    "{framework} initialises with two vCPUs, as it was measured with that limit, since Lambda is reported to give \
                     initialisation more CPU than the memory buys; its first request is scaled to the limit by the law of CPU sizes"
                ))
                .source("the profile's starts at 2 vCPU", "2026-11"),
            Topic::ColdStart.large(
                "the measured time from process start to listening socket stands for Lambda's init, which is billed where the \
                 price list says so",
            ),
        ],
        Starts::Boosted => vec![
            Topic::ColdStart.large(format!(
                "the measured time of {framework} from process start to the first answer of /healthz stands for Lambda's init, \
                 which is billed where the price list says so"
            )),
            Topic::ColdStart
                .large(format!(
                    "{framework} had at least 2 vCPUs until /healthz had answered, as Lambda is reported to give initialisation \
                     more CPU than the memory buys"
                ))
                .source("the profile's starts of the mode `boosted-init`", "2026-11"),
            Topic::ColdStart.small(format!(
                "the overhead of a first request of {framework} is that of the first request of /json under the CPU limit"
            )),
        ],
    }
}

impl FunctionSpec {
    /// These settings, and those of `other` where there are none.
    fn or(&self, other: &Self) -> Self {
        Self {
            reserved_concurrency: self.reserved_concurrency.or(other.reserved_concurrency),
            provisioned_concurrency: self
                .provisioned_concurrency
                .clone()
                .or_else(|| other.provisioned_concurrency.clone()),
            warmer: self.warmer.or(other.warmer),
        }
    }

    fn problems(&self, account: u32) -> Vec<String> {
        let mut problems = Vec::new();
        // At least 100 of the account's concurrency stay unreserved. Source: "Configuring reserved concurrency".
        if let Some(reserved) = self.reserved_concurrency
            && reserved > account.saturating_sub(100)
        {
            problems.push(format!(
                "`reserved-concurrency` is {reserved}, but 100 of the account's {account} must stay unreserved"
            ));
        }
        if let Some(provisioned) = &self.provisioned_concurrency {
            problems.extend(provisioned.problems());
            let most = provisioned.most();
            match self.reserved_concurrency {
                Some(reserved) if most > reserved => problems.push(format!(
                    "`provisioned-concurrency` goes up to {most}, which is more than `reserved-concurrency` of {reserved}"
                )),
                None if most > account.saturating_sub(100) => problems.push(format!(
                    "`provisioned-concurrency` goes up to {most}, but 100 of the account's {account} must stay unreserved"
                )),
                _ => {}
            }
        }
        if let Some(warmer) = &self.warmer {
            problems.extend(warmer.problems());
        }
        problems
    }
}
