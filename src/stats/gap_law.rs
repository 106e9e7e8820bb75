//! The law by which the cost of a request depends on how long the server had nothing to do:
//! `cost = busy + wake (1 - exp(-gap / tau))`.
//!
//! `gap` is the time since the server finished its last request, and 0 if it is still busy. A busy server pays `busy`. A
//! server that has slept long pays `busy + wake`: it is woken, and others have filled its caches meanwhile.
//!
//! Costs are measured under Poisson arrivals. There a request finds the server idle with probability `1 - load`, and the gap
//! is then exponential with the mean `1 / rate`, since the process has no memory. So the mean of the law over all requests is
//! `busy + wake (1 - load) / (1 + rate tau)`.
//!
//! The law is linear in `busy` and `wake` for a given `tau`, and is fitted by a search over `tau` (variable projection) with
//! least squares on relative errors. The intervals are those of nonlinear regression by linearisation.
//!
//! Sources: Golub and Pereyra, The Differentiation of Pseudo-Inverses and Nonlinear Least Squares Problems, SIAM Journal on
//! Numerical Analysis 10 (1973); Seber and Wild, Nonlinear Regression (1989), section 2.1.2; Wolff, Poisson Arrivals See Time
//! Averages, Operations Research 30 (1982).

use super::interval::student_975;

/// The shortest and the longest `tau` of the search, in seconds.
const TAU: (f64, f64) = (20e-6, 1.0);
/// The steps of the search; each is a factor of 1.06.
const STEPS: u32 = 190;

/// A mean cost under Poisson arrivals at one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The requests per second; infinite for a server that never sleeps.
    pub rate: f64,
    /// The share of the time in which the server works, between 0 and 1.
    pub load: f64,
    /// The cost of a request.
    pub cost: f64,
}

/// The law, with 95% intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GapLaw {
    /// The cost of a request to a server that is at work, in the unit of the costs.
    pub busy: f64,
    /// The further cost of a request to a server that has slept long, in the unit of the costs.
    pub wake: f64,
    /// The time constant in seconds.
    pub tau: f64,
    /// The 95% intervals of `busy`, `wake` and `tau`; `None` if the points do not determine all three.
    pub intervals: Option<[(f64, f64); 3]>,
    /// The largest distance of the law from the mean cost at a rate, as a share of that cost.
    pub misfit: f64,
}

impl GapLaw {
    /// Returns the cost of a request after a gap in seconds.
    pub fn after(&self, gap: f64) -> f64 {
        self.busy + self.wake * (1.0 - (-gap / self.tau).exp())
    }

    /// Returns the mean cost under Poisson arrivals.
    pub fn mean(&self, rate: f64, load: f64) -> f64 {
        self.busy + self.wake * asleep(rate, load, self.tau)
    }

