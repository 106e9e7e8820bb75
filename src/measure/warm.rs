//! The warm run: what one instance does after its first answer. Warm-up curve, rest, service time and CPU time per
//! request of each route, parallelism, saturation, memory.
//!
//! Blocking, meant for a thread of its own. The order matters: gentle loads first, those that may kill the server last.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::cgroup::Cgroup;
use super::http::{Connection, Request};
use super::load::{self, Server, round3};
use super::network::Network;
use super::pace::Pace;
use super::round_trip;
use super::routes::Routes;
use crate::model::profile::{MemoryReading, RouteRun, WarmRun};
use crate::stats::order;

/// Requests per batch of CPU time.
const CPU_BATCH: u32 = 50;
/// Parts of the warm-up curve for which CPU time is read.
const CURVE_PARTS: usize = 10;
/// What the waiting route waits, and what the burning route burns.
const WAIT_MS: f64 = 100.0;
const BURN_MS: f64 = 20.0;
/// Clients of the saturation run.
const SATURATION_CLIENTS: u32 = 16;

/// An instance that has just become ready.
#[derive(Debug)]
pub struct Instance<'a> {
    /// Its address and the stop flag.
    pub server: Server<'a>,
    /// The connection of its first answer.
    pub connection: Connection,
    /// Its first process.
    pub pid: i64,
    /// Its network.
    pub network: &'a Network,
    /// Its control group, where readable.
    pub cgroup: Option<Cgroup>,
    /// Its CPU limit in vCPUs.
    pub vcpu: f64,
    /// Its routes.
    pub routes: Routes,
}

/// CPU time per request of the main route on a warm instance; for choosing the rate of the warm-up curve.
pub fn calibrate(mut instance: Instance<'_>, limit: Duration) -> Option<f64> {
    let cgroup = instance.cgroup.take()?;
    let main = instance.routes.main();
    let mut ask =
        |count, limit| load::one_by_one(instance.server, &mut instance.connection, &main, count, limit, |_| {});
    ask(300, limit / 2).ok()?;
    let before = cgroup.cpu_time()?;
    let (times, _) = ask(300, limit / 2).ok()?;
    let used = cgroup.cpu_time()?.saturating_sub(before);
    (!times.is_empty()).then(|| used.as_secs_f64() * 1e3 / times.len() as f64)
}

/// Takes the warm run. Also returns remarks for the reader. An error means that the instance broke under gentle load.
pub fn run(mut instance: Instance<'_>, pace: Pace, cpu_ms: Option<f64>) -> std::io::Result<(WarmRun, Vec<String>)> {
    let server = instance.server;
    let cgroup = instance.cgroup.clone();
    let mut notes = Vec::new();
    let mut peak = Peak::new(cgroup.as_ref());
    let mut errors = 0;

    let (count, rate) = pace.curve(instance.vcpu, cpu_ms);
    let main = instance.routes.main();
    let (warm_up_ms, warm_up_cpu_ms, wrong) =
        warm_up_curve(server, &mut instance.connection, &main, rate, count, cgroup.as_ref())?;
    errors += wrong;

    let idle_cpu_ms_per_s = rest(server.stop, pace.rest, cgroup.as_ref());
    let idle = reading(cgroup.as_ref());

    let round_trip = round_trip::measure(
        instance.pid,
        instance.network.container,
        instance.network.gateway,
        server,
        300,
    )?;
    if !round_trip.crossed_bridge {
        notes.push(
            "the empty handler listened on the host's side of the bridge (no root): its round trip is a lower bound"
                .into(),
        );
    }

    let requests = instance.routes.all();
    errors += warm_routes(server, &mut instance.connection, &requests, pace)?;
    let (routes, wrong) = routes(
        server,
        &mut instance.connection,
        &requests,
        pace,
        cgroup.as_ref(),
        idle_cpu_ms_per_s,
    )?;
    errors += wrong;
    peak.look();

    let mut parallel_io = Vec::new();
    let mut parallel_cpu = Vec::new();
    let mut levels = Vec::new();
    if instance.routes == Routes::Contract {
        for clients in [1, 4, 16, 64] {
            let mut anon = Vec::new();
            let seen = load::closed_loop(server, &Request::get("/io?ms=100"), clients, pace.closed, || {
                anon.extend(peak.look());
            });
            errors += seen.errors;
            parallel_io.push((clients, round3(seen.per_second * WAIT_MS / 1e3)));
            levels.push((clients, anon));
        }
        for clients in [1, 2, 4] {
            let seen = load::closed_loop(server, &Request::get("/cpu?ms=20"), clients, pace.closed, || {
                peak.look();
            });
            errors += seen.errors;
            parallel_cpu.push((clients, round3(seen.per_second * BURN_MS / 1e3)));
        }
    }
    let saturation = load::closed_loop(server, &main, SATURATION_CLIENTS, pace.saturation, || {
        peak.look();
    });
    errors += saturation.errors;
    let loaded = reading(cgroup.as_ref());
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
            anon_by_in_flight: Vec::new(),
            plateaus: Vec::new(),
            after_rest: None,
            stable_rate: None,
            processes: None,
            threads: None,
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
    cgroup: Option<&Cgroup>,
) -> std::io::Result<(Vec<f64>, Vec<f64>, u32)> {
    let ends: Vec<usize> = (1..=CURVE_PARTS).map(|part| part * count / CURVE_PARTS).collect();
    let mut marks = vec![(0, cgroup.and_then(Cgroup::cpu_time))];
    let (latencies, errors) = load::open_loop(server, connection, request, rate, count, |k| {
        if ends.contains(&(k + 1)) {
            marks.push((k + 1, cgroup.and_then(Cgroup::cpu_time)));
        }
    })?;
    let parts = marks.windows(2).filter_map(|pair| {
        let used = pair[1].1?.saturating_sub(pair[0].1?);
        Some(round3(used.as_secs_f64() * 1e3 / (pair[1].0 - pair[0].0) as f64))
    });
    Ok((latencies, parts.collect(), errors))
}

