//! The calls that came and the invocations that ran, as they really were. Tests compare reports with these.

use super::fault::Cut;
use super::log::Report;
use super::run::Begun;

/// A call of the service.
#[derive(Debug, Clone)]
pub struct Call {
    /// The action, as policies name it, such as `lambda:CreateFunction`; the method and the path of an unknown call.
    pub action: String,
    /// All actions that the caller must be allowed.
    pub needs: Vec<&'static str>,
    /// The function, where the call names one.
    pub function: Option<String>,
    /// The version, where the call names one.
    pub qualifier: Option<String>,
    /// The moment at which it came, in Lambda's milliseconds.
    pub at_ms: f64,
    /// The status of the answer; 0 while there is none.
    pub status: u16,
    /// The kind of the error.
    pub error: Option<String>,
    /// The place at which the connection was cut.
    pub cut: Option<Cut>,
}

/// An invocation that ran.
#[derive(Debug, Clone)]
pub struct Served {
    pub function: String,
    pub version: String,
    pub request_id: String,
    /// The number of the environment.
    pub environment: u32,
    pub process_id: String,
    /// The requests that the process had received, this one included.
    pub requests: u64,
    pub begun: Begun,
    /// The moment at which its process began.
    pub process_started_ms: f64,
    /// The moment at which the call came.
    pub at_ms: f64,
    /// The figures of the log, whether or not its tail has them.
    pub report: Report,
    pub function_error: Option<&'static str>,
    /// False if the connection was cut, so that the caller never saw the answer.
    pub is_answered: bool,
}
