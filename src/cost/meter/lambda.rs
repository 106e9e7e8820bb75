//! AWS Lambda. An invocation is billed by its duration and memory, provisioned concurrency by what is configured, and
//! snapshots of runtimes other than Java by the time that they are kept and by the number of restores.
//!
//! Source for snapshots: AWS Lambda pricing page, "SnapStart". A snapshot costs per GB of memory and second while its version
//! is published, at least three hours (a month is longer), and per GB for each restore.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Billing, Counts, MeteredService, Quantities, Tally};
use crate::assumption::Assumption;
use crate::cost::lambda::{billed_ms, billed_storage, gb_seconds};
use crate::model::price::{LambdaRules, PriceError, PriceList};
use crate::sim::fact::{Fact, Finished};
use crate::sim::observe::Observer;
use crate::sim::platform::Architecture;
use crate::sim::platform::billed_by::{Invocations, Runtime};
use crate::units::{MemoryMib, SimDuration, SimTime};

/// The rules by which invocations become billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct LambdaMeterSpec {
    rules: LambdaRules,
    memory: MemoryMib,
    storage: MemoryMib,
    duration_meter: &'static str,
    /// Meters of provisioned concurrency: for what is configured, and for the time of its invocations; `None` without any.
    provisioned_meters: Option<[&'static str; 2]>,
    init_billed: bool,
    /// True if snapshots cost money.
    snapshots: bool,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LambdaUsage {
    /// Invocations.
    pub requests: u64,
    /// Billed milliseconds, initialisation included.
    pub billed_ms: u64,
    /// The part of `billed_ms` that was billed for initialisation.
    pub init_ms: u64,
    /// Billed milliseconds on provisioned environments, their initialisation included.
    pub provisioned_ms: u64,
    /// Configured provisioned concurrency over time, in environment-milliseconds.
    pub configured_ms: u64,
    /// Time of snapshots, in milliseconds.
    pub snapshot_ms: u64,
    /// Environments restored from a snapshot.
    pub restores: u64,
}

impl Tally for LambdaUsage {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.billed_ms += other.billed_ms;
        self.init_ms += other.init_ms;
        self.provisioned_ms += other.provisioned_ms;
        self.configured_ms += other.configured_ms;
        self.snapshot_ms += other.snapshot_ms;
        self.restores += other.restores;
    }
}

const REQUESTS: &str = "lambda.requests";
const STORAGE: &str = "lambda.ephemeral_storage";
const SNAPSHOTS: [&str; 2] = ["lambda.snapstart.cache", "lambda.snapstart.restore"];

impl Billing for LambdaMeterSpec {
    type Facts<'a> = Invocations;
    type Usage = LambdaUsage;
    type Meter = LambdaMeter;

    fn new(facts: &Invocations, list: &PriceList, rules_of: Option<Date>) -> Result<Option<Self>, PriceError> {
        let rules = list.lambda_rules()?.clone();
        let (duration_meter, provisioned_meters) = match facts.architecture {
            Architecture::X86_64 => (
                "lambda.duration.x86",
                ["lambda.provisioned_concurrency.x86", "lambda.pc_duration.x86"],
            ),
            Architecture::Arm64 => (
                "lambda.duration.arm",
                ["lambda.provisioned_concurrency.arm", "lambda.pc_duration.arm"],
            ),
        };
        Ok(Some(Self {
            // The initialisation of container images has always been billed. Of a restore the simulator reports only the
            // billed part.
            init_billed: facts.container_image
                || facts.snapshot.is_some()
                || rules.bills_init(rules_of.unwrap_or(list.effective)),
            snapshots: facts.snapshot.is_some_and(|runtime| runtime != Runtime::Java),
            storage: billed_storage(facts.ephemeral_storage, &rules),
            memory: facts.memory,
            duration_meter,
            provisioned_meters: facts.provisioned.then_some(provisioned_meters),
            rules,
        }))
    }

