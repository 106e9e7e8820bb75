//! Traffic: the arrivals of requests. A `[traffic.<name>]` table of a scenario is a [`Traffic`]. Opening it gives a
//! [`Source`], which hands out arrivals in time order, a few thousand at a time, so memory does not grow with the length
//! of a trace. Times are nanoseconds since the start of the run.
//!
//! This module knows nothing of what happens to a request afterwards.
//!
//! # Adding a kind of traffic
//!
//! A new kind is one file `trace/<name>.rs` with a strict `<Name>Spec` that implements [`TrafficKind`], and one row of the
//! registry below. No other code names the kind: callers ask the row through the trait.
//!
//! # A source of one's own
//!
//! A [`Source`] can also be written outside this crate:
//!
//! ```
//! use coldcast::traffic::{Arrival, Source, TraceError};
//! use coldcast::units::SimTime;
//!
//! /// Two requests a second, ten in all.
//! struct Pulse {
//!     sent: u64,
//! }
//!
//! impl Source for Pulse {
//!     fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
//!         if self.sent == 10 {
//!             return Ok(false);
//!         }
//!         out.push(Arrival::new(SimTime(self.sent * 500_000_000)));
//!         self.sent += 1;
//!         Ok(true)
//!     }
//! }
//!
//! let (mut pulse, mut all) = (Pulse { sent: 0 }, Vec::new());
//! while pulse.refill(&mut all)? {}
//! assert_eq!(all.len(), 10);
//! assert_eq!(all[9].at.as_secs_f64(), 4.5);
//! # Ok::<(), TraceError>(())
//! ```

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
mod kind;
mod moments;
mod names;
mod number;
mod open;
pub mod placement;
pub mod poisson;
pub mod read;
mod repeated;
pub mod report;
pub mod synthetic;
mod table;

use std::path::Path;

use crate::registry::registry;
use crate::units::SimDuration;

pub use error::TraceError;
use guess::{Recogniser, UnknownFile};
use inspect::Inspection;
pub use kind::{ClosedLoop, Functions, Source, TrafficKind};
pub use open::{Open, Opened};
pub use placement::{Clusters, Placement};
use repeated::Repeated;
pub use report::ImportReport;
pub use table::OnBadLine;

/// The approximate largest number of arrivals that a source appends at a time.
pub const BATCH: usize = 4096;

