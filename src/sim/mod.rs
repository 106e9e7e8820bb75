//! The simulator: pure, synchronous, in integer nanoseconds. Given a [`setup::Setup`] it cannot fail.
pub(crate) mod age;
pub(crate) mod calendar;
pub(crate) mod cpu;
pub mod engine;
pub mod fact;
pub(crate) mod fleet;
pub(crate) mod gauge;
pub mod platform;
pub mod pool;
pub mod recorder;
pub mod records;
pub mod setup;
pub(crate) mod slab;
pub(crate) mod station;
pub mod timeline;
pub mod warm_up;
pub(crate) mod world;
