//! Meters: observers that turn facts into billed quantities, as integers. The vendor's rounding applies to each
//! invocation, so it happens here, before anything is added up.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::lambda::{billed_ms, billed_storage, gb_seconds};
use crate::model::price::{LambdaRules, PriceError, PriceList};
use crate::sim::fact::{Fact, Finished, Observer};
use crate::sim::platform::lambda::{Architecture, Spec};
use crate::units::{MemoryMib, SimDuration, SimTime};

/// How Lambda's invocations become billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct LambdaMeterSpec {
    rules: LambdaRules,
    memory: MemoryMib,
    storage: MemoryMib,
    duration_meter: &'static str,
    init_billed: bool,
}

/// Billed quantities of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LambdaUsage {
    /// Invocations.
    pub requests: u64,
    /// Billed milliseconds, initialisation included.
    pub billed_ms: u64,
    /// The part of them that was billed for initialisation.
    pub init_ms: u64,
}

const REQUESTS: &str = "lambda.requests";
const STORAGE: &str = "lambda.ephemeral_storage";

impl LambdaMeterSpec {
    /// The rules of `list` for a function of this memory and architecture.
    ///
    /// # Errors
    /// If the list has no rules for Lambda.
    pub fn new(spec: &Spec, list: &PriceList) -> Result<Self, PriceError> {
        let rules = list.lambda_rules()?.clone();
        Ok(Self {
            init_billed: rules.bills_init(list.effective),
            storage: billed_storage(spec.ephemeral_storage, &rules),
            memory: spec.memory,
            duration_meter: match spec.architecture {
                Architecture::X86_64 => "lambda.duration.x86",
                Architecture::Arm64 => "lambda.duration.arm",
            },
            rules,
        })
    }

    /// Meters that the list lacks, in words.
    pub fn problems(&self, list: &PriceList) -> Vec<String> {
        let meters = [REQUESTS, STORAGE, self.duration_meter];
        meters
            .into_iter()
            .filter_map(|meter| list.price(meter).err())
            .map(|error| error.to_string())
            .collect()
    }

    /// The quantities by meter, in the units of the price list.
    pub fn quantities(&self, usage: &LambdaUsage) -> BTreeMap<String, Decimal> {
        let mut quantities = BTreeMap::from([
            (REQUESTS.to_string(), Decimal::from(usage.requests)),
            (
                self.duration_meter.to_string(),
                self.gb_seconds(usage.billed_ms, self.memory),
            ),
        ]);
        if self.storage.0 > 0 {
            quantities.insert(STORAGE.to_string(), self.gb_seconds(usage.billed_ms, self.storage));
        }
        quantities
    }

    /// The part of the quantities that was billed for initialisation.
    pub fn init_quantities(&self, usage: &LambdaUsage) -> BTreeMap<String, Decimal> {
        let init = LambdaUsage {
            requests: 0,
            billed_ms: usage.init_ms,
            init_ms: usage.init_ms,
        };
        self.quantities(&init)
    }

    /// Billed milliseconds of one invocation.
    #[inline]
    pub fn billed_ms(&self, request: &Finished) -> u64 {
        billed_ms(
            request.init.0,
            request.finished.since(request.started).0,
            &self.rules,
            self.init_billed,
        )
    }

    fn gb_seconds(&self, ms: u64, memory: MemoryMib) -> Decimal {
        gb_seconds(u128::from(ms) * u128::from(memory.0), &self.rules)
    }
}

/// Watches a run and counts what Lambda bills, over requests that arrived after the warm-up.
#[derive(Debug)]
pub struct LambdaMeter {
    spec: LambdaMeterSpec,
    warm_up: SimTime,
    services: Vec<LambdaUsage>,
}

impl LambdaMeter {
    /// A meter for `services` services.
    pub fn new(spec: LambdaMeterSpec, warm_up: SimDuration, services: usize) -> Self {
        Self {
            spec,
            warm_up: SimTime::ZERO + warm_up,
            services: vec![LambdaUsage::default(); services],
        }
    }

    /// What was counted, by service.
    pub fn into_usage(self) -> Vec<LambdaUsage> {
        self.services
    }
}

impl Observer for LambdaMeter {
    #[inline]
    fn observe(&mut self, fact: &Fact) {
        let Fact::Finished(request) = *fact else {
            return;
        };
        if request.arrived < self.warm_up {
            return;
        }
        let ran = request.finished.since(request.started).0;
        let usage = &mut self.services[request.service as usize];
        let ms = self.spec.billed_ms(&request);
        usage.requests += 1;
        usage.billed_ms += ms;
        if request.cold {
            usage.init_ms += ms - billed_ms(0, ran, &self.spec.rules, false);
        }
    }
}
