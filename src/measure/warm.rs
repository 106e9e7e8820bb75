//! The warm run: the behaviour of one instance after its first answer. Warm-up curve, rest, service time and CPU time per
//! request of each route, saturation, parallelism, memory; at the reference size also work in sizes, loads at several rates, the
//! highest stable rate and plateaus.
//!
//! The warm run blocks and runs on a thread of its own. Gentle loads come first, and loads that may kill the server last.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::measure::config::{self, Config, WarmKind};
use crate::measure::http::{Connection, Request};
use crate::measure::load::{self, Server, round3};
use crate::measure::subject::Subject;
use crate::measure::usage::Usage;
use crate::model::cpu_check;
use crate::model::profile::{MemoryReading, RouteRun, WarmRun};
use crate::stats::order;

mod bursts;
pub mod calibration;
pub mod pace;
mod parallel;
mod plateaus;
pub mod rates;
mod replaced;
mod rising;
pub mod round_trip;
pub mod rounds;
pub mod routes;
mod stable;
#[cfg(test)]
pub mod tests;
mod work;

use calibration::Cost;
use pace::{InDepth, Long, Pace};
use parallel::Parallel;
pub use replaced::{KILLED, Replaced, Replacements};
use rising::Rising;
use round_trip::Place;
use routes::Routes;

/// The number of requests per batch of CPU time.
const CPU_BATCH: u32 = 50;
/// The number of parts of the warm-up curve for which CPU time is read.
const CURVE_PARTS: usize = 10;
/// The number of clients of the bursts and of the other loads that keep the CPU busy.
const SATURATION_CLIENTS: u32 = 16;

/// An instance that has just become ready.
#[derive(Debug)]
pub struct Instance<'a> {
    /// Its address, and the stop flag.
    pub server: Server<'a>,
    /// The connection of its first answer.
    pub connection: Connection,
    /// The place of an empty handler on the same network path.
    pub place: Place,
    /// The reader of its CPU and memory, where they can be read.
    pub usage: Option<Usage>,
    /// Its CPU limit in vCPUs.
    pub vcpu: f64,
    /// Its routes.
    pub routes: Routes,
    /// The source of new instances if it does not survive a load; `None` if there is none.
    pub replacements: Option<Replacements>,
}

/// The parts of a warm run and their lengths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts {
    /// The parts of every warm run.
    pub pace: Pace,
    /// Work in sizes and loads at several rates, if wanted.
    pub in_depth: Option<InDepth>,
    /// The search for the highest stable rate and the plateaus, if wanted.
    pub long: Option<Long>,
}

impl Parts {
    /// The parts of a configuration of a subject, one of `all` configurations. Work in sizes and loads at several rates are
    /// taken where the long parts are; in a quick measurement at the reference size; and everywhere for the sized routes of a
    /// user that are measured at no such size.
    pub fn of(config: &Config, subject: &Subject, all: &[Config], quick: bool) -> Self {
        let is_long = |config: &Config| config.warm_run == WarmKind::Long;
        let is_reference = |config: &Config| {
            is_long(config) || quick && config.warm_run == WarmKind::Short && config.limits == config::REFERENCE
        };
        let own_sizes = matches!(subject, Subject::Image { .. }) && !subject.routes().kinds().is_empty();
        let in_depth = is_reference(config) || own_sizes && !all.iter().any(is_reference);
        Self {
            pace: if quick { Pace::QUICK } else { Pace::FULL },
            in_depth: in_depth.then_some(if quick { InDepth::QUICK } else { InDepth::FULL }),
            long: is_long(config).then_some(Long::FULL),
        }
    }
}

