//! The link of two machines: the common factor between quantities that were measured on both, with its interval, and a test if
//! one factor is enough.
//!
//! All figures are natural logarithms, so a ratio is a difference. The factor is the mean of a random-effects model: the
//! ratio of each item (framework) varies about the common one by its error of measurement and by a variance between items,
//! which is 0 where the data do not ask for more. Sources: Hartung and Knapp, Statistics in Medicine 20 (2001) 3875, for the
//! interval; Paule and Mandel, J. Res. NBS 87 (1982) 377, for the variance between items; Welch, Biometrika 38 (1951) 330, for
//! the test.

use super::beta::{f_tail, student_975};
use super::order;

/// The share of values that is trimmed at each end: starts have outliers.
const TRIMMED: f64 = 0.2;
/// The smallest variance of a logarithm: a tenth of a per cent is below the resolution of any clock here.
const LEAST_VARIANCE: f64 = 1e-6;

/// A logarithm that was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// The estimate.
    pub log: f64,
    /// The variance of the estimate.
    pub variance: f64,
    /// The degrees of freedom of the variance.
    pub freedom: f64,
}

/// The way in which the variances of the items were estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variances {
    /// From the values of each item alone.
    Own,
    /// From all items of a machine together: all have the same variance and share its degrees of freedom.
    Pooled,
}

/// The factor between two machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The factor: the second over the first.
    pub factor: f64,
    /// Its 95% interval.
    pub interval: (f64, f64),
    /// The standard deviation of the ratios between items, on the logarithmic scale, beyond their error of measurement.
    pub between: f64,
    /// The number of items.
    pub items: usize,
    /// The test if one factor is enough; `None` with a single item.
    pub test: Option<OneFactor>,
}

/// The test of the hypothesis that all items have the same ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneFactor {
    /// The statistic: the weighted mean square of the ratios over the one that their errors explain.
    pub f: f64,
    /// The probability of a statistic that large or larger if one factor is enough.
    pub p: f64,
}

impl OneFactor {
    /// Returns true if nothing speaks against one factor, at 5%.
    pub fn is_enough(self) -> bool {
        self.p >= 0.05
    }
}

/// Returns the logarithm of a positive quantity from several values: the mean of the logarithms without the outer fifths, and
/// its variance by Yuen's method. `None` with fewer than three values, or with one that is not positive and finite.
///
/// Source: Wilcox, Introduction to Robust Estimation and Hypothesis Testing (2012), sections 3.3 and 3.4.
pub fn trimmed(values: &[f64]) -> Option<Logged> {
    if values.len() < 3 || values.iter().any(|value| !value.is_finite() || *value <= 0.0) {
        return None;
    }
    let sorted = order::sorted(values.iter().map(|value| value.ln()));
    let n = sorted.len();
    let cut = (TRIMMED * n as f64) as usize;
    let kept = &sorted[cut..n - cut];
    let h = kept.len() as f64;
    let (low, high) = (kept[0], kept[kept.len() - 1]);
    let winsorised = sorted.iter().map(|value| value.clamp(low, high));
    let mean = winsorised.clone().sum::<f64>() / n as f64;
    let squares: f64 = winsorised.map(|value| (value - mean).powi(2)).sum();
    Some(Logged {
        log: kept.iter().sum::<f64>() / h,
        variance: (squares / (h * (h - 1.0))).max(LEAST_VARIANCE),
        freedom: h - 1.0,
    })
}

/// Returns the logarithms of items of which each was measured several times, with one variance for all: that within items,
/// pooled. Items with a single value, or with one that is not positive and finite, are `None`; so are all if none has two.
pub fn pooled(items: &[Vec<f64>]) -> Vec<Option<Logged>> {
    let logs = |values: &Vec<f64>| -> Option<Vec<f64>> {
        let fine = values.len() >= 2 && values.iter().all(|value| value.is_finite() && *value > 0.0);
        fine.then(|| values.iter().map(|value| value.ln()).collect())
    };
    let items: Vec<Option<Vec<f64>>> = items.iter().map(logs).collect();
    let mean = |logs: &[f64]| logs.iter().sum::<f64>() / logs.len() as f64;
    let (mut squares, mut freedom) = (0.0, 0.0);
    for logs in items.iter().flatten() {
        let middle = mean(logs);
        squares += logs.iter().map(|log| (log - middle).powi(2)).sum::<f64>();
        freedom += logs.len() as f64 - 1.0;
    }
    let of_one = (squares / f64::max(freedom, 1.0)).max(LEAST_VARIANCE);
    let logged = |logs: Option<Vec<f64>>| {
        logs.map(|logs| Logged {
            log: mean(&logs),
            variance: of_one / logs.len() as f64,
            freedom,
        })
    };
    items.into_iter().map(logged).collect()
}

