//! Runs every replication of every variant and gathers what its observers saw.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::error::StudyError;
use super::precision::{Precision, Rule};
use super::result::{Study, VariantResult};
use super::split::{self, FunctionRow};
use crate::cost::meter::{Hourly, Reading, Usage};
use crate::model::arrival::Arrival;
use crate::rng::Draws;
use crate::scenario::Variant;
use crate::scenario::plan::{PlannedService, Pricing};
use crate::sim::engine::{self, Feed};
use crate::sim::observe::packing::{Packing, PackingWatch};
use crate::sim::observe::recorder::{Recorder, ServiceRecord};
use crate::sim::observe::records::{RequestRecord, Requests};
use crate::sim::observe::run_stats::RunStats;
use crate::sim::observe::timeline::{ServiceTimeline, Timeline};
use crate::sim::setup::Setup;
use crate::trace::{ImportReport, Open, Source, TraceError};
use crate::units::{SimDuration, SimTime};

/// The observations of one replication of one variant.
#[derive(Debug)]
pub struct Replication {
    /// The engine's own figures.
    pub stats: RunStats,
    /// Requests, by service.
    pub records: Vec<ServiceRecord>,
    /// Timelines, by service.
    pub timelines: Vec<ServiceTimeline>,
    /// Billed quantities, by service; empty without prices.
    pub usage: Vec<Usage>,
    /// The same hour by hour, in order of time.
    pub readings: Vec<Reading>,
    /// The reports of the traffic's import, by service.
    pub imports: Vec<ImportReport>,
    /// Every request, where they were asked for.
    pub requests: Option<Vec<RequestRecord>>,
    /// Every function, where they were asked for and share nothing.
    pub functions: Vec<FunctionRow>,
    /// How pods were packed onto nodes, where there are any.
    pub packing: Option<Packing>,
}

/// The progress of a running study.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Requests simulated so far.
    pub requests: AtomicU64,
    /// Replications done.
    pub done: AtomicU64,
}

/// The options of a run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Worker threads; `None`: all cores.
    pub threads: Option<usize>,
    /// A precision to reach in place of what the scenario says about replications.
    pub precision: Option<Precision>,
    /// True to keep every request of the first replication.
    pub record_requests: bool,
    /// True to keep figures of every function of the first replication, where functions share nothing.
    pub record_functions: bool,
}

/// The feeds that hand arrivals to the engine, and the first failure.
pub(super) struct Feeds<'a> {
    pub(super) failure: Mutex<Option<TraceError>>,
    pub(super) progress: &'a Progress,
}

impl<'a> Feeds<'a> {
    /// The arrivals of a source.
    pub(super) fn of<'b>(&'b self, source: &'b mut dyn Source) -> Feed<'b> {
        Box::new(move |out: &mut Vec<Arrival>| {
            let before = out.len();
            let more = source.refill(out).unwrap_or_else(|error| {
                self.failure
                    .lock()
                    .unwrap_or_else(|p| p.into_inner())
                    .get_or_insert(error);
                false
            });
            self.progress
                .requests
                .fetch_add((out.len() - before) as u64, Ordering::Relaxed);
            more
        })
    }

    /// The first failure, if there was any.
    pub(super) fn failed(self) -> Result<(), TraceError> {
        let failure = self.failure.into_inner().unwrap_or_else(|p| p.into_inner());
        failure.map_or(Ok(()), Err)
    }
}

/// Runs all replications of all variants. The result does not depend on the number of threads.
///
/// # Errors
/// The first trace or bill that fails.
pub fn run(variants: &[Variant], options: Options, progress: &Progress) -> Result<Study, StudyError> {
    let options = &options;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|error| StudyError::Threads(error.to_string()))?;
    let mut done: Vec<Vec<Replication>> = variants.iter().map(|_| Vec::new()).collect();
    let mut results: Vec<Option<VariantResult>> = variants.iter().map(|_| None).collect();
    for (rule, members) in by_rule(variants, options)? {
        let looks = rule.looks();
        for &count in &looks {
            pool.install(|| extend(variants, &members, &mut done, count, options, progress))?;
            let of = |&v: &usize| VariantResult::new(&variants[v], &done[v], looks.len() as u32);
            let group: Vec<VariantResult> = members.iter().map(of).collect::<Result<_, _>>()?;
            let is_done = rule.is_done(&group)?;
            for (&v, result) in members.iter().zip(group) {
                results[v] = Some(result);
            }
            if is_done {
                break;
            }
        }
    }
    let mut study = Study::new(results.into_iter().flatten().collect());
    for (variant, replications) in study.variants.iter_mut().zip(&mut done) {
        let first = replications.first_mut();
        variant.requests = first.and_then(|first| first.requests.take()).unwrap_or_default();
    }
    Ok(study)
}

/// The positions of variants by the rule that says how often they are simulated, in order.
fn by_rule(variants: &[Variant], options: &Options) -> Result<Vec<(Rule, Vec<usize>)>, StudyError> {
    let mut groups: Vec<(Rule, Vec<usize>)> = Vec::new();
    for (v, variant) in variants.iter().enumerate() {
        let rule = Rule::of(variant, options.precision.as_ref())?;
        match groups.iter_mut().find(|(other, _)| *other == rule) {
            Some((_, members)) => members.push(v),
            None => groups.push((rule, vec![v])),
        }
    }
    Ok(groups)
}

