//! A place without containers and processes, for tests: every answer comes from its spec. A whole session takes less than a
//! second on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::measure::assemble::{Backing, Image};
use crate::measure::cleanup::Leftover;
use crate::measure::config::Config;
use crate::measure::error::MeasureError;
use crate::measure::http::Connection;
use crate::measure::noise::Readings;
use crate::measure::probe::Ready;
use crate::measure::progress::Progress;
use crate::measure::start::{Failed, Outcome, Up};
use crate::measure::subject::Subject;
use crate::measure::target::Target;
use crate::measure::warm::round_trip::Place;
use crate::model::profile::{BlockReading, ColdSample, FailureKind, ImageFacts, Verdict};

/// A start that the session asks for.
pub struct Asked<'a> {
    /// The subject.
    pub name: &'a str,
    /// The number of the start within the run.
    pub number: u32,
}

/// The answer to a start.
pub enum Answer {
    /// The instance is up after so many milliseconds.
    Up(f64),
    /// The same, and the process has this id in place of a new one.
    UpAs(f64, &'static str),
    /// The start fails.
    Fails(FailureKind),
    /// The start never ends, and the stop signal comes.
    Interrupted,
    /// The target has a bug.
    Panics,
}

/// The answers of the place.
pub struct Spec {
    /// The answer to each start.
    pub start: fn(&Asked<'_>) -> Answer,
    /// The milliseconds of the spin at each reading of the machine, by the number of the reading.
    pub spin_ms: fn(usize) -> f64,
    /// The subjects that cannot be deployed.
    pub broken: BTreeSet<&'static str>,
    /// The address of the app that instances show to the session.
    pub app: Option<SocketAddr>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            start: |_| Answer::Up(100.0),
            spin_ms: |_| 20.0,
            broken: BTreeSet::new(),
            app: None,
        }
    }
}

/// The place.
pub struct Fake {
    spec: Spec,
    listener: TcpListener,
    /// The calls of the session, in order.
    calls: Mutex<Vec<String>>,
    /// Wakes when a start is interrupted.
    pub stop: Notify,
}

impl Fake {
    /// A place with these answers.
    pub fn new(spec: Spec) -> Self {
        Self {
            spec,
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            calls: Mutex::default(),
            stop: Notify::new(),
        }
    }

    fn called(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    /// The calls of the session, in order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls that begin with `verb`.
    pub fn calls_of(&self, verb: &str) -> Vec<String> {
        let mut calls = self.calls();
        calls.retain(|call| call.starts_with(verb));
        calls
    }

    /// A connection that nobody answers.
    fn connection(&self) -> Connection {
        let connection = Connection::open(self.listener.local_addr().unwrap(), Duration::from_secs(5)).unwrap();
        self.listener.accept().unwrap();
        connection
    }

    fn up(&self, total_ms: f64, process_id: String) -> Outcome {
        let now = Instant::now();
        let sample = ColdSample {
            block: 0,
            order: 0,
            create_ms: 0.0,
            start_ms: 0.0,
            boot_ms: total_ms,
            first_response_ms: 0.0,
            pull_ms: None,
            first_request_ms: None,
            limit_update_ms: None,
            total_ms,
            cpu_ms: None,
            anon_bytes: None,
            tries: 1,
            spin_ratio: 0.0,
            process_id: Some(process_id.clone()),
            verdict: Verdict::Counted,
        };
        let ready = Ready {
            accepted: now,
            answered: now,
            tries: 1,
            requests: 1,
            process_id: Some(process_id.clone()),
            request_count: Some(1),
            connection: self.connection(),
            closes: false,
            probe_cpu: Duration::ZERO,
        };
        Outcome::Up(Box::new(Up {
            id: process_id,
            address: self.spec.app.unwrap_or_else(|| self.listener.local_addr().unwrap()),
            place: Place::Loopback,
            sample,
            ready,
            usage: None,
            throttled: None,
            disk_read: None,
            pulled: None,
        }))
    }
}

impl Target for Fake {
    type Deployed = ();

