//! The routing rules.
//!
//! Sources of the rules that look at load: random of two, Mitzenmacher, The Power of Two Choices in Randomized Load
//! Balancing, IEEE TPDS 2001; most loaded first is how instances drain that a platform wants to scale in.

use serde::{Deserialize, Serialize};

/// The rule that names one of several free instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// The one created last.
    Newest,
    /// The one that got or finished a request last.
    MostRecentlyUsed,
    /// The one that got or finished a request longest ago.
    LeastRecentlyUsed,
    /// The one created first.
    Oldest,
    /// Any, with equal chance.
    Random,
    /// The next one in the order of creation after the one that was chosen last.
    RoundRobin,
    /// The one with the fewest requests in flight; among equals the one that got or finished a request longest ago.
    LeastOutstanding,
    /// Of two different ones, drawn with equal chance, the one with fewer requests in flight; the first drawn if equal.
    RandomOfTwo,
    /// The one with the most requests in flight; among equals the one that got or finished a request last.
    MostLoaded,
    /// The one that had the last request of the same session, if it still has a free slot; else by `least-outstanding`.
    Sticky,
}

impl Routing {
    /// The name as scenarios write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::MostRecentlyUsed => "most-recently-used",
            Self::LeastRecentlyUsed => "least-recently-used",
            Self::Oldest => "oldest",
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
            Self::LeastOutstanding => "least-outstanding",
            Self::RandomOfTwo => "random-of-two",
            Self::MostLoaded => "most-loaded",
            Self::Sticky => "sticky",
        }
    }
}
