//! The physical facts by which platforms bill. A meter of the layer above turns them into quantities of a price list.
//!
//! This module knows no money, no provider's list and no rounding.

use serde::{Deserialize, Serialize};

use super::Boost;
pub use super::lambda::Runtime;
use crate::units::{MemoryMib, MilliCpu};

/// The facts by which a platform bills.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum BilledBy<'a> {
    /// The platform names no facts, so that its cost is unknown.
    Unknown,
    /// Requests that have an environment to themselves.
    Invocations(Invocations),
    /// The time of instances of one size.
    InstanceTime(InstanceTime),
    /// The time of instances of one size in which they execute something.
    ExecutingTime(ExecutingTime),
    /// The share of an instance's memory that each request takes.
    MemoryShare(MemoryShare),
    /// The time of machines that run one task each.
    TaskTime(TaskTime),
    /// The time of machines that hold many environments.
    HostTime(HostTime<'a>),
    /// The time of a cluster and of its nodes.
    NodeTime(NodeTime<'a>),
}

/// The instruction set of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton and other ARM processors.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// The name as scenarios write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// The problem of `architecture-time-factor`; `None` if there is none.
pub(super) fn factor_problem(factor: Option<f64>) -> Option<String> {
    let factor = factor.filter(|factor| !(factor.is_finite() && *factor > 0.0))?;
    Some(format!(
        "`architecture-time-factor` is {factor}; it must be above 0, such as 0.9"
    ))
}

/// Requests that have an environment to themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocations {
    /// Memory of an environment.
    pub memory: MemoryMib,
    /// Ephemeral storage of an environment.
    pub ephemeral_storage: MemoryMib,
    /// Instruction set of an environment.
    pub architecture: Architecture,
    /// True if the code comes as a container image, false if it comes as an archive on a managed runtime.
    pub container_image: bool,
    /// The runtime of the snapshot from which environments are restored; `None`: they are initialised.
    pub snapshot: Option<Runtime>,
    /// True if some environments are provisioned ahead of requests.
    pub provisioned: bool,
}

/// The time of instances of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceTime {
    /// CPU of an instance.
    pub cpu: MilliCpu,
    /// Memory of an instance.
    pub memory: MemoryMib,
    /// The part of an instance's life that counts.
    pub counted: Counted,
    /// The fewest instances of a function.
    pub min_instances: u32,
    /// More CPU while an instance starts; `None`: no more than ever.
    pub boost: Option<Boost>,
}

/// The part of an instance's life that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The time in which it starts or has a request.
    Active,
    /// All of it.
    Lifetime,
}

/// The time of instances of one size in which they execute something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutingTime {
    /// Memory of an instance.
    pub memory: MemoryMib,
    /// Instances of a function that are always there. They are the first ones that it has.
    pub always_ready: u32,
}

/// The share of an instance's memory that each request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryShare {
    /// Memory of an instance, which is the most that its requests share.
    pub instance_memory: MemoryMib,
    /// Memory of an instance as the scenario states it; `None`: as measured.
    pub average_memory: Option<MemoryMib>,
    /// The key by which a scenario states it.
    pub average_memory_key: &'static str,
}

/// The time of machines that run one task each. The size of a task is that of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskTime {
    /// Instruction set of the machines.
    pub architecture: Architecture,
}

/// The time of machines that hold many environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostTime<'a> {
    /// CPU of a machine.
    pub cpu: MilliCpu,
    /// Memory of a machine.
    pub memory: MemoryMib,
    /// The machine type as the scenario states it; `None`: any of this size.
    pub machine_type: Option<&'a str>,
}

/// The time of a cluster and of its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTime<'a> {
    /// Kinds of nodes, in the order of the cluster's plan.
    pub kinds: Vec<NodeKindName<'a>>,
    /// The name under which price lists carry the control plane.
    pub control_plane: &'a str,
}

/// A kind of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeKindName<'a> {
    /// The name under which price lists carry it.
    pub name: &'a str,
    /// True if the cloud may take its nodes back.
    pub spot: bool,
}
