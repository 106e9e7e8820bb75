//! Nodes and what is placed on them.

pub mod allocatable;
