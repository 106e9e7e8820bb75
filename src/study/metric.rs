//! The metrics of a result: one table, read by every file, table and gate. A row has the metric's column in `summary.csv`, its
//! title, unit, kind and the function that computes it; its doc comment is also its text in the reference. A metric without a
//! function does not compile.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::marginal;
use super::result::VariantResult;
use super::row::Value;
use super::sample::{Cost, Sample};
use crate::suggest::did_you_mean;

/// The kind of number that a metric is. It decides the possible range and the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A count or an average of counts: 0 or more.
    Count,
    /// An exact time: 0 or more.
    Time,
    /// A quantile of times out of a histogram, known to the width of a bucket: 0 or more.
    Quantile,
    /// A share: 0 to 1.
    Share,
    /// US dollars: 0 or more.
    Money,
    /// A difference in US dollars, of either sign.
    MoneyChange,
}

impl Kind {
    /// The lowest and the highest value that is possible.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::Share => (0.0, 1.0),
            Self::MoneyChange => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Count | Self::Time | Self::Quantile | Self::Money => (0.0, f64::INFINITY),
        }
    }
}

/// How a metric is computed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Computed {
    /// From each replication; `None` where it is not known.
    Each(fn(&Sample) -> Option<f64>),
    /// From a variant and the same variant with more traffic ([`marginal`]); `None` where it is not known.
    WithMoreTraffic(fn(&VariantResult, &VariantResult) -> Option<Value>),
}
use Computed::{Each, WithMoreTraffic};

/// Makes [`Metric`] out of the rows of the table.
macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident: $name:literal, $title:literal, $unit:literal, $kind:ident, $computed:expr;)+) => {
        /// A metric of a result. The order is that of `summary.csv`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Metric {
            /// All metrics in the order of `summary.csv`.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The column of `summary.csv`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The title in tables for people, without the unit.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// The unit.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)+ }
            }

            /// The kind of number.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }

            /// The sentences that say what it means.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// The function behind it.
            pub(super) fn computed(self) -> Computed {
                match self { $(Self::$variant => $computed,)+ }
            }
        }
    };
}

