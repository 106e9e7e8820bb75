//! One cold start: a new container from create call to first right answer, split into phases that add up.
//!
//! Durations are differences of the monotonic clock. The engine's `StartedAt` is wall clock time of the same machine;
//! it is moved over by the difference of both clocks at the start, and the sample is dropped if the two drift apart
//! meanwhile. What lies between the create call's answer and the start call belongs to `start`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::cgroup::Cgroup;
use super::docker::{ContainerSpec, Engine};
use super::load::{ms, round3};
use super::network::Network;
use super::probe::{self, Expect, NotReady, Ready, Target};
use crate::model::profile::{ColdSample, Verdict};

/// The clocks may disagree by so much over a start.
const CLOCK_DRIFT: Duration = Duration::from_millis(5);
/// The phases may miss the total by so much and one probe interval.
const SUM_TOLERANCE_MS: f64 = 2.0;

/// Sets a stop flag when dropped, so that no thread outlives what asked for it.
#[derive(Debug)]
pub struct StopOnDrop(pub Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An instance that is up.
#[derive(Debug)]
pub struct Up {
    /// Its container.
    pub id: String,
    /// The start, with block, order and spin ratio left to the caller.
    pub sample: ColdSample,
    /// The answer that proved it.
    pub ready: Ready,
    /// Its first process.
    pub pid: i64,
    /// Its control group, where readable.
    pub cgroup: Option<Cgroup>,
    /// How long its CPU limit had stopped it until then, summed over CPUs.
    pub throttled: Option<Duration>,
}

/// How a start ended.
#[derive(Debug)]
pub enum Outcome {
    /// A right answer came; the container is up.
    Up(Box<Up>),
    /// None came, or the sample proves nothing; the container is gone.
    Failed(Failed),
}

/// A start without a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What went wrong.
    pub reason: String,
    /// The last lines the container wrote.
    pub log: Vec<String>,
}

/// Starts a container and waits for its first right answer.
pub async fn cold_start(engine: &Engine, spec: &ContainerSpec<'_>, target: &Target, patience: Duration) -> Outcome {
    let began = Clocks::now();
    let id = match engine.create(spec).await {
        Ok(id) => id,
        Err(error) => {
            return Outcome::Failed(Failed {
                reason: format!("the engine could not create the container: {error}"),
                log: Vec::new(),
            });
        }
    };
    match run(engine, spec.network, &id, target, patience, began).await {
        Ok(up) => Outcome::Up(Box::new(up)),
        Err(reason) => {
            let log = engine.last_log_lines(&id).await;
            // What stays is found by its label at the end.
            let _ = engine.remove(&id).await;
            Outcome::Failed(Failed { reason, log })
        }
    }
}

async fn run(
    engine: &Engine,
    network: &Network,
    id: &str,
    target: &Target,
    patience: Duration,
    began: Clocks,
) -> Result<Up, String> {
    let created = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let guard = StopOnDrop(stop.clone());
    let mut polling = {
        let target = target.clone();
        tokio::task::spawn_blocking(move || probe::until_ready(&target, created, created + patience, &stop))
    };
    engine
        .start(id)
        .await
        .map_err(|error| format!("the engine could not start the container: {error}"))?;
    let (state, mac) = engine.state(id).await.map_err(|error| error.to_string())?;
    if mac.is_some_and(|mac| mac != network.container_mac()) {
        network.unpin_neighbour();
    }
    let pid = state.pid.unwrap_or(0);
    let cgroup = Cgroup::of_process(pid);
    let polled = tokio::select! {
        biased;
        polled = &mut polling => polled.map_err(|error| error.to_string())?,
        () = engine.ended(id) => return Err(how_it_ended(engine, id).await),
    };
    drop(guard);
    let cpu = cgroup.as_ref().and_then(Cgroup::cpu_time);
    let anon_bytes = cgroup.as_ref().and_then(Cgroup::anon_bytes);
    let throttled = cgroup.as_ref().and_then(Cgroup::throttled);
    let ready = polled.map_err(|not_ready| match not_ready {
        NotReady::Timeout(last) => format!("not ready within {} s: {last}", patience.as_secs_f64()),
        NotReady::Stopped => "stopped".into(),
    })?;
    if began.drift() > CLOCK_DRIFT {
        return Err("dropped: the wall clock was set meanwhile".into());
    }
    was_cold(target.expect, &ready)?;
    let started_at = state.started_at.as_deref().and_then(|text| began.monotonic(text));
    let started_at = started_at.ok_or("dropped: the engine's StartedAt makes no sense")?;
    let mut sample = phases(&began, created, started_at, &ready)?;
    sample.cpu_ms = cpu.map(ms);
    sample.anon_bytes = anon_bytes;
    Ok(Up {
        id: id.to_string(),
        sample,
        ready,
        pid,
        cgroup,
        throttled,
    })
}

/// Both clocks at the create call.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    monotonic: Instant,
    wall: SystemTime,
}

