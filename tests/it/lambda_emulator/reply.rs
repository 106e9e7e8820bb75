//! Answers of the service: a status, headers and a body. Errors have the name of their kind in a header, as the SDKs read it.

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with a body of JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", "application/json".into())],
            body: body.to_string().into_bytes(),
        }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The kind of the error, such as `ResourceConflictException`.
    pub fn error(&self) -> Option<&str> {
        let kind = self.headers.iter().find(|(name, _)| *name == "x-amzn-ErrorType");
        kind.map(|(_, value)| value.as_str())
    }
}

/// Errors as Lambda words them.
pub mod refuse {
    use serde_json::{Value, json};

    use super::Reply;

    /// An error of any kind.
    pub fn with(status: u16, kind: &str, body: Value) -> Reply {
        let mut reply = Reply::json(status, &body);
        reply.headers.push(("x-amzn-ErrorType", kind.to_string()));
        reply
    }

    /// A value that the service does not accept.
    pub fn parameter(message: &str) -> Reply {
        with(
            400,
            "InvalidParameterValueException",
            json!({"Type": "User", "message": message}),
        )
    }

    /// A value that does not have the form that the model of the service demands.
    pub fn form(what: &str, rule: &str) -> Reply {
        let message = format!("1 validation error detected: Value at '{what}' failed to satisfy constraint: {rule}");
        with(400, "ValidationException", json!({"message": message}))
    }

    /// A change that the state of the function does not permit.
    pub fn conflict(message: &str) -> Reply {
        with(
            409,
            "ResourceConflictException",
            json!({"Type": "User", "message": message}),
        )
    }

    /// Something that does not exist.
    pub fn unknown(message: &str) -> Reply {
        with(
            404,
            "ResourceNotFoundException",
            json!({"Type": "User", "Message": message}),
        )
    }

    /// A request too many.
    pub fn throttled(reason: &str) -> Reply {
        with(
            429,
            "TooManyRequestsException",
            json!({"Reason": reason, "Type": "User", "message": "Rate Exceeded."}),
        )
    }

    /// An action that no policy allows.
    pub fn denied(action: &str) -> Reply {
        let message = format!(
            "User: arn:aws:iam::{}:user/tester is not authorized to perform: {action} on resource: * because no \
             identity-based policy allows the {action} action",
            super::super::function::ACCOUNT_ID
        );
        with(403, "AccessDeniedException", json!({"Message": message}))
    }
}
