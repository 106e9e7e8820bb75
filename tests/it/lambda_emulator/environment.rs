//! Execution environments: the process in one, and the pool of those that wait for the next invocation.

use std::sync::Arc;

/// An environment of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its number, counted over all functions.
    pub number: u32,
    /// The id of the process in it, as the app says it.
    pub process_id: String,
    /// The requests that the process has received.
    pub requests: u64,
    /// The moment at which the process began.
    pub started_ms: f64,
    /// The moment at which its last invocation ended.
    pub idle_since_ms: f64,
    /// The life for which it was made.
    pub life: Life,
}

/// The time from one change of a configuration to the next. Each differs from all others.
#[derive(Debug, Clone, Default)]
pub struct Life(Arc<()>);

impl PartialEq for Life {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The idle environments of a function or of a version, the one used last at the end.
#[derive(Debug, Default)]
pub struct Pool {
    idle: Vec<Environment>,
    life: Life,
}

impl Pool {
    /// Takes the environment that was used last.
    pub fn take(&mut self) -> Option<Environment> {
        self.idle.pop()
    }

    /// Gives an environment back. One of an old configuration ends.
    pub fn give(&mut self, environment: Environment) {
        if environment.life == self.life {
            self.idle.push(environment);
        }
    }

    /// Ends all environments: those that are idle now, and those that are busy when their invocation ends.
    pub fn end_all(&mut self) {
        self.idle.clear();
        self.life = Life::default();
    }

    /// Ends those that have been idle too long.
    pub fn expire(&mut self, now_ms: f64, idle_ms: f64) {
        self.idle.retain(|one| now_ms - one.idle_since_ms < idle_ms);
    }

    /// The life of environments that are made now.
    pub fn life(&self) -> Life {
        self.life.clone()
    }

    /// The idle environments.
    pub fn idle(&self) -> &[Environment] {
        &self.idle
    }
}
