//! The warm run: what one instance does after its first answer. Warm-up curve, rest, service time and CPU time per
//! request of each route, parallelism, saturation, memory.
//!
//! Blocking, meant for a thread of its own. The order matters: gentle loads first, those that may kill the server last.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::http::{Connection, Request};
use super::load::{self, Server, round3};
use super::pace::{Long, Pace};
use super::round_trip::{self, Place};
use super::routes::Routes;
use super::usage::Usage;
use crate::model::profile::{CLIENT_TOO_SLOW, MemoryReading, RouteRun, WarmRun};
use crate::stats::{order, regression};
pub use replaced::{KILLED, Replaced, Replacements};

mod bursts;
mod plateaus;
mod replaced;
mod stable;

/// Requests per batch of CPU time.
const CPU_BATCH: u32 = 50;
/// Parts of the warm-up curve for which CPU time is read.
const CURVE_PARTS: usize = 10;
/// What the waiting route waits, and what the burning route burns.
const WAIT_MS: f64 = 100.0;
const BURN_MS: f64 = 20.0;
/// Clients of the closed loops on the waiting route, and on the burning one.
const CLIENTS: &[u32] = &[1, 4, 16, 64];
const MANY_CLIENTS: &[u32] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];
const BURNERS: &[u32] = &[1, 2, 4];
const MANY_BURNERS: &[u32] = &[1, 2, 4, 8, 16];
/// Clients of the saturation run.
const SATURATION_CLIENTS: u32 = 16;

/// An instance that has just become ready.
#[derive(Debug)]
pub struct Instance<'a> {
    /// Its address and the stop flag.
    pub server: Server<'a>,
    /// The connection of its first answer.
    pub connection: Connection,
    /// Where an empty handler is on the same network path.
    pub place: Place,
    /// What it uses, where that can be read.
    pub usage: Option<Usage>,
    /// Its CPU limit in vCPUs.
    pub vcpu: f64,
    /// Its routes.
    pub routes: Routes,
    /// Where another one comes from if it does not survive a load; `None`: there is no other.
    pub replacements: Option<Replacements>,
}

/// CPU time per request of the main route on a warm instance; for choosing the rate of the warm-up curve.
pub fn calibrate(mut instance: Instance<'_>, limit: Duration) -> Option<f64> {
    let usage = instance.usage.take()?;
    let main = instance.routes.main();
    let mut ask =
        |count, limit| load::one_by_one(instance.server, &mut instance.connection, &main, count, limit, |_| {});
    ask(300, limit / 2).ok()?;
    let before = usage.cpu_time()?;
    let (times, _) = ask(300, limit / 2).ok()?;
    let used = usage.cpu_time()?.saturating_sub(before);
    (!times.is_empty()).then(|| used.as_secs_f64() * 1e3 / times.len() as f64)
}

/// Takes the warm run; `long` adds the search for the highest stable rate and the plateaus. Also returns remarks for the reader. An error means that the instance broke under gentle load.
pub fn run(
    mut instance: Instance<'_>,
    pace: Pace,
    long: Option<Long>,
    cpu_ms: Option<f64>,
) -> std::io::Result<(WarmRun, Vec<String>)> {
    let server = instance.server;
    let usage = instance.usage.clone();
    let mut notes = Vec::new();
    let mut peak = Peak::new(usage.as_ref());
    let mut errors = 0;

    let (count, rate) = pace.curve(instance.vcpu, cpu_ms);
    let main = instance.routes.main();
    let (warm_up_ms, warm_up_cpu_ms, wrong) =
        warm_up_curve(server, &mut instance.connection, &main, rate, count, usage.as_ref())?;
    errors += wrong;

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
    errors += bursts::add(&instance, &requests, pace, idle_cpu_ms_per_s, &mut routes);
    peak.look();

    let mut parallel_io = Vec::new();
    let mut parallel_cpu = Vec::new();
    let mut levels = Vec::new();
    if instance.routes == Routes::Contract {
        for &clients in if long.is_some() { MANY_CLIENTS } else { CLIENTS } {
            let mut anon = Vec::new();
            let seen = load::closed_loop(server, &Request::get("/io?ms=100"), clients, pace.closed, || {
                anon.extend(peak.look());
            });
            errors += seen.errors;
            parallel_io.push((clients, round3(seen.per_second * WAIT_MS / 1e3)));
            levels.push((clients, anon));
            if has_plateau(&parallel_io) {
                break;
            }
        }
        for &clients in if long.is_some() { MANY_BURNERS } else { BURNERS } {
            let seen = load::closed_loop(server, &Request::get("/cpu?ms=20"), clients, pace.closed, || {
                peak.look();
            });
            errors += seen.errors;
            parallel_cpu.push((clients, round3(seen.per_second * BURN_MS / 1e3)));
            if has_plateau(&parallel_cpu) {
                break;
            }
        }
    }
    let saturation = load::closed_loop(server, &main, SATURATION_CLIENTS, pace.saturation, || {
        peak.look();
    });
    errors += saturation.errors;
    let loaded = reading(usage.as_ref());
    let (mut stable_rate, mut plateaus, mut after_rest) = (None, Vec::new(), None);
    if let Some(long) = long {
        let cores = parallel_cpu.iter().map(|&(_, cores)| cores).fold(0.0, f64::max);
        let cores = if cores > 0.0 {
            cores.min(instance.vcpu)
        } else {
            instance.vcpu
        };
        let found = stable::search(&mut instance, &main, saturation.per_second, cores, long);
        let killed = found.trials.iter().filter(|trial| trial.broken.starts_with(KILLED));
        let lowest = killed.clone().map(|trial| trial.rate).fold(f64::INFINITY, f64::min);
        if lowest.is_finite() {
            notes.push(format!(
                "{KILLED} in {} of {} trials of the search for the highest stable rate, at {lowest:.0} requests per second and \
                 more; another instance took its place each time",
                killed.count(),
                found.trials.len()
            ));
        }
        if let Some(rate) = found.rate {
            let seen = plateaus::run(&mut instance, &main, rate, long);
            (plateaus, after_rest) = (seen.plateaus, seen.after_rest);
            notes.extend(seen.notes);
        } else {
            notes.push("no stable rate was found, so there are no plateaus".into());
        }
        if found
            .trials
            .iter()
            .any(|trial| trial.broken.starts_with(CLIENT_TOO_SLOW))
        {
            notes.push(
                "the load generator, which shares the machine's cores, was too slow for the fastest trials: the highest stable rate is a lower bound"
                    .into(),
            );
        }
        stable_rate = Some(found);
    }
    Ok((
        WarmRun {
            warm_up_ms,
            warm_up_rate: rate,
            warm_up_cpu_ms,
            round_trip_ms: round_trip.median_ms,
            routes,
            idle,
            loaded,
            peak_anon_bytes: peak.bytes,
            anon_bytes_per_in_flight: growth_per_client(&levels),
            idle_cpu_ms_per_s,
            saturation_rps: (saturation.per_second > 0.0).then(|| round3(saturation.per_second)),
            parallel_io,
            parallel_cpu,
            anon_by_in_flight: levels
                .iter()
                .filter_map(|(clients, anon)| Some((*clients, middle(anon)?)))
                .collect(),
            plateaus,
            after_rest,
            stable_rate,
            processes,
            threads,
            errors,
        },
        notes,
    ))
}

