//! What was taken of one subject in one configuration, and what is still to be taken.

use super::config::Config;
use super::store::{Cold, Key, Taken};
use crate::model::profile::{StartFailure, WarmRun};

/// A configuration without a single success is given up after so many starts.
pub const GIVE_UP_AFTER: usize = 3;

/// What was taken of one subject in one configuration.
#[derive(Debug)]
pub struct Slot {
    /// Position of the subject.
    pub subject: usize,
    /// How it is started.
    pub config: Config,
    /// Cold starts; ratio and verdict are settled at the end.
    pub cold: Vec<Cold>,
    /// Starts without a sample.
    pub failures: Vec<StartFailure>,
    /// The warm run.
    pub warm: Option<WarmRun>,
    /// Why there is none, if it was tried.
    pub no_warm: Option<StartFailure>,
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
            failures: Vec::new(),
            warm: None,
            no_warm: None,
            notes: Vec::new(),
        }
    }

    /// What tells this configuration apart in the file of samples.
    pub fn key(&self) -> Key {
        Key {
            cpu: self.config.limits.cpu,
            memory: self.config.limits.memory,
            cold_mode: self.config.cold_mode,
            cpu_mode: self.config.cpu_mode,
        }
    }

    /// Takes back what an earlier run has written down. A pull belongs to the image and not to a slot.
    pub fn restore(&mut self, taken: Taken) {
        match taken {
            Taken::Cold(cold) => self.cold.push(cold),
            Taken::Failed(failure) => self.failures.push(failure),
            Taken::Warm { run, notes } => {
                self.warm = Some(*run);
                self.notes.extend(notes);
            }
            Taken::NoWarm(failure) => self.no_warm = Some(failure),
            Taken::Pull(_) => {}
        }
    }

    /// How often it was started in a block.
    pub fn starts_in(&self, block: u32) -> usize {
        self.cold.iter().filter(|cold| cold.sample.block == block).count()
            + self.failures.iter().filter(|failure| failure.block == block).count()
    }

    /// Whether there is no point in trying again.
    pub fn is_given_up(&self) -> bool {
        self.cold.is_empty() && self.failures.len() >= GIVE_UP_AFTER
    }

    /// Whether the warm run was taken or tried, or there is to be none.
    pub fn is_warm_done(&self) -> bool {
        self.config.warm_run == super::config::WarmKind::None || self.warm.is_some() || self.no_warm.is_some()
    }
}
