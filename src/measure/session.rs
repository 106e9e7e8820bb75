//! One session: images, blocks of cold starts, warm runs. Every container it makes carries the label of the run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::docker::{ContainerSpec, Engine, Limits};
use super::error::MeasureError;
use super::network::Network;
use super::noise::Spin;
use super::probe::Target;
use super::progress::Progress;
use super::start::{self, Failed, Outcome, StopOnDrop, Up};
use super::store::{RawFile, Sample};
use super::subject::Subject;
use super::warm::{self, Instance};
use super::{Request, protocol};
use crate::measure::load::{Server, ms, round3};
use crate::model::profile::{ColdSample, StartFailure, WarmRun};

/// A configuration without a single success is given up after so many starts.
const GIVE_UP_AFTER: usize = 3;
/// Time for learning what a request costs, before the rate of the warm-up curve is chosen.
const CALIBRATION: Duration = Duration::from_secs(4);

/// A subject with its image.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// The id of its image.
    pub image: String,
    /// Where its samples go at once.
    pub raw: RawFile,
}

/// What was measured of one subject at one pair of limits.
#[derive(Debug)]
pub struct Slot {
    /// Position of the subject.
    pub subject: usize,
    /// The limits.
    pub limits: Limits,
    /// Cold starts; the spin ratio is settled at the end.
    pub cold: Vec<ColdSample>,
    /// Milliseconds for which the CPU limit stopped each of them.
    pub throttled_ms: Vec<f64>,
    /// Starts without a sample.
    pub failures: Vec<StartFailure>,
    /// The warm run.
    pub warm: Option<WarmRun>,
    /// Remarks.
    pub notes: Vec<String>,
}

impl Slot {
    /// The slot of subject number `subject` at some limits, with nothing measured yet.
    pub fn new(subject: usize, limits: Limits) -> Self {
        Self {
            subject,
            limits,
            cold: Vec::new(),
            throttled_ms: Vec::new(),
            failures: Vec::new(),
            warm: None,
            notes: Vec::new(),
        }
    }

    fn is_given_up(&self) -> bool {
        self.cold.is_empty() && self.failures.len() >= GIVE_UP_AFTER
    }
}

/// What a session works with.
#[derive(Debug)]
pub struct Session<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The run's id.
    pub run: &'a str,
    /// What was asked for.
    pub request: &'a Request,
    /// The run's network.
    pub network: Network,
    /// The subjects.
    pub prepared: Vec<Prepared<'a>>,
    /// All configurations.
    pub slots: Vec<Slot>,
    /// Milliseconds of the CPU spin before each block.
    pub spins: Vec<f64>,
    /// Containers made so far.
    pub made: u32,
}

