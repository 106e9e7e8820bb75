//! `[cluster]`: nodes, what holds on them, and who makes them and takes them away.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::autoscaler::AutoscalerSpec;
use super::file::Service;
use super::plan::{PlannedService, Planner};
use crate::model::dist::DistSpec;
use crate::model::nodes::{self, NodeType};
use crate::model::price::PriceList;
use crate::sim::cluster::allocatable::{Size, Vendor, allocatable};
use crate::sim::cluster::scheduler;
use crate::sim::platform::control::Amount;
use crate::sim::platform::kubernetes::{
    ClusterAutoscalerSpec, ClusterPlan, EcsMetric, Image, KarpenterSpec, MetricTarget, NodeKind, Plan, Provisioning,
    Pulls, Scaling, Spec, WorkloadPlan,
};
use crate::sim::platform::{PlatformSpec, Shape, fargate};
use crate::suggest;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// `[cluster]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClusterSpec {
    /// Whose kubelet settings hold.
    #[serde(default = "eks")]
    pub vendor: VendorSpec,
    /// Kinds of nodes.
    pub nodes: Vec<NodesSpec>,
    /// Zones over which nodes are spread in turn.
    #[serde(default = "one")]
    pub zones: u32,
    /// What DaemonSets ask for on each node.
    #[serde(default)]
    pub daemonsets: DaemonSetsSpec,
    /// Time from the launch of a node until it is ready.
    pub node_boot: Option<DistSpec>,
    /// Megabytes of a compressed image that the registry gives in a second, at most.
    #[serde(default = "hundred")]
    pub registry_mb_per_s: f64,
    /// Megabytes of an image that a node unpacks in a second.
    #[serde(default = "hundred")]
    pub unpack_mb_per_s: f64,
    /// `serializeImagePulls`; default: as the vendor has it.
    pub serialize_image_pulls: Option<bool>,
    /// The scheduler.
    #[serde(default)]
    pub scheduler: SchedulerSpec,
    /// Cluster Autoscaler.
    pub cluster_autoscaler: Option<ClusterAutoscalerSpec>,
    /// Karpenter.
    pub karpenter: Option<KarpenterSpec>,
}

/// Whose kubelet settings hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorSpec {
    /// Amazon EKS.
    Eks,
    /// Google GKE.
    Gke,
    /// Azure AKS.
    Aks,
}

/// A kind of nodes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodesSpec {
    /// A node type of the catalog, or a name of your own with `cpu` and `memory`.
    pub r#type: String,
    /// Nodes at the beginning.
    #[serde(default)]
    pub count: u32,
    /// Fewest nodes.
    #[serde(default)]
    pub min: u32,
    /// Most nodes; default: 1000.
    pub max: Option<u32>,
    /// CPU of a node of your own.
    pub cpu: Option<MilliCpu>,
    /// Memory of a node of your own.
    pub memory: Option<MemoryMib>,
    /// Most pods on a node; default: what its network has addresses for, 110 on a node of your own.
    pub max_pods: Option<u32>,
}

/// What DaemonSets ask for on each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DaemonSetsSpec {
    /// CPU of all of them.
    pub cpu: MilliCpu,
    /// Memory of all of them.
    pub memory: MemoryMib,
    /// Their pods.
    pub pods: u32,
}

impl Default for DaemonSetsSpec {
    /// kube-proxy and the network plugin.
    fn default() -> Self {
        Self {
            cpu: MilliCpu(150),
            memory: MemoryMib(0),
            pods: 2,
        }
    }
}

/// `[cluster.scheduler]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SchedulerSpec {
    /// How NodeResourcesFit scores.
    pub strategy: StrategySpec,
    /// Whether pods of a Deployment are spread over nodes and zones.
    pub spread: bool,
}

/// How NodeResourcesFit scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategySpec {
    /// Empty nodes are better.
    LeastAllocated,
    /// Full nodes are better.
    MostAllocated,
}

impl Default for SchedulerSpec {
    fn default() -> Self {
        Self {
            strategy: StrategySpec::LeastAllocated,
            spread: true,
        }
    }
}

/// `[service.pod]`: what the pods of a service have in place of the platform's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PodSpec {
    /// CPU limit.
    pub cpu: Option<MilliCpu>,
    /// Memory limit.
    pub memory: Option<MemoryMib>,
    /// CPU that it requests; `None`: the limit.
    pub cpu_request: Option<MilliCpu>,
    /// Memory that it requests; `None`: the limit.
    pub memory_request: Option<MemoryMib>,
    /// Higher goes first.
    pub priority: i32,
}

