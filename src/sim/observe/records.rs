//! Every request of a run, for those who ask for it.

use crate::sim::fact::{Ended, Fact, Outcome, Role};
use crate::sim::observe::Observer;

/// One request, or one call with all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRecord {
    /// Position of its service.
    pub service: u16,
    /// Number of its function within the service.
    pub function: u32,
    /// Arrival, in nanoseconds since the start of the run.
    pub arrived: u64,
    /// Start of its service; `None` if it was never served, or in several attempts.
    pub started: Option<u64>,
    /// End.
    pub finished: u64,
    /// True if an instance was started for it.
    pub cold: bool,
    /// `completed`, `timed-out`, `failed` or `rejected`.
    pub outcome: &'static str,
}

/// Watches a run and keeps every request in order of its end.
#[derive(Debug, Default)]
pub struct Requests {
    rows: Vec<RequestRecord>,
}

impl Requests {
    /// The requests.
    pub fn into_rows(self) -> Vec<RequestRecord> {
        self.rows
    }
}

impl Observer for Requests {
    fn observe(&mut self, fact: &Fact) {
        let row = match *fact {
            Fact::Finished(request) if request.role == Role::Request => RequestRecord {
                service: request.service,
                function: request.function,
                arrived: request.arrived.0,
                started: Some(request.started.0),
                finished: request.finished.0,
                cold: request.cold,
                outcome: name(request.outcome),
            },
            Fact::Ended(Ended {
                service,
                function,
                arrived,
                at,
                outcome,
                rejected,
                ..
            }) => RequestRecord {
                service,
                function,
                arrived: arrived.0,
                started: None,
                finished: at.0,
                cold: false,
                outcome: rejected.map_or(name(outcome), |_| "rejected"),
            },
            Fact::Rejected {
                service,
                function,
                arrived,
                at,
                role: Role::Request,
                ..
            } => RequestRecord {
                service,
                function,
                arrived: arrived.0,
                started: None,
                finished: at.0,
                cold: false,
                outcome: "rejected",
            },
            Fact::GaveUp {
                service,
                function,
                arrived,
                at,
                role: Role::Request,
            } => RequestRecord {
                service,
                function,
                arrived: arrived.0,
                started: None,
                finished: at.0,
                cold: false,
                outcome: "timed-out",
            },
            _ => return,
        };
        self.rows.push(row);
    }
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::TimedOut => "timed-out",
        Outcome::Failed => "failed",
    }
}
