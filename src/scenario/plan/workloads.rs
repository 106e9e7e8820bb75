//! The workloads of a variant: what the pods of each service request, and how many there are.

use std::collections::BTreeMap;

use super::PlannedService;
use crate::assumption::Topic;
use crate::scenario::file::autoscaler::{AutoscalerSpec, without};
use crate::scenario::file::cluster::PodSpec;
use crate::scenario::file::{Scenario, Service};
use crate::scenario::findings::{Findings, Found};
use crate::sim::autoscaler::SharedPlan;
use crate::sim::platform::control::Amount;
use crate::sim::platform::kubernetes::{
    ClusterPlan, DisruptionBudget, Image, NodeKind, PodMemory, PodTemplate, WorkloadPlan,
};
use crate::sim::platform::{PlatformKind, RunsOn};
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// The workloads of the services of a variant; none where the platform has no pods.
pub(super) fn workloads(
    scenario: &Scenario,
    cluster: Option<&ClusterPlan>,
    services: &[Service],
    planned: &[PlannedService],
) -> Found<Vec<WorkloadPlan>> {
    let mut findings = Findings::default();
    let runs_on = scenario.platform.part().runs_on();
    let (Some(template), Some(cluster)) = (runs_on.pods(), cluster) else {
        let refused = services
            .iter()
            .filter(|service| service.pod.is_some() || service.autoscaler.is_some());
        findings.problems(refused.map(|service| {
            format!(
                "service `{}`: `pod` and `autoscaler` have no meaning on the platform `{}`, which has no pods",
                service.name,
                scenario.platform.name()
            )
        }));
        return (Vec::new(), findings);
    };
    let mut images: BTreeMap<&str, u32> = BTreeMap::new();
    let mut workloads = Vec::new();
    for (service, planned) in services.iter().zip(planned) {
        let number = images.len() as u32;
        let number = *images.entry(&planned.framework).or_insert(number);
        let pod = Pod::new(template, service.pod);
        findings.problems(size_problem(scenario.platform.part(), service, &pod));
        let autoscaler = findings.take(autoscaler(scenario, &runs_on, service, planned));
        if planned.image.is_none() {
            findings.assume(Topic::ColdStart.large(format!(
                "the image of `{}` is not known: pods wait for none",
                planned.framework
            )));
        }
        workloads.push(WorkloadPlan {
            requests: pod.requests,
            cpu_limit: u64::from(pod.cpu.0),
            image: planned.image.map(|(compressed, unpacked)| Image {
                number,
                compressed,
                unpacked,
            }),
            priority: service.pod.unwrap_or_default().priority,
            budget: findings.take(budget(service)),
            memory: planned.memory.filter(|_| pod.is_overcommitted()).map(|line| PodMemory {
                requested: pod.requests.memory as f64 * 1_048_576.0,
                at_one: line.at_one,
                growth: line.growth,
            }),
            autoscaler,
        });
    }
    for (workload, service) in workloads.iter().zip(services) {
        findings.problems(no_room(cluster, workload.requests, service));
    }
    (workloads, findings)
}

/// The size of a pod of a service.
struct Pod {
    /// CPU and memory that it requests.
    requests: Amount,
    /// Its CPU limit.
    cpu: MilliCpu,
    /// Its memory limit.
    memory: MemoryMib,
}

impl Pod {
    /// A pod of a service that may have other limits and requests than the platform's.
    fn new(template: &PodTemplate, own: Option<PodSpec>) -> Self {
        let own = own.unwrap_or_default();
        let cpu_request = own.cpu_request.or(own.cpu).or(template.cpu_request);
        let memory_request = own.memory_request.or(own.memory).or(template.memory_request);
        Self {
            requests: Amount {
                cpu: u64::from(cpu_request.unwrap_or(template.cpu).0),
                memory: u64::from(memory_request.unwrap_or(template.memory).0),
            },
            cpu: own.cpu.unwrap_or(template.cpu),
            memory: own.memory.unwrap_or(template.memory),
        }
    }

    /// True if it may use more memory than it requests.
    fn is_overcommitted(&self) -> bool {
        self.requests.memory < u64::from(self.memory.0)
    }
}

