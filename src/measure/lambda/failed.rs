//! The failure of a call of the API, by what it means for a measurement.

use std::error::Error;
use std::fmt;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};

use crate::measure::MeasureError;

/// The meaning of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls, or more concurrency than there is: later it works.
    Throttled,
    /// Another change of the same function is under way, or its name is taken.
    Conflict,
    /// It does not exist.
    NotFound,
    /// A new role cannot be assumed yet.
    RoleNotReady,
    /// There are no credentials, or they have expired.
    Credentials,
    /// The credentials do not allow the call.
    Denied,
    /// There was no whole answer.
    Cut,
    /// Something else.
    Other,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The meaning.
    pub kind: Kind,
    /// The action, such as `lambda:CreateFunction`.
    pub action: &'static str,
    /// The answer, or the reason why there was none.
    pub reason: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.reason)
    }
}

impl Failed {
    /// The failure of an action.
    pub fn of<E>(action: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let (code, message) = (error.code(), error.message().unwrap_or_default());
        let kind = match (&error, code) {
            (SdkError::ConstructionFailure(_), _) => Kind::Credentials,
            (_, Some(code)) => kind(code, message),
            (SdkError::DispatchFailure(failure), None) if !failure.is_io() && !failure.is_timeout() => {
                Kind::Credentials
            }
            (SdkError::ServiceError(_), None) => Kind::Other,
            _ => Kind::Cut,
        };
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let reason = match (code, status) {
            (Some(code), _) => format!("{code}: {message}"),
            (None, Some(status)) => format!("an answer with status {status} that is no error of AWS"),
            (None, None) => root_cause(&error),
        };
        Self {
            kind,
            action,
            reason: masked(&reason),
        }
    }

    /// True if the same call can succeed later.
    pub fn passes(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Conflict | Kind::RoleNotReady)
    }
}

/// The last cause of an error, with the first words.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    format!("{error}: {last}")
}

fn kind(code: &str, message: &str) -> Kind {
    match code {
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "RequestLimitExceeded" => Kind::Throttled,
        "ResourceConflictException" | "RepositoryAlreadyExistsException" => Kind::Conflict,
        "ResourceNotFoundException" | "RepositoryNotFoundException" => Kind::NotFound,
        "InvalidParameterValueException" if message.contains("cannot be assumed") => Kind::RoleNotReady,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "InvalidSignatureException" => Kind::Credentials,
        "AccessDeniedException" | "AccessDenied" => Kind::Denied,
        _ => Kind::Other,
    }
}

/// The text with the numbers of accounts masked: twelve digits that stand alone.
pub fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut digits = String::new();
    let flush = |digits: &mut String, masked: &mut String| {
        match digits.len() {
            12 => masked.push_str("************"),
            _ => masked.push_str(digits),
        }
        digits.clear();
    };
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            flush(&mut digits, &mut masked);
            masked.push(c);
        }
    }
    flush(&mut digits, &mut masked);
    masked
}

impl From<Failed> for MeasureError {
    fn from(failed: Failed) -> Self {
        let hint = match failed.kind {
            Kind::Credentials => {
                "give credentials as for any AWS tool: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                 `eval \"$(aws configure export-credentials --format env)\"` after `aws sso login`"
            }
            Kind::Denied => "`coldcast measure lambda policy` prints the permissions that are needed",
            Kind::Cut => "check the network and AWS_ENDPOINT_URL",
            _ => "",
        };
        Self::Cloud {
            reason: failed.to_string(),
            hints: Some(hint)
                .filter(|hint| !hint.is_empty())
                .map(str::to_string)
                .into_iter()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_vendors_say() {
        assert_eq!(kind("TooManyRequestsException", "Rate Exceeded."), Kind::Throttled);
        let role = "The role defined for the function cannot be assumed by Lambda.";
        assert_eq!(kind("InvalidParameterValueException", role), Kind::RoleNotReady);
        assert_eq!(kind("InvalidParameterValueException", "Memory too large"), Kind::Other);
        assert_eq!(kind("ExpiredTokenException", ""), Kind::Credentials);
    }

    #[test]
    fn numbers_of_accounts_are_masked() {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:coldcast-1f00 took 1234567890123 ns";
        assert_eq!(
            masked(arn),
            "arn:aws:lambda:us-east-1:************:function:coldcast-1f00 took 1234567890123 ns"
        );
    }
}