/// Latencies, CPU time per request in ten parts (fewer if there are fewer requests), wrong answers.
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

/// Leaves the instance alone; returns the CPU milliseconds it burnt per second meanwhile.
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

/// Asks all routes in turn without keeping anything, so that the code of each is warm before any is measured.
fn warm_routes(
    server: Server<'_>,
    connection: &mut Connection,
    requests: &[(&'static str, Request)],
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

/// Service times and CPU time per request of all routes, with one request in flight. The routes take turns batch by
/// batch, so that a runtime that still gets faster does so for all of them alike.
fn routes(
    server: Server<'_>,
    connection: &mut Connection,
    requests: &[(&'static str, Request)],
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
            let Some(run) = runs.get_mut(*name) else {
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

/// The highest anonymous memory seen.
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

/// Whether more clients have stopped to bring more parallel requests: twice within 10%, and well below the clients.
fn has_plateau(parallel: &[(u32, f64)]) -> bool {
    let [.., (_, a), (_, b), (clients, c)] = parallel else {
        return false;
    };
    *c < 0.5 * f64::from(*clients) && (c / b - 1.0).abs() < 0.1 && (b / a - 1.0).abs() < 0.1
}

fn middle(values: &[f64]) -> Option<f64> {
    order::median(&order::sorted(values.iter().copied()))
}

/// Growth of anonymous memory per waiting request in flight: the slope over all numbers of clients. `None` if its 95%
/// interval holds 0, or if it is below one page.
fn growth_per_client(levels: &[(u32, Vec<f64>)]) -> Option<f64> {
    let points: Vec<(f64, f64)> = levels
        .iter()
        .filter_map(|(clients, anon)| Some((f64::from(*clients), middle(anon)?)))
        .collect();
    let line = regression::line(&points)?;
    (line.rises() && line.slope >= 4096.0).then(|| line.slope.round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_growth_within_noise_is_unknown() {
        let mib = f64::from(1 << 20);
        let level = |clients: u32, at: f64| (clients, vec![at * mib, (at + 0.1) * mib]);
        let grows = [level(1, 11.0), level(4, 14.0), level(16, 26.1), level(64, 74.0)];
        let slope = growth_per_client(&grows).unwrap();
        assert!((slope / mib - 1.0).abs() < 0.02, "{slope}");
        let noisy = [level(1, 20.0), level(4, 40.0), level(16, 25.0), level(64, 30.0)];
        assert_eq!(growth_per_client(&noisy), None);
        assert_eq!(growth_per_client(&[]), None);
    }

    #[test]
    fn a_plateau_is_two_doublings_that_bring_nothing() {
        let pool = [(1, 1.0), (2, 2.0), (4, 4.0), (8, 4.05), (16, 4.0)];
        assert!(!has_plateau(&pool[..4]) && has_plateau(&pool));
        assert!(!has_plateau(&[(1, 1.0), (2, 2.0), (4, 3.9), (8, 7.9), (16, 15.5)]));
    }
}
