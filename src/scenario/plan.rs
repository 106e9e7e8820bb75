//! What a scenario means: variants ready to run, every choice made, and all semantic problems found at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::ScenarioError;
use super::file::{Prices, SCHEMA, Scenario, Service, Slo};
use super::load::{Loaded, hex};
use super::measured;
use super::work::{CpuSpec, Work};
use crate::cost::meter::LambdaMeterSpec;
use crate::cost::month::Month;
use crate::model::catalog;
use crate::model::dist::Dist;
use crate::model::price::PriceList;
use crate::model::profile::{self, FrameworkProfile};
use crate::sim::platform::{PlatformSpec, Shape};
use crate::sim::setup::{ColdModel, ServiceSetup, ServiceTime};
use crate::suggest;
use crate::trace::Traffic;
use crate::units::SimDuration;
use sha2::{Digest, Sha256};

/// All replications are kept until the end.
const MOST_REPLICATIONS: u32 = 10_000;

/// A scenario, resolved.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One variant for each candidate, or one in all where the scenario has several services.
    pub variants: Vec<Variant>,
    /// Choices that were made and that change the numbers, in words.
    pub assumptions: Vec<String>,
    /// SHA-256 of the scenario text.
    pub scenario_sha256: String,
    /// SHA-256 of each profile file that is used.
    pub profile_sha256: BTreeMap<String, String>,
}

/// Something that can be run.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Name of the scenario.
    pub scenario: String,
    /// Name among the variants.
    pub name: String,
    /// Root of all random numbers.
    pub seed: u64,
    /// Independent repetitions.
    pub replications: u32,
    /// Beginning that counts in no statistic.
    pub warm_up: SimDuration,
    /// Length of the run, where the scenario sets it.
    pub horizon: Option<SimDuration>,
    /// Folder where relative paths of traffic start.
    pub base: PathBuf,
    /// The platform.
    pub platform: PlatformSpec,
    /// Its services.
    pub services: Vec<PlannedService>,
    /// How it is billed; `None` without `[prices]` or where no list covers the platform.
    pub pricing: Option<Pricing>,
}

/// A service of a variant.
#[derive(Debug, Clone)]
pub struct PlannedService {
    /// Its name.
    pub name: String,
    /// Its framework or inline profile.
    pub framework: String,
    /// Where the profile comes from: `measured 2026-11-23`, `inline`.
    pub profile_source: String,
    /// Arrivals.
    pub traffic: Traffic,
    /// The latency promise.
    pub slo: Option<Slo>,
    /// The simulator's share.
    pub setup: ServiceSetup,
}

/// How a variant is billed.
#[derive(Debug, Clone)]
pub struct Pricing {
    /// The price list.
    pub list: PriceList,
    /// Length of the month.
    pub month: Month,
    /// Whether the free allowance is granted.
    pub free_tier: bool,
    /// How invocations become billed quantities.
    pub meter: LambdaMeterSpec,
}

/// What a name in `framework` stands for.
struct Resolved {
    warm: ServiceTime,
    cold: ColdModel,
    source: String,
}

/// Resolves a scenario.
///
/// # Errors
/// Every semantic problem at once, or a price list that cannot be used.
pub fn plan(loaded: &Loaded) -> Result<Plan, ScenarioError> {
    let mut planner = Planner {
        scenario: &loaded.scenario,
        base: &loaded.base,
        shape: loaded.scenario.platform.part().shape(),
        problems: Vec::new(),
        assumptions: BTreeSet::new(),
        profile_sha256: BTreeMap::new(),
    };
    let pricing = planner.pricing()?;
    let variants = planner.variants(&pricing);
    if planner.problems.is_empty() {
        return Ok(Plan {
            variants,
            assumptions: planner.assumptions.into_iter().collect(),
            scenario_sha256: loaded.sha256.clone(),
            profile_sha256: planner.profile_sha256,
        });
    }
    Err(ScenarioError::Problems {
        name: loaded.name.clone(),
        problems: planner.problems,
    })
}

struct Planner<'a> {
    scenario: &'a Scenario,
    base: &'a Path,
    shape: Shape,
    problems: Vec<String>,
    assumptions: BTreeSet<String>,
    profile_sha256: BTreeMap<String, String>,
}