/// The difference of an item between two machines.
fn difference((first, second): &(Logged, Logged)) -> Logged {
    let variance = first.variance + second.variance;
    // Welch and Satterthwaite.
    let parts = first.variance.powi(2) / first.freedom + second.variance.powi(2) / second.freedom;
    Logged {
        log: second.log - first.log,
        variance,
        freedom: variance.powi(2) / parts,
    }
}

/// Links two machines by items that were measured on both, each as (first, second); `None` without an item.
pub fn link(pairs: &[(Logged, Logged)], variances: Variances) -> Option<Link> {
    let items: Vec<Logged> = pairs.iter().map(difference).collect();
    let only = items.first()?;
    let k = items.len();
    if k == 1 {
        let half = student_975(only.freedom) * only.variance.sqrt();
        return Some(Link {
            factor: only.log.exp(),
            interval: ((only.log - half).exp(), (only.log + half).exp()),
            between: 0.0,
            items: 1,
            test: None,
        });
    }
    let between = between(&items);
    let (mean, whole) = weighted(&items, between);
    let spread = items
        .iter()
        .map(|item| (item.log - mean).powi(2) / (item.variance + between))
        .sum::<f64>();
    let degrees = (k - 1) as f64;
    let half = student_975(degrees) * (spread / degrees / whole).sqrt();
    Some(Link {
        factor: mean.exp(),
        interval: ((mean - half).exp(), (mean + half).exp()),
        between: between.sqrt(),
        items: k,
        test: Some(one_factor(&items, variances)),
    })
}

/// The weighted mean of the items, and the sum of the weights.
fn weighted(items: &[Logged], between: f64) -> (f64, f64) {
    let weights = items.iter().map(|item| 1.0 / (item.variance + between));
    let whole: f64 = weights.clone().sum();
    let sum: f64 = weights.zip(items).map(|(weight, item)| weight * item.log).sum();
    (sum / whole, whole)
}

/// Cochran's Q with a variance between items.
fn cochran(items: &[Logged], between: f64) -> f64 {
    let (mean, _) = weighted(items, between);
    items
        .iter()
        .map(|item| (item.log - mean).powi(2) / (item.variance + between))
        .sum()
}

