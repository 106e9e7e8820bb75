//! From a service of a scenario to a service of the simulator.

use super::PlannedService;
use super::framework::{framework, label};
use crate::assumption::{Assumption, Topic};
use crate::scenario::file::client::ClientSpec;
use crate::scenario::file::cluster::PodSpec;
use crate::scenario::file::{Scenario, Service};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::scenario::profile::reference::Reference;
use crate::sim::client::{Client, Users};
use crate::sim::platform::Shape;
use crate::sim::pool::Routing;
use crate::sim::setup::{ColdModel, ColdStart, ServiceSetup};
use crate::stats::order;
use crate::trace::Traffic;

/// A service of a variant; `None` if it has a problem without which nothing can be said of it.
pub(super) fn service(
    scenario: &Scenario,
    files: Files<'_>,
    service: &Service,
    reference: &Reference,
) -> Found<Option<PlannedService>> {
    let mut findings = Findings::default();
    let platform = scenario.platform.part();
    let shape = of_service(platform.shape(), service.pod);
    findings.problems(service.slo.iter().filter_map(|slo| slo.problem()));
    let (traffic, repeat) = findings.take(traffic(scenario, service)).unzip();
    let client = findings.take(client(scenario, files, service, traffic.as_ref(), &shape));
    let Some(instance) = findings.take(framework(scenario, files, service, &shape, reference)) else {
        return (None, findings);
    };
    if shape.starts_ahead && matches!(instance.cold, ColdModel::Response(_)) {
        findings.problem(format!(
            "[profile.{}]: this platform needs `cold-start` in place of `cold-response`: an instance that is started \
             ahead of requests has no first one whose whole response time would be known",
            service.framework
        ));
    }
    let cold = findings.take(restored(scenario, files, instance.cold));
    findings.assume_all(limit_among_starts(service, &cold));
    let (Some(traffic), Some(repeat)) = (traffic, repeat) else {
        return (None, findings);
    };
    let planned = PlannedService {
        name: service.name.clone(),
        framework: label(&service.framework),
        profile_source: instance.source,
        traffic,
        repeat,
        slo: service.slo,
        tags: service.tags.clone(),
        memory: instance.memory,
        image: instance.image,
        requests: (0, 0),
        setup: ServiceSetup {
            inside: instance.inside,
            code_warm_up: instance.code_warm_up,
            idle_cost: instance.idle_cost,
            most_in_flight: instance.most_in_flight,
            client,
            ..ServiceSetup::new(instance.warm, cold, shape)
        },
    };
    (Some(planned), findings)
}

/// Returns the resources and limits of an instance of a service whose pods may have other limits.
fn of_service(shape: Shape, pod: Option<PodSpec>) -> Shape {
    let pod = pod.unwrap_or_default();
    Shape {
        cpu: pod.cpu.unwrap_or(shape.cpu),
        memory: pod.memory.or(shape.memory),
        concurrency: shape.concurrency.max(1),
        ..shape
    }
}

/// The traffic of a service times `traffic-factor`, and how often each recorded arrival comes.
fn traffic(scenario: &Scenario, service: &Service) -> Found<Option<(Traffic, f64)>> {
    let mut findings = Findings::default();
    let Some(traffic) = &service.traffic else {
        findings.problem(format!(
            "there is no [traffic] for `{}`; kinds: {}",
            service.name,
            Traffic::NAMES.join(", ")
        ));
        return (None, findings);
    };
    let (traffic, repeat) = traffic.scaled(scenario.traffic_factor);
    findings.problems(traffic.problems());
    (Some((traffic, repeat)), findings)
}

/// The clients of a service on its platform; `None` if each of them asks once and waits.
fn client(
    scenario: &Scenario,
    files: Files<'_>,
    service: &Service,
    traffic: Option<&Traffic>,
    shape: &Shape,
) -> Found<Option<Client>> {
    let mut findings = Findings::default();
    let platform = scenario.platform.part();
    let asked = findings.take(senders(files, service.client.as_ref(), traffic));
    let mut client = match (platform.queue(), asked) {
        (Some(_), Some(_)) => {
            findings.problem(format!(
                "[platform.{}] takes requests into a queue of its own: [client] and closed-loop traffic have no meaning with it",
                scenario.platform.name()
            ));
            None
        }
        (queue, client) => queue.or(client),
    };
    let users = |client: &Client| client.users.is_some() || client.sessions > 0;
    if shape.routing == Routing::Sticky && !client.as_ref().is_some_and(users) {
        findings.problem("`routing = \"sticky\"` is about sessions: set `client.sessions`, or use closed-loop traffic");
    }
    if let Some(limit) = platform.request_timeout() {
        let client = client.get_or_insert_with(|| ClientSpec::default().client(None));
        client.timeout = Some(client.timeout.map_or(limit, |timeout| timeout.min(limit)));
    }
    (client, findings)
}

