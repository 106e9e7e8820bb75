//! Counts over time and their exact integrals.

use crate::sim::fact::FleetState;
use crate::units::SimTime;

/// A count that goes up and down. Its integral up to `t` is `offset + count * t`, so a change costs one addition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gauge {
    pub(crate) count: u32,
    offset: i128,
}

impl Gauge {
    #[inline]
    pub(crate) fn up(&mut self, now: SimTime) {
        self.count += 1;
        self.offset -= i128::from(now.0);
    }

    #[inline]
    pub(crate) fn down(&mut self, now: SimTime) {
        self.count -= 1;
        self.offset += i128::from(now.0);
    }

    pub(crate) fn area(&self, now: SimTime) -> i128 {
        self.offset + i128::from(self.count) * i128::from(now.0)
    }
}

/// The gauges of one service.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gauges {
    pub(crate) starting: Gauge,
    pub(crate) busy: Gauge,
    pub(crate) idle: Gauge,
    pub(crate) queued: Gauge,
    /// Of the first service only.
    pub(crate) nodes: Gauge,
}

impl Gauges {
    /// Integrals since the start of the run.
    pub(crate) fn areas(&self, now: SimTime) -> FleetState<i128> {
        FleetState {
            starting: self.starting.area(now),
            busy: self.busy.area(now),
            idle: self.idle.area(now),
            queued: self.queued.area(now),
            nodes: self.nodes.area(now),
            cpu: 0,
            in_flight: 0,
        }
    }

    /// Instances of all states.
    pub(crate) fn instances(&self) -> u32 {
        self.starting.count + self.busy.count + self.idle.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_integrals() {
        let mut gauge = Gauge::default();
        gauge.up(SimTime(10));
        gauge.up(SimTime(20));
        gauge.down(SimTime(50));
        // One from 10 to 20, two from 20 to 50, one from 50 to 60.
        assert_eq!(gauge.area(SimTime(60)), 10 + 60 + 10);
    }
}
