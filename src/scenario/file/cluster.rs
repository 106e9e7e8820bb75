//! `[cluster]`: nodes, what holds on them, and who makes them and takes them away.

mod cluster_autoscaler;
mod karpenter;

use serde::Deserialize;

use crate::model::dist::DistSpec;
use crate::model::nodes::Cloud;
use crate::sim::platform::kubernetes::{FailureModel, PodCount};
use crate::units::{Bytes, MemoryMib, MilliCpu, SimDuration};
pub use cluster_autoscaler::{ClusterAutoscalerSpec, ExpanderSpec};
pub use karpenter::{ConsolidationPolicySpec, KarpenterSpec};

/// `[cluster]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// The requests of DaemonSets on each node.
    #[serde(default)]
    pub daemonsets: DaemonSetsSpec,
    /// Time from the launch of a node until it is ready.
    pub node_boot: Option<DistSpec>,
    /// Time from when a spot node is ready until the cloud says that it takes it back.
    pub spot_lifetime: Option<DistSpec>,
    /// Time from then until it does.
    #[serde(default = "spot_notice")]
    pub spot_notice: SimDuration,
    /// Time from when a node is ready until it fails; `None`: it never does.
    pub node_lifetime: Option<DistSpec>,
    /// `--node-monitor-grace-period`: time until a node that has failed is found not to be ready.
    #[serde(default = "monitor_grace")]
    pub node_monitor_grace_period: SimDuration,
    /// `tolerationSeconds` for nodes that cannot be reached: time from then until its pods are deleted.
    #[serde(default = "toleration")]
    pub unreachable_toleration: SimDuration,
    /// Time until who calls a pod that does not answer gives up.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: SimDuration,
    /// Period after which a node shares out its CPU anew among pods that want more than it has; zero: pods never compete for CPU.
    #[serde(default = "second")]
    pub cpu_sharing_period: SimDuration,
    /// Megabytes of a compressed image that the registry gives in a second, at most.
    #[serde(default = "hundred")]
    pub registry_mb_per_s: f64,
    /// Megabytes of an image that a node unpacks in a second.
    #[serde(default = "hundred")]
    pub unpack_mb_per_s: f64,
    /// `serializeImagePulls`; default: as the vendor has it.
    pub serialize_image_pulls: Option<bool>,
    /// The disk for images of a node; default: there is room for all.
    pub image_disk: Option<ImageDiskSpec>,
    /// The scheduler.
    #[serde(default)]
    pub scheduler: SchedulerSpec,
    /// Cluster Autoscaler.
    pub cluster_autoscaler: Option<ClusterAutoscalerSpec>,
    /// Karpenter.
    pub karpenter: Option<KarpenterSpec>,
}

/// `[cluster.image-disk]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageDiskSpec {
    /// The space on the disk of a node for images.
    pub size: Bytes,
    /// Percent of the disk above which the kubelet deletes unused images (`imageGCHighThresholdPercent`).
    #[serde(default = "high_threshold")]
    pub high_threshold: u32,
    /// Percent of the disk down to which it deletes them (`imageGCLowThresholdPercent`).
    #[serde(default = "low_threshold")]
    pub low_threshold: u32,
    /// The least age of an image that is deleted (`imageMinimumGCAge`).
    #[serde(default = "minimum_age")]
    pub minimum_age: SimDuration,
}

fn second() -> SimDuration {
    SimDuration::from_secs(1)
}

fn high_threshold() -> u32 {
    85
}

fn low_threshold() -> u32 {
    80
}

fn minimum_age() -> SimDuration {
    SimDuration::from_secs(120)
}

/// Whose kubelet settings hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum VendorSpec {
    /// Amazon EKS.
    Eks,
    /// Google GKE.
    Gke,
    /// Azure AKS.
    Aks,
}

impl VendorSpec {
    /// The cloud of its nodes.
    pub fn cloud(self) -> Cloud {
        match self {
            Self::Eks => Cloud::Aws,
            Self::Gke => Cloud::Gcp,
            Self::Aks => Cloud::Azure,
        }
    }
}

/// A kind of nodes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodesSpec {
    /// A node type of the catalog, or a name of your own with `cpu` and `memory`.
    pub r#type: String,
    /// Spare capacity that the cloud may take back, at its own price.
    #[serde(default)]
    pub spot: bool,
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

/// The requests of DaemonSets on each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SchedulerSpec {
    /// How NodeResourcesFit scores.
    pub strategy: StrategySpec,
    /// Points of the shape of `requested-to-capacity-ratio`.
    pub shape: Vec<PointSpec>,
    /// True if NodeResourcesBalancedAllocation scores by the change that a pod makes, as in Kubernetes 1.36 and later;
    /// approximate.
    pub balance_by_change: bool,
    /// True if pods of a Deployment are spread over nodes and zones.
    pub spread: bool,
}

/// How NodeResourcesFit scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum StrategySpec {
    /// Empty nodes are better.
    LeastAllocated,
    /// Full nodes are better.
    MostAllocated,
    /// By the points of `shape`.
    RequestedToCapacityRatio,
}

/// A point of the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PointSpec {
    /// Percent of what a node has.
    pub utilization: u32,
    /// Score there, from 0 to 10.
    pub score: u32,
}

impl Default for SchedulerSpec {
    fn default() -> Self {
        Self {
            strategy: StrategySpec::LeastAllocated,
            shape: Vec::new(),
            balance_by_change: false,
            spread: true,
        }
    }
}

/// `[service.pod]`: what the pods of a service have in place of the platform's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// `minAvailable` of its PodDisruptionBudget: pods, or a share such as `"50%"`.
    pub min_available: Option<PodsSpec>,
    /// `maxUnavailable` of its PodDisruptionBudget.
    pub max_unavailable: Option<PodsSpec>,
}

/// Pods, or a share of those that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PodsForm")]
pub struct PodsSpec(pub PodCount);

#[derive(Deserialize)]
#[serde(untagged)]
enum PodsForm {
    Number(u32),
    Text(String),
}

impl TryFrom<PodsForm> for PodsSpec {
    type Error = String;

    fn try_from(form: PodsForm) -> Result<Self, String> {
        match form {
            PodsForm::Number(number) => Ok(Self(PodCount::Number(number))),
            PodsForm::Text(text) => {
                let percent = text.strip_suffix('%').and_then(|digits| digits.parse().ok());
                let percent = percent.filter(|percent| *percent <= 100);
                let unknown = || format!("`{text}` is no number of pods; write 1 or \"25%\"");
                Ok(Self(PodCount::Percent(percent.ok_or_else(unknown)?)))
            }
        }
    }
}

fn eks() -> VendorSpec {
    VendorSpec::Eks
}

fn one() -> u32 {
    1
}

fn hundred() -> f64 {
    100.0
}

fn spot_notice() -> SimDuration {
    FailureModel::default().spot_notice
}

fn monitor_grace() -> SimDuration {
    FailureModel::default().monitor_grace
}

fn toleration() -> SimDuration {
    FailureModel::default().toleration
}

fn connect_timeout() -> SimDuration {
    FailureModel::default().connect_timeout
}

#[cfg(test)]
crate::units::written_as!(PodsSpec: "whole number, or share such as `\"25%\"`");
