//! `[profile.<name>]`: a profile written into the scenario, for theory and for services that were measured elsewhere.

use serde::Deserialize;

use crate::model::dist::{Dist, DistSpec};
use crate::sim::setup::{ColdModel, ServiceTime};
use crate::units::{MemoryMib, SimDuration};

/// `[profile.<name>]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InlineProfile {
    /// Memory of an instance.
    pub memory: Option<MemoryMib>,
    /// Response time of a warm request, work included. Required, unless the traffic carries durations: then each request
    /// takes its own.
    pub service_time: Option<DistSpec>,
    /// Response time of a cold request, start included.
    pub cold_response: Option<DistSpec>,
    /// Time before the service of a cold request begins.
    pub cold_start: Option<DistSpec>,
}

impl InlineProfile {
    /// Prepares the distributions. `carries_durations` is true if the traffic gives each request its service time, and
    /// `file` reads a file that a distribution names.
    ///
    /// # Errors
    /// Sentences that say what is wrong.
    pub fn resolve(
        &self,
        carries_durations: bool,
        mut file: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<(ServiceTime, ColdModel), Vec<String>> {
        let mut problems = Vec::new();
        let mut prepare = |key: &str, spec: &DistSpec| {
            let text = spec.path().map(&mut file).transpose();
            let dist = text.and_then(|text| spec.prepare(text.as_deref()));
            dist.map_err(|problem| problems.push(format!("`{key}`: {problem}")))
                .ok()
        };
        let warm = match &self.service_time {
            Some(spec) => prepare("service-time", spec),
            None => Some(Dist::Constant(SimDuration::ZERO)),
        };
        let cold = match (&self.cold_response, &self.cold_start) {
            (Some(spec), None) => prepare("cold-response", spec).map(ColdModel::Response),
            (None, Some(spec)) => prepare("cold-start", spec).map(ColdModel::Start),
            _ => {
                problems.push("give either `cold-response` or `cold-start`".into());
                None
            }
        };
        if self.service_time.is_none() && !carries_durations {
            problems.push(
                "`service-time` is missing: give the response time of a warm request, or traffic that carries durations"
                    .into(),
            );
        }
        match (warm, cold) {
            (Some(warm), Some(cold)) if problems.is_empty() => Ok((ServiceTime::Whole(warm), cold)),
            _ => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_traffic_that_carries_durations_does_without_a_service_time() {
        let resolve = |text: &str, carries_durations| {
            let profile: InlineProfile = toml::from_str(text).unwrap();
            profile.resolve(carries_durations, |path| Err(format!("no file {path}")))
        };
        let without = "cold-start = '2s'";
        assert!(matches!(resolve(without, true), Ok((ServiceTime::Whole(_), _))));
        let problems = resolve(without, false).unwrap_err();
        assert!(
            problems.len() == 1 && problems[0].contains("`service-time` is missing"),
            "{problems:?}"
        );
        assert!(resolve("service-time = '1s'\ncold-start = '2s'", false).is_ok());
    }
}
