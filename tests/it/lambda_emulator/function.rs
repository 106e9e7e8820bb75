//! Functions and their versions, and their states as time goes by.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::Clock;
use super::config::Config;
use super::environment::Pool;
use super::reply::Reply;
use super::reply::refuse::conflict;

/// The account of all functions.
pub const ACCOUNT_ID: &str = "123456789012";
/// The version that can be changed.
pub const LATEST: &str = "$LATEST";

/// A function.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    /// Its ARN without a version.
    pub arn: String,
    pub tags: BTreeMap<String, String>,
    /// The calls that do not see its tags yet.
    pub tags_unseen: u32,
    /// The calls that do not list it yet.
    pub list_unseen: u32,
    pub latest: Deployed,
    pub versions: BTreeMap<u32, Deployed>,
    /// The number of the version published last; numbers are not used twice.
    pub last_version: u32,
    /// The concurrency that is reserved for it.
    pub reserved: Option<u32>,
    pub url: Option<Url>,
    /// The ids of the statements of its policy by which anybody may call its URL.
    pub statements: Vec<String>,
    /// Of this, each invocation that runs has a clone.
    pub slot: Arc<()>,
}

/// The URL of a function.
#[derive(Debug, Clone)]
pub struct Url {
    /// The part of the URL that names the function.
    pub id: String,
    /// `NONE` or `AWS_IAM`.
    pub auth: String,
    pub created_ms: f64,
}

/// A configuration that serves invocations: that of `$LATEST`, or that of a version.
#[derive(Debug)]
pub struct Deployed {
    pub config: Config,
    pub pool: Pool,
    /// The process in a snapshot, with which all environments of a version with SnapStart begin.
    pub snapshot: Option<Snapshot>,
    revision: String,
    modified_ms: f64,
    ready_ms: f64,
    failure: Option<&'static str>,
    update: Option<Update>,
    update_failure: Option<&'static str>,
}

/// A process that was initialised once and is restored often.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub process_id: String,
    pub requests: u64,
}

#[derive(Debug)]
struct Update {
    done_ms: f64,
    next: Config,
    failure: Option<&'static str>,
}

/// The state of a function or of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Active,
    Failed(&'static str),
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Failed(_) => "Failed",
        }
    }
}

impl Deployed {
    /// A configuration that serves from `ready_ms` on, or never.
    pub fn new(config: Config, revision: String, now_ms: f64, ready_ms: f64, failure: Option<&'static str>) -> Self {
        Self {
            config,
            pool: Pool::default(),
            snapshot: None,
            revision,
            modified_ms: now_ms,
            ready_ms,
            failure,
            update: None,
            update_failure: None,
        }
    }

    /// The state at this moment.
    pub fn state(&self, now_ms: f64) -> State {
        match self.failure {
            _ if now_ms < self.ready_ms => State::Pending,
            Some(code) => State::Failed(code),
            None => State::Active,
        }
    }

    /// Carries out an update whose time has come.
    pub fn settle(&mut self, now_ms: f64) {
        let Some(update) = self.update.take_if(|update| update.done_ms <= now_ms) else {
            return;
        };
        self.update_failure = update.failure;
        if update.failure.is_none() {
            self.config = update.next;
            self.pool.end_all();
        }
    }

