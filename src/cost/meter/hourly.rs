//! Readings of a meter for each hour of a run. Usage draws on commitments by the hour, and load balancers are billed by the hour.
//!
//! The meter is read at each sample on a full hour and at the last sample. In a run that is sampled less often, a reading covers
//! several hours.

use super::{Meter, Served, ServedMeter, Usage};
use crate::sim::fact::Fact;
use crate::sim::observe::Observer;
use crate::units::{SimDuration, SimTime};

const HOUR: SimDuration = SimDuration::from_secs(3_600);

/// The counts of a meter at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The instant.
    pub at: SimTime,
    /// Usage since the warm-up, by service.
    pub usage: Vec<Usage>,
    /// Served requests since the warm-up, by service; empty if they are not counted.
    pub served: Vec<Served>,
}

impl Reading {
    /// Adds the counts of another meter at the same instant.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.at, other.at, "readings are added up instant by instant");
        for (usage, other) in self.usage.iter_mut().zip(&other.usage) {
            usage.add(other);
        }
        for (served, other) in self.served.iter_mut().zip(&other.served) {
            served.add(other);
        }
    }
}

/// A meter that is read every hour.
#[derive(Debug)]
pub struct Hourly {
    meter: Meter,
    served: Option<ServedMeter>,
    services: usize,
    /// The time of the last sample.
    last: SimTime,
    readings: Vec<Reading>,
}

impl Hourly {
    /// Wraps `meter`, which counts for so many services, and a meter of served requests if they are billed.
    pub fn new(meter: Meter, served: Option<ServedMeter>, services: usize) -> Self {
        Self {
            meter,
            served,
            services,
            last: SimTime::ZERO,
            readings: Vec::new(),
        }
    }

    /// Returns the whole usage by service, and the readings. The last reading is that of the end of the run.
    pub fn into_readings(mut self) -> (Vec<Usage>, Vec<Reading>) {
        let usage = self.meter.usage();
        let end = Reading {
            at: self.last,
            usage: usage.clone(),
            served: self.served(),
        };
        // Requests may end after the last sample, at the same instant.
        self.readings.retain(|reading| reading.at < self.last);
        self.readings.push(end);
        (usage, self.readings)
    }

    fn served(&self) -> Vec<Served> {
        self.served.as_ref().map(ServedMeter::served).unwrap_or_default()
    }

    #[inline(never)]
    fn sampled(&mut self, service: u16, at: SimTime) {
        self.last = at;
        if usize::from(service) + 1 == self.services && at.0 > 0 && at.0.is_multiple_of(HOUR.0) {
            self.readings.push(Reading {
                at,
                usage: self.meter.usage(),
                served: self.served(),
            });
        }
    }
}

impl Observer for Hourly {
    #[inline]
    fn observe(&mut self, fact: &Fact) {
        self.meter.observe(fact);
        self.served.observe(fact);
        if let Fact::Sampled { service, at, .. } = *fact {
            self.sampled(service, at);
        }
    }
}
