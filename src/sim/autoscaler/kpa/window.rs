//! Values over time, in buckets: the average over a window, and the maximum over one.
//!
//! Source: `bucketing.go` and `max/timewindow.go` in pkg/autoscaler/aggregation.

use std::collections::VecDeque;

use crate::units::{SimDuration, SimTime};

/// Length of a bucket of the metrics' averages, and time between two scrapes.
pub const BUCKET: SimDuration = SimDuration::from_secs(1);

/// Least coefficient of an exponential average, and what its weights add up to at least. Source: `bucketing.go`.
const LEAST_COEFFICIENT: f64 = 0.2;
const WEIGHT_PRECISION: f64 = 0.9999;

/// The weights of the buckets of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// Equal weights.
    Linear,
    /// `c`, `c (1 - c)`, `c (1 - c)^2` and so on from the newest on, where `c` is the [`smoothing_coefficient`].
    Exponential,
}

/// Weight of the newest of so many buckets, at least one, in an exponential average. Source: `bucketing.go`.
pub fn smoothing_coefficient(buckets: u32) -> f64 {
    let exact = 1.0 - (1.0 - WEIGHT_PRECISION).powf(1.0 / f64::from(buckets));
    exact.max(LEAST_COEFFICIENT)
}

/// Sums of values by bucket, and their average over a window.
#[derive(Debug, Clone)]
pub struct BucketWindow {
    window: SimDuration,
    granularity: SimDuration,
    weighting: Weighting,
    /// Bucket `k` begins at `k` times the granularity and has the place `k` modulo the number of places.
    buckets: Vec<f64>,
    /// First and last bucket that were written to since the last long silence.
    written: Option<(u64, u64)>,
}

impl BucketWindow {
    /// A window without values. The granularity is above zero; a window that is shorter counts as one bucket.
    pub fn new(window: SimDuration, granularity: SimDuration, weighting: Weighting) -> Self {
        let window = window.max(granularity);
        Self {
            window,
            granularity,
            weighting,
            buckets: vec![0.0; window.0.div_ceil(granularity.0) as usize],
            written: None,
        }
    }

    /// Adds a value to the bucket of its time. A value that is a window older than the last one is ignored.
    pub fn record(&mut self, at: SimTime, value: f64) {
        let bucket = self.bucket(at);
        let written = match self.written {
            Some((first, last)) if bucket <= last => {
                if self.is_window(last - bucket) {
                    return;
                }
                (first.min(bucket), last)
            }
            Some((first, last)) if !self.is_window(bucket - last) => {
                // Seconds without a value count as zero.
                for missed in last + 1..=bucket {
                    let place = self.place(missed);
                    self.buckets[place] = 0.0;
                }
                (first, bucket)
            }
            _ => {
                self.buckets.fill(0.0);
                (bucket, bucket)
            }
        };
        self.written = Some(written);
        let place = self.place(bucket);
        self.buckets[place] += value;
    }

    /// The average at a time; `None` without any value ever, zero without a value for a window. The linear one has six
    /// decimals.
    pub fn average(&self, now: SimTime) -> Option<f64> {
        let (first, last) = self.written?;
        let newest = self.bucket(now).max(last);
        let silent = newest - last;
        if self.is_window(silent) {
            return Some(0.0);
        }
        let places = self.buckets.len() as u64;
        let oldest = (newest + 1).saturating_sub(places);
        let values = (oldest..=last).map(|bucket| self.buckets[self.place(bucket)]);
        Some(match self.weighting {
            Weighting::Linear => {
                let sum: f64 = values.sum();
                let counted = (last - first + 1).min(places - silent);
                (sum / counted as f64 * 1e6).round() / 1e6
            }
            Weighting::Exponential => {
                let coefficient = smoothing_coefficient(places as u32);
                let mut weight = coefficient * (1.0 - coefficient).powf(silent as f64);
                let mut sum = 0.0;
                for value in values.rev() {
                    sum += value * weight;
                    weight *= 1.0 - coefficient;
                }
                sum
            }
        })
    }

    fn bucket(&self, at: SimTime) -> u64 {
        at.0 / self.granularity.0
    }

    fn place(&self, bucket: u64) -> usize {
        (bucket % self.buckets.len() as u64) as usize
    }

    /// Returns true if so many buckets are as long as the window.
    fn is_window(&self, buckets: u64) -> bool {
        buckets.saturating_mul(self.granularity.0) >= self.window.0
    }
}

/// The highest of the values of a window, for a scale-down delay.
#[derive(Debug, Clone)]
pub struct MaxWindow {
    granularity: SimDuration,
    /// Buckets in the window.
    buckets: u64,
    /// Buckets and values that are or may become the highest: buckets rise and values fall.
    highest: VecDeque<(u64, u32)>,
}

impl MaxWindow {
    /// A window without values, of as many buckets as it takes to cover it. The granularity is above zero.
    pub fn new(window: SimDuration, granularity: SimDuration) -> Self {
        let mut new = Self {
            granularity,
            buckets: 1,
            highest: VecDeque::new(),
        };
        new.resize(window);
        new
    }

