//! AWS Lambda, on demand: one request per environment, account and function limits, the scaling rate, and environments
//! that end after an idle time or at an age.
//!
//! Sources: AWS Lambda Developer Guide, "Lambda quotas", "Lambda function scaling" and "execution environment lifecycle",
//! read November 2026. The idle time is not documented; the default range is a choice after the measurements of
//! M. Shilkov (mikhail.io, January 2021: 5 to 7 minutes).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rng::{Draws, Purpose};
use crate::sim::fact::Reject;
use crate::sim::platform::{Admission, FleetView, InstanceView, KeepAlive, Kind, Platform, Shape, TokenBucket};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// Memory that comes with one vCPU, in MB of 2^20 bytes. Source: Developer Guide, "Configure Lambda function memory".
pub const MB_PER_VCPU: u32 = 1769;

/// New environments that a function may start at once, and per 10 s. Source: "Lambda function scaling".
const SCALING_BURST: f64 = 1000.0;
const SCALING_PER_SECOND: f64 = 100.0;

/// Requests per second for each unit of concurrency. Source: "Lambda quotas".
const RATE_PER_CONCURRENCY: f64 = 10.0;

/// An initialisation beyond this is aborted and run again inside the first invocation. Source: "execution environment
/// lifecycle".
pub const INIT_LIMIT: SimDuration = SimDuration::from_secs(10);

/// Instruction set of the environments; it decides the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    Arm64,
}

/// `[platform.lambda]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Spec {
    /// Memory of an environment; CPU follows at 1 vCPU per 1,769 MB.
    pub memory: MemoryMib,
    /// Instruction set.
    #[serde(default = "x86")]
    pub architecture: Architecture,
    /// A request that runs longer is cut off.
    #[serde(default = "three_seconds")]
    pub timeout: SimDuration,
    /// Concurrency that all functions of the account share.
    #[serde(default = "thousand")]
    pub account_concurrency: u32,
    /// Ceiling of each function's concurrency, taken out of the account's; `None`: none.
    pub reserved_concurrency: Option<u32>,
    /// Shortest and longest idle time after which an environment ends; drawn per environment.
    #[serde(default)]
    pub idle_timeout: IdleTimeout,
    /// Age at which an environment ends once it is idle.
    #[serde(default = "two_hours")]
    pub max_age: SimDuration,
    /// Which of several idle environments takes a request.
    #[serde(default = "most_recently_used")]
    pub routing: Routing,
    /// Ephemeral storage of an environment.
    #[serde(default = "half_gib")]
    pub ephemeral_storage: MemoryMib,
}

/// Idle time after which an environment ends, uniform between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdleTimeout {
    /// Shortest.
    pub min: SimDuration,
    /// Longest.
    pub max: SimDuration,
}

impl Default for IdleTimeout {
    fn default() -> Self {
        Self {
            min: SimDuration::from_secs(300),
            max: SimDuration::from_secs(420),
        }
    }
}

fn x86() -> Architecture {
    Architecture::X86_64
}
fn three_seconds() -> SimDuration {
    SimDuration::from_secs(3)
}
fn thousand() -> u32 {
    1000
}
fn two_hours() -> SimDuration {
    SimDuration::from_secs(7200)
}
fn most_recently_used() -> Routing {
    Routing::MostRecentlyUsed
}
fn half_gib() -> MemoryMib {
    MemoryMib(512)
}

impl Spec {
    /// CPU share of an environment, rounded to a thousandth of a vCPU.
    pub fn cpu(&self) -> MilliCpu {
        MilliCpu((f64::from(self.memory.0) * 1000.0 / f64::from(MB_PER_VCPU)).round() as u32)
    }
}

