//! Traffic that is statistically like a day of Azure Functions in July 2019. It is generated from published figures and
//! contains no data of the trace. Each function has a number of calls per day and a trigger, which decides its pattern. The
//! arrivals of a function in a minute depend only on the seed, the service, the function and the minute, so functions can be
//! replayed together or one by one.
//!
//! Sources: Shahrad et al., Serverless in the Wild, USENIX ATC 2020 (triggers, functions per app, classes of frequency);
//! figures computed from the public trace (AzurePublicDataset, CC-BY 4.0): calls per app on day 1, calls by the hour and by
//! the minute of the hour, index of dispersion of the counts per minute. Choices: calls are shared among the functions of an
//! app by log-normal weights (sd of the logarithm 2), timers take the usual period that is nearest to their calls.

mod arrivals;
mod popularity;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::report::ImportReport;
use super::{BATCH, Functions, Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use crate::rng::Draws;
use crate::units::{SimDuration, SimTime};
use arrivals::{Minute, Pattern};

const MINUTE: u64 = 60_000_000_000;
const DAY: u64 = 1440 * MINUTE;

/// `[traffic.azure-day]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AzureDaySpec {
    /// The number of functions, from 1 to 10,000,000. Day 1 of the trace has 46,412.
    pub functions: u32,
    /// The expected number of calls of all functions in a day. Day 1 of the trace has 910,042,048.
    pub invocations: f64,
}

impl Default for AzureDaySpec {
    fn default() -> Self {
        Self {
            functions: popularity::FUNCTIONS,
            invocations: popularity::INVOCATIONS,
        }
    }
}

impl TrafficKind for AzureDaySpec {
    fn example() -> &'static str {
        "functions = 1000\ninvocations = 1e6"
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=10_000_000).contains(&self.functions) {
            problems.push(format!("functions is {}: give 1 to 10000000", self.functions));
        }
        if !(self.invocations > 0.0 && self.invocations <= 1e13) {
            problems.push(format!(
                "invocations is {}: give the expected calls of a day, above 0",
                self.invocations
            ));
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let day = Day::new(self, open);
        let until = day.until;
        let together = Together {
            day,
            minute: 0,
            ready: Vec::new(),
            next: 0,
        };
        Ok(Opened::generated(together, SimDuration(until)))
    }

    fn functions(&self, open: &Open<'_>) -> Option<Box<dyn Functions>> {
        Some(Box::new(Day::new(self, open)))
    }

    fn scale(&mut self, factor: f64) -> bool {
        self.invocations *= factor;
        true
    }
}

/// The functions of a day.
#[derive(Debug, Clone)]
struct Day {
    patterns: Arc<[Pattern]>,
    draws: Draws,
    entity: u64,
    until: u64,
}

impl Day {
    fn new(spec: &AzureDaySpec, open: &Open<'_>) -> Self {
        Self {
            patterns: popularity::patterns(spec, open.draws, open.entity).into(),
            draws: open.draws,
            entity: open.entity,
            until: open.horizon.map_or(DAY, |horizon| horizon.0),
        }
    }

    /// Appends the arrivals of a function in a minute, in order of time.
    fn fill(&self, function: u32, minute: u64, buffer: &mut Minute, put: impl FnMut(u64)) {
        let stream = super::open::arrival_stream(self.draws, self.entity, function);
        self.patterns[function as usize].fill(stream, minute, self.until, buffer, put);
    }

    fn minutes(&self) -> u64 {
        self.until.div_ceil(MINUTE)
    }
}

impl Functions for Day {
    fn count(&self) -> u32 {
        self.patterns.len() as u32
    }

    fn weight(&self, function: u32) -> f64 {
        self.patterns[function as usize].calls
    }

    fn open(&self, function: u32) -> Box<dyn Source> {
        Box::new(Alone {
            day: self.clone(),
            function,
            minute: 0,
            buffer: Minute::default(),
        })
    }

    fn length(&self) -> SimDuration {
        SimDuration(self.until)
    }

    fn report(&self) -> ImportReport {
        ImportReport {
            functions: self.patterns.len() as u64,
            notes: vec!["generated from published figures of Azure Functions 2019, without data of the trace".into()],
            ..ImportReport::default()
        }
    }
}

/// The arrivals of one function, which call function 0.
struct Alone {
    day: Day,
    function: u32,
    minute: u64,
    buffer: Minute,
}