/// Runs the replications that are missing to so many of some of the variants.
fn extend(
    variants: &[Variant],
    members: &[usize],
    done: &mut [Vec<Replication>],
    count: u32,
    options: &Options,
    progress: &Progress,
) -> Result<(), StudyError> {
    let jobs = members
        .iter()
        .flat_map(|&v| (done[v].len() as u32..count).map(move |r| (v, r)));
    let jobs: Vec<(usize, u32)> = jobs.collect();
    let run = |&(v, r): &(usize, u32)| {
        let alone = split::replicate(&variants[v], r, options, progress);
        let replication = alone.unwrap_or_else(|| replicate(&variants[v], r, options, progress));
        progress.done.fetch_add(1, Ordering::Relaxed);
        replication
    };
    let replications: Vec<Result<Replication, StudyError>> = jobs.par_iter().with_max_len(1).map(run).collect();
    for ((v, _), replication) in jobs.into_iter().zip(replications) {
        done[v].push(replication?);
    }
    Ok(())
}

/// Runs one replication.
fn replicate(
    variant: &Variant,
    number: u32,
    options: &Options,
    progress: &Progress,
) -> Result<Replication, StudyError> {
    let record = options.record_requests && number == 0;
    let draws = Draws::new(variant.seed, u64::from(number));
    let mut opened = Vec::new();
    for (entity, service) in variant.services.iter().enumerate() {
        let open = Open {
            base: &variant.base,
            draws,
            entity: entity as u64,
            horizon: variant.horizon,
        };
        opened.push(service.traffic.open_repeated(service.repeat, &open)?);
    }
    let lengths: Option<Vec<SimDuration>> = opened.iter().map(|o| o.horizon).collect();
    let horizon = variant
        .horizon
        .or_else(|| lengths.and_then(|all| all.into_iter().max()));
    if let Some(horizon) = horizon
        && horizon <= variant.warm_up
    {
        return Err(StudyError::ShorterThanWarmUp {
            length: horizon,
            warm_up: variant.warm_up,
        });
    }
    let services: Vec<_> = variant.services.iter().map(PlannedService::explained).collect();
    let slo: Vec<SimDuration> = variant
        .services
        .iter()
        .map(|s| s.slo.map_or(SimDuration::MAX, |s| s.latency))
        .collect();
    let spec = variant.pricing.as_ref().map(|pricing| &pricing.meter);
    let metered: Vec<_> = variant.services.iter().map(PlannedService::metered).collect();
    let meter = variant
        .pricing
        .as_ref()
        .map(|pricing| pricing.start(variant.warm_up, &metered));
    let clustered = variant.has_nodes();
    let mut observer = (
        Recorder::new(variant.warm_up, &slo),
        (
            Timeline::tallying(services.len(), |request| spec.map_or(0, |spec| spec.billed_ms(request))),
            (
                meter,
                (
                    record.then(Requests::default),
                    clustered.then(|| PackingWatch::new(variant.warm_up)),
                ),
            ),
        ),
    );
    let failing = Feeds {
        failure: Mutex::new(None),
        progress,
    };
    let feeds = opened
        .iter_mut()
        .map(|opened| failing.of(opened.source.as_mut()))
        .collect();
    let setup = Setup {
        services,
        platform: variant.build(draws),
        warm_up: variant.warm_up,
        horizon,
        sample_every: sample_every(horizon),
        tell_activity: variant.pricing.as_ref().is_some_and(Pricing::needs_activity),
    };
    let stats = engine::run(setup, feeds, draws, &mut observer);
    failing.failed()?;
    if stats.end <= SimTime::ZERO + variant.warm_up {
        return Err(StudyError::ShorterThanWarmUp {
            length: stats.end.since(SimTime::ZERO),
            warm_up: variant.warm_up,
        });
    }
    let (recorder, (timeline, (meter, (requests, packing)))) = observer;
    let (usage, readings) = meter.map(Hourly::into_readings).unwrap_or_default();
    Ok(Replication {
        stats,
        records: recorder.into_records(),
        timelines: timeline.into_services(),
        usage,
        readings,
        imports: opened.iter().map(|opened| opened.source.report()).collect(),
        requests: requests.map(Requests::into_rows),
        functions: Vec::new(),
        packing: packing.map(PackingWatch::into_packing),
    })
}

/// A round interval that gives at most about a thousand samples; where the length is not known the timeline merges.
pub(super) fn sample_every(horizon: Option<SimDuration>) -> SimDuration {
    const ROUND: [u64; 11] = [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400];
    let Some(horizon) = horizon else {
        return SimDuration::from_secs(10);
    };
    let round = ROUND.into_iter().map(SimDuration::from_secs);
    let wide_enough = round.clone().find(|step| horizon.0.div_ceil(step.0) <= 1_024);
    wide_enough.unwrap_or(SimDuration(horizon.0.div_ceil(1_024)))
}
