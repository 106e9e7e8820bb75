//! The calls of a function over the day, and their places within a minute.

use std::sync::LazyLock;

use rand_distr::{Distribution, Gamma, Poisson};

use super::MINUTE;
use crate::rng::Stream;

/// The kind of event that calls a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    Http,
    Queue,
    Event,
    Timer,
    Other,
}

/// The calls in each hour of the day divided by their mean, over 14 days of the trace.
const HOURS: [f64; 24] = [
    0.82, 0.81, 0.80, 0.84, 0.90, 0.93, 0.98, 1.01, 1.06, 1.08, 1.10, 1.19, 1.12, 1.12, 1.16, 1.16, 1.16, 1.16, 1.16,
    0.97, 0.91, 0.85, 0.86, 0.85,
];
/// The minutes of the hour with unusually many or few calls, each with its calls divided by the mean, of functions with up to
/// 1,440 calls a day.
const MINUTES: [(u64, f64); 9] = [
    (0, 2.35),
    (30, 2.22),
    (15, 1.64),
    (45, 1.57),
    (10, 1.46),
    (20, 1.57),
    (5, 1.55),
    (1, 0.91),
    (31, 0.79),
];
/// The calls of each other minute divided by the mean.
const OTHER_MINUTES: f64 = (60.0 - 14.06) / 51.0;

/// The usual periods of timers in minutes.
const PERIODS: [u64; 10] = [1, 2, 3, 4, 5, 10, 15, 30, 60, 1440];
/// The largest delay of a timer after the beginning of its minute, in nanoseconds.
const JITTER: f64 = 50e6;

/// The expected number of calls in a minute from which their number is drawn from a Poisson distribution with a random rate.
const MANY: f64 = 50.0;
/// The largest number of arrivals that are drawn one by one and sorted.
const FEW: u64 = 16;

/// The pattern of one function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pattern {
    /// The expected number of calls in a day.
    pub(super) calls: f64,
    kind: CallPattern,
    /// The calls in each minute of the day divided by their mean.
    shape: &'static [f64],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum CallPattern {
    /// A timer: the minutes between calls, the first minute, and the nanoseconds after its beginning.
    Periodic(u64, u64, u64),
    /// Random calls: the variance of the counts per minute divided by their mean.
    Random(f64),
}

/// Buffers for one minute, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Minute {
    sums: Vec<f64>,
    times: Vec<u64>,
}

impl Pattern {
    /// The pattern of a function with this trigger and this many expected calls in a day; `uniform`, a random number between
    /// 0 and 1, chooses the phase of a timer.
    pub(super) fn new(trigger: Trigger, calls: f64, uniform: f64) -> Self {
        // The median index of dispersion by trigger.
        let kind = match trigger {
            Trigger::Http => CallPattern::Random(1.5),
            Trigger::Queue => CallPattern::Random(4.5),
            Trigger::Event => CallPattern::Random(4.0),
            Trigger::Other => CallPattern::Random(1.1),
            Trigger::Timer => {
                let distance = |period: u64| (1440.0 / period as f64 / calls).ln().abs();
                let nearest = PERIODS.into_iter().min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
                let period = nearest.unwrap_or(1);
                // Six in ten timers begin with the hour, a quarter half a period later, and the others at a random minute.
                let first = match uniform {
                    u if u < 0.6 => 0,
                    u if u < 0.85 => period / 2,
                    u => ((u - 0.85) / 0.15 * period as f64) as u64,
                };
                CallPattern::Periodic(period, first.min(period - 1), (uniform * JITTER) as u64)
            }
        };
        let calls = match kind {
            CallPattern::Periodic(period, ..) => 1440.0 / period as f64,
            CallPattern::Random(_) => calls,
        };
        let shape = &SHAPES[usize::from(calls <= 1440.0)];
        Self { calls, kind, shape }
    }

    /// Calls `put` with the time of each arrival in a minute of the run, in order, in nanoseconds since the start of the run and
    /// below `until`.
    pub(super) fn fill(&self, stream: Stream, minute: u64, until: u64, buffer: &mut Minute, mut put: impl FnMut(u64)) {
        let start = minute * MINUTE;
        let mut put = |offset: u64| {
            if start + offset < until {
                put(start + offset);
            }
        };
        match self.kind {
            CallPattern::Periodic(period, first, offset) => {
                if minute % period == first {
                    put(offset);
                }
            }
            CallPattern::Random(dispersion) => {
                let stream = stream.branch(minute);
                let n = count(
                    self.calls / 1440.0 * self.shape[(minute % 1440) as usize],
                    dispersion,
                    stream,
                );
                anywhere(n, stream, buffer, put);
            }
        }
    }
}

