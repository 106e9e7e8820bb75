//! Traffic: where arrivals come from. A scenario's `[traffic.<name>]` table is a [`Traffic`]; opening it gives a
//! [`Source`] that hands arrivals out in time order, a few thousand at a time, so that memory stays flat however long
//! the trace. Times are nanoseconds since the start of the run.
//!
//! Knows nothing of what happens to a request. A new kind is one file and one row in the registry below.

pub mod azure2019;
pub mod azure_day;
pub mod closed_loop;
pub mod constant;
pub mod counts;
pub mod csv;
pub mod diurnal;
pub mod embedded;
pub mod error;
mod expand;
pub mod flash_crowd;
pub mod generate;
pub mod guess;
mod input;
pub mod inspect;
mod intensity;
mod moments;
mod names;
mod number;
pub mod placement;
pub mod poisson;
mod repeated;
pub mod report;
mod series;
pub mod synthetic;
mod table;

use std::path::{Path, PathBuf};

use crate::model::arrival::Arrival;
use crate::registry::registry;
use crate::rng::{Draws, Purpose, Stream};
use crate::units::SimDuration;

pub use error::TraceError;
pub use placement::{Clusters, Placement};
use repeated::Repeated;
pub use report::ImportReport;
pub use table::OnBadLine;

/// How many arrivals a source appends at most, about.
pub const BATCH: usize = 4096;

/// A stream of arrivals in time order.
pub trait Source: Send {
    /// Appends the next arrivals, some thousands at most and at least one, in time order. `false`: nothing was
    /// appended, there are no more.
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError>;

    /// What was read so far.
    fn report(&self) -> ImportReport {
        ImportReport::default()
    }
}

/// What a source needs to know besides its own settings.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    /// The folder where relative paths start.
    pub base: &'a Path,
    /// The random numbers of this replication.
    pub draws: Draws,
    /// The number of the service, which keys its draws.
    pub entity: u64,
    /// The length of the run as the scenario sets it. Arrivals at or after it are cut.
    pub horizon: Option<SimDuration>,
}

impl Open<'_> {
    /// The first instant that is too late, in nanoseconds.
    fn until(&self) -> u64 {
        self.horizon.map_or(u64::MAX, |h| h.0)
    }

    /// The horizon, which traffic without an end of its own cannot do without.
    fn required_horizon(&self, traffic: &'static str) -> Result<SimDuration, TraceError> {
        self.horizon.ok_or(TraceError::NoHorizon { traffic })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// The stream of one function's arrival times.
    fn arrivals(&self, function: u32) -> Stream {
        arrival_stream(self.draws, self.entity, function)
    }
}

/// The arrival times of one function of one service.
fn arrival_stream(draws: Draws, entity: u64, function: u32) -> Stream {
    draws.stream(Purpose::Arrival, entity << 32 | u64::from(function))
}

/// Traffic ready to be replayed.
pub struct Opened {
    /// The arrivals.
    pub source: Box<dyn Source>,
    /// The length of the run: the scenario's horizon, else the natural length of the trace. `None`: known only at the
    /// end, as for a streamed CSV file, whose length is its last arrival.
    pub horizon: Option<SimDuration>,
    /// SHA-256 of the input file, where it was read whole anyway.
    pub input_sha256: Option<String>,
}

/// What every row of the registry can do.
pub trait TrafficKind {
    /// Everything that is wrong with the settings, each with the way out.
    fn problems(&self) -> Vec<String>;

    /// Starts the arrivals. Files are opened and their beginning is checked.
    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError>;

    /// Its functions one by one; `None` where they come together only.
    fn functions(&self, _open: &Open<'_>) -> Option<Box<dyn Functions>> {
        None
    }
}

/// Traffic whose functions can be replayed one by one, with the same arrivals as together.
pub trait Functions: Send + Sync {
    /// How many there are.
    fn count(&self) -> u32;

    /// Expected requests of a function, to share out the work.
    fn weight(&self, function: u32) -> f64;

    /// The arrivals of one function, as function 0.
    fn open(&self, function: u32) -> Box<dyn Source>;

    /// The length of the run.
    fn length(&self) -> SimDuration;

    /// What the traffic is.
    fn report(&self) -> ImportReport;
}

registry! {
    /// A `[traffic.<name>]` table.
    pub enum Traffic: TrafficKind {
        /// Independent arrivals at a constant rate.
        "poisson" => Poisson(poisson::PoissonSpec),
        /// One arrival every so often.
        "constant" => Constant(constant::ConstantSpec),
        /// A rate that follows the hours and the days of the week.
        "diurnal" => Diurnal(diurnal::DiurnalSpec),
        /// A constant rate with one surge.
        "flash-crowd" => FlashCrowd(flash_crowd::FlashCrowdSpec),
        /// Users who wait for each answer.
        "closed-loop" => ClosedLoop(closed_loop::ClosedLoopSpec),
        /// One row a request, from a CSV file.
        "csv" => Csv(csv::CsvSpec),
        /// Requests per bin of time, from a CSV file.
        "counts" => Counts(counts::CountsSpec),
        /// Traffic like a day of that of Azure Functions, made from published figures.
        "azure-day" => AzureDay(azure_day::AzureDaySpec),
        /// Microsoft's Azure Functions trace of 2019.
        "azure-2019" => Azure2019(azure2019::Azure2019Spec),
    }
}

