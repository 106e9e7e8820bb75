//! The plan of a scenario: variants that are ready to run, with every choice made.
//!
//! Each file below is a step: a function that takes what it needs, and returns a value with its findings.

mod candidates;
mod cluster;
mod framework;
mod node_kind;
mod pricing;
mod replications;
mod service;
mod workloads;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::ScenarioError;
use super::file::Slo;
use super::files::Files;
use super::findings::{Assumed, Findings};
use super::load::Loaded;
use crate::assumption::Assumption;
use crate::cost::meter::{MemoryLine, MeteredService};
use crate::model::profile::Redraw;
use crate::rng::Draws;
use crate::sim::platform::{Platform, PlatformSpec, kubernetes};
use crate::sim::setup::ServiceSetup;
use crate::trace::Traffic;
use crate::units::SimDuration;
pub use pricing::Pricing;
pub use replications::Replications;

/// A scenario, resolved.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// One variant for each candidate, or one in all where the scenario has several services.
    pub variants: Vec<Variant>,
    /// Choices that the answer depends on, the one that can move it most first.
    pub assumptions: Vec<Assumption>,
    /// SHA-256 of the scenario text.
    pub scenario_sha256: String,
    /// SHA-256 of each profile file that is used.
    pub profile_sha256: BTreeMap<String, String>,
}

/// Something that can be run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Variant {
    /// Name of the scenario.
    pub scenario: String,
    /// Name among the variants.
    pub name: String,
    /// Root of all random numbers.
    pub seed: u64,
    /// Independent repetitions.
    pub replications: Replications,
    /// Beginning that counts in no statistic.
    pub warm_up: SimDuration,
    /// Length of the run, where the scenario sets it.
    pub horizon: Option<SimDuration>,
    /// Folder where relative paths of traffic start.
    pub base: PathBuf,
    /// The platform.
    pub platform: PlatformSpec,
    /// The cluster and its workloads, where the platform has pods or tasks.
    pub cluster: Option<kubernetes::Plan>,
    /// Its services.
    pub services: Vec<PlannedService>,
    /// How it is billed; `None` without `[prices]` or where no list covers the platform.
    pub pricing: Option<Pricing>,
}

impl Plan {
    /// A plan of variants that no scenario describes.
    pub fn of(variants: Vec<Variant>) -> Self {
        Self {
            variants,
            assumptions: Vec::new(),
            scenario_sha256: String::new(),
            profile_sha256: BTreeMap::new(),
        }
    }
}

impl Variant {
    /// A variant that no scenario describes: seed 1, ten replications, no warm-up, no bill. Without a horizon the run ends
    /// with the last arrival.
    pub fn new(name: &str, platform: PlatformSpec, services: Vec<PlannedService>) -> Self {
        Self {
            scenario: name.to_string(),
            name: name.to_string(),
            seed: 1,
            replications: Replications::Count(10),
            warm_up: SimDuration::ZERO,
            horizon: None,
            base: PathBuf::new(),
            platform,
            cluster: None,
            services,
            pricing: None,
        }
    }

    /// True if its pods share nodes.
    pub fn has_nodes(&self) -> bool {
        self.platform.part().runs_on().has_nodes()
    }

    /// The platform at work, for one replication.
    pub fn build(&self, draws: Draws) -> Box<dyn Platform> {
        let names: Vec<&str> = self.services.iter().map(|service| service.name.as_str()).collect();
        self.platform.part().build_on(self.cluster.as_ref(), draws, &names)
    }
}

/// A service of a variant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlannedService {
    /// Its name.
    pub name: String,
    /// Its framework or inline profile.
    pub framework: String,
    /// Where the profile comes from: `measured 2026-11-23`, `inline`.
    pub profile_source: String,
    /// Arrivals.
    pub traffic: Traffic,
    /// How often each of them comes: other than 1 where recorded traffic is made stronger or weaker.
    pub repeat: f64,
    /// The latency promise.
    pub slo: Option<Slo>,
    /// Memory of its instances, where it was measured.
    pub memory: Option<MemoryLine>,
    /// By which its cost is shown.
    pub tags: BTreeMap<String, String>,
    /// Bytes of its image compressed and unpacked, where that was measured.
    pub image: Option<(u64, u64)>,
    /// The requests of one of its pods: thousandths of a core, and MiB; 0 without pods.
    pub requests: (u64, u64),
    /// The simulator's share.
    pub setup: ServiceSetup,
}

impl PlannedService {
    /// A service that no scenario describes, without a latency promise.
    pub fn new(name: &str, traffic: Traffic, setup: ServiceSetup) -> Self {
        Self {
            name: name.to_string(),
            framework: name.to_string(),
            profile_source: "given".to_string(),
            traffic,
            repeat: 1.0,
            slo: None,
            memory: None,
            tags: BTreeMap::new(),
            image: None,
            requests: (0, 0),
            setup,
        }
    }

    /// The simulator's share, which tells why the latency promise is broken.
    pub(crate) fn explained(&self) -> ServiceSetup {
        let mut setup = self.setup.clone();
        setup.explain_above = self.slo.map(|slo| slo.latency);
        setup
    }

    /// Returns the view of the meters on the service.
    pub fn metered(&self) -> MeteredService {
        MeteredService {
            memory: self.memory,
            requests: self.requests,
        }
    }
}

/// Resolves a scenario.
///
/// # Errors
/// Every semantic problem at once, or a price list that cannot be used.
pub fn plan(loaded: &Loaded) -> Result<Plan, ScenarioError> {
    plan_with(loaded, None)
}

/// Resolves a scenario on measurements that are drawn anew from the samples of its profiles.
///
/// # Errors
/// As [`plan`].
pub fn plan_redrawn(loaded: &Loaded, redraw: Redraw) -> Result<Plan, ScenarioError> {
    plan_with(loaded, Some(redraw))
}

fn plan_with(loaded: &Loaded, redraw: Option<Redraw>) -> Result<Plan, ScenarioError> {
    let (scenario, files) = (&loaded.scenario, Files::below(&loaded.base));
    let mut findings = Findings::default();
    let cluster = findings.take(cluster::cluster(scenario, files));
    let pricing = findings.take(pricing::pricing(scenario, files, cluster.as_ref())?);
    let variants = findings.take(candidates::variants(
        scenario,
        files,
        cluster.as_ref(),
        pricing.as_ref(),
        redraw,
    ));
    findings.merge(workloads::autoscalers(scenario));
    match findings.finish() {
        Ok(Assumed {
            assumptions,
            profile_sha256,
        }) => Ok(Plan {
            variants,
            assumptions,
            scenario_sha256: loaded.sha256.clone(),
            profile_sha256,
        }),
        Err(problems) => Err(ScenarioError::Problems {
            name: loaded.name.clone(),
            problems,
        }),
    }
}
