//! AWS Fargate: CPU and memory of a task by the second from the pull of its image to its end, at least a minute.
//!
//! Source: AWS Fargate pricing page, read 2026.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::active::Key;
use super::{Quantities, gib_seconds, thousandths};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList, Steps};
use crate::sim::fact::Fact;
use crate::sim::observe::Observer;
use crate::sim::platform::Architecture;
use crate::sim::platform::fargate::Spec;
use crate::units::{SimDuration, SimTime};

/// How the time of tasks becomes billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct FargateMeterSpec {
    steps: Steps,
    architecture: Architecture,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FargateUsage {
    /// Thousandths of a vCPU over milliseconds.
    cpu: u128,
    /// MiB over milliseconds.
    memory: u128,
}

impl FargateUsage {
    /// Adds the quantities of `other`.
    pub fn add(&mut self, other: &Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }
}

impl FargateMeterSpec {
    /// The rules of `list` for tasks with these settings.
    ///
    /// # Errors
    /// If the list has no rules for Fargate.
    pub fn new(spec: &Spec, list: &PriceList) -> Result<Self, PriceError> {
        Ok(Self {
            steps: list.steps("fargate")?.clone(),
            architecture: spec.architecture,
        })
    }

    pub(super) fn meters(&self) -> [&'static str; 2] {
        match self.architecture {
            Architecture::X86_64 => ["fargate.vcpu.x86", "fargate.memory.x86"],
            Architecture::Arm64 => ["fargate.vcpu.arm", "fargate.memory.arm"],
        }
    }

    pub(super) fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Price.small(format!(
            "Fargate bills a task from the pull of its image to its end, in steps of {} and at least {}; storage beyond \
             20 GB is not in the bill, load balancers and traffic where [extras] has them",
            self.steps.step, self.steps.minimum
        ))]
    }

    pub(super) fn quantities(&self, usage: &FargateUsage) -> Quantities {
        let hour = Decimal::from(3600);
        let [cpu, memory] = self.meters();
        Quantities::from([
            (cpu.to_string(), (thousandths(usage.cpu) / hour).normalize()),
            (memory.to_string(), (gib_seconds(usage.memory) / hour).normalize()),
        ])
    }
}

/// Watches a run and counts the time of tasks between the warm-up and the last sample, which the run takes at its end.
#[derive(Debug)]
pub struct FargateMeter {
    spec: FargateMeterSpec,
    warm_up: SimTime,
    /// CPU in thousandths and memory in MiB of a task, by service.
    sizes: Vec<(u64, u64)>,
    /// When the tasks that exist were created.
    known: BTreeMap<Key, SimTime>,
    /// By service: milliseconds of tasks that have ended, and with those that have not at the last sample.
    ended: Vec<u128>,
    sampled: Vec<u128>,
}

impl FargateMeter {
    /// A meter for services whose tasks have so much CPU and memory.
    pub fn new(spec: FargateMeterSpec, warm_up: SimDuration, sizes: &[(u64, u64)]) -> Self {
        Self {
            spec,
            warm_up: SimTime::ZERO + warm_up,
            sizes: sizes.to_vec(),
            known: BTreeMap::new(),
            ended: vec![0; sizes.len()],
            sampled: vec![0; sizes.len()],
        }
    }

    /// What was counted up to the last sample, by service.
    pub fn usage(&self) -> Vec<FargateUsage> {
        let both = self.sampled.iter().zip(&self.sizes);
        both.map(|(&ms, &(cpu, memory))| FargateUsage {
            cpu: ms * u128::from(cpu),
            memory: ms * u128::from(memory),
        })
        .collect()
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
