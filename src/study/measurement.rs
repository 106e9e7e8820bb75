//! The share of the measurement in the uncertainty: thirty starts are not the truth, and no number of replications changes that. The study runs again
//! with profiles drawn anew from their own samples (`model::profile::FrameworkProfile::redrawn`), all with the random numbers of the
//! first replication, so that only the measurement differs. The spread of the results is its share of the uncertainty.
//!
//! The interval is Student's with one degree of freedom less than there are draws, about the estimate of the study. A difference of
//! variants has its own: profiles are drawn independently, except where they were measured in the same blocks.
//!
//! Source: Barton, Nelson and Xie, Quantifying Input Uncertainty via Simulation Confidence Intervals, INFORMS Journal on Computing 26
//! (2014); Cheng and Holland, Two-Point Methods for Assessing Variability in Simulation Output, Journal of Statistical Computation and
//! Simulation 60 (1998), for few draws.

use std::collections::BTreeMap;

use super::estimate::within;
use super::metric::Metric;
use super::result::{Study, VariantResult};
use super::row::{Row, Value};
use crate::stats::interval::{Estimate, student_975};

/// The fewest draws that give an interval.
pub const FEWEST: usize = 4;
/// The draws of a study that is not asked for another number.
pub const USUAL: u32 = 12;

/// Half the 95% interval that values leave open; `None` with too few of them.
pub(super) fn half_width(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < FEWEST || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    Some(student_975(n - 1) * variance.sqrt())
}

impl Value {
    /// The interval of simulation and measurement together: independent errors add up in squares. `None` if there is none of either.
    pub fn both(&self, metric: Metric) -> Option<(f64, f64)> {
        let half = |interval: Option<(f64, f64)>| interval.map_or(0.0, |(low, high)| (high - low) / 2.0);
        if self.interval.is_none() && self.measurement.is_none() {
            return None;
        }
        let mean = self.float();
        let half = half(self.interval).hypot(half(self.measurement));
        let estimate = Estimate {
            mean,
            interval: Some((mean - half, mean + half)),
        };
        within(metric.kind().range(), estimate).0.interval
    }
}

impl Study {
    /// Adds what the measurement leaves open, from studies of the same variants with profiles drawn anew. Metrics that one of them does
    /// not know stay without.
    pub fn add_measurement(&mut self, draws: &[Self]) {
        for variant in &mut self.variants {
            let name = variant.name().to_string();
            let drawn: Vec<&VariantResult> = draws
                .iter()
                .filter_map(|study| study.variants.iter().find(|other| other.name() == name))
                .collect();
            for (r, row) in variant.rows.iter_mut().enumerate() {
                let rows: Vec<&Row> = drawn.iter().filter_map(|variant| variant.rows.get(r)).collect();
                for (&metric, value) in &mut row.values {
                    if let Some(half) = known(&rows, metric).and_then(|values| half_width(&values)) {
                        let mean = value.float();
                        let estimate = Estimate {
                            mean,
                            interval: Some((mean - half, mean + half)),
                        };
                        value.measurement = within(metric.kind().range(), estimate).0.interval;
                    }
                }
            }
            let alls: Vec<&Row> = drawn.iter().map(|variant| variant.all()).collect();
            variant.drawn = Metric::ALL
                .iter()
                .filter_map(|&metric| Some((metric, known(&alls, metric)?)))
                .collect();
        }
    }

    /// How often the measured profiles were drawn anew; 0 without.
    pub fn measurement_draws(&self) -> u32 {
        let draws = self
            .variants
            .iter()
            .flat_map(|variant| variant.drawn.values().map(Vec::len));
        draws.max().unwrap_or(0) as u32
    }

    /// Decides for each row whether it keeps the promise, by the interval of simulation and measurement together: undecided where
    /// that holds the objective.
    pub fn decide(&mut self) {
        for row in self.variants.iter_mut().flat_map(|variant| &mut variant.rows) {
            let (Some(objective), Some(value)) = (row.slo_objective, row.values.get(&Metric::SloViolationRatio)) else {
                continue;
            };
            let most = 1.0 - objective + 1e-12;
            row.slo_met = match value.both(Metric::SloViolationRatio) {
                Some((low, high)) if low <= most && most < high => None,
                _ => Some(value.float() <= most),
            };
        }
    }
}

/// The values of a metric in all rows; `None` where one does not know it.
fn known(rows: &[&Row], metric: Metric) -> Option<Vec<f64>> {
    rows.iter().map(|row| row.float(metric)).collect()
}

/// Half the interval that the measurement leaves open of the difference of two variants; `None` where it is not known.
pub(super) fn of_difference(one: &VariantResult, other: &VariantResult, metric: Metric) -> Option<f64> {
    let (a, b): (&BTreeMap<Metric, Vec<f64>>, _) = (&one.drawn, &other.drawn);
    let (a, b) = (a.get(&metric)?, b.get(&metric)?);
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    half_width(&differences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::normal;
    use crate::study::row::Number;

    #[test]
    fn intervals_add_up_in_squares_and_stay_possible() {
        let value = |interval, measurement| Value {
            mean: Number::Float(0.01),
            interval,
            symmetric: true,
            measurement,
        };
        let both = value(Some((0.007, 0.013)), Some((0.006, 0.014)))
            .both(Metric::SloViolationRatio)
            .unwrap();
        assert!(
            (both.0 - 0.005).abs() < 1e-12 && (both.1 - 0.015).abs() < 1e-12,
            "{both:?}"
        );
        assert_eq!(value(None, None).both(Metric::SloViolationRatio), None);
        let wide = value(None, Some((-0.01, 0.03)))
            .both(Metric::SloViolationRatio)
            .unwrap();
        assert!(wide.0 > 0.0 && wide.1 < 1.0, "{wide:?}");
    }

    #[test]
    fn the_interval_of_few_draws_holds_the_truth_as_often_as_it_says() {
        // The estimate is off by one standard normal error, and the draws have that spread.
        let draws = Draws::new(5, 0);
        let z = |entity: u64, k: u64| normal::quantile(draws.stream(Purpose::Service, entity).uniform(k));
        let n = 4_000;
        let held = (0..n).filter(|&k| {
            let drawn: Vec<f64> = (0..u64::from(USUAL)).map(|b| z(1 + b, k)).collect();
            z(0, k).abs() <= half_width(&drawn).unwrap()
        });
        let share = held.count() as f64 / n as f64;
        assert!((0.94..0.96).contains(&share), "{share}");
        assert_eq!(half_width(&[1.0, 2.0, 3.0]), None);
    }
}
