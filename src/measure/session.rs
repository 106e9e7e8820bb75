//! One session: blocks of cold starts and the warm runs, on any target.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use crate::measure::Measurement;
use crate::measure::config::Config;
use crate::measure::error::MeasureError;
use crate::measure::estimate::Expected;
use crate::measure::load::ms;
use crate::measure::noise::Readings;
use crate::measure::progress::Progress;
use crate::measure::slot::{GIVE_UP_AFTER, Slot};
use crate::measure::start::{Failed, Outcome};
use crate::measure::store::{Cold, ProberUse, RawFile, Taken};
use crate::measure::subject::Subject;
use crate::measure::target::Target;
use crate::measure::{host, panel, protocol};
use crate::model::profile::{
    BlockReading, ColdMode, ColdSample, ContractCheck, FailureKind, Pull, QuietMachine, StartFailure,
};

mod panel_runs;
mod warm_runs;

/// The largest share of all blocks that is repeated because of noise.
const REPEATED_SHARE: f64 = 0.25;

/// The number of last log lines of a failed start that are shown.
const SHOWN_LINES: usize = 20;

/// A subject that can be started.
#[derive(Debug)]
pub struct Prepared<'a, D> {
    /// The subject.
    pub subject: &'a Subject,
    /// The target's own data about it.
    pub deployed: D,
    /// The pulls of node-cold starts.
    pub pulls: Vec<Pull>,
    /// The file that receives each sample at once.
    pub raw: RawFile,
    /// The check of the HTTP contract that it passed.
    pub contract: Option<ContractCheck>,
    /// The reason why it is not measured.
    pub refused: Option<String>,
    /// The remedies for that reason.
    pub hints: Vec<String>,
}

/// The state of a session.
#[derive(Debug)]
pub struct Session<'a, T: Target> {
    /// The place where instances run.
    target: &'a T,
    /// The measurement to be taken.
    pub measurement: &'a Measurement,
    /// The subjects.
    pub prepared: Vec<Prepared<'a, T::Deployed>>,
    /// All configurations of all subjects.
    pub slots: Vec<Slot>,
    /// The readings of the machine before each block, those of an interrupted run included.
    pub blocks: Vec<BlockReading>,
    /// The source of further readings.
    readings: Box<dyn Readings>,
    /// The number of instances started so far.
    made: u32,
    /// The ids of the processes that have answered so far. Each start must bring a new one.
    seen: HashSet<String>,
    /// The cost of the cold starts to this process.
    pub prober: Prober,
    /// The milliseconds that a start and a warm run are expected to take, by configuration.
    weights: Vec<(u64, u64)>,
}

/// The CPU time of this process while it took cold starts. Loads on warm instances are not part of it.
#[derive(Debug, Default)]
pub struct Prober {
    wall_ms: f64,
    cpu_ms: Option<f64>,
}

impl Prober {
    /// Adds the cost of a block.
    pub fn add(&mut self, used: ProberUse) {
        self.wall_ms += used.wall_ms;
        self.cpu_ms = used.cpu_ms.map(|cpu| cpu + self.cpu_ms.unwrap_or_default());
    }

    /// CPU time over wall time, in cores.
    pub fn share(&self) -> Option<f64> {
        let cpu = self.cpu_ms.filter(|_| self.wall_ms > 0.0)?;
        Some(cpu / self.wall_ms)
    }
}

/// The cost since `began`, when this process had used `cpu`.
fn used_since(began: Instant, cpu: Option<Duration>) -> ProberUse {
    let used = cpu
        .zip(host::own_cpu_time())
        .map(|(before, after)| after.saturating_sub(before));
    ProberUse {
        wall_ms: ms(began.elapsed()),
        cpu_ms: used.map(ms),
    }
}

impl<'a, T: Target> Session<'a, T> {
    /// A session that continues with the samples in `slots`.
    pub fn new(
        target: &'a T,
        measurement: &'a Measurement,
        prepared: Vec<Prepared<'a, T::Deployed>>,
        slots: Vec<Slot>,
        blocks: Vec<BlockReading>,
        prober: Prober,
        readings: Box<dyn Readings>,
    ) -> Self {
        let taken = || slots.iter().flat_map(|slot| &slot.cold);
        Self {
            made: taken().map(|cold| cold.sample.order + 1).max().unwrap_or(0),
            seen: taken().filter_map(|cold| cold.sample.process_id.clone()).collect(),
            readings,
            weights: Vec::new(),
            target,
            measurement,
            prepared,
            slots,
            blocks,
            prober,
        }
    }
}

