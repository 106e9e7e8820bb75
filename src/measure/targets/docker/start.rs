//! One cold start of a container, from the create call to the first correct answer.
//!
//! The engine's `StartedAt` is wall clock time of the same machine. It is moved to the monotonic clock by the difference of
//! both clocks at the start; the sample is dropped if the clocks drift apart meanwhile. The time between the answer to the
//! create call and the start call belongs to `start`.
//!
//! A node-cold start begins with a pull. Before a disk-cold start, the files of the image are evicted from the page cache,
//! which is not timed. With boosted init the container has two vCPUs until its health route has answered. Then its limit
//! is set, which belongs to no phase, and then comes the first request of the workload.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bollard::models::ContainerState;
use tokio::task::JoinHandle;

use super::engine::{ContainerSpec, Engine};
use super::fresh_copy::FreshCopy;
use super::page_cache::{self, LayerFiles};
use super::pull::Pulled;
use crate::measure::config::Limits;
use crate::measure::http::{Connection, Request};
use crate::measure::load::ms;
use crate::measure::probe::sight::Shared;
use crate::measure::probe::{self, Endpoint, NotReady};
use crate::measure::start::failed::{Why, was_cold};
use crate::measure::start::phases::Moments;
use crate::measure::start::trouble::{self, give_up::GiveUpAfter};
use crate::measure::start::{Outcome, StopOnDrop, Up};
use crate::measure::usage::Usage;
use crate::measure::usage::cgroup::Cgroup;
use crate::measure::warm::round_trip::Place;
use crate::model::profile::{ColdSample, CpuMode, FailureKind};
use crate::units::MilliCpu;

mod clocks;

use clocks::Clocks;

/// The CPU limit until the health route has answered, with boosted init. A higher limit holds from the start on.
const BOOST: MilliCpu = MilliCpu(2000);

/// The longest wait for a connection to the port of the workload, if it is not that of the health route.
const WORK_TIMEOUT: Duration = Duration::from_secs(5);

/// The step before the container is created.
#[derive(Debug, Clone, Copy)]
pub enum Before<'a> {
    /// No step: process-cold.
    Nothing,
    /// Eviction of the image's files from the page cache: disk-cold.
    Evict(&'a LayerFiles),
    /// A pull of the image: node-cold.
    Pull(&'a FreshCopy),
}

/// A start that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The container, with its limits after the start.
    pub container: ContainerSpec<'a>,
    /// Its health route.
    pub endpoint: &'a Endpoint,
    /// The longest time from the create call to the correct answer.
    pub ready_timeout: Duration,
    /// The step before.
    pub before: Before<'a>,
    /// The time at which its CPU limit begins to hold.
    pub cpu_mode: CpuMode,
    /// The first request of the workload, with boosted init.
    pub workload: &'a Request,
    /// The port to which the workload goes.
    pub work_port: u16,
    /// The time to wait for a start that shows no sign of becoming ready.
    pub give_up_after: GiveUpAfter,
}

/// Starts a container and waits for its first correct answer.
pub async fn cold_start(engine: &Engine, start: &Start<'_>) -> Outcome {
    let pulled = match prepare(engine, start.before).await {
        Ok(pulled) => pulled,
        Err(why) => return Outcome::Failed(why.without_log()),
    };
    let began = Clocks::now();
    let cpu = match start.cpu_mode {
        CpuMode::Flat => start.container.limits.cpu,
        CpuMode::BoostedInit => start.container.limits.cpu.max(BOOST),
    };
    let at_first = ContainerSpec {
        limits: Limits {
            cpu,
            ..start.container.limits
        },
        ..start.container
    };
    let id = match engine.create(&at_first).await {
        Ok(id) => id,
        Err(error) => return Outcome::Failed(refused("create", &error).without_log()),
    };
    match run(engine, start, &id, began, pulled).await {
        Ok(up) => Outcome::Up(Box::new(up)),
        Err(why) => {
            let log = engine.last_log_lines(&id).await;
            // A container that stays is found by its label at the end.
            let _ = engine.remove(&id).await;
            Outcome::Failed(why.with_log(log))
        }
    }
}

