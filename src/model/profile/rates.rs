//! The part of a profile about open-loop loads at several rates: what a request costs when the last one is long ago, and how
//! requests that meet in the server wait for each other.

use serde::{Deserialize, Serialize};

/// The route `/json`, whose handler does nearly nothing.
pub const JSON: &str = "json";
/// The route `/cpu?ms=5`, whose handler burns 5 ms of CPU time.
pub const CPU_5MS: &str = "cpu-5ms";

/// A Poisson load at one rate. The rates take turns in visits of a few seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateRun {
    /// The route: `json` (for an image of the user its main route), or `cpu-5ms` for `/cpu?ms=5`.
    pub route: String,
    /// The offered rate in requests per second.
    pub rate: f64,
    /// The length of all visits together in seconds.
    pub seconds: f64,
    /// The number of correct answers.
    pub requests: u64,
    /// The number of wrong answers, broken connections and requests without an answer.
    pub errors: u64,
    /// The CPU time per request in milliseconds, one value for each visit, without the CPU time of an idle instance.
    pub cpu_ms: Vec<f64>,
    /// The quantiles 0.5, 0.9, 0.95 and 0.99 of the latency from the intended send time, each with its value in
    /// milliseconds. It includes the round trip.
    pub latency_ms: Vec<(f64, f64)>,
    /// The mean latency in milliseconds.
    pub latency_mean_ms: Option<f64>,
    /// The share of requests that the client sent more than 1 ms late, between 0 and 1.
    pub late_share: f64,
}

/// A point of the response curve of `/cpu?ms=5`: the latencies of a Poisson load at one rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponsePoint {
    /// The offered rate in requests per second.
    pub rate: f64,
    /// The length of all visits together in seconds.
    pub seconds: f64,
    /// The number of correct answers.
    pub requests: u64,
    /// The share of the CPU that requests on this route can use and that the instance used, between 0 and 1: one core, or
    /// the CPU limit if that is lower.
    pub load: f64,
    /// The CPU time per request in milliseconds, without the CPU time of an idle instance.
    pub cpu_ms: f64,
    /// The quantiles 0.25, 0.5, 0.75, 0.9, 0.95, 0.99 and 1 of the latency from the intended send time, each with its value
    /// in milliseconds. It includes the round trip.
    pub latency_ms: Vec<(f64, f64)>,
    /// The mean latency in milliseconds.
    pub latency_mean_ms: f64,
    /// The share of requests that the client sent more than 1 ms late, between 0 and 1.
    pub late_share: f64,
}
