//! The engine against queueing theory.
//!
//! Each check simulates independent replications. Their own 95% interval must hold the theoretical value and be narrow:
//! half of its width is at most 2% of the value. By construction such an interval misses for one seed in twenty. The seeds
//! are therefore fixed, and no simulated digit is pinned.
//!
//! `cargo test --test it theory:: -- --nocapture` prints every value beside its interval.

mod harness;

mod functions;
mod inside;
mod published;
mod queues;
