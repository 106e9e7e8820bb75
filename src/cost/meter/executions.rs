//! Azure Functions on the Consumption plan: each execution is billed for the memory that it was observed to use.
//!
//! Source: Azure Functions documentation, "Estimating consumption-based costs", and the pricing page, read 2025. Executions
//! that run at the same time on an instance share its memory equally. An execution is billed for the mean of its share over its
//! duration. Both the mean and the duration are rounded up to the next step.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::units::gib_seconds;
use super::{Billing, Counts, MemoryLine, MeteredService, Quantities, Tally};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList, Steps};
use crate::sim::fact::{Activity, Fact, Finished, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::billed_by::MemoryShare;
use crate::units::{SimDuration, SimTime};

/// The rules by which executions become billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionsMeterSpec {
    steps: Steps,
    facts: MemoryShare,
}

const MIB: f64 = 1_048_576.0;

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecutionsUsage {
    /// Executions.
    pub executions: u64,
    /// Billed memory over billed time, in MiB-milliseconds.
    pub mib_ms: u128,
}

impl Tally for ExecutionsUsage {
    fn add(&mut self, other: &Self) {
        self.executions += other.executions;
        self.mib_ms += other.mib_ms;
    }
}

const DURATION: &str = "functions.consumption.duration";
const EXECUTIONS: &str = "functions.consumption.executions";

impl Billing for ExecutionsMeterSpec {
    type Facts<'a> = MemoryShare;
    type Usage = ExecutionsUsage;
    type Meter = ExecutionsMeter;

    fn new(facts: &MemoryShare, list: &PriceList, _: Option<Date>) -> Result<Option<Self>, PriceError> {
        Ok(Some(Self {
            steps: list.steps("azure-functions")?.clone(),
            facts: *facts,
        }))
    }

    fn meters(&self) -> Vec<&str> {
        vec![DURATION, EXECUTIONS]
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut assumptions = vec![
            Topic::Price.factor(match self.facts.average_memory {
                Some(_) => {
                    "Azure bills each execution for its share of `average-memory` among those that run at the same time"
                }
                None => {
                    "Azure bills each execution for its share of the measured anonymous memory among those that run at the same \
                     time"
                }
            }),
            Topic::Price.small("Azure does not bill starts of the Consumption plan"),
        ];
        if self.facts.average_memory.is_none() {
            assumptions.push(Topic::Price.large(
                "the memory of the host process of Azure Functions is not billed here (set `average-memory` for your own app)",
            ));
        }
        assumptions
    }

    fn needs_activity(&self) -> bool {
        true
    }

    fn unknown(&self, service: &MeteredService) -> Option<String> {
        self.memory_of(service).is_none().then(|| {
            format!(
                "its memory was not measured; set it by `{}`",
                self.facts.average_memory_key
            )
        })
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> ExecutionsMeter {
        ExecutionsMeter::new(self.clone(), warm_up, services)
    }

    fn quantities(&self, usage: &ExecutionsUsage) -> Quantities {
        Quantities::from([
            (DURATION.to_string(), gib_seconds(usage.mib_ms)),
            (EXECUTIONS.to_string(), Decimal::from(usage.executions)),
        ])
    }

    /// An instance without an execution costs nothing.
    fn idle_quantities(&self, _: &ExecutionsUsage) -> Option<Quantities> {
        Some(Quantities::new())
    }
}

impl ExecutionsMeterSpec {
    /// The memory of a service's instances: as the scenario states it, else as measured; `None` if it is not known.
    fn memory_of(&self, service: &MeteredService) -> Option<Memory> {
        let stated = self.facts.average_memory.map(|memory| MemoryLine {
            at_one: f64::from(memory.0) * MIB,
            growth: 0.0,
        });
        stated.or(service.memory).map(|line| Memory {
            line,
            most: f64::from(self.facts.instance_memory.0) * MIB,
        })
    }
}

/// Memory of an instance by executions at a time, in bytes.
#[derive(Debug, Clone, Copy)]
struct Memory {
    line: MemoryLine,
    /// The memory of an instance.
    most: f64,
}

impl Memory {
    fn bytes(&self, executions: u32) -> f64 {
        self.line.bytes(executions).min(self.most)
    }
}

/// The executions on an instance.
#[derive(Debug, Default)]
struct Shares {
    /// Running executions, and the time since which their number is the same.
    running: u32,
    since: SimTime,
    /// Integral over time of the share of one execution, in byte-nanoseconds.
    share: f64,
    /// The integral at the beginning of executions and their number, by the time at which they began.
    begun: BTreeMap<SimTime, (f64, u32)>,
}

impl Shares {
    /// Advances the integral to `at`.
    fn pass(&mut self, at: SimTime, memory: &Memory) {
        if self.running > 0 {
            self.share += self.one(memory) * at.since(self.since).0 as f64;
        }
        self.since = at;
    }

