//! The requests to a warm instance. Routes and bodies are those of the HTTP contract in `models/frameworks/README.md`.

use crate::measure::http::Request;

/// The routes of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routes {
    /// The routes of the HTTP contract.
    Contract,
    /// One path that answers.
    Only(String),
}

impl Routes {
    /// The route of the warm-up curve and of the saturation run.
    pub fn main(&self) -> Request {
        match self {
            Self::Contract => Request::get("/json"),
            Self::Only(path) => Request::get(path),
        }
    }

    /// The name and the request of each route.
    pub fn all(&self) -> Vec<(&'static str, Request)> {
        match self {
            Self::Contract => vec![
                ("healthz", Request::get("/healthz")),
                ("json", Request::get("/json")),
                ("items", Request::get("/items/42")),
                (
                    "echo",
                    Request::post_json("/echo", r#"{"name":"pencil","quantity":3,"tags":["new","eco"]}"#),
                ),
            ],
            Self::Only(path) => vec![("healthz", Request::get(path))],
        }
    }
}