/// Leaves the instance alone; returns the CPU milliseconds it burnt per second meanwhile.
fn rest(stop: &AtomicBool, lasting: Duration, cgroup: Option<&Cgroup>) -> Option<f64> {
    let before = cgroup.and_then(Cgroup::cpu_time);
    let began = Instant::now();
    while began.elapsed() < lasting && !stop.load(std::sync::atomic::Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100).min(lasting.saturating_sub(began.elapsed())));
    }
    let seconds = began.elapsed().as_secs_f64();
    let used = cgroup.and_then(Cgroup::cpu_time)?.saturating_sub(before?);
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
    cgroup: Option<&Cgroup>,
    idle_cpu_ms_per_s: Option<f64>,
) -> std::io::Result<(BTreeMap<String, RouteRun>, u32)> {
    let empty = |name: &str| {
        let run = RouteRun {
            cpu_ms: Vec::new(),
            service_time_ms: Vec::new(),
            cpu_batch: CPU_BATCH,
        };
        (name.to_string(), run)
    };
    let mut runs: BTreeMap<String, RouteRun> = requests.iter().map(|(name, _)| empty(name)).collect();
    let end = Instant::now() + pace.route_time * requests.len() as u32;
    let mut errors = 0;
    for _ in 0..pace.route_requests / CPU_BATCH as usize {
        for (name, request) in requests {
            let left = end.saturating_duration_since(Instant::now());
            let (began, before) = (Instant::now(), cgroup.and_then(Cgroup::cpu_time));
            let (times, wrong) = load::one_by_one(server, connection, request, CPU_BATCH as usize, left, |_| {})?;
            let used = || Some(cgroup.and_then(Cgroup::cpu_time)?.saturating_sub(before?).as_secs_f64() * 1e3);
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

fn reading(cgroup: Option<&Cgroup>) -> MemoryReading {
    cgroup.map(Cgroup::memory).unwrap_or_default()
}

/// The highest anonymous memory seen.
struct Peak<'a> {
    cgroup: Option<&'a Cgroup>,
    bytes: Option<u64>,
}

impl<'a> Peak<'a> {
    fn new(cgroup: Option<&'a Cgroup>) -> Self {
        let mut peak = Self { cgroup, bytes: None };
        peak.look();
        peak
    }

    fn look(&mut self) -> Option<f64> {
        let now = self.cgroup.and_then(Cgroup::anon_bytes)?;
        self.bytes = self.bytes.max(Some(now));
        Some(now as f64)
    }
}

/// Growth of anonymous memory from 1 to 16 requests in flight, per request; `None` if it is not above the spread of
/// the readings with one in flight, or below one page per request.
fn growth_per_client(levels: &[(u32, Vec<f64>)]) -> Option<f64> {
    let level = |clients| {
        levels
            .iter()
            .find(|level| level.0 == clients)
            .map(|level| order::sorted(level.1.iter().copied()))
    };
    let (one, many) = (level(1)?, level(16)?);
    let spread = one.last()? - one.first()?;
    let growth = order::median(&many)? - order::median(&one)?;
    let per_client = (growth / 15.0).round();
    (growth > spread && per_client >= 4096.0).then_some(per_client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_growth_within_noise_is_unknown() {
        let mib = f64::from(1 << 20);
        let grows = [(1, vec![10.0 * mib, 10.1 * mib]), (16, vec![25.0 * mib])];
        let slope = growth_per_client(&grows).unwrap();
        assert!((slope / mib - 1.0).abs() < 0.01, "{slope}");
        let noisy = [(1, vec![10.0 * mib, 30.0 * mib]), (16, vec![25.0 * mib])];
        assert_eq!(growth_per_client(&noisy), None);
        assert_eq!(growth_per_client(&[]), None);
    }
}
