//! AWS Lambda Managed Instances: requests, EC2 instances of the account at their on-demand price, and a fee on that price. Duration
//! is not billed.
//!
//! Source: AWS Lambda pricing page, Managed Instances, read 2026.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::units::hours;
use super::{Billing, Counts, MeteredService, Quantities, Tally};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList};
use crate::sim::fact::{Fact, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::billed_by::HostTime;
use crate::units::{SimDuration, SimTime};

/// The rules by which requests and the time of instances become billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedMeterSpec {
    /// Meter of the instances.
    instances: String,
    /// US dollars for an hour of an instance, the base of the fee.
    usd_per_hour: Decimal,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ManagedUsage {
    /// Requests.
    requests: u64,
    /// Time of EC2 instances, in instance-nanoseconds.
    instances: u128,
}

impl Tally for ManagedUsage {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.instances += other.instances;
    }
}

const REQUESTS: &str = "lambda.requests";
const FEE: &str = "lambda.managed_instances.fee";

impl Billing for ManagedMeterSpec {
    type Facts<'a> = HostTime<'a>;
    type Usage = ManagedUsage;
    type Meter = ManagedMeter;

    fn new(facts: &HostTime<'_>, list: &PriceList, _: Option<Date>) -> Result<Option<Self>, PriceError> {
        let stated = facts.machine_type.map(|name| format!("ec2.{name}"));
        let Some(instances) = stated.or_else(|| list.host_meter(facts.cpu, facts.memory).map(str::to_string)) else {
            return Ok(None);
        };
        let price = list.price(&instances)?;
        let usd_per_hour = price.tiers.first().map_or(Decimal::ZERO, |tier| tier.unit_price_usd);
        Ok(Some(Self {
            instances,
            usd_per_hour,
        }))
    }

    fn meters(&self) -> Vec<&str> {
        vec![REQUESTS, &self.instances, FEE]
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Price.large(format!(
            "managed environments run on EC2 instances billed as {}, from the decision to launch one until fewer are needed; \
             the fee is a share of their on-demand price",
            self.instances
        ))]
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> ManagedMeter {
        ManagedMeter::new(warm_up, services.len())
    }

    fn quantities(&self, usage: &ManagedUsage) -> Quantities {
        let hours = hours(usage.instances);
        Quantities::from([
            (REQUESTS.to_string(), Decimal::from(usage.requests)),
            (self.instances.clone(), hours.normalize()),
            (FEE.to_string(), (hours * self.usd_per_hour).normalize()),
        ])
    }
}

/// An observer that counts requests and instances between the end of the warm-up and the last sample, which the run takes at its
/// end.
#[derive(Debug)]
pub struct ManagedMeter {
    warm_up: SimTime,
    /// The instances of each function, and the time since which their number is the same.
    functions: BTreeMap<(u16, u32), (u32, SimTime)>,
    /// The usage that is complete, by service.
    services: Vec<ManagedUsage>,
    /// Instance-nanoseconds at the last sample, by service.
    sampled: Vec<u128>,
}

impl ManagedMeter {
    fn new(warm_up: SimDuration, services: usize) -> Self {
        Self {
            warm_up: SimTime::ZERO + warm_up,
            functions: BTreeMap::new(),
            services: vec![ManagedUsage::default(); services],
            sampled: vec![0; services],
        }
    }

    fn area(&self, (hosts, since): (u32, SimTime), at: SimTime) -> u128 {
        let from = since.max(self.warm_up);
        u128::from(hosts) * u128::from(at.max(from).since(from).0)
    }
}

impl Counts for ManagedMeter {
    type Usage = ManagedUsage;

    fn usage(&self) -> Vec<ManagedUsage> {
        let both = self.services.iter().zip(&self.sampled);
        both.map(|(usage, &instances)| ManagedUsage { instances, ..*usage })
            .collect()
    }
}

impl Observer for ManagedMeter {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Finished(request) if request.arrived >= self.warm_up && request.role != Role::Ping => {
                self.services[request.service as usize].requests += 1;
            }
            Fact::Hosts {
                service,
                function,
                at,
                hosts,
            } => {
                // The first instances were there from the beginning.
                let before = self.functions.insert((service, function), (hosts, at));
                let before = before.unwrap_or((hosts, SimTime::ZERO));
                self.services[service as usize].instances += self.area(before, at);
            }
            Fact::Sampled { service, at, .. } => {
                let own = self.functions.iter().filter(|((other, _), _)| *other == service);
                let open: u128 = own.map(|(_, known)| self.area(*known, at)).sum();
                self.sampled[service as usize] = self.services[service as usize].instances + open;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fact::FleetState;
    use crate::units::{MemoryMib, MilliCpu};

    /// Three instances for an hour whose first half is warm-up, and five from 45 min on. By hand: 3 x 0.25 + 5 x 0.25 hours, and
    /// 15% of their price.
    #[test]
    fn instances_are_billed_with_a_fee_on_their_price() {
        let list = PriceList::find("aws-us-east-1").unwrap();
        let facts = HostTime {
            cpu: MilliCpu(4_000),
            memory: MemoryMib(8_192),
            machine_type: None,
        };
        let spec = ManagedMeterSpec::new(&facts, &list, None).unwrap().unwrap();
        let at = |minutes: u64| SimTime::ZERO + SimDuration::from_secs(60 * minutes);
        let mut meter = ManagedMeter::new(SimDuration::from_secs(1_800), 1);
        for (minute, hosts) in [(0, 3), (20, 3), (45, 5)] {
            meter.observe(&Fact::Hosts {
                service: 0,
                function: 0,
                at: at(minute),
                hosts,
            });
        }
        meter.observe(&Fact::Sampled {
            service: 0,
            at: at(60),
            area: FleetState::default(),
        });
        let usage = meter.usage().remove(0);
        let quantities = spec.quantities(&usage);
        assert_eq!(quantities["ec2.c7i.xlarge"].to_string(), "2");
        // Two hours at 0.1785 dollars.
        assert_eq!(quantities[FEE].to_string(), "0.357");
        let fee = list.price(FEE).unwrap().tiers[0].unit_price_usd;
        assert_eq!(fee.to_string(), "0.15");
    }
}
