//! `[[service]]` and `[slo]`: one of several services, and the latency promise.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::autoscaler::AutoscalerSpec;
use super::client::ClientSpec;
use super::cluster::PodSpec;
use super::work::Work;
use crate::trace::Traffic;
use crate::units::SimDuration;

/// `[slo]`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// A request is good if it is answered within this time.
    pub latency: SimDuration,
    /// Share of requests that must be good, above 0 and at most 1.
    pub objective: f64,
}

impl Slo {
    /// Returns the problem; `None` if there is none.
    pub fn problem(&self) -> Option<String> {
        let is_share = self.objective > 0.0 && self.objective <= 1.0;
        (!is_share).then(|| {
            format!(
                "`slo.objective` is {}; it must be above 0 and at most 1, such as 0.99",
                self.objective
            )
        })
    }
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
    /// The behaviour of its clients. Default: that of the scenario.
    pub client: Option<ClientSpec>,
    /// The latency promise; default: the scenario's.
    pub slo: Option<Slo>,
    /// How many pods it has; default: as the scenario's `[autoscaler]` says.
    pub autoscaler: Option<AutoscalerSpec>,
    /// The sizes of its pods in place of those of the platform.
    pub pod: Option<PodSpec>,
    /// By which its cost is shown: team, environment, cost centre.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}
