//! The calls of AWS Lambda that a measurement makes, with the real SDK. The endpoint is that of the SDK's usual settings
//! (`AWS_ENDPOINT_URL`), so that tests run on loopback.
//!
//! Invocations are never repeated by the SDK, as a silent repetition would hide a throttle and make a second start. Other calls keep
//! below the rate that Lambda's API allows (15 a second).

use std::collections::HashMap;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, LastUpdateStatus, LogType, PackageType, Runtime, SnapStart,
    SnapStartApplyOn, State,
};
use aws_smithy_http_client::tls;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failed::{Failed, Kind};

/// The distance of calls that are no invocations: Lambda allows 15 a second.
const DISTANCE: Duration = Duration::from_millis(80);
/// The time beyond a function's timeout after which an invocation is given up.
const SLACK: Duration = Duration::from_secs(60);

/// The code of functions.
#[derive(Debug, Clone, PartialEq)]
pub enum Code {
    /// A container image in ECR.
    Image(String),
    /// A zip archive for a managed runtime.
    Zip {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The runtime, such as `nodejs22.x`.
        runtime: String,
        /// The handler, such as `run.sh`.
        handler: String,
        /// The ARNs of layers.
        layers: Vec<String>,
    },
}

/// A function to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// The code that it runs.
    pub code: Code,
    /// The role that it assumes.
    pub role: String,
    /// Its memory in MB.
    pub memory_mb: u32,
    /// Its timeout.
    pub timeout: Duration,
    /// True for arm64.
    pub arm: bool,
    /// Its environment.
    pub variables: HashMap<String, String>,
    /// Its tags.
    pub tags: HashMap<String, String>,
    /// True if versions are restored from snapshots.
    pub snap_start: bool,
}

/// The state of a function or version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It can be invoked.
    Ready,
    /// It is made, or changed.
    Pending,
    /// It failed, with the reason.
    Broken(String),
}

/// The connection.
#[derive(Debug)]
pub struct Api {
    client: Client,
    invoker: Client,
    next: Mutex<Instant>,
    region: String,
    /// The SDK's settings, for its other services.
    pub(super) settings: aws_config::SdkConfig,
}

