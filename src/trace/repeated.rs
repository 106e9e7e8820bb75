//! Scaled recorded traffic: each arrival is repeated `factor` times on average. The whole part of the factor is the certain
//! number of times, and the fraction is the probability of one more. Below 1, arrivals are left out at random. Additional
//! arrivals are uniform between an arrival and the next one, so the traffic keeps its shape in time, its shares of functions
//! and its durations.
//!
//! The number of repetitions depends only on the seed, the service and the number of the arrival in the trace.

use super::error::TraceError;
use super::report::ImportReport;
use super::{Open, Source};
use crate::model::arrival::Arrival;
use crate::rng::{Purpose, Stream};
use crate::units::SimTime;

/// A source whose arrivals are repeated or left out.
pub struct Repeated {
    source: Box<dyn Source>,
    /// The smallest number of times that an arrival comes.
    whole: u32,
    /// The probability that an arrival comes once more.
    chance: f64,
    stream: Stream,
    /// Arrivals of the source. The last one waits until the time of the next one is known.
    read: Vec<Arrival>,
    /// The number of the next arrival of the source.
    next: u64,
    ended: bool,
}

impl Repeated {
    /// Repeats the arrivals of `source`. The factor is finite and above 0.
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

    /// Appends the repetitions of an arrival. The next arrival of the source comes at `until`.
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
                // No arrival follows the last one, so its repetitions come at the same time.
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
    fn every_hour_has_the_factor_times_as_many_arrivals() {
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
    fn thinned_traffic_is_part_of_the_whole() {
        let (plain, less) = (open(1.0), open(0.5));
        let mut all = plain.iter();
        assert!(less.iter().all(|arrival| all.any(|other| other == arrival)));
        // Each arrival has a random number of its own, so all arrivals that remain of one half remain of three quarters.
        let more = open(0.75);
        let mut more = more.iter();
        assert!(less.iter().all(|arrival| more.any(|other| other == arrival)));
    }
}
