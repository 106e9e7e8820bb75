//! coldcast answers one question with evidence: what does a backend framework cost per month, and does it keep a latency
//! promise?
//!
//! A **scenario** is a TOML text: traffic, platform, frameworks, latency promise, price list. [`load()`] reads it, [`plan()`]
//! resolves it to **variants**, [`run()`] simulates every variant several times with the same traffic and the same random numbers,
//! and the [`Study`] has the results: each [`Metric`] with its confidence interval, bills, timelines and paired differences.
//!
//! # A queue
//!
//! One server, Poisson arrivals and exponential service times are the queue M/M/1. Requests stay in it for 1 / (μ - λ) on
//! average: with 8 arrivals per second and a service time of 100 ms that is 0.5 s.
//!
//! ```
//! use coldcast::{Metric, Options, Progress};
//!
//! let scenario = coldcast::from_text(
//!     r#"
//!     schema = 1
//!     name = "queue"
//!     replications = 10
//!     warm-up = "500s"
//!     horizon = "5000s"
//!     frameworks = ["server"]
//!     [traffic.poisson]
//!     rate = "8/s"
//!     [platform.fixed]
//!     replicas = 1
//!     [profile.server]
//!     service-time = { exponential = { mean = "100ms" } }
//!     cold-start = "0s"
//!     "#,
//! )?;
//! let plan = coldcast::plan(&scenario)?;
//! let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
//! let (low, high) = study.variants[0].all().interval(Metric::LatencyMean).expect("ten replications");
//! assert!(low < 500.0 && 500.0 < high, "{low} to {high}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A scenario
//!
//! Two of the measured frameworks on AWS Lambda, with their bills. The same requests meet both, so the difference between
//! them is narrower than either interval.
//!
//! ```
//! use coldcast::{Metric, Options, Progress};
//!
//! let scenario = coldcast::from_text(
//!     r#"
//!     schema = 1
//!     name = "shop"
//!     replications = 5
//!     horizon = "2h"
//!     frameworks = ["gin", "spring-boot"]
//!     [traffic.poisson]
//!     rate = "2/s"
//!     [slo]
//!     latency = "300ms"
//!     objective = 0.99
//!     [platform.lambda]
//!     memory = "1769Mi"
//!     [prices]
//!     list = "aws-us-east-1"
//!     "#,
//! )?;
//! let plan = coldcast::plan(&scenario)?;
//! let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
//! for variant in &study.variants {
//!     let usd = variant.all().float(Metric::MonthlyCost).expect("there is a price list");
//!     println!("{}: {usd:.2} US dollars per month", variant.name());
//! }
//! let difference = study.paired(0, 1, Metric::LatencyP99).expect("both have answered requests");
//! assert!(difference.mean > 0.0, "Spring Boot is the slower one");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A platform of one's own
//!
//! A [`Platform`] decides what happens with each request; [`PlatformSpec::own`] puts it into a variant. The same goes for
//! traffic ([`TrafficKind`], [`Traffic::own`]) and reports ([`Report`], [`write_files`]). `examples/own_platform.rs` has one of
//! each. [`service`] shows a variant without a scenario, and [`engine`] a single run with an observer of your own.
//!
//! ```
//! use coldcast::platform::{Admission, FleetView, Platform, PlatformKind, Reject, Shape};
//! use coldcast::{Draws, Metric, Options, PlatformSpec, Progress};
//!
//! /// One instance and no queue: who finds it busy is turned away.
//! struct OneInstance;
//!
//! impl PlatformKind for OneInstance {
//!     fn problems(&self) -> Vec<String> {
//!         Vec::new()
//!     }
//!     fn assumptions(&self) -> Vec<coldcast::Assumption> {
//!         Vec::new()
//!     }
//!     fn shape(&self) -> Shape {
//!         Shape::default()
//!     }
//!     fn build(&self, _: Draws, _: &[&str]) -> Box<dyn Platform> {
//!         Box::new(Self)
//!     }
//! }
//!
//! impl Platform for OneInstance {
//!     fn admit(&mut self, view: &FleetView) -> Admission {
//!         if view.free { Admission::Warm } else { Admission::Reject(Reject::QueueFull) }
//!     }
//!     fn replicas(&self) -> u32 {
//!         1
//!     }
//! }
//!
//! let scenario = coldcast::from_text(
//!     r#"
//!     schema = 1
//!     name = "loss"
//!     replications = 10
//!     horizon = "5000s"
//!     frameworks = ["server"]
//!     [traffic.poisson]
//!     rate = "10/s"
//!     [platform.fixed]
//!     [profile.server]
//!     service-time = { exponential = { mean = "100ms" } }
//!     cold-start = "0s"
//!     "#,
//! )?;
//! let mut plan = coldcast::plan(&scenario)?;
//! plan.variants[0].platform = PlatformSpec::own("one-instance", OneInstance);
//! let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
//! // Erlang's loss formula: with a load of 1 every other request is lost.
//! let all = study.variants[0].all();
//! let lost = all.float(Metric::Rejected).unwrap() / all.float(Metric::Requests).unwrap();
//! assert!((lost - 0.5).abs() < 0.01, "{lost}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reports
//!
//! [`write_files`] writes the reports of a study into a folder: CSV for programs, Markdown for people, FOCUS for cost tools. A
//! [`Manifest`] says where the figures come from.
//!
//! ```
//! use coldcast::{Manifest, Options, Progress, REPORTS};
//!
//! let scenario = coldcast::from_text(
//!     r#"
//!     schema = 1
//!     name = "shop"
//!     replications = 2
//!     horizon = "1h"
//!     frameworks = ["gin"]
//!     [traffic.poisson]
//!     rate = "2/s"
//!     [platform.lambda]
//!     memory = "1769Mi"
//!     [prices]
//!     list = "aws-us-east-1"
//!     "#,
//! )?;
//! let plan = coldcast::plan(&scenario)?;
//! let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
//! let folder = std::env::temp_dir().join(format!("reports-{}", std::process::id()));
//! coldcast::write_files(&folder, REPORTS, &study, &Manifest::of(&[&plan], &study)?)?;
//! assert!(std::fs::read_to_string(folder.join("costs.csv"))?.contains("lambda"));
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! Without default features there is the simulator alone. `cli` is the program, `measure` measures frameworks (Linux only),
//! `fetch` reads price lists from the network, `parquet` writes Parquet and `xlsx` a workbook.
//!
//! The modules that the documentation does not show are public for the program, the tests and the benches. They may change in
//! any version.
#![warn(missing_docs)]