/// Returns the problem of the pod size of a service; `None` if there is none.
fn size_problem(platform: &dyn PlatformKind, service: &Service, pod: &Pod) -> Option<String> {
    service.pod?;
    let problem = platform.size_problem(pod.cpu, pod.memory)?;
    Some(format!("service `{}`, `pod`: {problem}", service.name))
}

/// The autoscaler of a service: the platform's own, the service's, or the scenario's; without one there is one pod.
fn autoscaler(scenario: &Scenario, runs_on: &RunsOn, service: &Service, planned: &PlannedService) -> Found<SharedPlan> {
    let mut findings = Findings::default();
    let platform = scenario.platform.name();
    let autoscaler = service.autoscaler.as_ref().or(scenario.autoscaler.as_ref());
    let plan = autoscaler.map_or_else(without, |autoscaler| autoscaler.part().plan());
    if let Some(autoscaler) = autoscaler
        && !autoscaler.part().grounds().contains(&runs_on.ground())
    {
        findings.problem(format!(
            "[autoscaler.{}] has no meaning on the platform `{platform}`",
            autoscaler.name()
        ));
    }
    if plan.needs_cpu() && planned.setup.inside.is_none() {
        findings.problem(format!(
            "the CPU of `{}` is not known, so that no autoscaler can look at it: say what requests share with [instance], or \
             scale on requests",
            planned.framework
        ));
    }
    let hold = runs_on.pods().map_or(SimDuration::ZERO, |template| template.hold);
    if hold == SimDuration::ZERO
        && let Some(name) = autoscaler.and_then(|autoscaler| autoscaler.part().holds_no_requests())
    {
        findings.assume(Topic::Platform.factor(format!(
            "{name} does not hold requests: those that find no pod are answered with 503; `platform.{platform}.hold` is for \
             what stands before it"
        )));
    }
    (scenario.platform.part().autoscaler().unwrap_or(plan), findings)
}

/// The PodDisruptionBudget of a service.
fn budget(service: &Service) -> Found<Option<DisruptionBudget>> {
    let mut findings = Findings::default();
    let pod = service.pod.unwrap_or_default();
    if pod.min_available.is_some() && pod.max_unavailable.is_some() {
        findings.problem(format!(
            "service `{}`: give either `pod.min-available` or `pod.max-unavailable`: a PodDisruptionBudget has one of them",
            service.name
        ));
    }
    let least = pod.min_available.map(|pods| DisruptionBudget::MinAvailable(pods.0));
    (
        least.or(pod.max_unavailable.map(|pods| DisruptionBudget::MaxUnavailable(pods.0))),
        findings,
    )
}

/// A problem if no kind of nodes has room for a pod of a service.
fn no_room(cluster: &ClusterPlan, requests: Amount, service: &Service) -> Option<String> {
    let fits = |kind: &NodeKind| {
        requests.cpu + cluster.daemons.cpu <= kind.allocatable.cpu
            && requests.memory + cluster.daemons.memory <= kind.allocatable.memory
    };
    (!cluster.kinds.is_empty() && !cluster.kinds.iter().any(fits)).then(|| {
        format!(
            "a pod of `{}` requests {} vCPU and {}Mi, which no kind of nodes in [cluster] has room for",
            service.name,
            requests.cpu as f64 / 1e3,
            requests.memory
        )
    })
}

/// Checks the autoscalers of a scenario.
pub(super) fn autoscalers(scenario: &Scenario) -> Findings {
    let mut findings = Findings::default();
    let own = scenario
        .service
        .iter()
        .filter_map(|service| service.autoscaler.as_ref());
    let all: Vec<&AutoscalerSpec> = own.chain(scenario.autoscaler.as_ref()).collect();
    if scenario.platform.part().autoscaler().is_some() && !all.is_empty() {
        findings.problem(format!(
            "[autoscaler] has no meaning with [platform.{}], whose keys say how it scales",
            scenario.platform.name()
        ));
    }
    for autoscaler in all {
        findings.problems_of(
            &format!("autoscaler.{}", autoscaler.name()),
            autoscaler.part().problems(),
        );
        findings.assume_all(autoscaler.part().assumptions());
    }
    findings
}
