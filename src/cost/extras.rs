//! What a service costs beside its compute, where a scenario says that it has it: traffic to the internet, a load balancer or an API
//! in front, a NAT gateway behind, logs, its image in a registry, public addresses.
//!
//! Sources: Elastic Load Balancing pricing page: an LCU is the largest of 25 new connections a second, 3,000 active ones, 1 GB an hour
//! (0.4 GB for functions as targets) and 1,000 evaluated rules a second, of which ten are free for each request, by the means of an
//! hour; Amazon API Gateway pricing page: a request of an HTTP API for each 512 KB; Amazon VPC pricing page: NAT gateways by the hour
//! and GB, public addresses by the hour; Amazon EC2 pricing page, "Data Transfer within the same AWS Region": between zones a GB is
//! paid for on each side; Amazon CloudWatch and Amazon ECR pricing pages. A GB of traffic, logs and images is 2^30
//! bytes, one of an LCU 10^9, as in the vendor's examples.
//!
//! What services share is divided among them by their requests.

mod spec;

use super::meter::{Quantities, Served};
use super::rate::share_out;
use crate::assumption::{Assumption, Topic};
use crate::units::SimDuration;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
pub use spec::{Api, BalancerSpec, ExtrasSpec, InterZoneSpec, LogsSpec, NatSpec, RegistrySpec};

/// Where requests are served, as far as it matters for extras.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Functions.
    Functions,
    /// Containers of which each is a machine that pulls its image.
    Tasks,
    /// Pods on nodes that pull the images of all services.
    Nodes,
}

/// Extras of a scenario, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Extras {
    spec: ExtrasSpec,
    connections: Decimal,
    /// Share of what is exchanged with others that crosses the border of a zone.
    crossing: Decimal,
    target: Target,
}

const GIB: u64 = 1 << 30;
const NS_PER_HOUR: u64 = 3_600_000_000_000;
const API_STEP: u64 = 512 * 1_024;
const FREE_RULES: u32 = 10;

impl Extras {
    /// The extras of services on a target.
    ///
    /// # Errors
    /// What makes no sense, in words.
    pub fn new(spec: &ExtrasSpec, target: Target) -> Result<Self, String> {
        let written = spec
            .load_balancer
            .as_ref()
            .map_or("0", |balancer| balancer.connections.as_str());
        let connections = Decimal::from_str_exact(written)
            .ok()
            .filter(|number| (Decimal::ZERO..=Decimal::from(1_000)).contains(number))
            .ok_or_else(|| {
                format!("`extras.load-balancer.connections` is `{written}`; it is the number of new connections for each request, such as \"0.1\"")
            })?;
        let written = spec.inter_zone.as_ref().map_or("0", |between| between.share.as_str());
        let crossing = Decimal::from_str_exact(written)
            .ok()
            .filter(|share| (Decimal::ZERO..=Decimal::ONE).contains(share))
            .ok_or_else(|| {
                format!(
                    "`extras.inter-zone.share` is `{written}`; it is a share of traffic from 0 to 1, such as \"0.67\""
                )
            })?;
        if spec.internet && spec.response_size.0 == 0 {
            return Err("`extras.internet` needs `extras.response-size`, such as \"12KB\"".into());
        }
        if spec.nat.as_ref().is_some_and(|nat| nat.pulls) && target == Target::Functions {
            return Err("`extras.nat.pulls`: functions pull no images through a NAT gateway".into());
        }
        Ok(Self {
            spec: spec.clone(),
            connections,
            crossing,
            target,
        })
    }

    /// Whether the sizes of images matter.
    pub fn needs_images(&self) -> bool {
        self.spec.registry.is_some() || self.spec.nat.as_ref().is_some_and(|nat| nat.pulls)
    }

    /// Whether it has to be told what each instance does.
    pub fn needs_activity(&self) -> bool {
        self.target == Target::Tasks && self.spec.nat.as_ref().is_some_and(|nat| nat.pulls)
    }

