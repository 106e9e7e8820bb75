//! Google Cloud Run: an instance is billed while it starts and while it has a request, or from its start to its end.
//!
//! Source: Cloud Run pricing page and "Billing settings for services", read 2026. Overlapping requests share time. Each billed
//! interval of an instance is rounded up to the next step. Choices: the shutdown takes no time, and the idle instances of
//! `min-instances` are those by which the active ones fall short of the minimum.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::active::{Instances, Interval};
use super::units::{NS_PER_MS, gib_seconds, thousandths};
use super::{Billing, Counts, MeteredService, Quantities, Tally};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList, Steps};
use crate::sim::fact::{Fact, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::billed_by::{Counted, InstanceTime};
use crate::units::{SimDuration, SimTime};

/// The rules by which the time of instances becomes billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudRunMeterSpec {
    steps: Steps,
    facts: InstanceTime,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CloudRunUsage {
    /// Requests that reached an instance.
    pub requests: u64,
    /// Billed milliseconds of instances.
    pub billed_ms: u64,
    /// The part of `billed_ms` in which instances started.
    pub start_ms: u64,
    /// Time in which instances had a request or started, not rounded, in nanoseconds.
    pub active_ns: u128,
    /// CPU that startup boost added to the configured CPU, in thousandths of a vCPU times milliseconds.
    pub boost: u128,
    /// The part of `boost` while instances started.
    pub start_boost: u128,
    /// Time of idle instances that the minimum keeps, in instance-nanoseconds.
    pub idle_ns: u128,
}

impl Tally for CloudRunUsage {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.billed_ms += other.billed_ms;
        self.start_ms += other.start_ms;
        self.active_ns += other.active_ns;
        self.boost += other.boost;
        self.start_boost += other.start_boost;
        self.idle_ns += other.idle_ns;
    }
}

const REQUESTS: &str = "cloud-run.request.requests";
const REQUEST: [&str; 2] = ["cloud-run.request.cpu", "cloud-run.request.memory"];
const IDLE: [&str; 2] = [
    "cloud-run.request.min_instance_idle.cpu",
    "cloud-run.request.min_instance_idle.memory",
];
const INSTANCE: [&str; 2] = ["cloud-run.instance.cpu", "cloud-run.instance.memory"];

impl Billing for CloudRunMeterSpec {
    type Facts<'a> = InstanceTime;
    type Usage = CloudRunUsage;
    type Meter = CloudRunMeter;

    fn new(facts: &InstanceTime, list: &PriceList, _: Option<Date>) -> Result<Option<Self>, PriceError> {
        let steps = list.steps(match facts.counted {
            Counted::Active => "cloud-run-request",
            Counted::Lifetime => "cloud-run-instance",
        })?;
        Ok(Some(Self {
            steps: steps.clone(),
            facts: *facts,
        }))
    }

    fn meters(&self) -> Vec<&str> {
        match self.facts.counted {
            Counted::Active if self.facts.min_instances > 0 => [&[REQUESTS][..], &REQUEST, &IDLE].concat(),
            Counted::Active => [&[REQUESTS][..], &REQUEST].concat(),
            Counted::Lifetime => INSTANCE.to_vec(),
        }
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let step = self.steps.step;
        let mut assumptions = vec![match self.facts.counted {
            Counted::Active => Topic::Price.small(format!(
                "Cloud Run bills an instance while it starts and while it has a request, and rounds each such interval up to \
                 {step}; the shutdown takes no time (a choice)"
            )),
            Counted::Lifetime => Topic::Price.small(format!(
                "Cloud Run bills an instance from its start to its end, at least {} (not confirmed), in steps of {step}; the \
                 shutdown takes no time (a choice)",
                self.steps.minimum
            )),
        }];
        if self.facts.counted == Counted::Active && self.facts.min_instances > 0 {
            assumptions.push(Topic::Price.small(
                "Cloud Run bills an idle instance for each one by which the active instances fall short of `min-instances` \
                 (a choice)",
            ));
        }
        if self.facts.boost.is_some() {
            assumptions.push(Topic::Price.small("Cloud Run bills startup CPU boost as the CPU that it adds"));
        }
        assumptions
    }

