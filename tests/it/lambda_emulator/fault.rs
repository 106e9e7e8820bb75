//! Faults of the service that do not follow from its state: a test says which call of which action meets which failure.

use serde_json::json;

use super::reply::{Reply, refuse};
use super::when::When;

/// The reason of a throttled invocation that the reserved concurrency of its function does not admit.
pub const RESERVED: &str = "ReservedFunctionConcurrentInvocationLimitExceeded";
/// The reason of a throttled invocation that the concurrency of the account does not admit.
pub const ACCOUNT: &str = "ConcurrentInvocationLimitExceeded";

/// A failure that some calls of an action meet.
#[derive(Debug, Clone)]
pub struct Fault {
    action: Option<&'static str>,
    when: When,
    failure: Failure,
    seen: u32,
}

/// The kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// 409: another change is in progress.
    Conflict,
    /// 429 with this reason.
    Throttled(&'static str),
    /// 400: the role is new and cannot be assumed yet.
    RoleNotAssumable,
    /// 403: the session of the caller has expired.
    ExpiredCredentials,
    /// 403: no policy allows the action.
    Denied,
    /// 500.
    Internal,
    /// The call is carried out, and the connection ends in the middle of the answer.
    CutAnswer,
    /// The call is carried out, and the connection ends before the first byte of the answer.
    LostAnswer,
    /// The connection ends, and the call is not carried out.
    Closed,
}

/// The place at which a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// In the middle of the answer.
    InAnswer,
    /// Before the first byte of the answer.
    BeforeAnswer,
}

impl Fault {
    /// The failure of those calls of `action`, such as `lambda:CreateFunction`, that `when` chooses.
    pub fn on(action: &'static str, when: When, failure: Failure) -> Self {
        Self {
            action: Some(action),
            when,
            failure,
            seen: 0,
        }
    }

    /// The failure of those calls that `when` chooses among the calls of all actions.
    pub fn on_any(when: When, failure: Failure) -> Self {
        Self {
            action: None,
            when,
            failure,
            seen: 0,
        }
    }

    /// Counts a call of `action`, and returns the failure that it meets.
    pub fn meets(&mut self, action: &str) -> Option<Failure> {
        if self.action.is_some_and(|own| own != action) {
            return None;
        }
        self.seen += 1;
        self.when.has(self.seen).then(|| self.failure.clone())
    }
}

impl Failure {
    /// The answer instead of that of the service; `None` if the call is carried out or the connection is closed.
    pub fn answer(&self, action: &str) -> Option<Reply> {
        let refusal = match self {
            Self::Conflict => refuse::conflict(
                "The operation cannot be performed at this time. An update is in progress for resource: the function",
            ),
            Self::Throttled(reason) => refuse::throttled(reason),
            Self::RoleNotAssumable => {
                refuse::parameter("The role defined for the function cannot be assumed by Lambda.")
            }
            Self::ExpiredCredentials => refuse::with(
                403,
                "ExpiredTokenException",
                json!({"message": "The security token included in the request is expired"}),
            ),
            Self::Denied => refuse::denied(action),
            Self::Internal => refuse::with(
                500,
                "ServiceException",
                json!({"Type": "Service", "Message": "An internal error occurred."}),
            ),
            Self::CutAnswer | Self::LostAnswer | Self::Closed => return None,
        };
        Some(refusal)
    }

    /// The place at which the connection ends.
    pub fn cut(&self) -> Option<Cut> {
        match self {
            Self::CutAnswer => Some(Cut::InAnswer),
            Self::LostAnswer | Self::Closed => Some(Cut::BeforeAnswer),
            _ => None,
        }
    }
}
