//! The samples of one subject in one configuration, and the number that is still missing.

use crate::measure::config::{Config, WarmKind};
use crate::measure::panel;
use crate::measure::store::{Cold, Key, Taken};
use crate::model::panel::PanelRequests;
use crate::model::profile::{StartFailure, WarmRun};

/// The number of failed starts without a success after which a configuration is given up.
pub const GIVE_UP_AFTER: usize = 3;

/// The samples of one subject in one configuration.
#[derive(Debug)]
pub struct Slot {
    /// The position of the subject.
    pub subject: usize,
    /// The configuration.
    pub config: Config,
    /// The cold starts. Their spin ratio and verdict are set at the end.
    pub cold: Vec<Cold>,
    /// The starts without a sample.
    pub failures: Vec<StartFailure>,
    /// The warm run.
    pub warm: Option<WarmRun>,
    /// The loads of a panel, one for each instance.
    pub requests: Vec<PanelRequests>,
    /// The failure of the warm run, if it failed.
    pub no_warm: Option<StartFailure>,
    /// The contradiction of the warm run of this run, if there is one. The profile is not written then.
    pub refused: Option<String>,
    /// The remarks.
    pub notes: Vec<String>,
}

impl Slot {
    /// A slot without samples, for the subject at position `subject`.
    pub fn new(subject: usize, config: Config) -> Self {
        Self {
            subject,
            config,
            cold: Vec::new(),
            failures: Vec::new(),
            warm: None,
            requests: Vec::new(),
            no_warm: None,
            refused: None,
            notes: Vec::new(),
        }
    }

    /// The key of this configuration in the file of samples.
    pub fn key(&self) -> Key {
        Key {
            cpu: self.config.limits.cpu,
            memory: self.config.limits.memory,
            cold_mode: self.config.cold_mode,
            cpu_mode: self.config.cpu_mode,
        }
    }

    /// Adds a sample of this run or of an interrupted one. A pull belongs to the image, and not to a slot.
    pub fn restore(&mut self, taken: Taken) {
        match taken {
            Taken::Cold(cold) => self.cold.push(cold),
            Taken::Failed(failure) => self.failures.push(failure),
            Taken::Warm { run, notes } => {
                self.warm = Some(*run);
                self.notes.extend(notes);
            }
            Taken::Requests(requests) => self.requests.push(requests),
            Taken::NoWarm(failure) => self.no_warm = Some(failure),
            Taken::Pull(_) | Taken::RefusedWarm { .. } => {}
        }
    }

    /// The number of starts in a block.
    pub fn starts_in(&self, block: u32) -> usize {
        self.cold.iter().filter(|cold| cold.sample.block == block).count()
            + self.failures.iter().filter(|failure| failure.block == block).count()
    }

    /// Returns true if further starts make no sense.
    pub fn is_given_up(&self) -> bool {
        self.cold.is_empty() && self.failures.len() >= GIVE_UP_AFTER
    }

    /// Returns true if the warm run was taken or has failed, or if there is none.
    pub fn is_warm_done(&self) -> bool {
        let taken = match self.config.warm_run {
            WarmKind::None => true,
            WarmKind::Panel => self.requests.len() >= panel::INSTANCES,
            WarmKind::Short | WarmKind::Long => self.warm.is_some(),
        };
        taken || self.no_warm.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::config::{Plan, WarmKind};
    use crate::measure::warm::tests::empty;

    #[test]
    fn a_refused_warm_run_is_taken_again_and_a_good_one_is_not() {
        let long = |config: &Config| config.warm_run == WarmKind::Long;
        let config = Plan::Usual.configs(None).into_iter().find(long).unwrap();
        let mut slot = Slot::new(0, config);
        let run = Box::new(empty());
        slot.restore(Taken::RefusedWarm {
            run: run.clone(),
            reason: "contradicts itself".into(),
        });
        assert!(!slot.is_warm_done() && slot.warm.is_none() && slot.refused.is_none());
        let notes = vec!["a remark".to_string()];
        slot.restore(Taken::Warm { run, notes });
        assert!(slot.is_warm_done() && slot.notes == ["a remark"]);
    }
}
