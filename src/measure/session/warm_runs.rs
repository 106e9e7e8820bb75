//! The part of a session that loads instances: the uncounted first start of each image, and the warm runs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::measure::config::Config;
use crate::measure::contract::{self, Checked};
use crate::measure::error::MeasureError;
use crate::measure::host;
use crate::measure::load::Server;
use crate::measure::progress::Progress;
use crate::measure::run::now;
use crate::measure::session::{Session, tell};
use crate::measure::start::{Failed, Outcome, StopOnDrop, Up};
use crate::measure::store::Taken;
use crate::measure::target::Target;
use crate::measure::warm::calibration::{self, Cost};
use crate::measure::warm::{self, Instance, Replaced, Replacements};
use crate::model::cpu_check;
use crate::model::profile::{ContractCheck, FailureKind, StartFailure};

/// The time spent on finding the cost of a request, which decides the rate of the warm-up curve.
const CALIBRATION: Duration = Duration::from_secs(4);

/// The number of looks, 200 ms apart, for the end of an instance whose load broke.
const LOOKS_FOR_AN_END: u32 = 10;
/// The number of further first starts if one was dropped.
const DROPPED_AGAIN: u32 = 2;
/// The largest number of starts with which a target may look for the cause of a failure.
pub const TRIALS: u32 = 20;

