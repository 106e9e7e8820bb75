//! Azure Functions on the Flex Consumption plan: an instance is billed at its full size while it executes anything. Always ready
//! instances are also billed from start to end at a lower rate.
//!
//! Source: Azure Functions documentation, "Estimating consumption-based costs" and the pricing page, read 2025. Choices:
//! the first instances of a function are its always ready ones, and the start of an instance is not billed because nothing
//! executes then.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::active::{Instances, Interval};
use super::units::{NS_PER_MS, gib_seconds};
use super::{Billing, Counts, MeteredService, Quantities, Tally};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList, Steps};
use crate::sim::fact::{Fact, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::billed_by::ExecutingTime;
use crate::units::{MemoryMib, SimDuration, SimTime};

/// The rules by which the time of instances becomes billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct FlexMeterSpec {
    steps: Steps,
    memory: MemoryMib,
    always_ready: u32,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlexUsage {
    /// Executions on instances on demand.
    pub executions: u64,
    /// Executions on instances that are always ready.
    pub ready_executions: u64,
    /// Billed milliseconds of instances on demand.
    pub billed_ms: u64,
    /// Billed milliseconds of always ready instances that execute something.
    pub ready_ms: u64,
    /// Time of always ready instances, in instance-nanoseconds.
    pub baseline_ns: u128,
}

impl Tally for FlexUsage {
    fn add(&mut self, other: &Self) {
        self.executions += other.executions;
        self.ready_executions += other.ready_executions;
        self.billed_ms += other.billed_ms;
        self.ready_ms += other.ready_ms;
        self.baseline_ns += other.baseline_ns;
    }
}

const DURATION: &str = "functions.flex.on_demand.duration";
const EXECUTIONS: &str = "functions.flex.executions";
const BASELINE: &str = "functions.flex.always_ready.baseline";
const READY: &str = "functions.flex.always_ready.duration";
const READY_EXECUTIONS: &str = "functions.flex.always_ready.executions";

impl Billing for FlexMeterSpec {
    type Facts<'a> = ExecutingTime;
    type Usage = FlexUsage;
    type Meter = FlexMeter;

    fn new(facts: &ExecutingTime, list: &PriceList, _: Option<Date>) -> Result<Option<Self>, PriceError> {
        Ok(Some(Self {
            steps: list.steps("azure-flex")?.clone(),
            memory: facts.memory,
            always_ready: facts.always_ready,
        }))
    }

    fn meters(&self) -> Vec<&str> {
        let mut meters = vec![DURATION, EXECUTIONS];
        if self.always_ready > 0 {
            meters.extend([BASELINE, READY, READY_EXECUTIONS]);
        }
        meters
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut assumptions = vec![
            Topic::Price.large(format!(
                "Azure Flex bills an instance at its full size while it executes anything, at least {} and in steps of {} for \
                 each such interval (low confidence)",
                self.steps.minimum, self.steps.step,
            )),
            Topic::Price.small("Azure Flex does not bill starts"),
        ];
        if self.always_ready > 0 {
            assumptions.push(Topic::Price.small("the first instances of a function are its always ready ones"));
        }
        assumptions
    }

    fn needs_activity(&self) -> bool {
        true
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> FlexMeter {
        FlexMeter::new(self.clone(), warm_up, services.len())
    }

    fn quantities(&self, usage: &FlexUsage) -> Quantities {
        let mut quantities = Quantities::from([
            (DURATION.to_string(), self.gib(usage.billed_ms.into())),
            (EXECUTIONS.to_string(), Decimal::from(usage.executions)),
        ]);
        if self.always_ready > 0 {
            quantities.insert(BASELINE.into(), self.gib(usage.baseline_ns / NS_PER_MS));
            quantities.insert(READY.into(), self.gib(usage.ready_ms.into()));
            quantities.insert(READY_EXECUTIONS.into(), Decimal::from(usage.ready_executions));
        }
        quantities
    }

    fn idle_quantities(&self, usage: &FlexUsage) -> Option<Quantities> {
        if self.always_ready == 0 {
            return Some(Quantities::new());
        }
        let idle = (usage.baseline_ns / NS_PER_MS).saturating_sub(usage.ready_ms.into());
        Some(Quantities::from([(BASELINE.to_string(), self.gib(idle))]))
    }
}

impl FlexMeterSpec {
    fn gib(&self, ms: u128) -> Decimal {
        gib_seconds(ms * u128::from(self.memory.0))
    }
}

/// An observer that counts the billed quantities of the plan. Time counts from the end of the warm-up to the last sample, which
/// the run takes at its end. Executions count if their request arrived after the warm-up.
#[derive(Debug)]
pub struct FlexMeter {
    spec: FlexMeterSpec,
    warm_up: SimTime,
    instances: Instances,
    /// The usage that is complete, by service.
    services: Vec<FlexUsage>,
    /// The whole usage at the last sample, by service.
    sampled: Vec<FlexUsage>,
}

impl FlexMeter {
    fn new(spec: FlexMeterSpec, warm_up: SimDuration, services: usize) -> Self {
        Self {
            spec,
            warm_up: SimTime::ZERO + warm_up,
            instances: Instances::new(false),
            services: vec![FlexUsage::default(); services],
            sampled: vec![FlexUsage::default(); services],
        }
    }

    fn is_ready(&self, instance: u64) -> bool {
        instance < u64::from(self.spec.always_ready)
    }

    /// The usage of an interval in which an instance executed something. The minimum applies if the interval has ended.
    fn interval(&self, interval: &Interval) -> FlexUsage {
        let mut usage = FlexUsage::default();
        let Some(counted) = interval.after(self.warm_up) else {
            return usage;
        };
        let length = counted.until.since(counted.since);
        let steps = &self.spec.steps;
        let ms = if interval.over && interval.since >= self.warm_up {
            steps.billed_ms(length)
        } else {
            steps.rounded_ms(length)
        };
        if self.is_ready(interval.key.2) {
            usage.ready_ms = ms;
        } else {
            usage.billed_ms = ms;
        }
        usage
    }

    fn baseline(&self, instance: u64, created: SimTime, at: SimTime) -> u128 {
        if !self.is_ready(instance) {
            return 0;
        }
        at.max(self.warm_up).since(created.max(self.warm_up)).0.into()
    }

    fn sample(&mut self, service: u16, at: SimTime) {
        let mut usage = self.services[service as usize];
        for interval in self.instances.open(at).filter(|interval| interval.key.0 == service) {
            usage.add(&self.interval(&interval));
        }
        for (key, created) in self.instances.all().filter(|(key, _)| key.0 == service) {
            usage.baseline_ns += self.baseline(key.2, created, at);
        }
        self.sampled[service as usize] = usage;
    }
}

impl Counts for FlexMeter {
    type Usage = FlexUsage;

    fn usage(&self) -> Vec<FlexUsage> {
        let both = self.sampled.iter().zip(&self.services);
        both.map(|(sampled, all)| FlexUsage {
            executions: all.executions,
            ready_executions: all.ready_executions,
            ..*sampled
        })
        .collect()
    }
}

impl Observer for FlexMeter {
    fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Finished(request) if request.arrived >= self.warm_up && request.role != Role::Ping => {
                let ready = self.is_ready(request.instance);
                let usage = &mut self.services[request.service as usize];
                usage.executions += u64::from(!ready);
                usage.ready_executions += u64::from(ready);
            }
            Fact::Activity(activity) => {
                if let (.., Some(interval)) = self.instances.note(activity) {
                    let usage = self.interval(&interval);
                    self.services[activity.service as usize].add(&usage);
                }
            }
            Fact::Stopped {
                service,
                function,
                instance,
                created,
                at,
            } => {
                let mut usage = FlexUsage {
                    baseline_ns: self.baseline(*instance, *created, *at),
                    ..FlexUsage::default()
                };
                if let Some((interval, _)) = self.instances.ended((*service, *function, *instance), *at) {
                    usage.add(&self.interval(&interval));
                }
                self.services[*service as usize].add(&usage);
            }
            Fact::Sampled { service, at, .. } => self.sample(*service, *at),
            _ => {}
        }
    }
}
