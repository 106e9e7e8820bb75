//! A row of the summary: the estimates of all metrics of a service, or of all services together.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::{Deserialize, Serialize};

use super::bills::Bills;
use super::estimate::value;
use super::metric::{Metric, OUTCOMES};
use super::sample::{Sample, rejected_by_reason};
use crate::scenario::Variant;
use crate::scenario::plan::PlannedService;
use crate::units::SimTime;

/// Name of the row that stands for all services of a variant.
pub const ALL: &str = "all";

/// A value of a row: an exact decimal or a float, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Value {
    /// Mean over replications; exact where other columns must add up to it.
    pub mean: Number,
    /// 95% interval of the mean; `None` with one replication.
    pub interval: Option<(f64, f64)>,
    /// True if the interval is symmetric about the mean; it is not where that would hold impossible values.
    pub symmetric: bool,
    /// 95% interval that the measured profiles leave open; `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<(f64, f64)>,
}

/// A number that is either exact or not. In JSON an exact one is text, so that it keeps its digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Number {
    /// A float, printed with the digits it needs.
    Float(f64),
    /// A decimal, printed in full.
    Exact(Decimal),
}

impl Value {
    /// The mean as a float.
    pub fn float(&self) -> f64 {
        match self.mean {
            Number::Exact(decimal) => rust_decimal::prelude::ToPrimitive::to_f64(&decimal).unwrap_or(f64::NAN),
            Number::Float(float) => float,
        }
    }
}

/// One row of the summary: a service of a variant, or all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant.
    pub variant: String,
    /// Name of the service, or `all`.
    pub service: String,
    /// Framework or frameworks.
    pub framework: String,
    /// Platform.
    pub platform: String,
    /// Replications.
    pub replications: u32,
    /// Seed.
    pub seed: u64,
    /// End of the counted time in seconds since the start of the run.
    pub horizon_s: f64,
    /// Latency promise in milliseconds.
    pub slo_latency_ms: Option<f64>,
    /// Its objective.
    pub slo_objective: Option<f64>,
    /// True if the mean share of violations keeps it.
    pub slo_met: Option<bool>,
    /// Price list.
    pub price_list: Option<String>,
    /// The day from which it stands.
    pub price_date: Option<String>,
    /// 5th, 50th and 95th percentile of the monthly cost over replications, in US dollars; `None` with one replication, or
    /// without prices.
    pub cost_percentiles: Option<[f64; 3]>,
    /// Budget of a month in US dollars, and the share of replications that cost more; on the row of all services.
    pub budget: Option<(Decimal, f64)>,
    /// Where the profiles come from.
    pub profile_source: String,
    /// The metrics that are known.
    pub values: BTreeMap<Metric, Value>,
    /// Requests turned away, by reason, summed over replications.
    pub rejected_by_reason: BTreeMap<String, u64>,
}

impl Row {
    /// The mean of a metric as a float; `None` where it is not known.
    pub fn float(&self, metric: Metric) -> Option<f64> {
        self.values.get(&metric).map(Value::float)
    }

    /// The 95% interval of a metric; `None` where there is none.
    pub fn interval(&self, metric: Metric) -> Option<(f64, f64)> {
        self.values.get(&metric)?.interval
    }
}

/// Monthly costs of the replications, rising; `None` where one has none.
fn costs(samples: &[Sample]) -> Option<Vec<f64>> {
    let costs = samples.iter().map(|sample| Some(sample.cost?.total));
    let mut costs: Vec<f64> = costs.collect::<Option<_>>()?;
    costs.sort_by(f64::total_cmp);
    Some(costs)
}

/// Percentiles by nearest rank.
fn cost_percentiles(samples: &[Sample]) -> Option<[f64; 3]> {
    let costs = costs(samples).filter(|costs| costs.len() > 1)?;
    Some([5, 50, 95].map(|percent: usize| costs[(costs.len() * percent).div_ceil(100) - 1]))
}

/// The budget, and the share of replications above it.
fn budget(variant: &Variant, samples: &[Sample]) -> Option<(Decimal, f64)> {
    let budget = variant.pricing.as_ref()?.budget?;
    let costs = costs(samples)?;
    let limit = rust_decimal::prelude::ToPrimitive::to_f64(&budget)?;
    let above = costs.iter().filter(|cost| **cost > limit).count();
    (!costs.is_empty()).then(|| (budget, above as f64 / costs.len() as f64))
}