/// Takes the warm run of an instance whose main route has this cost, if that is known. Returns remarks for the
/// reader as well.
///
/// # Errors
/// If the instance broke under gentle load.
pub fn run(
    mut instance: Instance<'_>,
    Parts { pace, in_depth, long }: Parts,
    cost: Option<Cost>,
) -> std::io::Result<(WarmRun, Vec<String>)> {
    let server = instance.server;
    let usage = instance.usage.clone();
    let mut notes = Vec::new();
    let mut peak = Peak::new(usage.as_ref());

    let (count, warm_up_rate) = pace.curve(instance.vcpu, cost);
    let main = instance.routes.main();
    let (warm_up_ms, warm_up_cpu_ms, mut errors) = warm_up_curve(
        server,
        &mut instance.connection,
        &main,
        warm_up_rate,
        count,
        usage.as_ref(),
    )?;

    let idle_cpu_ms_per_s = rest(server.stop, pace.rest, usage.as_ref());
    let idle = reading(usage.as_ref());
    let (processes, threads) = usage.as_ref().and_then(Usage::processes_and_threads).unzip();

    let round_trip = round_trip::measure(instance.place, server, 300)?;
    if !round_trip.same_path {
        notes.push(
            "the empty handler listened on the host's side of the bridge (no root): its round trip is a lower bound"
                .into(),
        );
    }

    let requests = instance.routes.all();
    errors += warm_routes(server, &mut instance.connection, &requests, pace)?;
    let (mut routes, wrong) = routes(
        server,
        &mut instance.connection,
        &requests,
        pace,
        usage.as_ref(),
        idle_cpu_ms_per_s,
    )?;
    errors += wrong;
    let main_name = instance.routes.main_name();
    let mut bursts = bursts::add(&instance, &requests, main_name, pace, idle_cpu_ms_per_s, &mut routes);
    errors += bursts.errors;
    peak.look();

    let parallel = match instance.routes {
        Routes::Contract => parallel::run(server, pace, long.is_some(), &mut peak),
        Routes::Own { .. } => Parallel::default(),
    };
    errors += parallel.errors;
    let (work, rates) = match in_depth {
        Some(depth) => {
            let work = work::run(&instance, &instance.routes.kinds(), depth, idle_cpu_ms_per_s);
            (work, rates::run(&instance, bursts.main_per_second, depth))
        }
        None => Default::default(),
    };
    errors += work.errors;
    notes.extend(work.notes);
    peak.look();
    let loaded = reading(usage.as_ref());
    let rising = match long {
        Some(long) => rising::run(&mut instance, &main, bursts.main_per_second, &parallel, long),
        None => Rising::default(),
    };
    notes.extend(rising.notes);
    let stable = rising.stable_rate.as_ref().and_then(|stable| stable.rate);
    if let Some(stable) = stable
        && routes
            .get(main_name)
            .is_some_and(|run| cpu_check::exceeds(run, stable, instance.vcpu))
    {
        // The server got faster meanwhile, or the machine did.
        notes.push(format!(
            "CPU time per request was measured again after the open loops: times the highest stable rate of {stable:.0} per second \
             it would have exceeded the CPU limit"
        ));
        bursts = bursts::add(&instance, &requests, main_name, pace, idle_cpu_ms_per_s, &mut routes);
        errors += bursts.errors;
    }
    let run = WarmRun {
        warm_up_ms,
        warm_up_rate,
        warm_up_cpu_ms,
        round_trip_ms: round_trip.median_ms,
        routes,
        settling: usage.is_some().then_some(bursts.settling),
        work: work.kinds,
        work_settling: work.settling,
        rates: rates.runs,
        responses: rates.responses,
        rates_idle_cpu_ms_per_s: rates.idle_cpu_ms_per_s,
        idle,
        loaded,
        peak_anon_bytes: peak.bytes,
        anon_bytes_per_in_flight: parallel.growth_per_client(),
        idle_cpu_ms_per_s,
        saturation_rps: (bursts.main_per_second > 0.0).then_some(bursts.main_per_second),
        anon_by_in_flight: parallel.anon_by_clients(),
        parallel_io: parallel.io,
        parallel_cpu: parallel.cpu,
        plateaus: rising.plateaus,
        after_rest: rising.after_rest,
        stable_rate: rising.stable_rate,
        processes,
        threads,
        errors,
    };
    Ok((run, notes))
}

/// Takes the warm-up curve. Returns the latencies, the CPU time per request in ten parts (fewer if there are fewer requests),
/// and the number of wrong answers.
fn warm_up_curve(
    server: Server<'_>,
    connection: &mut Connection,
    request: &Request,
    rate: f64,
    count: usize,
    usage: Option<&Usage>,
) -> std::io::Result<(Vec<f64>, Vec<f64>, u32)> {
    let ends: Vec<usize> = (1..=CURVE_PARTS).map(|part| part * count / CURVE_PARTS).collect();
    let mut marks = vec![(0, usage.and_then(Usage::cpu_time))];
    let (latencies, errors) = load::open_loop(server, connection, request, rate, count, |k| {
        if ends.contains(&(k + 1)) {
            marks.push((k + 1, usage.and_then(Usage::cpu_time)));
        }
    })?;
    let parts = marks.windows(2).filter_map(|pair| {
        let used = pair[1].1?.saturating_sub(pair[0].1?);
        Some(round3(used.as_secs_f64() * 1e3 / (pair[1].0 - pair[0].0) as f64))
    });
    Ok((latencies, parts.collect(), errors))
}

