//! The reason why a start cannot succeed, and the remedy: from the sockets that the kernel shows, from the answers, and from
//! the way in which the program ended.
//!
//! [`give_up`] decides when waiting makes no sense any more, [`questions`] asks the server a few more things then, and
//! [`waiting`], [`ended`] and [`refused`] put what is known into words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::measure::probe::Endpoint;
use crate::measure::probe::sight::Shared;
use crate::measure::sockets::Listening;
use crate::measure::usage::Usage;

pub mod ended;
pub mod give_up;
pub mod log;
pub mod questions;
pub mod refused;
pub mod waiting;

use give_up::{GiveUpAfter, Look, Watch};

/// The pause between two looks at a server that is starting.
const LOOK: Duration = Duration::from_millis(500);

/// The reason in words, and remedies, one line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// The reason. It reads on after the name of the image.
    pub what: String,
    /// The remedies. Each works, as far as that could be tried.
    pub hints: Vec<String>,
}

impl Trouble {
    /// A reason with these remedies.
    pub fn new(what: impl Into<String>, hints: &[&str]) -> Self {
        Self {
            what: what.into(),
            hints: hints.iter().map(|hint| (*hint).to_string()).collect(),
        }
    }
}

/// Looks at a starting server twice a second. Returns when it makes no sense to wait any longer. `pid` is its first process.
pub async fn until_hopeless(pid: i64, port: u16, shared: &Shared, give_up_after: GiveUpAfter) {
    let mut watch = Watch::new(port, give_up_after, Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let look = Look {
            at: Instant::now(),
            lasting: shared.now(),
            listening: Listening::of_process(pid),
            cpu: shared.usage.get().and_then(Usage::cpu_time),
        };
        if watch.is_hopeless(&look) {
            return;
        }
    }
}

/// Asks a server that runs and is not ready what it takes to tell why, and puts it into words.
pub async fn explain(pid: i64, endpoint: &Endpoint, shared: Arc<Shared>) -> Trouble {
    let endpoint = endpoint.clone();
    let explained = tokio::task::spawn_blocking(move || {
        let symptom = shared.now().map(|lasting| lasting.symptom);
        let listening = Listening::of_process(pid);
        let findings = questions::ask(&endpoint, symptom.as_ref(), listening.as_ref());
        waiting::describe(&endpoint, symptom.as_ref(), listening.as_ref(), &findings)
    });
    explained.await.unwrap_or_default()
}