    /// Changes its length. Values that are too old for it go when the next one comes.
    pub fn resize(&mut self, window: SimDuration) {
        self.buckets = window.0.div_ceil(self.granularity.0).max(1);
    }

    /// Notes a value. Times do not go back: an earlier one counts as that of the last value.
    pub fn record(&mut self, at: SimTime, value: u32) {
        let last = self.highest.back().copied();
        let bucket = (at.0 / self.granularity.0).max(last.map_or(0, |(bucket, _)| bucket));
        let value = match last {
            // Of one bucket the highest value counts, not the newest.
            Some((same, other)) if same == bucket => value.max(other),
            _ => value,
        };
        while self.highest.back().is_some_and(|&(_, other)| other <= value) {
            self.highest.pop_back();
        }
        let outside = |&(old, _): &(u64, u32)| bucket - old >= self.buckets;
        while self.highest.front().is_some_and(outside) {
            self.highest.pop_front();
        }
        self.highest.push_back((bucket, value));
    }

    /// The highest value in the window that ends with the last one; zero without any.
    pub fn max(&self) -> u32 {
        self.highest.front().map_or(0, |&(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn window(seconds: u64, weighting: Weighting) -> BucketWindow {
        BucketWindow::new(SimDuration::from_secs(seconds), BUCKET, weighting)
    }

    #[test]
    fn a_late_value_counts_inside_the_window_and_makes_it_longer() {
        let mut five = window(5, Weighting::Linear);
        assert_eq!(five.average(at(100)), None);
        five.record(at(100), 10.0);
        five.record(at(102), 20.0);
        // Three seconds, one of which is missing.
        assert_eq!(five.average(at(102)), Some(10.0));
        five.record(at(99), 8.0);
        assert_eq!(five.average(at(102)), Some(9.5));
        // Five seconds before the last one: outside.
        five.record(at(97), 1_000.0);
        assert_eq!(five.average(at(102)), Some(9.5));
        // Second 99 is too old, and two seconds are not known yet: 30 over 3.
        assert_eq!(five.average(at(104)), Some(10.0));
        assert_eq!(five.average(at(106)), Some(20.0));
        assert_eq!(five.average(at(107)), Some(0.0));
    }

    #[test]
    fn values_of_one_second_add_up_and_averages_have_six_decimals() {
        let mut minute = window(60, Weighting::Linear);
        minute.record(at(7), 1.5);
        minute.record(at(7) + SimDuration::from_millis(900), 0.5);
        minute.record(at(9), 0.0);
        assert_eq!(minute.average(at(9)), Some(0.666_667));
    }

    #[test]
    fn the_average_is_zero_sixty_seconds_after_the_last_request() {
        let mut minute = window(60, Weighting::Linear);
        for second in 0..100 {
            minute.record(at(second), 3.0);
        }
        for second in 100..200 {
            minute.record(at(second), 0.0);
            let idle = second - 99;
            let busy = 60_u64.saturating_sub(idle) as f64;
            assert_eq!(minute.average(at(second)), Some(busy * 3.0 / 60.0));
        }
    }

    /// Of four buckets the coefficient is 1 - 0.0001^(1/4) = 0.9.
    #[test]
    fn an_exponential_average_weighs_the_newest_most() {
        let mut four = window(4, Weighting::Exponential);
        four.record(at(0), 10.0);
        four.record(at(1), 5.0);
        // Value of second 0 and of second 1; from second 4 on the former is outside.
        for (now, average) in [(1, 0.9 + 4.5), (2, 0.09 + 0.45), (4, 0.0045), (5, 0.0)] {
            let found = four.average(at(now)).unwrap();
            assert!((found - average).abs() < 1e-9, "{now}: {found}");
        }
        assert_eq!(smoothing_coefficient(60), 0.2);
    }

    #[test]
    fn the_highest_of_a_bucket_counts_until_its_bucket_is_outside() {
        // Three seconds take two buckets.
        let mut four = MaxWindow::new(SimDuration::from_secs(3), SimDuration::from_secs(2));
        assert_eq!(four.max(), 0);
        for (second, value, max) in [
            (0, 5, 5),
            (1, 3, 5),
            (2, 4, 5),
            (4, 1, 4),
            (5, 2, 4),
            (6, 0, 2),
            (20, 1, 1),
        ] {
            four.record(at(second), value);
            assert_eq!(four.max(), max, "{second}");
        }
    }

    #[test]
    fn a_shorter_window_forgets_at_the_next_value() {
        let mut window = MaxWindow::new(SimDuration::from_secs(60), SimDuration::from_secs(2));
        window.record(at(0), 9);
        window.resize(SimDuration::from_secs(10));
        window.record(at(8), 1);
        assert_eq!(window.max(), 9);
        window.record(at(10), 1);
        assert_eq!(window.max(), 1);
    }
}
