//! Users who ask, wait for the answer, think, and ask again. The arrival rate is no input here: the slower the answers, the
//! fewer requests. The simulator makes the requests; nothing comes from outside.

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::{Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use crate::model::dist::DistSpec;

/// `[traffic.closed-loop]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedLoopSpec {
    /// How many users.
    pub users: u32,
    /// Time between an answer and the user's next request, and before the first.
    #[serde(skip_serializing)]
    pub think: DistSpec,
}

impl TrafficKind for ClosedLoopSpec {
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
        Ok(Opened {
            source: Box::new(Nothing),
            horizon: Some(horizon),
            input_sha256: None,
        })
    }
}

struct Nothing;

impl Source for Nothing {
    fn refill(&mut self, _: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        Ok(false)
    }
}
