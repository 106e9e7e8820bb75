//! What an instance uses, whoever counts it: the control group of a container, or the processes of a tree one by one.
//!
//! CPU time is in nanoseconds, memory in bytes. What the kernel does not say, or not to us, is `None`.

use std::time::Duration;

use super::cgroup::Cgroup;
use super::process_tree::Tree;
use crate::model::profile::MemoryReading;

/// Who counts what an instance uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// The control group of its container.
    Group(Cgroup),
    /// Its first process and all descendants.
    Tree(Tree),
}

impl Usage {
    /// CPU time used so far.
    pub fn cpu_time(&self) -> Option<Duration> {
        match self {
            Self::Group(group) => group.cpu_time(),
            Self::Tree(tree) => tree.cpu_time(),
        }
    }

    /// Anonymous memory.
    pub fn anon_bytes(&self) -> Option<u64> {
        match self {
            Self::Group(group) => group.anon_bytes(),
            Self::Tree(tree) => tree.anon_bytes(),
        }
    }

    /// Anonymous memory, proportional set size, working set; a tree has no working set, which is a group's.
    pub fn memory(&self) -> MemoryReading {
        match self {
            Self::Group(group) => group.memory(),
            Self::Tree(tree) => tree.memory(),
        }
    }

    /// Processes and threads.
    pub fn processes_and_threads(&self) -> Option<(u32, u32)> {
        match self {
            Self::Group(group) => group.processes_and_threads(),
            Self::Tree(tree) => tree.processes_and_threads(),
        }
    }

    /// How many processes the kernel has killed at the memory limit so far; a tree has no limit.
    pub fn oom_kills(&self) -> Option<u64> {
        match self {
            Self::Group(group) => group.oom_kills(),
            Self::Tree(_) => None,
        }
    }

    /// How long the CPU limit has stopped it so far, summed over CPUs; a tree is pinned to CPUs and never stopped.
    pub fn throttled(&self) -> Option<Duration> {
        match self {
            Self::Group(group) => group.throttled(),
            Self::Tree(_) => None,
        }
    }
}
