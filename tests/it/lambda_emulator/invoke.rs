//! `Invoke`: which environment serves, the wait, and the answer with the log.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::clock::Clock;
use super::environment::Environment;
use super::fault::{ACCOUNT, RESERVED};
use super::function::{Function, State};
use super::log::{Form, Text};
use super::record::Served;
use super::reply::Reply;
use super::reply::refuse::{form, throttled, unknown, with};
use super::run::{Begun, Case, Course, run};
use super::world::{World, version};

/// An invocation that a caller asks for.
pub struct Asked<'a> {
    pub name: &'a str,
    pub qualifier: Option<&'a str>,
    pub region: &'a str,
    pub event: Value,
    /// True if the caller asks for the log.
    pub with_log: bool,
    pub request_id: &'a str,
    pub now_ms: f64,
    /// False if the connection will be cut.
    pub is_answered: bool,
}

/// An invocation that runs.
pub struct Running {
    function: String,
    /// Its place within the concurrency of the function.
    slot: Arc<()>,
    version: String,
    environment: Environment,
    course: Course,
    log: Option<Text>,
}

impl Running {
    /// The time until its answer.
    pub fn takes_ms(&self) -> f64 {
        self.course.takes_ms
    }
}

/// Reads the event in the body of a request.
pub fn event(body: &[u8]) -> Result<Value, Reply> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| {
        with(
            400,
            "InvalidRequestContentException",
            json!({"Type": "User", "message": format!("Could not parse request body into json: {error}")}),
        )
    })
}

/// Checks the kind of the invocation: this service knows the one that waits for the answer.
pub fn kind_fits(kind: Option<&str>) -> Result<(), Reply> {
    match kind {
        None | Some("RequestResponse") => Ok(()),
        Some(_) => Err(form(
            "invocationType",
            "Member must satisfy enum value set: [RequestResponse]",
        )),
    }
}

/// Finds an environment, or makes one, and runs the invocation in Lambda's time.
pub fn begin(world: &mut World, asked: &Asked<'_>, clock: &Clock) -> Result<Running, Reply> {
    let version = version(asked.qualifier).to_string();
    let unreserved = world.unreserved();
    let unreserved_busy: u32 = world
        .functions
        .values()
        .filter(|function| function.reserved.is_none())
        .map(Function::busy)
        .sum();
    let function = world.function(asked.name, asked.region)?;
    let (arn, busy, reserved) = (function.arn.clone(), function.busy(), function.reserved);
    let Some(deployed) = function.deployed(Some(&version)) else {
        return Err(unknown(&format!("Function not found: {arn}:{version}")));
    };
    if deployed.snapshot.is_some() && deployed.state(asked.now_ms) == State::Pending {
        return Err(with(
            409,
            "SnapStartNotReadyException",
            json!({"Type": "User", "Message": "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE."}),
        ));
    }
    deployed.is_active(asked.now_ms)?;
    if reserved.is_some_and(|reserved| busy >= reserved) {
        return Err(throttled(RESERVED));
    }
    if reserved.is_none() && unreserved_busy >= unreserved {
        return Err(throttled(ACCOUNT));
    }
    let (idle, snapshot) = (deployed.pool.take(), deployed.snapshot.clone());
    let life = deployed.pool.life();
    let config = deployed.config.clone();
    let slot = Arc::clone(&function.slot);
    world.running += 1;
    world.invocations += 1;
    let is_new = idle.is_none();
    let mut environment = idle.unwrap_or_else(|| {
        world.environments += 1;
        let (process_id, requests) = match &snapshot {
            Some(snapshot) => (snapshot.process_id.clone(), snapshot.requests),
            None => (world.ids.process(), world.behaviour.readiness_requests),
        };
        Environment {
            number: world.environments,
            process_id,
            requests,
            started_ms: asked.now_ms,
            idle_since_ms: asked.now_ms,
            life,
        }
    });
    let behaviour = &world.behaviour;
    let course = run(
        Case {
            behaviour,
            config: &config,
            environment: &mut environment,
            is_new,
            is_restored: snapshot.is_some(),
            number: world.invocations,
            request_id: asked.request_id,
            event: &asked.event,
            now_ms: asked.now_ms,
        },
        &mut world.ids,
    );
    let log = (asked.with_log && !behaviour.no_log.has(world.invocations)).then(|| {
        let form = Form {
            request_id: asked.request_id,
            version: &version,
            runtime: config.runtime(),
            json: behaviour.json_logs || config.json_logs(),
            detailed: config.detailed_logs(),
        };
        let mut text = Text::of(&course.lines, &form, clock);
        if behaviour.cut_report.has(world.invocations) {
            text.lose(behaviour.cut_bytes);
        }
        text
    });
    world.served.push(Served {
        function: asked.name.to_string(),
        version: version.clone(),
        request_id: asked.request_id.to_string(),
        environment: environment.number,
        process_id: environment.process_id.clone(),
        requests: environment.requests,
        begun: course.begun,
        process_started_ms: environment.started_ms,
        at_ms: asked.now_ms,
        report: course.report.clone(),
        function_error: course.function_error,
        is_answered: asked.is_answered,
    });
    Ok(Running {
        function: asked.name.to_string(),
        slot,
        version,
        environment,
        course,
        log,
    })
}

/// Gives the environment back, and answers.
pub fn end(world: &mut World, running: Running, now_ms: f64) -> Reply {
    world.running -= 1;
    let Running {
        function,
        slot,
        version,
        mut environment,
        course,
        log,
    } = running;
    drop(slot);
    environment.idle_since_ms = now_ms;
    // The pool of a function that was made again under the same name does not take it.
    if course.survives
        && let Some(function) = world.functions.get_mut(&function)
        && let Some(deployed) = function.deployed(Some(&version))
    {
        deployed.pool.give(environment);
    }
    let mut reply = Reply::json(200, &course.payload);
    reply.headers.push(("X-Amz-Executed-Version", version));
    if let Some(kind) = course.function_error {
        reply.headers.push(("X-Amz-Function-Error", kind.to_string()));
    }
    if let Some(log) = log {
        reply.headers.push(("X-Amz-Log-Result", STANDARD.encode(log.tail())));
    }
    reply
}

impl Begun {
    /// True if the environment was new.
    pub fn is_first(self) -> bool {
        self != Self::Warm
    }
}
