//! Functions that share nothing are run one by one, spread over the worker threads. Each has the random numbers that it has together with
//! the others, and what is counted are integers, so that the sum is the same for any number of threads.

use std::sync::Mutex;

use rayon::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::bills::list_price;
use super::error::StudyError;
use super::replicate::{Feeds, Options, Progress, Replication, sample_every};
use crate::cost::meter::{Hourly, Reading, Served, Usage};
use crate::rng::Draws;
use crate::scenario::Variant;
use crate::scenario::plan::Pricing;
use crate::sim::engine;
use crate::sim::observe::recorder::{Recorder, ServiceRecord};
use crate::sim::observe::run_stats::{RunStats, ServiceStats};
use crate::sim::observe::timeline::{ServiceTimeline, Timeline};
use crate::sim::setup::Setup;
use crate::trace::{Functions, Open};
use crate::units::{SimDuration, SimTime};

/// The figures of one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRow {
    /// Position of its service.
    pub service: u16,
    /// Its number within the service.
    pub function: u32,
    /// Requests that arrived after the warm-up.
    pub requests: u64,
    /// Those that were answered.
    pub completed: u64,
    /// Those that were turned away.
    pub rejected: u64,
    /// Instances started for a request.
    pub cold_starts: u64,
    /// Requests that violate the objective.
    pub violations: u64,
    /// Latency at the median, the 95th and the 99th percentile in nanoseconds.
    pub latency: [Option<u64>; 3],
    /// The cost in US dollars of the counted time at the price of the first tier; `None` without prices.
    pub cost_usd: Option<Decimal>,
}

/// Sums over functions of one service.
#[derive(Debug, Default)]
struct Sum {
    record: ServiceRecord,
    timeline: ServiceTimeline,
    usage: Option<Usage>,
    readings: Vec<Reading>,
    stats: ServiceStats,
    arrivals: u64,
    rows: Vec<FunctionRow>,
}

impl Sum {
    fn merge(&mut self, other: Self) {
        self.record.merge(&other.record);
        self.timeline.join(&other.timeline);
        match (&mut self.usage, other.usage) {
            (Some(usage), Some(other)) => usage.add(&other),
            (usage, other) => *usage = usage.take().or(other),
        }
        if self.readings.is_empty() {
            self.readings = other.readings;
        } else {
            self.readings
                .iter_mut()
                .zip(&other.readings)
                .for_each(|(own, other)| own.add(other));
        }
        self.stats.area += other.stats.area;
        self.stats.instances_created += other.stats.instances_created;
        self.arrivals += other.arrivals;
        self.rows.extend(other.rows);
    }
}

/// Returns true if the functions of a variant share nothing and can be run one by one.
pub fn possible(variant: &Variant) -> bool {
    opened(variant, Draws::new(variant.seed, 0)).is_some()
}

/// The functions of each service, if they share nothing and the traffic has them one by one.
fn opened(variant: &Variant, draws: Draws) -> Option<Vec<Box<dyn Functions>>> {
    // Traffic that is repeated or thinned out comes together only.
    let repeated = variant.services.iter().any(|service| service.repeat != 1.0);
    if repeated || variant.platform.part().couples() {
        return None;
    }
    let services = variant.services.iter().enumerate().map(|(entity, service)| {
        service.traffic.functions(&Open {
            base: &variant.base,
            draws,
            entity: entity as u64,
            horizon: variant.horizon,
        })
    });
    services.collect()
}

/// Runs replication `number` function by function; `None` if functions share something, or come together only.
pub(super) fn replicate(
    variant: &Variant,
    number: u32,
    options: &Options,
    progress: &Progress,
) -> Option<Result<Replication, StudyError>> {
    if options.record_requests {
        return None;
    }
    let draws = Draws::new(variant.seed, u64::from(number));
    let functions = opened(variant, draws)?;
    let keep_rows = number == 0 && options.record_functions;
    Some(run(variant, draws, &functions, keep_rows, progress))
}

