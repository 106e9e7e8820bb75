//! Readings of a counter, and its mean growth over a time.

use std::collections::VecDeque;

use crate::units::{SimDuration, SimTime};

/// Readings in order of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(VecDeque<(SimTime, i128)>);

/// Mean growth over a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// End of the time.
    pub(crate) at: SimTime,
    /// Its length.
    pub(crate) over: SimDuration,
    /// Growth in all.
    pub(crate) by: i128,
}

impl Growth {
    /// Growth for each nanosecond.
    pub(crate) fn rate(&self) -> f64 {
        self.by as f64 / self.over.0 as f64
    }
}

impl Series {
    /// Adds a reading, and forgets those that are older than `back` needs.
    pub(crate) fn push(&mut self, at: SimTime, value: i128, back: SimDuration) {
        self.0.push_back((at, value));
        while self.0.get(1).is_some_and(|&(second, _)| second + back <= at) {
            self.0.pop_front();
        }
    }

    /// Growth over about `window` up to the last reading that is at least `lag` old; over a shorter time if the readings
    /// begin later. `None` without two readings.
    pub(crate) fn growth(&self, now: SimTime, lag: SimDuration, window: SimDuration) -> Option<Growth> {
        let last = self.0.iter().rposition(|&(at, _)| at + lag <= now)?;
        let (end, high) = self.0[last];
        let before = self.0.iter().take(last);
        let first = before.rev().find(|&&(at, _)| at + window <= end).or(self.0.front());
        let &(begin, low) = first?;
        (begin < end).then(|| Growth {
            at: end,
            over: end.since(begin),
            by: high - low,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_over_the_window_before_the_lag() {
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let s = SimDuration::from_secs;
        let mut series = Series::default();
        assert_eq!(series.growth(at(0), s(0), s(30)), None);
        for k in 0..=4u64 {
            // 15 s apart; ten for each of the first 30 s, then one.
            let value = if k <= 2 { 150 * k } else { 300 + 15 * (k - 2) };
            series.push(at(15 * k), i128::from(value), s(60));
        }
        let growth = |now, lag, window| {
            let growth = series.growth(at(now), s(lag), s(window)).unwrap();
            (growth.at, growth.over, growth.by)
        };
        assert_eq!(growth(60, 15, 30), (at(45), s(30), 165));
        assert_eq!(growth(60, 0, 30), (at(60), s(30), 30));
        assert_eq!(growth(20, 0, 30), (at(15), s(15), 150));
        assert_eq!(series.growth(at(10), s(0), s(30)), None);
        // Readings that are too old for any question are forgotten.
        for k in 5..100 {
            series.push(at(15 * k), 0, s(60));
        }
        assert!(series.0.len() <= 6);
    }
}
