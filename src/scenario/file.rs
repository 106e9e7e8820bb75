//! The scenario exactly as the TOML says it. Unknown keys are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::autoscaler::AutoscalerSpec;
use super::client::ClientSpec;
use super::cluster::{ClusterSpec, PodSpec};
use super::inline::InlineProfile;
use super::instance::InstanceSpec;
use super::work::Work;
use crate::cost::commitment::CommitmentSpec;
use crate::cost::currency::Currency;
use crate::cost::extras::ExtrasSpec;
use crate::cost::month::Month;
use crate::sim::platform::PlatformSpec;
use crate::trace::Traffic;
use crate::units::SimDuration;

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
    /// Independent repetitions, from which the intervals come.
    #[serde(default = "ten")]
    pub replications: u32,
    /// Beginning of the run that counts in no statistic.
    #[serde(default)]
    pub warm_up: SimDuration,
    /// Length of the run; default: the length of the trace.
    pub horizon: Option<SimDuration>,
    /// Candidates: each becomes a variant on the same traffic.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// Whether sizes between two measured ones may be interpolated.
    #[serde(default)]
    pub interpolate: bool,
    /// Arrivals.
    pub traffic: Option<Traffic>,
    /// How many times as much traffic there is as the scenario says, of all services.
    #[serde(default = "as_it_is")]
    pub traffic_factor: f64,
    /// The handler's own work.
    pub work: Option<Work>,
    /// What those do who send the requests; default: each asks once and waits for the answer.
    pub client: Option<ClientSpec>,
    /// The latency promise.
    pub slo: Option<Slo>,
    /// Where it runs.
    pub platform: PlatformSpec,
    /// How many pods a Deployment has; default: one.
    pub autoscaler: Option<AutoscalerSpec>,
    /// The nodes that pods run on.
    pub cluster: Option<ClusterSpec>,
    /// What requests share inside an instance; default: nothing.
    pub instance: Option<InstanceSpec>,
    /// What it costs.
    pub prices: Option<Prices>,
    /// What there is beside compute: load balancer, traffic, logs, images.
    pub extras: Option<ExtrasSpec>,
    /// Profiles written into the scenario.
    #[serde(default)]
    pub profile: BTreeMap<String, InlineProfile>,
    /// Several services instead of several candidates.
    #[serde(default)]
    pub service: Vec<Service>,
}

/// `[slo]`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// A valid request is good if it is answered within this time.
    pub latency: SimDuration,
    /// Share of valid requests that must be good, above 0 and at most 1.
    pub objective: f64,
}

/// `[prices]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prices {
    /// Name of a built-in list, or path of a file.
    pub list: String,
    /// Length of the month that is billed.
    #[serde(default)]
    pub month: Month,
    /// Whether the provider's free allowance is granted, once to each variant.
    #[serde(default)]
    pub free_tier: bool,
    /// The day whose rules decide what is billed, such as 2025-07-31; default: the day from which the list stands.
    pub rules_of: Option<String>,
    /// What a variant may cost in a month, in US dollars, in quotes.
    pub budget: Option<String>,
    /// A currency in which exports show the bill as well, such as "EUR=0.92": what a US dollar comes to.
    pub currency: Option<Currency>,
    /// Prices in place of the list's, by meter, in quotes: US dollars for as many units as the list quotes them for.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Discounts such as `"12%"` by meter, by the first words of meters, or by cloud service.
    #[serde(default)]
    pub discounts: BTreeMap<String, String>,
    /// What is promised to be used or spent for a lower rate.
    #[serde(default)]
    pub commitments: Vec<CommitmentSpec>,
}

/// `[[service]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name, unique within the scenario.
    pub name: String,
    /// Catalog profile, path of a profile file, or inline profile.
    pub framework: String,
    /// Arrivals; default: the scenario's.
    pub traffic: Option<Traffic>,
    /// The handler's own work; default: the scenario's.
    pub work: Option<Work>,
    /// What those do who send its requests; default: the scenario's.
    pub client: Option<ClientSpec>,
    /// The latency promise; default: the scenario's.
    pub slo: Option<Slo>,
    /// How many pods it has; default: as the scenario's `[autoscaler]` says.
    pub autoscaler: Option<AutoscalerSpec>,
    /// What its pods have in place of the platform's.
    pub pod: Option<PodSpec>,
    /// By which its cost is shown: team, environment, cost centre.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

fn one() -> u64 {
    1
}

fn as_it_is() -> f64 {
    1.0
}

fn ten() -> u32 {
    10
}
