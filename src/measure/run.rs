//! A whole run, from the connection to the place until the last instance is removed.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::measure::Measurement;
use crate::measure::assemble::{self, Backing, Circumstances, Image};
use crate::measure::cleanup::Leftover;
use crate::measure::error::MeasureError;
use crate::measure::progress::Progress;
use crate::measure::session::Session;
use crate::measure::slot::Slot;
use crate::measure::store::RawFile;
use crate::measure::subject::Subject;
use crate::measure::target::{Looked, Readings, Target};
use crate::measure::warning::{self, Warning};
use crate::measure::{host, noise, panel, store};
use crate::model::panel::Panel;
use crate::model::profile::FrameworkProfile;

mod intake;
#[cfg(test)]
mod tests;

use intake::Intake;

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Finished {
    /// The profiles, each with the path of its file.
    pub profiles: Vec<(FrameworkProfile, PathBuf)>,
    /// The panel with the path of its file, if one was measured.
    pub panel: Option<(Panel, PathBuf)>,
    /// The subjects without a single sample.
    pub unmeasured: Vec<Unmeasured>,
}

/// A subject without a single sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmeasured {
    /// The name of the profile.
    pub name: String,
    /// The reason.
    pub reason: String,
    /// The remedies, one line each.
    pub hints: Vec<String>,
}

/// Connects to the place, measures everything that `measurement` asks for, and removes what the run has made, however it ends.
///
/// # Errors
/// If the place does not answer, if nothing can be measured there, or if a signal stops the run.
pub async fn run(measurement: &Measurement, progress: &mut Progress) -> Result<Finished, MeasureError> {
    measurement.backend.run(&run_id(), measurement, progress).await
}

/// Does the same on a target that is connected. `id` marks everything that the run makes.
///
/// # Errors
/// Does the same as [`run`].
pub async fn run_on<T: Target>(
    target: &T,
    id: &str,
    measurement: &Measurement,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    run_until(stop_signal(), target, id, measurement, progress).await
}

/// Does the same, and stops when `stop` is ready.
async fn run_until<T: Target>(
    stop: impl Future<Output = ()>,
    target: &T,
    id: &str,
    measurement: &Measurement,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    warn_of(target.leftovers().await?, progress);
    let outcome = tokio::select! {
        biased;
        () = stop => Ok(Err(MeasureError::Interrupted { kept: None })),
        outcome = AssertUnwindSafe(measure(target, id, measurement, progress)).catch_unwind() => outcome,
    };
    progress.end();
    if matches!(outcome, Ok(Err(MeasureError::Interrupted { .. }))) {
        progress.say("stopping: removing what this run has made; another Ctrl-C leaves at once");
    }
    sweep(target.sweep(), &target.by_hand()).await;
    if let Some(registry) = &measurement.registry
        && let Err(error) = registry.forget(id).await
    {
        progress.say(&format!("warning: {error}: tags that begin with {id} stay there"));
    }
    let outcome = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let kept = store::tidy(&measurement.out, measurement.subjects.iter().map(Subject::name));
    match outcome {
        Err(MeasureError::Interrupted { .. }) => Err(MeasureError::Interrupted {
            kept: kept.then(|| measurement.out.join("raw")),
        }),
        outcome => outcome,
    }
}