metrics! {
    /// The requests that arrived after the warm-up: `completed + rejected + timed_out + failed`, exactly.
    Requests: "requests", "Requests", "requests", Count, Each(|s| Some(s.record.requests as f64));
    /// The requests that got a good answer.
    Completed: "completed", "Completed", "requests", Count, Each(|s| Some(s.record.completed as f64));
    /// The requests that the platform turned away; `rejected_reasons` has the reasons.
    Rejected: "rejected", "Rejected", "requests", Count, Each(|s| Some(s.rejected() as f64));
    /// The requests whose client gave up before the answer.
    TimedOut: "timed_out", "Timed out", "requests", Count, Each(|s| Some(s.record.timed_out as f64));
    /// The requests that were lost with their instance or got a bad answer.
    Failed: "failed", "Failed", "requests", Count, Each(|s| Some(s.record.failed as f64));
    /// The instances that were started because a request needed one.
    ColdStarts: "cold_starts", "Cold starts", "instances", Count, Each(|s| Some(s.record.cold_starts as f64));
    /// The instances that had their first request: those of `cold_starts`, for which it waited, and those that were started ahead of
    /// it.
    FirstUses: "first_uses", "First uses of instances", "instances", Count, Each(|s| Some(s.record.first_uses as f64));
    /// The further attempts that clients made after a failed one.
    Retries: "retries", "Retries", "attempts", Count, Each(|s| Some(s.record.retries as f64));
    /// The cold starts over the requests.
    ColdStartRatio: "cold_start_ratio", "Cold starts per request", "share", Share,
        Each(|s| ratio(s.record.cold_starts, s.record.requests));
    /// The mean latency of completed requests, from arrival to answer.
    LatencyMean: "latency_mean_ms", "Latency mean", "ms", Time, Each(|s| s.record.latency.mean().map(|ns| ns / 1e6));
    /// The median latency of completed requests.
    LatencyP50: "latency_p50_ms", "Latency p50", "ms", Quantile, Each(|s| s.latency_ms(0.5));
    /// The 90th percentile of the latency of completed requests.
    LatencyP90: "latency_p90_ms", "Latency p90", "ms", Quantile, Each(|s| s.latency_ms(0.9));
    /// The 95th percentile of the latency of completed requests.
    LatencyP95: "latency_p95_ms", "Latency p95", "ms", Quantile, Each(|s| s.latency_ms(0.95));
    /// The 99th percentile of the latency of completed requests.
    LatencyP99: "latency_p99_ms", "Latency p99", "ms", Quantile, Each(|s| s.latency_ms(0.99));
    /// The 99.9th percentile of the latency of completed requests.
    LatencyP999: "latency_p999_ms", "Latency p99.9", "ms", Quantile, Each(|s| s.latency_ms(0.999));
    /// The longest latency of a completed request; the mean over replications of the maximum of each.
    LatencyMax: "latency_max_ms", "Latency maximum", "ms", Time, Each(|s| s.record.latency.max().map(|ns| ns as f64 / 1e6));
    /// The requests that violate the SLO: rejected, timed out, failed, or slower than `slo_latency_ms`.
    SloViolations: "slo_violations", "SLO violations, count", "requests", Count,
        Each(|s| s.has_slo.then_some(s.record.violations as f64));
    /// The share of requests that violate the SLO.
    SloViolationRatio: "slo_violation_ratio", "SLO violations", "share", Share,
        Each(|s| ratio(s.record.violations, s.record.requests).filter(|_| s.has_slo));
    /// The instances on average over time: `starting + busy + idle`.
    InstancesMean: "instances_mean", "Instances, mean", "instances", Count,
        Each(|s| s.mean(s.stats.area.starting + s.stats.area.busy + s.stats.area.idle));
    /// The most instances at a time; unknown for several services together.
    InstancesPeak: "instances_peak", "Instances, peak", "instances", Count, Each(|s| s.stats.instances_peak.map(f64::from));
    /// The instances that serve a request, on average over time. An instance that serves its cold request is busy.
    BusyMean: "busy_mean", "Busy instances, mean", "instances", Count, Each(|s| s.mean(s.stats.area.busy));
    /// The instances that wait for a request, on average over time.
    IdleMean: "idle_mean", "Idle instances, mean", "instances", Count, Each(|s| s.mean(s.stats.area.idle));
    /// The mean time from the creation of an instance to its end, over the instances that ended.
    InstanceLifespanMean: "instance_lifespan_mean_s", "Lifespan of an instance, mean", "s", Time,
        Each(|s| (s.record.stopped > 0).then(|| s.record.lifespan as f64 / s.record.stopped as f64 / 1e9));
    /// The instances that were created, for a request or not.
    InstancesCreated: "instances_created", "Instances created", "instances", Count,
        Each(|s| Some(s.stats.instances_created as f64));
    /// The nodes of the cluster on average over time, from the start of billing; unknown for one of several services.
    NodesMean: "nodes_mean", "Nodes, mean", "nodes", Count, Each(|s| s.nodes_peak.and_then(|_| s.mean(s.stats.area.nodes)));
    /// The most nodes at a time; unknown for one of several services.
    NodesPeak: "nodes_peak", "Nodes, peak", "nodes", Count, Each(|s| s.nodes_peak.map(f64::from));
    /// The CPU that requests used over the CPU that ready instances had.
    CpuUtilisationMean: "cpu_utilisation_mean", "CPU utilisation, mean", "share", Share,
        Each(|s| s.cpu_used_of.filter(|(_, had)| *had > 0.0).map(|(used, had)| used / had));
    /// The bill of a month; the sum of `cost_usd` in `costs.csv`, exactly.
    MonthlyCost: "monthly_cost_usd", "Monthly cost", "USD", Money, Each(|s| s.cost.map(|cost| cost.total));
    /// The requests of a month, scaled from the counted time.
    RequestsPerMonth: "requests_per_month", "Requests per month", "requests", Count,
        Each(|s| s.cost.map(|cost| s.record.requests as f64 * cost.scale));
    /// The monthly bill over the millions of requests of a month.
    CostPerMillion: "cost_per_million_requests_usd", "Per million requests", "USD", Money,
        Each(|s| s.cost.and_then(|cost| cost_per_million(cost, s.record.requests)));
    /// The monthly bill over the millions of requests that kept the SLO.
    CostPerMillionGood: "cost_per_million_good_requests_usd", "Per million good requests", "USD", Money,
        Each(|s| {
            let cost = s.cost.filter(|_| s.has_slo)?;
            cost_per_million(cost, s.record.requests - s.record.violations)
        });
    /// The growth of the bill for the next million requests, from a second run with a tenth more traffic (`--marginal`).
    MarginalCostPerMillion: "marginal_cost_per_million_usd", "Per next million requests", "USD", MoneyChange,
        WithMoreTraffic(marginal::marginal);
    /// The part of the monthly bill for starting instances, at list prices.
    ColdStartCost: "cold_start_cost_usd", "Cost of cold starts", "USD", Money, Each(|s| s.cost.map(|cost| cost.cold_starts));
    /// The part of the monthly bill for instances without a request, at list prices; unknown where idle time has no price of
    /// its own.
    IdleCost: "idle_cost_usd", "Cost of idle instances", "USD", Money, Each(|s| s.cost?.idle);
    /// The monthly fees for commitments; unknown without commitments.
    CommitmentCost: "commitment_cost_usd", "Cost of commitments", "USD", Money,
        Each(|s| s.cost?.committed.map(|(fees, _)| fees));
    /// The part of the fees for commitments that nothing used.
    UnusedCommitmentCost: "unused_commitment_cost_usd", "Cost of unused commitments", "USD", Money,
        Each(|s| s.cost?.committed.map(|(_, unused)| unused));
}

