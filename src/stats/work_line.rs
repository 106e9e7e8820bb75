//! The line of cost against units of work: the slope is the cost of a unit, and the intercept that of everything around the
//! units. Costs were taken in rounds, each with one value at every number of units.
//!
//! The line is fitted by least squares on relative errors, since the noise of a cost is about proportional to it. The
//! intervals come from resampling whole rounds, since the values of a round share the state of the machine.
//!
//! Sources: Draper and Smith, Applied Regression Analysis (1998), sections 1.5 (lack of fit) and 9.2 (weights); Efron and
//! Tibshirani, An Introduction to the Bootstrap (1993), chapters 9 and 13.

use super::{bootstrap, order};

/// The deviation of a mean cost from the line, as a share of the line, up to which a kind of work counts as linear.
const LINEAR_WITHIN: f64 = 0.05;

/// A value with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranged {
    /// The value.
    pub value: f64,
    /// The 95% interval; `None` with fewer than six rounds.
    pub interval: Option<(f64, f64)>,
}

/// The line of cost against units.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkLine {
    /// The cost of one unit.
    pub per_unit: Ranged,
    /// The cost without units.
    pub overhead: Ranged,
    /// The deviation of the mean cost from the line at each number of units, as a share of the line.
    pub deviations: Vec<(f64, Ranged)>,
}

impl WorkLine {
    /// Returns the number of units with the largest deviation that is certain to be beyond 5%, with the deviation; `None` if
    /// the costs lie on a line. Certain: the interval of the deviation, over all numbers of units together at 95%, lies
    /// beyond.
    pub fn bend(&self) -> Option<(f64, f64)> {
        let beyond = |ranged: &Ranged| {
            let (low, high) = ranged.interval?;
            (low > LINEAR_WITHIN || high < -LINEAR_WITHIN).then_some(ranged.value)
        };
        let bends = self
            .deviations
            .iter()
            .filter_map(|(units, ranged)| Some((*units, beyond(ranged)?)));
        bends.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }

    /// Returns the cost of a request with this number of units.
    pub fn at(&self, units: f64) -> f64 {
        self.overhead.value + self.per_unit.value * units
    }
}

/// Fits the line to costs by number of units: for each number the costs of the rounds, in order. Rounds that are not complete
/// at the end are left out. `None` with fewer than two numbers of units, without a complete round, or with a cost that is not
/// above 0.
pub fn fit(costs: &[(f64, &[f64])], seed: u64) -> Option<WorkLine> {
    let rounds = costs
        .iter()
        .map(|(_, costs)| costs.len())
        .min()
        .filter(|&rounds| rounds > 0)?;
    let all: Vec<usize> = (0..rounds).collect();
    let points = means(costs, &all);
    let (overhead, per_unit) = line(&points)?;
    // The intercept, the slope and the deviations of each resample.
    let mut drawn = vec![Vec::new(); 2 + costs.len()];
    bootstrap::resampled(rounds, seed, |chosen| {
        let points = means(costs, chosen);
        let (overhead, per_unit) = line(&points)?;
        let values = [overhead, per_unit]
            .into_iter()
            .chain(off_line(&points, overhead, per_unit));
        drawn
            .iter_mut()
            .zip(values)
            .for_each(|(drawn, value)| drawn.push(value));
        Some(per_unit)
    });
    let mut intervals = drawn.into_iter().enumerate().map(|(k, drawn)| {
        let beyond = if k < 2 { 0.025 } else { 0.025 / costs.len() as f64 };
        let sorted = order::sorted(drawn);
        Some((
            order::quantile(&sorted, beyond)?,
            order::quantile(&sorted, 1.0 - beyond)?,
        ))
    });
    let mut ranged = |value: f64| Ranged {
        value,
        interval: intervals.next().flatten(),
    };
    let found = off_line(&points, overhead, per_unit);
    let (overhead, per_unit) = (ranged(overhead), ranged(per_unit));
    let deviations = costs
        .iter()
        .zip(found)
        .map(|((units, _), value)| (*units, ranged(value)));
    Some(WorkLine {
        deviations: deviations.collect(),
        overhead,
        per_unit,
    })
}

/// The mean cost over the chosen rounds by number of units.
fn means(costs: &[(f64, &[f64])], chosen: &[usize]) -> Vec<(f64, f64)> {
    let mean = |values: &[f64]| chosen.iter().map(|&k| values[k]).sum::<f64>() / chosen.len() as f64;
    costs.iter().map(|&(units, values)| (units, mean(values))).collect()
}