    fn needs_activity(&self) -> bool {
        true
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> CloudRunMeter {
        CloudRunMeter::new(self.clone(), warm_up, services.len())
    }

    fn quantities(&self, usage: &CloudRunUsage) -> Quantities {
        let mut quantities = self.pair(self.time_meters(), usage.billed_ms.into(), usage.boost);
        if self.facts.counted == Counted::Active {
            quantities.insert(REQUESTS.into(), Decimal::from(usage.requests));
            if self.facts.min_instances > 0 {
                quantities.extend(self.pair(IDLE, usage.idle_ns / NS_PER_MS, 0));
            }
        }
        quantities
    }

    fn start_quantities(&self, usage: &CloudRunUsage) -> Quantities {
        self.pair(self.time_meters(), usage.start_ms.into(), usage.start_boost)
    }

    fn idle_quantities(&self, usage: &CloudRunUsage) -> Option<Quantities> {
        Some(match self.facts.counted {
            Counted::Active if self.facts.min_instances > 0 => self.pair(IDLE, usage.idle_ns / NS_PER_MS, 0),
            Counted::Active => Quantities::new(),
            Counted::Lifetime => {
                let active = usage.active_ns / NS_PER_MS;
                self.pair(INSTANCE, u128::from(usage.billed_ms).saturating_sub(active), 0)
            }
        })
    }
}

impl CloudRunMeterSpec {
    fn pair(&self, meters: [&str; 2], ms: u128, boost: u128) -> Quantities {
        let [cpu, memory] = meters.map(str::to_string);
        Quantities::from([
            (cpu, thousandths(ms * u128::from(self.facts.cpu.0) + boost)),
            (memory, gib_seconds(ms * u128::from(self.facts.memory.0))),
        ])
    }

    fn time_meters(&self) -> [&'static str; 2] {
        match self.facts.counted {
            Counted::Active => REQUEST,
            Counted::Lifetime => INSTANCE,
        }
    }
}

/// The active instances of a function, and the time up to which idle instances have been counted.
#[derive(Debug, Clone, Copy)]
struct Active {
    instances: u32,
    since: SimTime,
}

/// An observer that counts the billed quantities of Cloud Run. Time counts from the end of the warm-up to the last sample, which
/// the run takes at its end. Requests count if they arrived after the warm-up.
#[derive(Debug)]
pub struct CloudRunMeter {
    spec: CloudRunMeterSpec,
    warm_up: SimTime,
    instances: Instances,
    functions: BTreeMap<(u16, u32), Active>,
    /// The usage that is complete, by service.
    services: Vec<CloudRunUsage>,
    /// The whole usage at the last sample, by service.
    sampled: Vec<CloudRunUsage>,
}

impl CloudRunMeter {
    fn new(spec: CloudRunMeterSpec, warm_up: SimDuration, services: usize) -> Self {
        Self {
            spec,
            warm_up: SimTime::ZERO + warm_up,
            instances: Instances::new(true),
            functions: BTreeMap::new(),
            services: vec![CloudRunUsage::default(); services],
            sampled: vec![CloudRunUsage::default(); services],
        }
    }

    /// Changes the number of active instances of a function at `at`.
    fn count(&mut self, service: u16, function: u32, at: SimTime, change: i32) {
        let idle = self.pass(service, function, at);
        self.services[service as usize].idle_ns += idle;
        if let Some(active) = self.functions.get_mut(&(service, function)) {
            active.since = at;
            active.instances = active.instances.saturating_add_signed(change);
        }
    }

    /// Instance-nanoseconds by which the active instances of a function fell short of the minimum since the last count.
    fn pass(&mut self, service: u16, function: u32, at: SimTime) -> u128 {
        let active = self.functions.entry((service, function)).or_insert(Active {
            instances: 0,
            since: at,
        });
        let short = self.spec.facts.min_instances.saturating_sub(active.instances);
        u128::from(short) * u128::from(at.max(self.warm_up).since(active.since.max(self.warm_up)).0)
    }

