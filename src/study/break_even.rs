//! At how much traffic another variant becomes the cheapest. Costs rise by the request here and in steps there, so the whole
//! range is looked at first, level by level, and each change between two levels is then narrowed down by halving.
//!
//! The cheapest is the one with the lowest mean monthly bill among those that do not miss their SLO; a variant without one misses
//! none, nor does one of which it is undecided.

use super::Study;
use super::metric::Metric;
use super::row::Value;
use crate::stats::interval::Estimate;

/// A change is narrowed down until its ends are so many times apart.
const NARROW: f64 = 1.02;

/// All variants at one level of traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// How many times the scenario's traffic.
    pub factor: f64,
    /// The variants.
    pub variants: Vec<Costing>,
    /// Position of the cheapest of those that do not miss their SLO; `None`: all miss it.
    pub cheapest: Option<usize>,
    /// US dollars a month that the cheapest is below the next one; paired, with the interval of simulation and measurement together.
    pub ahead: Option<Estimate>,
}

/// One variant at one level of traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct Costing {
    /// Its name.
    pub variant: String,
    /// Requests in a month.
    pub requests: f64,
    /// True if it keeps its SLO; `None` without one, and where it is undecided.
    pub slo_met: Option<bool>,
    /// True if the objective lies inside the interval of its violations.
    pub undecided: bool,
    /// US dollars a month.
    pub cost: Value,
}

/// A change of the cheapest variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The highest level looked at with the one before, and the lowest with the one after.
    pub between: [Level; 2],
}

impl Turn {
    /// Returns true if the difference is more than noise at both ends.
    pub fn is_clear(&self) -> bool {
        self.between.iter().all(Level::is_clear)
    }
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The levels that were asked for, rising.
    pub levels: Vec<Level>,
    /// Where the cheapest changes, rising.
    pub turns: Vec<Turn>,
}

/// A variant whose cost is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what `{0}` costs is not known, so that no level of traffic can be found at which it becomes the cheapest")]
pub struct NoCost(pub String);

impl Level {
    /// Returns the level of a study with `factor` times the scenario's traffic.
    ///
    /// # Errors
    /// A variant without a cost.
    pub fn of(factor: f64, study: &Study) -> Result<Self, NoCost> {
        let mut variants = Vec::with_capacity(study.variants.len());
        for variant in &study.variants {
            let row = variant.all();
            let value = |metric| row.values.get(&metric).copied();
            let both = value(Metric::MonthlyCost).zip(value(Metric::RequestsPerMonth));
            let (cost, requests) = both.ok_or_else(|| NoCost(row.variant.clone()))?;
            variants.push(Costing {
                variant: row.variant.clone(),
                requests: requests.float(),
                slo_met: row.slo_met,
                undecided: row.slo_objective.is_some() && row.slo_met.is_none(),
                cost,
            });
        }
        let mut ranked: Vec<usize> = (0..variants.len())
            .filter(|&v| variants[v].slo_met != Some(false))
            .collect();
        ranked.sort_by(|&a, &b| variants[a].cost.float().total_cmp(&variants[b].cost.float()));
        let ahead = match ranked[..] {
            [first, second, ..] => study
                .paired(first, second, Metric::MonthlyCost)
                .map(|Estimate { mean, .. }| Estimate {
                    mean,
                    interval: study.between(first, second, Metric::MonthlyCost),
                }),
            _ => None,
        };
        Ok(Self {
            factor,
            cheapest: ranked.first().copied(),
            variants,
            ahead,
        })
    }

    /// Name of the cheapest.
    pub fn leader(&self) -> Option<&str> {
        self.cheapest.map(|cheapest| self.variants[cheapest].variant.as_str())
    }

    /// Returns true if the cheapest is so by more than noise; false where this is not known.
    pub fn is_clear(&self) -> bool {
        let interval = self.ahead.and_then(|ahead| ahead.interval);
        self.cheapest.is_none() || interval.is_some_and(|(low, _)| low > 0.0)
    }
}

/// `points` levels of traffic from `from` to `to` times the scenario's, each the same ratio above the one before, to four
/// digits.
pub fn factors(from: f64, to: f64, points: u32) -> Vec<f64> {
    let last = f64::from(points.saturating_sub(1).max(1));
    let factors = (0..points).map(|i| {
        let factor = from * (to / from).powf(f64::from(i) / last);
        let digits = 10f64.powi(3 - factor.log10().floor() as i32);
        (factor * digits).round() / digits
    });
    factors.collect()
}

