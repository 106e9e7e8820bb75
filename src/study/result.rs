//! The result of a study: rows of estimates, bills, timelines and paired differences.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::{Deserialize, Serialize};

use super::best_nodes::{BestNodes, best_nodes};
use super::bills::{self, Bills};
use super::estimate::{rounded, value};
use super::metric::{Metric, OUTCOMES};
use super::precision::PrecisionError;
use super::replicate::Replication;
use super::sample::{Sample, rejected_by_reason};
use super::split::FunctionRow;
use super::terms::Billing;
use super::timeline::{self, TimelineRow};
use crate::cost::bill::{Bill, BillError, BillLine};
use crate::cost::stored::ReplicationUsage;
use crate::model::price::PriceError;
use crate::scenario::Variant;
use crate::sim::observe::packing::Packing;
use crate::sim::observe::records::RequestRecord;
use crate::stats::interval::{Estimate, estimate_at_looks};
use crate::trace::{ImportReport, TraceError};
use crate::units::{SimDuration, SimTime};

/// Name of the row that stands for all services of a variant.
pub const ALL: &str = "all";

/// A study that could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The traffic cannot be used.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The bill cannot be made.
    #[error(transparent)]
    Bill(#[from] BillError),
    /// A price is missing.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// The precision to reach cannot be reached.
    #[error(transparent)]
    Precision(#[from] PrecisionError),
    /// Nothing is left after the warm-up.
    #[error("the run lasts {length}, which is not longer than the warm-up of {warm_up}: nothing is left to count")]
    ShorterThanWarmUp {
        /// Length of the run.
        length: SimDuration,
        /// Length of the warm-up.
        warm_up: SimDuration,
    },
    /// Worker threads could not be made.
    #[error("cannot start worker threads: {0}")]
    Threads(String),
}

impl StudyError {
    /// Returns ways to fix it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Trace(error) => error.hints(),
            Self::Bill(error) => error.hints(),
            Self::Price(error) => error.hints(),
            Self::Precision(error) => error.hints(),
            Self::ShorterThanWarmUp { .. } => vec!["shorten `warm-up`, or give a longer trace or `horizon`".into()],
            Self::Threads(_) => vec!["ask for fewer with --threads".into()],
        }
    }
}

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

/// The result of one variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VariantResult {
    /// Its rows: `all` first, then its services where it has several.
    pub rows: Vec<Row>,
    /// Mean bill by service name; empty without prices.
    pub bills: Vec<(String, Bill)>,
    /// By service and line of its bill: the 5th and the 95th percentile over replications; `None` with one replication.
    pub bill_ranges: Vec<Vec<Option<[Decimal; 2]>>>,
    /// Tags by service.
    pub tags: Vec<BTreeMap<String, String>>,
    /// The use of each replication; empty without prices.
    #[serde(skip)]
    pub metered: Vec<ReplicationUsage>,
    /// Timeline by service name.
    pub timelines: Vec<(String, Vec<TimelineRow>)>,
    /// The terms of its bills; `None` without prices.
    pub billing: Option<Billing>,
    /// The monthly cost of the nodes and of the control plane of its cluster; `None` without them or without prices.
    pub cluster_usd: Option<[Decimal; 2]>,
    /// The reports of the traffic's import in the first replication, by service name.
    pub imports: Vec<(String, ImportReport)>,
    /// Every request of the first replication, where they were asked for.
    #[serde(skip)]
    pub requests: Vec<RequestRecord>,
    /// True if they were asked for.
    #[serde(skip)]
    pub recorded_requests: bool,
    /// Every function of the first replication, where they were asked for and share nothing.
    pub functions: Vec<FunctionRow>,
    /// Names of the services by position.
    pub services: Vec<String>,
    /// True for each of them that has a latency promise.
    pub has_slo: Vec<bool>,
    /// Requests simulated in all replications, warm-up included.
    pub simulated: u64,
    /// How pods were packed onto nodes, in the mean over replications; `None` without nodes.
    pub packing: Option<Packing>,
    /// The node type that holds the mean mix of pods for the least money; `None` without nodes or prices.
    pub best_nodes: Option<BestNodes>,
    /// The mean requests of the pods of each service: thousandths of a core, and MiB.
    pub pod_requests: Vec<[f64; 2]>,
    /// CPU that requests used in the mean, in vCPU; `None` where it is not counted.
    pub cpu_used: Option<f64>,
    /// Memory that pods used in the mean, in MiB, by the measured line of memory over requests in flight; `None` without
    /// nodes, or where it is not known for all services.
    pub memory_used: Option<f64>,
    /// The number of times that the replications are looked at, for the width of intervals.
    looks: u32,
    /// The metrics of the `all` row in each replication, for paired differences.
    samples: BTreeMap<Metric, Vec<f64>>,
}

