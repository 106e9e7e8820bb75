//! A whole run, from the first word with the engine to the last container removed.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Instant;

use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

use super::assemble::{self, Circumstances, Image};
use super::docker::Engine;
use super::error::MeasureError;
use super::fresh_copy::FreshCopy;
use super::image::Look;
use super::network::Network;
use super::page_cache::LayerFiles;
use super::progress::Progress;
use super::session::{Prepared, Session, Slot};
use super::store::{self, RawFile};
use super::subject::Subject;
use super::{Request, build, cleanup, host, image, noise};
use crate::model::profile::{ColdMode, FrameworkProfile};

/// Beyond this the disk counts as full, in per cent.
const DISK_LIMIT: f64 = 90.0;

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
    let engine = Engine::connect(request.force).await?;
    check_disk(&engine, request.force)?;
    if let Some(registry) = &request.registry {
        registry.check().await?;
    }
    let stale = cleanup::leftovers(&engine).await;
    if stale > 0 {
        progress.say(&format!(
            "warning: {stale} containers of other runs are there; if none is running, remove them:\n    \
             docker ps -aq --filter label={} | xargs -r docker rm -f -v",
            super::docker::RUN_LABEL
        ));
    }
    let id = run_id();
    let outcome = tokio::select! {
        biased;
        () = stop_signal() => Ok(Err(MeasureError::Interrupted { kept: request.out.join("raw") })),
        outcome = AssertUnwindSafe(measure(&engine, &id, request, progress)).catch_unwind() => outcome,
    };
    progress.end();
    if matches!(outcome, Ok(Err(MeasureError::Interrupted { .. }))) {
        progress.say("stopping: removing what this run has made; another Ctrl-C leaves at once");
    }
    let left = tokio::select! {
        left = cleanup::sweep(&engine, &id) => left,
        () = stop_signal() => Some("stopped by another signal".into()),
    };
    if let Some(reason) = left {
        eprintln!(
            "warning: not everything could be removed ({reason}); this finishes the job:\n    {}",
            cleanup::by_hand(&id)
        );
    }
    if let Some(registry) = &request.registry
        && let Err(error) = registry.forget(&id).await
    {
        progress.say(&format!("warning: {error}: tags that begin with {id} stay there"));
    }
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Eight hexadecimal digits that differ between runs of one machine.
fn run_id() -> String {
    let nanoseconds = jiff::Timestamp::now().as_nanosecond() as u64;
    let mixed = (nanoseconds ^ (u64::from(std::process::id()) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}", mixed >> 32)
}

/// Ctrl-C or a polite request to end.
async fn stop_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn check_disk(engine: &Engine, force: bool) -> Result<(), MeasureError> {
    let Some(path) = engine.info.docker_root_dir.as_ref().map(PathBuf::from) else {
        return Ok(());
    };
    match host::disk_used_percent(&path) {
        Some(used_percent) if used_percent > DISK_LIMIT && !force => Err(MeasureError::DiskFull { path, used_percent }),
        _ => Ok(()),
    }
}

async fn measure(
    engine: &Engine,
    run: &str,
    request: &Request,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    let now = || jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let started = now();
    let mut images = Vec::new();
    let mut prepared = Vec::new();
    for subject in &request.subjects {
        let (image, copy) = image_of(engine, run, subject, request, progress).await?;
        let layer_files = match request.asks_for(ColdMode::DiskCold) {
            true => Some(LayerFiles::of_image(engine, &image.id).await?),
            false => None,
        };
        prepared.push(Prepared {
            subject,
            image: image.id.clone(),
            layer_files,
            copy,
            pulls: Vec::new(),
            raw: RawFile::create(&request.out, subject.name(), run)?,
        });
        images.push(image);
    }
    let (load, ticks) = (host::load(), host::steal_and_total());
    let (began, own_cpu) = (Instant::now(), host::own_cpu_time());
    let network = Network::create(engine, run).await?;
    let pinned = network.pin_neighbour();
    let mut session = Session {
        engine,
        run,
        request,
        network,
        prepared,
        slots: all_slots(request),
        spins: Vec::new(),
        made: 0,
        seen: std::collections::HashSet::new(),
    };
    session.take(progress).await?;

    let steal_share = ticks
        .zip(host::steal_and_total())
        .and_then(|((steal0, total0), (steal1, total1))| {
            (total1 > total0).then(|| steal1.saturating_sub(steal0) as f64 / (total1 - total0) as f64)
        });
    let prober_cpu_share = own_cpu
        .zip(host::own_cpu_time())
        .map(|(before, after)| after.saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64());
    let circumstances = Circumstances {
        started,
        finished: now(),
        prober_cpu_share,
        notes: assemble::session_notes(engine, &session.spins, pinned, steal_share, load),
    };
    finish(session, images, &circumstances)
}

fn finish(session: Session<'_>, images: Vec<Image>, circumstances: &Circumstances) -> Result<Finished, MeasureError> {
    let Session {
        engine,
        request,
        prepared,
        mut slots,
        spins,
        ..
    } = session;
    let ratios = noise::spin_ratios(&spins);
    let mut finished = Finished::default();
    for (number, (prepared, mut image)) in prepared.into_iter().zip(images).enumerate() {
        let own: Vec<Slot> = slots.extract_if(.., |slot| slot.subject == number).collect();
        let name = prepared.subject.name().to_string();
        if own.iter().all(|slot| slot.cold.is_empty()) {
            let last = own.iter().flat_map(|slot| &slot.failures).next_back();
            finished.unmeasured.push((
                name,
                last.map_or_else(|| "no start".into(), |failure| failure.reason.clone()),
            ));
            continue;
        }
        image.facts.pulls.extend(prepared.pulls);
        let profile = assemble::profile(request, engine, prepared.subject, image, own, &ratios, circumstances);
        let path = store::write_profile(&request.out, &profile)?;
        prepared.raw.discard();
        finished.profiles.push((profile, path));
    }
    Ok(finished)
}

fn all_slots(request: &Request) -> Vec<Slot> {
    let mut slots = Vec::new();
    for subject in 0..request.subjects.len() {
        slots.extend(request.configs.iter().map(|&config| Slot::new(subject, config)));
    }
    slots
}

async fn image_of(
    engine: &Engine,
    run: &str,
    subject: &Subject,
    request: &Request,
    progress: &Progress,
) -> Result<(Image, Option<FreshCopy>), MeasureError> {
    let name = subject.name();
    let (built, folder, lock_files) = match subject {
        Subject::Framework { framework, folder } => {
            progress.now(format!("{name}: building the image"));
            let sources = framework.image.sources(folder);
            let built = build::build(engine, framework, &sources, &request.bases, |text| progress.say(text)).await?;
            (built, Some(sources), framework.lock_files.as_slice())
        }
        Subject::Image { image, .. } => {
            let id = build::image_id(engine, image).await?;
            let id = id
                .ok_or_else(|| MeasureError::BadRequest(format!("there is no local image `{image}`; pull it first")))?;
            let built = build::BuiltImage {
                id,
                reference: image.clone(),
                bases: std::collections::BTreeMap::new(),
            };
            (built, None, [].as_slice())
        }
    };
    let mut copy = None;
    if let Some(registry) = &request.registry {
        progress.now(format!("{name}: pushing the image to {}", registry.address));
        copy = Some(FreshCopy::publish(engine, registry, run, name, &built.id).await?);
    }
    progress.now(format!("{name}: looking at the image"));
    let look = Look {
        id: &built.id,
        reference: &built.reference,
        run,
        folder: folder.as_deref(),
        lock_files,
        copy: copy.as_ref(),
        quick: request.quick,
    };
    let (facts, notes) = image::facts(engine, look).await?;
    let image = Image {
        id: built.id,
        bases: built.bases,
        facts,
        notes,
    };
    Ok((image, copy))
}
