//! From the replications of a metric to its estimate: mean and 95% interval, within what is possible and without digits that are
//! not known.

use super::metric::{Kind, Metric};
use super::row::{Number, Value};
use crate::stats::histogram::Histogram;
use crate::stats::interval::{Estimate, estimate_at_looks};

/// Estimates a metric from replications that were looked at so many times; `None` without replications, or where one is not finite.
pub(super) fn value(metric: Metric, samples: &[f64], looks: u32) -> Option<Value> {
    let (estimate, symmetric) = within(metric.kind().range(), estimate_at_looks(samples, looks)?);
    let round = |x: f64| metric.decimals(x).map_or(x, |decimals| rounded(x, decimals));
    Some(Value {
        mean: Number::Float(round(estimate.mean)),
        interval: estimate.interval.map(|(low, high)| (round(low), round(high))),
        symmetric,
        measurement: None,
    })
}

/// An interval that stays within the possible range, and true if it is still symmetric about the mean. Student's interval is kept
/// where it does. Otherwise the interval is Student's on another scale, with the standard error of the delta method: the logarithm for
/// what cannot be negative, the logit for shares.
///
/// Source: the delta method in Casella and Berger, Statistical Inference, section 5.5.4; the logit interval of a share in Korn and
/// Graubard, Analysis of Health Surveys, section 3.4.
pub fn within((least, most): (f64, f64), estimate: Estimate) -> (Estimate, bool) {
    let Estimate { mean, interval } = estimate;
    let Some((low, high)) = interval.filter(|(low, high)| *low < least || *high > most) else {
        return (estimate, true);
    };
    let half = (high - low) / 2.0;
    let interval = if mean <= least || mean >= most {
        // All replications are at the end of the range.
        (low.max(least), high.min(most))
    } else if most.is_finite() {
        let share = (mean - least) / (most - least);
        let logit = (share / (1.0 - share)).ln();
        let half = half / (most - least) / (share * (1.0 - share));
        let back = |x: f64| least + (most - least) / (1.0 + (-x).exp());
        (back(logit - half), back(logit + half))
    } else {
        let factor = (half / (mean - least)).exp();
        (least + (mean - least) / factor, least + (mean - least) * factor)
    };
    let interval = Some(interval);
    (Estimate { mean, interval }, false)
}

/// Rounds to so many decimals; negative ones are tens, hundreds and so on.
pub fn rounded(x: f64, decimals: i32) -> f64 {
    let power = 10f64.powi(decimals.abs());
    if decimals >= 0 {
        (x * power).round() / power
    } else {
        (x / power).round() * power
    }
}

/// The decimals that a quantile of latencies near `ms` milliseconds has: the last one is not below the width of its bucket.
pub fn decimals_of_latency(ms: f64) -> i32 {
    decimals(Histogram::resolution_at((ms.abs() * 1e6) as u64) as f64)
}

/// The decimals of milliseconds the last of which is not below the width of a bucket in nanoseconds.
pub(super) fn decimals(width_ns: f64) -> i32 {
    // A width of 1 ns is exactly six decimals, whatever the logarithm's last digit says.
    (6.0 - width_ns.log10() + 1e-9).floor() as i32
}

impl Metric {
    /// The decimals that a value of this metric has at most; `None` where it is exact.
    pub fn decimals(self, value: f64) -> Option<i32> {
        (self.kind() == Kind::Quantile).then(|| decimals_of_latency(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_has_no_digits_below_the_width_of_its_bucket() {
        // Buckets near 22 ms are 0.033 ms wide, near 100 ms 0.13 ms, near 1.5 s 2.1 ms, near 0.4 us 1 ns.
        for (ms, shown) in [
            (22.3904, 22.4),
            (99.94, 100.0),
            (1_504.0, 1_500.0),
            (0.000_412_3, 0.000_412),
            (0.0, 0.0),
        ] {
            let value = value(Metric::LatencyP50, &[ms, ms], 1).unwrap();
            assert_eq!((value.float(), value.interval), (shown, Some((shown, shown))), "{ms}");
            let width = Histogram::resolution_at((ms * 1e6) as u64) as f64 / 1e6;
            assert!(10f64.powi(-decimals_of_latency(ms)) >= 0.999_999 * width);
        }
        // Means are exact.
        assert_eq!(value(Metric::LatencyMean, &[22.3904], 1).unwrap().float(), 22.3904);
    }

    #[test]
    fn an_interval_stays_within_what_is_possible() {
        // Student's: 696 +- 1570 or so.
        let wide = value(Metric::LatencyMean, &[60.0, 1_425.0, 603.0], 1).unwrap();
        let (low, high) = wide.interval.unwrap();
        assert!(!wide.symmetric && 0.0 < low && low < 696.0 && high > 696.0, "{wide:?}");
        // The ends are the same factor from the mean.
        assert!((696.0 / low - high / 696.0).abs() < 1e-9 * high, "{low} {high}");
        let share = value(Metric::SloViolationRatio, &[0.0, 0.01, 0.0], 1).unwrap();
        let (low, high) = share.interval.unwrap();
        assert!(0.0 < low && high < 1.0 && !share.symmetric, "{share:?}");
        let all = value(Metric::SloViolationRatio, &[1.0, 1.0, 0.99], 1).unwrap();
        assert!(all.interval.unwrap().1 < 1.0, "{all:?}");
        let none = value(Metric::ColdStarts, &[0.0, 0.0], 1).unwrap();
        assert_eq!((none.interval, none.symmetric), (Some((0.0, 0.0)), true));
        // What fits is Student's interval, and money may change either way.
        assert!(value(Metric::ColdStarts, &[10.0, 11.0, 12.0], 1).unwrap().symmetric);
        assert!(
            value(Metric::MarginalCostPerMillion, &[-1.0, 5.0], 1)
                .unwrap()
                .symmetric
        );
    }

    #[test]
    fn the_log_interval_is_students_of_the_logarithm() {
        // Mean 2, standard error 1, t = 4.3027 for three values.
        let estimate = Estimate {
            mean: 2.0,
            interval: Some((2.0 - 4.3027, 2.0 + 4.3027)),
        };
        let (Estimate { interval, .. }, symmetric) = within((0.0, f64::INFINITY), estimate);
        let (low, high) = interval.unwrap();
        assert!(!symmetric);
        assert!((low - 2.0 * (-2.151_35f64).exp()).abs() < 1e-12 && (high - 2.0 * 2.151_35f64.exp()).abs() < 1e-9);
        // Share 0.2, standard error 0.1: logit -1.386, half 2.689.
        let estimate = Estimate {
            mean: 0.2,
            interval: Some((0.2 - 0.430_27, 0.2 + 0.430_27)),
        };
        let (low, high) = within((0.0, 1.0), estimate).0.interval.unwrap();
        assert!(
            (low - 0.016_7).abs() < 1e-3 && (high - 0.786_4).abs() < 1e-3,
            "{low} {high}"
        );
    }
}