async fn prepare(engine: &Engine, before: Before<'_>) -> Result<Option<Pulled>, Why> {
    match before {
        Before::Nothing => Ok(None),
        Before::Evict(files) => {
            let files = files.clone();
            let evicted = tokio::task::spawn_blocking(move || files.evict()).await;
            match evicted {
                Ok(Ok(_)) => Ok(None),
                Ok(Err(error)) => Err(Why::other(format!("the page cache could not be emptied: {error}"))),
                Err(error) => Err(Why::other(error.to_string())),
            }
        }
        Before::Pull(copy) => match copy.pull(engine).await {
            Ok(pulled) => Ok(Some(pulled)),
            Err(reason) => Err(Why::other(format!("the pull failed: {reason}"))),
        },
    }
}

async fn run(engine: &Engine, start: &Start<'_>, id: &str, began: Clocks, pulled: Option<Pulled>) -> Result<Up, Why> {
    let created = Instant::now();
    let deadline = created + start.ready_timeout;
    let stop = Arc::new(AtomicBool::new(false));
    let _guard = StopOnDrop(stop.clone());
    let shared = Arc::new(Shared::default());
    let polling = {
        let (endpoint, shared, stop) = (start.endpoint.clone(), shared.clone(), stop.clone());
        tokio::task::spawn_blocking(move || probe::until_ready(&endpoint, created, deadline, &shared, &stop))
    };
    let state = start_and_inspect(engine, start, id, &shared.started).await?;
    let pid = state.pid.unwrap_or(0);
    let usage = Cgroup::of_process(pid).map(Usage::Group);
    if let Some(usage) = &usage {
        let _ = shared.usage.set(usage.clone());
    }
    let polled = tokio::select! {
        biased;
        polled = or_its_end(engine, id, polling) => polled?,
        () = trouble::until_hopeless(pid, start.endpoint.address.port(), &shared, start.give_up_after) => {
            let explained = trouble::explain(pid, start.endpoint, shared.clone()).await;
            return Err(Why::known(FailureKind::Timeout, explained).unless_killed(usage.as_ref()));
        }
    };
    let cpu = usage.as_ref().and_then(Usage::cpu_time);
    let anon_bytes = usage.as_ref().and_then(Usage::anon_bytes);
    let throttled = usage.as_ref().and_then(Usage::throttled);
    let disk_read = page_cache::read_from_disk(pid);
    let why_not = |not_ready| Why::of(not_ready, start.ready_timeout, usage.as_ref());
    let mut ready = match polled {
        Err(NotReady::Timeout(_)) => {
            let explained = trouble::explain(pid, start.endpoint, shared).await;
            let late = Why::known(FailureKind::Timeout, explained).after(start.ready_timeout);
            return Err(late.unless_killed(usage.as_ref()));
        }
        polled => polled.map_err(why_not)?,
    };
    let work_address = SocketAddr::new(start.endpoint.address.ip(), start.work_port);
    let mut first_request = None;
    if start.cpu_mode == CpuMode::BoostedInit {
        let cpu = start.container.limits.cpu;
        engine
            .limit_cpu(id, cpu)
            .await
            .map_err(|error| Why::other(format!("the engine could not set the CPU limit: {error}")))?;
        let asking = {
            let (request, stop) = (start.workload.clone(), stop.clone());
            let endpoint = Endpoint {
                address: work_address,
                ..start.endpoint.clone()
            };
            let kept = (!ready.closes && work_address == start.endpoint.address).then_some(ready.connection);
            tokio::task::spawn_blocking(move || probe::first_request(&endpoint, kept, &request, deadline, &stop))
        };
        let asked = or_its_end(engine, id, asking).await?.map_err(why_not)?;
        ready.connection = asked.connection;
        first_request = Some((asked.sent, asked.answered));
    } else if work_address != start.endpoint.address {
        ready.connection = Connection::open(work_address, WORK_TIMEOUT).map_err(|error| {
            Why::other(format!(
                "nothing accepts the workload on port {}: {error}",
                start.work_port
            ))
        })?;
    }
    began.check()?;
    was_cold(start.endpoint.expect, &ready)?;
    if matches!(start.before, Before::Evict(_)) && disk_read == Some(0) {
        return Err(Why::new(
            FailureKind::NotCold,
            "not disk-cold: nothing had to be read from the disk",
        ));
    }
    let started_at = state.started_at.as_deref().and_then(|text| began.monotonic(text));
    let moments = Moments {
        pulled: pulled.as_ref().map(|pulled| (pulled.began, pulled.ended)),
        create_call: began.monotonic,
        created,
        started_at: started_at.ok_or_else(|| Why::dropped("the engine's StartedAt makes no sense"))?,
        accepted: ready.accepted,
        answered: ready.answered,
        first_request,
    };
    let sample = ColdSample {
        cpu_ms: cpu.map(|cpu| ms(cpu.saturating_sub(ready.probe_cpu))),
        anon_bytes,
        tries: ready.tries,
        process_id: ready.process_id.clone(),
        ..moments.phases()?
    };
    let network = start.container.network;
    Ok(Up {
        id: id.to_string(),
        address: work_address,
        place: Place::Container {
            pid,
            address: network.container,
            gateway: network.gateway,
        },
        sample,
        ready,
        usage,
        throttled,
        disk_read,
        pulled,
    })
}