#[doc(hidden)]
pub mod assumption;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cost;
#[cfg(all(feature = "measure", target_os = "linux"))]
#[doc(hidden)]
pub mod measure;
#[doc(hidden)]
pub mod model;
mod registry;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod rng;
#[doc(hidden)]
pub mod scenario;
#[doc(hidden)]
pub mod sim;
#[doc(hidden)]
pub mod stats;
#[doc(hidden)]
pub mod study;
#[doc(hidden)]
pub mod suggest;
#[doc(hidden)]
pub mod trace;
pub mod units;

pub use assumption::Assumption;
pub use registry::Own;
pub use report::atomic::WriteError;
pub use report::manifest::{Manifest, ManifestError};
pub use report::{REPORTS, Report, write_files};
pub use rng::Draws;
pub use scenario::plan::plan;
pub use scenario::{Loaded, Plan, ScenarioError, Variant, from_text, load};
pub use sim::platform::PlatformSpec;
pub use stats::interval::Estimate;
pub use study::{Metric, Options, Progress, Study, StudyError, VariantResult, run};
pub use trace::Traffic;

/// The parts that a platform of your own needs.
pub mod platform {
    pub use crate::sim::fact::Reject;
    pub use crate::sim::platform::{
        Admission, Boost, FixedSpec, FleetView, InstanceView, KeepAlive, Lifetime, Platform, PlatformKind, Scale,
        Shape, Ticks, Used,
    };
    pub use crate::sim::pool::Routing;
    pub use crate::sim::setup::InitialState;
}

/// The parts that traffic of your own needs.
pub mod traffic {
    pub use crate::model::arrival::Arrival;
    pub use crate::trace::poisson::PoissonSpec;
    pub use crate::trace::{ImportReport, Open, Opened, Source, TraceError, TrafficKind};
}

/// The parts of an assumption that a platform of your own makes.
pub mod assumptions {
    pub use crate::assumption::{Assumption, Figure, Topic, Weight};
}

