//! The part of a session that loads the instances of a panel.

use crate::measure::config::WarmKind;
use crate::measure::error::MeasureError;
use crate::measure::panel::{self, requests};
use crate::measure::progress::Progress;
use crate::measure::protocol;
use crate::measure::session::{Session, tell};
use crate::measure::start::{Failed, Outcome};
use crate::measure::store::Taken;
use crate::measure::target::Target;
use crate::measure::warm::Instance;
use crate::model::profile::{FailureKind, StartFailure};

impl<T: Target> Session<'_, T> {
    /// Loads two instances of each subject. Each round visits all subjects in an order of its own, so that drift of the machine
    /// falls on both instances of a subject differently.
    pub(super) async fn panel_loads(&mut self, progress: &mut Progress) -> Result<(), MeasureError> {
        for round in 0..panel::INSTANCES {
            let seed = self.measurement.seed.wrapping_add(round as u64);
            for index in protocol::warm_order(seed, self.slots.len()) {
                let slot = &self.slots[index];
                let due = slot.config.warm_run == WarmKind::Panel && slot.requests.len() <= round;
                if !due || slot.is_warm_done() || slot.is_given_up() {
                    continue;
                }
                self.panel_load(index, progress).await?;
                progress.advance(self.weights[index].1 / panel::INSTANCES as u64);
                progress.milestone(&format!("load {} of {}", round + 1, self.label(index)));
            }
        }
        Ok(())
    }

    /// Loads one instance.
    async fn panel_load(&mut self, index: usize, progress: &Progress) -> Result<(), MeasureError> {
        let label = self.label(index);
        progress.now(format!("load: {label}"));
        let (subject, config) = (self.slots[index].subject, self.slots[index].config);
        let outcome = match self.start(subject, config.warm()).await {
            Outcome::Up(up) => {
                let work = |instance: Instance<'_>| requests::run(&instance);
                let (ran, id) = self.on_thread(*up, subject, config, work).await;
                let log = match &ran {
                    Some(Ok(_)) => Vec::new(),
                    _ => self.target.last_log_lines(&id).await,
                };
                self.target.remove(&id).await;
                let ran = ran.unwrap_or_else(|| Err(std::io::Error::other("the load generator failed")));
                ran.map_err(|error| Failed {
                    log,
                    ..Failed::new(FailureKind::Other, error.to_string())
                })
            }
            Outcome::Failed(failed) => Err(failed),
        };
        let taken = match outcome {
            Ok(requests) => Taken::Requests(requests),
            Err(failed) => {
                tell(progress, &format!("{label}: no load"), &failed);
                Taken::NoWarm(StartFailure {
                    block: self.measurement.blocks(),
                    kind: failed.kind,
                    reason: format!("load: {}", failed.reason),
                })
            }
        };
        let slot = &mut self.slots[index];
        self.prepared[subject].raw.append(slot.key(), &taken)?;
        slot.restore(taken);
        Ok(())
    }
}