impl Planner<'_> {
    fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    fn assume(&mut self, text: impl Into<String>) {
        self.assumptions.insert(text.into());
    }

    fn variants(&mut self, pricing: &Option<Pricing>) -> Vec<Variant> {
        // Without `..`, so that a new key cannot be forgotten here.
        let Scenario {
            schema,
            name,
            seed,
            replications,
            warm_up,
            horizon,
            frameworks,
            interpolate: _,
            traffic,
            work,
            slo,
            platform,
            prices: _,
            profile: _,
            service,
        } = self.scenario;
        if *schema != SCHEMA {
            self.problem(format!("`schema` is {schema}; this version reads {SCHEMA}"));
        }
        if !(1..=MOST_REPLICATIONS).contains(replications) {
            self.problem(format!(
                "`replications` is {replications}; it must be at least 1 and at most {MOST_REPLICATIONS}"
            ));
        }
        if name.trim().is_empty() {
            self.problem("`name` is empty; it names the scenario in every report");
        }
        if horizon.is_some_and(|horizon| horizon <= *warm_up) {
            self.problem("`horizon` must be longer than `warm-up`");
        }
        for problem in platform.part().problems() {
            self.problem(format!("[platform.{}]: {problem}", platform.name()));
        }
        for assumption in platform.part().assumptions() {
            self.assume(assumption);
        }
        let variant = |name: &str, services| Variant {
            scenario: self.scenario.name.clone(),
            name: name.to_string(),
            seed: *seed,
            replications: *replications,
            warm_up: *warm_up,
            horizon: *horizon,
            base: self.base.to_path_buf(),
            platform: platform.clone(),
            services,
            pricing: pricing.clone(),
        };
        let candidate = |framework: &String| Service {
            name: name.clone(),
            framework: framework.clone(),
            traffic: traffic.clone(),
            work: work.clone(),
            slo: *slo,
        };
        let groups: Vec<(String, Vec<Service>)> = match (frameworks.as_slice(), service.as_slice()) {
            ([], []) => {
                self.problems
                    .push("give `frameworks = [\"...\"]` or at least one [[service]]".into());
                Vec::new()
            }
            (frameworks, []) => frameworks.iter().map(|f| (label(f), vec![candidate(f)])).collect(),
            ([], services) => {
                let filled = services.iter().map(|service| Service {
                    traffic: service.traffic.clone().or_else(|| traffic.clone()),
                    work: service.work.clone().or_else(|| work.clone()),
                    slo: service.slo.or(*slo),
                    ..service.clone()
                });
                vec![(name.clone(), filled.collect())]
            }
            _ => {
                self.problems
                    .push("give either `frameworks` or [[service]], not both".into());
                Vec::new()
            }
        };
        let mut seen = BTreeSet::new();
        let doubled: Vec<String> = groups
            .iter()
            .map(|(name, _)| name)
            .filter(|n| !seen.insert(*n))
            .cloned()
            .collect();
        let mut variants = Vec::new();
        for (name, services) in &groups {
            variants.push(variant(name, Vec::new()));
            let mut names = BTreeSet::new();
            for service in services {
                if !names.insert(&service.name) || service.name == "all" {
                    self.problems.push(format!(
                        "a service is called `{}`: names must differ, and `all` is taken",
                        service.name
                    ));
                }
            }
        }
        for name in doubled {
            self.problem(format!("`{name}` is named twice in `frameworks`"));
        }
        for (variant, (_, services)) in variants.iter_mut().zip(&groups) {
            variant.services = services.iter().filter_map(|service| self.service(service)).collect();
        }
        // The same sentence about every candidate is one problem.
        let mut said = BTreeSet::new();
        self.problems.retain(|problem| said.insert(problem.clone()));
        variants
    }

    fn service(&mut self, service: &Service) -> Option<PlannedService> {
        let Service {
            name,
            framework,
            traffic,
            work,
            slo,
        } = service;
        if let Some(slo) = slo
            && !(slo.objective > 0.0 && slo.objective <= 1.0)
        {
            self.problem(format!(
                "`slo.objective` is {}; it must be above 0 and at most 1, such as 0.99",
                slo.objective
            ));
        }
        let traffic = match traffic {
            Some(traffic) => Some(traffic.clone()),
            None => {
                self.problem(format!(
                    "there is no [traffic] for `{name}`; kinds: {}",
                    Traffic::NAMES.join(", ")
                ));
                None
            }
        };
        for problem in traffic.iter().flat_map(Traffic::problems) {
            self.problem(problem);
        }
        let resolved = match self.resolve(framework, work.as_ref()) {
            Ok(resolved) => resolved,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        Some(PlannedService {
            name: name.clone(),
            framework: label(framework),
            profile_source: resolved.source,
            traffic: traffic?,
            slo: *slo,
            setup: ServiceSetup {
                warm: resolved.warm,
                cold: resolved.cold,
                concurrency: self.shape.concurrency.max(1),
                routing: self.shape.routing,
                timeout: self.shape.timeout,
                init_limit: self.shape.init_limit,
                queue_timeout: self.shape.queue_timeout,
                initial: self.shape.initial,
            },
        })
    }

    fn resolve(&mut self, framework: &str, work: Option<&Work>) -> Result<Resolved, Vec<String>> {
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
            return Ok(Resolved {
                warm,
                cold,
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
        Ok(Resolved {
            warm: ServiceTime::Parts {
                overhead: sized.overhead,
                cpu,
                wait,
            },
            cold: ColdModel::Measured(sized.cold.into()),
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
        // A handler runs on one thread: above one vCPU it gains nothing.
        let share = self.shape.cpu.as_vcpu().min(1.0);
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

    fn dist(&self, key: &str, spec: &crate::model::dist::DistSpec) -> Result<Dist, String> {
        let text = spec.path().map(|path| read(&self.base.join(path))).transpose()?;
        spec.prepare(text.as_deref())
            .map_err(|problem| format!("`{key}`: {problem}"))
    }

    fn pricing(&mut self) -> Result<Option<Pricing>, ScenarioError> {
        let Some(Prices { list, month, free_tier }) = &self.scenario.prices else {
            return Ok(None);
        };
        let path = self.base.join(list);
        let list = if list.ends_with(".toml") {
            PriceList::read(&path)?
        } else {
            PriceList::find(list)?
        };
        let PlatformSpec::Lambda(spec) = &self.scenario.platform else {
            self.assume(format!(
                "no price of {} covers the platform `{}`: its cost is unknown and stays blank",
                list.id,
                self.scenario.platform.name()
            ));
            return Ok(None);
        };
        let meter = LambdaMeterSpec::new(spec, &list)?;
        for problem in meter.problems(&list) {
            self.problem(problem);
        }
        self.assume(format!(
            "a month has {} hours{}; prices of {} without tax",
            month.hours().normalize(),
            if *free_tier {
                ", the free allowance is granted once to each variant"
            } else {
                ", no free allowance is granted"
            },
            list.id
        ));
        Ok(Some(Pricing {
            list,
            month: *month,
            free_tier: *free_tier,
            meter,
        }))
    }
}

/// The name of a framework: that of the file, where a path is given, or that of its folder for `gin/profile.json`.
fn label(framework: &str) -> String {
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
