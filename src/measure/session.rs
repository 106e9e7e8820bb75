//! One session: images, blocks of cold starts, warm runs. Every container it makes carries the label of the run.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::config::Config;
use super::docker::{ContainerSpec, Engine};
use super::error::MeasureError;
use super::fresh_copy::FreshCopy;
use super::load::{ms, round3};
use super::network::Network;
use super::noise::Spin;
use super::page_cache::LayerFiles;
use super::probe::Target;
use super::progress::Progress;
use super::start::{self, Before, Failed, Outcome, Start};
use super::store::{RawFile, Sample};
use super::subject::Subject;
use super::{Request, protocol};
use crate::model::profile::{ColdMode, ColdSample, FailureKind, Pull, StartFailure, WarmRun};

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
    /// Where the files of its layers are, for disk-cold starts.
    pub layer_files: Option<LayerFiles>,
    /// Its copy in the registry, for node-cold starts.
    pub copy: Option<FreshCopy>,
    /// The pulls of node-cold starts.
    pub pulls: Vec<Pull>,
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
    /// Bytes that the first process of each disk-cold start read from the disk until it was ready.
    pub disk_read: Vec<f64>,
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
            disk_read: Vec::new(),
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
    /// Ids of the processes that have answered so far: each start must bring a new one.
    pub seen: HashSet<String>,
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
        let (subject, config) = (self.slots[index].subject, self.slots[index].config);
        let limits = config.limits;
        let outcome = self.start(subject, config).await;
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
                if config.cold_mode == ColdMode::DiskCold {
                    slot.disk_read.extend(up.disk_read.map(|bytes| bytes as f64));
                }
                if let Some(pulled) = up.pulled {
                    let note = pulled.note();
                    slot.notes.extend(note.filter(|note| !slot.notes.contains(note)));
                    self.prepared[subject].pulls.push(pulled.pull);
                }
                slot.cold.push(sample);
            }
            Outcome::Failed(failed) => {
                let failure = StartFailure {
                    block,
                    kind: failed.kind,
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
        if let (ColdMode::NodeCold, Some(copy)) = (config.cold_mode, &self.prepared[subject].copy) {
            // What stays is removed before the next pull, or at the end.
            let _ = copy.remove(self.engine).await;
        }
        Ok(())
    }

    async fn start(&mut self, subject: usize, config: Config) -> Outcome {
        let prepared = &self.prepared[subject];
        let name = format!("coldcast-{}-{}", self.run, self.made);
        self.made += 1;
        let target = Target {
            address: SocketAddr::from((self.network.container, prepared.subject.port())),
            path: prepared.subject.path().to_string(),
            expect: prepared.subject.expect(),
        };
        let before = match (config.cold_mode, &prepared.layer_files, &prepared.copy) {
            (ColdMode::DiskCold, Some(files), _) => Before::Evict(files),
            (ColdMode::NodeCold, _, Some(copy)) => Before::Pull(copy),
            _ => Before::Nothing,
        };
        let start = Start {
            container: ContainerSpec {
                name: &name,
                run: self.run,
                image: match before {
                    Before::Pull(copy) => &copy.reference,
                    _ => &prepared.image,
                },
                limits: config.limits,
                network: &self.network,
                env: &self.request.env,
            },
            target: &target,
            patience: self.request.patience,
            before,
            cpu_mode: config.cpu_mode,
            workload: &prepared.subject.routes().main(),
        };
        let outcome = start::cold_start(self.engine, &start).await;
        self.unless_seen(outcome).await
    }

    /// A process that has answered in an earlier start was not started now.
    async fn unless_seen(&mut self, outcome: Outcome) -> Outcome {
        let Outcome::Up(up) = outcome else { return outcome };
        match &up.sample.process_id {
            Some(id) if !self.seen.insert(id.clone()) => {
                let _ = self.engine.remove(&up.id).await;
                Outcome::Failed(Failed {
                    kind: FailureKind::NotCold,
                    reason: format!("not cold: process {id} has answered in an earlier start"),
                    log: Vec::new(),
                })
            }
            _ => Outcome::Up(up),
        }
    }

    fn label(&self, index: usize) -> String {
        let slot = &self.slots[index];
        let name = self.prepared[slot.subject].subject.name();
        format!("{name} at {}", slot.config.label())
    }
}

fn tell(progress: &Progress, what: &str, failed: &Failed) {
    progress.say(&format!("{what}: {}", failed.reason));
    for line in &failed.log {
        progress.say(&format!("    {line}"));
    }
}