/// Looks at all levels and narrows down where the cheapest changes. `run` gives a level.
///
/// # Errors
/// Those of `run`.
pub fn scan<E>(factors: &[f64], mut run: impl FnMut(f64) -> Result<Level, E>) -> Result<Scan, E> {
    let levels: Vec<Level> = factors.iter().map(|&factor| run(factor)).collect::<Result<_, E>>()?;
    let mut turns = Vec::new();
    for pair in levels.windows(2) {
        narrow([pair[0].clone(), pair[1].clone()], &mut run, &mut turns)?;
    }
    Ok(Scan { levels, turns })
}

fn narrow<E>(
    [mut low, mut high]: [Level; 2],
    run: &mut impl FnMut(f64) -> Result<Level, E>,
    turns: &mut Vec<Turn>,
) -> Result<(), E> {
    while low.cheapest != high.cheapest {
        if high.factor <= NARROW * low.factor {
            turns.push(Turn { between: [low, high] });
            return Ok(());
        }
        let middle = run((low.factor * high.factor).sqrt())?;
        if middle.cheapest == low.cheapest {
            low = middle;
        } else if middle.cheapest == high.cheapest {
            high = middle;
        } else {
            // A third one is the cheapest in between.
            narrow([low, middle.clone()], run, turns)?;
            low = middle;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::row::Number;

    /// Variants that cost `fixed + each * factor`.
    fn level(factor: f64, lines: &[(f64, f64)]) -> Level {
        let variants: Vec<Costing> = lines
            .iter()
            .enumerate()
            .map(|(v, (fixed, each))| Costing {
                variant: v.to_string(),
                requests: 1e6 * factor,
                slo_met: Some(true),
                undecided: false,
                cost: Value {
                    mean: Number::Float(fixed + each * factor),
                    interval: None,
                    symmetric: true,
                    measurement: None,
                },
            })
            .collect();
        let cost = |v: &usize| variants[*v].cost.float();
        Level {
            factor,
            cheapest: (0..variants.len()).min_by(|a, b| cost(a).total_cmp(&cost(b))),
            variants,
            ahead: None,
        }
    }

    fn turns(lines: &[(f64, f64)], points: u32) -> Vec<(String, String, f64, f64)> {
        let scan = scan::<()>(&factors(0.1, 10.0, points), |factor| Ok(level(factor, lines))).unwrap();
        let turns = scan.turns.into_iter().map(|Turn { between: [low, high] }| {
            let name = |level: &Level| level.leader().unwrap_or("none").to_string();
            (name(&low), name(&high), low.factor, high.factor)
        });
        turns.collect()
    }

    #[test]
    fn two_lines_cross_where_they_are_equal() {
        // By the request against by the hour: 10 x = 25.
        let found = turns(&[(0.0, 10.0), (25.0, 0.0)], 5);
        let [(from, to, low, high)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((from.as_str(), to.as_str()), ("0", "1"));
        assert!(*low <= 2.5 && 2.5 <= *high && high / low <= NARROW, "{low} to {high}");
    }

    #[test]
    fn a_third_one_between_two_levels_is_not_missed_by_halving() {
        // 10 x, 5 + 5 x and 25: equal at 1 and at 4. Two levels alone see the first and the last.
        let found = turns(&[(0.0, 10.0), (5.0, 5.0), (25.0, 0.0)], 2);
        let names: Vec<_> = found
            .iter()
            .map(|(from, to, ..)| (from.as_str(), to.as_str()))
            .collect();
        assert_eq!(names, [("0", "1"), ("1", "2")]);
        for ((.., low, high), at) in found.iter().zip([1.0, 4.0]) {
            assert!(*low <= at && at <= *high, "{low} to {high}: {at}");
        }
    }

    #[test]
    fn nothing_turns_where_one_is_always_below() {
        assert!(turns(&[(1.0, 1.0), (2.0, 2.0)], 9).is_empty());
    }

    #[test]
    fn levels_are_the_same_ratio_apart() {
        assert_eq!(factors(0.1, 10.0, 5), [0.1, 0.3162, 1.0, 3.162, 10.0]);
        assert_eq!(factors(2.0, 3.0, 2), [2.0, 3.0]);
        assert_eq!(factors(1.0, 30.0, 2), [1.0, 30.0]);
    }
}