    /// Checks that no change is going on.
    pub fn is_at_rest(&self, arn: &str, now_ms: f64) -> Result<(), Reply> {
        self.is_active(now_ms)?;
        match self.update {
            None => Ok(()),
            Some(_) => Err(conflict(&format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            ))),
        }
    }

    /// Checks that it can serve.
    pub fn is_active(&self, now_ms: f64) -> Result<(), Reply> {
        match self.state(now_ms) {
            State::Active => Ok(()),
            state => Err(conflict(&format!(
                "The operation cannot be performed at this time. The function is currently in the following state: {}",
                state.name()
            ))),
        }
    }

    /// Begins a change to `next`.
    pub fn change(
        &mut self,
        next: Config,
        revision: String,
        now_ms: f64,
        takes_ms: f64,
        failure: Option<&'static str>,
    ) {
        self.revision = revision;
        self.modified_ms = now_ms;
        self.update = Some(Update {
            done_ms: now_ms + takes_ms,
            next,
            failure,
        });
    }

    /// The id of the last change.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The configuration that answers show: while an update goes on, the new one.
    pub fn shown(&self) -> &Config {
        self.update.as_ref().map_or(&self.config, |update| &update.next)
    }

    fn update_status(&self, now_ms: f64) -> (&'static str, Option<&'static str>) {
        match self.update_failure {
            _ if self.update.is_some() => ("InProgress", None),
            _ if self.state(now_ms) == State::Pending => ("InProgress", Some("Creating")),
            Some(code) => ("Failed", Some(code)),
            None => match self.state(now_ms) {
                State::Failed(code) => ("Failed", Some(code)),
                _ => ("Successful", None),
            },
        }
    }
}

impl Function {
    /// The invocations that run.
    pub fn busy(&self) -> u32 {
        Arc::strong_count(&self.slot) as u32 - 1
    }

    /// The configuration that a qualifier names.
    pub fn deployed(&mut self, qualifier: Option<&str>) -> Option<&mut Deployed> {
        match qualifier {
            None | Some(LATEST) => Some(&mut self.latest),
            Some(version) => self.versions.get_mut(&version.parse().ok()?),
        }
    }

    /// All configurations with their versions.
    pub fn all(&mut self) -> impl Iterator<Item = (String, &mut Deployed)> {
        let versions = self.versions.iter_mut().map(|(number, one)| (number.to_string(), one));
        std::iter::once((LATEST.to_string(), &mut self.latest)).chain(versions)
    }

    /// The fields that lists have: no states.
    pub fn listed(&self, version: &str, qualified: bool, clock: &Clock) -> Value {
        let deployed = match version.parse::<u32>() {
            Ok(number) => &self.versions[&number],
            Err(_) => &self.latest,
        };
        let mut fields = deployed.shown().fields(&self.name);
        let arn = match qualified {
            true => format!("{}:{version}", self.arn),
            false => self.arn.clone(),
        };
        for (key, value) in [
            ("FunctionName", json!(self.name)),
            ("FunctionArn", json!(arn)),
            ("Version", json!(version)),
            ("RevisionId", json!(deployed.revision)),
            ("LastModified", json!(clock.in_answers(deployed.modified_ms))),
        ] {
            fields.insert(key.into(), value);
        }
        Value::Object(fields)
    }

    /// The configuration with its states.
    pub fn described(&self, version: &str, qualified: bool, clock: &Clock, now_ms: f64) -> Value {
        let deployed = match version.parse::<u32>() {
            Ok(number) => &self.versions[&number],
            Err(_) => &self.latest,
        };
        let mut fields = self.listed(version, qualified, clock);
        let state = deployed.state(now_ms);
        fields["State"] = json!(state.name());
        match state {
            State::Pending => {
                fields["StateReason"] = json!("The function is being created.");
                fields["StateReasonCode"] = json!("Creating");
            }
            State::Failed(code) => {
                fields["StateReason"] = json!(format!("The function could not be created: {code}"));
                fields["StateReasonCode"] = json!(code);
            }
            State::Active if version != LATEST && deployed.config.snap_start() => {
                fields["SnapStart"]["OptimizationStatus"] = json!("On");
            }
            State::Active => {}
        }
        let (status, code) = deployed.update_status(now_ms);
        fields["LastUpdateStatus"] = json!(status);
        if let Some(code) = code {
            fields["LastUpdateStatusReasonCode"] = json!(code);
            fields["LastUpdateStatusReason"] = json!(format!("{status}: {code}"));
        }
        fields
    }
}
