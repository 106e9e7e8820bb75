//! AWS Lambda. An invocation is billed by its duration and memory, provisioned concurrency by what is configured, and
//! snapshots of runtimes other than Java by the time that they are kept and by the number of restores.
//!
//! Source for snapshots: AWS Lambda pricing page, "SnapStart". A snapshot costs per GB of memory and second while its version
//! is published, at least three hours (a month is longer), and per GB for each restore.

mod configured;

use std::collections::BTreeSet;

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
use configured::Configured;

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
