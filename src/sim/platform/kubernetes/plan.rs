//! The settings of a cluster and its workloads, resolved from the scenario.

use super::{ClusterAutoscalerPlan, KarpenterPlan};
use crate::model::dist::Dist;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::cluster::scheduler;
use crate::sim::platform::control::Amount;
use crate::units::SimDuration;

/// The settings of a platform with pods.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The cluster.
    pub cluster: ClusterPlan,
    /// By service.
    pub workloads: Vec<WorkloadPlan>,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterPlan {
    /// Kinds of nodes.
    pub kinds: Vec<NodeKind>,
    /// Zones over which nodes are spread in turn, at least 1.
    pub zones: u32,
    /// Resources that DaemonSets request on each node.
    pub daemons: Amount,
    /// Their pods on each node.
    pub daemon_pods: u32,
    /// Time from the launch of a node until it is ready.
    pub boot: Dist,
    /// The period after which a node shares out its CPU anew; zero: pods never compete for it.
    pub cpu_period: SimDuration,
    /// How images are pulled.
    pub pulls: Pulls,
    /// The scheduler.
    pub scheduler: scheduler::SchedulerSettings,
    /// The provisioner.
    pub provisioning: Provisioning,
    /// Name of the cluster in price lists; empty without nodes.
    pub meter: String,
    /// The failure model of nodes.
    pub failures: FailureModel,
    /// Time until a pod has a machine of its own, where there are no nodes.
    pub launch: Option<Dist>,
}

impl Default for ClusterPlan {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            zones: 1,
            daemons: Amount::default(),
            daemon_pods: 0,
            boot: Dist::Constant(SimDuration::ZERO),
            cpu_period: SimDuration::ZERO,
            pulls: Pulls::default(),
            scheduler: scheduler::SchedulerSettings::default(),
            provisioning: Provisioning::None,
            meter: String::new(),
            failures: FailureModel::default(),
            launch: None,
        }
    }
}

/// The failure model of nodes: spot interruptions and failures without notice.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureModel {
    /// Time from when a spot node is ready until the cloud says that it takes it back; `None`: it never does.
    pub spot_lifetime: Option<Dist>,
    /// Time from then until it does.
    pub spot_notice: SimDuration,
    /// Time from when a node is ready until it fails; `None`: it never does.
    pub lifetime: Option<Dist>,
    /// Time until a node that has failed is found not to be ready.
    pub monitor_grace: SimDuration,
    /// Time from then until its pods are deleted.
    pub toleration: SimDuration,
    /// Time until a request to a pod that does not answer fails.
    pub connect_timeout: SimDuration,
}

impl Default for FailureModel {
    fn default() -> Self {
        Self {
            spot_lifetime: None,
            spot_notice: SimDuration::from_secs(120),
            lifetime: None,
            monitor_grace: SimDuration::from_secs(50),
            toleration: SimDuration::from_secs(300),
            connect_timeout: SimDuration::from_secs(5),
        }
    }
}

/// How images are pulled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulls {
    /// Bytes of a compressed image that the registry gives in a second, at most.
    pub registry_bytes_per_s: f64,
    /// Bytes of an image that a node unpacks in a second.
    pub unpack_bytes_per_s: f64,
    /// True if a node pulls one image at a time (`serializeImagePulls`).
    pub serial: bool,
    /// The disk for images of a node; `None`: it holds all images.
    pub disk: Option<ImageDisk>,
}

/// The disk for images of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageDisk {
    /// Its size.
    pub bytes: u64,
    /// `imageGCHighThresholdPercent`
    pub high_percent: u32,
    /// `imageGCLowThresholdPercent`
    pub low_percent: u32,
    /// `imageMinimumGCAge`
    pub least_age: SimDuration,
}

impl Default for Pulls {
    fn default() -> Self {
        Self {
            registry_bytes_per_s: 1e8,
            unpack_bytes_per_s: 1e8,
            serial: false,
            disk: None,
        }
    }
}

/// A kind of nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeKind {
    /// Its name in the catalog, such as `m7i.large`.
    pub name: String,
    /// Its name in price lists.
    pub meter: String,
    /// True for spot capacity, which the cloud may take back.
    pub spot: bool,
    /// Resources for pods, those of DaemonSets included.
    pub allocatable: Amount,
    /// Most pods, those of DaemonSets included.
    pub max_pods: u32,
    /// Bytes that come over its network in a second.
    pub network_bytes_per_s: f64,
    /// Price in US dollars an hour, for provisioners that choose by it; `None`: unknown.
    pub usd_per_hour: Option<f64>,
    /// Nodes at the beginning.
    pub count: u32,
    /// Fewest and most nodes, if there is a provisioner.
    pub bounds: (u32, u32),
}

/// The provisioner.
#[derive(Debug, Clone, PartialEq)]
pub enum Provisioning {
    /// None: nodes stay as they are.
    None,
    /// Cluster Autoscaler.
    ClusterAutoscaler(ClusterAutoscalerPlan),
    /// Karpenter.
    Karpenter(KarpenterPlan),
}

/// An image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Image {
    /// Its number among those of the scenario.
    pub number: u32,
    /// Bytes that come over the network.
    pub compressed: u64,
    /// Bytes on the disk.
    pub unpacked: u64,
}

/// A workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadPlan {
    /// Resources that a pod requests.
    pub requests: Amount,
    /// The CPU limit of a pod in thousandths of a core.
    pub cpu_limit: u64,
    /// Its image; `None`: it is on every node.
    pub image: Option<Image>,
    /// Higher goes first.
    pub priority: i32,
    /// Its disruption budget; `None`: none.
    pub budget: Option<DisruptionBudget>,
    /// Memory that a pod uses, where that may be more than it requests; `None`: it is not, or not known.
    pub memory: Option<PodMemory>,
    /// The autoscaler that says how many pods there are.
    pub autoscaler: SharedPlan,
}

/// A PodDisruptionBudget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisruptionBudget {
    /// `minAvailable`
    MinAvailable(PodCount),
    /// `maxUnavailable`
    MaxUnavailable(PodCount),
}

/// A number of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodCount {
    /// A number.
    Number(u32),
    /// A percentage of the wanted pods, rounded up.
    Percent(u32),
}

impl PodCount {
    /// The number for `wanted` pods. Source: kubernetes/kubernetes, pkg/controller/disruption: percentages of either kind are
    /// rounded up.
    pub fn of(self, wanted: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Percent(percent) => (u64::from(wanted) * u64::from(percent)).div_ceil(100) as u32,
        }
    }
}

/// Memory of a pod, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PodMemory {
    /// Memory that it requests.
    pub requested: f64,
    /// Used with one request in flight.
    pub at_one: f64,
    /// Used by each further one.
    pub growth: f64,
}

impl PodMemory {
    /// Used with so many requests in flight.
    pub fn bytes(&self, in_flight: u32) -> f64 {
        self.at_one + self.growth * (f64::from(in_flight) - 1.0)
    }
}