impl<T: Target> Session<'_, T> {
    /// Starts an app for the first time in a session. This start reads from disk and is no sample. It serves to check the HTTP
    /// contract and to find the cost of a request, which is returned. A framework that breaks the
    /// contract is not measured.
    pub(super) async fn first_start(&mut self, subject: usize, progress: &Progress) -> Option<Cost> {
        let name = self.prepared[subject].subject.name().to_string();
        let largest = self
            .slots
            .iter()
            .filter(|slot| slot.subject == subject)
            .map(|slot| slot.config.warm())
            .max()?;
        progress.now(format!("{name}: first start, not counted"));
        let mut outcome = self.start(subject, largest).await;
        // A clock that was set meanwhile says nothing about the subject.
        for _ in 0..DROPPED_AGAIN {
            if matches!(&outcome, Outcome::Failed(failed) if failed.kind == FailureKind::Dropped) {
                outcome = self.start(subject, largest).await;
            }
        }
        let up = match outcome {
            Outcome::Up(up) => up,
            Outcome::Failed(failed) => {
                self.refuse(subject, largest, failed, progress).await;
                return None;
            }
        };
        let identity = self.prepared[subject].subject.identity();
        let calibrates = !self.measurement.is_panel();
        let (learnt, id) = self
            .on_thread(*up, subject, largest, move |instance| {
                let checked = identity.map(|identity| contract::check(instance.server, Some(&identity)));
                let cost = calibrates.then(|| calibration::calibrate(instance, CALIBRATION));
                (checked, cost.flatten())
            })
            .await;
        self.target.remove(&id).await;
        let (checked, cost) = learnt?;
        if let Some(checked) = checked {
            self.judge(subject, &checked, progress);
        }
        if cost.is_some_and(|cost| cost.is_delayed) {
            let warning = calibration::delayed(&name);
            progress.say(&format!("warning: {warning}"));
            let first = self.slots.iter_mut().find(|slot| slot.subject == subject);
            first.into_iter().for_each(|slot| slot.notes.push(warning.clone()));
        }
        cost
    }

    /// Refuses a subject whose first start failed: no other start would succeed, since all others have the same limits or lower
    /// ones. The target may look further for the cause.
    async fn refuse(&mut self, subject: usize, config: Config, failed: Failed, progress: &Progress) {
        let number = self.made;
        // The numbers of the trials that the target may need.
        self.made += TRIALS;
        let prepared = &self.prepared[subject];
        progress.now(format!("{}: looking for the cause", prepared.subject.name()));
        let explained = self
            .target
            .explain(prepared.subject, &prepared.deployed, config, number, failed)
            .await;
        let name = self.prepared[subject].subject.name();
        tell(
            progress,
            &format!("{name} is not measured, because its first start failed"),
            &explained,
        );
        let prepared = &mut self.prepared[subject];
        prepared.refused = Some(explained.reason);
        prepared.hints = explained.hints;
    }

    /// Notes the result of the contract check, and refuses a framework that differs.
    fn judge(&mut self, subject: usize, checked: &[Checked], progress: &Progress) {
        let prepared = &mut self.prepared[subject];
        let name = prepared.subject.name();
        match contract::differences(checked) {
            Some(differences) => {
                let reason = format!("it does not meet the HTTP contract: {differences}");
                progress.say(&format!("{name} is not measured: {reason}"));
                prepared.refused = Some(reason);
            }
            None => {
                prepared.contract = Some(ContractCheck {
                    at: now(),
                    command: self.target.contract_command(name),
                    routes: checked.len() as u32,
                    requests: checked.iter().map(|checked| checked.right).sum(),
                });
            }
        }
    }

    /// Takes the warm run of one configuration.
    pub(super) async fn warm(
        &mut self,
        index: usize,
        cost: Option<Cost>,
        progress: &Progress,
    ) -> Result<(), MeasureError> {
        if self.slots[index].is_given_up() {
            return Ok(());
        }
        let label = self.label(index);
        progress.now(format!("warm run: {label}"));
        let (subject, config) = (self.slots[index].subject, self.slots[index].config);
        let parts = self.measurement.parts(&config, self.prepared[subject].subject);
        let outcome = match self.start(subject, config.warm()).await {
            Outcome::Up(up) => {
                let work = move |instance: Instance<'_>| warm::run(instance, parts, cost);
                let (ran, id) = self.on_thread(*up, subject, config, work).await;
                let mut ended = self.target.how_it_ended(&id).await;
                // A connection breaks before a busy engine notes the end of a container.
                for _ in 0..LOOKS_FOR_AN_END {
                    if ended.is_some() || matches!(ran, Some(Ok(_))) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    ended = self.target.how_it_ended(&id).await;
                }
                let log = match (&ran, &ended) {
                    (Some(Ok(_)), None) => Vec::new(),
                    _ => self.target.last_log_lines(&id).await,
                };
                let out_of_memory = self.target.is_out_of_memory(&id).await;
                self.target.remove(&id).await;
                let failed = |kind, reason: &str| Failed {
                    log: log.clone(),
                    ..Failed::new(kind, reason)
                };
                match (ran, ended) {
                    (Some(Err(_)), _) if out_of_memory => {
                        Err(failed(FailureKind::OutOfMemory, "out of memory under load"))
                    }
                    (_, Some(how)) if !out_of_memory => Err(failed(FailureKind::Exited, &format!("{how} under load"))),
                    (Some(Ok(run)), _) => Ok(run),
                    (Some(Err(error)), _) => Err(failed(FailureKind::Other, &error.to_string())),
                    (None, _) => Err(failed(FailureKind::Other, "the load generator failed")),
                }
            }
            Outcome::Failed(failed) => Err(failed),
        };
        let slot = &mut self.slots[index];
        let raw = &mut self.prepared[subject].raw;
        let vcpu = config.limits.cpu.as_vcpu();
        let taken = match outcome {
            Ok((run, notes)) => match cpu_check::impossible(&run, vcpu) {
                Some(reason) => {
                    progress.say(&format!("{label}: the warm run is refused: {reason}"));
                    slot.refused = Some(reason.clone());
                    let run = Box::new(run);
                    Taken::RefusedWarm { run, reason }
                }
                None => {
                    for doubt in cpu_check::doubts(&run, vcpu) {
                        progress.say(&format!("warning: {label}: {doubt}"));
                    }
                    let run = Box::new(run);
                    Taken::Warm { run, notes }
                }
            },
            Err(failed) => {
                tell(progress, &format!("{label}: no warm run"), &failed);
                let failure = StartFailure {
                    block: self.measurement.blocks(),
                    kind: failed.kind,
                    reason: format!("warm run: {}", failed.reason),
                };
                Taken::NoWarm(failure)
            }
        };
        raw.append(slot.key(), &taken)?;
        slot.restore(taken);
        Ok(())
    }

    /// Runs blocking work on an instance, on a thread that stops when this future is dropped. If the work asks for it, starts a
    /// new instance in place of one that did not survive its load. Also returns the id of the last instance.
    pub(super) async fn on_thread<R: Send + 'static>(
        &mut self,
        up: Up,
        subject: usize,
        config: Config,
        work: impl FnOnce(Instance<'_>) -> R + Send + 'static,
    ) -> (Option<R>, String) {
        let stop = Arc::new(AtomicBool::new(false));
        let _guard = StopOnDrop(stop.clone());
        let routes = self.prepared[subject].subject.routes();
        let mut id = up.id.clone();
        // More than one vCPU needs more than one CPU.
        let cpus = host::allowed_cpus();
        let own = cpus
            .first()
            .copied()
            .filter(|_| cpus.len() > 1 && config.limits.cpu.0 <= 1000);
        let is_confined = match own {
            Some(cpu) => self.target.confine(&id, cpu).await,
            None => false,
        };
        let (ask, mut asked) = tokio::sync::mpsc::channel::<std::sync::mpsc::Sender<Option<Replaced>>>(1);
        let replacements = Replacements(Box::new(move || {
            let (reply, answer) = std::sync::mpsc::channel();
            ask.blocking_send(reply).ok()?;
            answer.recv().ok()?
        }));
        let mut task = tokio::task::spawn_blocking(move || {
            if is_confined {
                host::stay_on(&cpus[1..]);
            }
            let done = work(Instance {
                server: Server {
                    address: up.address,
                    stop: &stop,
                },
                connection: up.ready.connection,
                place: up.place,
                usage: up.usage,
                vcpu: config.limits.cpu.as_vcpu(),
                routes,
                replacements: Some(replacements),
            });
            // The thread serves other tasks later.
            host::stay_on(&cpus);
            done
        });
        loop {
            tokio::select! {
                ran = &mut task => return (ran.ok(), id),
                Some(reply) = asked.recv() => {
                    let out_of_memory = self.target.is_out_of_memory(&id).await;
                    self.target.remove(&id).await;
                    let replaced = match self.start(subject, config.warm()).await {
                        Outcome::Up(up) => {
                            id.clone_from(&up.id);
                            if let Some(cpu) = own.filter(|_| is_confined) {
                                self.target.confine(&id, cpu).await;
                            }
                            Some(Replaced {
                                out_of_memory,
                                address: up.address,
                                connection: up.ready.connection,
                                usage: up.usage,
                            })
                        }
                        Outcome::Failed(_) => None,
                    };
                    // Nobody waits for the reply if the measurement was stopped.
                    let _ = reply.send(replaced);
                }
            }
        }
    }
}