/// Leaves the instance alone, and returns the CPU milliseconds per second that it burns without requests.
fn rest(stop: &AtomicBool, lasting: Duration, usage: Option<&Usage>) -> Option<f64> {
    let before = usage.and_then(Usage::cpu_time);
    let began = Instant::now();
    while began.elapsed() < lasting && !stop.load(std::sync::atomic::Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100).min(lasting.saturating_sub(began.elapsed())));
    }
    let seconds = began.elapsed().as_secs_f64();
    let used = usage.and_then(Usage::cpu_time)?.saturating_sub(before?);
    Some(round3(used.as_secs_f64() * 1e3 / seconds))
}

/// Asks all routes in turn and keeps nothing, so that the code of each route is warm before one is measured. Returns the number
/// of wrong answers.
fn warm_routes(
    server: Server<'_>,
    connection: &mut Connection,
    requests: &[(String, Request)],
    pace: Pace,
) -> std::io::Result<u32> {
    let end = Instant::now() + pace.route_warm_up_time;
    let mut errors = 0;
    for _ in 0..pace.route_warm_up / CPU_BATCH as usize {
        for (_, request) in requests {
            let left = end.saturating_duration_since(Instant::now());
            errors += load::one_by_one(server, connection, request, CPU_BATCH as usize, left, |_| {})?.1;
        }
    }
    Ok(errors)
}

/// Measures service times and CPU time per request of all routes, with one request in flight. The routes take turns batch by
/// batch, so that a runtime that still gets faster does so for all of them alike.
fn routes(
    server: Server<'_>,
    connection: &mut Connection,
    requests: &[(String, Request)],
    pace: Pace,
    usage: Option<&Usage>,
    idle_cpu_ms_per_s: Option<f64>,
) -> std::io::Result<(BTreeMap<String, RouteRun>, u32)> {
    let empty = |name: &str| {
        let run = RouteRun {
            cpu_ms: Vec::new(),
            service_time_ms: Vec::new(),
            cpu_batch: CPU_BATCH,
            cpu_loaded_ms: Vec::new(),
            unsettled_cpu_loaded_ms: Vec::new(),
        };
        (name.to_string(), run)
    };
    let mut runs: BTreeMap<String, RouteRun> = requests.iter().map(|(name, _)| empty(name)).collect();
    let end = Instant::now() + pace.route_time * requests.len() as u32;
    let mut errors = 0;
    for _ in 0..pace.route_requests / CPU_BATCH as usize {
        for (name, request) in requests {
            let left = end.saturating_duration_since(Instant::now());
            let (began, before) = (Instant::now(), usage.and_then(Usage::cpu_time));
            let (times, wrong) = load::one_by_one(server, connection, request, CPU_BATCH as usize, left, |_| {})?;
            let used = || Some(usage.and_then(Usage::cpu_time)?.saturating_sub(before?).as_secs_f64() * 1e3);
            let Some(run) = runs.get_mut(name) else {
                continue;
            };
            if times.len() == CPU_BATCH as usize
                && let Some(used_ms) = used()
            {
                let idle_ms = idle_cpu_ms_per_s.unwrap_or(0.0) * began.elapsed().as_secs_f64();
                run.cpu_ms
                    .push(round3((used_ms - idle_ms).max(0.0) / f64::from(CPU_BATCH)));
            }
            run.service_time_ms.extend(times);
            errors += wrong;
        }
    }
    Ok((runs, errors))
}

fn reading(usage: Option<&Usage>) -> MemoryReading {
    usage.map(Usage::memory).unwrap_or_default()
}

/// The highest anonymous memory seen so far.
struct Peak<'a> {
    usage: Option<&'a Usage>,
    bytes: Option<u64>,
}

impl<'a> Peak<'a> {
    fn new(usage: Option<&'a Usage>) -> Self {
        let mut peak = Self { usage, bytes: None };
        peak.look();
        peak
    }

    fn look(&mut self) -> Option<f64> {
        let now = self.usage.and_then(Usage::anon_bytes)?;
        self.bytes = self.bytes.max(Some(now));
        Some(now as f64)
    }
}

fn middle(values: &[f64]) -> Option<f64> {
    order::median(&order::sorted(values.iter().copied()))
}