    fn backing(&self) -> Backing {
        Backing {
            backend: "fake".into(),
            engine_version: "1".into(),
            storage_driver: "none".into(),
            cgroup_version: "none".into(),
            cpu_period_us: None,
            clock: "none".into(),
        }
    }

    async fn deploy(&self, subject: &Subject, _progress: &Progress) -> Result<(Image, ()), MeasureError> {
        let name = subject.name();
        self.called(format!("deploy {name}"));
        if self.spec.broken.contains(name) {
            return Err(MeasureError::MissingProgram {
                name: name.into(),
                program: "nothing".into(),
            });
        }
        let image = Image {
            id: format!("image of {name}"),
            runtime: None,
            bases: BTreeMap::new(),
            facts: ImageFacts {
                compressed_bytes: None,
                compressed_estimated: false,
                unpacked_bytes: Some(1),
                layers: 1,
                packages: None,
                direct_packages: None,
                os_packages: None,
                scan: None,
                pulls: Vec::new(),
            },
            notes: Vec::new(),
        };
        Ok((image, ()))
    }

    async fn open(&self) -> Result<(), MeasureError> {
        self.called("open".into());
        Ok(())
    }

    async fn cold_start(&self, subject: &Subject, (): &(), config: Config, number: u32) -> Outcome {
        /// A number for each process of all fakes.
        static PROCESSES: AtomicU32 = AtomicU32::new(0);
        let name = subject.name();
        self.called(format!("start {name} at {}", config.label()));
        match (self.spec.start)(&Asked { name, number }) {
            Answer::Up(ms) => self.up(ms, format!("process {}", PROCESSES.fetch_add(1, Ordering::Relaxed))),
            Answer::UpAs(ms, id) => self.up(ms, id.into()),
            Answer::Fails(kind) => Outcome::Failed(Failed::new(kind, "as the spec says")),
            Answer::Interrupted => {
                self.stop.notify_one();
                std::future::pending().await
            }
            Answer::Panics => panic!("as the spec says"),
        }
    }

    async fn remove(&self, id: &str) {
        self.called(format!("remove {id}"));
    }

    async fn settle(&self, (): &(), _config: Config) {
        self.called("settle".into());
    }

    async fn last_log_lines(&self, _id: &str) -> Vec<String> {
        Vec::new()
    }

    async fn is_out_of_memory(&self, _id: &str) -> bool {
        false
    }

    async fn how_it_ended(&self, _id: &str) -> Option<String> {
        None
    }

    async fn other_instances(&self) -> Option<u64> {
        None
    }

    fn readings(&self) -> Box<dyn Readings> {
        Box::new(Spins {
            spin_ms: self.spec.spin_ms,
            read: 0,
        })
    }

    fn remarks(&self) -> Vec<String> {
        vec!["nothing was started".into()]
    }

    fn contract_command(&self, name: &str) -> String {
        format!("check {name}")
    }

    async fn leftovers(&self) -> Result<BTreeMap<String, Leftover>, MeasureError> {
        Ok(BTreeMap::new())
    }

    async fn sweep(&self) -> Option<String> {
        self.called("sweep".into());
        None
    }

    fn by_hand(&self) -> String {
        "nothing to do".into()
    }
}

/// Readings of the machine as the spec says.
struct Spins {
    spin_ms: fn(usize) -> f64,
    read: usize,
}

impl fmt::Debug for Spins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spins")
    }
}

impl Readings for Spins {
    fn read(&mut self, block: u32, _other_instances: Option<u64>) -> BlockReading {
        let spin_ms = (self.spin_ms)(self.read);
        self.read += 1;
        BlockReading {
            block,
            spin_ms,
            // At rest the computation takes up to 22 ms.
            noise: Some(spin_ms / 22.0),
            ..BlockReading::default()
        }
    }
}
