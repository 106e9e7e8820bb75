//! A closed loop: users who send a request, wait for the answer, think, and send the next request. There is no arrival rate:
//! the slower the answers, the fewer the requests. The simulator makes the requests, and the source has none.

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::{ClosedLoop, Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use crate::model::dist::DistSpec;

/// `[traffic.closed-loop]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClosedLoopSpec {
    /// The number of users, from 1 to 1,000,000.
    pub users: u32,
    /// The time between an answer and the next request of the user; 0 asks again at once. The first requests are spread over one such
    /// time.
    #[serde(skip_serializing)]
    pub think: DistSpec,
}

impl TrafficKind for ClosedLoopSpec {
    fn example() -> &'static str {
        "users = 50\nthink = { exponential = { mean = \"5s\" } }"
    }

    fn problems(&self) -> Vec<String> {
        match self.users {
            0 => vec!["users is 0: give at least one".to_string()],
            // Two events of each are in the calendar at any time.
            users if users > 1_000_000 => vec![format!("users is {users}: at most 1000000 can be simulated")],
            _ => Vec::new(),
        }
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let horizon = open.required_horizon("closed-loop")?;
        Ok(Opened::generated(Nothing, horizon))
    }

    fn scale(&mut self, factor: f64) -> bool {
        self.users = ((f64::from(self.users) * factor).round() as u32).max(1);
        true
    }

    fn closed_loop(&self) -> Option<ClosedLoop<'_>> {
        Some(ClosedLoop {
            users: self.users,
            think: &self.think,
        })
    }
}

struct Nothing;

impl Source for Nothing {
    fn refill(&mut self, _: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        Ok(false)
    }
}
