//! An emulator of AWS Lambda for fault tests: the control plane and `Invoke` on the loopback address, in threads of the test.
//!
//! Functions run no code of their own. Each environment is simulated: a process id and a counter of requests, an initialisation,
//! a log with the lines of the platform. A test chooses the [`Behaviour`], points the SDK at [`Emulator::endpoint`], and compares
//! reports with what really happened: [`Emulator::calls`], [`Emulator::served`] and [`Emulator::left`].
//!
//! Not emulated: aliases, layers, event sources, asynchronous invocations, code in S3, the signature of a request (only its region
//! is read), and whether an image exists.

mod api;
mod app;
mod behaviour;
mod clock;
mod concurrency;
mod config;
mod create;
mod environment;
mod fault;
mod function;
mod http;
mod ids;
mod invoke;
mod left;
mod listing;
mod log;
mod record;
mod reply;
mod run;
mod server;
mod tags;
mod tests;
mod update;
mod url;
mod versions;
mod when;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub use behaviour::Behaviour;
pub use fault::{ACCOUNT, Cut, Failure, Fault, RESERVED};
pub use left::Left;
pub use record::{Call, Served};
pub use run::Begun;
pub use when::When;

use clock::Clock;
use server::Service;
use world::World;

/// The region that [`Emulator::variables`] names.
pub const REGION: &str = "eu-west-1";

/// A service that runs until it is dropped.
pub struct Emulator {
    service: Arc<Service>,
    acceptor: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts a service on a free port.
    pub fn start(behaviour: Behaviour) -> Self {
        // Two emulators of one process have different ids.
        static STARTED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let seed = STARTED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let clock = Clock::new(behaviour.time_scale);
        let (service, acceptor) = server::start(World::new(behaviour, seed), clock).unwrap();
        Self {
            service,
            acceptor: Some(acceptor),
        }
    }

    /// The address for the SDK, such as `http://127.0.0.1:40000`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.service.address)
    }

    /// The environment variables by which a program that uses the SDK comes here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_REGION", REGION.into()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".into()),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-the-test".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
        ]
    }

    /// Changes the behaviour from the next call on. The time scale stays.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.service.world().behaviour);
    }

    /// All calls in the order in which they came, those that are not known here included.
    pub fn calls(&self) -> Vec<Call> {
        self.service.world().calls.clone()
    }

    /// All actions that the callers had to be allowed.
    pub fn needed(&self) -> BTreeSet<&'static str> {
        let calls = self.calls();
        calls.iter().flat_map(|call| call.needs.iter().copied()).collect()
    }

    /// All invocations that ran, in the order in which they began.
    pub fn served(&self) -> Vec<Served> {
        self.service.world().served.clone()
    }

    /// All that exists now.
    pub fn left(&self) -> Left {
        self.service.world().left()
    }

    /// Waits until so many calls of an action have come, answered or not.
    ///
    /// # Panics
    /// If they do not come within half a minute.
    #[track_caller]
    pub fn wait_for(&self, action: &str, count: usize) {
        let of_action = |world: &World| world.calls.iter().filter(|call| call.action == action).count();
        let came = self
            .service
            .wait_until(Duration::from_secs(30), |world| of_action(world) >= count);
        assert!(came, "fewer than {count} calls of {action}: {:?}", self.calls());
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            let is_sound = server::stop(&self.service, acceptor);
            assert!(is_sound || std::thread::panicking(), "the emulator has panicked");
        }
    }
}
