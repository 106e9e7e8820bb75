//! What the platform is told of services: what their pods ask for, and how many there are.

use std::collections::BTreeMap;

use super::PodSpec;
use crate::assumption::Topic;
use crate::scenario::autoscaler::{self, AutoscalerSpec};
use crate::scenario::file::Service;
use crate::scenario::plan::{PlannedService, Planner};
use crate::sim::platform::control::Amount;
use crate::sim::platform::kubernetes::{DisruptionBudget, Image, NodeKind, PodMemory, Spec, WorkloadPlan};
use crate::sim::platform::{PlatformSpec, fargate};
use crate::units::SimDuration;

impl Planner<'_> {
    /// What the platform is told of the services of a variant.
    pub(in crate::scenario) fn workloads(
        &mut self,
        platform: &mut PlatformSpec,
        services: &[Service],
        planned: &mut [PlannedService],
    ) {
        let knative = match &*platform {
            PlatformSpec::Knative(spec) => Some(spec.autoscaler()),
            _ => None,
        };
        let Some(spec) = platform.pods_mut() else {
            for service in services {
                if service.pod.is_some() || service.autoscaler.is_some() {
                    self.problem(format!(
                        "service `{}`: `pod` and `autoscaler` belong to [platform.kubernetes]",
                        service.name
                    ));
                }
            }
            return;
        };
        let mut images: BTreeMap<String, u32> = BTreeMap::new();
        let workloads = services.iter().zip(planned.iter()).map(|(service, planned)| {
            let number = images.len() as u32;
            let number = *images.entry(planned.framework.clone()).or_insert(number);
            let mut workload = self.workload(spec, service, planned, number);
            if let Some(autoscaler) = &knative {
                workload.autoscaler = autoscaler.clone();
            }
            workload
        });
        spec.plan.workloads = workloads.collect();
        for (planned, workload) in planned.iter_mut().zip(&spec.plan.workloads) {
            planned.requests = (workload.requests.cpu, workload.requests.memory);
        }
        for (workload, service) in spec.plan.workloads.iter().zip(services) {
            let fits = |kind: &NodeKind| {
                let daemons = spec.plan.cluster.daemons;
                workload.requests.cpu + daemons.cpu <= kind.allocatable.cpu
                    && workload.requests.memory + daemons.memory <= kind.allocatable.memory
            };
            if !spec.plan.cluster.kinds.is_empty() && !spec.plan.cluster.kinds.iter().any(fits) {
                self.problem(format!(
                    "a pod of `{}` requests {} vCPU and {}Mi, which no kind of nodes in [cluster] has room for",
                    service.name,
                    workload.requests.cpu as f64 / 1e3,
                    workload.requests.memory
                ));
            }
        }
    }

    fn workload(&mut self, spec: &Spec, service: &Service, planned: &PlannedService, image: u32) -> WorkloadPlan {
        let pod = service.pod.unwrap_or_default();
        let cpu = pod.cpu_request.or(pod.cpu).or(spec.cpu_request).unwrap_or(spec.cpu);
        let memory = pod
            .memory_request
            .or(pod.memory)
            .or(spec.memory_request)
            .unwrap_or(spec.memory);
        let limit = pod.memory.unwrap_or(spec.memory);
        let autoscaler = service.autoscaler.as_ref().or(self.scenario.autoscaler.as_ref());
        let plan = autoscaler.map_or_else(autoscaler::without, |autoscaler| autoscaler.part().plan());
        let on_fargate = spec.plan.cluster.launch.is_some();
        if on_fargate
            && service.pod.is_some()
            && let Some(problem) = fargate::size_problem(pod.cpu.unwrap_or(spec.cpu), limit)
        {
            self.problem(format!("service `{}`, `pod`: {problem}", service.name));
        }
        if let Some(autoscaler) = autoscaler
            && autoscaler.part().is_of_ecs() != Some(on_fargate)
            && autoscaler.part().is_of_ecs().is_some()
        {
            self.problem(format!(
                "[autoscaler.{}] has no meaning on the platform `{}`",
                autoscaler.name(),
                self.scenario.platform.name()
            ));
        }
        if plan.needs_cpu() && planned.setup.inside.is_none() {
            self.problem(format!(
                "the CPU of `{}` is not known, so that no autoscaler can look at it: say what requests share with [instance], or \
                 scale on requests",
                planned.framework
            ));
        }
        if spec.hold == SimDuration::ZERO
            && let Some(name) = autoscaler.and_then(|autoscaler| autoscaler.part().holds_no_requests())
        {
            self.assume(Topic::Platform.factor(format!(
                "{name} does not hold requests: those that find no pod are answered with 503; `platform.kubernetes.hold` is for \
                 what stands before it"
            )));
        }
        if planned.image.is_none() {
            self.assume(Topic::ColdStart.large(format!(
                "the image of `{}` is not known: pods wait for none",
                planned.framework
            )));
        }
        WorkloadPlan {
            requests: Amount {
                cpu: u64::from(cpu.0),
                memory: u64::from(memory.0),
            },
            image: planned.image.map(|(compressed, unpacked)| Image {
                number: image,
                compressed,
                unpacked,
            }),
            priority: pod.priority,
            budget: self.budget(&service.name, pod),
            memory: planned.memory.filter(|_| memory < limit).map(|line| PodMemory {
                requested: f64::from(memory.0) * 1_048_576.0,
                at_one: line.at_one,
                growth: line.growth,
            }),
            autoscaler: plan,
        }
    }

    fn budget(&mut self, service: &str, pod: PodSpec) -> Option<DisruptionBudget> {
        if pod.min_available.is_some() && pod.max_unavailable.is_some() {
            self.problem(format!(
                "service `{service}`: give either `pod.min-available` or `pod.max-unavailable`: a PodDisruptionBudget has one of them"
            ));
        }
        let least = pod.min_available.map(|pods| DisruptionBudget::MinAvailable(pods.0));
        least.or(pod.max_unavailable.map(|pods| DisruptionBudget::MaxUnavailable(pods.0)))
    }

    /// What the autoscalers of a scenario have to say.
    pub(in crate::scenario) fn autoscalers(&mut self, services: &[Service]) {
        if matches!(self.scenario.platform, PlatformSpec::Knative(_))
            && (self.scenario.autoscaler.is_some() || services.iter().any(|service| service.autoscaler.is_some()))
        {
            self.problem("[autoscaler] has no meaning with [platform.knative], whose keys say how it scales");
        }
        let own = services.iter().filter_map(|service| service.autoscaler.as_ref());
        let all: Vec<&AutoscalerSpec> = own.chain(self.scenario.autoscaler.as_ref()).collect();
        for autoscaler in all {
            for problem in autoscaler.part().problems() {
                self.problem(format!("[autoscaler.{}]: {problem}", autoscaler.name()));
            }
            for assumption in autoscaler.part().assumptions() {
                self.assume(assumption);
            }
        }
    }
}
