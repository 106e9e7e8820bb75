//! The result of a study: for each variant rows of estimates, bills and timelines.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::best_nodes::{BestNodes, best_nodes};
use super::bills;
use super::error::StudyError;
use super::metric::Metric;
use super::replicate::Replication;
use super::replication_row::{self, ReplicationRow};
use super::resources::{cpu_used, mean_pods, memory_used, pod_requests};
use super::row::{ALL, Row, metrics, row};
use super::sample::Sample;
use super::split::FunctionRow;
use super::terms::Billing;
use super::timeline::{self, TimelineRow};
use super::violation_row::{self, ViolationRow};
use super::what_if::WhatIf;
use crate::cost::bill::{Bill, BillLine};
use crate::cost::stored::ReplicationUsage;
use crate::scenario::Variant;
use crate::sim::observe::packing::Packing;
use crate::sim::observe::records::RequestRecord;
use crate::stats::interval::{Estimate, estimate_at_looks};
use crate::trace::ImportReport;
use crate::units::SimTime;

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
    /// The replications one by one: those of `all` first, then those of its services where it has several.
    #[serde(default)]
    pub replications: Vec<ReplicationRow>,
    /// Why requests violated the latency promise: the causes of `all` first, then those of its services where it has several.
    #[serde(default)]
    pub violations: Vec<ViolationRow>,
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
    /// The same in each draw of the measured profiles.
    #[serde(default)]
    pub(super) drawn: BTreeMap<Metric, Vec<f64>>,
}

/// The result of a study.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Study {
    /// By variant.
    pub variants: Vec<VariantResult>,
    /// The violations with something switched off; empty unless they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what_if: Vec<WhatIf>,
}

impl Study {
    pub(super) fn new(variants: Vec<VariantResult>) -> Self {
        Self {
            variants,
            what_if: Vec::new(),
        }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.variants.iter().flat_map(|variant| &variant.rows)
    }

    /// Requests simulated.
    pub fn simulated(&self) -> u64 {
        self.variants.iter().map(|variant| variant.simulated).sum()
    }
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
    pub(super) fn largest(&self, metric: Metric) -> f64 {
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
        let mut one_by_one = replication_row::rows(ALL, &all);
        if count > 1 {
            one_by_one.extend((0..count).flat_map(|s| replication_row::rows(&names[s], &samples[s])));
        }
        let mut violations = violation_row::rows(ALL, &all);
        if count > 1 {
            violations.extend((0..count).flat_map(|s| violation_row::rows(&names[s], &samples[s])));
        }
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
            drawn: BTreeMap::new(),
            replications: one_by_one,
            violations,
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
