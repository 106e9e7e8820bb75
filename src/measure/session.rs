//! One session: images, blocks of cold starts, warm runs. Every container it makes carries the label of the run.

use std::net::SocketAddr;

use super::config::Config;
use super::docker::{ContainerSpec, Engine, Limits};
use super::error::MeasureError;
use super::load::{ms, round3};
use super::network::Network;
use super::noise::Spin;
use super::probe::Target;
use super::progress::Progress;
use super::start::{self, Failed, Outcome};
use super::store::{RawFile, Sample};
use super::subject::Subject;
use super::{Request, protocol};
use crate::model::profile::{ColdSample, FailureKind, StartFailure, WarmRun};

mod warm_runs;

/// A configuration without a single success is given up after so many starts.
const GIVE_UP_AFTER: usize = 3;

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
    /// How it is started.
    pub config: Config,
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
    /// The slot of subject number `subject` in one configuration, with nothing measured yet.
    pub fn new(subject: usize, config: Config) -> Self {
        Self {
            subject,
            config,
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
        progress.begin(self.starts() + slots * weight);
        let spin = Spin::calibrated();
        let mut request_costs = Vec::new();
        for subject in 0..self.prepared.len() {
            request_costs.push(self.first_start(subject, progress).await);
        }
        for block in 0..self.request.blocks() {
            self.block(block, spin, progress).await?;
        }
        for slot in protocol::warm_order(self.request.seed, self.slots.len()) {
            self.warm(slot, request_costs[self.slots[slot].subject], progress)
                .await?;
            progress.advance(weight);
            progress.milestone(&format!("warm run of {}", self.label(slot)));
        }
        Ok(())
    }

    /// Cold starts of all configurations.
    fn starts(&self) -> u64 {
        self.slots.iter().map(|slot| u64::from(slot.config.samples)).sum()
    }

    async fn block(&mut self, block: u32, spin: Spin, progress: &mut Progress) -> Result<(), MeasureError> {
        let began = std::time::Instant::now();
        let spin_ms = spin.time_ms();
        self.spins.push(spin_ms);
        let blocks = self.request.blocks();
        for index in protocol::block_order(self.request.seed, block, self.slots.len()) {
            if !protocol::takes_part(self.slots[index].config.samples, block, blocks) {
                continue;
            }
            if !self.slots[index].is_given_up() {
                progress.now(format!("block {} of {blocks}: {}", block + 1, self.label(index)));
                self.sample(index, block, spin_ms, progress).await?;
            }
            progress.advance(1);
        }
        progress.milestone(&format!(
            "block {} of {blocks} took {:.1} s",
            block + 1,
            began.elapsed().as_secs_f64()
        ));
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
        let (subject, limits) = (self.slots[index].subject, self.slots[index].config.limits);
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
                    kind: FailureKind::Other,
                    reason: failed.reason.clone(),
                };
                raw.append(limits.cpu, limits.memory, Sample::Failed(&failure))?;
                if slot.failures.is_empty() {
                    tell(progress, &format!("{label}: start failed"), &failed);
                }
                slot.failures.push(failure);
                if slot.is_given_up() {
                    progress.say(&format!(
                        "{label}: given up after {GIVE_UP_AFTER} failures and no success"
                    ));
                }
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

    fn label(&self, index: usize) -> String {
        let slot = &self.slots[index];
        let name = self.prepared[slot.subject].subject.name();
        format!(
            "{name} at {} vCPU, {}",
            slot.config.limits.cpu.as_vcpu(),
            slot.config.limits.memory
        )
    }
}

fn tell(progress: &Progress, what: &str, failed: &Failed) {
    progress.say(&format!("{what}: {}", failed.reason));
    for line in &failed.log {
        progress.say(&format!("    {line}"));
    }
}
