//! The ratio of the work of two frameworks: how much CPU time the same handler takes in one of them for each millisecond in the
//! other.
//!
//! The ratio of one kind of work is that of the costs of its units. A handler of an unknown kind has the geometric mean over all
//! kinds that both were measured in. Its interval holds both the spread over the kinds, each of which the handler may resemble
//! more than the others, and the intervals of the costs: a Student interval of the mean logarithm, with the variance of each cost
//! added. Source: Searle, Casella and McCulloch, Variance Components (1992), section 3.6 (the mean of a random sample of classes).

use std::collections::BTreeMap;

use super::unit_cost::UnitCost;
use crate::rng::Stream;
use crate::stats::interval::student_975;

/// The normal quantile of a 95% interval.
const Z: f64 = 1.959_964;

/// The ratio of the work of one framework to that of another.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkRatio {
    /// The ratio.
    pub value: f64,
    /// Its 95% interval; `None` if one kind was measured, and that without an interval.
    pub interval: Option<(f64, f64)>,
    /// The kinds of work behind it, each with its own ratio.
    pub kinds: Vec<(String, f64)>,
}

impl WorkRatio {
    /// The ratio as it might have come out with other kinds of work: the mean over as many kinds, drawn with replacement.
    pub fn redrawn(&self, stream: Stream) -> f64 {
        let n = self.kinds.len();
        let drawn = (0..n as u64).map(|k| {
            let kind = ((u128::from(stream.bits(k)) * n as u128) >> 64) as usize;
            self.kinds[kind].1.ln()
        });
        (drawn.sum::<f64>() / n as f64).exp()
    }
}

/// Returns the ratio of the costs of units in `a` to those in `b` over all kinds that both have; `None` if there is none.
pub fn between(a: &BTreeMap<String, UnitCost>, b: &BTreeMap<String, UnitCost>) -> Option<WorkRatio> {
    let common = a.iter().filter_map(|(kind, a)| Some((kind, a, b.get(kind)?)));
    let common: Vec<(&String, &UnitCost, &UnitCost)> = common.collect();
    let n = common.len() as f64;
    let logs: Vec<f64> = common.iter().map(|(_, a, b)| (a.ms / b.ms).ln()).collect();
    let mean = logs.iter().sum::<f64>() / n;
    let of_costs: Option<Vec<f64>> = common
        .iter()
        .map(|(_, a, b)| Some(variance(a)? + variance(b)?))
        .collect();
    let half = match (common.len(), of_costs) {
        (0, _) => return None,
        (1, of_costs) => of_costs.map(|of_costs| Z * of_costs[0].sqrt()),
        (_, of_costs) => {
            let spread = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
            // The spread of the ratios holds that of the costs already; it is added where kinds agree by chance.
            let costs = of_costs.map_or(0.0, |of_costs| of_costs.iter().sum::<f64>() / n);
            Some(student_975(common.len() - 1) * (spread.max(costs) / n).sqrt())
        }
    };
    Some(WorkRatio {
        value: mean.exp(),
        interval: half.map(|half| ((mean - half).exp(), (mean + half).exp())),
        kinds: common
            .iter()
            .zip(&logs)
            .map(|((kind, ..), log)| ((*kind).clone(), log.exp()))
            .collect(),
    })
}

/// The variance of the logarithm of a cost, by its interval.
fn variance(cost: &UnitCost) -> Option<f64> {
    let (low, high) = cost.interval.filter(|(low, _)| *low > 0.0)?;
    Some(((high / low).ln() / (2.0 * Z)).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(each: &[(&str, f64, f64)]) -> BTreeMap<String, UnitCost> {
        let cost = |ms: f64, half: f64| UnitCost {
            ms,
            interval: (half > 0.0).then(|| (ms / (1.0 + half), ms * (1.0 + half))),
            bend: None,
            sizes: (10.0, 400.0),
        };
        each.iter()
            .map(|&(kind, ms, half)| (kind.to_string(), cost(ms, half)))
            .collect()
    }

    #[test]
    fn kinds_weigh_equally_and_their_spread_is_in_the_interval() {
        let django = costs(&[
            ("items", 0.02, 0.02),
            ("template", 0.01, 0.02),
            ("validate", 0.04, 0.02),
        ]);
        let gin = costs(&[
            ("items", 0.002, 0.02),
            ("template", 0.002, 0.02),
            ("compute", 1.0, 0.02),
        ]);
        let ratio = between(&gin, &django).unwrap();
        assert!((ratio.value - 0.02f64.sqrt()).abs() < 1e-9, "{ratio:?}");
        assert_eq!(ratio.kinds.len(), 2);
        let (low, high) = ratio.interval.unwrap();
        // Two ratios, 0.1 and 0.2: t with one degree of freedom is wide, as it should be.
        assert!(low < 0.01 && high > 1.0, "{low} {high}");
        assert!((low * high - 0.02).abs() < 1e-6, "symmetric in the logarithm");
    }

    #[test]
    fn kinds_that_agree_by_chance_leave_the_noise_of_their_costs() {
        let a = costs(&[("items", 0.02, 0.05), ("template", 0.02, 0.05), ("compute", 0.02, 0.05)]);
        let b = costs(&[("items", 0.01, 0.05), ("template", 0.01, 0.05), ("compute", 0.01, 0.05)]);
        let ratio = between(&a, &b).unwrap();
        let (low, high) = ratio.interval.unwrap();
        assert!((ratio.value - 2.0).abs() < 1e-9 && low < 1.9 && 2.1 < high, "{ratio:?}");
    }

    #[test]
    fn one_kind_has_its_own_noise_and_no_common_kind_no_ratio() {
        let a = costs(&[("items", 0.02, 0.1)]);
        let ratio = between(&a, &costs(&[("items", 0.01, 0.1)])).unwrap();
        let (low, high) = ratio.interval.unwrap();
        assert!(
            (2.0 / low - high / 2.0).abs() < 1e-9 && (1.1..1.2).contains(&(high / 2.0)),
            "{ratio:?}"
        );
        assert_eq!(between(&a, &costs(&[("items", 0.01, 0.0)])).unwrap().interval, None);
        assert_eq!(between(&a, &costs(&[("template", 0.01, 0.1)])), None);
    }
}
