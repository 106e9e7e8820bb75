//! From a name in `framework` to what the simulator needs of it: inline profiles, and measured ones.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::instance::InstanceSpec;
use super::load::hex;
use super::plan::Planner;
use super::work::Work;
use crate::assumption::Topic;
use crate::cost::meter::MemoryLine;
use crate::model::catalog;
use crate::model::dist::{Dist, DistSpec};
use crate::model::profile;
use crate::sim::setup::{CodeWarmUpCurve, ColdModel, Inside, ServiceTime};
use crate::suggest;
use crate::units::SimDuration;

/// What a name in `framework` stands for.
pub(super) struct Resolved {
    pub(super) warm: ServiceTime,
    pub(super) warm_up: Option<CodeWarmUpCurve>,
    pub(super) cold: ColdModel,
    pub(super) most_in_flight: Option<u32>,
    pub(super) inside: Option<Inside>,
    pub(super) memory: Option<MemoryLine>,
    pub(super) image: Option<(u64, u64)>,
    pub(super) source: String,
}

impl Planner<'_> {
    pub(super) fn resolve(&mut self, framework: &str, work: Option<&Work>) -> Result<Resolved, Vec<String>> {
        if let Some(inline) = self.scenario.profile.get(framework) {
            let base = self.base;
            let (warm, cold) = inline.resolve(|path| read(&base.join(path))).map_err(|problems| {
                problems
                    .iter()
                    .map(|p| format!("[profile.{framework}]: {p}"))
                    .collect::<Vec<_>>()
            })?;
            if work.is_some() {
                self.assume(Topic::Work.note(format!(
                    "[work] does not change `{framework}`: the service time of an inline profile includes its work"
                )));
            }
            let inside = match (self.scenario.instance.filter(InstanceSpec::shares), &cold) {
                (Some(_), ColdModel::Response(_)) => {
                    return Err(vec![format!(
                        "[profile.{framework}]: [instance] needs `cold-start` in place of `cold-response`: requests that share \
                         an instance cannot know the whole response time before"
                    )]);
                }
                (Some(instance), _) => {
                    self.assume(Topic::Work.large(format!(
                        "with [instance] the service time of `{framework}` is all CPU time"
                    )));
                    Some(instance.inside(&self.shape, SimDuration::ZERO))
                }
                (None, _) => None,
            };
            return Ok(Resolved {
                warm,
                warm_up: None,
                cold,
                most_in_flight: None,
                inside,
                memory: None,
                image: None,
                source: "inline".into(),
            });
        }
        let text = if framework.ends_with(".json") {
            read(&self.base.join(framework)).map_err(|problem| vec![problem])?
        } else {
            self.catalog(framework).map_err(|problem| vec![problem])?
        };
        let profile = profile::parse(&text).map_err(|problem| vec![format!("profile of {framework}: {problem}")])?;
        self.profile_sha256
            .insert(label(framework), hex(&Sha256::digest(text.as_bytes())));
        self.measured(&profile, work).map_err(|problem| vec![problem])
    }

    fn catalog(&self, framework: &str) -> Result<String, String> {
        if let Some(text) = catalog::profile(framework) {
            return Ok(text.to_string());
        }
        if catalog::is_not_measured(framework) {
            return Err(format!(
                "`{framework}` was not measured yet; measure it (`coldcast measure docker {framework} --out measured`) and name \
                 the file: framework `measured/{framework}/profile.json`"
            ));
        }
        let inline = self.scenario.profile.keys().cloned();
        let known: Vec<String> = catalog::profile_names().map(str::to_string).chain(inline).collect();
        let hint = suggest::did_you_mean(framework, known.iter().map(String::as_str));
        Err(format!(
            "there is no framework or profile `{framework}`; known are {}{hint}",
            known.join(", ")
        ))
    }

    pub(super) fn dist(&self, key: &str, spec: &DistSpec) -> Result<Dist, String> {
        let text = spec.path().map(|path| read(&self.base.join(path))).transpose()?;
        spec.prepare(text.as_deref())
            .map_err(|problem| format!("`{key}`: {problem}"))
    }
}

/// The name of a framework: that of the file, where a path is given, or that of its folder for `gin/profile.json`.
pub(super) fn label(framework: &str) -> String {
    let path = Path::new(framework);
    let folder = path.parent().and_then(Path::file_name);
    let name = match (path.extension(), path.file_stem()) {
        (Some(json), Some(stem)) if json == "json" => folder.filter(|_| stem == "profile").unwrap_or(stem),
        _ => return framework.to_string(),
    };
    name.to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
