//! The part of a profile about a warm instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One warm instance: warm-up curve, service times, CPU per request, memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmRun {
    /// Latency of requests 2, 3, ... after a cold start (route `json`), open loop at low utilisation, from the intended
    /// send time.
    pub warm_up_ms: Vec<f64>,
    /// Rate of the warm-up curve in requests per second.
    pub warm_up_rate: f64,
    /// CPU time used during the warm-up curve divided by its requests, in ten equal parts in order.
    pub warm_up_cpu_ms: Vec<f64>,
    /// Median round trip of an empty handler on the same network path; already taken off nothing: subtract it yourself.
    pub round_trip_ms: f64,
    /// By route name: `healthz`, `json`, `items`, `echo`.
    pub routes: BTreeMap<String, RouteRun>,
    /// Memory at rest after the warm-up.
    pub idle: MemoryReading,
    /// Memory at the end of the load.
    pub loaded: MemoryReading,
    /// Highest anonymous memory seen under load.
    pub peak_anon_bytes: Option<u64>,
    /// Growth of anonymous memory per additional request in flight; `null` when not measured.
    pub anon_bytes_per_in_flight: Option<f64>,
    /// CPU time burnt per second without requests.
    pub idle_cpu_ms_per_s: Option<f64>,
    /// Completions per second of a closed loop of 16 clients on route `json`.
    pub saturation_rps: Option<f64>,
    /// Effective parallel servers for waiting requests, from the closed loop on `/io`: clients and servers.
    pub parallel_io: Vec<(u32, f64)>,
    /// Effective parallel servers for CPU-bound requests, from the closed loop on `/cpu`: clients and servers.
    pub parallel_cpu: Vec<(u32, f64)>,
    /// Anonymous memory with that many waiting requests in flight: clients, and the median in bytes.
    #[serde(default)]
    pub anon_by_in_flight: Vec<(u32, f64)>,
    /// Open-loop loads at rising rates, in the order taken; empty in a short warm run.
    #[serde(default)]
    pub plateaus: Vec<Plateau>,
    /// Memory after the plateaus and a rest.
    #[serde(default)]
    pub after_rest: Option<MemoryReading>,
    /// The search for the highest stable rate; `null` in a short warm run.
    #[serde(default)]
    pub stable_rate: Option<StableRate>,
    /// Processes of the idle instance; `null` without access to its control group.
    #[serde(default)]
    pub processes: Option<u32>,
    /// Threads of the idle instance; `null` without access to its control group.
    #[serde(default)]
    pub threads: Option<u32>,
    /// Requests that failed or were wrong while warm.
    pub errors: u32,
}

/// An open-loop load at a constant rate (route `json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// Offered rate per second.
    pub rate: f64,
    /// Length in seconds.
    pub seconds: f64,
    /// Right answers.
    pub completed: u64,
    /// Wrong answers, broken connections, requests without an answer.
    pub errors: u64,
    /// Share of requests that the client sent more than 1 ms late: above 0.01 the client was too slow and latencies are
    /// the client's.
    pub late_share: f64,
    /// CPU time of the instance over the plateau in seconds.
    pub cpu_s: Option<f64>,
    /// Latency from the intended send time: quantile and milliseconds, for 0.5, 0.9, 0.95, 0.99, 0.999 and 1.
    pub latency_ms: Vec<(f64, f64)>,
    /// Anonymous memory, one reading per second in order, in bytes.
    pub anon_bytes: Vec<u64>,
    /// Memory at the end.
    pub end: MemoryReading,
}

/// The search for the highest rate at which the instance is stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StableRate {
    /// The highest stable rate per second: median over the repetitions; `null` if not even the lowest was stable.
    pub rate: Option<f64>,
    /// Mean number of requests in flight at that rate, rate times mean latency (Little's law).
    pub in_flight: Option<f64>,
    /// All trials in order.
    pub trials: Vec<Trial>,
}

/// How `broken` begins when the client, or the machine it shares with the server, could not keep up.
pub const CLIENT_TOO_SLOW: &str = "client too slow";

/// One trial of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Repetition of the search, from 0.
    pub repetition: u32,
    /// Offered rate per second.
    pub rate: f64,
    /// Length in seconds; shorter than asked for when it was plain early.
    pub seconds: f64,
    /// Whether it was stable.
    pub stable: bool,
    /// Which rule it broke; empty when stable.
    pub broken: String,
    /// Mean latency in milliseconds.
    pub latency_mean_ms: Option<f64>,
}

/// What one route costs on a warm instance with one request in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRun {
    /// Client wall time of each request, round trip included.
    pub service_time_ms: Vec<f64>,
    /// CPU time per request of batches of `cpu_batch` requests, one after the other, idle burn taken off. Holds what the
    /// system spends on going to sleep and waking up for each of them.
    pub cpu_ms: Vec<f64>,
    /// Requests in each batch of `cpu_ms`.
    pub cpu_batch: u32,
    /// CPU time per request of bursts with four requests in flight, idle burn taken off: what a request costs a server that
    /// is busy anyway. Empty in profiles that were measured before this was.
    #[serde(default)]
    pub cpu_loaded_ms: Vec<f64>,
}

impl RouteRun {
    /// CPU milliseconds per request, one value for each batch: of a busy server where that was measured, of one request at
    /// a time elsewhere.
    pub fn cpu_per_request(&self) -> &[f64] {
        if self.cpu_loaded_ms.is_empty() {
            &self.cpu_ms
        } else {
            &self.cpu_loaded_ms
        }
    }
}

/// A reading of a container's memory; `null` where the kernel did not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryReading {
    /// Anonymous memory (heap, stacks).
    pub anon_bytes: Option<u64>,
    /// Proportional set size summed over processes.
    pub pss_bytes: Option<u64>,
    /// Usage less inactive file pages: what Kubernetes evicts on.
    pub working_set_bytes: Option<u64>,
}