/// The calls in each minute of the day divided by their mean: for functions with more than 1,440 calls a day, and for the
/// others.
static SHAPES: LazyLock<[Vec<f64>; 2]> = LazyLock::new(|| {
    let hour = |minute: u64| HOURS[(minute / 60) as usize];
    let of_hour = |minute: u64| {
        let stands_out = MINUTES.iter().find(|row| row.0 == minute % 60);
        stands_out.map_or(OTHER_MINUTES, |row| row.1)
    };
    [
        (0..1440).map(hour).collect(),
        (0..1440).map(|minute| hour(minute) * of_hour(minute)).collect(),
    ]
});

/// Returns a random number of the negative binomial distribution with this mean and dispersion (variance over mean), which is
/// above 1. Uses number 0 of
/// `stream`.
fn count(mean: f64, dispersion: f64, stream: Stream) -> u64 {
    let shape = mean / (dispersion - 1.0);
    if mean >= MANY {
        let mut rng = stream.rng(0);
        let rate = Gamma::new(shape, dispersion - 1.0).map_or(mean, |gamma| gamma.sample(&mut rng));
        return Poisson::new(rate).map_or(0.0, |poisson| poisson.sample(&mut rng)) as u64;
    }
    let uniform = stream.uniform(0);
    let none = shape * dispersion.ln();
    // exp(-x) is at least 1 - x, so the most frequent result, 0, needs no exponential.
    if uniform <= 1.0 - none {
        return 0;
    }
    let more = 1.0 - 1.0 / dispersion;
    let mut chance = (-none).exp();
    let (mut n, mut below) = (0u64, chance);
    while uniform > below && n < 100_000 {
        chance *= (shape + n as f64) / (n + 1) as f64 * more;
        below += chance;
        n += 1;
    }
    n
}

/// Calls `put` with `n` uniform and independent instants of a minute in order, in nanoseconds. Few are drawn and sorted. Many
/// come from the spacings of a Poisson process, which given their sum have the distribution of the spacings of sorted uniform
/// numbers (Devroye, Non-Uniform Random Variate Generation, 1986, V.2).
fn anywhere(n: u64, stream: Stream, buffer: &mut Minute, mut put: impl FnMut(u64)) {
    if n <= FEW {
        buffer.times.clear();
        let times = (1..=n).map(|k| ((u128::from(stream.bits(k)) * u128::from(MINUTE)) >> 64) as u64);
        buffer.times.extend(times);
        buffer.times.sort_unstable();
        return buffer.times.iter().for_each(|&at| put(at));
    }
    buffer.sums.clear();
    let mut sum = 0.0;
    for k in 1..=n {
        sum -= stream.uniform(k).ln();
        buffer.sums.push(sum);
    }
    sum -= stream.uniform(n + 1).ln();
    let scale = MINUTE as f64 / sum;
    buffer.sums.iter().for_each(|at| put((at * scale) as u64));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};

    fn stream(entity: u64) -> Stream {
        Draws::new(1, 0).stream(Purpose::Arrival, entity)
    }

    #[test]
    fn counts_have_their_mean_and_dispersion() {
        for (mean, dispersion) in [(0.02, 1.5), (3.0, 4.5), (49.0, 4.0), (200.0, 4.5)] {
            let n = 60_000u64;
            let counts: Vec<f64> = (0..n).map(|k| count(mean, dispersion, stream(k)) as f64).collect();
            let found = counts.iter().sum::<f64>() / n as f64;
            let variance = counts.iter().map(|c| (c - found).powi(2)).sum::<f64>() / n as f64;
            let error = (mean * dispersion / n as f64).sqrt();
            assert!((found - mean).abs() < 5.0 * error, "{mean}: {found}");
            assert!(
                (variance / mean / dispersion - 1.0).abs() < 0.15,
                "{mean}: {}",
                variance / mean
            );
        }
    }

    #[test]
    fn many_arrivals_are_as_uniform_as_few() {
        let mut buffer = Minute::default();
        for n in [16, 17, 1_000] {
            let (mut sum, mut squares, mut all) = (0.0, 0.0, 0.0);
            for k in 0..400 {
                let mut last = 0;
                anywhere(n, stream(k), &mut buffer, |at| {
                    assert!(last <= at && at < MINUTE);
                    last = at;
                    let x = at as f64 / MINUTE as f64;
                    (sum, squares, all) = (sum + x, squares + x * x, all + 1.0);
                });
            }
            assert_eq!(all, 400.0 * n as f64);
            let mean = sum / all;
            assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12.0 / all).sqrt(), "{n}: {mean}");
            assert!(
                (squares / all - 1.0 / 3.0).abs() < 5.0 * (4.0 / 45.0 / all).sqrt(),
                "{n}"
            );
        }
    }

    #[test]
    fn a_timer_fires_once_per_period() {
        let pattern = Pattern::new(Trigger::Timer, 280.0, 0.3);
        assert_eq!(pattern.calls, 288.0);
        let mut buffer = Minute::default();
        let mut minutes = Vec::new();
        (0..20).for_each(|minute| pattern.fill(stream(0), minute, u64::MAX, &mut buffer, |_| minutes.push(minute)));
        assert_eq!(minutes, [0, 5, 10, 15]);
    }
}