/// Starts the container, sets `started` once the engine says that it runs, and returns its state. Takes back the neighbour
/// entry if the engine gave the container another hardware address.
async fn start_and_inspect(
    engine: &Engine,
    start: &Start<'_>,
    id: &str,
    started: &AtomicBool,
) -> Result<ContainerState, Why> {
    engine.start(id).await.map_err(|error| refused("start", &error))?;
    started.store(true, Ordering::Relaxed);
    let (state, mac) = engine.state(id).await.map_err(|error| Why::other(error.to_string()))?;
    let network = start.container.network;
    if mac.is_some_and(|mac| mac != network.container_mac()) {
        network.unpin_neighbour();
    }
    Ok(state)
}

/// Returns the result of blocking work on a container, or the way in which the container ended meanwhile.
async fn or_its_end<T>(engine: &Engine, id: &str, mut work: JoinHandle<T>) -> Result<T, Why> {
    tokio::select! {
        biased;
        done = &mut work => done.map_err(|error| Why::other(error.to_string())),
        () = engine.ended(id) => Err(how_it_ended(engine, id).await),
    }
}

/// The failure of a call to the engine.
fn refused(doing: &str, error: &bollard::errors::Error) -> Why {
    Why::known(
        FailureKind::Other,
        trouble::refused::describe(doing, &super::engine::root_cause(error)),
    )
}

/// The exit code and the memory flag of a container that ended by itself, with its last words.
async fn how_it_ended(engine: &Engine, id: &str) -> Why {
    let Ok((state, _)) = engine.state(id).await else {
        return Why::new(FailureKind::Exited, "the container ended");
    };
    match state.oom_killed {
        Some(true) => Why::new(FailureKind::OutOfMemory, out_of_memory(state.exit_code)),
        _ => {
            let log = engine.last_log_lines(id).await;
            Why::known(FailureKind::Exited, trouble::ended::describe(state.exit_code, &log))
        }
    }
}

/// The words for a container that the kernel killed for its memory.
pub fn out_of_memory(code: Option<i64>) -> String {
    let code = code.map_or_else(|| "unknown".to_string(), |code| code.to_string());
    format!("out of memory: killed by the kernel, exit code {code}")
}
