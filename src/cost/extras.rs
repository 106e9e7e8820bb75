//! The cost of services beside their compute, as far as a scenario has it: traffic to the internet, a load balancer or an API in
//! front, a NAT gateway behind, logs, images in a registry, and public addresses.
//!
//! Sources: the pricing pages of Elastic Load Balancing (see `lcu`), of Amazon API Gateway (an HTTP API bills a request for each
//! 512 KB), of Amazon VPC (NAT gateways by the hour and GB, public addresses by the hour), of Amazon EC2 ("Data Transfer within the
//! same AWS Region": each side pays for traffic between zones), of Amazon CloudWatch and of Amazon ECR. A GB of traffic, logs and
//! images is 2^30 bytes; a GB of an LCU is 10^9 bytes, as in the vendor's examples.
//!
//! Services share common costs in proportion to their requests.

mod lcu;
mod sheet;
mod spec;
#[cfg(test)]
mod tests;

use super::meter::{Quantities, Served};
use crate::assumption::{Assumption, Topic};
use crate::sim::platform::Ground;
use crate::units::SimDuration;
use rust_decimal::Decimal;
use sheet::{Sheet, gib, gib_each};
pub use spec::{Api, BalancerSpec, ExtrasSpec, InterZoneSpec, LogsSpec, NatSpec, RegistrySpec};

/// The valid extras of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Extras {
    spec: ExtrasSpec,
    connections: Decimal,
    /// Share of the traffic with other services that crosses zones.
    crossing: Decimal,
    ground: Ground,
}

const NS_PER_HOUR: u64 = 3_600_000_000_000;
const API_STEP: u64 = 512 * 1_024;

impl Extras {
    /// Returns the extras of services on this ground.
    ///
    /// # Errors
    /// The first key that does not fit, with the reason.
    pub fn new(spec: &ExtrasSpec, ground: Ground) -> Result<Self, String> {
        let written = spec
            .load_balancer
            .as_ref()
            .map_or("0", |balancer| balancer.connections.as_str());
        let connections = Decimal::from_str_exact(written)
            .ok()
            .filter(|number| (Decimal::ZERO..=Decimal::from(1_000)).contains(number))
            .ok_or_else(|| {
                format!("`extras.load-balancer.connections` is `{written}`; it must be the number of new connections for each request, from 0 to 1000, such as \"0.1\"")
            })?;
        let written = spec.inter_zone.as_ref().map_or("0", |between| between.share.as_str());
        let crossing = Decimal::from_str_exact(written)
            .ok()
            .filter(|share| (Decimal::ZERO..=Decimal::ONE).contains(share))
            .ok_or_else(|| {
                format!(
                    "`extras.inter-zone.share` is `{written}`; it must be a share of the traffic from 0 to 1, such as \"0.67\""
                )
            })?;
        if spec.internet && spec.response_size.0 == 0 {
            return Err("`extras.internet` needs `extras.response-size`, such as \"12KB\"".into());
        }
        if spec.nat.as_ref().is_some_and(|nat| nat.pulls) && ground == Ground::Functions {
            return Err("`extras.nat.pulls`: functions do not pull images through a NAT gateway".into());
        }
        Ok(Self {
            spec: spec.clone(),
            connections,
            crossing,
            ground,
        })
    }

    /// True if the sizes of images must be known.
    pub fn needs_images(&self) -> bool {
        self.spec.registry.is_some() || self.spec.nat.as_ref().is_some_and(|nat| nat.pulls)
    }

    /// True if the facts about each instance are needed.
    pub fn needs_activity(&self) -> bool {
        self.ground == Ground::Tasks && self.spec.nat.as_ref().is_some_and(|nat| nat.pulls)
    }

