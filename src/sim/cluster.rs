//! Nodes, what pods can have of them, and which node a pod goes to.

pub mod allocatable;
pub mod node;
pub mod scheduler;
