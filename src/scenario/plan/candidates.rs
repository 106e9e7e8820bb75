//! The variants of a scenario: one for each candidate, or one in all where it has several services.

use std::collections::{BTreeMap, BTreeSet};

use super::framework::{label, reference};
use super::service::service;
use super::workloads::workloads;
use super::{Pricing, Variant};
use crate::assumption::Topic;
use crate::cost::extras::Extras;
use crate::model::profile::Redraw;
use crate::scenario::file::work::Work;
use crate::scenario::file::{SCHEMA, Scenario, Service};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::scenario::profile::reference::Reference;
use crate::sim::platform::kubernetes::{ClusterPlan, Plan};
use crate::suggest;

/// The most that `traffic-factor` may be.
const MOST_TRAFFIC: f64 = 1e6;

/// The variants of a scenario on a resolved cluster, where there is one.
pub(super) fn variants(
    scenario: &Scenario,
    files: Files<'_>,
    cluster: Option<&ClusterPlan>,
    pricing: Option<&Pricing>,
    redraw: Option<Redraw>,
) -> Found<Vec<Variant>> {
    let mut findings = Findings::default();
    findings.merge(settings(scenario));
    if !is_factor(scenario.traffic_factor) {
        return (Vec::new(), findings);
    }
    let groups = findings.take(groups(scenario));
    findings.merge(names(scenario, &groups));
    let services = groups.iter().flat_map(|(_, services)| services);
    let measured = services.flat_map(|service| {
        let like = service.work.as_ref().and_then(Work::like);
        like.map(|like| like.like.as_str())
            .into_iter()
            .chain([service.framework.as_str()])
    });
    let reference = reference(scenario, files, measured).with(redraw);
    let variants = groups.iter().map(|(name, services)| {
        findings.take(variant(scenario, files, (name, services), cluster, pricing, &reference))
    });
    (variants.collect(), findings)
}

/// True if traffic can be multiplied by this.
fn is_factor(factor: f64) -> bool {
    factor > 0.0 && factor <= MOST_TRAFFIC
}

/// Checks the keys at the top of a scenario.
fn settings(scenario: &Scenario) -> Findings {
    // Without `..`, so that a new key cannot be forgotten here.
    let Scenario {
        schema,
        name,
        seed: _,
        replications,
        warm_up,
        horizon,
        frameworks: _,
        interpolate: _,
        traffic: _,
        traffic_factor,
        work: _,
        client: _,
        slo: _,
        platform,
        autoscaler: _,
        cluster: _,
        instance,
        prices,
        extras,
        profile: _,
        service: _,
    } = scenario;
    let mut findings = Findings::default();
    if *schema != SCHEMA {
        findings.problem(format!("`schema` is {schema}; this version reads {SCHEMA}"));
    }
    findings.problems(replications.problem());
    if !is_factor(*traffic_factor) {
        findings.problem(format!(
            "`traffic-factor` is {traffic_factor}; it says how many times as much traffic there is, above 0 and at most {MOST_TRAFFIC}"
        ));
    } else if *traffic_factor != 1.0 {
        findings.assume(Topic::Traffic.note(format!(
            "there is {traffic_factor} times the traffic that [traffic] says (`traffic-factor`)"
        )));
        findings.assume(Topic::Traffic.note(
            "`traffic-factor` changes the rate of generated traffic, the whole number of users, and how often each recorded arrival \
             comes in the mean",
        ));
    }
    if name.trim().is_empty() {
        findings.problem("`name` is empty; it names the scenario in every report");
    }
    if horizon.is_some_and(|horizon| horizon <= *warm_up) {
        findings.problem("`horizon` must be longer than `warm-up`");
    }
    if extras.is_some() && prices.is_none() {
        findings.problem("[extras] needs [prices]: write `list = \"aws-us-east-1\"` there");
    }
    findings.problems_of(&format!("platform.{}", platform.name()), platform.part().problems());
    findings.assume_all(platform.part().assumptions());
    if let Some(instance) = instance {
        findings.problems(instance.problems(&platform.part().shape()));
        findings.assume_all(instance.assumptions());
    }
    findings
}

