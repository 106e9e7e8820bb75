//! Recorded traffic, stronger or weaker: each arrival stands for `factor` arrivals. The whole part of the factor is how often
//! it comes for certain, the fraction is the chance that it comes once more; below one, arrivals are left out at random. What
//! comes beside an arrival falls uniformly between it and the next one, so that the traffic keeps its shape in time, its
//! shares of functions and its durations.
//!
//! What happens to an arrival depends on (seed, service, its number in the trace) alone.

use super::error::TraceError;
use super::report::ImportReport;
use super::{Open, Source};
use crate::model::arrival::Arrival;
use crate::rng::{Purpose, Stream};
use crate::units::SimTime;

/// A source whose arrivals are repeated or left out.
pub struct Repeated {
    source: Box<dyn Source>,
    /// How often each arrival comes at least.
    whole: u32,
    /// Chance that it comes once more.
    chance: f64,
    stream: Stream,
    /// Arrivals of the source; the last of them waits for the time of the one after it.
    read: Vec<Arrival>,
    /// Number of the next arrival of the source.
    next: u64,
    ended: bool,
}

impl Repeated {
    /// `factor` is finite and above 0.
    pub fn new(source: Box<dyn Source>, factor: f64, open: &Open<'_>) -> Self {
        Self {
            source,
            whole: factor.floor() as u32,
            chance: factor.fract(),
            stream: open.draws.stream(Purpose::Repeat, open.entity),
            read: Vec::new(),
            next: 0,
            ended: false,
        }
    }

    /// Appends what stands for an arrival; the next one of the source comes at `until`.
    fn repeat(&mut self, arrival: Arrival, until: SimTime, out: &mut Vec<Arrival>) {
        let stream = self.stream.branch(self.next);
        self.next += 1;
        let times = self.whole + u32::from(stream.uniform(0) < self.chance);
        if times == 0 {
            return;
        }
        out.push(arrival);
        let (first, room) = (out.len(), until.0.saturating_sub(arrival.at.0));
        out.extend((1..times).map(|k| Arrival {
            at: SimTime(arrival.at.0 + (stream.uniform(u64::from(k)) * room as f64) as u64),
            ..arrival
        }));
        out[first..].sort_by_key(|arrival| arrival.at);
    }
}

impl Source for Repeated {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let before = out.len();
        while out.len() == before && !self.ended {
            self.ended = !self.source.refill(&mut self.read)?;
            let read = std::mem::take(&mut self.read);
            for pair in read.windows(2) {
                self.repeat(pair[0], pair[1].at, out);
            }
            match read.last() {
                // Nothing comes after the last one: what stands for it comes with it.
                Some(&last) if self.ended => self.repeat(last, last.at, out),
                Some(&last) => self.read.push(last),
                None => {}
            }
        }
        Ok(out.len() > before)
    }

    fn report(&self) -> ImportReport {
        self.source.report()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rng::Draws;
    use crate::trace::{Opened, Traffic, collect};
    use crate::units::SimDuration;

    fn open(factor: f64) -> Vec<Arrival> {
        let traffic: Traffic = toml::from_str("[counts]\npath = \"embedded:web-shop-week\"").unwrap();
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(7, 0),
            entity: 0,
            horizon: Some(SimDuration::from_secs(86_400)),
        };
        let opened: Opened = traffic.open_repeated(factor, &open).unwrap();
        collect(opened).unwrap()
    }

    #[test]
    fn there_are_as_many_times_as_many_in_every_hour() {
        let plain = open(1.0);
        let by_hour = |arrivals: &[Arrival], hour: u64| {
            let within = arrivals.iter().filter(|a| a.at.0 / 3_600_000_000_000 == hour);
            within.count() as f64
        };
        for factor in [0.3, 1.1, 2.0, 3.7] {
            let scaled = open(factor);
            assert!(scaled.is_sorted_by_key(|a| a.at), "{factor}");
            for hour in 0..24 {
                let (from, to) = (by_hour(&plain, hour), by_hour(&scaled, hour));
                // Five standard deviations of a binomial number, and what moves across the hour's end.
                let chance = factor.fract();
                let width = 5.0 * (from * chance * (1.0 - chance)).sqrt() + 0.002 * from + 2.0;
                assert!((to - factor * from).abs() < width, "{factor}: {from} became {to}");
            }
        }
        assert_eq!(open(2.0).len(), 2 * plain.len());
    }

    #[test]
    fn what_is_left_of_less_is_part_of_what_there_was() {
        let (plain, less) = (open(1.0), open(0.5));
        let mut all = plain.iter();
        assert!(less.iter().all(|arrival| all.any(|other| other == arrival)));
        // Each arrival has a random number of its own, so all arrivals that remain of one half remain of three quarters.
        let more = open(0.75);
        let mut more = more.iter();
        assert!(less.iter().all(|arrival| more.any(|other| other == arrival)));
    }
}
