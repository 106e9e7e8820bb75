//! The ground that a platform's instances stand on: places of the platform's own, machines of single tasks, or the nodes of
//! a cluster.

use super::kubernetes::PodTemplate;
use crate::model::dist::DistSpec;

/// The ground that a platform's instances stand on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunsOn {
    /// Places of the platform's own: it creates and ends instances as it decides.
    Functions,
    /// Tasks that have a machine of their own each.
    Tasks(PodTemplate, TaskMachine),
    /// Pods on the nodes of the scenario's `[cluster]`.
    Nodes(PodTemplate),
}

/// The same without settings: what a platform's instances are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Functions in places of the platform's own.
    Functions,
    /// Tasks, each on a machine of its own that pulls its image.
    Tasks,
    /// Pods on nodes, which pull the images of all services.
    Nodes,
}

impl RunsOn {
    /// Returns the ground without its settings.
    pub fn ground(&self) -> Ground {
        match self {
            Self::Functions => Ground::Functions,
            Self::Tasks(..) => Ground::Tasks,
            Self::Nodes(_) => Ground::Nodes,
        }
    }

    /// The pods, or the tasks, where an autoscaler decides how many there are.
    pub fn pods(&self) -> Option<&PodTemplate> {
        match self {
            Self::Functions => None,
            Self::Tasks(template, _) | Self::Nodes(template) => Some(template),
        }
    }

    /// True if pods share nodes.
    pub fn has_nodes(&self) -> bool {
        matches!(self, Self::Nodes(_))
    }
}

/// The machine of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMachine {
    /// Time from the request for a task until it has a machine.
    pub launch: DistSpec,
    /// Megabytes (10^6 bytes) of a compressed image that the registry sends in a second.
    pub registry_mb_per_s: f64,
    /// Megabytes (10^6 bytes) of an image that the machine unpacks in a second.
    pub unpack_mb_per_s: f64,
}

/// The CPU that measured starts had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// The limit from the beginning on.
    UnderLimit,
    /// More than the limit until the app was ready.
    Boosted,
    /// Two vCPUs as a limit. The first request is scaled to the limit by the law of CPU sizes.
    WithTwoCpus,
}

/// A restore from a snapshot, where the platform starts instances so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Restore<'a> {
    /// The key of its settings below the platform's table.
    pub key: &'static str,
    /// Time to create the instance and to fetch the snapshot.
    pub fetch: &'a DistSpec,
    /// Time to resume, which counts as initialisation.
    pub resume: &'a DistSpec,
}
