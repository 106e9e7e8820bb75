//! The app in an environment: the part of the HTTP contract of the framework images (`models/frameworks/README.md`) that
//! measurements on Lambda ask for. An event of API Gateway comes in, as the web adapter takes it, and an answer for it goes out.

use serde_json::{Value, json};

/// An answer of the app.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub status: u16,
    pub body: Value,
    /// The time for which the request asks the app to be busy or to wait.
    pub asked_ms: f64,
}

/// Answers the request in an event of the format 2.0. The adapter makes a POST to `/events` of any other event.
pub fn answer(event: &Value, identity: (&str, &str)) -> Answered {
    let http = &event["requestContext"]["http"];
    let (method, path) = match http["method"].as_str() {
        Some(method) => (method, event["rawPath"].as_str().unwrap_or("/")),
        None => ("POST", "/events"),
    };
    let query = event["rawQueryString"].as_str().unwrap_or_default();
    let plain = |status, body| Answered {
        status,
        body,
        asked_ms: 0.0,
    };
    match (method, path) {
        ("GET", "/healthz") => plain(200, json!({"status": "ok"})),
        ("GET", "/json") => {
            let (framework, version) = identity;
            plain(
                200,
                json!({"message": "hello", "framework": framework, "version": version}),
            )
        }
        ("GET", "/cpu" | "/io") => match milliseconds(query) {
            None => plain(400, json!({"error": "bad ms"})),
            Some(ms) => {
                let mut body = json!({});
                body[format!("{}_ms", &path[1..])] = json!(ms);
                Answered {
                    status: 200,
                    body,
                    asked_ms: f64::from(ms),
                }
            }
        },
        _ => plain(404, json!({"error": "not found"})),
    }
}

/// The value of `ms`, from 0 to 10,000.
fn milliseconds(query: &str) -> Option<u16> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("ms="))?;
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|ms| is_number && *ms <= 10_000)
}

/// The answer as the web adapter returns it, with the headers that prove which process gave it.
pub fn payload(answered: &Answered, process_id: &str, requests: u64) -> Value {
    let body = answered.body.to_string();
    json!({
        "statusCode": answered.status,
        "headers": {
            "content-type": "application/json",
            "content-length": body.len().to_string(),
            "x-process-id": process_id,
            "x-request-count": requests.to_string(),
        },
        "multiValueHeaders": {},
        "body": body,
        "isBase64Encoded": false,
        "cookies": [],
    })
}