    fn meters(&self) -> Vec<&str> {
        let meters = [REQUESTS, STORAGE, self.duration_meter];
        meters
            .into_iter()
            .chain(self.provisioned_meters.into_iter().flatten())
            .chain(SNAPSHOTS.into_iter().filter(|_| self.snapshots))
            .collect()
    }

    fn assumptions(&self) -> Vec<Assumption> {
        Vec::new()
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> LambdaMeter {
        LambdaMeter::new(self.clone(), warm_up, services.len())
    }

    fn quantities(&self, usage: &LambdaUsage) -> Quantities {
        let mut quantities = Quantities::from([
            (REQUESTS.to_string(), Decimal::from(usage.requests)),
            (
                self.duration_meter.to_string(),
                self.gb_seconds(usage.billed_ms, self.memory),
            ),
        ]);
        if self.storage.0 > 0 {
            let ms = usage.billed_ms + usage.provisioned_ms;
            quantities.insert(STORAGE.to_string(), self.gb_seconds(ms, self.storage));
        }
        if let Some([configured, duration]) = self.provisioned_meters {
            let memory = self.memory;
            quantities.insert(configured.to_string(), self.gb_seconds(usage.configured_ms, memory));
            quantities.insert(duration.to_string(), self.gb_seconds(usage.provisioned_ms, memory));
        }
        if self.snapshots {
            let [cache, restore] = SNAPSHOTS.map(str::to_string);
            quantities.insert(cache, self.gb_seconds(usage.snapshot_ms, self.memory));
            // A restore is billed per GB, which is as many GB-seconds as one second has.
            quantities.insert(restore, self.gb_seconds(usage.restores * 1_000, self.memory));
        }
        quantities
    }

    fn start_quantities(&self, usage: &LambdaUsage) -> Quantities {
        let init = LambdaUsage {
            requests: 0,
            billed_ms: usage.init_ms,
            init_ms: usage.init_ms,
            restores: usage.restores,
            ..LambdaUsage::default()
        };
        self.quantities(&init)
    }

    /// On demand, an environment without a request costs nothing. The idle part of provisioned concurrency is not counted
    /// separately.
    fn idle_quantities(&self, _: &LambdaUsage) -> Option<Quantities> {
        self.is_by_request().then(Quantities::new)
    }

    #[inline]
    fn billed_ms(&self, request: &Finished) -> u64 {
        billed_ms(
            request.init.0,
            request.finished.since(request.started).0,
            &self.rules,
            self.init_billed,
        )
    }

    fn by_request(&self, requests: u64, billed_ms: u64) -> Option<LambdaUsage> {
        self.is_by_request().then(|| LambdaUsage {
            requests,
            billed_ms,
            ..LambdaUsage::default()
        })
    }
}

impl LambdaMeterSpec {
    /// True if requests are all that is billed.
    fn is_by_request(&self) -> bool {
        self.provisioned_meters.is_none() && !self.snapshots
    }

    fn gb_seconds(&self, ms: u64, memory: MemoryMib) -> Decimal {
        gb_seconds(u128::from(ms) * u128::from(memory.0), &self.rules)
    }
}

/// Nanoseconds of a step of provisioned concurrency, which is billed in whole steps while it is enabled. Source: AWS Lambda
/// pricing page.
const PROVISIONED_STEP: u64 = 300_000_000_000;

/// The provisioned concurrency that is configured for the functions of a service.
#[derive(Debug, Clone, Default)]
struct Configured {
    /// Environments and the time since which there are any, by function.
    functions: BTreeMap<u32, (u32, SimTime)>,
    /// The environments of all functions.
    environments: u64,
    /// The time up to which they are counted.
    since: SimTime,
}

impl Configured {
    /// Environment-milliseconds since the last call. The time before `warm_up` does not count.
    fn pass(&mut self, at: SimTime, warm_up: SimTime) -> u64 {
        let time = at.max(warm_up).since(self.since.max(warm_up));
        self.since = at;
        self.environments * (time.0 / 1_000_000)
    }

