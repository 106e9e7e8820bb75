//! The resources that exist at a moment, so that a test can say that nothing is left.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// All that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    pub functions: Vec<LeftFunction>,
    /// The invocations that run.
    pub running: u32,
}

/// A function that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftFunction {
    pub name: String,
    pub memory_mb: u32,
    pub architecture: String,
    pub variables: Map<String, Value>,
    /// The published versions.
    pub versions: Vec<u32>,
    pub tags: BTreeMap<String, String>,
    pub reserved: Option<u32>,
    pub has_url: bool,
    /// The environments that wait for an invocation.
    pub environments: Vec<LeftEnvironment>,
}

/// An environment that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftEnvironment {
    pub version: String,
    pub process_id: String,
    pub requests: u64,
}

impl Left {
    /// True if nothing exists and nothing runs.
    pub fn is_nothing(&self) -> bool {
        self.functions.is_empty() && self.running == 0
    }

    /// The names of all functions.
    pub fn names(&self) -> Vec<&str> {
        self.functions.iter().map(|function| function.name.as_str()).collect()
    }
}
