//! The part of a profile about a warm instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{RateRun, ResponsePoint, Settling, WorkSize};

/// The measurements of one warm instance: warm-up curve, service times, CPU time per request, memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmRun {
    /// The latencies of requests 2, 3, ... after a cold start (route `json`) in an open loop at low utilisation, from the
    /// intended send time.
    pub warm_up_ms: Vec<f64>,
    /// The rate of the warm-up curve in requests per second.
    pub warm_up_rate: f64,
    /// The mean CPU time per request in each of ten equal parts of the warm-up curve, in order.
    pub warm_up_cpu_ms: Vec<f64>,
    /// The median round trip of an empty handler on the same network path. The other times of the profile include it.
    pub round_trip_ms: f64,
    /// The routes by name: `healthz`, `json`, `items`, `echo`.
    pub routes: BTreeMap<String, RouteRun>,
    /// The way in which the CPU time per request of the routes (`cpu_loaded_ms`) settled; `null` in schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling: Option<Settling>,
    /// The work in sizes, by kind: `items`, `validate`, `template`, `compute`, or the name of a route of the user. The sizes
    /// ascend. Empty if work in sizes was not measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub work: BTreeMap<String, Vec<WorkSize>>,
    /// The way in which the CPU time per request of the work in sizes settled; `null` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_settling: Option<Settling>,
    /// The open-loop loads at several rates on `/json` and on `/cpu?ms=5`; empty if they were not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateRun>,
    /// The response curve of `/cpu?ms=5` by ascending rate; empty if it was not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponsePoint>,
    /// The CPU time per second without requests while the rates took turns, in milliseconds; `null` if not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates_idle_cpu_ms_per_s: Option<f64>,
    /// The memory at rest after the warm-up.
    pub idle: MemoryReading,
    /// The memory at the end of the load.
    pub loaded: MemoryReading,
    /// The largest anonymous memory under load.
    pub peak_anon_bytes: Option<u64>,
    /// The growth of anonymous memory for each additional request in flight; `null` if not measured.
    pub anon_bytes_per_in_flight: Option<f64>,
    /// The CPU time per second without requests, in milliseconds.
    pub idle_cpu_ms_per_s: Option<f64>,
    /// The number of requests per second of a closed loop with 16 clients on route `json`. From schema 2 on the median over the
    /// bursts of `cpu_loaded_ms`.
    pub saturation_rps: Option<f64>,
    /// The number of clients of the closed loop on `/io` and the mean number of waiting requests that were handled in
    /// parallel.
    pub parallel_io: Vec<(u32, f64)>,
    /// The number of clients of the closed loop on `/cpu` and the mean number of cores that were used in parallel.
    pub parallel_cpu: Vec<(u32, f64)>,
    /// The number of waiting requests in flight and the median of the anonymous memory in bytes.
    #[serde(default)]
    pub anon_by_in_flight: Vec<(u32, f64)>,
    /// The open-loop loads at rising rates, in the order of measurement; empty in a short warm run.
    #[serde(default)]
    pub plateaus: Vec<Plateau>,
    /// The memory after the plateaus and a rest.
    #[serde(default)]
    pub after_rest: Option<MemoryReading>,
    /// The search for the highest stable rate; `null` in a short warm run.
    #[serde(default)]
    pub stable_rate: Option<StableRate>,
    /// The number of processes of the idle instance; `null` if unknown.
    #[serde(default)]
    pub processes: Option<u32>,
    /// The number of threads of the idle instance; `null` if unknown.
    #[serde(default)]
    pub threads: Option<u32>,
    /// The number of requests that failed or were answered wrongly.
    pub errors: u32,
}

/// An open-loop load at a constant rate (route `json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// The offered rate in requests per second.
    pub rate: f64,
    /// The length in seconds.
    pub seconds: f64,
    /// The number of correct answers.
    pub completed: u64,
    /// The number of wrong answers, broken connections and requests without an answer.
    pub errors: u64,
    /// The share of requests that the client sent more than 1 ms late. Above 0.01 the client was too slow, and the latencies
    /// do not describe the server.
    pub late_share: f64,
    /// The CPU time of the instance during the plateau in seconds.
    pub cpu_s: Option<f64>,
    /// The quantiles 0.5, 0.9, 0.95, 0.99, 0.999 and 1 of the latency from the intended send time, each with its value in
    /// milliseconds.
    pub latency_ms: Vec<(f64, f64)>,
    /// The anonymous memory in bytes, one reading per second in order.
    pub anon_bytes: Vec<u64>,
    /// The memory at the end.
    pub end: MemoryReading,
}

/// The search for the highest rate at which the instance is stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StableRate {
    /// The highest stable rate per second, as the median over the repetitions; `null` if no rate was stable.
    pub rate: Option<f64>,
    /// The mean number of requests in flight at that rate: the rate times the mean latency (Little's law).
    pub in_flight: Option<f64>,
    /// All trials in order.
    pub trials: Vec<Trial>,
}

/// The beginning of `broken` if the client, or the machine that it shares with the server, could not keep up.
pub const CLIENT_TOO_SLOW: &str = "client too slow";

/// One trial of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The repetition of the search, from 0.
    pub repetition: u32,
    /// The offered rate in requests per second.
    pub rate: f64,
    /// The length in seconds. A trial ends early if its result is clear.
    pub seconds: f64,
    /// True if the rate was stable.
    pub stable: bool,
    /// The rule that the trial broke; empty if the rate was stable.
    pub broken: String,
    /// The mean latency in milliseconds.
    pub latency_mean_ms: Option<f64>,
}

/// The cost of one route on a warm instance with one request in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRun {
    /// The wall time of each request at the client, including the round trip.
    pub service_time_ms: Vec<f64>,
    /// The CPU time per request of batches of `cpu_batch` requests, sent one after the other, without the CPU time of an idle
    /// instance. It includes the cost of going to sleep and waking up for each request.
    pub cpu_ms: Vec<f64>,
    /// The number of requests in each batch of `cpu_ms`.
    pub cpu_batch: u32,
    /// The CPU time per request of bursts with 16 requests in flight (four in schema 1), without the CPU time of an idle instance. This is
    /// the cost of a request on a busy server. From schema 2 on only bursts from the time at which it had settled. Empty in
    /// profiles of older versions.
    #[serde(default)]
    pub cpu_loaded_ms: Vec<f64>,
    /// The CPU time per request of the bursts before it had settled, in order. They do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsettled_cpu_loaded_ms: Vec<f64>,
}

impl RouteRun {
    /// Returns the CPU time per request in milliseconds, one value for each batch: on a busy server if that was measured, or
    /// else of one request at a time.
    pub fn cpu_per_request(&self) -> &[f64] {
        if self.cpu_loaded_ms.is_empty() {
            &self.cpu_ms
        } else {
            &self.cpu_loaded_ms
        }
    }
}

/// A reading of the memory of a container. Unknown values are `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryReading {
    /// The anonymous memory (heap, stacks).
    pub anon_bytes: Option<u64>,
    /// The proportional set size, summed over processes.
    pub pss_bytes: Option<u64>,
    /// The usage without inactive file pages: the value by which Kubernetes evicts.
    pub working_set_bytes: Option<u64>,
}
