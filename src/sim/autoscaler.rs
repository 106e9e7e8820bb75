//! Autoscalers of replicas: from what was measured to how many there should be. Pure: they decide and change nothing but
//! their own memory.

pub mod ecs;
pub mod hpa;
pub mod keda;
pub mod kpa;