    /// Sets the environments of a function from `at` on. Returns the environment-milliseconds by which the last step is rounded up
    /// if there are none any more.
    fn change(&mut self, function: u32, at: SimTime, environments: u32) -> u64 {
        let (before, enabled) = self.functions.insert(function, (environments, at)).unwrap_or((0, at));
        self.environments = self.environments - u64::from(before) + u64::from(environments);
        if environments > 0 {
            if before > 0 {
                self.functions.insert(function, (environments, enabled));
            }
            return 0;
        }
        let time = at.since(enabled).0;
        u64::from(before) * ((time.next_multiple_of(PROVISIONED_STEP) - time) / 1_000_000)
    }
}

impl LambdaMeter {
    #[inline(never)]
    fn rare(&mut self, fact: &Fact) {
        match *fact {
            Fact::Configured {
                service,
                function,
                at,
                provisioned,
            } => {
                let (usage, configured) = (
                    &mut self.services[service as usize],
                    &mut self.configured[service as usize],
                );
                usage.configured_ms += configured.pass(at, self.warm_up);
                let rest = configured.change(function, at, provisioned);
                usage.configured_ms += if at >= self.warm_up { rest } else { 0 };
            }
            Fact::Sampled { service, at, .. } => {
                self.last = at;
                let configured = &mut self.configured[service as usize];
                self.services[service as usize].configured_ms += configured.pass(at, self.warm_up);
            }
            Fact::ColdStart { service, at }
            | Fact::Prepared {
                service,
                at,
                provisioned: false,
                ..
            } if self.spec.snapshots && at >= self.warm_up => {
                self.services[service as usize].restores += 1;
            }
            Fact::Prepared {
                service,
                at,
                init,
                provisioned: true,
            } if at >= self.warm_up => {
                // This is billed for packages of every kind, with or without a request.
                self.services[service as usize].provisioned_ms += billed_ms(init.0, 0, &self.spec.rules, true);
            }
            _ => {}
        }
    }
}

/// An observer that counts the billed quantities of Lambda. Requests count if they arrived after the warm-up.
#[derive(Debug)]
pub struct LambdaMeter {
    spec: LambdaMeterSpec,
    warm_up: SimTime,
    services: Vec<LambdaUsage>,
    /// By service.
    configured: Vec<Configured>,
    /// The functions that have a snapshot and have started environments, by service.
    snapshots: Vec<BTreeSet<u32>>,
    /// The time of the last sample.
    last: SimTime,
}

impl LambdaMeter {
    fn new(spec: LambdaMeterSpec, warm_up: SimDuration, services: usize) -> Self {
        Self {
            spec,
            warm_up: SimTime::ZERO + warm_up,
            services: vec![LambdaUsage::default(); services],
            configured: vec![Configured::default(); services],
            snapshots: vec![BTreeSet::new(); services],
            last: SimTime::ZERO,
        }
    }
}

impl Counts for LambdaMeter {
    type Usage = LambdaUsage;

    fn usage(&self) -> Vec<LambdaUsage> {
        let kept = self.last.max(self.warm_up).since(self.warm_up).0 / 1_000_000;
        let both = self.services.iter().zip(&self.snapshots);
        both.map(|(usage, functions)| LambdaUsage {
            snapshot_ms: functions.len() as u64 * kept,
            ..*usage
        })
        .collect()
    }
}

impl Observer for LambdaMeter {
    #[inline]
    fn observe(&mut self, fact: &Fact) {
        let Fact::Finished(request) = *fact else {
            return self.rare(fact);
        };
        if request.cold && self.spec.snapshots {
            self.snapshots[request.service as usize].insert(request.function);
        }
        if request.arrived < self.warm_up {
            return;
        }
        let ran = request.finished.since(request.started).0;
        let usage = &mut self.services[request.service as usize];
        let ms = self.spec.billed_ms(&request);
        usage.requests += 1;
        if request.provisioned {
            usage.provisioned_ms += ms;
            return;
        }
        usage.billed_ms += ms;
        if request.cold {
            usage.init_ms += ms - billed_ms(0, ran, &self.spec.rules, false);
        }
    }
}