/// The parts of a result: rows of metrics, differences and bills.
pub mod results {
    pub use crate::cost::bill::{Bill, BillLine};
    pub use crate::report::column::ColumnDoc;
    pub use crate::report::manifest::Run;
    pub use crate::study::metric::UnknownMetric;
    pub use crate::study::precision::{Precision, PrecisionError};
    pub use crate::study::row::{Number, Value};
    pub use crate::study::{Difference, Kind, Row};
}

/// Services that no scenario describes: a queue in a few lines.
///
/// The queue M/M/1 without a line of TOML:
///
/// ```
/// use coldcast::platform::{FixedSpec, PlatformKind};
/// use coldcast::service::{ColdModel, Dist, PlannedService, ServiceSetup, ServiceTime};
/// use coldcast::traffic::PoissonSpec;
/// use coldcast::units::{PerSecond, SimDuration};
/// use coldcast::{Metric, Options, PlatformSpec, Progress, Traffic, Variant};
///
/// let platform = PlatformSpec::Fixed(FixedSpec { replicas: 1, ..FixedSpec::default() });
/// let server = ServiceSetup::new(
///     ServiceTime::Whole(Dist::exponential(SimDuration::from_millis(100))),
///     ColdModel::Start(Dist::Constant(SimDuration::ZERO)),
///     platform.part().shape(),
/// );
/// let arrivals = Traffic::Poisson(PoissonSpec { rate: PerSecond(8.0) });
/// let mut queue = Variant::new("queue", platform, vec![PlannedService::new("server", arrivals, server)]);
/// queue.warm_up = SimDuration::from_secs(500);
/// queue.horizon = Some(SimDuration::from_secs(5_000));
///
/// let study = coldcast::run(&[queue], Options::default(), &Progress::default())?;
/// let (low, high) = study.variants[0].all().interval(Metric::LatencyMean).expect("ten replications");
/// assert!(low < 500.0 && 500.0 < high, "1 / (10 - 8) s is within {low} to {high} ms");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub mod service {
    pub use crate::model::dist::Dist;
    pub use crate::scenario::Replications;
    pub use crate::scenario::plan::PlannedService;
    pub use crate::sim::setup::{ColdModel, ColdStart, ServiceSetup, ServiceTime};
}

/// The engine alone: one run that tells every fact to an observer of your own.
///
/// ```
/// use coldcast::engine::{Fact, Feed, Observer, Setup};
/// use coldcast::platform::{FixedSpec, PlatformKind};
/// use coldcast::service::{ColdModel, Dist, ServiceSetup, ServiceTime};
/// use coldcast::traffic::Arrival;
/// use coldcast::units::{SimDuration, SimTime};
/// use coldcast::Draws;
///
/// /// The number of requests that were answered.
/// #[derive(Default)]
/// struct Answers(u32);
///
/// impl Observer for Answers {
///     fn observe(&mut self, fact: &Fact) {
///         if let Fact::Finished(_) = fact {
///             self.0 += 1;
///         }
///     }
/// }
///
/// let platform = FixedSpec::default();
/// let service = ServiceSetup::new(
///     ServiceTime::Whole(Dist::Constant(SimDuration::from_millis(20))),
///     ColdModel::Start(Dist::Constant(SimDuration::ZERO)),
///     platform.shape(),
/// );
/// let draws = Draws::new(1, 0);
/// let setup = Setup::new(vec![service], platform.build(draws, &["service"]));
/// let mut times = (0..10).map(|k| SimTime(k * 5_000_000));
/// let feed: Feed<'_> = Box::new(move |out| {
///     out.extend(times.next().map(Arrival::new));
///     !out.is_empty()
/// });
/// let mut answers = Answers::default();
/// let stats = coldcast::engine::run(setup, vec![feed], draws, &mut answers);
/// assert_eq!((stats.arrivals, answers.0), (10, 10));
/// ```
pub mod engine {
    pub use crate::sim::engine::{Feed, run};
    pub use crate::sim::fact::{Activity, Ended, Fact, Finished, FleetState, Outcome, Role};
    pub use crate::sim::observe::Observer;
    pub use crate::sim::observe::run_stats::{RunStats, ServiceStats};
    pub use crate::sim::setup::Setup;
}

#[doc(no_inline)]
pub use platform::{Platform, PlatformKind};
#[doc(no_inline)]
pub use traffic::{Source, TrafficKind};
