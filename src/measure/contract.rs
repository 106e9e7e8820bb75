//! The check of a running app against the HTTP contract of `models/frameworks/README.md`. Frameworks are compared by the
//! resources that they need for the same answers. So an image is measured only after it has given all of these answers.
//!
//! The check blocks. Each route is checked over one connection, so that one process answers; the first difference ends the
//! check of a route.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::measure::http::{Connection, Request};
use crate::measure::load::Server;

mod items;

use items::listing;

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

const ROUTES: [Route; 7] = [
    ("GET /healthz", healthz),
    ("GET /json", about),
    ("GET /items/{id}", items),
    ("POST /echo", echo),
    ("GET /cpu", |client, _| milliseconds(client, "cpu", 40)),
    ("GET /io", |client, _| milliseconds(client, "io", 60)),
    ("unknown route", unknown),
];

/// Checks all routes of an app that runs already, whatever its framework and release.
pub fn check_at(address: SocketAddr) -> Vec<Checked> {
    let stop = AtomicBool::new(false);
    check(Server { address, stop: &stop }, None)
}

/// Checks all routes. Without an `identity`, any framework and release is accepted.
pub(super) fn check(server: Server<'_>, identity: Option<&Identity>) -> Vec<Checked> {
    let one = |&(route, check): &Route| {
        let mut right = 0;
        let difference = match server.connect() {
            Err(error) => Some(format!("no connection: {error}")),
            Ok(connection) => {
                let mut client = Client {
                    server,
                    connection,
                    counts: BTreeMap::new(),
                    right: 0,
                };
                let difference = check(&mut client, identity).err();
                right = client.right;
                difference
            }
        };
        Checked {
            route,
            right,
            difference,
        }
    };
    ROUTES.iter().map(one).collect()
}

/// All differences in one line; `None` if there are none.
pub fn differences(checked: &[Checked]) -> Option<String> {
    let each: Vec<String> = checked
        .iter()
        .filter_map(|checked| Some(format!("{}: {}", checked.route, checked.difference.as_ref()?)))
        .collect();
    (!each.is_empty()).then(|| each.join("; "))
}

/// One connection, and the request counts seen on it.
struct Client<'a> {
    server: Server<'a>,
    connection: Connection,
    counts: BTreeMap<String, u64>,
    right: u32,
}

impl Client<'_> {
    /// Sends a request, and returns status and body. Fails if a header that every answer must have is missing or wrong.
    fn ask(&mut self, what: &str, request: &Request) -> Result<(u16, Value), String> {
        let answer = self
            .server
            .answer(&mut self.connection, request)
            .map_err(|error| format!("{what}: {error}"))?;
        let process = answer.process_id.unwrap_or_default();
        let is_hex = process
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !is_hex || !(8..=64).contains(&process.len()) {
            return Err(format!("{what}: x-process-id is `{process}`"));
        }
        let count = answer.request_count.unwrap_or(0);
        let before = self.counts.insert(process, count).unwrap_or(0);
        if count <= before {
            return Err(format!("{what}: x-request-count is {count} after {before}"));
        }
        let kind = answer.content_type.unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(format!("{what}: content-type is `{kind}`"));
        }
        let body = serde_json::from_slice(&answer.body).map_err(|_| {
            format!(
                "{what}: the body is not JSON: {}",
                shown(&String::from_utf8_lossy(&answer.body))
            )
        })?;
        Ok((answer.status, body))
    }

    fn expect(&mut self, what: &str, request: &Request, status: u16, body: &Value) -> Result<(), String> {
        let got = self.ask(what, request)?;
        if (got.0, &got.1) != (status, body) {
            return Err(format!(
                "{what}: expected {status} {}, got {} {}",
                shown(&body.to_string()),
                got.0,
                shown(&got.1.to_string())
            ));
        }
        self.right += 1;
        Ok(())
    }

    fn get(&mut self, path: &str, status: u16, body: &Value) -> Result<(), String> {
        self.expect(&format!("GET {path}"), &Request::get(path), status, body)
    }

    /// Checks that the app refuses a body that breaks a rule, with a status and an error text.
    fn refused(&mut self, body: &str) -> Result<(), String> {
        let what = format!("POST /echo {}", shown(body));
        let (status, answer) = self.ask(&what, &Request::post_json("/echo", body))?;
        if !matches!(status, 400 | 422) || !answer["error"].is_string() {
            return Err(format!(
                "{what}: expected 400 or 422 with an error text, got {status} {}",
                shown(&answer.to_string())
            ));
        }
        self.right += 1;
        Ok(())
    }
}

/// The first 200 characters of a text.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

fn healthz(client: &mut Client<'_>, _: Option<&Identity>) -> Result<(), String> {
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

fn items(client: &mut Client<'_>, _: Option<&Identity>) -> Result<(), String> {
    for id in [1, 7, 42, 365, 99_999, 271_828, 1_000_000] {
        client.get(&format!("/items/{id}"), 200, &listing(id))?;
    }
    for id in [
        "0",
        "1000001",
        "-1",
        "+7",
        "007",
        "7.0",
        "abc",
        "7a",
        "%20",
        "99999999999999999999",
    ] {
        client.get(&format!("/items/{id}"), 404, &json!({"error": "not found"}))?;
    }
    Ok(())
}

fn unknown(client: &mut Client<'_>, _: Option<&Identity>) -> Result<(), String> {
    client.get("/no-such-route", 404, &json!({"error": "not found"}))
}

fn echo(client: &mut Client<'_>, _: Option<&Identity>) -> Result<(), String> {
    let mut back = |sent: Value, expected: &Value| {
        let body = sent.to_string();
        let what = format!("POST /echo {}", shown(&body));
        client.expect(&what, &Request::post_json("/echo", &body), 200, expected)
    };
    for order in [
        json!({"name": "n", "quantity": 1, "tags": []}),
        json!({"name": "n".repeat(100), "quantity": 1000, "tags": vec!["t"; 10]}),
        json!({"name": "caf\u{e9} \u{2615}", "quantity": 7, "tags": ["a", ""]}),
    ] {
        back(order.clone(), &order)?;
    }
    let plain = json!({"name": "n", "quantity": 2, "tags": []});
    back(json!({"name": "n", "quantity": 2}), &plain)?;
    back(json!({"name": "n", "quantity": 2, "unknown": 1}), &plain)?;
    for bad in [
        json!({}),
        json!({"name": "n"}),
        json!({"quantity": 2}),
        json!([]),
        json!(3),
    ] {
        client.refused(&bad.to_string())?;
    }
    for (key, bad) in [
        ("name", json!("")),
        ("name", json!("n".repeat(101))),
        ("name", json!(5)),
        ("name", Value::Null),
        ("quantity", json!(0)),
        ("quantity", json!(1001)),
        ("quantity", json!("2")),
        ("quantity", json!(1.5)),
        ("quantity", Value::Null),
        ("tags", json!(vec!["t"; 11])),
        ("tags", json!([1])),
        ("tags", json!("t")),
    ] {
        let mut order = json!({"name": "n", "quantity": 2});
        order[key] = bad;
        client.refused(&order.to_string())?;
    }
    client.refused("{\"name\":")
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