/// Does something with the readings on a thread that may block, so that a signal is heard meanwhile.
async fn apart<R: Send + 'static>(
    mut readings: Box<dyn Readings>,
    work: impl FnOnce(&mut dyn Readings) -> R + Send + 'static,
) -> (R, Box<dyn Readings>) {
    let task = tokio::task::spawn_blocking(move || {
        let done = work(readings.as_mut());
        (done, readings)
    });
    match task.await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Says what a look at the machine found, before anything is built or started.
fn tell_noise(looked: &Looked, progress: &Progress) {
    for remark in &looked.remarks {
        progress.say(remark);
    }
    if let Some(trouble) = &looked.trouble {
        progress.say(&format!(
            "warning: {trouble}. Blocks that begin like this are marked as noisy, and up to a quarter of them are repeated"
        ));
    }
}

fn warn_of(left: BTreeMap<String, Leftover>, progress: &Progress) {
    let dead = left.into_values().filter(|left| !left.alive).count();
    if dead > 0 {
        progress.say(&format!(
            "warning: {dead} runs that have ended left something behind; `coldcast measure cleanup` shows and removes it"
        ));
    }
}

/// Waits until `sweeping` has removed what a run has made. If that fails, prints the command that finishes the job.
pub(super) async fn sweep(sweeping: impl Future<Output = Option<String>>, by_hand: &str) {
    let left = tokio::select! {
        left = sweeping => left,
        () = stop_signal() => Some("stopped by another signal".into()),
    };
    if let Some(reason) = left {
        // The terminal may be gone.
        let text =
            format!("warning: not everything could be removed ({reason}); this finishes the job:\n    {by_hand}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// The time, RFC 3339 in UTC to the second.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Eight hexadecimal digits that differ between the runs of one machine.
pub(super) fn run_id() -> String {
    let nanoseconds = jiff::Timestamp::now().as_nanosecond() as u64;
    let mixed = (nanoseconds ^ (u64::from(std::process::id()) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}", mixed >> 32)
}

/// Waits for SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal was closed).
pub(super) async fn stop_signal() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Deploys the subjects, takes the samples and writes the profiles.
async fn measure<T: Target>(
    target: &T,
    id: &str,
    measurement: &Measurement,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    let backing = target.backing();
    progress.now("timing fixed work, which shows the state of the machine".into());
    // Before the build, whose own load would look like that of others.
    let (looked, readings) = apart(target.readings(), |readings| readings.look()).await;
    tell_noise(&looked, progress);
    let mut intake = Intake::new(measurement, &backing, id);
    for subject in &measurement.subjects {
        intake.add(target, subject, progress).await?;
    }
    let Intake {
        started,
        resumed,
        prepared,
        images,
        slots,
        blocks,
        prober,
        mut finished,
        ..
    } = intake;
    if prepared.is_empty() {
        return Ok(finished);
    }
    target.open().await?;
    let (trouble, readings) = apart(readings, |readings| readings.rest()).await;
    if let Some(trouble) = trouble {
        progress.say(&format!("warning: {trouble}"));
    }
    let ticks = host::steal_and_total();
    let mut session = Session::new(target, measurement, prepared, slots, blocks, prober, readings);
    session.take(progress).await?;

    let steal_share = ticks.zip(host::steal_and_total()).and_then(noise::steal_share);
    let mut notes = assemble::session_notes(target.remarks());
    // Without a timed start there is nothing that the machine could have spoilt.
    let is_timed = !session.slots.is_empty();
    let warnings = is_timed.then(|| warning::of_session(&session.blocks, looked.load, steal_share));
    for warning in warnings.into_iter().flatten() {
        progress.say(&format!("warning: {warning}"));
        notes.push(warning.to_string());
    }
    if !resumed.is_empty() {
        let times: Vec<String> = resumed.into_iter().collect();
        notes.push(format!("interrupted and resumed at {}", times.join(", ")));
    }
    let circumstances = Circumstances {
        started,
        finished: now(),
        prober_cpu_share: session.prober.share(),
        notes,
    };
    if measurement.is_panel() {
        write_panel(session, &backing, &images, &circumstances, &mut finished)?;
    } else {
        write_profiles(session, &backing, images, &circumstances, &mut finished, progress)?;
    }
    Ok(finished)
}

/// Writes the profile of each subject that has a sample, and notes the others as unmeasured.
fn write_profiles<T: Target>(
    session: Session<'_, T>,
    backing: &Backing,
    images: Vec<Image>,
    circumstances: &Circumstances,
    finished: &mut Finished,
    progress: &Progress,
) -> Result<(), MeasureError> {
    let quiet_machine = session.quiet_machine();
    let Session {
        measurement,
        prepared,
        mut slots,
        blocks,
        ..
    } = session;
    for (number, (prepared, mut image)) in prepared.into_iter().zip(images).enumerate() {
        let own: Vec<Slot> = slots.extract_if(.., |slot| slot.subject == number).collect();
        let name = prepared.subject.name().to_string();
        if own.iter().all(|slot| slot.cold.is_empty()) {
            let last = own.iter().flat_map(|slot| &slot.failures).next_back();
            let reason = prepared.refused.or_else(|| last.map(|failure| failure.reason.clone()));
            finished.unmeasured.push(Unmeasured {
                name,
                reason: reason.unwrap_or_else(|| "no start".into()),
                hints: prepared.hints,
            });
            continue;
        }
        if let Some((label, reason)) = refused(&own) {
            // The samples stay, so that --resume takes this warm run again and nothing else.
            finished.unmeasured.push(Unmeasured {
                name,
                reason: format!("the warm run at {label} is refused: {reason}; --resume takes it again"),
                hints: Vec::new(),
            });
            continue;
        }
        image.facts.pulls.extend(prepared.pulls);
        let warnings = warnings_of(&name, &own);
        for warning in &warnings {
            progress.say(&format!("warning: {warning}"));
        }
        let taken = assemble::Taken {
            slots: own,
            warnings,
            contract: prepared.contract,
            blocks: &blocks,
            quiet_machine: quiet_machine.as_ref(),
        };
        let profile = assemble::profile(measurement, backing, prepared.subject, image, taken, circumstances);
        let path = store::write_profile(&measurement.out, &profile)?;
        prepared.raw.discard();
        finished.profiles.push((profile, path));
    }
    Ok(())
}

/// Writes the panel. Subjects without a sample are noted as unmeasured.
fn write_panel<T: Target>(
    session: Session<'_, T>,
    backing: &Backing,
    images: &[Image],
    circumstances: &Circumstances,
    finished: &mut Finished,
) -> Result<(), MeasureError> {
    let quiet_machine = session.quiet_machine();
    let Session {
        measurement,
        prepared,
        mut slots,
        blocks,
        ..
    } = session;
    let (mut subjects, mut raws) = (Vec::new(), Vec::new());
    for (number, (prepared, image)) in prepared.into_iter().zip(images).enumerate() {
        let own: Vec<Slot> = slots.extract_if(.., |slot| slot.subject == number).collect();
        if own.iter().all(|slot| slot.cold.is_empty()) {
            let last = own.iter().flat_map(|slot| &slot.failures).next_back();
            let reason = prepared.refused.or_else(|| last.map(|failure| failure.reason.clone()));
            let reason = reason.unwrap_or_else(|| "no start".into());
            finished.unmeasured.push(Unmeasured {
                name: prepared.subject.name().to_string(),
                reason,
                hints: prepared.hints,
            });
            continue;
        }
        subjects.push((prepared.subject, image.id.clone(), own));
        raws.push(prepared.raw);
    }
    if subjects.is_empty() {
        return Ok(());
    }
    let panel = panel::collect(
        measurement,
        backing,
        subjects,
        &blocks,
        quiet_machine.as_ref(),
        circumstances,
    );
    // A place for tests is not this machine.
    let state = noise::State::of_user().filter(|_| backing.backend == measurement.backend.name());
    let path = panel::write(&measurement.out, &panel, state)?;
    raws.into_iter().for_each(RawFile::discard);
    finished.panel = Some((panel, path));
    Ok(())
}

/// The first configuration whose warm run contradicts itself, with the reason.
fn refused(slots: &[Slot]) -> Option<(String, &str)> {
    slots
        .iter()
        .find_map(|slot| Some((slot.config.label(), slot.refused.as_deref()?)))
}

/// The warnings about the cold starts of one subject.
fn warnings_of(name: &str, slots: &[Slot]) -> Vec<Warning> {
    let of_slot = |slot: &Slot| {
        let totals: Vec<f64> = slot.cold.iter().map(|cold| cold.sample.total_ms).collect();
        warning::of_starts(&format!("{name} at {}", slot.config.label()), &totals)
    };
    slots.iter().flat_map(of_slot).collect()
}