fn run(
    variant: &Variant,
    draws: Draws,
    functions: &[Box<dyn Functions>],
    keep_rows: bool,
    progress: &Progress,
) -> Result<Replication, StudyError> {
    let lengths = functions.iter().map(|functions| functions.length());
    let horizon = variant.horizon.or(lengths.max()).unwrap_or(SimDuration::ZERO);
    if horizon <= variant.warm_up {
        return Err(StudyError::ShorterThanWarmUp {
            length: horizon,
            warm_up: variant.warm_up,
        });
    }
    // The busiest first, so that no thread is left alone with one of them.
    let mut jobs: Vec<Job> = Vec::new();
    for (s, functions) in functions.iter().enumerate() {
        jobs.extend((0..functions.count()).map(|f| (s as u16, f, functions.weight(f))));
    }
    jobs.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)).then(a.1.cmp(&b.1)));
    let feeds = Feeds {
        failure: Mutex::new(None),
        progress,
    };
    let nothing = || -> Vec<Sum> { functions.iter().map(|_| Sum::default()).collect() };
    let some = |mut sums: Vec<Sum>, jobs: &&[Job]| {
        for &(service, function, _) in *jobs {
            let sum = function_alone(
                variant,
                draws,
                horizon,
                &feeds,
                functions,
                (service, function),
                keep_rows,
            );
            sums[service as usize].merge(sum);
        }
        sums
    };
    let add = |mut sums: Vec<Sum>, others: Vec<Sum>| {
        sums.iter_mut().zip(others).for_each(|(sum, other)| sum.merge(other));
        sums
    };
    let groups = groups(&jobs);
    let sums = groups
        .par_iter()
        .with_max_len(1)
        .fold(nothing, some)
        .reduce(nothing, add);
    feeds.failed()?;
    let mut rows: Vec<FunctionRow> = Vec::new();
    let mut stats = RunStats {
        arrivals: 0,
        end: SimTime::ZERO + horizon,
        services: Vec::new(),
        nodes_peak: None,
        counts_cpu: false,
    };
    let (mut records, mut timelines, mut usage) = (Vec::new(), Vec::new(), Vec::new());
    let readings = together(variant, &sums);
    for sum in sums {
        stats.arrivals += sum.arrivals;
        stats.services.push(sum.stats);
        records.push(sum.record);
        timelines.push(sum.timeline);
        usage.extend(sum.usage.or_else(|| Some(variant.pricing.as_ref()?.meter.nothing())));
        rows.extend(sum.rows);
    }
    rows.sort_by_key(|row| (row.service, row.function));
    Ok(Replication {
        stats,
        records,
        timelines,
        usage,
        readings,
        imports: functions.iter().map(|functions| functions.report()).collect(),
        requests: None,
        functions: rows,
        packing: None,
    })
}

/// Position of the service, number of the function, and its share of the traffic.
type Job = (u16, u32, f64);

/// Jobs that one thread does in a row: busy ones alone, of the others so many that adding up their sums costs little.
fn groups(jobs: &[Job]) -> Vec<&[Job]> {
    const MOST: usize = 64;
    let share = jobs.iter().map(|job| job.2).sum::<f64>() / 4_096.0;
    let mut groups = Vec::new();
    let mut begin = 0;
    let mut weight = 0.0;
    for (i, job) in jobs.iter().enumerate() {
        weight += job.2;
        if weight >= share || i + 1 - begin == MOST || i + 1 == jobs.len() {
            groups.push(&jobs[begin..=i]);
            (begin, weight) = (i + 1, 0.0);
        }
    }
    groups
}

