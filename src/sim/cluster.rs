//! Nodes, their resources for pods, and the scheduler that chooses a node for a pod.

pub mod allocatable;
pub mod node;
pub mod scheduler;