    /// The share of one running execution, in bytes.
    fn one(&self, memory: &Memory) -> f64 {
        memory.bytes(self.running) / f64::from(self.running.max(1))
    }

    fn change(&mut self, running: u32, at: SimTime) {
        let begun = running.saturating_sub(self.running);
        if begun > 0 {
            let share = self.share;
            self.begun.entry(at).or_insert((share, 0)).1 += begun;
        }
        self.running = running;
    }

    /// Ends an execution that began at `started`. Returns the mean of its share; `None` if no execution began then.
    fn end(&mut self, started: SimTime, at: SimTime, memory: &Memory) -> Option<f64> {
        let (share, count) = self.begun.get_mut(&started)?;
        let time = at.since(started).0;
        let mean = if time == 0 {
            None
        } else {
            Some((self.share - *share) / time as f64)
        };
        *count -= 1;
        if *count == 0 {
            self.begun.remove(&started);
        }
        Some(mean.unwrap_or_else(|| self.one(memory)))
    }
}

/// An observer that counts the billed quantities of the plan. Executions count if their request arrived after the warm-up.
#[derive(Debug)]
pub struct ExecutionsMeter {
    spec: ExecutionsMeterSpec,
    warm_up: SimTime,
    /// By service.
    memory: Vec<Memory>,
    instances: BTreeMap<(u16, u32, u64), Shares>,
    services: Vec<ExecutionsUsage>,
}

impl ExecutionsMeter {
    /// Returns a meter for these services.
    ///
    /// # Panics
    /// If the memory of a service is not known. A scenario whose cost is unknown is not billed.
    fn new(spec: ExecutionsMeterSpec, warm_up: SimDuration, services: &[MeteredService]) -> Self {
        let known = services.iter().map(|service| spec.memory_of(service));
        let memory: Vec<Memory> = known
            .map(|memory| memory.expect("the memory of a billed service is known"))
            .collect();
        Self {
            warm_up: SimTime::ZERO + warm_up,
            instances: BTreeMap::new(),
            services: vec![ExecutionsUsage::default(); memory.len()],
            memory,
            spec,
        }
    }

    fn activity(&mut self, activity: &Activity) {
        if activity.starting {
            return;
        }
        let key = (activity.service, activity.function, activity.instance);
        let shares = self.instances.entry(key).or_default();
        shares.pass(activity.at, &self.memory[activity.service as usize]);
        shares.change(activity.requests, activity.at);
    }

    fn finished(&mut self, request: &Finished) {
        let memory = &self.memory[request.service as usize];
        let key = (request.service, request.function, request.instance);
        let Some(shares) = self.instances.get_mut(&key) else {
            return;
        };
        shares.pass(request.finished, memory);
        let mean = shares.end(request.started, request.finished, memory);
        if request.arrived < self.warm_up || request.role == Role::Ping {
            return;
        }
        let usage = &mut self.services[request.service as usize];
        usage.executions += 1;
        if let Some(bytes) = mean {
            let ms = self.spec.steps.billed_ms(request.finished.since(request.started));
            usage.mib_ms += u128::from(self.spec.steps.billed_mib(bytes)) * u128::from(ms);
        }
    }
}

impl Counts for ExecutionsMeter {
    type Usage = ExecutionsUsage;

    fn usage(&self) -> Vec<ExecutionsUsage> {
        self.services.clone()
    }
}

impl Observer for ExecutionsMeter {
    fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Finished(request) => self.finished(request),
            Fact::Activity(activity) => self.activity(activity),
            Fact::Stopped {
                service,
                function,
                instance,
                ..
            } => {
                self.instances.remove(&(*service, *function, *instance));
            }
            _ => {}
        }
    }
}