    /// Fits the law to points, several of which may have the same rate; `None` with fewer than three different rates, or with
    /// a cost that is not above 0.
    pub fn fit(points: &[Point]) -> Option<Self> {
        let mut rates: Vec<f64> = points.iter().map(|point| point.rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        if rates.len() < 3 || !points.iter().all(|point| point.cost > 0.0 && point.rate > 0.0) {
            return None;
        }
        let step = (TAU.1 / TAU.0).powf(1.0 / f64::from(STEPS));
        let at = |tau: f64| (tau, linear(points, tau));
        let coarse = (0..=STEPS).map(|k| at(TAU.0 * step.powf(f64::from(k))));
        let best = coarse.min_by(|a, b| a.1.squares.total_cmp(&b.1.squares))?;
        let fine = (0..=100u32).map(|k| at(best.0 * step.powf(f64::from(k) / 50.0 - 1.0)));
        let (tau, found) = fine.min_by(|a, b| a.1.squares.total_cmp(&b.1.squares))?;
        let mut law = Self {
            busy: found.busy,
            wake: found.wake,
            tau,
            intervals: None,
            misfit: 0.0,
        };
        law.intervals = law.linearised(points, found.squares);
        law.misfit = rates.iter().map(|&rate| law.miss(points, rate)).fold(0.0, f64::max);
        Some(law)
    }

    /// The distance of the law from the mean cost at a rate, as a share of it.
    fn miss(&self, points: &[Point], rate: f64) -> f64 {
        let here: Vec<&Point> = points.iter().filter(|point| point.rate == rate).collect();
        let mean = |of: fn(&Point) -> f64| here.iter().map(|point| of(point)).sum::<f64>() / here.len() as f64;
        (self.mean(rate, mean(|point| point.load)) / mean(|point| point.cost) - 1.0).abs()
    }

    /// The intervals by the curvature of the squares at the best fit. A parameter at the edge of what is allowed has none.
    fn linearised(&self, points: &[Point], squares: f64) -> Option<[(f64, f64); 3]> {
        let freedom = points.len().checked_sub(3).filter(|&freedom| freedom > 0)?;
        if self.busy <= 0.0 || self.wake <= 0.0 || self.tau <= 1.05 * TAU.0 || self.tau >= 0.95 * TAU.1 {
            return None;
        }
        let mut normal = [[0.0; 3]; 3];
        for point in points {
            let asleep = asleep(point.rate, point.load, self.tau);
            // The derivative by the logarithm of tau, whose interval is more nearly symmetric.
            let decays = match point.rate.is_finite() {
                true => point.rate * self.tau / (1.0 + point.rate * self.tau),
                false => 1.0,
            };
            let row = [1.0, asleep, -self.wake * asleep * decays].map(|d| d / point.cost);
            for (i, line) in normal.iter_mut().enumerate() {
                for (j, cell) in line.iter_mut().enumerate() {
                    *cell += row[i] * row[j];
                }
            }
        }
        let inverse = diagonal_of_inverse(&normal)?;
        let t = student_975(freedom);
        let half = inverse.map(|variance| t * (variance * squares / freedom as f64).sqrt());
        let around = |value: f64, half: f64| (value - half, value + half);
        Some([
            around(self.busy, half[0]),
            around(self.wake, half[1]),
            (self.tau * (-half[2]).exp(), self.tau * half[2].exp()),
        ])
    }
}

/// The mean of `1 - exp(-gap / tau)` over the requests of a Poisson process.
fn asleep(rate: f64, load: f64, tau: f64) -> f64 {
    match rate.is_finite() {
        true => (1.0 - load.clamp(0.0, 1.0)) / (1.0 + rate * tau),
        false => 0.0,
    }
}

/// The best law for a given tau.
struct Linear {
    busy: f64,
    wake: f64,
    /// The sum of the squares of relative errors.
    squares: f64,
}

/// The best `busy` and `wake`, neither below 0, for a given `tau`.
fn linear(points: &[Point], tau: f64) -> Linear {
    let rows = points.iter().map(|point| {
        let asleep = asleep(point.rate, point.load, tau);
        (1.0 / point.cost, asleep / point.cost)
    });
    let rows: Vec<(f64, f64)> = rows.collect();
    let sum = |of: fn(&(f64, f64)) -> f64| rows.iter().map(of).sum::<f64>();
    let (uu, uv, vv) = (sum(|r| r.0 * r.0), sum(|r| r.0 * r.1), sum(|r| r.1 * r.1));
    let (u, v) = (sum(|r| r.0), sum(|r| r.1));
    let with = |busy: f64, wake: f64| Linear {
        busy,
        wake,
        squares: rows.iter().map(|r| (busy * r.0 + wake * r.1 - 1.0).powi(2)).sum(),
    };
    let determinant = uu * vv - uv * uv;
    let (busy, wake) = ((u * vv - v * uv) / determinant, (v * uu - u * uv) / determinant);
    if determinant > 1e-12 * uu * vv && busy >= 0.0 && wake >= 0.0 {
        return with(busy, wake);
    }
    let constant = with(u / uu, 0.0);
    if vv <= 0.0 {
        return constant;
    }
    let proportional = with(0.0, v / vv);
    if constant.squares <= proportional.squares {
        constant
    } else {
        proportional
    }
}

/// The diagonal of the inverse of a symmetric matrix; `None` if it is singular.
fn diagonal_of_inverse(m: &[[f64; 3]; 3]) -> Option<[f64; 3]> {
    let minor = |i: usize, j: usize| m[i][i] * m[j][j] - m[i][j] * m[i][j];
    let determinant = m[0][0] * minor(1, 2) - m[0][1] * (m[0][1] * m[2][2] - m[0][2] * m[1][2])
        + m[0][2] * (m[0][1] * m[1][2] - m[0][2] * m[1][1]);
    let scale = m[0][0] * m[1][1] * m[2][2];
    (determinant > 1e-10 * scale).then(|| [minor(1, 2), minor(0, 2), minor(0, 1)].map(|minor| minor / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::normal;

    const TRUTH: GapLaw = GapLaw {
        busy: 0.022,
        wake: 0.23,
        tau: 4e-3,
        intervals: None,
        misfit: 0.0,
    };

    /// Visits at five rates, and visits to a server that never sleeps.
    fn visits(truth: GapLaw, noise: f64, seed: u64) -> Vec<Point> {
        let stream = Draws::new(seed, 0).stream(Purpose::Service, 0);
        let rates = [10.0, 60.0, 250.0, 1000.0, 5000.0, f64::INFINITY];
        let each = rates.iter().flat_map(|&rate| [rate; 4]).enumerate();
        each.map(|(k, rate)| {
            let load = if rate.is_finite() {
                (rate * truth.busy / 1e3).min(0.9)
            } else {
                1.0
            };
            let off = (noise * normal::quantile(stream.uniform(k as u64))).exp();
            Point {
                rate,
                load,
                cost: truth.mean(rate, load) * off,
            }
        })
        .collect()
    }

    #[test]
    fn an_exact_law_is_found_again() {
        let law = GapLaw::fit(&visits(TRUTH, 0.0, 1)).unwrap();
        assert!((law.busy / TRUTH.busy - 1.0).abs() < 0.01, "{law:?}");
        assert!(
            (law.wake / TRUTH.wake - 1.0).abs() < 0.01 && (law.tau / TRUTH.tau - 1.0).abs() < 0.01,
            "{law:?}"
        );
        assert!(law.misfit < 0.01, "{law:?}");
        assert!((law.after(0.0) - law.busy).abs() < 1e-12 && (law.after(1.0) - law.busy - law.wake).abs() < 1e-9);
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_claim() {
        let mut held = [0; 3];
        for seed in 0..200 {
            let law = GapLaw::fit(&visits(TRUTH, 0.08, seed)).unwrap();
            let intervals = law.intervals.unwrap();
            for (k, truth) in [TRUTH.busy, TRUTH.wake, TRUTH.tau].into_iter().enumerate() {
                held[k] += u32::from(intervals[k].0 <= truth && truth <= intervals[k].1);
            }
        }
        // 190 of 200, give or take three standard deviations of 3.
        assert!(held.iter().all(|&held| (181..=199).contains(&held)), "{held:?}");
    }

    /// The law averaged over the gaps of a simulated server agrees with the closed form.
    #[test]
    fn the_mean_over_poisson_arrivals_is_the_closed_form() {
        let stream = Draws::new(7, 0).stream(Purpose::Arrival, 0);
        let (rate, service) = (120.0, 5e-3);
        let (mut now, mut free, mut busy, mut total) = (0.0f64, 0.0f64, 0.0, 0.0);
        let n = 400_000;
        for k in 0..n {
            now += -stream.uniform(k).ln() / rate;
            total += TRUTH.after((now - free).max(0.0));
            free = free.max(now) + service;
            busy += service;
        }
        let expected = TRUTH.mean(rate, busy / now);
        let mean = total / n as f64;
        assert!((mean / expected - 1.0).abs() < 0.01, "{mean} and {expected}");
    }

    #[test]
    fn a_cost_that_does_not_depend_on_the_gap_has_no_wake() {
        let flat = GapLaw {
            wake: 0.0,
            busy: 0.5,
            ..TRUTH
        };
        let law = GapLaw::fit(&visits(flat, 0.0, 1)).unwrap();
        assert!(
            (law.busy - 0.5).abs() < 1e-6 && law.wake < 1e-6 && law.intervals.is_none(),
            "{law:?}"
        );
    }

    #[test]
    fn too_few_rates_give_no_law() {
        let point = |rate: f64, cost: f64| Point { rate, load: 0.0, cost };
        assert_eq!(GapLaw::fit(&[point(1.0, 1.0), point(2.0, 1.0), point(2.0, 1.1)]), None);
        assert_eq!(GapLaw::fit(&[point(1.0, 1.0), point(2.0, 0.0), point(3.0, 1.1)]), None);
    }
}