impl Kind for Spec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(128..=10_240).contains(&self.memory.0) {
            problems.push(format!("`memory` is {}, Lambda offers 128Mi to 10240Mi", self.memory));
        }
        if !(512..=10_240).contains(&self.ephemeral_storage.0) {
            problems.push(format!(
                "`ephemeral-storage` is {}, Lambda offers 512Mi to 10240Mi",
                self.ephemeral_storage
            ));
        }
        if self.timeout < SimDuration::from_secs(1) || self.timeout > SimDuration::from_secs(900) {
            problems.push(format!("`timeout` is {}, Lambda offers 1s to 900s", self.timeout));
        }
        if self.idle_timeout.min > self.idle_timeout.max {
            problems.push("`idle-timeout.min` must not be above `idle-timeout.max`".into());
        }
        if self.account_concurrency == 0 {
            problems.push("`account-concurrency` must be at least 1".into());
        }
        // At least 100 of the account's concurrency stay unreserved. Source: "Configuring reserved concurrency".
        if let Some(reserved) = self.reserved_concurrency
            && reserved > self.account_concurrency.saturating_sub(100)
        {
            problems.push(format!(
                "`reserved-concurrency` is {reserved}, but 100 of the account's {} must stay unreserved",
                self.account_concurrency
            ));
        }
        problems
    }

    fn assumptions(&self) -> Vec<String> {
        vec![
            format!(
                "Lambda ends an idle environment after {} to {}, uniform per environment, and at an age of {} \
                 (undocumented; a choice after third-party measurements)",
                self.idle_timeout.min, self.idle_timeout.max, self.max_age
            ),
            format!(
                "Lambda routes a request by the rule `{}` (undocumented; a choice)",
                self.routing.name()
            ),
            "Lambda starts at most 1,000 environments at once and 100 more per second for each function; the bucket \
             refills continuously (a choice within the documented 1,000 per 10 s)"
                .into(),
            format!(
                "Lambda cuts a request off after {}; the next request on that environment initialises again",
                self.timeout
            ),
        ]
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu(),
            memory: Some(self.memory),
            concurrency: 1,
            routing: self.routing,
            timeout: Some(self.timeout),
            init_limit: Some(INIT_LIMIT),
            queue_timeout: None,
            initial: InitialState::default(),
        }
    }

    fn build(&self, draws: Draws) -> Box<dyn Platform> {
        Box::new(Lambda {
            spec: self.clone(),
            draws,
            functions: BTreeMap::new(),
            requests: request_bucket(self.account_concurrency),
        })
    }
}

fn request_bucket(concurrency: u32) -> TokenBucket {
    let rate = RATE_PER_CONCURRENCY * f64::from(concurrency.max(1));
    TokenBucket::new(rate, rate)
}

/// The platform at work.
#[derive(Debug)]
pub struct Lambda {
    spec: Spec,
    draws: Draws,
    functions: BTreeMap<(u16, u32), Function>,
    /// The account's limit of requests per second.
    requests: TokenBucket,
}

/// What Lambda remembers of a function.
#[derive(Debug)]
struct Function {
    scaling: TokenBucket,
    /// The function's own limit of requests per second where its concurrency is reserved.
    requests: Option<TokenBucket>,
}

impl Lambda {
    fn function(&mut self, view: &FleetView) -> &mut Function {
        let reserved = self.spec.reserved_concurrency;
        self.functions
            .entry((view.service, view.function))
            .or_insert_with(|| Function {
                scaling: TokenBucket::new(SCALING_BURST, SCALING_PER_SECOND),
                requests: reserved.map(request_bucket),
            })
    }
}

impl Platform for Lambda {
    fn admit(&mut self, view: &FleetView) -> Admission {
        let (in_flight, limit) = match self.spec.reserved_concurrency {
            Some(reserved) => (view.in_flight, reserved),
            None => (view.account_in_flight, self.spec.account_concurrency),
        };
        if in_flight >= limit {
            return Admission::Reject(Reject::Concurrency);
        }
        let within_rate = match self.spec.reserved_concurrency {
            None => self.requests.take(view.now),
            Some(_) => self
                .function(view)
                .requests
                .as_mut()
                .is_none_or(|bucket| bucket.take(view.now)),
        };
        if !within_rate {
            return Admission::Reject(Reject::RequestRate);
        }
        if view.free {
            Admission::Warm
        } else if self.function(view).scaling.take(view.now) {
            Admission::Start
        } else {
            Admission::Reject(Reject::ScalingRate)
        }
    }

    fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        let entity = u64::from(instance.service) << 32 | u64::from(instance.function);
        let luck = self.draws.stream(Purpose::KeepAlive, entity).uniform(instance.ordinal);
        let IdleTimeout { min, max } = self.spec.idle_timeout;
        let idle_until = instance.now + min + max.saturating_sub(min).scale(luck);
        let until = idle_until.min(instance.created + self.spec.max_age);
        if until <= instance.now {
            KeepAlive::Stop
        } else {
            KeepAlive::Until(until)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimTime;

    fn spec() -> Spec {
        toml::from_str("memory = '1024Mi'").unwrap()
    }

    fn lambda(spec: &Spec) -> Box<dyn Platform> {
        spec.build(Draws::new(1, 0))
    }

    fn at(seconds: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs_f64(seconds)
    }

    fn view(seconds: f64) -> FleetView {
        FleetView {
            now: at(seconds),
            service: 0,
            function: 0,
            free: false,
            starting_free: false,
            instances: 0,
            in_flight: 0,
            queued: 0,
            account_in_flight: 0,
        }
    }

    #[test]
    fn concurrency_is_the_accounts_or_what_is_reserved() {
        let shared = spec();
        let reserved = Spec {
            reserved_concurrency: Some(50),
            ..spec()
        };
        let full = Admission::Reject(Reject::Concurrency);
        // Function's and account's requests in flight, and a free environment: what becomes of one more.
        for (spec, in_flight, account, free, expected) in [
            (&shared, 0, 0, false, Admission::Start),
            (&shared, 999, 999, false, Admission::Start),
            (&shared, 999, 999, true, Admission::Warm),
            (&shared, 10, 1_000, false, full),
            (&shared, 10, 1_000, true, full),
            (&reserved, 49, 49, false, Admission::Start),
            (&reserved, 49, 5_000, true, Admission::Warm),
            (&reserved, 50, 50, true, full),
        ] {
            let view = FleetView {
                free,
                in_flight,
                account_in_flight: account,
                ..view(0.0)
            };
            assert_eq!(lambda(spec).admit(&view), expected, "{view:?}");
        }
    }

    /// How many of `n` requests at one instant get `admission`.
    fn count(platform: &mut dyn Platform, n: u32, view: &FleetView, admission: Admission) -> usize {
        (0..n).filter(|_| platform.admit(view) == admission).count()
    }

    #[test]
    fn ten_requests_per_second_for_each_unit_of_concurrency() {
        let reserved = Spec {
            reserved_concurrency: Some(50),
            ..spec()
        };
        for (spec, per_second) in [(spec(), 10_000), (reserved, 500)] {
            let mut platform = lambda(&spec);
            let free = |seconds| FleetView {
                free: true,
                ..view(seconds)
            };
            let p = platform.as_mut();
            assert_eq!(count(p, 20_000, &free(0.0), Admission::Warm), per_second);
            assert_eq!(p.admit(&free(0.0)), Admission::Reject(Reject::RequestRate));
            assert_eq!(count(p, 20_000, &free(0.5), Admission::Warm), per_second / 2);
        }
    }

    #[test]
    fn a_thousand_new_environments_at_once_and_a_hundred_per_second_for_each_function() {
        let mut platform = lambda(&spec());
        let p = platform.as_mut();
        assert_eq!(count(p, 2_000, &view(0.0), Admission::Start), 1_000);
        assert_eq!(p.admit(&view(0.0)), Admission::Reject(Reject::ScalingRate));
        assert_eq!(count(p, 2_000, &view(3.0), Admission::Start), 300);
        let other = FleetView {
            function: 1,
            ..view(3.0)
        };
        assert_eq!(count(p, 2_000, &other, Admission::Start), 1_000);
        // A free environment needs no token.
        let free = FleetView {
            free: true,
            ..view(3.0)
        };
        assert_eq!(p.admit(&free), Admission::Warm);
    }

    #[test]
    fn an_environment_ends_after_its_own_idle_time_or_at_its_age() {
        let mut platform = lambda(&spec());
        let mut idle = |ordinal, created, now| {
            platform.idle(&InstanceView {
                now: at(now),
                service: 0,
                function: 0,
                ordinal,
                created: at(created),
            })
        };
        let mut ends: Vec<SimTime> = Vec::new();
        for ordinal in 0..50 {
            let KeepAlive::Until(end) = idle(ordinal, 0.0, 100.0) else {
                panic!("environment {ordinal} stays");
            };
            assert!(at(400.0) <= end && end <= at(520.0), "{end:?}");
            assert!(!ends.contains(&end), "two environments with the same luck");
            assert_eq!(
                idle(ordinal, 0.0, 100.0),
                KeepAlive::Until(end),
                "the same one at every request"
            );
            ends.push(end);
        }
        assert_eq!(idle(0, 0.0, 7_100.0), KeepAlive::Until(at(7_200.0)));
        assert_eq!(idle(0, 0.0, 7_200.0), KeepAlive::Stop);
        assert_eq!(idle(0, 0.0, 9_000.0), KeepAlive::Stop);
    }
}
