//! Containers on a Docker engine of this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::measure::assemble::{Backing, Image};
use crate::measure::cleanup::Leftover;
use crate::measure::config::Config;
use crate::measure::error::MeasureError;
use crate::measure::probe::Endpoint;
use crate::measure::progress::Progress;
use crate::measure::start::failed::Why;
use crate::measure::start::trouble::ended;
use crate::measure::start::{Failed, Outcome};
use crate::measure::subject::{OwnImage, Subject};
use crate::measure::target::Target;
use crate::measure::{Measurement, host};
use crate::model::profile::ColdMode;

pub(in crate::measure) mod build;
pub mod conformance;
pub mod engine;
mod fresh_copy;
mod image;
pub mod leftovers;
mod network;
mod page_cache;
pub mod pull;
pub mod registry;
mod scan;
mod stages;
mod start;
pub mod sweep;
mod trial;

use engine::{CPU_PERIOD_US, ContainerSpec, Engine};
use fresh_copy::FreshCopy;
use image::Look;
use network::Network;
use page_cache::LayerFiles;
use start::{Before, Start};

/// The used share of the disk above which it counts as full, in per cent.
const DISK_LIMIT: f64 = 90.0;

/// The containers of one run, and the engine that runs them.
#[derive(Debug)]
pub struct Containers<'a> {
    engine: Engine,
    run: &'a str,
    measurement: &'a Measurement,
    network: OnceLock<Network>,
    /// True if the kernel knows the container's hardware address for good.
    pinned: OnceLock<bool>,
}

/// An image that can be started.
#[derive(Debug)]
pub struct Deployed {
    /// Its id.
    image: String,
    /// The files of its layers, for disk-cold starts.
    layer_files: Option<LayerFiles>,
    /// Its copy in the registry, for node-cold starts.
    copy: Option<FreshCopy>,
}

