//! Measures on AWS Lambda itself, with the real SDK: deploys images or archives, forces cold starts, and reads what the platform
//! reports of each invocation.
//!
//! The life of a measurement:
//!
//! 1. [`plan`] says what would be created, how many calls are made, how long it takes and what it costs. Nothing is created without the
//!    user's word.
//! 2. Everything that is made on AWS has the prefix `coldcast-`, a tag with the number of the run, and a line in the [`journal`] that was
//!    written before it was made.
//! 3. Cold starts are forced by a change of the configuration, by published versions, or by invocations at the same time ([`run`]). States
//!    are awaited, never times. After each start come warm invocations. Each sample goes to disk at once ([`sample`]).
//! 4. A start counts if the process that answered is new, by its id and its counter. One that nobody can have waited for is marked.
//! 5. The profiles are written, and everything is removed, also after an error or a signal. After `kill -9` [`cleanup`] finds it by its
//!    tags and by the journal.
//!
//! Source: AWS Lambda Developer Guide, "Lambda function states", "Understanding the Lambda execution environment lifecycle", and
//! "Lambda quotas".

use std::path::PathBuf;
use std::time::Duration;

use crate::model::framework::Framework;
use crate::units::MemoryMib;

pub mod api;
pub mod call;
pub mod cleanup;
pub mod failed;
pub mod image;
pub mod journal;
pub mod plan;
pub mod policy;
mod profile;
pub mod run;
pub mod sample;
mod wait;

pub use sample::Cause;

/// The longest time that an invocation may take unless the user says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A measurement on Lambda.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The subjects that are deployed.
    pub subjects: Vec<LambdaSubject>,
    /// The memory of the functions.
    pub memory: Vec<MemoryMib>,
    /// True for arm64.
    pub arm: bool,
    /// The starts of each subject, memory and cause.
    pub samples: u32,
    /// How starts are forced.
    pub causes: Vec<Cause>,
    /// The invocations at the same time of one burst.
    pub burst: u32,
    /// The warm invocations after each start.
    pub warm: u32,
    /// The ARN of the role that the functions assume.
    pub role: String,
    /// The timeout of the functions.
    pub timeout: Duration,
    /// True if versions are restored from snapshots.
    pub snap_start: bool,
    /// The gaps after which a silent function is looked at, in rising order; none: idle expiry is not looked for.
    pub idle_gaps: Vec<Duration>,
    /// The amount that must not be exceeded, in US dollars.
    pub max_usd: Option<rust_decimal::Decimal>,
    /// The folder of results.
    pub out: PathBuf,
    /// The seed of the random order.
    pub seed: u64,
    /// The command line that repeats the measurement.
    pub command: String,
}

/// Something that is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct LambdaSubject {
    /// The name of the profile.
    pub name: String,
    /// The path of its health route.
    pub path: String,
    /// The port on which it listens, for the web adapter.
    pub port: u16,
    /// Where its code comes from.
    pub source: Source,
    /// The seconds that a start is expected to take; `None` if nothing is known.
    pub expected_start_s: Option<f64>,
}

/// Where code comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The folder of a framework: its image is built, gets the web adapter, and is pushed.
    Framework {
        /// The content of its `framework.toml`.
        framework: Box<Framework>,
        /// The folder.
        folder: PathBuf,
    },
    /// An image in ECR.
    Image(String),
    /// A zip archive.
    Zip {
        /// The file.
        file: PathBuf,
        /// The managed runtime, such as `nodejs22.x`.
        runtime: String,
        /// The handler, such as `run.sh`.
        handler: String,
        /// The ARNs of layers, such as that of the web adapter.
        layers: Vec<String>,
    },
}
