//! The check of a running app against the HTTP contract of `models/frameworks/README.md`. Frameworks are compared by the
//! resources that they need for the same answers. So an image is measured only after it has given all of these answers.
//!
//! The check blocks. Each route is checked over one connection, so that one process answers; the first difference ends the
//! check of a route. The check computes every answer itself.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::measure::http::Request;
use crate::measure::load::Server;

mod client;
mod compare;
mod compute;
mod count;
mod echo;
mod items;
mod template;
mod validate;

use client::{Client, shown};
pub(super) use validate::measured_orders;

/// The framework and the release that `/json` must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The folder of the sources.
    pub framework: String,
    /// The framework's release.
    pub version: String,
}

/// The result of the check of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The route, such as `GET /json`.
    pub route: &'static str,
    /// The number of requests with the correct answer.
    pub right: u32,
    /// The first difference; `None` if there is none.
    pub difference: Option<String>,
}

type Route = (
    &'static str,
    fn(&mut Client<'_>, Option<&Identity>) -> Result<(), String>,
);

const ROUTES: [Route; 10] = [
    ("GET /healthz", |client, _| healthz(client)),
    ("GET /json", about),
    ("GET /items/{id}", |client, _| items::check(client)),
    ("POST /echo", |client, _| echo::check(client)),
    ("POST /validate", |client, _| validate::check(client)),
    ("GET /template", |client, _| template::check(client)),
    ("GET /compute", |client, _| compute::check(client)),
    ("GET /cpu", |client, _| milliseconds(client, "cpu", 40)),
    ("GET /io", |client, _| milliseconds(client, "io", 60)),
    ("unknown route", |client, _| unknown(client)),
];

/// Checks all routes of an app that runs already, whatever its framework and release.
pub fn check_at(address: SocketAddr) -> Vec<Checked> {
    let stop = AtomicBool::new(false);
    check(Server { address, stop: &stop }, None)
}

/// Checks all routes. Without an `identity`, any framework and release is accepted.
pub(super) fn check(server: Server<'_>, identity: Option<&Identity>) -> Vec<Checked> {
    ROUTES
        .iter()
        .map(|route| check_route(server, identity, route))
        .collect()
}

fn check_route(server: Server<'_>, identity: Option<&Identity>, &(route, check): &Route) -> Checked {
    let (right, difference) = match Client::open(server) {
        Err(error) => (0, Some(error)),
        Ok(mut client) => {
            let difference = check(&mut client, identity).err();
            (client.right, difference)
        }
    };
    Checked {
        route,
        right,
        difference,
    }
}

/// All differences in one line; `None` if there are none.
pub fn differences(checked: &[Checked]) -> Option<String> {
    let each: Vec<String> = checked
        .iter()
        .filter_map(|checked| Some(format!("{}: {}", checked.route, checked.difference.as_ref()?)))
        .collect();
    (!each.is_empty()).then(|| each.join("; "))
}

fn healthz(client: &mut Client<'_>) -> Result<(), String> {
    client.get("/healthz", 200, &json!({"status": "ok"}))
}

fn about(client: &mut Client<'_>, identity: Option<&Identity>) -> Result<(), String> {
    let (status, body) = client.ask("GET /json", &Request::get("/json"))?;
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_string();
    let said = Identity {
        framework: text("framework"),
        version: text("version"),
    };
    let whole = json!({"message": "hello", "framework": said.framework, "version": said.version});
    let right = match identity {
        Some(identity) => said == *identity,
        None => !said.framework.is_empty() && !said.version.is_empty(),
    };
    if status != 200 || body != whole || !right {
        let wanted = identity.map_or_else(String::new, |identity| {
            format!(", expected {} {}", identity.framework, identity.version)
        });
        return Err(format!("got {status} {}{wanted}", shown(&body.to_string())));
    }
    client.right += 1;
    Ok(())
}

fn unknown(client: &mut Client<'_>) -> Result<(), String> {
    client.get("/no-such-route", 404, &json!({"error": "not found"}))
}

/// Checks `/cpu` and `/io`: the answer takes at least as long as asked for, and other forms of `ms` are refused.
fn milliseconds(client: &mut Client<'_>, route: &str, longest: u64) -> Result<(), String> {
    for ms in [0, 1, longest] {
        let began = Instant::now();
        let mut body = serde_json::Map::new();
        body.insert(format!("{route}_ms"), json!(ms));
        client.get(&format!("/{route}?ms={ms}"), 200, &Value::Object(body))?;
        let took = began.elapsed();
        if took < Duration::from_millis(ms).mul_f64(0.95) {
            return Err(format!("/{route}?ms={ms} took only {:.1} ms", took.as_secs_f64() * 1e3));
        }
    }
    for query in [
        "",
        "?ms=",
        "?ms=-1",
        "?ms=10001",
        "?ms=x",
        "?ms=1.5",
        "?ms=%2B5",
        "?ms=0x10",
        "?ms=99999999999",
    ] {
        client.get(&format!("/{route}{query}"), 400, &json!({"error": "bad ms"}))?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
