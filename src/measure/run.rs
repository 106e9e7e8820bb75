//! A whole run, from the first word with the engine to the last container removed.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

use super::assemble::{self, Backing, Circumstances, Image};
use super::error::MeasureError;
use super::leftovers::{self, Leftover};
use super::progress::Progress;
use super::session::{Prepared, Prober, Session};
use super::slot::Slot;
use super::store::{self, Header, RawFile, Taken};
use super::target::Target;
use super::targets::docker::Containers;
use super::targets::process::{self, Processes};
use super::warning::{self, Warning};
use super::{Backend, Request, host, noise};
use crate::model::profile::{BlockReading, FrameworkProfile};

/// What came of a run.
#[derive(Debug, Default)]
pub struct Finished {
    /// Profiles and where they were written.
    pub profiles: Vec<(FrameworkProfile, PathBuf)>,
    /// Subjects without a single sample, with the reason.
    pub unmeasured: Vec<(String, String)>,
}

/// Measures everything asked for and removes what it made, however it ends.
pub async fn run(request: &Request, progress: &mut Progress) -> Result<Finished, MeasureError> {
    let id = run_id();
    match request.backend {
        Backend::Docker => {
            let target = Containers::connect(&id, request).await?;
            warn_of(leftovers::on_engine(target.engine()).await?, progress);
            on(&target, &id, request, progress).await
        }
        Backend::Process => {
            warn_of(process::leftovers(), progress);
            let target = Processes::new(&id, request)?;
            on(&target, &id, request, progress).await
        }
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

/// The run `id` on one target.
async fn on<T: Target>(
    target: &T,
    id: &str,
    request: &Request,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    let outcome = tokio::select! {
        biased;
        () = stop_signal() => Ok(Err(MeasureError::Interrupted { kept: request.out.join("raw") })),
        outcome = AssertUnwindSafe(measure(target, id, request, progress)).catch_unwind() => outcome,
    };
    progress.end();
    if matches!(outcome, Ok(Err(MeasureError::Interrupted { .. }))) {
        progress.say("stopping: removing what this run has made; another Ctrl-C leaves at once");
    }
    sweep(target.sweep(), &target.by_hand()).await;
    if let Some(registry) = &request.registry
        && let Err(error) = registry.forget(id).await
    {
        progress.say(&format!("warning: {error}: tags that begin with {id} stay there"));
    }
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Removes what a run has made, as `sweeping` does; says how to finish the job by hand where that fails.
pub(super) async fn sweep(sweeping: impl Future<Output = Option<String>>, by_hand: &str) {
    let left = tokio::select! {
        left = sweeping => left,
        () = stop_signal() => Some("stopped by another signal".into()),
    };
    if let Some(reason) = left {
        eprintln!("warning: not everything could be removed ({reason}); this finishes the job:\n    {by_hand}");
    }
}

/// The time, RFC 3339 in UTC to the second.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Eight hexadecimal digits that differ between runs of one machine.
pub(super) fn run_id() -> String {
    let nanoseconds = jiff::Timestamp::now().as_nanosecond() as u64;
    let mixed = (nanoseconds ^ (u64::from(std::process::id()) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}", mixed >> 32)
}

/// Ctrl-C or a polite request to end.
pub(super) async fn stop_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn measure<T: Target>(
    target: &T,
    run: &str,
    request: &Request,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    let here = now();
    let mut started = here.clone();
    let mut resumed = BTreeSet::new();
    let mut finished = Finished::default();
    let mut images = Vec::new();
    let mut prepared: Vec<Prepared<'_, T::Deployed>> = Vec::new();
    let mut blocks: Vec<BlockReading> = Vec::new();
    let mut slots: Vec<Slot> = Vec::new();
    let mut prober = Prober::default();
    let backing = target.backing();
    for subject in &request.subjects {
        let name = subject.name();
        let (image, deployed) = match target.deploy(subject, progress).await {
            // The others can do without it.
            Err(error) if error.is_of_one_subject() && request.subjects.len() > 1 => {
                progress.say(&format!("{name} is not measured: {error}"));
                error
                    .hints()
                    .iter()
                    .for_each(|hint| progress.say(&format!("hint: {hint}")));
                finished.unmeasured.push((name.to_string(), error.to_string()));
                continue;
            }
            deployed => deployed?,
        };
        let header = Header::new(&request.command, &image.id, &backing.engine_version, &here);
        let mut own: Vec<Slot> = request
            .configs
            .iter()
            .map(|&config| Slot::new(prepared.len(), config))
            .collect();
        let mut pulls = Vec::new();
        let earlier = match request.resume {
            true => RawFile::resume(&request.out, name, &header, &here)?,
            false => None,
        };
        let raw = match earlier {
            Some((raw, earlier)) => {
                if earlier.torn {
                    progress.say(&format!(
                        "{name}: the last line of the samples was cut off and is dropped"
                    ));
                }
                progress.say(&format!(
                    "{name}: going on with {} samples of a run that began at {}",
                    earlier.taken.len(),
                    earlier.header.started
                ));
                started = started.min(earlier.header.started);
                resumed.extend(earlier.resumed);
                earlier.prober.into_iter().for_each(|used| prober.add(used));
                // Subjects that shared a block have the same reading of it.
                for reading in earlier.blocks {
                    if !blocks.contains(&reading) {
                        blocks.push(reading);
                    }
                }
                for (key, taken) in earlier.taken {
                    match taken {
                        Taken::Pull(pull) => pulls.push(pull),
                        taken => own
                            .iter_mut()
                            .filter(|slot| slot.key() == key)
                            .for_each(|slot| slot.restore(taken.clone())),
                    }
                }
                raw
            }
            None => {
                if request.resume
                    && let Some(profile) = store::finished(&request.out, name, &header)
                {
                    progress.say(&format!(
                        "{name}: already measured by this command, {}",
                        profile.provenance.finished
                    ));
                    continue;
                }
                let (raw, kept) = RawFile::create(&request.out, name, run, &header)?;
                if let Some(kept) = kept {
                    progress.say(&format!(
                        "{name}: samples of an interrupted run are kept as {}; --resume would have gone on with them",
                        kept.display()
                    ));
                }
                raw
            }
        };
        prepared.push(Prepared {
            subject,
            deployed,
            pulls,
            raw,
            contract: None,
            refused: None,
        });
        slots.append(&mut own);
        images.push(image);
    }
    if prepared.is_empty() {
        return Ok(finished);
    }
    let (load, ticks) = (host::load(), host::steal_and_total());
    target.open().await?;
    let taken = || slots.iter().flat_map(|slot| &slot.cold);
    let mut session = Session {
        target,
        request,
        prepared,
        made: taken().map(|cold| cold.sample.order + 1).max().unwrap_or(0),
        seen: taken().filter_map(|cold| cold.sample.process_id.clone()).collect(),
        blocks,
        ticks: host::steal_and_total(),
        slots,
        prober,
        weights: Vec::new(),
    };
    session.take(progress).await?;

    let steal_share = ticks.zip(host::steal_and_total()).and_then(noise::steal_share);
    let mut notes = assemble::session_notes(target.remarks());
    for warning in warning::of_session(&session.blocks, load, steal_share) {
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
    finish(session, &backing, images, &circumstances, &mut finished, progress)?;
    Ok(finished)
}

fn finish<T: Target>(
    session: Session<'_, T>,
    backing: &Backing,
    images: Vec<Image>,
    circumstances: &Circumstances,
    finished: &mut Finished,
    progress: &Progress,
) -> Result<(), MeasureError> {
    let Session {
        request,
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
            finished
                .unmeasured
                .push((name, reason.unwrap_or_else(|| "no start".into())));
            continue;
        }
        image.facts.pulls.extend(prepared.pulls);
        let warnings: Vec<Warning> = own
            .iter()
            .flat_map(|slot| {
                let totals: Vec<f64> = slot.cold.iter().map(|cold| cold.sample.total_ms).collect();
                warning::of_starts(&format!("{name} at {}", slot.config.label()), &totals)
            })
            .collect();
        for warning in &warnings {
            progress.say(&format!("warning: {warning}"));
        }
        let taken = assemble::Taken {
            slots: own,
            warnings,
            contract: prepared.contract,
            blocks: &blocks,
        };
        let profile = assemble::profile(request, backing, prepared.subject, image, taken, circumstances);
        let path = store::write_profile(&request.out, &profile)?;
        prepared.raw.discard();
        finished.profiles.push((profile, path));
    }
    Ok(())
}