impl Source for Alone {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let before = out.len();
        while self.minute < self.day.minutes() && out.len() < before + BATCH / 2 {
            self.day.fill(self.function, self.minute, &mut self.buffer, |at| {
                out.push(Arrival {
                    at: SimTime(at),
                    duration: None,
                    function: 0,
                });
            });
            self.minute += 1;
        }
        Ok(out.len() > before)
    }
}

/// The arrivals of all functions, minute by minute.
struct Together {
    day: Day,
    minute: u64,
    /// The arrivals of the current minute: time in nanoseconds, and function.
    ready: Vec<(u64, u32)>,
    next: usize,
}

impl Source for Together {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let mut buffer = Minute::default();
        while self.next == self.ready.len() {
            if self.minute >= self.day.minutes() {
                return Ok(false);
            }
            self.ready.clear();
            self.next = 0;
            for function in 0..self.day.count() {
                let ready = &mut self.ready;
                self.day
                    .fill(function, self.minute, &mut buffer, |at| ready.push((at, function)));
            }
            self.ready.sort_unstable();
            self.minute += 1;
        }
        let end = self.ready.len().min(self.next + BATCH);
        out.extend(self.ready[self.next..end].iter().map(|&(at, function)| Arrival {
            at: SimTime(at),
            duration: None,
            function,
        }));
        self.next = end;
        Ok(true)
    }

    fn report(&self) -> ImportReport {
        Functions::report(&self.day)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::trace::collect;

    fn open(horizon: Option<SimDuration>) -> Open<'static> {
        Open {
            base: Path::new("."),
            draws: Draws::new(3, 0),
            entity: 0,
            horizon,
        }
    }

    fn small() -> AzureDaySpec {
        AzureDaySpec {
            functions: 300,
            invocations: 400_000.0,
        }
    }

    #[test]
    fn functions_one_by_one_are_the_functions_together() {
        let open = open(Some(SimDuration::from_secs(7_230)));
        let together = collect(small().open(&open).unwrap()).unwrap();
        assert!(together.is_sorted_by_key(|a| a.at));
        assert!(together.last().unwrap().at.0 < 7_230_000_000_000);
        let functions = small().functions(&open).unwrap();
        let mut alone = Vec::new();
        for function in 0..functions.count() {
            let mut source = functions.open(function);
            let first = alone.len();
            while source.refill(&mut alone).unwrap() {}
            alone[first..]
                .iter_mut()
                .for_each(|arrival| arrival.function = function);
        }
        alone.sort_by_key(|a| (a.at, a.function));
        assert_eq!(alone, together);
    }

    /// The generated day has the figures that it is generated from.
    #[test]
    fn a_day_has_the_published_shape() {
        let spec = AzureDaySpec::default();
        let day = Day::new(&spec, &open(None));
        let mut calls: Vec<f64> = day.patterns.iter().map(|pattern| pattern.calls).collect();
        assert_eq!(calls.len(), 46_412);
        let total: f64 = calls.iter().sum();
        assert!((total / spec.invocations - 1.0).abs() < 0.01, "{total}");
        calls.sort_by(|a, b| b.total_cmp(a));
        // Counts of one function in fifty, chosen by popularity so that all sizes are there.
        let (mut arrivals, mut active, mut cells) = (0.0, 0, 0);
        let mut expected = 0.0;
        let mut order: Vec<u32> = (0..day.count()).collect();
        order.sort_by(|&a, &b| day.weight(b).total_cmp(&day.weight(a)));
        let mut hours = [0.0; 24];
        for &function in order.iter().skip(500).step_by(50) {
            expected += day.weight(function);
            let mut buffer = Minute::default();
            for minute in 0..1440 {
                let mut n = 0;
                day.fill(function, minute, &mut buffer, |_| n += 1);
                arrivals += f64::from(n);
                hours[(minute / 60) as usize] += f64::from(n);
                active += u32::from(n > 0);
                cells += 1;
            }
        }
        assert!((arrivals / expected - 1.0).abs() < 0.03, "{arrivals} of {expected}");
        // 18 to 24% of the cells of the trace are not empty.
        let share = f64::from(active) / f64::from(cells);
        assert!((0.13..0.30).contains(&share), "{share}");
        // The afternoon is busier than the night.
        assert!(hours[15] > 1.2 * hours[2], "{hours:?}");
    }
}