/// The intercept and the slope of the line with the least squares of relative errors.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    if !points.iter().all(|&(_, y)| y > 0.0) {
        return None;
    }
    let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|&(x, y)| of(x, y) / (y * y)).sum::<f64>();
    let (w, x, y) = (sum(&|_, _| 1.0), sum(&|x, _| x), sum(&|_, y| y));
    let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
    let determinant = w * xx - x * x;
    (determinant > 1e-12 * w * xx).then(|| ((y * xx - x * xy) / determinant, (w * xy - x * y) / determinant))
}

/// The deviation of each mean from the line, as a share of the line.
fn off_line(points: &[(f64, f64)], overhead: f64, per_unit: f64) -> Vec<f64> {
    points
        .iter()
        .map(|&(x, y)| y / (overhead + per_unit * x) - 1.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::normal;

    const UNITS: [f64; 4] = [10.0, 50.0, 150.0, 400.0];

    /// Rounds of a cost with relative noise; half of the noise is common to a round.
    fn rounds(cost: fn(f64) -> f64, rounds: usize, noise: f64, seed: u64) -> Vec<(f64, Vec<f64>)> {
        let draws = Draws::new(seed, 0);
        let z = |entity: u64, k: usize| normal::quantile(draws.stream(Purpose::Service, entity).uniform(k as u64));
        let value = |size: usize, k: usize| cost(UNITS[size]) * (noise * (z(9, k) + z(size as u64, k))).exp();
        let at = |size: usize| (UNITS[size], (0..rounds).map(|k| value(size, k)).collect());
        (0..UNITS.len()).map(at).collect()
    }

    fn fitted(rounds: &[(f64, Vec<f64>)]) -> WorkLine {
        let costs: Vec<(f64, &[f64])> = rounds.iter().map(|(units, costs)| (*units, costs.as_slice())).collect();
        fit(&costs, 1).unwrap()
    }

    fn holds(ranged: Ranged, truth: f64) -> bool {
        ranged.interval.is_some_and(|(low, high)| low <= truth && truth <= high)
    }

    #[test]
    fn an_exact_line_is_found() {
        let line = fitted(&rounds(|n| 0.05 + 0.002 * n, 8, 0.0, 1));
        assert!((line.per_unit.value - 0.002).abs() < 1e-12 && (line.overhead.value - 0.05).abs() < 1e-12);
        assert!((line.at(1000.0) - 2.05).abs() < 1e-9 && line.bend().is_none());
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_claim() {
        let covered = |of: fn(&WorkLine) -> bool| {
            (0..40)
                .filter(|&seed| of(&fitted(&rounds(|n| 0.05 + 0.002 * n, 16, 0.1, seed))))
                .count()
        };
        let slope = covered(|line| holds(line.per_unit, 0.002));
        let overhead = covered(|line| holds(line.overhead, 0.05));
        // 38 of 40, give or take three standard deviations of 1.4, less what sixteen rounds cost the percentile interval.
        assert!(slope >= 33 && overhead >= 33, "{slope}, {overhead}");
    }

    #[test]
    fn a_curve_is_told_from_a_line_and_noise_is_not_taken_for_one() {
        let curve = fitted(&rounds(|n| 0.05 + 0.001 * n + 0.00002 * n * n, 16, 0.05, 3));
        assert!(curve.bend().is_some(), "{curve:?}");
        let bent = (0..20)
            .filter(|&seed| fitted(&rounds(|n| 0.05 + 0.002 * n, 16, 0.1, seed)).bend().is_some())
            .count();
        assert!(bent <= 1, "{bent} of 20 lines look bent");
    }

    #[test]
    fn too_little_gives_no_line_or_no_interval() {
        assert_eq!(fit(&[(10.0, &[1.0, 2.0])], 1), None);
        assert_eq!(fit(&[(10.0, &[1.0]), (20.0, &[])], 1), None);
        assert_eq!(fit(&[(10.0, &[1.0]), (10.0, &[2.0])], 1), None);
        assert_eq!(fit(&[(10.0, &[0.0]), (20.0, &[2.0])], 1), None);
        let few = fit(&[(10.0, &[1.0]), (20.0, &[2.0])], 1).unwrap();
        assert_eq!((few.per_unit.interval, few.bend()), (None, None));
    }
}
