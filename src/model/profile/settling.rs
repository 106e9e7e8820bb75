//! The part of a profile about the loads that go on until CPU time per request has settled.

use serde::{Deserialize, Serialize};

/// The way in which a repeated load came to rest. A runtime that compiles while it runs gets faster for up to a minute or
/// two; figures taken before the end of that time do not describe a warm server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// The number of rounds. Each round loads every route, or every size, once.
    pub rounds: u32,
    /// The number of the round, from 0, from which on the rounds count. The values of earlier rounds are kept apart.
    pub counted_from: u32,
    /// From the beginning of the first round to the end of the last one, in seconds.
    pub seconds: f64,
    /// The reason why no further round was taken.
    pub end: SettlingEnd,
}

/// The reason for the end of a load that waits for CPU time per request to settle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettlingEnd {
    /// CPU time per request had settled.
    #[default]
    Settled,
    /// The time was up before it had settled. The figures may still be too high.
    TimeUp,
}
