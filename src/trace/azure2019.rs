//! Microsoft's Azure Functions trace of 2019 (Shahrad et al., Serverless in the Wild, USENIX ATC 2020; CC-BY-4.0,
//! github.com/Azure/AzurePublicDataset): invocations per minute of each function, one file per day. The non-zero counts of
//! one day are in memory at a time, and one minute is expanded to arrivals at a time.
//!
//! Invocations were counted when they had ended, so long invocations appear late by their duration.

mod day;
mod days;
mod functions;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::expand::Expander;
use super::guess::{Likeness, Recogniser, UnknownFile};
use super::inspect::Inspection;
use super::placement::Placement;
use super::report::ImportReport;
use super::table::OnBadLine;
use super::{Functions, Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use days::Days;
use functions::ByFunction;

const MINUTE: u64 = 60_000_000_000;
/// The names of the published files up to the number of the day.
const FILE_NAME: &str = "invocations_per_function_md.anon.d";

/// `[traffic.azure-2019]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Azure2019Spec {
    /// A file of invocations, plain or gzip, or the folder with `invocations_per_function_md.anon.d01.csv` and so on.
    pub path: String,
    /// The rule that places the arrivals of a minute within it.
    #[serde(default)]
    pub placement: Placement,
    /// The unit that has instances of its own.
    #[serde(default)]
    pub scaling_unit: ScalingUnit,
    /// The rule for lines that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

/// The unit that has instances of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ScalingUnit {
    /// An app: all its functions share its instances, as they do on Azure.
    #[default]
    App,
    /// Each function.
    Function,
}

impl Azure2019Spec {
    /// Makes settings with all defaults for a file or folder.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_string(),
            placement: Placement::default(),
            scaling_unit: ScalingUnit::default(),
            on_bad_line: OnBadLine::default(),
        }
    }

    /// Finds the files and reads the first day.
    fn load(&self, base: &Path) -> Result<Days, TraceError> {
        match self.problems().into_iter().next() {
            Some(problem) => Err(TraceError::Settings(problem)),
            None => Days::open(&base.join(&self.path), self.scaling_unit, self.on_bad_line),
        }
    }

    /// Reads all days and describes them.
    fn inspection(&self, base: &Path) -> Result<Inspection, TraceError> {
        self.load(base)?.inspection()
    }
}

/// A folder holds the days of the trace, and files of it have columns of their own.
fn likeness(file: &UnknownFile) -> Likeness {
    let known = |name: &String| name == "HashApp" || name == "HashFunction";
    match file.is_folder || file.header.iter().any(known) {
        true => Likeness::Certain,
        false => Likeness::No,
    }
}

impl TrafficKind for Azure2019Spec {
    fn example() -> &'static str {
        "path = \"invocations_per_function_md.anon.d01.csv\"\nplacement = \"uniform\"\nscaling-unit = \"app\""
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.placement.problems();
        if self.path.is_empty() {
            problems.push(format!(
                "path is empty: give a file or the folder with {FILE_NAME}01.csv"
            ));
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let days = self.load(open.base)?;
        let horizon = open.horizon.or_else(|| days.length());
        let expander = Expander::new(self.placement, open.draws, open.entity, MINUTE, open.until());
        let source = Replay {
            days,
            expander,
            minute: 0,
            placement: self.placement,
            until: open.until(),
        };
        Ok(Opened {
            source: Box::new(source),
            horizon,
            input_sha256: None,
        })
    }

    // Errors are reported when all functions are opened together.
    fn functions(&self, open: &Open<'_>) -> Option<Box<dyn Functions>> {
        Some(Box::new(ByFunction::read(self, open).ok()?))
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn inspect(&self, base: &Path) -> Option<Result<Inspection, TraceError>> {
        Some(self.inspection(base))
    }

    fn recogniser() -> Option<Recogniser<Self>> {
        Some(Recogniser::new(likeness, |file| Ok(Azure2019Spec::new(&file.path))))
    }

    fn on_bad_line_mut(&mut self) -> Option<&mut OnBadLine> {
        Some(&mut self.on_bad_line)
    }

    fn placement_mut(&mut self) -> Option<&mut Placement> {
        Some(&mut self.placement)
    }
}

struct Replay {
    days: Days,
    expander: Expander,
    /// The next minute of the current day.
    minute: usize,
    placement: Placement,
    until: u64,
}

impl Source for Replay {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        while !self.expander.take(out) {
            let Some(cells) = self.days.day.minutes.get(self.minute) else {
                if !self.days.advance()? {
                    return Ok(false);
                }
                self.minute = 0;
                continue;
            };
            let index = self.days.minute(self.minute);
            if index * MINUTE >= self.until {
                return Ok(false);
            }
            self.expander.expand(index * MINUTE, index, cells.iter().copied());
            self.minute += 1;
        }
        Ok(true)
    }

    fn report(&self) -> ImportReport {
        functions::report(&self.days, self.placement)
    }
}
