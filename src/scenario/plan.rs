//! What a scenario means: variants ready to run, every choice made, and all semantic problems found at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;

use super::error::ScenarioError;
use super::file::{Prices, SCHEMA, Scenario, Service, Slo};
use super::load::Loaded;
use super::resolve::label;
use crate::assumption::{Assumption, Topic};
use crate::cost::commitment::{self, Commitment};
use crate::cost::currency::Currency;
use crate::cost::extras::{Extras, Target};
use crate::cost::meter::{Hourly, MemoryLine, MeterSpec, MeteredService, ServedMeter};
use crate::cost::month::Month;
use crate::model::price::PriceList;
use crate::model::price::date::parse_day;
use crate::sim::platform::{PlatformSpec, Shape};
use crate::sim::setup::ServiceSetup;
use crate::suggest;
use crate::trace::Traffic;
use crate::units::SimDuration;

/// All replications are kept until the end.
const MOST_REPLICATIONS: u32 = 10_000;

/// The most that `traffic-factor` may be.
const MOST_TRAFFIC: f64 = 1e6;

/// A scenario, resolved.
#[derive(Debug, Clone)]
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
    /// What one of its pods requests: thousandths of a core, and MiB; 0 where there are no pods.
    pub requests: (u64, u64),
    /// The simulator's share.
    pub setup: ServiceSetup,
}

impl PlannedService {
    /// What a meter has to know of it.
    pub fn metered(&self) -> MeteredService {
        MeteredService {
            memory: self.memory,
            requests: self.requests,
        }
    }
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
    /// What a variant may cost in a month, in US dollars.
    pub budget: Option<Decimal>,
    /// A currency in which exports show the bill as well.
    pub currency: Option<Currency>,
    /// Commitments in the order in which usage draws on them.
    pub commitments: Vec<Commitment>,
    /// How what happens becomes billed quantities.
    pub meter: MeterSpec,
    /// What there is beside compute.
    pub extras: Option<Extras>,
}

impl Pricing {
    /// A meter for these services.
    pub fn start(&self, warm_up: SimDuration, metered: &[MeteredService]) -> Hourly {
        let services = metered.len();
        let served = self.extras.as_ref().map(|_| ServedMeter::new(warm_up, services));
        Hourly::new(self.meter.start(warm_up, metered), served, services)
    }

    /// Whether it has to be told what each instance does.
    pub fn needs_activity(&self) -> bool {
        self.meter.needs_activity() || self.extras.as_ref().is_some_and(Extras::needs_activity)
    }

    /// Whether all that is billed comes with requests, so that a part of the time has a part of the bill.
    pub fn is_by_request(&self) -> bool {
        self.extras.is_none() && self.commitments.is_empty()
    }
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
        machines: BTreeMap::new(),
    };
    let platform = planner.platform();
    let pricing = planner.pricing(&platform)?;
    let variants = planner.variants(&platform, &pricing);
    planner.name_machines();
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

/// A plan in the making.
pub(super) struct Planner<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) base: &'a Path,
    pub(super) shape: Shape,
    pub(super) problems: Vec<String>,
    pub(super) assumptions: BTreeSet<Assumption>,
    pub(super) profile_sha256: BTreeMap<String, String>,
    /// Machines on which profiles were measured, with the frameworks of each.
    pub(super) machines: BTreeMap<String, BTreeSet<String>>,
}