/// The metrics in each replication, where all replications know them.
pub(super) fn metrics(samples: &[Sample]) -> BTreeMap<Metric, Vec<f64>> {
    let known = Metric::ALL.iter().filter_map(|&metric| {
        let values: Option<Vec<f64>> = samples.iter().map(|sample| metric.of(sample)).collect();
        values.map(|values| (metric, values))
    });
    known.collect()
}

/// The estimates of all metrics for a service, or for all services together. Counts and money are exact decimals.
fn values(service: Option<usize>, samples: &[Sample], bills: Option<&Bills>, looks: u32) -> BTreeMap<Metric, Value> {
    let mut values: BTreeMap<Metric, Value> = metrics(samples)
        .iter()
        .filter_map(|(&metric, samples)| Some((metric, value(metric, samples, looks)?)))
        .collect();
    // Counts are decimals of three places, so that the identity holds to the last digit.
    let mut requests = Decimal::ZERO;
    for metric in OUTCOMES {
        if let Some(value) = values.get_mut(&metric) {
            let exact = Decimal::from_f64(value.float())
                .unwrap_or_default()
                .round_dp(3)
                .normalize();
            value.mean = Number::Exact(exact);
            requests += exact;
        }
    }
    if let Some(value) = values.get_mut(&Metric::Requests) {
        value.mean = Number::Exact(requests);
    }
    // The bill shown is the mean bill, whose lines add up to the total exactly.
    if let (Some(bills), Some(value)) = (bills, values.get_mut(&Metric::MonthlyCost)) {
        let shown = bills
            .mean
            .iter()
            .enumerate()
            .filter(|(s, _)| service.is_none_or(|wanted| wanted == *s));
        value.mean = Number::Exact(shown.map(|(_, bill)| bill.total_usd()).sum::<Decimal>().normalize());
    }
    values
}

pub(super) fn row(
    variant: &Variant,
    service: Option<usize>,
    samples: &[Sample],
    bills: Option<&Bills>,
    (end, looks): (SimTime, u32),
) -> Row {
    let values = values(service, samples, bills, looks);
    let services: Vec<_> = match service {
        Some(s) => vec![&variant.services[s]],
        None => variant.services.iter().collect(),
    };
    let unique = |text: fn(&PlannedService) -> &str| {
        let mut texts: Vec<&str> = Vec::new();
        for service in &services {
            if !texts.contains(&text(service)) {
                texts.push(text(service));
            }
        }
        texts.join("+")
    };
    let slo = match services.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other.slo == first.slo) => first.slo,
        _ => None,
    };
    let violated = values.get(&Metric::SloViolationRatio).map(Value::float);
    let mut rejected = BTreeMap::new();
    for sample in samples {
        for (reason, count) in rejected_by_reason(&sample.record.rejected) {
            *rejected.entry(reason.to_string()).or_default() += count;
        }
    }
    Row {
        scenario: variant.scenario.clone(),
        variant: variant.name.clone(),
        service: service.map_or(ALL.to_string(), |s| variant.services[s].name.clone()),
        framework: unique(|s| &s.framework),
        platform: variant.platform.name().to_string(),
        replications: samples.len() as u32,
        seed: variant.seed,
        horizon_s: end.as_secs_f64(),
        slo_latency_ms: slo.map(|slo| slo.latency.as_millis_f64()),
        slo_objective: slo.map(|slo| slo.objective),
        // A float's last digit must not decide: 1 - 0.99 is a hair below 0.01.
        slo_met: slo.and_then(|slo| violated.map(|v| v <= 1.0 - slo.objective + 1e-12)),
        price_list: variant.pricing.as_ref().map(|p| p.list.id.clone()),
        price_date: variant.pricing.as_ref().map(|p| p.list.effective.to_string()),
        cost_percentiles: cost_percentiles(samples),
        budget: service.is_none().then(|| budget(variant, samples)).flatten(),
        profile_source: unique(|s| &s.profile_source),
        values,
        rejected_by_reason: rejected,
    }
}