/// The clients that the scenario describes; `None` if each of them asks once and waits.
fn senders(files: Files<'_>, spec: Option<&ClientSpec>, traffic: Option<&Traffic>) -> Found<Option<Client>> {
    let mut findings = Findings::default();
    if let Some(spec) = spec {
        findings.problems(spec.problems());
        findings.assume_all(spec.assumptions());
    }
    let closed = traffic.and_then(|traffic| Some((traffic.name(), traffic.closed_loop()?)));
    let users = closed.and_then(|(name, closed)| {
        let think = findings.ok(files.dist(&format!("traffic.{name}.think"), closed.think))?;
        Some(Users {
            count: closed.users,
            think,
        })
    });
    if spec.is_none() && users.is_none() {
        return (None, findings);
    }
    (Some(spec.cloned().unwrap_or_default().client(users)), findings)
}

/// The warning that a latency promise lies among the times of starts; `None` if it does not.
fn limit_among_starts(service: &Service, cold: &ColdModel) -> Option<Assumption> {
    let limit = service.slo?.latency.as_millis_f64();
    let (starts, mean_ms) = match cold {
        ColdModel::Measured(starts) => (starts, None),
        ColdModel::Placed { environment, starts } => (starts, Some(environment.mean_s() * 1e3)),
        _ => return None,
    };
    let total = |start: &ColdStart| {
        let sandbox = mean_ms.unwrap_or_else(|| start.sandbox.as_millis_f64());
        sandbox + start.init.as_millis_f64() + start.first_request.as_millis_f64()
    };
    let totals = order::sorted(starts.iter().map(total));
    let (low, high) = (order::quantile(&totals, 0.05)?, order::quantile(&totals, 0.95)?);
    (low <= limit && limit <= high).then(|| {
        Topic::ColdStart.large(format!(
            "the promise of {limit} ms lies among the starts of {} (most of them take {low:.0} to {high:.0} ms): whether a start breaks it \
             is uncertain, and so is the count of violations",
            label(&service.framework)
        ))
    })
}

/// Measured starts in places of the platform's own, or as they were where it has none.
fn placed(scenario: &Scenario, files: Files<'_>, cold: ColdModel) -> Found<ColdModel> {
    let mut findings = Findings::default();
    let cold = match (cold, scenario.platform.part().environment()) {
        (ColdModel::Measured(starts), Some(environment)) => {
            let key = format!("platform.{}.environment", scenario.platform.name());
            match findings.ok(files.dist(&key, environment)) {
                Some(environment) => ColdModel::Placed { environment, starts },
                None => ColdModel::Measured(starts),
            }
        }
        (cold, _) => cold,
    };
    (cold, findings)
}

/// Starts of instances that the platform restores from a snapshot, or the measured ones where it does not.
fn restored(scenario: &Scenario, files: Files<'_>, cold: ColdModel) -> Found<ColdModel> {
    let mut findings = Findings::default();
    let Some(restore) = scenario.platform.part().restore() else {
        let cold = findings.take(placed(scenario, files, cold));
        return (cold, findings);
    };
    let table = format!("platform.{}.{}", scenario.platform.name(), restore.key);
    let fetch = findings.ok(files.dist(&format!("{table}.fetch"), restore.fetch));
    let resume = findings.ok(files.dist(&format!("{table}.resume"), restore.resume));
    let (Some(fetch), Some(resume)) = (fetch, resume) else {
        return (cold, findings);
    };
    let starts = match cold {
        ColdModel::Measured(starts) => starts,
        _ => [].into(),
    };
    (ColdModel::Restored { fetch, resume, starts }, findings)
}