impl Traffic {
    /// Everything that is wrong with the settings, each with the way out.
    pub fn problems(&self) -> Vec<String> {
        let name = self.name();
        self.part()
            .problems()
            .into_iter()
            .map(|p| format!("traffic.{name}: {p}"))
            .collect()
    }

    /// Starts the arrivals. Files are opened and their beginning is checked.
    pub fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        match self.problems().into_iter().next() {
            Some(problem) => Err(TraceError::Settings(problem)),
            None => self.part().open(open),
        }
    }

    /// The same traffic, `factor` times as strong, and how often each of its arrivals is still to come: what is made at a rate
    /// gets another rate, what was recorded is repeated or left out as it is opened.
    pub fn scaled(&self, factor: f64) -> (Self, f64) {
        let mut scaled = self.clone();
        match &mut scaled {
            Self::Poisson(spec) => spec.rate.0 *= factor,
            Self::Constant(spec) => spec.gap = SimDuration(((spec.gap.0 as f64 / factor).round() as u64).max(1)),
            Self::Diurnal(spec) => spec.mean_rate.0 *= factor,
            Self::FlashCrowd(spec) => spec.base_rate.0 *= factor,
            Self::ClosedLoop(spec) => spec.users = ((f64::from(spec.users) * factor).round() as u32).max(1),
            Self::AzureDay(spec) => spec.invocations *= factor,
            Self::Csv(_) | Self::Counts(_) | Self::Azure2019(_) => return (scaled, factor),
        }
        (scaled, 1.0)
    }

    /// Starts the arrivals, each of which comes `times` times in the mean.
    pub fn open_repeated(&self, times: f64, open: &Open<'_>) -> Result<Opened, TraceError> {
        let mut opened = self.open(open)?;
        if times != 1.0 {
            opened.source = Box::new(Repeated::new(opened.source, times, open));
        }
        Ok(opened)
    }

    /// Its functions one by one; `None` where they come together only.
    pub fn functions(&self, open: &Open<'_>) -> Option<Box<dyn Functions>> {
        self.part().functions(open)
    }

    /// The file or folder that is read, if any; `embedded:<name>` for what is built in.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Csv(spec) => Some(&spec.path),
            Self::Counts(spec) => Some(&spec.path),
            Self::Azure2019(spec) => Some(&spec.path),
            Self::Poisson(_)
            | Self::Constant(_)
            | Self::Diurnal(_)
            | Self::FlashCrowd(_)
            | Self::ClosedLoop(_)
            | Self::AzureDay(_) => None,
        }
    }

    /// Chooses where arrivals fall within their bins; false where the traffic has none.
    pub fn set_placement(&mut self, placement: Placement) -> bool {
        match self {
            Self::Counts(spec) => spec.placement = placement,
            Self::Azure2019(spec) => spec.placement = placement,
            _ => return false,
        }
        true
    }

    /// Chooses what happens on a line that cannot be read. Without effect where no file is read.
    pub fn set_on_bad_line(&mut self, rule: OnBadLine) {
        match self {
            Self::Csv(spec) => spec.on_bad_line = rule,
            Self::Counts(spec) => spec.on_bad_line = rule,
            Self::Azure2019(spec) => spec.on_bad_line = rule,
            Self::Poisson(_)
            | Self::Constant(_)
            | Self::Diurnal(_)
            | Self::FlashCrowd(_)
            | Self::ClosedLoop(_)
            | Self::AzureDay(_) => {}
        }
    }
}

/// All arrivals of a source, for tests.
#[cfg(test)]
pub(crate) fn collect(mut opened: Opened) -> Result<Vec<Arrival>, TraceError> {
    let mut all = Vec::new();
    while opened.source.refill(&mut all)? {}
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_strict_tables() {
        let read = |text: &str| toml::from_str::<Traffic>(text).map_err(|e| e.to_string());
        let poisson = read("[poisson]\nrate = \"50/s\"").unwrap();
        assert_eq!(poisson.name(), "poisson");
        assert!(read("[poisson]\nrate = \"50/s\"\nrat = 1").unwrap_err().contains("rat"));
        assert!(
            read("[poison]\nrate = \"50/s\"")
                .unwrap_err()
                .contains("unknown variant")
        );
        let csv = read("[csv]\npath = \"a.csv\"\ntime-column = \"t\"\non-bad-line = \"skip\"").unwrap();
        assert_eq!(csv.path(), Some("a.csv"));
        let counts = read("[counts]\npath = \"a.csv\"\nplacement = { clustered = { gap = \"5ms\" } }").unwrap();
        assert!(counts.problems().is_empty(), "{:?}", counts.problems());
        assert!(Traffic::NAMES.contains(&"azure-2019"));
        let idle = read("[constant]\ngap = \"0s\"").unwrap();
        assert!(
            idle.problems()[0].starts_with("traffic.constant: "),
            "{:?}",
            idle.problems()
        );
    }
}
