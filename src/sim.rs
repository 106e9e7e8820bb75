//! The simulator: pure, synchronous, in integer nanoseconds. Given a [`setup::Setup`] it cannot fail.
pub mod autoscaler;
pub(crate) mod calendar;
pub mod client;
pub mod cluster;
pub mod engine;
pub mod fact;
pub(crate) mod fleet;
pub(crate) mod gauge;
pub mod inside;
pub mod observe;
pub mod platform;
pub mod pool;
pub(crate) mod service_draws;
pub mod setup;
pub(crate) mod slab;
pub(crate) mod world;
