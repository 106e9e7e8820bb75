//! All that the service knows, behind one lock.

use std::collections::BTreeMap;

use super::behaviour::Behaviour;
use super::function::{Function, LATEST};
use super::ids::Ids;
use super::left::{Left, LeftEnvironment, LeftFunction};
use super::record::{Call, Served};
use super::reply::Reply;
use super::reply::refuse::unknown;

/// The state of the service.
#[derive(Debug)]
pub struct World {
    pub behaviour: Behaviour,
    pub functions: BTreeMap<String, Function>,
    pub ids: Ids,
    /// The environments made so far.
    pub environments: u32,
    /// The invocations that reached an environment so far.
    pub invocations: u32,
    /// The invocations that run now, of functions that were deleted meanwhile too.
    pub running: u32,
    pub calls: Vec<Call>,
    pub served: Vec<Served>,
}

impl World {
    /// An account without functions.
    pub fn new(behaviour: Behaviour, seed: u64) -> Self {
        Self {
            behaviour,
            functions: BTreeMap::new(),
            ids: Ids::new(seed),
            environments: 0,
            invocations: 0,
            running: 0,
            calls: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Carries out the updates whose time has come, and ends environments that were idle too long.
    pub fn settle(&mut self, now_ms: f64) {
        let idle_ms = self.behaviour.idle_expiry_ms;
        for function in self.functions.values_mut() {
            for (_, deployed) in function.all() {
                deployed.settle(now_ms);
                if let Some(idle_ms) = idle_ms {
                    deployed.pool.expire(now_ms, idle_ms);
                }
            }
        }
    }

    /// The function of this name.
    pub fn function(&mut self, name: &str, region: &str) -> Result<&mut Function, Reply> {
        let found = self.functions.get_mut(name);
        found.ok_or_else(|| unknown(&format!("Function not found: {}", arn(region, name))))
    }

    /// The failure that a call of `action` meets. Every fault of the action counts the call.
    pub fn failure(&mut self, action: &str) -> Option<super::fault::Failure> {
        let faults = self.behaviour.faults.iter_mut();
        let met: Vec<_> = faults.filter_map(|fault| fault.meets(action)).collect();
        met.into_iter().next()
    }

    /// The concurrency that no function has reserved for itself.
    pub fn unreserved(&self) -> u32 {
        let reserved: u32 = self.functions.values().filter_map(|function| function.reserved).sum();
        self.behaviour.account_concurrency.saturating_sub(reserved)
    }

    /// All that exists now.
    pub fn left(&mut self) -> Left {
        let function = |function: &mut Function| {
            let environments = function.all().flat_map(|(version, deployed)| {
                let idle = deployed.pool.idle().to_vec();
                idle.into_iter().map(move |one| LeftEnvironment {
                    version: version.clone(),
                    process_id: one.process_id,
                    requests: one.requests,
                })
            });
            LeftFunction {
                environments: environments.collect(),
                name: function.name.clone(),
                memory_mb: function.latest.config.memory_mb(),
                architecture: function.latest.config.architecture().to_string(),
                variables: function.latest.shown().variables(),
                versions: function.versions.keys().copied().collect(),
                tags: function.tags.clone(),
                reserved: function.reserved,
                has_url: function.url.is_some(),
            }
        };
        Left {
            functions: self.functions.values_mut().map(function).collect(),
            running: self.running,
        }
    }
}

/// The ARN of a function without a version.
pub fn arn(region: &str, name: &str) -> String {
    format!(
        "arn:aws:lambda:{region}:{}:function:{name}",
        super::function::ACCOUNT_ID
    )
}

/// The name of a function and its qualifier, from a name, a partial ARN or an ARN.
pub fn name_and_qualifier(text: &str) -> (String, Option<String>) {
    let parts: Vec<&str> = text.split(':').collect();
    let parts = match parts.iter().position(|part| *part == "function") {
        Some(at) => &parts[at + 1..],
        None => &parts[..],
    };
    let name = parts.first().copied().unwrap_or_default().to_string();
    (name, parts.get(1).map(ToString::to_string))
}

/// The version that a qualifier names.
pub fn version(qualifier: Option<&str>) -> &str {
    qualifier.unwrap_or(LATEST)
}
