//! The kinds of work in sizes, and the requests that a measurement sends for them.

use serde_json::Value;

use super::validate;
use crate::measure::http::Request;

/// A kind of work whose amount is a number of units.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in profiles.
    pub name: &'static str,
    /// The name of one unit.
    pub unit: &'static str,
    request: fn(u32) -> Request,
}

impl Kind {
    /// The request for `units` units, from 1 to 9999.
    pub fn request(&self, units: u32) -> Request {
        (self.request)(units)
    }
}

/// All kinds.
pub const KINDS: [Kind; 4] = [
    Kind {
        name: "items",
        unit: "item",
        request: |units| Request::get(&format!("/items/42?count={units}")),
    },
    Kind {
        name: "validate",
        unit: "order",
        request: |units| Request::post_json("/validate", &Value::from(validate::orders(units)).to_string()),
    },
    Kind {
        name: "template",
        unit: "row",
        request: |units| Request::get(&format!("/template?count={units}")),
    },
    Kind {
        name: "compute",
        unit: "order line",
        request: |units| Request::get(&format!("/compute?count={units}")),
    },
];