/// Makes the registry and, from the same rows, the functions that need a row's type rather than a value of it.
macro_rules! traffic {
    ($($(#[$doc:meta])* $key:literal => $variant:ident($spec:ty),)+) => {
        registry! {
            /// A `[traffic.<name>]` table.
            pub enum Traffic: TrafficKind {
                $($(#[$doc])* $key => $variant($spec),)+
            }
        }

        impl Traffic {
            /// The name of each row and an example of its settings, as TOML inside `[traffic.<name>]`.
            pub fn examples() -> Vec<(&'static str, &'static str)> {
                vec![$(($key, <$spec>::example())),+]
            }

            /// The rows that read files, each with its way to recognise and to read one.
            fn recognisers() -> Vec<(&'static str, Recogniser<Self>)> {
                let rows = [$(<$spec>::recogniser().map(|recogniser| ($key, recogniser.map(Self::$variant)))),+];
                rows.into_iter().flatten().collect()
            }

            /// Returns the settings to be changed; `None` for a kind of the calling program's own, which stays as it is.
            fn part_mut(&mut self) -> Option<&mut dyn TrafficKind> {
                match self {
                    $(Self::$variant(spec) => Some(spec),)+
                    Self::Own(_) => None,
                }
            }
        }
    };
}

traffic! {
    /// Independent arrivals at a constant rate.
    "poisson" => Poisson(poisson::PoissonSpec),
    /// Arrivals at equal distances.
    "constant" => Constant(constant::ConstantSpec),
    /// A rate that follows the hours of the day and the days of the week.
    "diurnal" => Diurnal(diurnal::DiurnalSpec),
    /// A constant rate with one surge.
    "flash-crowd" => FlashCrowd(flash_crowd::FlashCrowdSpec),
    /// Users who wait for each answer before they send the next request.
    "closed-loop" => ClosedLoop(closed_loop::ClosedLoopSpec),
    /// A CSV file with one row per request.
    "csv" => Csv(csv::CsvSpec),
    /// A CSV file with the number of requests per bin of time.
    "counts" => Counts(counts::CountsSpec),
    /// Generated traffic like a day of Azure Functions, made from published figures.
    "azure-day" => AzureDay(azure_day::AzureDaySpec),
    /// Microsoft's Azure Functions trace of 2019.
    "azure-2019" => Azure2019(azure2019::Azure2019Spec),
}

impl Traffic {
    /// The names of the rows that read a file or folder.
    pub fn file_kinds() -> Vec<&'static str> {
        Self::recognisers().into_iter().map(|(name, _)| name).collect()
    }

    /// Returns settings for a file whose kind is unknown, as its header suggests. `kind`, one of [`Self::file_kinds`],
    /// overrides the guess.
    ///
    /// # Errors
    /// The file cannot be read, or its columns do not say which one holds what.
    pub fn guess(file: &UnknownFile, kind: Option<&str>) -> Result<Self, TraceError> {
        guess::settings(&Self::recognisers(), file, kind)
    }

    /// Returns all problems of the settings, one sentence each with the remedy.
    pub fn problems(&self) -> Vec<String> {
        let name = self.name();
        let problems = self.part().problems().into_iter();
        problems.map(|problem| format!("traffic.{name}: {problem}")).collect()
    }

    /// Starts the arrivals: opens files and checks their beginning.
    ///
    /// # Errors
    /// The first problem of the settings, or a file that cannot be read.
    pub fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        match self.problems().into_iter().next() {
            Some(problem) => Err(TraceError::Settings(problem)),
            None => self.part().open(open),
        }
    }

    /// Returns the same traffic with `factor` times as many requests, and the number of times that each of its arrivals is
    /// still to be repeated in [`Self::open_repeated`]: 1 for generated traffic, whose rate is multiplied, and `factor` for
    /// recorded traffic.
    pub fn scaled(&self, factor: f64) -> (Self, f64) {
        let mut scaled = self.clone();
        let is_scaled = scaled.part_mut().is_some_and(|part| part.scale(factor));
        let repeat = if is_scaled { 1.0 } else { factor };
        (scaled, repeat)
    }

    /// Starts the arrivals, each repeated `times` times on average; below 1, arrivals are left out at random.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn open_repeated(&self, times: f64, open: &Open<'_>) -> Result<Opened, TraceError> {
        let mut opened = self.open(open)?;
        if times != 1.0 {
            opened.source = Box::new(Repeated::new(opened.source, times, open));
        }
        Ok(opened)
    }

    /// Returns the functions one by one; `None` if they can only be replayed together.
    pub fn functions(&self, open: &Open<'_>) -> Option<Box<dyn Functions>> {
        self.part().functions(open)
    }

    /// Returns the users and their think time if the traffic is a closed loop; `None` if arrivals come from outside.
    pub fn closed_loop(&self) -> Option<ClosedLoop<'_>> {
        self.part().closed_loop()
    }

    /// Returns true if requests bring service times of their own.
    pub fn carries_durations(&self) -> bool {
        self.part().carries_durations()
    }

    /// Returns the file or folder that is read, `embedded:<name>` for a built-in one; `None` for generated traffic.
    pub fn path(&self) -> Option<&str> {
        self.part().path()
    }

    /// Reads the whole trace and describes it. Relative paths start at `base`.
    ///
    /// # Errors
    /// The traffic is generated, or the file cannot be read.
    pub fn inspect(&self, base: &Path) -> Result<Inspection, TraceError> {
        let missing = || TraceError::Settings(format!("`{}` traffic has no file to inspect", self.name()));
        let mut found = self.part().inspect(base).ok_or_else(missing)??;
        found.path = self.path().unwrap_or_default().to_string();
        found.format = self.name();
        Ok(found)
    }

    /// Sets where arrivals fall within their bins of time. Returns false if the traffic has no bins.
    pub fn set_placement(&mut self, placement: Placement) -> bool {
        let place = self.part_mut().and_then(|part| part.placement_mut());
        place.map(|place| *place = placement).is_some()
    }

    /// Sets the rule for lines that cannot be read. Has no effect if no file is read.
    pub fn set_on_bad_line(&mut self, rule: OnBadLine) {
        if let Some(place) = self.part_mut().and_then(|part| part.on_bad_line_mut()) {
            *place = rule;
        }
    }

    /// Sets the length of a bin of time. Has no effect if the length is not a setting.
    pub fn set_bin(&mut self, bin: SimDuration) {
        if let Some(place) = self.part_mut().and_then(|part| part.bin_mut()) {
            *place = bin;
        }
    }
}

/// Returns all arrivals of a source, for tests.
#[cfg(test)]
pub(crate) fn collect(mut opened: Opened) -> Result<Vec<crate::model::arrival::Arrival>, TraceError> {
    let mut all = Vec::new();
    while opened.source.refill(&mut all)? {}
    Ok(all)
}

#[cfg(test)]
mod tests;