/// The readings of all services, instant by instant.
fn together(variant: &Variant, sums: &[Sum]) -> Vec<Reading> {
    let (Some(pricing), Some(longest)) = (&variant.pricing, sums.iter().max_by_key(|sum| sum.readings.len())) else {
        return Vec::new();
    };
    let instants = longest.readings.iter().enumerate();
    let readings = instants.map(|(i, reading)| Reading {
        at: reading.at,
        // A service without functions has no readings.
        usage: sums
            .iter()
            .map(|sum| {
                sum.readings
                    .get(i)
                    .map_or_else(|| pricing.meter.nothing(), |own| own.usage[0].clone())
            })
            .collect(),
        served: sums
            .iter()
            .filter(|_| !reading.served.is_empty())
            .map(|sum| sum.readings.get(i).map_or_else(Served::default, |own| own.served[0]))
            .collect(),
    });
    readings.collect()
}

/// One function as a run of its own.
fn function_alone(
    variant: &Variant,
    draws: Draws,
    horizon: SimDuration,
    feeds: &Feeds<'_>,
    functions: &[Box<dyn Functions>],
    (service, function): (u16, u32),
    keep_row: bool,
) -> Sum {
    let planned = &variant.services[service as usize];
    let mut setup = planned.explained();
    setup.first_entity = Some(u64::from(service) << 32 | u64::from(function));
    let pricing = variant.pricing.as_ref();
    let spec = pricing.map(|pricing| &pricing.meter);
    let slo = planned.slo.map_or(SimDuration::MAX, |slo| slo.latency);
    let mut observer = (
        Recorder::new(variant.warm_up, &[slo]),
        (
            Timeline::tallying(1, |request| spec.map_or(0, |spec| spec.billed_ms(request))),
            pricing.map(|pricing| pricing.start(variant.warm_up, &[planned.metered()])),
        ),
    );
    let mut source = functions[service as usize].open(function);
    let setup = Setup {
        services: vec![setup],
        platform: variant.platform.part().build(draws, &[&planned.name]),
        warm_up: variant.warm_up,
        horizon: Some(horizon),
        sample_every: sample_every(Some(horizon)),
        tell_activity: pricing.is_some_and(Pricing::needs_activity),
    };
    let mut stats = engine::run(setup, vec![feeds.of(source.as_mut())], draws, &mut observer);
    let (recorder, (timeline, meter)) = observer;
    let record = recorder.into_records().swap_remove(0);
    let (usage, readings) = meter.map(Hourly::into_readings).unwrap_or_default();
    let usage = usage.into_iter().next();
    let row = keep_row.then(|| FunctionRow {
        service,
        function,
        requests: record.requests,
        completed: record.completed,
        rejected: record.rejected.values().sum(),
        cold_starts: record.cold_starts,
        violations: record.violations,
        latency: [0.5, 0.95, 0.99].map(|q| record.latency.quantile(q)),
        cost_usd: pricing
            .zip(usage.as_ref())
            .and_then(|(pricing, usage)| cost(pricing, usage)),
    });
    let mut stats_of = stats.services.swap_remove(0);
    // The most instances of all functions together are not the sum of the most of each.
    stats_of.instances_peak = None;
    Sum {
        record,
        timeline: timeline.into_services().swap_remove(0),
        usage,
        readings,
        stats: stats_of,
        arrivals: stats.arrivals,
        rows: row.into_iter().collect(),
    }
}

/// The cost of what a function used, to twelve decimals of a dollar.
fn cost(pricing: &Pricing, usage: &Usage) -> Option<Decimal> {
    let quantities = pricing.meter.quantities(usage);
    Some(list_price(pricing, &quantities, None).ok()?.round_dp(12).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_functions_are_groups_of_their_own_and_nobody_is_left_out() {
        let weight = |f: u32| if f < 3 { 1e6 } else { 1.0 };
        let jobs: Vec<Job> = (0..1_000).map(|f| (0, f, weight(f))).collect();
        let groups = groups(&jobs);
        assert!(groups[..3].iter().all(|group| group.len() == 1));
        assert!(groups.iter().all(|group| group.len() <= 64));
        assert_eq!(groups.concat(), jobs);
        assert_eq!(groups.len(), 3 + 997_usize.div_ceil(64));
        assert_eq!(super::groups(&[]), Vec::<&[Job]>::new());
    }
}
