//! One cold start: a new container from create call to first right answer, split into phases that add up.
//!
//! Durations are differences of the monotonic clock. The engine's `StartedAt` is wall clock time of the same machine;
//! it is moved over by the difference of both clocks at the start, and the sample is dropped if the two drift apart
//! meanwhile. What lies between the create call's answer and the start call belongs to `start`.
//!
//! A node-cold start begins with a pull, a disk-cold one has its image put out of the page cache before anything is
//! timed. With boosted init the container gets two vCPUs until its health route has answered; then the limit is set,
//! which is in no phase, and then comes the first request of the workload.
//!
//! What a start leads to ([`Up`], [`Failed`]) and how phases are made of moments is the same where no container is made:
//! see [`super::targets::process`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::cgroup::Cgroup;
use super::docker::{ContainerSpec, Engine, Limits};
use super::fresh_copy::FreshCopy;
use super::http::Request;
use super::page_cache::{self, LayerFiles};
use super::probe::{self, Ready, Target};
use super::pull::Pulled;
use super::round_trip::Place;
use super::usage::Usage;
use crate::model::profile::{ColdSample, CpuMode, FailureKind};
use crate::units::MilliCpu;

mod clocks;
pub(super) mod failed;
pub(super) mod phases;

pub use failed::Failed;

use clocks::Clocks;
use failed::{Why, how_it_ended, was_cold};
use phases::Moments;

/// CPU until the health route has answered, with boosted init; a higher limit holds from the start on.
const BOOST: MilliCpu = MilliCpu(2000);

/// Sets a stop flag when dropped, so that no thread outlives what asked for it.
#[derive(Debug)]
pub struct StopOnDrop(pub Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What happens before the container is created.
#[derive(Debug, Clone, Copy)]
pub enum Before<'a> {
    /// Nothing: process-cold.
    Nothing,
    /// The image's files are put out of the page cache: disk-cold.
    Evict(&'a LayerFiles),
    /// The image is pulled: node-cold.
    Pull(&'a FreshCopy),
}

/// What is started, and how.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The container, with the limits that it has in the end.
    pub container: ContainerSpec<'a>,
    /// Its health route.
    pub target: &'a Target,
    /// How long it may take from the create call to the right answer.
    pub patience: Duration,
    /// What happens before.
    pub before: Before<'a>,
    /// When its CPU limit holds.
    pub cpu_mode: CpuMode,
    /// The first request of the workload, with boosted init.
    pub workload: &'a Request,
}

/// An instance that is up.
#[derive(Debug)]
pub struct Up {
    /// What its target knows it by.
    pub id: String,
    /// Its address.
    pub address: SocketAddr,
    /// Where an empty handler is on the same network path.
    pub place: Place,
    /// The start, with block, order and spin ratio left to the caller.
    pub sample: ColdSample,
    /// The answer that proved it.
    pub ready: Ready,
    /// What it uses, where that can be read.
    pub usage: Option<Usage>,
    /// How long its CPU limit had stopped it until then, summed over CPUs.
    pub throttled: Option<Duration>,
    /// Bytes that its first process had read from the disk until then.
    pub disk_read: Option<u64>,
    /// The pull, if there was one.
    pub pulled: Option<Pulled>,
}

/// How a start ended.
#[derive(Debug)]
pub enum Outcome {
    /// A right answer came; the instance is up.
    Up(Box<Up>),
    /// None came, or the sample proves nothing; the instance is gone.
    Failed(Failed),
}

/// Starts a container and waits for its first right answer.
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
        Err(error) => {
            let reason = format!("the engine could not create the container: {error}");
            return Outcome::Failed(Why::other(reason).without_log());
        }
    };
    match run(engine, start, &id, began, pulled).await {
        Ok(up) => Outcome::Up(Box::new(up)),
        Err(why) => {
            let log = engine.last_log_lines(&id).await;
            // What stays is found by its label at the end.
            let _ = engine.remove(&id).await;
            Outcome::Failed(Failed {
                log,
                ..why.without_log()
            })
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
    let deadline = created + start.patience;
    let stop = Arc::new(AtomicBool::new(false));
    let _guard = StopOnDrop(stop.clone());
    let started = Arc::new(AtomicBool::new(false));
    let polling = {
        let (target, started, stop) = (start.target.clone(), started.clone(), stop.clone());
        tokio::task::spawn_blocking(move || probe::until_ready(&target, created, deadline, &started, &stop))
    };
    engine
        .start(id)
        .await
        .map_err(|error| Why::other(format!("the engine could not start the container: {error}")))?;
    started.store(true, Ordering::Relaxed);
    let (state, mac) = engine.state(id).await.map_err(|error| Why::other(error.to_string()))?;
    let network = start.container.network;
    if mac.is_some_and(|mac| mac != network.container_mac()) {
        network.unpin_neighbour();
    }
    let pid = state.pid.unwrap_or(0);
    let usage = Cgroup::of_process(pid).map(Usage::Group);
    let polled = or_its_end(engine, id, polling).await?;
    let cpu = usage.as_ref().and_then(Usage::cpu_time);
    let anon_bytes = usage.as_ref().and_then(Usage::anon_bytes);
    let throttled = usage.as_ref().and_then(Usage::throttled);
    let disk_read = page_cache::read_from_disk(pid);
    let why_not = |not_ready| Why::of(not_ready, start.patience, usage.as_ref());
    let mut ready = polled.map_err(why_not)?;
    let mut first_request = None;
    if start.cpu_mode == CpuMode::BoostedInit {
        let cpu = start.container.limits.cpu;
        engine
            .limit_cpu(id, cpu)
            .await
            .map_err(|error| Why::other(format!("the engine could not set the CPU limit: {error}")))?;
        let asking = {
            let (target, request, stop) = (start.target.clone(), start.workload.clone(), stop.clone());
            let kept = (!ready.closes).then_some(ready.connection);
            tokio::task::spawn_blocking(move || probe::first_request(&target, kept, &request, deadline, &stop))
        };
        let asked = or_its_end(engine, id, asking).await?.map_err(why_not)?;
        ready.connection = asked.connection;
        first_request = Some((asked.sent, asked.answered));
    }
    began.check()?;
    was_cold(start.target.expect, &ready)?;
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
        cpu_ms: cpu.map(super::load::ms),
        anon_bytes,
        tries: ready.tries,
        process_id: ready.process_id.clone(),
        ..moments.phases()?
    };
    Ok(Up {
        id: id.to_string(),
        address: start.target.address,
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

/// What blocking work on a container gives, or how the container ended meanwhile.
async fn or_its_end<T>(engine: &Engine, id: &str, mut work: JoinHandle<T>) -> Result<T, Why> {
    tokio::select! {
        biased;
        done = &mut work => done.map_err(|error| Why::other(error.to_string())),
        () = engine.ended(id) => Err(how_it_ended(engine, id).await),
    }
}