/// The variance between items by Paule and Mandel: that with which Cochran's Q is what it is expected to be; at least 0.
fn between(items: &[Logged]) -> f64 {
    let expected = (items.len() - 1) as f64;
    if cochran(items, 0.0) <= expected {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while cochran(items, high) > expected {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if cochran(items, middle) > expected {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The F test of Welch, which allows for variances that were estimated from few values. With pooled variances it is the usual F
/// test.
fn one_factor(items: &[Logged], variances: Variances) -> OneFactor {
    let k = items.len() as f64;
    let mean_square = cochran(items, 0.0) / (k - 1.0);
    if variances == Variances::Pooled {
        return OneFactor {
            f: mean_square,
            p: f_tail(mean_square, k - 1.0, items[0].freedom),
        };
    }
    let (_, whole) = weighted(items, 0.0);
    let doubt: f64 = items
        .iter()
        .map(|item| (1.0 - 1.0 / (item.variance * whole)).powi(2) / item.freedom)
        .sum();
    let f = mean_square / (1.0 + 2.0 * (k - 2.0) / (k * k - 1.0) * doubt);
    OneFactor {
        f,
        p: f_tail(f, k - 1.0, (k * k - 1.0) / (3.0 * doubt)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose, Stream};
    use crate::stats::normal;

    /// A law of starts by its quantile function, on the logarithmic scale with standard deviation about 1.
    type Law = fn(f64) -> f64;

    const NORMAL: Law = normal::quantile;
    /// A skewed law: an exponential tail upwards.
    const SKEWED: Law = |u| -(1.0 - u).ln() - 1.0;

    /// Values of an item on one machine.
    fn values(stream: Stream, level: f64, noise: f64, n: u64, law: Law) -> Vec<f64> {
        (0..n).map(|i| (level + noise * law(stream.uniform(i))).exp()).collect()
    }

    /// The share of `pairs` of simulated panels whose interval holds the true factor of 1.3, and the share for which one factor
    /// is not enough at 5%.
    fn simulated(pairs: u64, items: u64, between: f64, law: Law) -> (f64, f64) {
        let truth = 1.3_f64.ln();
        let (mut held, mut refused) = (0, 0);
        for pair in 0..pairs {
            let draws = Draws::new(11, pair);
            let own = draws.stream(Purpose::Order, 9_999);
            let measured: Vec<(Logged, Logged)> = (0..items)
                .map(|item| {
                    let level = 4.0 + item as f64 / 3.0;
                    // Frameworks have noises of their own, from 2% to 8%.
                    let noise = 0.02 + 0.06 * (item as f64 / items as f64);
                    let shift = truth + between * normal::quantile(own.uniform(item));
                    let machine = |which: u64, level: f64| {
                        let stream = draws.stream(Purpose::Service, 2 * item + which);
                        trimmed(&values(stream, level, noise, 12, law)).unwrap()
                    };
                    (machine(0, level), machine(1, level + shift))
                })
                .collect();
            let link = link(&measured, Variances::Own).unwrap();
            held += u32::from(link.interval.0 <= 1.3 && 1.3 <= link.interval.1);
            refused += u32::from(!link.test.unwrap().is_enough());
        }
        (f64::from(held) / pairs as f64, f64::from(refused) / pairs as f64)
    }

    /// Two panels of one machine, or of two that differ by one factor: the interval holds the factor in 93 to 97 of a hundred
    /// pairs, and the test refuses one factor in about five.
    #[test]
    fn intervals_hold_the_factor_as_often_as_they_claim() {
        for (items, law) in [(21, NORMAL), (21, SKEWED), (3, NORMAL)] {
            let (held, refused) = simulated(3000, items, 0.0, law);
            assert!((0.93..=0.97).contains(&held), "{items} items: {held}");
            assert!((0.025..=0.08).contains(&refused), "{items} items: {refused}");
        }
    }

    /// Machines that favour some frameworks: the interval still holds the mean factor, and one factor is not enough.
    #[test]
    fn intervals_hold_the_mean_of_unequal_factors() {
        for (items, between) in [(21, 0.03), (21, 0.10), (8, 0.10)] {
            let (held, refused) = simulated(3000, items, between, NORMAL);
            assert!((0.93..=0.97).contains(&held), "{items} items, {between}: {held}");
            if between > 0.05 {
                assert!(refused > 0.95, "{items} items, {between}: {refused}");
            }
        }
    }

    /// Requests: two instances of each framework on each machine, whose variance is pooled.
    #[test]
    fn pooled_variances_hold_what_they_claim_too() {
        let pairs = 3000;
        let (mut held, mut refused) = (0, 0);
        for pair in 0..pairs {
            let draws = Draws::new(13, pair);
            let machine = |which: u64, factor: f64| {
                let instances = |item: u64| {
                    let stream = draws.stream(Purpose::Service, 2 * item + which);
                    values(stream, item as f64 / 4.0 + factor.ln(), 0.04, 2, NORMAL)
                };
                pooled(&(0..21).map(instances).collect::<Vec<_>>())
            };
            let (first, second) = (machine(0, 1.0), machine(1, 0.8));
            let both: Vec<(Logged, Logged)> = first.into_iter().flatten().zip(second.into_iter().flatten()).collect();
            let link = link(&both, Variances::Pooled).unwrap();
            held += u32::from(link.interval.0 <= 0.8 && 0.8 <= link.interval.1);
            refused += u32::from(!link.test.unwrap().is_enough());
        }
        let share = |count: u32| f64::from(count) / pairs as f64;
        assert!((0.93..=0.97).contains(&share(held)), "{}", share(held));
        assert!((0.03..=0.07).contains(&share(refused)), "{}", share(refused));
    }

    /// Yuen's figures worked out by hand: of ten values two are cut at each end.
    #[test]
    fn outliers_do_not_move_the_figure() {
        let mut values: Vec<f64> = (1..=10).map(|k| f64::from(k).exp()).collect();
        let plain = trimmed(&values).unwrap();
        assert!((plain.log - 5.5).abs() < 1e-12 && plain.freedom == 5.0, "{plain:?}");
        // Winsorised: 3 3 3 4 5 6 7 8 8 8 about 5.5, squares 3 x 6.25 x 2 + 2.25 x 2 + 0.25 x 2 = 42.5.
        assert!((plain.variance - 42.5 / (6.0 * 5.0)).abs() < 1e-12, "{plain:?}");
        values[9] = 1e9;
        assert_eq!(trimmed(&values), Some(plain));
        assert_eq!(trimmed(&[1.0, 2.0]), None);
        assert_eq!(trimmed(&[1.0, 0.0, 2.0]), None);
    }

    #[test]
    fn one_item_and_none_have_what_they_can() {
        let one = |log| Logged {
            log,
            variance: 0.0001,
            freedom: 10.0,
        };
        assert_eq!(link(&[], Variances::Own), None);
        let single = link(&[(one(0.0), one(0.1))], Variances::Own).unwrap();
        assert!(single.test.is_none() && single.interval.0 < 0.1_f64.exp() && 0.1_f64.exp() < single.interval.1);
        assert_eq!(pooled(&[vec![1.0], vec![2.0, 2.0]])[0], None);
    }
}