impl<T: Target> Session<'_, T> {
    /// Takes all samples that are still missing.
    pub async fn take(&mut self, progress: &mut Progress) -> Result<(), MeasureError> {
        let mut request_costs = Vec::new();
        for subject in 0..self.prepared.len() {
            request_costs.push(self.first_start(subject, progress).await);
        }
        self.slots.retain(|slot| self.prepared[slot.subject].refused.is_none());
        let quick = self.measurement.quick;
        let expected = self
            .prepared
            .iter()
            .map(|prepared| Expected::of(prepared.subject, &self.measurement.configs, quick));
        let expected: Vec<Expected> = expected.collect();
        let weight = |duration: Duration| duration.as_millis() as u64;
        let weights = self.slots.iter().map(|Slot { subject, config, .. }| {
            let expected = &expected[*subject];
            (weight(expected.start(config)), weight(expected.warm(config)))
        });
        self.weights = weights.collect();
        progress.begin(self.weight_left() + self.repeated_weight());
        let blocks = self.measurement.blocks();
        for block in 0..blocks {
            let label = format!("block {} of {blocks}", block + 1);
            self.block(block, 0, &label, progress).await?;
        }
        self.noisy_blocks_again(progress).await?;
        progress.left(self.weight_left());
        self.panel_loads(progress).await?;
        for slot in protocol::warm_order(self.measurement.seed, self.slots.len()) {
            if self.slots[slot].is_warm_done() || self.measurement.is_panel() {
                continue;
            }
            self.warm(slot, request_costs[self.slots[slot].subject], progress)
                .await?;
            progress.advance(self.weights[slot].1);
            progress.milestone(&format!("warm run of {}", self.label(slot)));
        }
        Ok(())
    }

    /// The expected milliseconds for all samples that are still missing.
    fn weight_left(&self) -> u64 {
        let left = |(slot, (start, warm)): (&Slot, &(u64, u64))| {
            let taken = (slot.cold.len() + slot.failures.len()) as u64;
            let starts = u64::from(slot.config.samples).saturating_sub(taken);
            let loads = slot.requests.len() as u64 * warm / panel::INSTANCES as u64;
            starts * start + if slot.is_warm_done() { 0 } else { warm - loads }
        };
        self.slots.iter().zip(&self.weights).map(left).sum()
    }

    /// The expected milliseconds for the blocks that are repeated if the machine is noisy throughout.
    fn repeated_weight(&self) -> u64 {
        let all = self.slots.iter().zip(&self.weights);
        let all: u64 = all
            .map(|(slot, (start, _))| u64::from(slot.config.samples) * start)
            .sum();
        (all as f64 * REPEATED_SHARE) as u64
    }

    /// Repeats the blocks that began on a noisy machine, the noisiest first, up to [`REPEATED_SHARE`] of all blocks. The
    /// readings alone decide which of both samples counts.
    async fn noisy_blocks_again(&mut self, progress: &mut Progress) -> Result<(), MeasureError> {
        let blocks = self.measurement.blocks();
        let mut noisy: Vec<(f64, u32)> = (0..blocks)
            .filter_map(|block| Some((self.noise_of(block)?, block)))
            .filter(|(noise, _)| *noise > 1.0)
            .collect();
        noisy.sort_by(|a, b| b.0.total_cmp(&a.0));
        noisy.truncate((f64::from(blocks) * REPEATED_SHARE).ceil() as usize);
        for (_, block) in noisy {
            let label = format!("block {} of {blocks} again, because the machine was noisy", block + 1);
            self.block(block, 1, &label, progress).await?;
        }
        Ok(())
    }

    /// The noise before the first sample of a block; `None` if it has no sample.
    fn noise_of(&self, block: u32) -> Option<f64> {
        let mut cold = self.slots.iter().flat_map(|slot| &slot.cold);
        cold.find(|cold| cold.sample.block == block)?.noise
    }

    /// The figures of the machine at rest.
    pub fn quiet_machine(&self) -> Option<QuietMachine> {
        self.readings.quiet_machine()
    }

    /// Starts every configuration that takes part in a block and has started `before` times in it.
    async fn block(
        &mut self,
        block: u32,
        before: usize,
        label: &str,
        progress: &mut Progress,
    ) -> Result<(), MeasureError> {
        let blocks = self.measurement.blocks();
        let order = protocol::block_order(self.measurement.seed, block, self.slots.len());
        let waits = |slot: &Slot| {
            protocol::takes_part(slot.config.samples, block, blocks)
                && slot.starts_in(block) == before
                && !slot.is_given_up()
        };
        let due: Vec<usize> = order.into_iter().filter(|&index| waits(&self.slots[index])).collect();
        if due.is_empty() {
            return Ok(());
        }
        let others = self.target.other_instances().await;
        let reading = self.readings.read(block, others);
        let subjects: BTreeSet<usize> = due.iter().map(|&index| self.slots[index].subject).collect();
        for &subject in &subjects {
            self.prepared[subject].raw.block(&reading)?;
        }
        self.blocks.push(reading.clone());
        let (began, cpu) = (Instant::now(), host::own_cpu_time());
        for index in due {
            progress.now(format!("{label}: {}", self.label(index)));
            self.sample(index, &reading, progress).await?;
            progress.advance(self.weights[index].0);
        }
        let used = used_since(began, cpu);
        self.prober.add(used);
        if let Some(&first) = subjects.first() {
            self.prepared[first].raw.prober(used)?;
        }
        progress.milestone(&format!("{label} took {:.1} s", began.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Takes one cold start of the configuration `index`, in the block of this reading.
    async fn sample(&mut self, index: usize, reading: &BlockReading, progress: &Progress) -> Result<(), MeasureError> {
        let label = self.label(index);
        let (order, block) = (self.made, reading.block);
        let (subject, config) = (self.slots[index].subject, self.slots[index].config);
        let outcome = self.start(subject, config).await;
        let slot = &mut self.slots[index];
        let key = slot.key();
        let raw = &mut self.prepared[subject].raw;
        match outcome {
            Outcome::Up(up) => {
                // A server that is asked to stop may wait for its clients.
                drop(up.ready);
                self.target.remove(&up.id).await;
                let cold = Cold {
                    sample: ColdSample {
                        block,
                        order,
                        ..up.sample
                    },
                    spin_ms: reading.spin_ms,
                    walk_ms: reading.walk_ms,
                    contention: reading.contention,
                    noise: reading.noise,
                    throttled_ms: up.throttled.map(ms),
                    disk_read: up
                        .disk_read
                        .filter(|_| config.cold_mode == ColdMode::DiskCold)
                        .map(|bytes| bytes as f64),
                };
                raw.append(key, &Taken::Cold(cold.clone()))?;
                slot.cold.push(cold);
                if let Some(pulled) = up.pulled {
                    let note = pulled.note();
                    slot.notes.extend(note.filter(|note| !slot.notes.contains(note)));
                    raw.append(key, &Taken::Pull(pulled.pull.clone()))?;
                    self.prepared[subject].pulls.push(pulled.pull);
                }
            }
            Outcome::Failed(failed) => {
                let failure = StartFailure {
                    block,
                    kind: failed.kind,
                    reason: failed.reason.clone(),
                };
                raw.append(key, &Taken::Failed(failure.clone()))?;
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
        self.target.settle(&self.prepared[subject].deployed, config).await;
        Ok(())
    }

    async fn start(&mut self, subject: usize, config: Config) -> Outcome {
        let prepared = &self.prepared[subject];
        let number = self.made;
        self.made += 1;
        let outcome = self
            .target
            .cold_start(prepared.subject, &prepared.deployed, config, number)
            .await;
        self.unless_seen(outcome).await
    }

    /// Fails a start whose process has answered in an earlier start: that process is not new.
    async fn unless_seen(&mut self, outcome: Outcome) -> Outcome {
        let Outcome::Up(up) = outcome else { return outcome };
        match &up.sample.process_id {
            Some(id) if !self.seen.insert(id.clone()) => {
                self.target.remove(&up.id).await;
                let reason = format!("not cold: process {id} has answered in an earlier start");
                Outcome::Failed(Failed::new(FailureKind::NotCold, reason))
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
    for line in &failed.log[failed.log.len().saturating_sub(SHOWN_LINES)..] {
        progress.say(&format!("    {line}"));
    }
}
