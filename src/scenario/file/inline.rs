//! `[profile.<name>]`: a profile written into the scenario, for theory and for services that were measured elsewhere.

use serde::Deserialize;

use crate::model::dist::DistSpec;
use crate::sim::setup::{ColdModel, ServiceTime};
use crate::units::MemoryMib;

/// `[profile.<name>]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InlineProfile {
    /// Memory of an instance.
    pub memory: Option<MemoryMib>,
    /// Response time of a warm request, work included.
    pub service_time: DistSpec,
    /// Response time of a cold request, start included.
    pub cold_response: Option<DistSpec>,
    /// Time before the service of a cold request begins.
    pub cold_start: Option<DistSpec>,
}

impl InlineProfile {
    /// Prepares the distributions. `file` reads a file that a distribution names.
    ///
    /// # Errors
    /// Sentences that say what is wrong.
    pub fn resolve(
        &self,
        mut file: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<(ServiceTime, ColdModel), Vec<String>> {
        let mut problems = Vec::new();
        let mut prepare = |key: &str, spec: &DistSpec| {
            let text = spec.path().map(&mut file).transpose();
            let dist = text.and_then(|text| spec.prepare(text.as_deref()));
            dist.map_err(|problem| problems.push(format!("`{key}`: {problem}")))
                .ok()
        };
        let warm = prepare("service-time", &self.service_time);
        let cold = match (&self.cold_response, &self.cold_start) {
            (Some(spec), None) => prepare("cold-response", spec).map(ColdModel::Response),
            (None, Some(spec)) => prepare("cold-start", spec).map(ColdModel::Start),
            _ => {
                problems.push("give either `cold-response` or `cold-start`".into());
                None
            }
        };
        match (warm, cold) {
            (Some(warm), Some(cold)) if problems.is_empty() => Ok((ServiceTime::Whole(warm), cold)),
            _ => Err(problems),
        }
    }
}
