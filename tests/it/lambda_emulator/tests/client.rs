//! A client of the API that knows no SDK: JSON over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coldcast::trace::read::lambda::{Event, Invocation, invocations, message};
use serde_json::{Value, json};

use super::super::Emulator;

/// The image of all functions that tests make.
pub const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/coldcast-express:v1";
/// The role of all functions that tests make.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/runner";

/// A client of one emulator.
pub struct Client<'a> {
    emulator: &'a Emulator,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Got {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Value,
}

impl Got {
    /// The value of a header; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The status and the kind of an error.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.header("x-amzn-errortype").unwrap_or_default())
    }

    /// The message of an error, whichever case its key has.
    pub fn message(&self) -> &str {
        let message = self.body["message"].as_str().or(self.body["Message"].as_str());
        message.unwrap_or_default()
    }

    /// A header of the answer of the app within the answer of the function.
    pub fn app_header(&self, name: &str) -> &str {
        self.body["headers"][name].as_str().unwrap_or_default()
    }

    /// The process that answered and the requests that it had received.
    pub fn process(&self) -> (String, u64) {
        let count = self.app_header("x-request-count").parse().unwrap_or_default();
        (self.app_header("x-process-id").to_string(), count)
    }

    /// The tail of the log.
    pub fn log(&self) -> String {
        let bytes = STANDARD
            .decode(self.header("x-amz-log-result").unwrap_or_default())
            .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The only invocation in the log, as the reader of this crate sees it.
    pub fn invocation(&self) -> Invocation {
        let event = |line: &str| Event {
            at_us: None,
            stream: None,
            group: None,
            said: message::read(line),
        };
        let events: Vec<Event> = self.log().lines().map(event).collect();
        let mut found = invocations(&events);
        assert_eq!(found.len(), 1, "{}", self.log());
        found.remove(0)
    }

    /// The answer, which is a success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status < 300, "{self:?}");
        self
    }
}

impl<'a> Client<'a> {
    pub fn of(emulator: &'a Emulator) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self {
            emulator,
            agent: config.into(),
        }
    }

    /// Sends a request; an error is one of the connection.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Got, String> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.emulator.endpoint()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body.to_vec()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = response.map_err(|error| error.to_string())?;
        let bytes = response.body_mut().read_to_vec().map_err(|error| error.to_string())?;
        let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap_or_default().to_string())
        };
        Ok(Got {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(header).collect(),
            body: match bytes.is_empty() {
                true => Value::Null,
                false => serde_json::from_slice(&bytes).map_err(|error| error.to_string())?,
            },
        })
    }

    /// Calls the API with a signature, as far as the emulator reads it.
    pub fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Got, String> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.send(method, path, &[signature()], body.as_deref())
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Got {
        let body = Some(body).filter(|body| !body.is_null());
        self.try_call(method, path, body).unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Got {
        self.call("GET", path, &Value::Null)
    }

    /// Creates a function of an image, with more or other keys.
    #[track_caller]
    pub fn create(&self, name: &str, more: &Value) -> Got {
        self.call("POST", "/2015-03-31/functions", &image_function(name, more))
    }

    /// Creates a function and waits until it is active.
    #[track_caller]
    pub fn created(&self, name: &str, more: &Value) {
        self.create(name, more).ok();
        self.settled(name);
    }

    /// Waits until no change goes on, and returns the configuration.
    #[track_caller]
    pub fn settled(&self, name: &str) -> Value {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        for _ in 0..2_000 {
            let body = self.get(&path).ok().body;
            if body["State"] != "Pending" && body["LastUpdateStatus"] != "InProgress" {
                return body;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        panic!("{name} does not come to rest");
    }

    /// Sets an environment variable, so that all environments end.
    #[track_caller]
    pub fn nonce(&self, name: &str, nonce: &str) -> Got {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        self.call("PUT", &path, &json!({"Environment": {"Variables": {"NONCE": nonce}}}))
    }

    /// Invokes a function with a GET of `path`, and asks for the log.
    pub fn try_invoke(&self, name: &str, path: &str) -> Result<Got, String> {
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let body = http_event(path).to_string();
        let at = format!("/2015-03-31/functions/{name}/invocations?{query}");
        let headers = [signature(), ("x-amz-log-type", "Tail")];
        self.send("POST", &at, &headers, Some(body.as_bytes()))
    }

    #[track_caller]
    pub fn invoke(&self, name: &str) -> Got {
        self.try_invoke(name, "/healthz").unwrap()
    }
}

/// The header of a signed request.
pub fn signature() -> (&'static str, &'static str) {
    (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261201/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0",
    )
}

/// An event of API Gateway, format 2.0.
pub fn http_event(path: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {},
        "requestContext": {"http": {"method": "GET", "path": path}}, "isBase64Encoded": false,
    })
}

/// The request for a function of an image, with more or other keys.
pub fn image_function(name: &str, more: &Value) -> Value {
    let mut request = json!({
        "FunctionName": name, "PackageType": "Image", "Code": {"ImageUri": IMAGE}, "Role": ROLE, "Timeout": 30,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        request[key] = value.clone();
    }
    request
}

/// The request for a function of a zip file with SnapStart.
pub fn snap_start_function(name: &str) -> Value {
    json!({
        "FunctionName": name, "Code": {"ZipFile": STANDARD.encode(b"PK\x03\x04")}, "Role": ROLE, "Timeout": 30,
        "Runtime": "python3.13", "Handler": "app.handler", "SnapStart": {"ApplyOn": "PublishedVersions"},
    })
}
