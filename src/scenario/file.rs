//! The scenario exactly as the TOML says it. Unknown keys are errors.

pub mod autoscaler;
pub mod client;
pub mod cluster;
pub mod discipline;
pub mod inline;
pub mod instance;
pub mod prices;
pub mod replications;
mod service;
pub mod work;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cost::extras::ExtrasSpec;
use crate::sim::platform::PlatformSpec;
use crate::trace::Traffic;
use crate::units::SimDuration;
use autoscaler::AutoscalerSpec;
use client::ClientSpec;
use cluster::ClusterSpec;
use inline::InlineProfile;
use instance::InstanceSpec;
use prices::Prices;
use replications::ReplicationsSpec;
pub use service::{Service, Slo};
use work::Work;

/// The only scenario format so far.
pub const SCHEMA: u32 = 1;

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Version of this format: 1.
    pub schema: u32,
    /// Name in every report.
    pub name: String,
    /// Root of all random numbers.
    #[serde(default = "one")]
    pub seed: u64,
    /// Independent repetitions, from which the intervals come: a number, or as many as a precision needs.
    #[serde(default = "ten")]
    pub replications: ReplicationsSpec,
    /// Beginning of the run that counts in no statistic.
    #[serde(default)]
    pub warm_up: SimDuration,
    /// Length of the run; default: the length of the trace.
    pub horizon: Option<SimDuration>,
    /// Candidates: each becomes a variant on the same traffic.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// True if sizes between two measured ones may be interpolated.
    #[serde(default)]
    pub interpolate: bool,
    /// Arrivals.
    pub traffic: Option<Traffic>,
    /// How many times as much traffic there is as the scenario says, of all services.
    #[serde(default = "as_it_is")]
    pub traffic_factor: f64,
    /// The handler's own work.
    pub work: Option<Work>,
    /// The behaviour of the clients. Default: each sends a request once and waits for the answer.
    pub client: Option<ClientSpec>,
    /// The latency promise.
    pub slo: Option<Slo>,
    /// Where it runs.
    pub platform: PlatformSpec,
    /// How many pods a Deployment has; default: one.
    pub autoscaler: Option<AutoscalerSpec>,
    /// The nodes that pods run on.
    pub cluster: Option<ClusterSpec>,
    /// The resources that requests share inside an instance. Default: nothing.
    pub instance: Option<InstanceSpec>,
    /// The prices.
    pub prices: Option<Prices>,
    /// The costs beside compute: load balancer, traffic, logs, images.
    pub extras: Option<ExtrasSpec>,
    /// Profiles written into the scenario.
    #[serde(default)]
    pub profile: BTreeMap<String, InlineProfile>,
    /// Several services instead of several candidates.
    #[serde(default)]
    pub service: Vec<Service>,
}

fn one() -> u64 {
    1
}

fn as_it_is() -> f64 {
    1.0
}

fn ten() -> ReplicationsSpec {
    ReplicationsSpec::Count(10)
}