/// A paired difference between two variants in one metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The variant.
    pub variant: String,
    /// The variant that it is compared with.
    pub baseline: String,
    /// The metric.
    pub metric: Metric,
    /// Variant less baseline with the same traffic and the same random numbers.
    pub difference: Estimate,
    /// The decimals that the difference has at most; `None` where it is exact.
    pub decimals: Option<i32>,
}

/// The result of a study.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Study {
    /// By variant.
    pub variants: Vec<VariantResult>,
}

/// Metrics whose paired differences are reported.
pub const DIFFERENCES: [Metric; 5] = [
    Metric::SloViolationRatio,
    Metric::ColdStartRatio,
    Metric::LatencyP50,
    Metric::LatencyP99,
    Metric::MonthlyCost,
];

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

impl Study {
    pub(super) fn new(variants: Vec<VariantResult>) -> Self {
        Self { variants }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.variants.iter().flat_map(|variant| &variant.rows)
    }

    /// Requests simulated.
    pub fn simulated(&self) -> u64 {
        self.variants.iter().map(|variant| variant.simulated).sum()
    }

    /// Every variant less the first, replication by replication: both had the same arrivals and the same random
    /// numbers, so what they share cancels out.
    pub fn differences(&self) -> Vec<Difference> {
        let Some((baseline, others)) = self.variants.split_first() else {
            return Vec::new();
        };
        let mut differences = Vec::new();
        for variant in others {
            for metric in DIFFERENCES {
                if let Some(difference) = paired(baseline, variant, metric) {
                    differences.push(Difference {
                        variant: variant.name().to_string(),
                        baseline: baseline.name().to_string(),
                        metric,
                        decimals: metric.decimals(baseline.largest(metric).max(variant.largest(metric))),
                        difference,
                    });
                }
            }
        }
        differences
    }

    /// Variant `b` less variant `a` in a metric, replication by replication; `None` where one of them does not know it.
    pub fn paired(&self, a: usize, b: usize, metric: Metric) -> Option<Estimate> {
        paired(self.variants.get(a)?, self.variants.get(b)?, metric)
    }
}

fn paired(one: &VariantResult, other: &VariantResult, metric: Metric) -> Option<Estimate> {
    let (a, b) = (one.samples(metric)?, other.samples(metric)?);
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let Estimate { mean, interval } = estimate_at_looks(&differences, one.looks)?;
    // A difference is known no better than the larger of the two.
    let largest = one.largest(metric).max(other.largest(metric));
    let round = |x: f64| metric.decimals(largest).map_or(x, |decimals| rounded(x, decimals));
    Some(Estimate {
        mean: round(mean),
        interval: interval.map(|(low, high)| (round(low), round(high))),
    })
}

impl VariantResult {
    /// The row of all services together.
    pub fn all(&self) -> &Row {
        &self.rows[0]
    }

    /// The name of the variant.
    pub fn name(&self) -> &str {
        &self.all().variant
    }

    /// The name of its scenario.
    pub fn scenario(&self) -> &str {
        &self.all().scenario
    }

    /// The row of a service: that of all services where it is the only one.
    pub fn row_of(&self, service: &str) -> &Row {
        let own = self.rows.iter().find(|row| row.service == service);
        own.unwrap_or_else(|| self.all())
    }

    /// The lines of its bills, each with its service.
    pub fn bill_lines(&self) -> impl Iterator<Item = (&str, &BillLine)> {
        let bills = self.bills.iter();
        bills.flat_map(|(service, bill)| bill.lines.iter().map(move |line| (service.as_str(), line)))
    }

    /// The total of its bills, exactly; 0 without prices.
    pub fn total_usd(&self) -> Decimal {
        self.bills.iter().map(|(_, bill)| bill.total_usd()).sum()
    }

