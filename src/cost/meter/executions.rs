//! Azure Functions on the Consumption plan: each execution is billed for the memory it was observed to use.
//!
//! Source: Azure Functions documentation, "Estimating consumption-based costs", and the pricing page, read 2025. Executions
//! that run at the same time on an instance share its memory: each counts the share of one among all that run, over its
//! time. The mean goes up to the next step, and so does the time.

use std::collections::BTreeMap;

use super::{Quantities, gib_seconds};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList, Steps};
use crate::sim::fact::{Activity, Fact, Finished, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::azure_functions::{MEMORY, Spec};
use crate::units::{SimDuration, SimTime};
use rust_decimal::Decimal;

/// Memory of an instance by executions at a time, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryLine {
    /// With one execution.
    pub at_one: f64,
    /// For each further one.
    pub growth: f64,
}

impl MemoryLine {
    /// With `n` executions, at least one, and no more than an instance has.
    fn bytes(&self, n: u32) -> f64 {
        let bytes = self.at_one + self.growth * f64::from(n.saturating_sub(1));
        bytes.min(f64::from(MEMORY.0) * 1_048_576.0)
    }
}

/// How executions become billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionsMeterSpec {
    steps: Steps,
    memory: Option<MemoryLine>,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecutionsUsage {
    /// Executions.
    pub executions: u64,
    /// Billed memory over billed time, in MiB-milliseconds.
    pub mib_ms: u128,
}

impl ExecutionsUsage {
    /// Adds the quantities of `other`.
    pub fn add(&mut self, other: &Self) {
        self.executions += other.executions;
        self.mib_ms += other.mib_ms;
    }
}

const DURATION: &str = "functions.consumption.duration";
const EXECUTIONS: &str = "functions.consumption.executions";

impl ExecutionsMeterSpec {
    /// The rules of `list` for functions with these settings.
    ///
    /// # Errors
    /// If the list has no rules for the plan.
    pub fn new(spec: &Spec, list: &PriceList) -> Result<Self, PriceError> {
        Ok(Self {
            steps: list.steps("azure-functions")?.clone(),
            memory: spec.average_memory.map(|memory| MemoryLine {
                at_one: f64::from(memory.0) * 1_048_576.0,
                growth: 0.0,
            }),
        })
    }

    /// Whether the memory of each service has to be known.
    pub fn needs_memory(&self) -> bool {
        self.memory.is_none()
    }

    pub(super) fn meters(&self) -> Vec<&'static str> {
        vec![DURATION, EXECUTIONS]
    }

    pub(super) fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Price.factor(format!(
            "Azure bills each execution for its share of the instance's memory among those that run at a time, {}; starts are \
             not billed",
            match self.memory {
                Some(_) => "which is `average-memory`",
                None => {
                    "which is the anonymous memory that was measured, without what the host process of Azure Functions needs: \
                     `average-memory` says it for an app of yours"
                }
            }
        ))]
    }

    pub(super) fn quantities(&self, usage: &ExecutionsUsage) -> Quantities {
        Quantities::from([
            (DURATION.to_string(), gib_seconds(usage.mib_ms)),
            (EXECUTIONS.to_string(), Decimal::from(usage.executions)),
        ])
    }
}

/// What runs on an instance.
#[derive(Debug, Default)]
struct Shares {
    /// Executions that run, and since when that has been so.
    running: u32,
    since: SimTime,
    /// Integral over time of the memory of one execution's share, in byte-nanoseconds.
    share: f64,
    /// By the time at which executions began: the integral then, and how many of them there are.
    begun: BTreeMap<SimTime, (f64, u32)>,
}

impl Shares {
    /// Has time pass until `at`.
    fn pass(&mut self, at: SimTime, memory: &MemoryLine) {
        if self.running > 0 {
            self.share += self.one(memory) * at.since(self.since).0 as f64;
        }
        self.since = at;
    }

    /// The share of one among those that run.
    fn one(&self, memory: &MemoryLine) -> f64 {
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

    /// The mean of the share of an execution that began at `started` and ends at `at`; `None` if none began then.
    fn end(&mut self, started: SimTime, at: SimTime, memory: &MemoryLine) -> Option<f64> {
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

/// Watches a run and counts what the plan bills, over requests that arrived after the warm-up.
#[derive(Debug)]
pub struct ExecutionsMeter {
    spec: ExecutionsMeterSpec,
    warm_up: SimTime,
    /// By service.
    memory: Vec<MemoryLine>,
    instances: BTreeMap<(u16, u32, u64), Shares>,
    services: Vec<ExecutionsUsage>,
}

impl ExecutionsMeter {
    /// A meter for services whose instances use so much memory.
    ///
    /// # Panics
    /// If the memory of a service is not known and no average is set: such a plan has no prices.
    pub fn new(spec: ExecutionsMeterSpec, warm_up: SimDuration, memory: &[Option<MemoryLine>]) -> Self {
        let known = memory.iter().map(|measured| spec.memory.or(*measured));
        let memory: Vec<MemoryLine> = known
            .map(|line| line.expect("the memory of a billed service is known"))
            .collect();
        Self {
            warm_up: SimTime::ZERO + warm_up,
            instances: BTreeMap::new(),
            services: vec![ExecutionsUsage::default(); memory.len()],
            memory,
            spec,
        }
    }

    /// What was counted so far, by service.
    pub fn usage(&self) -> Vec<ExecutionsUsage> {
        self.services.clone()
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