/// The services of each variant, by the variant's name.
fn groups(scenario: &Scenario) -> Found<Vec<(String, Vec<Service>)>> {
    let mut findings = Findings::default();
    let Scenario {
        name,
        traffic,
        work,
        client,
        slo,
        ..
    } = scenario;
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
    let groups = match (scenario.frameworks.as_slice(), scenario.service.as_slice()) {
        ([], []) => {
            findings.problem("give `frameworks = [\"...\"]` or at least one [[service]]");
            Vec::new()
        }
        (frameworks, []) => frameworks.iter().map(|f| (label(f), vec![candidate(f)])).collect(),
        ([], services) => {
            let untagged = |service: &&Service| service.tags.values().any(|value| value == "untagged");
            findings.problems(services.iter().filter(untagged).map(|service| {
                format!(
                    "service `{}`: no tag may have the value `untagged`, under which services without it are shown",
                    service.name
                )
            }));
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
            findings.problem("give either `frameworks` or [[service]], not both");
            Vec::new()
        }
    };
    (groups, findings)
}

/// Checks that names of variants and of services differ, and that services exist which the platform's settings name.
fn names(scenario: &Scenario, groups: &[(String, Vec<Service>)]) -> Findings {
    let mut findings = Findings::default();
    let all = groups.iter().flat_map(|(_, services)| services);
    let known: BTreeSet<&str> = all.map(|service| service.name.as_str()).collect();
    for (key, name) in scenario.platform.part().named_services() {
        if !known.contains(name) {
            findings.problem(format!(
                "[platform.{}.{key}.{name}]: there is no service `{name}`{}",
                scenario.platform.name(),
                suggest::did_you_mean(name, known.iter().copied())
            ));
        }
    }
    for (_, services) in groups {
        let mut names = BTreeSet::new();
        for service in services {
            if !names.insert(&service.name) || service.name == "all" {
                findings.problem(format!(
                    "a service is called `{}`: names must differ, and `all` is taken",
                    service.name
                ));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (name, _) in groups {
        if !seen.insert(name) {
            findings.problem(format!("`{name}` is named twice in `frameworks`"));
        }
    }
    findings
}

/// A variant of this name with these services.
fn variant(
    scenario: &Scenario,
    files: Files<'_>,
    (name, services): (&str, &[Service]),
    cluster: Option<&ClusterPlan>,
    pricing: Option<&Pricing>,
    reference: &Reference,
) -> Found<Variant> {
    let mut findings = Findings::default();
    let planned = services
        .iter()
        .filter_map(|one| findings.take(service(scenario, files, one, reference)));
    let mut planned: Vec<_> = planned.collect();
    let mut plan = None;
    if planned.len() == services.len() {
        let workloads = findings.take(workloads(scenario, cluster, services, &planned));
        for (planned, workload) in planned.iter_mut().zip(&workloads) {
            planned.requests = (workload.requests.cpu, workload.requests.memory);
        }
        plan = cluster.map(|cluster| Plan {
            cluster: cluster.clone(),
            workloads,
        });
    }
    let mut variant = Variant {
        scenario: scenario.name.clone(),
        name: name.to_string(),
        seed: scenario.seed,
        replications: (&scenario.replications).into(),
        warm_up: scenario.warm_up,
        horizon: scenario.horizon,
        base: files.folder(),
        platform: scenario.platform.clone(),
        cluster: plan,
        services: planned,
        pricing: None,
    };
    variant.pricing = pricing
        .filter(|pricing| findings.take(is_known(pricing, &variant)))
        .cloned();
    findings.merge(without_image(&variant));
    (variant, findings)
}

/// True if the cost of all services is known: each was measured as far as its bill needs it.
fn is_known(pricing: &Pricing, variant: &Variant) -> Found<bool> {
    let mut findings = Findings::default();
    let mut known = true;
    for service in &variant.services {
        if let Some(reason) = pricing.meter.unknown(&service.metered()) {
            known = false;
            findings.assume(Topic::Price.factor(format!(
                "the cost of `{}` is unknown and stays blank: {reason}",
                service.framework
            )));
        }
    }
    (known, findings)
}

/// Services whose image's size is not known, where it is billed for.
fn without_image(variant: &Variant) -> Findings {
    let mut findings = Findings::default();
    let extras = variant.pricing.as_ref().and_then(|pricing| pricing.extras.as_ref());
    if extras.is_some_and(Extras::needs_images) {
        let unknown = variant.services.iter().filter(|service| service.image.is_none());
        findings.problems(unknown.map(|service| {
            format!(
                "[extras]: the size of the image of `{}` is not known, which `registry` and `nat.pulls` need; a profile from \
                 `measure docker` has it",
                service.framework
            )
        }));
    }
    findings
}
