//! The part of a profile about work in sizes: what a request costs by the number of units that it works on.

use serde::{Deserialize, Serialize};

/// The cost of one size of a kind of work, under load: a closed loop with enough requests in flight to keep the CPU busy.
/// All sizes of all kinds take turns, so value `k` of each of them comes from the same round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkSize {
    /// The number of units of a request: items, orders, rows or lines.
    pub units: u32,
    /// The number of correct answers in the rounds that count.
    pub requests: u64,
    /// The number of wrong answers and broken connections in all rounds.
    pub errors: u32,
    /// The CPU time per request in milliseconds, one value for each round that counts, without the CPU time of an idle
    /// instance.
    pub cpu_ms: Vec<f64>,
    /// The same for the rounds before CPU time per request had settled. They do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsettled_cpu_ms: Vec<f64>,
    /// The quantiles 0.5, 0.95 and 0.99 of the latency in the rounds that count, each with its value in milliseconds.
    pub latency_ms: Vec<(f64, f64)>,
}
