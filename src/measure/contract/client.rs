//! The client of the check: one connection to the app, and what every answer must have.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::measure::contract::compare;
use crate::measure::http::{Answer, Connection, Request};
use crate::measure::load::Server;

/// One connection, and the request counts seen on it.
pub(super) struct Client<'a> {
    server: Server<'a>,
    connection: Connection,
    counts: BTreeMap<String, u64>,
    /// The number of requests with the correct answer.
    pub(super) right: u32,
}

impl<'a> Client<'a> {
    pub(super) fn open(server: Server<'a>) -> Result<Self, String> {
        let connection = server.connect().map_err(|error| format!("no connection: {error}"))?;
        Ok(Self {
            server,
            connection,
            counts: BTreeMap::new(),
            right: 0,
        })
    }

    /// Sends a request. Fails if a header that every answer must have is missing or wrong.
    fn exchange(&mut self, what: &str, request: &Request) -> Result<Answer, String> {
        let mut answer = self
            .server
            .answer(&mut self.connection, request)
            .map_err(|error| format!("{what}: {error}"))?;
        let process = answer.process_id.take().unwrap_or_default();
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
        Ok(answer)
    }

    /// Sends a request, and returns status and body. Fails if the answer is not JSON.
    pub(super) fn ask(&mut self, what: &str, request: &Request) -> Result<(u16, Value), String> {
        let answer = self.exchange(what, request)?;
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

    /// Checks that the answer has this status and this JSON body.
    pub(super) fn expect(&mut self, what: &str, request: &Request, status: u16, body: &Value) -> Result<(), String> {
        let (got_status, got) = self.ask(what, request)?;
        if (got_status, &got) != (status, body) {
            return Err(format!(
                "{what}: expected {status} {}, got {got_status} {}{}",
                shown(&body.to_string()),
                shown(&got.to_string()),
                compare::place(body, &got).map_or_else(String::new, |place| format!("; the first difference: {place}"))
            ));
        }
        self.right += 1;
        Ok(())
    }

    /// Checks that `GET path` has this status and this JSON body.
    pub(super) fn get(&mut self, path: &str, status: u16, body: &Value) -> Result<(), String> {
        self.expect(&format!("GET {path}"), &Request::get(path), status, body)
    }

    /// Checks that `GET path` answers 200 with exactly this HTML.
    pub(super) fn html(&mut self, path: &str, page: &str) -> Result<(), String> {
        let what = format!("GET {path}");
        let answer = self.exchange(&what, &Request::get(path))?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(format!("{what}: expected 200, got {} {}", answer.status, shown(&body)));
        }
        let kind = answer.content_type.unwrap_or_default();
        let plain: String = kind.to_ascii_lowercase().split_whitespace().collect();
        if plain != "text/html;charset=utf-8" {
            return Err(format!(
                "{what}: content-type is `{kind}`, expected `text/html; charset=utf-8`"
            ));
        }
        if let Some(place) = compare::bytes(page.as_bytes(), &answer.body) {
            return Err(format!("{what}: {place}"));
        }
        self.right += 1;
        Ok(())
    }

    /// Checks that the app refuses a body, with a status and an error text. `told` describes the body.
    pub(super) fn refused(&mut self, path: &str, told: &str, body: &str) -> Result<(), String> {
        let what = format!("POST {path} {told}");
        let (status, answer) = self.ask(&what, &Request::post_json(path, body))?;
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
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
