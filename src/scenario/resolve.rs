//! From a name in `framework` to what the simulator needs of it: inline profiles, measured ones, and the work on top.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::instance;
use super::load::hex;
use super::measured;
use super::plan::Planner;
use super::work::{CpuSpec, Work};
use crate::model::catalog;
use crate::model::dist::{Dist, DistSpec};
use crate::model::profile::{self, FrameworkProfile};
use crate::sim::platform::PlatformSpec;
use crate::sim::setup::{ColdModel, Inside, ServiceTime};
use crate::suggest;
use crate::units::SimDuration;

/// What a name in `framework` stands for.
pub(super) struct Resolved {
    pub(super) warm: ServiceTime,
    pub(super) cold: ColdModel,
    pub(super) inside: Option<Inside>,
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
                self.assume(format!(
                    "[work] does not change `{framework}`: the service time of an inline profile includes its work"
                ));
            }
            let inside = match (self.scenario.instance, &cold) {
                (Some(_), ColdModel::Response(_)) => {
                    return Err(vec![format!(
                        "[profile.{framework}]: [instance] needs `cold-start` in place of `cold-response`: requests that share \
                         an instance cannot know the whole response time before"
                    )]);
                }
                (Some(instance), _) => {
                    self.assume(format!(
                        "with [instance] the service time of `{framework}` is all CPU time"
                    ));
                    Some(instance.inside(&self.shape, SimDuration::ZERO))
                }
                (None, _) => None,
            };
            return Ok(Resolved {
                warm,
                cold,
                inside,
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
        let nearest = suggest::nearest(framework, known.iter().map(String::as_str));
        let hint = nearest
            .first()
            .map(|n| format!("; did you mean `{n}`?"))
            .unwrap_or_default();
        Err(format!(
            "there is no framework or profile `{framework}`; known are {}{hint}",
            known.join(", ")
        ))
    }

    fn measured(&mut self, profile: &FrameworkProfile, work: Option<&Work>) -> Result<Resolved, String> {
        let name = &profile.name;
        let sized = measured::at_size(profile, self.shape.cpu, self.scenario.interpolate)?;
        if let Some((low, high)) = sized.between {
            self.assume(format!(
                "{name} at {} vCPU is interpolated between the measured {} and {} vCPU, in the reciprocal of the CPU",
                self.shape.cpu.as_vcpu(),
                low.as_vcpu(),
                high.as_vcpu()
            ));
        }
        if let Some(memory) = self.shape.memory {
            let peak = sized.peak_anon_bytes.unwrap_or(0);
            if peak > u64::from(memory.0) << 20 {
                return Err(format!(
                    "{name} needs more memory than {memory}: measured peak {} MiB of anonymous memory under load",
                    peak >> 20
                ));
            }
            if memory != sized.memory {
                self.assume(format!(
                    "profiles were measured under a memory limit of {}; at {memory} the same times are assumed",
                    sized.memory
                ));
            }
        }
        self.assume(
            "an empty handler costs what /healthz was measured to take with one request in flight, network round trip \
             taken off; a cold start is one measured start with its phases together; a warm instance costs the same from \
             its second request on",
        );
        if matches!(self.scenario.platform, PlatformSpec::Lambda(_)) {
            self.assume(
                "measured with containers: creating and starting the container stands for Lambda's environment (waited \
                 for, not billed), process start to listening socket for its init (billed where the price list says so)",
            );
            self.assume(
                "the CPU limit was in force from the start of the container; Lambda is reported to give initialisation \
                 more CPU than the memory buys, so that cold starts below 1 vCPU are rather upper bounds",
            );
        }
        let (cpu, wait) = self.work(name, work, &sized.cpu_ms)?;
        let mut overhead = sized.overhead;
        let mut inside = None;
        if let Some(instance) = self.scenario.instance {
            let overhead_ms = sized.cpu_ms.get(measured::EMPTY_ROUTE).copied().unwrap_or(0.0);
            let overhead_cpu = SimDuration::from_millis_f64(overhead_ms);
            overhead = instance::without_cpu(&overhead, overhead_cpu.scale(1.0 / self.share()));
            inside = Some(instance.inside(&self.shape, overhead_cpu));
        }
        Ok(Resolved {
            warm: ServiceTime::Parts { overhead, cpu, wait },
            cold: ColdModel::Measured(sized.cold.into()),
            inside,
            source: format!("measured {}", profile.measured_on()),
        })
    }

    /// The work's CPU part, stretched to the instance's CPU, and its waiting part.
    fn work(
        &mut self,
        name: &str,
        work: Option<&Work>,
        cpu_ms: &BTreeMap<String, f64>,
    ) -> Result<(Dist, Dist), String> {
        let none = Dist::Constant(SimDuration::ZERO);
        let Some(work) = work else {
            return Ok((none.clone(), none));
        };
        // Where requests share the CPU, the engine stretches.
        let share = if self.scenario.instance.is_some() {
            1.0
        } else {
            self.share()
        };
        let cpu = match &work.cpu {
            None => none.clone(),
            Some(CpuSpec::Route { route, times }) => {
                let per_request = cpu_ms.get(route).ok_or_else(|| {
                    let known: Vec<&str> = cpu_ms.keys().map(String::as_str).collect();
                    format!(
                        "`work.cpu.route` is `{route}`, measured for {name} are {}",
                        known.join(", ")
                    )
                })?;
                if !(times.is_finite() && *times >= 0.0) {
                    return Err("`work.cpu.times` must be a number of at least 0".into());
                }
                self.assume(
                    "the work's CPU time is the mean measured for the route times the factor; it is the same for every \
                     request, and one thread does it",
                );
                Dist::Constant(SimDuration::from_millis_f64(per_request * times / share))
            }
            Some(CpuSpec::Time(spec)) => self.dist("work.cpu", spec)?.scaled(1.0 / share),
        };
        let wait = match &work.io {
            None => none,
            Some(spec) => self.dist("work.io", spec)?,
        };
        Ok((cpu, wait))
    }

    /// The share of a core that one request can have: a handler runs on one thread and gains nothing above one vCPU.
    fn share(&self) -> f64 {
        self.shape.cpu.as_vcpu().min(1.0)
    }

    fn dist(&self, key: &str, spec: &DistSpec) -> Result<Dist, String> {
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