/// The metrics that `requests` is the exact sum of.
pub const OUTCOMES: [Metric; 4] = [Metric::Completed, Metric::Rejected, Metric::TimedOut, Metric::Failed];

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    /// Reads the name of its column.
    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        let known = Self::ALL.iter().find(|metric| metric.name() == name);
        known.copied().ok_or_else(|| UnknownMetric {
            name: name.to_string(),
            hint: did_you_mean(name, Self::ALL.iter().map(|metric| metric.name())),
        })
    }
}

/// A name that no metric has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no metric: write the name of a column of summary.csv, such as monthly_cost_usd{hint}")]
pub struct UnknownMetric {
    name: String,
    /// The most similar name; empty if none is similar.
    hint: String,
}

impl Metric {
    /// The value in one replication; `None` where it is not known, or where one replication does not tell.
    pub(super) fn of(self, sample: &Sample) -> Option<f64> {
        match self.computed() {
            Each(of) => of(sample),
            WithMoreTraffic(_) => None,
        }
    }
}

impl Metric {
    /// True if each replication has a value of its own.
    pub(super) fn is_of_one_replication(self) -> bool {
        matches!(self.computed(), Each(_))
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn cost_per_million(Cost { total, scale, .. }: Cost, requests: u64) -> Option<f64> {
    (requests > 0).then(|| total / (requests as f64 * scale) * 1e6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_a_title_a_unit_and_a_sentence() {
        let names: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        let titles: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.title()).collect();
        assert_eq!((names.len(), titles.len()), (Metric::ALL.len(), Metric::ALL.len()));
        for metric in Metric::ALL {
            assert!(metric.doc().ends_with('.') && !metric.unit().is_empty(), "{metric:?}");
            assert!(!metric.doc().contains("  "), "{metric:?}: {}", metric.doc());
        }
    }
}