impl Session<'_> {
    /// Takes all samples.
    pub async fn take(&mut self, progress: &mut Progress) -> Result<(), MeasureError> {
        let weight = self.request.pace_weight();
        let slots = self.slots.len() as u64;
        progress.begin(slots * (u64::from(self.request.blocks) + weight));
        let spin = Spin::calibrated();
        let mut request_costs = Vec::new();
        for subject in 0..self.prepared.len() {
            request_costs.push(self.first_start(subject, progress).await);
        }
        for block in 0..self.request.blocks {
            self.block(block, spin, progress).await?;
        }
        for slot in protocol::warm_order(self.request.seed, self.slots.len()) {
            self.warm(slot, request_costs[self.slots[slot].subject], progress).await?;
            progress.advance(weight);
            progress.milestone(&format!("warm run of {}", self.label(slot)));
        }
        Ok(())
    }

    /// The first start of an image in a session reads from disk and is no sample. It is used to learn what a request
    /// costs, in CPU milliseconds.
    async fn first_start(&mut self, subject: usize, progress: &Progress) -> Option<f64> {
        let name = self.prepared[subject].subject.name().to_string();
        let largest = self.slots.iter().filter(|slot| slot.subject == subject).map(|slot| slot.limits).max()?;
        progress.now(format!("{name}: first start, not counted"));
        let up = match self.start(subject, largest).await {
            Outcome::Up(up) => up,
            Outcome::Failed(failed) => {
                tell(progress, &format!("{name}: the first start, which does not count, failed"), &failed);
                return None;
            }
        };
        let id = up.id.clone();
        let cost = self.on_thread(*up, subject, largest, |instance| warm::calibrate(instance, CALIBRATION)).await;
        let _ = self.engine.remove(&id).await;
        cost.flatten()
    }

    async fn block(&mut self, block: u32, spin: Spin, progress: &mut Progress) -> Result<(), MeasureError> {
        let began = std::time::Instant::now();
        let spin_ms = spin.time_ms();
        self.spins.push(spin_ms);
        let blocks = self.request.blocks;
        for index in protocol::block_order(self.request.seed, block, self.slots.len()) {
            if !self.slots[index].is_given_up() {
                progress.now(format!("block {} of {blocks}: {}", block + 1, self.label(index)));
                self.sample(index, block, spin_ms, progress).await?;
            }
            progress.advance(1);
        }
        progress.milestone(&format!("block {} of {blocks} took {:.1} s", block + 1, began.elapsed().as_secs_f64()));
        Ok(())
    }

    async fn sample(
        &mut self,
        index: usize,
        block: u32,
        spin_ms: f64,
        progress: &Progress,
    ) -> Result<(), MeasureError> {
        let label = self.label(index);
        let order = self.made;
        let (subject, limits) = (self.slots[index].subject, self.slots[index].limits);
        let outcome = self.start(subject, limits).await;
        let slot = &mut self.slots[index];
        let raw = &mut self.prepared[subject].raw;
        match outcome {
            Outcome::Up(up) => {
                let _ = self.engine.remove(&up.id).await;
                let sample = ColdSample {
                    block,
                    order,
                    ..up.sample
                };
                raw.append(limits.cpu, limits.memory, Sample::Cold(&sample, round3(spin_ms)))?;
                slot.throttled_ms.extend(up.throttled.map(ms));
                slot.cold.push(sample);
            }
            Outcome::Failed(failed) => {
                let failure = StartFailure {
                    block,
                    reason: failed.reason.clone(),
                };
                raw.append(limits.cpu, limits.memory, Sample::Failed(&failure))?;
                if slot.failures.is_empty() {
                    tell(progress, &format!("{label}: start failed"), &failed);
                }
                slot.failures.push(failure);
                if slot.is_given_up() {
                    progress.say(&format!("{label}: given up after {GIVE_UP_AFTER} failures and no success"));
                }
            }
        }
        Ok(())
    }

    async fn warm(&mut self, index: usize, cost: Option<f64>, progress: &Progress) -> Result<(), MeasureError> {
        if self.slots[index].is_given_up() {
            return Ok(());
        }
        let label = self.label(index);
        progress.now(format!("warm run: {label}"));
        let (subject, limits) = (self.slots[index].subject, self.slots[index].limits);
        let pace = self.request.pace();
        let outcome = match self.start(subject, limits).await {
            Outcome::Up(up) => {
                let id = up.id.clone();
                let ran = self.on_thread(*up, subject, limits, move |instance| warm::run(instance, pace, cost)).await;
                let log = match &ran {
                    Some(Ok(_)) => Vec::new(),
                    _ => self.engine.last_log_lines(&id).await,
                };
                let state = self.engine.state(&id).await.ok().map(|(state, _)| state);
                let _ = self.engine.remove(&id).await;
                match ran {
                    Some(Ok(run)) => Ok(run),
                    Some(Err(_)) if state.is_some_and(|state| state.oom_killed == Some(true)) => Err(Failed {
                        reason: "out of memory under load".into(),
                        log,
                    }),
                    Some(Err(error)) => Err(Failed {
                        reason: error.to_string(),
                        log,
                    }),
                    None => Err(Failed {
                        reason: "the load generator failed".into(),
                        log,
                    }),
                }
            }
            Outcome::Failed(failed) => Err(failed),
        };
        let slot = &mut self.slots[index];
        let raw = &mut self.prepared[subject].raw;
        match outcome {
            Ok((run, notes)) => {
                raw.append(limits.cpu, limits.memory, Sample::Warm(&run))?;
                slot.notes.extend(notes);
                slot.warm = Some(run);
            }
            Err(failed) => {
                tell(progress, &format!("{label}: no warm run"), &failed);
                let failure = StartFailure {
                    block: self.request.blocks,
                    reason: format!("warm run: {}", failed.reason),
                };
                raw.append(limits.cpu, limits.memory, Sample::Failed(&failure))?;
                slot.failures.push(failure);
            }
        }
        Ok(())
    }

    async fn start(&mut self, subject: usize, limits: Limits) -> Outcome {
        let prepared = &self.prepared[subject];
        let name = format!("coldcast-{}-{}", self.run, self.made);
        self.made += 1;
        let target = Target {
            address: SocketAddr::from((self.network.container, prepared.subject.port())),
            path: prepared.subject.path().to_string(),
            expect: prepared.subject.expect(),
        };
        let spec = ContainerSpec {
            name: &name,
            run: self.run,
            image: &prepared.image,
            limits,
            network: &self.network,
        };
        start::cold_start(self.engine, &spec, &target, self.request.patience).await
    }

    /// Runs blocking work on an instance, on a thread that stops when this future is dropped.
    async fn on_thread<T: Send + 'static>(
        &self,
        up: Up,
        subject: usize,
        limits: Limits,
        work: impl FnOnce(Instance<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let stop = Arc::new(AtomicBool::new(false));
        let _guard = StopOnDrop(stop.clone());
        let network = self.network.clone();
        let subject = self.prepared[subject].subject;
        let (port, routes) = (subject.port(), subject.routes());
        let task = tokio::task::spawn_blocking(move || {
            work(Instance {
                server: Server {
                    address: SocketAddr::from((network.container, port)),
                    stop: &stop,
                },
                connection: up.ready.connection,
                pid: up.pid,
                network: &network,
                cgroup: up.cgroup,
                vcpu: limits.cpu.as_vcpu(),
                routes,
            })
        });
        task.await.ok()
    }

    fn label(&self, index: usize) -> String {
        let slot = &self.slots[index];
        let name = self.prepared[slot.subject].subject.name();
        format!("{name} at {} vCPU, {}", slot.limits.cpu.as_vcpu(), slot.limits.memory)
    }
}

fn tell(progress: &Progress, what: &str, failed: &Failed) {
    progress.say(&format!("{what}: {}", failed.reason));
    for line in &failed.log {
        progress.say(&format!("    {line}"));
    }
}
