//! A Poisson process whose rate changes over time, by inversion: the next arrival comes when the expected number of arrivals
//! since the last one reaches an exponential random number. Expected numbers are exact at the ends of steps (a minute or a
//! second), and the rate is constant within a step.
//!
//! Source: Law, Simulation Modeling and Analysis, section 8.6.2.

use super::error::TraceError;
use super::{BATCH, Source};
use crate::model::arrival::Arrival;
use crate::rng::Stream;
use crate::units::SimTime;

/// A rate that changes over time, as its integral.
pub trait Intensity: Send {
    /// Returns the expected number of arrivals in the first `seconds` of the run. It never decreases with `seconds`.
    fn expected(&self, seconds: f64) -> f64;
}

/// The arrivals of a Poisson process with this intensity.
pub struct Inhomogeneous<I> {
    intensity: I,
    /// The length of a step in nanoseconds.
    step: u64,
    stream: Stream,
    next: u64,
    until: u64,
    /// The start of the current step in nanoseconds.
    start: u64,
    /// The expected number of arrivals before the end of the current step.
    before_end: f64,
    /// The expected number within the current step.
    within: f64,
    /// The expected number within the current step and before the last arrival.
    used: f64,
    finished: bool,
}

impl<I: Intensity> Inhomogeneous<I> {
    pub fn new(intensity: I, step: u64, stream: Stream, until: u64) -> Self {
        let within = intensity.expected(step as f64 / 1e9);
        Self {
            intensity,
            step,
            stream,
            next: 0,
            until,
            start: 0,
            before_end: within,
            within,
            used: 0.0,
            finished: until == 0,
        }
    }

    fn next_step(&mut self) {
        self.start += self.step;
        self.finished = self.start >= self.until;
        let before_end = self.intensity.expected((self.start + self.step) as f64 / 1e9);
        self.within = (before_end - self.before_end).max(0.0);
        self.before_end = before_end;
        self.used = 0.0;
    }
}

impl<I: Intensity> Source for Inhomogeneous<I> {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let before = out.len();
        out.reserve(BATCH);
        while !self.finished && out.len() < before + BATCH {
            let mut wait = -self.stream.uniform(self.next).ln();
            self.next += 1;
            while self.used + wait >= self.within && !self.finished {
                wait -= self.within - self.used;
                self.next_step();
            }
            self.used += wait;
            let at = self.start + (self.used / self.within * self.step as f64) as u64;
            self.finished |= at >= self.until;
            if !self.finished {
                out.push(Arrival {
                    at: SimTime(at),
                    duration: None,
                    function: 0,
                });
            }
        }
        Ok(out.len() > before)
    }
}