impl Api {
    /// Connects by the SDK's usual settings. `timeout` is the longest timeout of a function.
    ///
    /// # Errors
    /// Without a region.
    pub async fn connect(region: Option<&str>, timeout: Duration) -> Result<Self, Failed> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_string()));
        }
        let settings = loader.load().await;
        let Some(region) = settings.region().map(ToString::to_string) else {
            return Err(Failed {
                kind: Kind::Other,
                action: "connect",
                reason: "no region is set: give --region, or AWS_REGION".into(),
            });
        };
        let of = |retry: RetryConfig, read: Duration| {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(read)
                .build();
            let config = aws_sdk_lambda::config::Builder::from(&settings)
                .retry_config(retry)
                .timeout_config(timeouts)
                .build();
            Client::from_conf(config)
        };
        let retries = RetryConfig::standard().with_max_attempts(3);
        Ok(Self {
            client: of(retries, Duration::from_secs(30)),
            invoker: of(RetryConfig::disabled(), timeout + SLACK),
            next: Mutex::new(Instant::now()),
            region,
            settings,
        })
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// True if the endpoint is not Amazon's: then times are not Lambda's either.
    pub fn is_emulated(&self) -> bool {
        let endpoint = self.endpoint();
        endpoint.is_some_and(|endpoint| !endpoint.trim_end_matches('/').ends_with(".amazonaws.com"))
    }

    /// The endpoint that the settings name, if they do.
    fn endpoint(&self) -> Option<String> {
        let set = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"].map(|name| std::env::var(name).ok());
        let endpoint = set.into_iter().flatten().next();
        endpoint.or_else(|| self.settings.endpoint_url().map(str::to_string))
    }

    /// The host and port of an endpoint on this machine, to which images can be pushed without TLS.
    pub(super) fn local_host(&self) -> Option<String> {
        let endpoint = self.endpoint()?;
        let host = endpoint.strip_prefix("http://")?.trim_end_matches('/').to_string();
        (host.starts_with("127.0.0.1:") || host.starts_with("localhost:")).then_some(host)
    }

    /// Waits until the next call may be made.
    async fn turn(&self) {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + DISTANCE;
    }

    /// The environments that the account may have at a time; `None` if it is not said.
    pub async fn concurrency_limit(&self) -> Result<Option<i32>, Failed> {
        self.turn().await;
        let answer = self.client.get_account_settings().send().await;
        let answer = answer.map_err(|error| Failed::of("lambda:GetAccountSettings", error))?;
        Ok(answer.account_limit().map(|limit| limit.concurrent_executions()))
    }

    /// Creates a function and returns its ARN.
    pub async fn create(&self, wanted: &Wanted) -> Result<String, Failed> {
        self.turn().await;
        let environment = Environment::builder()
            .set_variables(Some(wanted.variables.clone()))
            .build();
        let mut call = self
            .client
            .create_function()
            .function_name(&wanted.name)
            .role(&wanted.role)
            .memory_size(wanted.memory_mb as i32)
            .timeout(wanted.timeout.as_secs() as i32)
            .architectures(if wanted.arm {
                Architecture::Arm64
            } else {
                Architecture::X8664
            })
            .environment(environment)
            .set_tags(Some(wanted.tags.clone()));
        call = match &wanted.code {
            Code::Image(uri) => call
                .package_type(PackageType::Image)
                .code(FunctionCode::builder().image_uri(uri).build()),
            Code::Zip {
                bytes,
                runtime,
                handler,
                layers,
            } => call
                .package_type(PackageType::Zip)
                .runtime(Runtime::from(runtime.as_str()))
                .handler(handler)
                .set_layers(Some(layers.clone()).filter(|layers| !layers.is_empty()))
                .code(FunctionCode::builder().zip_file(Blob::new(bytes.clone())).build()),
        };
        if wanted.snap_start {
            call = call.snap_start(
                SnapStart::builder()
                    .apply_on(SnapStartApplyOn::PublishedVersions)
                    .build(),
            );
        }
        let answer = call.send().await;
        let answer = answer.map_err(|error| Failed::of("lambda:CreateFunction", error))?;
        Ok(answer.function_arn().unwrap_or_default().to_string())
    }

    /// The state of a function, or of one of its versions.
    pub async fn status(&self, name: &str, version: Option<&str>) -> Result<Status, Failed> {
        self.turn().await;
        let answer = self
            .client
            .get_function_configuration()
            .function_name(name)
            .set_qualifier(version.map(str::to_string))
            .send()
            .await
            .map_err(|error| Failed::of("lambda:GetFunctionConfiguration", error))?;
        let broken = |reason: Option<&str>, code: Option<&str>| {
            Status::Broken(format!(
                "{} ({})",
                reason.unwrap_or("no reason given"),
                code.unwrap_or("no code")
            ))
        };
        Ok(match (answer.state(), answer.last_update_status()) {
            (Some(State::Failed), _) => broken(
                answer.state_reason(),
                answer.state_reason_code().map(|code| code.as_str()),
            ),
            (_, Some(LastUpdateStatus::Failed)) => broken(
                answer.last_update_status_reason(),
                answer.last_update_status_reason_code().map(|code| code.as_str()),
            ),
            (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => Status::Pending,
            // A function that was idle for long becomes pending with its next invocation.
            _ => Status::Ready,
        })
    }

    /// Changes the memory and the whole environment of a function.
    pub async fn configure(
        &self,
        name: &str,
        memory_mb: u32,
        variables: &HashMap<String, String>,
    ) -> Result<(), Failed> {
        self.turn().await;
        let environment = Environment::builder().set_variables(Some(variables.clone())).build();
        let answer = self
            .client
            .update_function_configuration()
            .function_name(name)
            .memory_size(memory_mb as i32)
            .environment(environment)
            .send()
            .await;
        answer
            .map(|_| ())
            .map_err(|error| Failed::of("lambda:UpdateFunctionConfiguration", error))
    }

    /// Publishes a version and returns its number.
    pub async fn publish(&self, name: &str, description: &str) -> Result<String, Failed> {
        self.turn().await;
        let answer = self
            .client
            .publish_version()
            .function_name(name)
            .description(description)
            .send()
            .await
            .map_err(|error| Failed::of("lambda:PublishVersion", error))?;
        answer.version().map(str::to_string).ok_or_else(|| Failed {
            kind: Kind::Other,
            action: "lambda:PublishVersion",
            reason: "the answer has no version".into(),
        })
    }

    /// Opens the connection of invocations, so that its handshakes are not in the wall time of the next one. Nothing is invoked.
    pub async fn open_connection(&self) {
        self.turn().await;
        // What it answers does not matter.
        let _ = self.invoker.get_account_settings().send().await;
    }

    /// Invokes a function, or one of its versions, with an event, and waits for its answer.
    pub async fn invoke(&self, name: &str, version: Option<&str>, event: &[u8]) -> Result<InvokeOutput, Failed> {
        let answer = self
            .invoker
            .invoke()
            .function_name(name)
            .set_qualifier(version.map(str::to_string))
            .log_type(LogType::Tail)
            .payload(Blob::new(event))
            .send()
            .await;
        answer.map_err(|error| Failed::of("lambda:InvokeFunction", error))
    }

    /// Deletes a function with all its versions, or one version.
    pub async fn delete(&self, name: &str, version: Option<&str>) -> Result<(), Failed> {
        self.turn().await;
        let answer = self
            .client
            .delete_function()
            .function_name(name)
            .set_qualifier(version.map(str::to_string))
            .send()
            .await;
        answer
            .map(|_| ())
            .map_err(|error| Failed::of("lambda:DeleteFunction", error))
    }

    /// The names and ARNs of the functions whose names begin so.
    pub async fn functions(&self, prefix: &str) -> Result<Vec<(String, String)>, Failed> {
        let (mut found, mut marker) = (Vec::new(), None);
        loop {
            self.turn().await;
            let answer = self
                .client
                .list_functions()
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| Failed::of("lambda:ListFunctions", error))?;
            for function in answer.functions() {
                if let Some(name) = function.function_name().filter(|name| name.starts_with(prefix)) {
                    found.push((
                        name.to_string(),
                        function.function_arn().unwrap_or_default().to_string(),
                    ));
                }
            }
            marker = answer
                .next_marker()
                .filter(|marker| !marker.is_empty())
                .map(str::to_string);
            if marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// The tags of a function.
    pub async fn tags(&self, arn: &str) -> Result<HashMap<String, String>, Failed> {
        self.turn().await;
        let answer = self
            .client
            .list_tags()
            .resource(arn)
            .send()
            .await
            .map_err(|error| Failed::of("lambda:ListTags", error))?;
        Ok(answer.tags().cloned().unwrap_or_default())
    }
}
