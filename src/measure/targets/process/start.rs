//! One cold start of a process, from the first step to the first correct answer.
//!
//! `create` is the work before the fork: a port, a pipe, a thread. `start` is the call that forks and executes the program; it
//! returns when the program has taken the place of the copy of this process. `boot` and `first_response` are the same as in
//! containers. Only the monotonic clock is read.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sched::CpuSet;

use super::child::{Armed, End, how};
use super::{App, Processes};
use crate::measure::load::ms;
use crate::measure::options::Headers;
use crate::measure::probe::sight::Shared;
use crate::measure::probe::{self, Endpoint};
use crate::measure::start::failed::{Why, was_cold};
use crate::measure::start::phases::Moments;
use crate::measure::start::{StopOnDrop, Up};
use crate::measure::subject::Subject;
use crate::measure::usage::Usage;
use crate::measure::usage::process_tree::Tree;
use crate::measure::warm::round_trip::Place;
use crate::model::profile::{ColdSample, FailureKind};

/// Starts an app on `cpus` and waits for its first correct answer. `processes` keeps the child, also after a failure.
pub async fn cold_start(
    processes: &Processes<'_>,
    subject: &Subject,
    app: &App,
    cpus: CpuSet,
    ready_timeout: Duration,
) -> Result<Up, Why> {
    let began = Instant::now();
    let no_child = |error: std::io::Error| Why::other(format!("`{}` could not be started: {error}", app.program()));
    let port = processes.ports.free().map_err(no_child)?;
    let command = app.command(&processes.folders, port);
    let armed = Armed::new(command, Some(cpus), true).map_err(no_child)?;
    let endpoint = Endpoint {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        path: subject.path().to_string(),
        headers: Headers::default(),
        expect: subject.expect(),
    };
    let created = Instant::now();
    let deadline = created + ready_timeout;
    let stop = Arc::new(AtomicBool::new(false));
    let _guard = StopOnDrop(stop.clone());
    let shared = Arc::new(Shared::default());
    let polling = {
        let (endpoint, shared) = (endpoint.clone(), shared.clone());
        tokio::task::spawn_blocking(move || probe::until_ready(&endpoint, created, deadline, &shared, &stop))
    };
    let child = armed.spawn().await.map_err(no_child)?;
    shared.started.store(true, Ordering::Relaxed);
    let (pid, started_at, end) = (child.pid, child.began, child.end());
    processes.keep(child);
    let usage = Usage::Tree(Tree::new(pid));
    let _ = shared.usage.set(usage.clone());
    let polled = or_its_end(end, polling).await?;
    let cpu = usage.cpu_time();
    let anon_bytes = usage.anon_bytes();
    let ready = polled.map_err(|not_ready| Why::of(not_ready, ready_timeout, None))?;
    was_cold(endpoint.expect, &ready)?;
    let moments = Moments {
        pulled: None,
        create_call: began,
        created,
        started_at,
        accepted: ready.accepted,
        answered: ready.answered,
        first_request: None,
    };
    let sample = ColdSample {
        cpu_ms: cpu.map(|cpu| ms(cpu.saturating_sub(ready.probe_cpu))),
        anon_bytes,
        tries: ready.tries,
        process_id: ready.process_id.clone(),
        ..moments.phases()?
    };
    Ok(Up {
        id: pid.to_string(),
        address: endpoint.address,
        place: Place::Loopback,
        sample,
        ready,
        usage: Some(usage),
        throttled: None,
        disk_read: None,
        pulled: None,
    })
}

/// Returns the result of blocking work on a process, or the way in which the process ended meanwhile.
async fn or_its_end<T>(mut end: End, mut work: tokio::task::JoinHandle<T>) -> Result<T, Why> {
    tokio::select! {
        biased;
        done = &mut work => done.map_err(|error| Why::other(error.to_string())),
        status = end.wait() => {
            Err(Why::new(FailureKind::Exited, format!("{} before it was ready", how(status))))
        }
    }
}