impl Planner<'_> {
    /// Says so where frameworks were not measured on the same machine: then what differs is not theirs alone.
    fn name_machines(&mut self) {
        if self.machines.len() < 2 {
            return;
        }
        let each = self.machines.iter().map(|(machine, frameworks)| {
            let names: Vec<&str> = frameworks.iter().map(String::as_str).collect();
            format!("{} on {machine}", names.join(", "))
        });
        let each: Vec<String> = each.collect();
        self.assume(Topic::Profile.large(format!(
            "the profiles come from different machines, so that differences between frameworks are in part differences between \
             machines: {}",
            each.join("; ")
        )));
    }

    pub(super) fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    pub(super) fn assume(&mut self, assumption: Assumption) {
        self.assumptions.insert(assumption);
    }

    fn variants(&mut self, platform: &PlatformSpec, pricing: &Option<Pricing>) -> Vec<Variant> {
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
            traffic_factor,
            work,
            client,
            slo,
            platform: _,
            autoscaler: _,
            cluster: _,
            instance,
            prices,
            extras,
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
        if !(*traffic_factor > 0.0 && *traffic_factor <= MOST_TRAFFIC) {
            self.problem(format!(
                "`traffic-factor` is {traffic_factor}; it says how many times as much traffic there is, above 0 and at most {MOST_TRAFFIC}"
            ));
            return Vec::new();
        }
        if *traffic_factor != 1.0 {
            self.assume(Topic::Traffic.note(format!(
                "there is {traffic_factor} times the traffic that [traffic] says (`traffic-factor`): what is made has another rate, \
                 users are rounded to whole ones, and of what was recorded each arrival comes that often in the mean"
            )));
        }
        if name.trim().is_empty() {
            self.problem("`name` is empty; it names the scenario in every report");
        }
        if horizon.is_some_and(|horizon| horizon <= *warm_up) {
            self.problem("`horizon` must be longer than `warm-up`");
        }
        if extras.is_some() && prices.is_none() {
            self.problem("[extras] needs [prices]: write `list = \"aws-us-east-1\"` there");
        }
        for problem in platform.part().problems() {
            self.problem(format!("[platform.{}]: {problem}", platform.name()));
        }
        for assumption in platform.part().assumptions() {
            self.assume(assumption);
        }
        if let Some(instance) = instance {
            self.problems.extend(instance.problems(&self.shape));
            instance.assumptions().into_iter().for_each(|text| self.assume(text));
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
            client: client.clone(),
            slo: *slo,
            autoscaler: None,
            pod: None,
            tags: BTreeMap::new(),
        };
        let groups: Vec<(String, Vec<Service>)> = match (frameworks.as_slice(), service.as_slice()) {
            ([], []) => {
                self.problems
                    .push("give `frameworks = [\"...\"]` or at least one [[service]]".into());
                Vec::new()
            }
            (frameworks, []) => frameworks.iter().map(|f| (label(f), vec![candidate(f)])).collect(),
            ([], services) => {
                for service in services
                    .iter()
                    .filter(|service| service.tags.values().any(|value| value == "untagged"))
                {
                    self.problems.push(format!(
                        "service `{}`: no tag may have the value `untagged`, under which services without it are shown",
                        service.name
                    ));
                }
                let filled = services.iter().map(|service| Service {
                    traffic: service.traffic.clone().or_else(|| traffic.clone()),
                    work: service.work.clone().or_else(|| work.clone()),
                    client: service.client.clone().or_else(|| client.clone()),
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
        if let PlatformSpec::Lambda(spec) = platform {
            let services = groups
                .iter()
                .flat_map(|(_, services)| services)
                .map(|service| service.name.as_str());
            let services: BTreeSet<&str> = services.collect();
            for name in spec.function.keys().filter(|name| !services.contains(name.as_str())) {
                let hint = suggest::did_you_mean(name, services.iter().copied());
                self.problems.push(format!(
                    "[platform.lambda.function.{name}]: there is no service `{name}`{hint}"
                ));
            }
        }
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
            if variant.services.len() == services.len() {
                self.workloads(&mut variant.platform, services, &mut variant.services);
            }
            self.without_memory(variant);
            self.without_image(variant);
        }
        self.autoscalers(service);
        // The same sentence about every candidate is one problem.
        let mut said = BTreeSet::new();
        self.problems.retain(|problem| said.insert(problem.clone()));
        variants
    }

    /// Takes the prices off a variant whose bill needs what was not measured.
    fn without_memory(&mut self, variant: &mut Variant) {
        let Some(pricing) = &variant.pricing else {
            return;
        };
        let unknown: Vec<Assumption> = variant
            .services
            .iter()
            .filter_map(|service| {
                let reason = pricing.meter.unknown(&service.metered())?;
                Some(Topic::Price.factor(format!(
                    "the cost of `{}` is unknown and stays blank: {reason}",
                    service.framework
                )))
            })
            .collect();
        if !unknown.is_empty() {
            self.assumptions.extend(unknown);
            variant.pricing = None;
        }
    }

    /// What there is beside compute.
    fn extras(&mut self, platform: &PlatformSpec, list: &PriceList) -> Option<Extras> {
        let spec = self.scenario.extras.as_ref()?;
        let target = match platform {
            PlatformSpec::Fargate(_) => Target::Tasks,
            PlatformSpec::Kubernetes(_) | PlatformSpec::Knative(_) => Target::Nodes,
            _ => Target::Functions,
        };
        match Extras::new(spec, target) {
            Ok(extras) => {
                for error in extras.meters().into_iter().filter_map(|meter| list.price(meter).err()) {
                    self.problem(format!("[extras]: {error}"));
                }
                extras.assumptions().into_iter().for_each(|text| self.assume(text));
                Some(extras)
            }
            Err(problem) => {
                self.problem(problem);
                None
            }
        }
    }

    /// Services whose image's size is not known, where it is billed for.
    fn without_image(&mut self, variant: &Variant) {
        let extras = variant.pricing.as_ref().and_then(|pricing| pricing.extras.as_ref());
        if !extras.is_some_and(Extras::needs_images) {
            return;
        }
        for service in variant.services.iter().filter(|service| service.image.is_none()) {
            self.problems.push(format!(
                "[extras]: the size of the image of `{}` is not known, which `registry` and `nat.pulls` need; a profile from \
                 `measure docker` has it",
                service.framework
            ));
        }
    }

    fn pricing(&mut self, platform: &PlatformSpec) -> Result<Option<Pricing>, ScenarioError> {
        let Some(Prices {
            list,
            month,
            free_tier,
            rules_of,
            budget,
            currency,
            set,
            discounts,
            commitments,
        }) = &self.scenario.prices
        else {
            return Ok(None);
        };
        let rules_of = match rules_of {
            None => None,
            Some(text) => {
                let day = parse_day(text);
                if day.is_none() {
                    self.problem(format!(
                        "`prices.rules-of` is `{text}`; it is a day, such as 2025-07-31"
                    ));
                }
                day
            }
        };
        let budget = budget.as_ref().and_then(|text| {
            let amount = Decimal::from_str_exact(text)
                .ok()
                .filter(|amount| *amount >= Decimal::ZERO);
            if amount.is_none() {
                self.problem(format!(
                    "`prices.budget` is `{text}`; it is US dollars a month, such as \"500\""
                ));
            }
            amount
        });
        let path = self.base.join(list);
        let mut list = if list.ends_with(".toml") {
            PriceList::read(&path)?
        } else {
            PriceList::find(list)?
        };
        for (meter, usd) in set {
            list.set_price(meter, usd)?;
            self.assume(Topic::Price.note(format!("the price of `{meter}` is {usd} US dollars (given)")));
        }
        for (name, percent) in discounts {
            list.discount(name, percent)?;
            self.assume(Topic::Price.note(format!("{percent} are off the prices of `{name}` (given)")));
        }
        let commitments = match commitment::resolve(commitments, &list) {
            Ok(commitments) => commitments,
            Err(problems) => {
                problems
                    .into_iter()
                    .for_each(|problem| self.problem(format!("`prices.commitments`: {problem}")));
                Vec::new()
            }
        };
        for commitment in &commitments {
            self.assume(Topic::Price.note(commitment.said()));
        }
        let Some(meter) = MeterSpec::of(&platform.part().billed_by(), &list, rules_of)? else {
            self.assume(Topic::Price.factor(format!(
                "no price of {} covers the platform `{}`: its cost is unknown and stays blank",
                list.id,
                self.scenario.platform.name()
            )));
            return Ok(None);
        };
        if let Some(day) = rules_of {
            self.assume(Topic::Price.note(format!(
                "invocations are billed by the rules of {day}, at the prices of {}",
                list.id
            )));
        }
        for problem in meter.problems(&list) {
            self.problem(problem);
        }
        if let Some(currency) = currency {
            self.assume(Topic::Price.note(format!("other currency at a fixed rate: {currency} (given)")));
        }
        let extras = self.extras(platform, &list);
        for assumption in meter.assumptions() {
            self.assume(assumption);
        }
        self.assume(Topic::Price.note(format!(
            "a month has {} hours{}; prices of {} without tax",
            month.hours().normalize(),
            if *free_tier {
                ", the free allowance is granted once to each variant"
            } else {
                ", no free allowance is granted"
            },
            list.id
        )));
        Ok(Some(Pricing {
            list,
            month: *month,
            free_tier: *free_tier,
            budget,
            currency: currency.clone(),
            commitments,
            meter,
            extras,
        }))
    }
}