    /// Meters that a price list needs.
    pub fn meters(&self) -> Vec<&'static str> {
        let none = [Served::default()];
        let month = Decimal::from(730);
        self.quantities(&none, SimDuration(NS_PER_HOUR), month, &[0])[0]
            .keys()
            .filter_map(|meter| METERS.into_iter().find(|known| known == meter))
            .collect()
    }

    /// What is assumed, in words.
    pub fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::Price.note("what [extras] adds is shared by services by their requests; requests of every outcome count, answers are sent for those \
             that succeed"),
        ];
        if self.spec.load_balancer.is_some() {
            lines.push(
                Topic::Price.small("a load balancer's active connections are the requests in flight: idle kept-alive ones are not counted; LCUs are worked \
                 out for each hour"),
            );
        }
        if self.spec.nat.as_ref().is_some_and(|nat| nat.pulls) {
            lines.push(match self.target {
                Target::Nodes => Topic::Price.small(
                    "each node that is launched pulls the images of all services through the NAT gateway (a choice)",
                ),
                _ => Topic::Price.small("each task pulls its image through the NAT gateway"),
            });
        }
        if self.spec.logs.as_ref().is_some_and(|logs| logs.retention.is_some()) {
            lines.push(Topic::Price.small("stored logs are billed as if they had been written at this rate for their whole retention, uncompressed"));
        }
        lines
    }

    /// Quantities by meter for each service, of what was served in a time of some length of a month of so many hours, by services
    /// whose images have so many bytes compressed.
    pub fn quantities(
        &self,
        served: &[Served],
        length: SimDuration,
        month_hours: Decimal,
        images: &[u64],
    ) -> Vec<Quantities> {
        let hours = Decimal::from(length.0) / Decimal::from(NS_PER_HOUR);
        let weights: Vec<Decimal> = served.iter().map(|service| Decimal::from(service.requests)).collect();
        let mut quantities = vec![Quantities::new(); served.len()];
        let mut add = |meter: &str, own: Vec<Decimal>| {
            for (quantities, own) in quantities.iter_mut().zip(own) {
                *quantities.entry(meter.to_string()).or_default() += own.normalize();
            }
        };
        let shared = |amount: Decimal| share_out(amount, &weights);
        let each = |of: &dyn Fn(&Served) -> u128, bytes: u64| -> Vec<Decimal> {
            served
                .iter()
                .map(|service| gib(of(service) * u128::from(bytes)))
                .collect()
        };
        let spec = &self.spec;
        if spec.internet {
            add(EGRESS, each(&|served| served.answered.into(), spec.response_size.0));
        }
        if let Some(balancer) = &spec.load_balancer {
            add(BALANCER_HOURS, shared(hours));
            add(BALANCER_UNITS, shared(self.lcu_hours(balancer, served)));
        }
        if let Some(api) = spec.api_gateway {
            let (meter, steps) = match api {
                Api::Http => (
                    HTTP_API,
                    spec.request_size.0.max(spec.response_size.0).div_ceil(API_STEP).max(1),
                ),
                Api::Rest => (REST_API, 1),
            };
            let requests = served.iter().map(|served| Decimal::from(served.requests * steps));
            add(meter, requests.collect());
        }
        if let Some(nat) = &spec.nat {
            add(NAT_HOURS, shared(hours * Decimal::from(nat.gateways)));
            add(
                NAT_DATA,
                each(&|served| served.requests.into(), nat.sent.0 + nat.received.0),
            );
            add(EGRESS, each(&|served| served.requests.into(), nat.sent.0));
            if nat.pulls {
                let nodes: u64 = served.iter().map(|served| served.nodes).sum();
                let pulled = served.iter().zip(images).map(|(served, image)| {
                    let pulls = match self.target {
                        Target::Nodes => nodes,
                        Target::Tasks => served.created,
                        Target::Functions => 0,
                    };
                    gib(u128::from(pulls) * u128::from(*image))
                });
                add(NAT_DATA, pulled.collect());
            }
        }
        if let Some(between) = &spec.inter_zone {
            // Who sends and who gets pays for it, and both are of this account.
            let exchanged = each(&|served| served.requests.into(), between.sent.0 + between.received.0);
            let both_sides = Decimal::TWO * self.crossing;
            add(INTER_ZONE, exchanged.into_iter().map(|gib| gib * both_sides).collect());
        }
        if let Some(logs) = &spec.logs {
            let written = each(&|served| served.requests.into(), logs.size.0);
            if let Some(retention) = logs.retention {
                let months = Decimal::from(retention.0) / Decimal::from(NS_PER_HOUR) / month_hours;
                add(LOG_STORAGE, written.iter().map(|gib| gib * months).collect());
            }
            let meter = if self.target == Target::Functions {
                FUNCTION_LOGS
            } else {
                LOGS
            };
            add(meter, written);
        }
        if let Some(registry) = &spec.registry {
            // GB-months of the part of a month.
            let stored = images.iter().map(|image| {
                let kept = gib(u128::from(*image) * u128::from(registry.versions));
                kept * hours / month_hours
            });
            add(REGISTRY, stored.collect());
        }
        if spec.public_ipv4 > 0 {
            add(ADDRESSES, shared(hours * Decimal::from(spec.public_ipv4)));
        }
        quantities
    }

    /// LCU-hours of all services together.
    fn lcu_hours(&self, balancer: &BalancerSpec, served: &[Served]) -> Decimal {
        let requests: u64 = served.iter().map(|served| served.requests).sum();
        let in_flight: u128 = served.iter().map(|served| served.in_flight_ns).sum();
        let bytes: u128 = served
            .iter()
            .map(|served| {
                u128::from(served.requests) * u128::from(self.spec.request_size.0)
                    + u128::from(served.answered) * u128::from(self.spec.response_size.0)
            })
            .sum();
        let requests = Decimal::from(requests);
        let whole = |number: u128| Decimal::from_u128(number).unwrap_or(Decimal::MAX);
        // Each dimension times the hours: what a second has is divided by the seconds of an hour.
        let per_second = requests / Decimal::from(3_600);
        let new = per_second * self.connections / Decimal::from(25);
        let active = whole(in_flight) / Decimal::from(NS_PER_HOUR) / Decimal::from(3_000);
        let gb_per_lcu = match self.target {
            Target::Functions => Decimal::new(4, 1),
            Target::Tasks | Target::Nodes => Decimal::ONE,
        };
        let gb = whole(bytes) / Decimal::from(1_000_000_000_u64) / gb_per_lcu;
        let rules = per_second * Decimal::from(balancer.rules.saturating_sub(FREE_RULES)) / Decimal::from(1_000);
        new.max(active).max(gb).max(rules)
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

/// Bytes in GB of 2^30.
fn gib(bytes: u128) -> Decimal {
    let bytes = Decimal::from_u128(bytes).unwrap_or(Decimal::MAX);
    bytes / Decimal::from(GIB)
}

/// Adds quantities, meter by meter.
pub fn merge(into: &mut Quantities, more: &Quantities) {
    for (meter, quantity) in more {
        *into.entry(meter.clone()).or_default() += quantity;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SimDuration = SimDuration::from_secs(3_600);

    fn extras(text: &str, target: Target) -> Extras {
        Extras::new(&toml::from_str(text).unwrap(), target).unwrap()
    }

    fn served(requests: u64, in_flight_s: u64) -> Served {
        Served {
            requests,
            answered: requests,
            in_flight_ns: u128::from(in_flight_s) * 1_000_000_000,
            ..Served::default()
        }
    }

    fn of(extras: &Extras, served: &[Served], images: &[u64]) -> Vec<Quantities> {
        extras.quantities(served, HOUR, Decimal::from(730), images)
    }

    fn units(extras: &Extras, served: Served) -> String {
        of(extras, &[served], &[0])[0][BALANCER_UNITS]
            .round_dp(6)
            .normalize()
            .to_string()
    }

    /// Each dimension of an LCU is the largest once; by hand for an hour.
    #[test]
    fn an_lcu_is_the_largest_dimension_and_not_their_sum() {
        let balancer = |more: &str| {
            extras(
                &format!("response-size = \"1KB\"\n[load-balancer]\n{more}"),
                Target::Tasks,
            )
        };
        // 50 requests a second, each a new connection: 2; 0.18 GB and no rules.
        assert_eq!(units(&balancer(""), served(180_000, 3_600)), "2");
        // Kept connections; 6,000 requests in flight.
        assert_eq!(
            units(&balancer("connections = \"0\""), served(180_000, 21_600_000)),
            "2"
        );
        // 5,000,000 KB.
        assert_eq!(units(&balancer("connections = \"0\""), served(5_000_000, 0)), "5");
        // 1,000 requests a second on 20 rules beyond the free ones.
        assert_eq!(
            units(&balancer("connections = \"0\"\nrules = 30"), served(3_600_000, 0)),
            "20"
        );
        // Functions have 0.4 GB an hour in an LCU.
        let functions = extras(
            "response-size = \"1KB\"\n[load-balancer]\nconnections = \"0\"",
            Target::Functions,
        );
        assert_eq!(units(&functions, served(5_000_000, 0)), "12.5");
    }

    /// The vendor's example: 1 new connection a second of 2 minutes with 5 requests a second and 300 KB a second, 60 rules: bytes
    /// are the largest dimension, 1.08 LCU.
    #[test]
    fn the_vendors_example_comes_out() {
        let balancer = extras(
            "response-size = \"60KB\"\n[load-balancer]\nconnections = \"0.2\"\nrules = 60",
            Target::Tasks,
        );
        assert_eq!(units(&balancer, served(18_000, 3_600 * 120)), "1.08");
    }

    #[test]
    fn what_services_share_is_divided_by_requests() {
        let shared = extras("public-ipv4 = 3\n[nat]\ngateways = 2", Target::Tasks);
        let both = of(&shared, &[served(3, 0), served(1, 0)], &[0, 0]);
        assert_eq!(both[0][NAT_HOURS].to_string(), "1.5");
        assert_eq!(both[1][NAT_HOURS].to_string(), "0.5");
        assert_eq!(both[0][ADDRESSES].to_string(), "2.25");
        let idle = of(&shared, &[served(0, 0), served(0, 0)], &[0, 0]);
        assert_eq!(idle[0][NAT_HOURS], idle[1][NAT_HOURS]);
    }

    /// By hand: 2^20 requests of 1 KiB are a GB; tasks pull their own image, nodes those of all.
    #[test]
    fn bytes_become_gigabytes() {
        let own = "response-size = \"1KiB\"\ninternet = true\n[nat]\nsent = \"1KiB\"\nreceived = \"2KiB\"\npulls = true\n\
                   [logs]\nsize = \"2KiB\"\nretention = \"1460h\"\n[registry]\nversions = 5";
        let mut busy = served(1 << 20, 0);
        busy.created = 4;
        busy.nodes = 2;
        let tasks = &of(&extras(own, Target::Tasks), &[busy], &[1 << 29])[0];
        let shown = |meter: &str| tasks[meter].normalize().to_string();
        assert_eq!(shown(EGRESS), "2");
        assert_eq!(shown(NAT_DATA), "5");
        assert_eq!(shown(LOGS), "2");
        assert_eq!(shown(LOG_STORAGE), "4");
        // 2.5 GB for one of 730 hours.
        assert_eq!(
            (tasks[REGISTRY] * Decimal::from(730))
                .round_dp(9)
                .normalize()
                .to_string(),
            "2.5"
        );
        let nodes = &of(&extras(own, Target::Nodes), &[busy, served(0, 0)], &[1 << 29, 1 << 30]);
        assert_eq!(nodes[0][NAT_DATA].normalize().to_string(), "4");
        assert_eq!(nodes[1][NAT_DATA].normalize().to_string(), "2");
    }

    /// By hand: 2^20 requests that send 1 KiB and get 3 KiB exchange 4 GB, of which half crosses a border and is paid for twice.
    #[test]
    fn what_crosses_the_border_of_a_zone_is_paid_for_on_both_sides() {
        let between = extras(
            "[inter-zone]\nsent = \"1KiB\"\nreceived = \"3KiB\"\nshare = \"0.5\"",
            Target::Nodes,
        );
        let found = of(&between, &[served(1 << 20, 0)], &[0]);
        assert_eq!(found[0][INTER_ZONE].normalize().to_string(), "4");
        assert_eq!(between.meters(), [INTER_ZONE]);
    }

    #[test]
    fn an_api_counts_a_request_for_each_512_kb() {
        let api = extras("response-size = \"513KiB\"\napi-gateway = \"http\"", Target::Functions);
        assert_eq!(of(&api, &[served(10, 0)], &[0])[0][HTTP_API].to_string(), "20");
        let api = extras("response-size = \"512KiB\"\napi-gateway = \"http\"", Target::Functions);
        assert_eq!(of(&api, &[served(10, 0)], &[0])[0][HTTP_API].to_string(), "10");
        assert_eq!(api.meters(), [HTTP_API]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let problem = |text: &str| Extras::new(&toml::from_str(text).unwrap(), Target::Functions).unwrap_err();
        assert!(problem("internet = true").contains("needs `extras.response-size`"));
        assert!(problem("[load-balancer]\nconnections = \"-1\"").contains("is `-1`"));
        assert!(problem("[inter-zone]\nshare = \"1.5\"").contains("is `1.5`"));
        assert!(problem("[nat]\npulls = true").contains("functions pull no images"));
    }
}