/// Most nodes of a kind where the scenario does not say.
const MOST_NODES: u32 = 1000;

fn eks() -> VendorSpec {
    VendorSpec::Eks
}

fn one() -> u32 {
    1
}

fn hundred() -> f64 {
    100.0
}

impl Planner<'_> {
    /// The platform with its cluster, where it has one.
    pub(super) fn platform(&mut self) -> PlatformSpec {
        let scenario = self.scenario;
        let pods = match &scenario.platform {
            PlatformSpec::Kubernetes(spec) => Some(spec.clone()),
            PlatformSpec::Knative(spec) => Some(spec.pods()),
            PlatformSpec::Fargate(spec) => {
                if scenario.cluster.is_some() {
                    self.problem(
                        "[cluster] has no meaning with [platform.fargate]: every task has a machine of its own",
                    );
                }
                return self.tasks(spec);
            }
            _ => None,
        };
        let Some(pods) = pods else {
            for (key, given, of) in [
                (
                    "[cluster]",
                    scenario.cluster.is_some(),
                    "[platform.kubernetes] or [platform.knative]",
                ),
                (
                    "[autoscaler]",
                    scenario.autoscaler.is_some(),
                    "[platform.kubernetes] or [platform.fargate]",
                ),
            ] {
                if given {
                    self.problem(format!(
                        "{key} has no meaning on the platform `{}`; it belongs to {of}",
                        scenario.platform.name()
                    ));
                }
            }
            return scenario.platform.clone();
        };
        let Some(cluster) = &scenario.cluster else {
            self.problem(format!(
                "[platform.{}] needs nodes: [cluster] with nodes = [{{ type = \"m7i.large\", count = 3 }}]",
                scenario.platform.name()
            ));
            return scenario.platform.clone();
        };
        let plan = Plan {
            cluster: self.cluster(cluster),
            workloads: Vec::new(),
        };
        let mut platform = scenario.platform.clone();
        if let Some(below) = platform.pods_mut() {
            *below = Spec { plan, ..pods };
        }
        platform
    }

    /// Fargate with what its tasks are.
    fn tasks(&mut self, spec: &fargate::Spec) -> PlatformSpec {
        let launch = spec
            .launch
            .clone()
            .unwrap_or_else(|| written("launch", fargate::DEFAULT_LAUNCH));
        let launch = self.dist("platform.fargate.launch", &launch).unwrap_or_else(|problem| {
            self.problem(problem);
            ClusterPlan::default().boot
        });
        self.assume(format!(
            "a Fargate task has a machine {:.0} s after it is asked for in the mean (a choice)",
            launch.mean_s()
        ));
        let cluster = ClusterPlan {
            launch: Some(launch),
            pulls: Pulls {
                registry_bytes_per_s: spec.registry_mb_per_s * 1e6,
                unpack_bytes_per_s: spec.unpack_mb_per_s * 1e6,
                serial: false,
            },
            ..ClusterPlan::default()
        };
        let plan = Plan {
            cluster,
            workloads: Vec::new(),
        };
        PlatformSpec::Fargate(fargate::Spec {
            below: Spec { plan, ..spec.pods() },
            ..spec.clone()
        })
    }

    fn cluster(&mut self, spec: &ClusterSpec) -> ClusterPlan {
        let catalog = nodes::all();
        let prices = PriceList::find("aws-us-east-1").ok();
        let daemons = spec.daemonsets;
        let mut kinds: Vec<NodeKind> = Vec::new();
        if spec.nodes.is_empty() {
            self.problem("`cluster.nodes` is empty: name at least one kind of nodes");
        }
        for nodes in &spec.nodes {
            if kinds.iter().any(|kind| kind.name == nodes.r#type) {
                self.problem(format!("`cluster.nodes` names `{}` twice", nodes.r#type));
            }
            match node_kind(nodes, spec.vendor, &catalog, prices.as_ref()) {
                Ok(kind) => kinds.push(kind),
                Err(problem) => self.problem(problem),
            }
        }
        for kind in &kinds {
            let (cpu, memory) = (u64::from(daemons.cpu.0), u64::from(daemons.memory.0));
            if cpu > kind.allocatable.cpu || memory > kind.allocatable.memory || daemons.pods > kind.max_pods {
                self.problem(format!(
                    "`cluster.daemonsets` do not fit onto a node of type {}: pods can have {} vCPU, {}Mi and {} places there",
                    kind.name,
                    kind.allocatable.cpu as f64 / 1e3,
                    kind.allocatable.memory,
                    kind.max_pods
                ));
            }
        }
        if spec.zones == 0 {
            self.problem("`cluster.zones` must be at least 1");
        }
        for (key, rate) in [
            ("registry-mb-per-s", spec.registry_mb_per_s),
            ("unpack-mb-per-s", spec.unpack_mb_per_s),
        ] {
            if !(rate.is_finite() && rate > 0.0) {
                self.problem(format!("`cluster.{key}` must be above 0"));
            }
        }
        let provisioning = match (&spec.cluster_autoscaler, &spec.karpenter) {
            (Some(_), Some(_)) => {
                self.problem(
                    "give either [cluster.cluster-autoscaler] or [cluster.karpenter]: both would fight over nodes",
                );
                Provisioning::None
            }
            (Some(spec), None) => Provisioning::ClusterAutoscaler(spec.clone()),
            (None, Some(spec)) => Provisioning::Karpenter(spec.clone()),
            (None, None) => Provisioning::None,
        };
        let boot = spec.node_boot.clone().unwrap_or_else(default_boot);
        let boot = self.dist("cluster.node-boot", &boot).unwrap_or_else(|problem| {
            self.problem(problem);
            ClusterPlan::default().boot
        });
        self.assume_cluster(spec, &kinds, &provisioning, boot.mean_s());
        ClusterPlan {
            kinds,
            zones: spec.zones,
            daemons: Amount {
                cpu: u64::from(daemons.cpu.0),
                memory: u64::from(daemons.memory.0),
            },
            daemon_pods: daemons.pods,
            boot,
            pulls: Pulls {
                registry_bytes_per_s: spec.registry_mb_per_s * 1e6,
                unpack_bytes_per_s: spec.unpack_mb_per_s * 1e6,
                serial: spec.serialize_image_pulls.unwrap_or(spec.vendor != VendorSpec::Eks),
            },
            scheduler: scheduler::Spec {
                strategy: match spec.scheduler.strategy {
                    StrategySpec::LeastAllocated => scheduler::Strategy::LeastAllocated,
                    StrategySpec::MostAllocated => scheduler::Strategy::MostAllocated,
                },
                spread: spec.scheduler.spread,
                ..scheduler::Spec::default()
            },
            provisioning,
            launch: None,
        }
    }

    fn assume_cluster(&mut self, spec: &ClusterSpec, kinds: &[NodeKind], provisioning: &Provisioning, boot_s: f64) {
        let daemons = spec.daemonsets;
        for kind in kinds {
            self.assume(format!(
                "of a node of type {} pods can have {} vCPU, {}Mi and {} places, DaemonSets included ({} vCPU, {}, {} pods)",
                kind.name,
                kind.allocatable.cpu as f64 / 1e3,
                kind.allocatable.memory,
                kind.max_pods,
                daemons.cpu.as_vcpu(),
                daemons.memory,
                daemons.pods
            ));
        }
        self.assume(format!(
            "an image comes to a node at up to {} MB/s or what its network has, is unpacked at {} MB/s, and stays; services of \
             one framework share an image; nodes of the beginning have those of their pods",
            spec.registry_mb_per_s, spec.unpack_mb_per_s
        ));
        match provisioning {
            Provisioning::None => self.assume("nobody makes nodes or takes them away: pods that do not fit wait"),
            _ => self.assume(format!(
                "a node is ready {boot_s:.0} s after its launch in the mean (a choice)"
            )),
        }
        if matches!(provisioning, Provisioning::Karpenter(_)) {
            self.assume("Karpenter chooses by the on-demand prices of aws-us-east-1");
        }
    }

    /// What the platform is told of the services of a variant.
    pub(super) fn workloads(
        &mut self,
        platform: &mut PlatformSpec,
        services: &[Service],
        planned: &mut [PlannedService],
    ) {
        let knative = match &*platform {
            PlatformSpec::Knative(spec) => Some(spec.scaling()),
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
            if let Some(scaling) = &knative {
                workload.scaling = scaling.clone();
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
        let autoscaler = service.autoscaler.as_ref().or(self.scenario.autoscaler.as_ref());
        let scaling = autoscaler.map_or_else(
            || Scaling::Fixed {
                replicas: 1,
                schedule: Vec::new(),
            },
            |autoscaler| autoscaler.part().scaling(),
        );
        let on_fargate = spec.plan.cluster.launch.is_some();
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
        let looks_at_cpu = match &scaling {
            Scaling::Hpa { metrics, .. } | Scaling::Keda { metrics, .. } => metrics
                .targets
                .iter()
                .any(|target| matches!(target, MetricTarget::Cpu(_))),
            Scaling::Ecs { policies, .. } => policies.iter().any(|(_, metric)| *metric == EcsMetric::Cpu),
            Scaling::Fixed { .. } | Scaling::Kpa(_) => false,
        };
        if looks_at_cpu && planned.setup.inside.is_none() {
            self.problem(format!(
                "the CPU of `{}` is not known, so that no autoscaler can look at it: say what requests share with [instance], or \
                 scale on requests",
                planned.framework
            ));
        }
        if let Scaling::Keda { replicas: 0, .. } = &scaling
            && spec.hold == SimDuration::ZERO
        {
            self.assume(
                "KEDA does not hold requests: those that find no pod are answered with 503; `platform.kubernetes.hold` is for \
                 what stands before it",
            );
        }
        if planned.image.is_none() {
            self.assume(format!(
                "the image of `{}` is not known: pods wait for none",
                planned.framework
            ));
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
            scaling,
        }
    }

    /// What the autoscalers of a scenario have to say.
    pub(super) fn autoscalers(&mut self, services: &[Service]) {
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

/// The platform's shape with what a service says of its pods.
pub(super) fn with_pod(shape: Shape, pod: Option<PodSpec>) -> Shape {
    let Some(pod) = pod else { return shape };
    Shape {
        cpu: pod.cpu.unwrap_or(shape.cpu),
        memory: pod.memory.or(shape.memory),
        ..shape
    }
}

/// Half of all nodes are ready within 45 s, and 99% within 90 s.
fn default_boot() -> DistSpec {
    written("boot", "boot = { lognormal = { median = '45s', p99 = '90s' } }")
}

/// A distribution that is written here, under a key.
fn written(key: &str, text: &str) -> DistSpec {
    let mut table: BTreeMap<String, DistSpec> =
        toml::from_str(text).unwrap_or_else(|error| unreachable!("a distribution: {error}"));
    table
        .remove(key)
        .unwrap_or_else(|| unreachable!("`{key}` is in `{text}`"))
}

fn node_kind(
    nodes: &NodesSpec,
    vendor: VendorSpec,
    catalog: &[NodeType],
    prices: Option<&PriceList>,
) -> Result<NodeKind, String> {
    let name = &nodes.r#type;
    let known = catalog.iter().find(|known| &known.instance_type == name);
    let capacity = match (known, nodes.cpu, nodes.memory) {
        (None, Some(cpu), Some(memory)) => Size { cpu, memory },
        (Some(known), None, None) => Size {
            cpu: MilliCpu(1000 * known.vcpu),
            memory: MemoryMib(known.memory_mib),
        },
        (Some(_), ..) => {
            return Err(format!(
                "`cluster.nodes`: `{name}` is in the catalog; leave `cpu` and `memory` out, or give it a name of your own"
            ));
        }
        (None, ..) => {
            let names = catalog.iter().map(|known| known.instance_type.as_str());
            let nearest = suggest::nearest(name, names);
            let hint = nearest
                .first()
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(format!(
                "`cluster.nodes`: there is no node type `{name}`{hint} A type of your own needs `cpu` and `memory`"
            ));
        }
    };
    let max_pods = nodes.max_pods.or(known.map(NodeType::max_pods)).unwrap_or(110);
    let max = nodes.max.unwrap_or(MOST_NODES);
    if nodes.min > max || nodes.count > max {
        return Err(format!(
            "`cluster.nodes`: `{name}` has more nodes in `min` or `count` than in `max`"
        ));
    }
    let vendor = match vendor {
        VendorSpec::Eks => Vendor::Eks,
        VendorSpec::Gke => Vendor::Gke,
        VendorSpec::Aks => Vendor::Aks,
    };
    let has = allocatable(vendor, capacity, max_pods);
    let price = prices.and_then(|list| list.price(&format!("ec2.{name}")).ok());
    let usd = price
        .and_then(|price| price.tiers.first())
        .map(|tier| tier.unit_price_usd);
    Ok(NodeKind {
        name: name.clone(),
        allocatable: Amount {
            cpu: u64::from(has.cpu.0),
            memory: u64::from(has.memory.0),
        },
        max_pods,
        network_bytes_per_s: known.map_or(f64::INFINITY, NodeType::network_bytes_per_s),
        usd_per_hour: usd.and_then(|usd| rust_decimal::prelude::ToPrimitive::to_f64(&usd)),
        count: nodes.count,
        bounds: (nodes.min, max),
    })
}