impl Clocks {
    fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// By how much the clocks have come apart since.
    fn drift(&self) -> Duration {
        let wall = self.wall.elapsed().unwrap_or(Duration::MAX);
        wall.abs_diff(self.monotonic.elapsed())
    }

    /// The engine's RFC 3339 time as an instant; `None` if it lies before this one.
    fn monotonic(&self, rfc3339: &str) -> Option<Instant> {
        let wall: jiff::Timestamp = rfc3339.parse().ok()?;
        let since = SystemTime::from(wall).duration_since(self.wall).ok()?;
        Some(self.monotonic + since)
    }
}

/// A sample must prove that it was cold: the process that answered has seen no requests but ours.
fn was_cold(expect: Expect, ready: &Ready) -> Result<(), String> {
    match (expect, ready.request_count) {
        (Expect::AnySuccess, _) => Ok(()),
        (Expect::Contract, Some(count)) if (1..=ready.requests).contains(&count) => Ok(()),
        (Expect::Contract, count) => Err(format!(
            "not cold: request count {count:?} after {} requests",
            ready.requests
        )),
    }
}

/// Splits the time from the create call to the first right answer.
fn phases(began: &Clocks, created: Instant, started_at: Instant, ready: &Ready) -> Result<ColdSample, String> {
    // The engine may note the start after the program has begun to listen.
    let started = started_at.max(created).min(ready.accepted);
    let sample = ColdSample {
        block: 0,
        order: 0,
        create_ms: ms(created - began.monotonic),
        start_ms: ms(started - created),
        boot_ms: ms(ready.accepted - started),
        first_response_ms: ms(ready.answered - ready.accepted),
        pull_ms: None,
        first_request_ms: None,
        limit_update_ms: None,
        total_ms: ms(ready.answered - began.monotonic),
        cpu_ms: None,
        anon_bytes: None,
        tries: ready.tries,
        spin_ratio: 0.0,
        process_id: ready.process_id.clone(),
        verdict: Verdict::Counted,
    };
    let sum = sample.create_ms + sample.start_ms + sample.boot_ms + sample.first_response_ms;
    let interval = probe::interval(ready.answered - created);
    let off = round3((sum - sample.total_ms).abs());
    if off > SUM_TOLERANCE_MS + ms(interval) {
        return Err(format!("dropped: the phases miss the total by {off} ms"));
    }
    Ok(sample)
}

/// Exit code and memory flag of a container that ended by itself.
async fn how_it_ended(engine: &Engine, id: &str) -> String {
    let Ok((state, _)) = engine.state(id).await else {
        return "the container ended".into();
    };
    let code = state
        .exit_code
        .map_or_else(|| "unknown".to_string(), |code| code.to_string());
    match state.oom_killed {
        Some(true) => format!("out of memory: killed by the kernel, exit code {code}"),
        _ => format!("exited with code {code} before it was ready"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::http::Connection;

    fn ready(began: Instant, accepted: u64, answered: u64) -> Ready {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Ready {
            accepted: began + Duration::from_millis(accepted),
            answered: began + Duration::from_millis(answered),
            tries: 3,
            requests: 2,
            process_id: Some("a".into()),
            request_count: Some(2),
            connection: Connection::open(listener.local_addr().unwrap(), Duration::from_secs(1)).unwrap(),
        }
    }

    #[test]
    fn phases_add_up_also_when_the_engine_is_late() {
        let began = Clocks::now();
        let at = |ms| began.monotonic + Duration::from_millis(ms);
        let usual = phases(&began, at(100), at(400), &ready(began.monotonic, 650, 660)).unwrap();
        assert_eq!(
            [
                usual.create_ms,
                usual.start_ms,
                usual.boot_ms,
                usual.first_response_ms,
                usual.total_ms
            ],
            [100.0, 300.0, 250.0, 10.0, 660.0]
        );
        let early = phases(&began, at(100), at(420), &ready(began.monotonic, 410, 412)).unwrap();
        assert_eq!([early.start_ms, early.boot_ms, early.total_ms], [310.0, 0.0, 412.0]);
    }

    #[test]
    fn only_our_own_requests_may_have_been_seen() {
        let mut ready = ready(Instant::now(), 1, 2);
        assert_eq!(was_cold(Expect::Contract, &ready), Ok(()));
        ready.request_count = Some(3);
        assert!(was_cold(Expect::Contract, &ready).unwrap_err().contains("not cold"));
        assert_eq!(was_cold(Expect::AnySuccess, &ready), Ok(()));
    }

    #[test]
    fn engine_times_move_to_the_monotonic_clock() {
        let clocks = Clocks::now();
        let later = jiff::Timestamp::try_from(clocks.wall + Duration::from_millis(1500))
            .unwrap()
            .to_string();
        assert_eq!(
            clocks.monotonic(&later).map(|at| (at - clocks.monotonic).as_millis()),
            Some(1500)
        );
        assert_eq!(clocks.monotonic("0001-01-01T00:00:00Z"), None);
    }
}