    /// The meters that a price list must have.
    pub fn meters(&self) -> Vec<&'static str> {
        let none = [Served::default()];
        let month = Decimal::from(730);
        self.quantities(&none, SimDuration(NS_PER_HOUR), month, &[0])[0]
            .keys()
            .filter_map(|meter| METERS.into_iter().find(|known| known == meter))
            .collect()
    }

    /// Choices that change the bill.
    pub fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::Price.note(
                "services share the cost of [extras] in proportion to their requests of every outcome; an answer is sent for \
                 each request that succeeds",
            ),
        ];
        if self.spec.load_balancer.is_some() {
            lines.push(
                Topic::Price.small(
                    "the active connections of a load balancer are the requests in flight, without idle kept-alive connections; \
                     LCUs are worked out for each hour",
                ),
            );
        }
        if self.spec.nat.as_ref().is_some_and(|nat| nat.pulls) {
            lines.push(match self.ground {
                Ground::Nodes => Topic::Price.small(
                    "each node that is launched pulls the images of all services through the NAT gateway (a choice)",
                ),
                _ => Topic::Price.small("each task pulls its image through the NAT gateway"),
            });
        }
        if self.spec.logs.as_ref().is_some_and(|logs| logs.retention.is_some()) {
            lines.push(Topic::Price.small("stored logs are billed as if they had been written at this rate for their whole retention, without compression"));
        }
        lines
    }

    /// Returns the quantities by meter for each service.
    ///
    /// `served` is what was served in a time of `length`, by service; `month_hours` is the length of the month, and `images`
    /// are the compressed bytes of the services' images.
    pub fn quantities(
        &self,
        served: &[Served],
        length: SimDuration,
        month_hours: Decimal,
        images: &[u64],
    ) -> Vec<Quantities> {
        let mut sheet = Sheet::new(served, length);
        self.answers(&mut sheet);
        self.front(&mut sheet);
        self.nat(&mut sheet, images);
        self.inter_zone(&mut sheet);
        self.logs(&mut sheet, month_hours);
        self.registry(&mut sheet, month_hours, images);
        if self.spec.public_ipv4 > 0 {
            sheet.add_shared(ADDRESSES, sheet.hours * Decimal::from(self.spec.public_ipv4));
        }
        sheet.into_quantities()
    }

    /// Adds the traffic of answers to the internet.
    fn answers(&self, sheet: &mut Sheet<'_>) {
        if self.spec.internet {
            sheet.add_bytes(EGRESS, |served| served.answered, self.spec.response_size.0);
        }
    }

    /// Adds what stands in front of the services: a load balancer and an API.
    fn front(&self, sheet: &mut Sheet<'_>) {
        if let Some(balancer) = &self.spec.load_balancer {
            let load = lcu::Load {
                connections: self.connections,
                rules: balancer.rules,
                request_bytes: self.spec.request_size.0,
                response_bytes: self.spec.response_size.0,
                functions: self.ground == Ground::Functions,
            };
            sheet.add_shared(BALANCER_HOURS, sheet.hours);
            sheet.add_shared(BALANCER_UNITS, load.lcu_hours(sheet.served));
        }
        if let Some(api) = self.spec.api_gateway {
            let larger = self.spec.request_size.0.max(self.spec.response_size.0);
            let (meter, steps) = match api {
                Api::Http => (HTTP_API, larger.div_ceil(API_STEP).max(1)),
                Api::Rest => (REST_API, 1),
            };
            sheet.add_each(meter, |served| Decimal::from(served.requests * steps));
        }
    }

    /// Adds the NAT gateways and the traffic through them.
    fn nat(&self, sheet: &mut Sheet<'_>, images: &[u64]) {
        let Some(nat) = &self.spec.nat else {
            return;
        };
        sheet.add_shared(NAT_HOURS, sheet.hours * Decimal::from(nat.gateways));
        sheet.add_bytes(NAT_DATA, |served| served.requests, nat.sent.0 + nat.received.0);
        sheet.add_bytes(EGRESS, |served| served.requests, nat.sent.0);
        if nat.pulls {
            let nodes: u64 = sheet.served.iter().map(|served| served.nodes).sum();
            let pulled = sheet.served.iter().zip(images).map(|(served, image)| {
                let pulls = match self.ground {
                    Ground::Nodes => nodes,
                    Ground::Tasks => served.created,
                    Ground::Functions => 0,
                };
                gib(u128::from(pulls) * u128::from(*image))
            });
            sheet.add(NAT_DATA, pulled.collect());
        }
    }

    /// Adds the traffic between zones. The sender and the receiver each pay for it, and both belong to this account.
    fn inter_zone(&self, sheet: &mut Sheet<'_>) {
        if let Some(between) = &self.spec.inter_zone {
            let bytes = between.sent.0 + between.received.0;
            let both_sides = Decimal::TWO * self.crossing;
            sheet.add_each(INTER_ZONE, |served| gib_each(served.requests, bytes) * both_sides);
        }
    }

    /// Adds the logs and their storage.
    fn logs(&self, sheet: &mut Sheet<'_>, month_hours: Decimal) {
        let Some(logs) = &self.spec.logs else {
            return;
        };
        if let Some(retention) = logs.retention {
            let months = Decimal::from(retention.0) / Decimal::from(NS_PER_HOUR) / month_hours;
            sheet.add_each(LOG_STORAGE, |served| gib_each(served.requests, logs.size.0) * months);
        }
        let meter = if self.ground == Ground::Functions {
            FUNCTION_LOGS
        } else {
            LOGS
        };
        sheet.add_bytes(meter, |served| served.requests, logs.size.0);
    }

    /// Adds the images in the registry, in GB-months.
    fn registry(&self, sheet: &mut Sheet<'_>, month_hours: Decimal, images: &[u64]) {
        if let Some(registry) = &self.spec.registry {
            let hours = sheet.hours;
            let stored = images.iter().map(|image| {
                let kept = gib(u128::from(*image) * u128::from(registry.versions));
                kept * hours / month_hours
            });
            sheet.add(REGISTRY, stored.collect());
        }
    }
}

const EGRESS: &str = "network.egress.internet";
const BALANCER_HOURS: &str = "elb.alb.hour";
const BALANCER_UNITS: &str = "elb.alb.lcu";
const HTTP_API: &str = "api-gateway.http";
const REST_API: &str = "api-gateway.rest";
const NAT_HOURS: &str = "network.nat.hour";
const NAT_DATA: &str = "network.nat.data";
const INTER_ZONE: &str = "network.inter_az";
const LOGS: &str = "cloudwatch.logs.ingest.standard";
const FUNCTION_LOGS: &str = "cloudwatch.lambda_logs";
const LOG_STORAGE: &str = "cloudwatch.logs.storage";
const REGISTRY: &str = "ecr.private_storage";
const ADDRESSES: &str = "network.public_ipv4";

const METERS: [&str; 13] = [
    EGRESS,
    BALANCER_HOURS,
    BALANCER_UNITS,
    HTTP_API,
    REST_API,
    NAT_HOURS,
    NAT_DATA,
    INTER_ZONE,
    LOGS,
    FUNCTION_LOGS,
    LOG_STORAGE,
    REGISTRY,
    ADDRESSES,
];

/// Adds quantities, meter by meter.
pub fn merge(into: &mut Quantities, more: &Quantities) {
    for (meter, quantity) in more {
        *into.entry(meter.clone()).or_default() += quantity;
    }
}