    /// The usage of an interval in which an instance was active.
    fn interval(&self, interval: &Interval) -> CloudRunUsage {
        let mut usage = CloudRunUsage::default();
        let Some(counted) = interval.after(self.warm_up) else {
            return usage;
        };
        let Interval { since, until, .. } = counted;
        let steps = &self.spec.steps;
        let length = until.since(since);
        // The end of the start, if the interval began with the start.
        let up = interval.up.unwrap_or(until).min(until);
        let start = if interval.since == interval.created {
            up.max(since).since(since)
        } else {
            SimDuration::ZERO
        };
        usage.active_ns = length.0.into();
        usage.start_ms = steps.rounded_ms(start);
        if self.spec.facts.counted == Counted::Active {
            usage.billed_ms = steps.rounded_ms(length);
        }
        if let Some(boost) = self.spec.facts.boost {
            let more = u128::from(boost.cpu.0.saturating_sub(self.spec.facts.cpu.0));
            let lasts = interval.up.map_or(until, |up| (up + boost.lasts).min(until));
            usage.boost = more * u128::from(steps.rounded_ms(lasts.max(since).since(since)));
            usage.start_boost = more * u128::from(usage.start_ms);
        }
        usage
    }

    /// Billed milliseconds of an instance's life up to `at`.
    fn life(&self, created: SimTime, at: SimTime, ended: bool) -> u64 {
        if self.spec.facts.counted == Counted::Active || at < self.warm_up {
            return 0;
        }
        let life = at.since(created.max(self.warm_up));
        if ended && created >= self.warm_up {
            self.spec.steps.billed_ms(life)
        } else {
            self.spec.steps.rounded_ms(life)
        }
    }

    fn sample(&mut self, service: u16, at: SimTime) {
        let mut usage = self.services[service as usize];
        for interval in self.instances.open(at).filter(|interval| interval.key.0 == service) {
            usage.add(&self.interval(&interval));
        }
        for (_, created) in self.instances.all().filter(|(key, _)| key.0 == service) {
            usage.billed_ms += self.life(created, at, false);
        }
        let functions: Vec<u32> = self
            .functions
            .keys()
            .filter(|key| key.0 == service)
            .map(|key| key.1)
            .collect();
        for function in functions {
            usage.idle_ns += self.pass(service, function, at);
        }
        self.sampled[service as usize] = usage;
    }
}

impl Counts for CloudRunMeter {
    type Usage = CloudRunUsage;

    fn usage(&self) -> Vec<CloudRunUsage> {
        let both = self.sampled.iter().zip(&self.services);
        both.map(|(sampled, all)| CloudRunUsage {
            requests: all.requests,
            ..*sampled
        })
        .collect()
    }
}

impl Observer for CloudRunMeter {
    fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Finished(request) if request.arrived >= self.warm_up && request.role != Role::Ping => {
                self.services[request.service as usize].requests += 1;
            }
            Fact::Activity(activity) => {
                let (service, function, at) = (activity.service, activity.function, activity.at);
                let (before, now, ended) = self.instances.note(activity);
                if let Some(interval) = ended {
                    let usage = self.interval(&interval);
                    self.services[service as usize].add(&usage);
                }
                self.count(service, function, at, i32::from(now) - i32::from(before));
            }
            Fact::Stopped {
                service,
                function,
                instance,
                created,
                at,
            } => {
                let ms = self.life(*created, *at, true);
                self.services[*service as usize].billed_ms += ms;
                if let Some((interval, active)) = self.instances.ended((*service, *function, *instance), *at) {
                    let usage = self.interval(&interval);
                    self.services[*service as usize].add(&usage);
                    if active {
                        self.count(*service, *function, *at, -1);
                    }
                }
            }
            Fact::Sampled { service, at, .. } => self.sample(*service, *at),
            _ => {}
        }
    }
}