    /// The largest amount of a metric in a replication; 0 where one does not know it.
    fn largest(&self, metric: Metric) -> f64 {
        let samples = self.samples(metric).unwrap_or_default();
        samples.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()))
    }

    /// The number of times that the replications are looked at.
    pub(super) fn looks(&self) -> u32 {
        self.looks
    }

    /// The estimate of a metric before it is rounded or kept within what is possible; `None` where it is not known.
    pub(super) fn raw_estimate(&self, metric: Metric) -> Option<Estimate> {
        estimate_at_looks(self.samples(metric)?, self.looks)
    }

    /// A metric in each replication; `None` where one does not know it.
    pub(super) fn samples(&self, metric: Metric) -> Option<&[f64]> {
        self.samples.get(&metric).map(Vec::as_slice)
    }

    pub(super) fn new(variant: &Variant, replications: &[Replication], looks: u32) -> Result<Self, StudyError> {
        let bills = bills::bills(variant, replications)?;
        let count = variant.services.len();
        // samples[service][replication], and the sum over services
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); count];
        let mut all = Vec::new();
        for (r, replication) in replications.iter().enumerate() {
            let parts: Vec<Sample> = (0..count)
                .map(|s| {
                    let has_slo = variant.services[s].slo.is_some();
                    let cpu = variant.services[s].setup.inside.map(|inside| inside.cpu.quota.0);
                    let mut sample = Sample::of_service(replication, s, variant.warm_up, has_slo, cpu);
                    sample.cost = bills.as_ref().map(|bills| bills.costs[r][s]);
                    sample
                })
                .collect();
            all.push(Sample::of_all(&parts));
            for (s, mut part) in parts.into_iter().enumerate() {
                // Nodes are those of all services together.
                part.nodes_peak = part.nodes_peak.filter(|_| count == 1);
                samples[s].push(part);
            }
        }
        let end = replications.iter().map(|r| r.stats.end).max().unwrap_or(SimTime::ZERO);
        let mut rows = vec![row(variant, None, &all, bills.as_ref(), (end, looks))];
        if count > 1 {
            rows.extend((0..count).map(|s| row(variant, Some(s), &samples[s], bills.as_ref(), (end, looks))));
        }
        let names: Vec<String> = variant.services.iter().map(|service| service.name.clone()).collect();
        let shown = |s: usize| if count > 1 { names[s].clone() } else { ALL.to_string() };
        let first = replications.first();
        Ok(Self {
            rows,
            timelines: (0..count)
                .map(|s| (shown(s), timeline::merge(replications, s, variant.pricing.as_ref())))
                .collect(),
            tags: variant.services.iter().map(|service| service.tags.clone()).collect(),
            metered: bills.as_ref().map(|bills| bills.metered.clone()).unwrap_or_default(),
            cluster_usd: bills.as_ref().and_then(|bills| bills::of_cluster(variant, &bills.mean)),
            bill_ranges: bills.as_ref().map(|bills| bills.ranges.clone()).unwrap_or_default(),
            bills: bills.map_or(Vec::new(), |b| {
                b.mean.into_iter().enumerate().map(|(s, b)| (shown(s), b)).collect()
            }),
            billing: variant.pricing.as_ref().map(Billing::of),
            imports: first.map_or(Vec::new(), |r| {
                names.iter().cloned().zip(r.imports.iter().cloned()).collect()
            }),
            simulated: replications.iter().map(|r| r.stats.arrivals).sum(),
            samples: metrics(&all),
            cpu_used: cpu_used(&all),
            memory_used: memory_used(variant, &samples),
            pod_requests: pod_requests(variant, &samples),
            best_nodes: best_nodes(variant, &mean_pods(&samples)),
            packing: Packing::sum(replications.iter().map(|replication| replication.packing.as_ref())),
            has_slo: variant.services.iter().map(|service| service.slo.is_some()).collect(),
            functions: replications.first().map(|r| r.functions.clone()).unwrap_or_default(),
            recorded_requests: first.is_some_and(|r| r.requests.is_some()),
            requests: Vec::new(),
            looks,
            services: names,
        })
    }
}

/// Instances of each service, in the mean over time and replications.
fn mean_pods(samples: &[Vec<Sample>]) -> Vec<f64> {
    let mean = |samples: &Vec<Sample>| {
        let each = samples.iter().map(|sample| {
            let area = sample.stats.area;
            (area.starting + area.busy + area.idle) as f64 / 1e9 / sample.window_s
        });
        each.sum::<f64>() / samples.len().max(1) as f64
    };
    samples.iter().map(mean).collect()
}

/// The requests of the pods of each service, mean over time and replications.
fn pod_requests(variant: &Variant, samples: &[Vec<Sample>]) -> Vec<[f64; 2]> {
    let pods = mean_pods(samples).into_iter().zip(&variant.services);
    pods.map(|(pods, service)| {
        let (cpu, memory) = service.requests;
        [pods * cpu as f64, pods * memory as f64]
    })
    .collect()
}

/// CPU that requests used, in vCPU, in the mean over replications.
fn cpu_used(samples: &[Sample]) -> Option<f64> {
    let each = samples
        .iter()
        .map(|sample| Some(sample.cpu_used_of?.0 / 1e12 / sample.window_s));
    let each: Vec<f64> = each.collect::<Option<_>>()?;
    (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
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

/// Memory that pods used, in MiB, in the mean over replications.
fn memory_used(variant: &Variant, samples: &[Vec<Sample>]) -> Option<f64> {
    if !variant.has_nodes() {
        return None;
    }
    let mut bytes = 0.0;
    for (service, samples) in variant.services.iter().zip(samples) {
        let line = service.memory?;
        for sample in samples {
            let area = sample.stats.area;
            let mean = |area: i128| area as f64 / 1e9 / sample.window_s / samples.len() as f64;
            bytes += (line.at_one - line.growth) * mean(area.busy + area.idle) + line.growth * mean(area.in_flight);
        }
    }
    Some(bytes / 1_048_576.0)
}

/// The metrics in each replication, where all replications know them.
fn metrics(samples: &[Sample]) -> BTreeMap<Metric, Vec<f64>> {
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

fn row(
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
    let unique = |text: fn(&crate::scenario::plan::PlannedService) -> &str| {
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
