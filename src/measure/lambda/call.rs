//! One invocation: the event, the answer of the app, and the platform's words in the tail of the log.

use std::time::Instant;

use aws_smithy_types::base64;
use serde_json::{Value, json};

use super::api::Api;
use super::failed::{Failed, Kind, masked};
use crate::trace::read::lambda::{InitReport, Report, Said, message};

/// The outcome of one invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Called {
    /// The wall time of the caller in milliseconds.
    pub wall_ms: f64,
    /// The platform's report; `None` if the tail does not hold it.
    pub report: Option<Report>,
    /// The reports of initialisations in the tail: one that took too long, and the one that followed.
    pub inits: Vec<InitReport>,
    /// The initialisation in milliseconds as the runtime interface emulator says it; `None` on Lambda.
    pub emulated_init_ms: Option<f64>,
    /// The status of the app's answer; `None` without one.
    pub status: Option<u16>,
    /// The id of the process that answered.
    pub process_id: Option<String>,
    /// The number of requests that the process has had.
    pub request_count: Option<u64>,
    /// The kind of the error, if the invocation ended with one.
    pub error: Option<String>,
    /// The version that ran.
    pub version: Option<String>,
}

/// The event of a request through API Gateway or a function URL, format 2.0. The web adapter makes a request of HTTP from it.
pub fn event(path: &str, query: &str) -> Vec<u8> {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "host": "coldcast", "accept": "*/*", "user-agent": "coldcast" },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "coldcast",
            "domainName": "coldcast",
            "domainPrefix": "coldcast",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "coldcast" },
            "requestId": "coldcast",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000u64,
        },
        "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

/// Invokes a function and reads what comes back.
///
/// # Errors
/// The call itself failed. An error of the function is an outcome.
pub async fn call(api: &Api, name: &str, version: Option<&str>, event: &[u8]) -> Result<Called, Failed> {
    let began = Instant::now();
    let answer = api.invoke(name, version, event).await?;
    let wall_ms = began.elapsed().as_secs_f64() * 1e3;
    let tail = match answer.log_result() {
        None => String::new(),
        Some(encoded) => {
            let bytes = base64::decode(encoded).map_err(|error| Failed {
                kind: Kind::Other,
                action: "lambda:InvokeFunction",
                reason: format!("the tail of the log is not base64: {error}"),
            })?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    let payload = answer.payload().map(|blob| blob.as_ref()).unwrap_or_default();
    let mut called = Called {
        wall_ms,
        version: answer.executed_version().map(str::to_string),
        ..Called::default()
    };
    called.read_tail(&tail);
    called.read_payload(payload, answer.function_error());
    Ok(called)
}

impl Called {
    /// Reads the last 4 KiB of the log. The first line may be cut.
    fn read_tail(&mut self, tail: &str) {
        for line in tail.lines() {
            match message::read(line) {
                Some(Said::Report(report)) => self.report = Some(report),
                Some(Said::InitReport(report)) => self.inits.push(report),
                Some(Said::EmulatedInit { duration_ms }) => self.emulated_init_ms = Some(duration_ms),
                _ => {}
            }
        }
    }

    fn read_payload(&mut self, payload: &[u8], error: Option<&str>) {
        let value: Value = serde_json::from_slice(payload).unwrap_or_default();
        if let Some(kind) = error {
            let text = |name: &str| value.get(name).and_then(Value::as_str);
            let detail = text("errorType").or(text("errorMessage")).unwrap_or(kind);
            self.error = Some(masked(detail));
            return;
        }
        self.status = value.get("statusCode").and_then(Value::as_u64).map(|code| code as u16);
        let header = |name: &str| {
            let headers = value.get("headers")?.as_object()?;
            let (_, value) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            value.as_str().map(str::to_string)
        };
        self.process_id = header("x-process-id");
        self.request_count = header("x-request-count").and_then(|count| count.parse().ok());
    }

    /// The initialisation in milliseconds, on Lambda or on the emulator.
    pub fn init_ms(&self) -> Option<f64> {
        self.emulated_init_ms.or_else(|| self.report.as_ref()?.init_ms)
    }

    /// The duration of the invocation without its initialisation. The emulator counts that in.
    pub fn duration_ms(&self) -> Option<f64> {
        let duration = self.report.as_ref()?.duration_ms?;
        Some((duration - self.emulated_init_ms.unwrap_or(0.0)).max(0.0))
    }

    /// True if an initialisation took longer than Lambda allows, so that it ran again inside the invocation.
    pub fn initialised_again(&self) -> bool {
        self.inits.iter().any(|init| init.status.as_deref() == Some("timeout"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "REPORT RequestId: r\tDuration: 5.00 ms\tBilled Duration: 405 ms\tMemory Size: 512 MB\tMax Memory Used: 60 MB\tInit \
                          Duration: 399.10 ms\t";

    fn called(tail: &str, payload: &str, error: Option<&str>) -> Called {
        let mut called = Called::default();
        called.read_tail(tail);
        called.read_payload(payload.as_bytes(), error);
        called
    }

    #[test]
    fn an_answer_has_its_process_and_its_report() {
        let payload = r#"{"statusCode":200,"headers":{"X-Process-Id":"ab12","x-request-count":"1"},"body":"ok"}"#;
        let called = called(
            &format!("half a line\nSTART RequestId: r Version: $LATEST\nEND RequestId: r\n{REPORT}\n"),
            payload,
            None,
        );
        assert_eq!(
            (called.status, called.process_id.as_deref(), called.request_count),
            (Some(200), Some("ab12"), Some(1))
        );
        assert_eq!((called.init_ms(), called.duration_ms()), (Some(399.1), Some(5.0)));
        assert!(!called.initialised_again());
    }

    #[test]
    fn the_emulator_counts_initialisation_in_the_duration() {
        let tail = "x [INFO] (rapid) INIT REPORT(durationMs: 234.423000)\n\
                    REPORT RequestId: r\tInit Duration: 0.08 ms\tDuration: 240.00 ms\tBilled Duration: 240 ms\tMemory Size: 512 MB";
        let called = called(tail, "{}", None);
        assert_eq!(called.init_ms(), Some(234.423));
        assert!((called.duration_ms().unwrap() - 5.577).abs() < 1e-9);
    }

    #[test]
    fn errors_and_second_initialisations_are_told() {
        let crashed = called(
            "",
            r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#,
            Some("Unhandled"),
        );
        assert_eq!(
            (crashed.error.as_deref(), crashed.status),
            (Some("Runtime.ExitError"), None)
        );
        let again = called(
            &format!("INIT_REPORT Init Duration: 9999.48 ms\tPhase: init\tStatus: timeout\n{REPORT}"),
            "{}",
            None,
        );
        assert!(again.initialised_again());
        assert_eq!(called("REPORT Reque", "not JSON", None), Called::default());
    }
}
