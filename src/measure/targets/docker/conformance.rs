//! The check of images against the HTTP contract, without a measurement.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::engine::{ContainerSpec, Engine};
use super::network::Network;
use super::start::{self, Before, Start};
use super::{build, sweep};
use crate::measure::contract::{self, Checked};
use crate::measure::error::MeasureError;
use crate::measure::load::Server;
use crate::measure::options::{ContainerOptions, Headers};
use crate::measure::probe::Endpoint;
use crate::measure::progress::Progress;
use crate::measure::start::trouble::give_up::GiveUpAfter;
use crate::measure::start::{Outcome, StopOnDrop};
use crate::measure::subject::Subject;
use crate::measure::{READY_TIMEOUT, config, run};
use crate::model::profile::CpuMode;

/// The result for one framework: its routes, or the reason why it could not be asked.
pub type Verdict = Result<Vec<Checked>, String>;

/// Builds the image of each framework, starts it once at 1 vCPU and 512 MiB with all restrictions of a measurement, and
/// checks every route. Removes what it has made, however it ends.
///
/// # Errors
/// If the engine fails or a signal stops the check.
pub async fn check(
    subjects: &[Subject],
    bases: &BTreeMap<String, String>,
    force: bool,
    progress: &Progress,
) -> Result<Vec<(String, Verdict)>, MeasureError> {
    let engine = Engine::connect(force).await?;
    let id = run::run_id();
    let outcome = tokio::select! {
        biased;
        () = run::stop_signal() => Err(MeasureError::Stopped),
        outcome = all(&engine, &id, subjects, bases, progress) => outcome,
    };
    run::sweep(sweep::sweep(&engine, &id), &sweep::by_hand(&id)).await;
    outcome
}

async fn all(
    engine: &Engine,
    id: &str,
    subjects: &[Subject],
    bases: &BTreeMap<String, String>,
    progress: &Progress,
) -> Result<Vec<(String, Verdict)>, MeasureError> {
    let network = Network::create(engine, id).await?;
    network.pin_neighbour();
    let mut verdicts = Vec::new();
    for subject in subjects {
        let Subject::Framework { framework, folder } = subject else {
            continue;
        };
        let sources = framework.image.sources(folder);
        let (say, now) = (|text: &str| progress.say(text), |step| progress.step(step));
        let verdict = match build::build(engine, framework, &sources, bases, say, now).await {
            Ok(image) => one(engine, id, subject, &image.id, &network).await,
            Err(error @ MeasureError::Build { .. }) => {
                Err([vec![error.to_string()], error.hints()].concat().join("\n    "))
            }
            Err(error) => return Err(error),
        };
        verdicts.push((framework.name.clone(), verdict));
    }
    Ok(verdicts)
}

async fn one(engine: &Engine, id: &str, subject: &Subject, image: &str, network: &Network) -> Verdict {
    let address = SocketAddr::from((network.container, subject.port()));
    let endpoint = Endpoint {
        address,
        path: subject.path().to_string(),
        headers: Headers::default(),
        expect: subject.expect(),
    };
    let name = format!("coldcast-{id}-{}", subject.name());
    let start = Start {
        container: ContainerSpec {
            name: &name,
            run: id,
            image,
            limits: config::REFERENCE,
            network,
            options: &ContainerOptions::default(),
        },
        endpoint: &endpoint,
        ready_timeout: READY_TIMEOUT,
        before: Before::Nothing,
        cpu_mode: CpuMode::Flat,
        workload: &subject.routes().main(),
        work_port: subject.port(),
        give_up_after: GiveUpAfter::USUAL,
    };
    match start::cold_start(engine, &start).await {
        Outcome::Up(up) => {
            let identity = subject.identity();
            let stop = Arc::new(AtomicBool::new(false));
            let _guard = StopOnDrop(stop.clone());
            let checking = tokio::task::spawn_blocking(move || {
                let server = Server { address, stop: &stop };
                contract::check(server, identity.as_ref())
            });
            let checked = checking.await.map_err(|error| error.to_string());
            let _ = engine.remove(&up.id).await;
            checked
        }
        Outcome::Failed(failed) => {
            let hints = failed.hints.iter().map(|hint| format!("hint: {hint}")).collect();
            Err([vec![failed.reason], failed.log, hints].concat().join("\n    "))
        }
    }
}
