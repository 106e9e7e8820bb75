//! The functions of the trace one by one, with the same arrivals as together. The counts of a function take about two bytes
//! for each minute in which it was called: differences of minutes and counts, seven bits per byte.

use std::sync::Arc;

use super::{Azure2019Spec, Days, MINUTE};
use crate::model::arrival::Arrival;
use crate::rng::Draws;
use crate::trace::error::TraceError;
use crate::trace::expand::Expander;
use crate::trace::placement::Placement;
use crate::trace::report::ImportReport;
use crate::trace::{BATCH, Functions, Open, Source};
use crate::units::SimDuration;

/// All functions of the days of a trace.
pub(super) struct ByFunction {
    calls: Vec<Arc<[u8]>>,
    weights: Vec<f64>,
    placement: Placement,
    draws: Draws,
    entity: u64,
    until: u64,
    length: SimDuration,
    report: ImportReport,
}

impl ByFunction {
    /// Reads all days.
    pub(super) fn read(spec: &Azure2019Spec, open: &Open<'_>) -> Result<Self, TraceError> {
        let mut days = spec.load(open.base)?;
        let length = open.horizon.or_else(|| days.length()).unwrap_or(SimDuration::ZERO);
        let mut functions: Vec<Calls> = Vec::new();
        let mut minute = 0;
        loop {
            let Some(cells) = days.day.minutes.get(minute) else {
                if !days.advance()? {
                    break;
                }
                minute = 0;
                continue;
            };
            let index = days.minute(minute);
            if index * MINUTE >= open.until() {
                break;
            }
            for &(function, count) in cells {
                let function = function as usize;
                if function >= functions.len() {
                    functions.resize_with(function + 1, Calls::default);
                }
                functions[function].push(index, count);
            }
            minute += 1;
        }
        // Functions without calls have numbers as well.
        functions.resize_with(days.report.functions as usize, Calls::default);
        Ok(Self {
            weights: functions.iter().map(|calls| calls.sum).collect(),
            calls: functions.into_iter().map(|calls| calls.bytes.into()).collect(),
            placement: spec.placement,
            draws: open.draws,
            entity: open.entity,
            until: open.until(),
            length,
            report: report(&days, spec.placement),
        })
    }
}

/// Returns an account of the files and of the placement of arrivals.
pub(super) fn report(days: &Days, placement: Placement) -> ImportReport {
    let mut report = days.report();
    report
        .notes
        .push(format!("placement within a minute: {}", placement.name()));
    report
}

impl Functions for ByFunction {
    fn count(&self) -> u32 {
        self.calls.len() as u32
    }

    fn weight(&self, function: u32) -> f64 {
        self.weights[function as usize]
    }

    fn open(&self, function: u32) -> Box<dyn Source> {
        Box::new(Alone {
            calls: CallReader {
                bytes: Arc::clone(&self.calls[function as usize]),
                next: 0,
                minute: 0,
            },
            function,
            expander: Expander::new(self.placement, self.draws, self.entity, MINUTE, self.until),
        })
    }

    fn length(&self) -> SimDuration {
        self.length
    }

    fn report(&self) -> ImportReport {
        self.report.clone()
    }
}

/// The arrivals of one function, which call function 0.
struct Alone {
    calls: CallReader,
    function: u32,
    expander: Expander,
}

impl Source for Alone {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let before = out.len();
        // One minute of a rarely called function does not fill a batch.
        while out.len() < before + BATCH / 2 {
            if self.expander.take(out) {
                continue;
            }
            let Some((index, count)) = self.calls.next() else { break };
            self.expander.expand(index * MINUTE, index, [(self.function, count)]);
        }
        for arrival in &mut out[before..] {
            arrival.function = 0;
        }
        Ok(out.len() > before)
    }
}

/// Writes the calls of a function by minute.
#[derive(Default)]
struct Calls {
    bytes: Vec<u8>,
    last: u64,
    sum: f64,
}

impl Calls {
    fn push(&mut self, minute: u64, count: u32) {
        write(&mut self.bytes, minute - self.last);
        write(&mut self.bytes, u64::from(count));
        self.last = minute;
        self.sum += f64::from(count);
    }
}

/// Reads the calls of a function by minute.
struct CallReader {
    bytes: Arc<[u8]>,
    next: usize,
    minute: u64,
}

impl CallReader {
    fn next(&mut self) -> Option<(u64, u32)> {
        self.minute += self.number()?;
        Some((self.minute, self.number()? as u32))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.next)?;
            self.next += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let pairs = [(0, 1), (1, 127), (2, 128), (500, 70_000), (20_159, u32::MAX)];
        let mut calls = Calls::default();
        pairs.iter().for_each(|&(minute, count)| calls.push(minute, count));
        let mut reader = CallReader {
            bytes: calls.bytes.into(),
            next: 0,
            minute: 0,
        };
        let read: Vec<_> = std::iter::from_fn(|| reader.next()).collect();
        assert_eq!(read, pairs);
    }
}
