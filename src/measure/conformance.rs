//! Checks images against the HTTP contract without measuring them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::config;
use super::contract::{self, Checked};
use super::docker::{ContainerSpec, Engine};
use super::error::MeasureError;
use super::load::Server;
use super::network::Network;
use super::probe::Target;
use super::progress::Progress;
use super::start::{self, Before, Outcome, Start, StopOnDrop};
use super::subject::Subject;
use super::{build, cleanup, run};
use crate::model::profile::CpuMode;

/// How long a start may take: a JVM needs its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of one framework: its routes, or why it could not be asked.
pub type Verdict = Result<Vec<Checked>, String>;

/// Builds the image of each framework, starts it once at 1 vCPU and 512 MiB with all restrictions of a measurement, and
/// checks every route. Removes what it made, however it ends.
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
    run::sweep(cleanup::sweep(&engine, &id), &cleanup::by_hand(&id)).await;
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
        let verdict = match build::build(engine, framework, &sources, bases, |text| progress.say(text)).await {
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
    let target = Target {
        address,
        path: subject.path().to_string(),
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
            env: &[],
        },
        target: &target,
        patience: PATIENCE,
        before: Before::Nothing,
        cpu_mode: CpuMode::Flat,
        workload: &subject.routes().main(),
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
        Outcome::Failed(failed) => Err([vec![failed.reason], failed.log].concat().join("\n    ")),
    }
}