impl<'a> Containers<'a> {
    /// Connects to the engine, for the run of this id.
    ///
    /// # Errors
    /// If the engine or the registry does not answer, or its disk is nearly full.
    pub async fn connect(run: &'a str, measurement: &'a Measurement) -> Result<Self, MeasureError> {
        let engine = Engine::connect(measurement.force).await?;
        check_disk(&engine, measurement.force)?;
        if let Some(registry) = &measurement.registry {
            registry.check().await?;
        }
        Ok(Self {
            engine,
            run,
            measurement,
            network: OnceLock::new(),
            pinned: OnceLock::new(),
        })
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

impl Target for Containers<'_> {
    type Deployed = Deployed;

    fn backing(&self) -> Backing {
        let unknown = || "unknown".to_string();
        let info = &self.engine.info;
        Backing {
            backend: "docker".into(),
            engine_version: info.server_version.clone().unwrap_or_else(unknown),
            storage_driver: info.driver.clone().unwrap_or_else(unknown),
            cgroup_version: info.cgroup_version.map_or_else(unknown, |version| version.to_string()),
            cpu_period_us: Some(CPU_PERIOD_US),
            clock: "CLOCK_MONOTONIC; the engine's StartedAt moved over by the difference of wall and monotonic clock"
                .into(),
        }
    }

    async fn deploy(&self, subject: &Subject, progress: &Progress) -> Result<(Image, Deployed), MeasureError> {
        let (image, copy) = image_of(&self.engine, self.run, subject, self.measurement, progress).await?;
        let layer_files = match self.measurement.asks_for(ColdMode::DiskCold) {
            true => Some(LayerFiles::of_image(&self.engine, &image.id).await?),
            false => None,
        };
        let deployed = Deployed {
            image: image.id.clone(),
            layer_files,
            copy,
        };
        Ok((image, deployed))
    }

    async fn open(&self) -> Result<(), MeasureError> {
        let network = Network::create(&self.engine, self.run).await?;
        let _ = self.pinned.set(network.pin_neighbour());
        let _ = self.network.set(network);
        Ok(())
    }

    async fn cold_start(&self, subject: &Subject, deployed: &Deployed, config: Config, number: u32) -> Outcome {
        let Some(network) = self.network.get() else {
            return Outcome::Failed(Why::other("there is no network").without_log());
        };
        let name = format!("coldcast-{}-{number}", self.run);
        let endpoint = Endpoint {
            address: SocketAddr::from((network.container, subject.port())),
            path: subject.path().to_string(),
            headers: subject.headers(),
            expect: subject.expect(),
        };
        let before = match (config.cold_mode, &deployed.layer_files, &deployed.copy) {
            (ColdMode::DiskCold, Some(files), _) => Before::Evict(files),
            (ColdMode::NodeCold, _, Some(copy)) => Before::Pull(copy),
            _ => Before::Nothing,
        };
        let start = Start {
            container: ContainerSpec {
                name: &name,
                run: self.run,
                image: match before {
                    Before::Pull(copy) => &copy.reference,
                    _ => &deployed.image,
                },
                limits: config.limits,
                network,
                options: &self.measurement.options,
            },
            endpoint: &endpoint,
            ready_timeout: self.measurement.ready_timeout,
            before,
            cpu_mode: config.cpu_mode,
            workload: &subject.routes().main(),
            work_port: subject.work_port(),
            give_up_after: self.measurement.give_up_after(),
        };
        start::cold_start(&self.engine, &start).await
    }

    async fn remove(&self, id: &str) {
        // A container that stays is found by its label at the end.
        let _ = self.engine.remove(id).await;
    }

    async fn settle(&self, deployed: &Deployed, config: Config) {
        if let (ColdMode::NodeCold, Some(copy)) = (config.cold_mode, &deployed.copy) {
            // A copy that stays is removed before the next pull, or at the end.
            let _ = copy.remove(&self.engine).await;
        }
    }

    async fn last_log_lines(&self, id: &str) -> Vec<String> {
        self.engine.last_log_lines(id).await
    }

    async fn is_out_of_memory(&self, id: &str) -> bool {
        let state = self.engine.state(id).await;
        state.is_ok_and(|(state, _)| state.oom_killed == Some(true))
    }

    async fn confine(&self, id: &str, cpu: usize) -> bool {
        self.engine.confine(id, cpu).await.is_ok()
    }

    async fn how_it_ended(&self, id: &str) -> Option<String> {
        let (state, _) = self.engine.state(id).await.ok()?;
        if state.running != Some(false) {
            return None;
        }
        let code = state.exit_code.unwrap_or_default();
        Some(format!("exited with code {code}{}", ended::meaning(code)))
    }

    async fn explain(
        &self,
        subject: &Subject,
        deployed: &Deployed,
        config: Config,
        number: u32,
        failed: Failed,
    ) -> Failed {
        let (Subject::Image(_), Some(network)) = (subject, self.network.get()) else {
            return failed;
        };
        let place = trial::Place {
            engine: &self.engine,
            run: self.run,
            image: &deployed.image,
            network,
            limits: config.limits,
        };
        trial::explain(&place, subject, &self.measurement.options, number, failed).await
    }

    async fn other_instances(&self) -> Option<u64> {
        self.engine.running_containers().await
    }

    fn remarks(&self) -> Vec<String> {
        let cores = host::cores();
        let mut remarks = vec![
            "the first start of each image in the session is not counted: it reads from disk".to_string(),
            format!(
                "prober, load generator and containers share the host's {cores} cores; during a warm run a container of up to 1 \
                 vCPU has one core and the load generator has the others, if there are any"
            ),
            "CPU time to ready includes the engine's own set-up inside the container's control group".to_string(),
            "the empty handler behind round_trip_ms runs outside the container's CPU limit".to_string(),
        ];
        if self.pinned.get() == Some(&false) {
            remarks.push(
                "no permanent neighbour entry (needs root and the ip command): a first packet may be late".into(),
            );
        }
        remarks
    }

    fn contract_command(&self, name: &str) -> String {
        format!("coldcast measure contract {name}")
    }

    async fn leftovers(&self) -> Result<BTreeMap<String, Leftover>, MeasureError> {
        leftovers::on_engine(&self.engine).await
    }

    async fn sweep(&self) -> Option<String> {
        sweep::sweep(&self.engine, self.run).await
    }

    fn by_hand(&self) -> String {
        sweep::by_hand(self.run)
    }
}

/// Builds the image of a subject or finds it, looks at it, and publishes its copy for pulls.
async fn image_of(
    engine: &Engine,
    run: &str,
    subject: &Subject,
    measurement: &Measurement,
    progress: &Progress,
) -> Result<(Image, Option<FreshCopy>), MeasureError> {
    let name = subject.name();
    let (built, folder, lock_files) = match subject {
        Subject::Framework { framework, folder } => {
            progress.now(format!("{name}: building the image"));
            let sources = framework.image.sources(folder);
            let say = |text: &str| progress.say(text);
            let now = |step| progress.step(step);
            let built = build::build(engine, framework, &sources, &measurement.bases, say, now).await?;
            (built, Some(sources), framework.lock_files.as_slice())
        }
        Subject::Image(OwnImage { image, .. }) => {
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
    if let Some(registry) = &measurement.registry {
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
        quick: measurement.quick,
    };
    let (facts, notes) = image::facts(engine, look).await?;
    let runtime = match subject {
        Subject::Framework { framework, .. } => Some(framework.runtime.clone()),
        Subject::Image(_) => None,
    };
    let image = Image {
        id: built.id,
        runtime,
        bases: built.bases,
        facts,
        notes,
    };
    Ok((image, copy))
}
