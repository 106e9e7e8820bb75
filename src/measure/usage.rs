//! The CPU time and memory that an instance uses, counted by the control group of its container or process by process.
//!
//! CPU time is in nanoseconds, memory in bytes. A figure that the kernel does not tell, or not to this user, is `None`.

use std::time::Duration;

use crate::model::profile::MemoryReading;

pub mod cgroup;
pub mod process_tree;

use cgroup::Cgroup;
use process_tree::Tree;

/// The counter of what an instance uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// The control group of its container.
    Group(Cgroup),
    /// Its first process and all descendants.
    Tree(Tree),
}

impl Usage {
    /// The CPU time used so far.
    pub fn cpu_time(&self) -> Option<Duration> {
        match self {
            Self::Group(group) => group.cpu_time(),
            Self::Tree(tree) => tree.cpu_time(),
        }
    }

    /// The anonymous memory.
    pub fn anon_bytes(&self) -> Option<u64> {
        match self {
            Self::Group(group) => group.anon_bytes(),
            Self::Tree(tree) => tree.anon_bytes(),
        }
    }

    /// Anonymous memory, proportional set size and working set. A tree has no working set: only a control group has one.
    pub fn memory(&self) -> MemoryReading {
        match self {
            Self::Group(group) => group.memory(),
            Self::Tree(tree) => tree.memory(),
        }
    }

    /// The numbers of processes and of threads.
    pub fn processes_and_threads(&self) -> Option<(u32, u32)> {
        match self {
            Self::Group(group) => group.processes_and_threads(),
            Self::Tree(tree) => tree.processes_and_threads(),
        }
    }

    /// The number of processes that the kernel has killed at the memory limit so far. A tree has no limit.
    pub fn oom_kills(&self) -> Option<u64> {
        match self {
            Self::Group(group) => group.oom_kills(),
            Self::Tree(_) => None,
        }
    }

    /// The time for which the CPU limit has stopped it so far, summed over CPUs. A tree is pinned to CPUs and never stopped.
    pub fn throttled(&self) -> Option<Duration> {
        match self {
            Self::Group(group) => group.throttled(),
            Self::Tree(_) => None,
        }
    }
}
