//! The properties of the emulated service that a test chooses.

use super::fault::Fault;
use super::when::When;

/// The behaviour of the service. Times are milliseconds of Lambda's time, of which `time_scale` is really waited for.
///
/// Environments and invocations are numbered from 1 in the order in which they begin, over all functions.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Real time for each unit of Lambda's time: with 0.01 an initialisation of 12 s takes 120 ms.
    pub time_scale: f64,
    /// The time for which a new function is `Pending`.
    pub pending_ms: f64,
    /// The time for which an update is `InProgress`. Until then the environments of the old configuration serve.
    pub update_ms: f64,
    /// The time for which a published version is `Pending`.
    pub publish_ms: f64,
    /// The `StateReasonCode` with which every new function ends as `Failed`.
    pub creation_fails: Option<&'static str>,
    /// The `LastUpdateStatusReasonCode` with which every update ends as `Failed`.
    pub update_fails: Option<&'static str>,
    /// True if any text is a valid image; otherwise only a reference to a registry of ECR is.
    pub any_image: bool,

    /// The time of an initialisation, without its spread.
    pub init_ms: f64,
    /// The largest part by which an initialisation takes longer, so that no two are alike.
    pub init_spread: f64,
    /// The environments whose initialisation takes `slow_init_ms`.
    pub slow_init: When,
    /// The time of a slow initialisation. After 10 s it is ended and runs again inside the invocation.
    pub slow_init_ms: f64,
    /// The environments whose process ends in its initialisation.
    pub crash_in_init: When,
    /// The environments that were initialised before anybody asked.
    pub proactive: When,
    /// The time between the start of their process and their first invocation.
    pub proactive_ms: f64,
    /// The time of a restore from a snapshot, without the spread.
    pub restore_ms: f64,
    /// The time after which an idle environment ends.
    pub idle_expiry_ms: Option<f64>,
    /// The requests by which an adapter found the app ready. They count in `x-request-count`.
    pub readiness_requests: u64,

    /// The time of an invocation that no log reports: placement and network.
    pub overhead_ms: f64,
    /// The time in the handler.
    pub duration_ms: f64,
    /// The invocations that end with a `FunctionError` of the handler.
    pub handler_error: When,
    /// The invocations to which the app answers 500.
    pub bad_status: When,
    /// The framework and the release that `/json` names.
    pub identity: (&'static str, &'static str),

    /// True if logs are JSON whatever the function's `LoggingConfig` says.
    pub json_logs: bool,
    /// The bytes that the app writes into the log in each invocation.
    pub app_log_bytes: usize,
    /// The invocations whose log goes on after the report, so that the tail lacks the first `cut_bytes` of the report.
    pub cut_report: When,
    /// The bytes of the report that are lost.
    pub cut_bytes: usize,
    /// The invocations whose answer has no log.
    pub no_log: When,

    /// The calls of `ListTags` and `GetFunction` that do not see the tags of a function yet.
    pub tags_lag_calls: u32,
    /// The calls of `ListFunctions` that do not see a new function yet.
    pub list_lag_calls: u32,
    /// The most entries of a list's page.
    pub page_size: usize,
    /// The concurrency of the account.
    pub account_concurrency: u32,

    /// Failures of single calls. Each fault counts the calls of its action, those that another one has met included.
    pub faults: Vec<Fault>,
}

impl Default for Behaviour {
    /// A service without faults, whose times are short and really waited for.
    fn default() -> Self {
        Self {
            time_scale: 1.0,
            pending_ms: 60.0,
            update_ms: 40.0,
            publish_ms: 20.0,
            creation_fails: None,
            update_fails: None,
            any_image: false,
            init_ms: 40.0,
            init_spread: 0.25,
            slow_init: When::Never,
            slow_init_ms: 12_000.0,
            crash_in_init: When::Never,
            proactive: When::Never,
            proactive_ms: 60_000.0,
            restore_ms: 25.0,
            idle_expiry_ms: None,
            readiness_requests: 0,
            overhead_ms: 10.0,
            duration_ms: 2.0,
            handler_error: When::Never,
            bad_status: When::Never,
            identity: ("emulated", "1.0.0"),
            json_logs: false,
            app_log_bytes: 0,
            cut_report: When::Never,
            cut_bytes: 60,
            no_log: When::Never,
            tags_lag_calls: 0,
            list_lag_calls: 0,
            page_size: 50,
            account_concurrency: 1_000,
            faults: Vec::new(),
        }
    }
}
