//! AWS Fargate: CPU and memory of a task are billed by the second from the pull of its image to its end, at least a minute.
//!
//! Source: AWS Fargate pricing page, read 2026.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::active::Key;
use super::units::{gib_seconds, thousandths};
use super::{Billing, Counts, MeteredService, Quantities, Tally};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList, Steps};
use crate::sim::fact::Fact;
use crate::sim::observe::Observer;
use crate::sim::platform::Architecture;
use crate::sim::platform::billed_by::TaskTime;
use crate::units::{SimDuration, SimTime};

/// The rules by which the time of tasks becomes billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct FargateMeterSpec {
    steps: Steps,
    meters: [&'static str; 2],
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FargateUsage {
    /// Thousandths of a vCPU times milliseconds.
    cpu: u128,
    /// MiB times milliseconds.
    memory: u128,
}

impl Tally for FargateUsage {
    fn add(&mut self, other: &Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }
}

impl Billing for FargateMeterSpec {
    type Facts<'a> = TaskTime;
    type Usage = FargateUsage;
    type Meter = FargateMeter;

    fn new(facts: &TaskTime, list: &PriceList, _: Option<Date>) -> Result<Option<Self>, PriceError> {
        Ok(Some(Self {
            steps: list.steps("fargate")?.clone(),
            meters: match facts.architecture {
                Architecture::X86_64 => ["fargate.vcpu.x86", "fargate.memory.x86"],
                Architecture::Arm64 => ["fargate.vcpu.arm", "fargate.memory.arm"],
            },
        }))
    }

    fn meters(&self) -> Vec<&str> {
        self.meters.to_vec()
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![
            Topic::Price.small(format!(
                "Fargate bills a task from the pull of its image to its end, in steps of {} and at least {}",
                self.steps.step, self.steps.minimum
            )),
            Topic::Price
                .small(
                    "storage of tasks beyond 20 GB is not in the bill, and load balancers and traffic only if [extras] has them",
                )
                .source("AWS Fargate pricing page", "2026"),
        ]
    }

    fn needs_activity(&self) -> bool {
        true
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> FargateMeter {
        FargateMeter::new(self.clone(), warm_up, services)
    }

    fn quantities(&self, usage: &FargateUsage) -> Quantities {
        let hour = Decimal::from(3600);
        let [cpu, memory] = self.meters.map(str::to_string);
        Quantities::from([
            (cpu, (thousandths(usage.cpu) / hour).normalize()),
            (memory, (gib_seconds(usage.memory) / hour).normalize()),
        ])
    }
}

/// An observer that counts the time of tasks between the end of the warm-up and the last sample, which the run takes at its end.
#[derive(Debug)]
pub struct FargateMeter {
    spec: FargateMeterSpec,
    warm_up: SimTime,
    /// CPU in thousandths and memory in MiB of a task, by service.
    sizes: Vec<(u64, u64)>,
    /// The creation time of the existing tasks.
    known: BTreeMap<Key, SimTime>,
    /// Milliseconds of tasks that have ended, by service.
    ended: Vec<u128>,
    /// Milliseconds of all tasks at the last sample, by service.
    sampled: Vec<u128>,
}

impl FargateMeter {
    fn new(spec: FargateMeterSpec, warm_up: SimDuration, services: &[MeteredService]) -> Self {
        Self {
            spec,
            warm_up: SimTime::ZERO + warm_up,
            sizes: services.iter().map(|service| service.requests).collect(),
            known: BTreeMap::new(),
            ended: vec![0; services.len()],
            sampled: vec![0; services.len()],
        }
    }

    /// Billed milliseconds of a task until `at`; the minimum applies to one that has ended.
    fn billed(&self, created: SimTime, at: SimTime, ended: bool) -> u128 {
        let from = created.max(self.warm_up);
        if at <= from {
            return 0;
        }
        let lasts = at.since(from);
        let ms = if ended && created >= self.warm_up {
            self.spec.steps.billed_ms(lasts)
        } else {
            self.spec.steps.rounded_ms(lasts)
        };
        u128::from(ms)
    }
}

impl Counts for FargateMeter {
    type Usage = FargateUsage;

    fn usage(&self) -> Vec<FargateUsage> {
        let both = self.sampled.iter().zip(&self.sizes);
        both.map(|(&ms, &(cpu, memory))| FargateUsage {
            cpu: ms * u128::from(cpu),
            memory: ms * u128::from(memory),
        })
        .collect()
    }
}

impl Observer for FargateMeter {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Activity(activity) => {
                let key = (activity.service, activity.function, activity.instance);
                self.known.entry(key).or_insert(activity.at);
            }
            Fact::Stopped {
                service,
                function,
                instance,
                created,
                at,
            } => {
                self.known.remove(&(service, function, instance));
                self.ended[service as usize] += self.billed(created, at, true);
            }
            Fact::Sampled { service, at, .. } => {
                let open = self.known.iter().filter(|(key, _)| key.0 == service);
                let open: u128 = open.map(|(_, &created)| self.billed(created, at, false)).sum();
                self.sampled[service as usize] = self.ended[service as usize] + open;
            }
            _ => {}
        }
    }
}
