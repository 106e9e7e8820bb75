//! Lambda at work: what becomes of a request, how long an environment stays, and what happens without requests.
//!
//! Order of the checks (a choice; the documents name the limits but no order): what is reserved, a free provisioned
//! environment, the concurrency that is left on demand, the request rate, a free environment, the scaling rate.

use std::collections::BTreeMap;

use super::expiry::Expiry;
use super::provisioned::Provisioned;
use super::warmer::Pings;
use super::{FunctionSpec, LambdaSpec};
use crate::rng::{Draws, Purpose};
use crate::sim::fact::Reject;
use crate::sim::platform::{Admission, FleetView, InstanceView, Lifetime, Platform, Scale, Ticks, TokenBucket, Used};
use crate::units::{SimDuration, SimTime};

/// New environments that a function may start at once, and per 10 s. Source: "Lambda function scaling".
const SCALING_BURST: f64 = 1000.0;
const SCALING_PER_SECOND: f64 = 100.0;

/// Requests per second for each unit of concurrency. Source: "Lambda quotas".
pub(super) const RATE_PER_CONCURRENCY: f64 = 10.0;

fn request_bucket(concurrency: u32) -> TokenBucket {
    let rate = RATE_PER_CONCURRENCY * f64::from(concurrency.max(1));
    TokenBucket::new(rate, rate)
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct Lambda {
    spec: LambdaSpec,
    expiry: Expiry,
    draws: Draws,
    /// By service.
    settings: Vec<FunctionSpec>,
    functions: BTreeMap<(u16, u32), Function>,
    /// The account's limit of requests per second.
    requests: TokenBucket,
    /// Concurrency of the account that is reserved for a function, or configured as provisioned for one without any reserved.
    taken: u32,
}

/// The state of a function on Lambda.
#[derive(Debug)]
struct Function {
    scaling: TokenBucket,
    /// The function's own limit of requests per second where its concurrency is reserved.
    requests: Option<TokenBucket>,
    provisioned: Option<Provisioned>,
    pings: Option<Pings>,
}

impl Lambda {
    pub(super) fn new(spec: &LambdaSpec, draws: Draws, services: &[&str]) -> Self {
        let own = FunctionSpec {
            reserved_concurrency: spec.reserved_concurrency,
            provisioned_concurrency: spec.provisioned_concurrency.clone(),
            warmer: spec.warmer,
        };
        let of = |name: &&str| {
            spec.function
                .get(*name)
                .map_or_else(|| own.clone(), |function| function.or(&own))
        };
        let settings: Vec<FunctionSpec> = services.iter().map(of).collect();
        let mut lambda = Self {
            taken: 0,
            expiry: spec.expiry(),
            spec: spec.clone(),
            draws,
            functions: BTreeMap::new(),
            requests: request_bucket(spec.account_concurrency),
            settings,
        };
        // What is reserved for the first function of a service is taken from the start on.
        for service in 0..services.len() as u16 {
            if !lambda.shares_account(service) {
                lambda.function(service, 0);
            }
        }
        lambda
    }

    fn function(&mut self, service: u16, function: u32) -> &mut Function {
        let settings = &self.settings[service as usize];
        let taken = &mut self.taken;
        self.functions.entry((service, function)).or_insert_with(|| {
            *taken += settings.reserved_concurrency.unwrap_or(0);
            Function {
                scaling: TokenBucket::new(SCALING_BURST, SCALING_PER_SECOND),
                requests: settings.reserved_concurrency.map(request_bucket),
                provisioned: settings.provisioned_concurrency.clone().map(Provisioned::new),
                pings: settings.warmer.map(Pings::new),
            }
        })
    }

    /// Decides about a request of a function with settings of its own.
    #[cold]
    #[inline(never)]
    fn admit_special(&mut self, view: &FleetView) -> Option<Admission> {
        let reserved = self.settings[view.service as usize].reserved_concurrency;
        let function = self.function(view.service, view.function);
        if reserved.is_some_and(|reserved| view.in_flight >= reserved) {
            return Some(Admission::Reject(Reject::Concurrency));
        }
        let mut configured = 0;
        if let Some(provisioned) = &mut function.provisioned {
            configured = provisioned.configured();
            if view.free_provisioned && provisioned.take(view.now) {
                return Some(Admission::Provisioned);
            }
        }
        let reserved = reserved?;
        let on_demand = view.in_flight - view.provisioned_in_flight;
        if on_demand >= reserved.saturating_sub(configured) {
            return Some(Admission::Reject(Reject::Concurrency));
        }
        if function.requests.as_mut().is_some_and(|bucket| !bucket.take(view.now)) {
            return Some(Admission::Reject(Reject::RequestRate));
        }
        Some(self.environment(view))
    }

    /// A free environment, or a new one if the scaling rate allows it.
    #[inline]
    fn environment(&mut self, view: &FleetView) -> Admission {
        if view.free {
            Admission::Warm
        } else if self.function(view.service, view.function).scaling.take(view.now) {
            Admission::Start
        } else {
            Admission::Reject(Reject::ScalingRate)
        }
    }
}

impl Platform for Lambda {
    fn shares_account(&self, service: u16) -> bool {
        self.settings[service as usize].reserved_concurrency.is_none()
    }

    fn ticks(&self, service: u16) -> Option<Ticks> {
        let settings = &self.settings[service as usize];
        let every = match (&settings.provisioned_concurrency, &settings.warmer) {
            (Some(_), _) => SimDuration::from_secs(1),
            (None, Some(warmer)) => warmer.every,
            (None, None) => return None,
        };
        let first = SimTime::ZERO;
        Some(Ticks { first, every })
    }

    fn admit(&mut self, view: &FleetView) -> Admission {
        let settings = &self.settings[view.service as usize];
        if (settings.reserved_concurrency.is_some() || settings.provisioned_concurrency.is_some())
            && let Some(decided) = self.admit_special(view)
        {
            return decided;
        }
        if self.spec.account_limits {
            if view.account_in_flight + self.taken >= self.spec.account_concurrency {
                return Admission::Reject(Reject::Concurrency);
            }
            if !self.requests.take(view.now) {
                return Admission::Reject(Reject::RequestRate);
            }
        }
        self.environment(view)
    }

    fn scale(&mut self, view: &FleetView, used: &Used) -> Scale {
        let reserved = self.settings[view.service as usize].reserved_concurrency.is_some();
        let function = self.function(view.service, view.function);
        let mut scale = Scale {
            awake: true,
            ..Scale::default()
        };
        let mut change = (0, 0);
        if let Some(provisioned) = &mut function.provisioned {
            let before = provisioned.configured();
            provisioned.scale(view, used, &mut scale);
            change = (before, provisioned.configured());
        }
        scale.pings = function.pings.as_mut().and_then(|pings| pings.due(view.now));
        if !reserved {
            self.taken = self.taken - change.0 + change.1;
        }
        scale
    }

    fn takes_free(&self, service: u16) -> bool {
        let settings = &self.settings[service as usize];
        let special = settings.reserved_concurrency.is_some() || settings.provisioned_concurrency.is_some();
        !special && !self.spec.account_limits
    }

    fn lifetime(&mut self, instance: &InstanceView) -> Option<Lifetime> {
        if instance.provisioned {
            return Some(Lifetime::FOREVER);
        }
        let stream = self.draws.stream(Purpose::KeepAlive, instance.entity);
        Some(self.expiry.lifetime(instance.created, stream, instance.ordinal))
    }
}
