//! `catalog frameworks --work`: the CPU time of a unit of each kind of work in each framework, and how much of it the same handler
//! takes in one framework for each millisecond in another.

use std::collections::{BTreeMap, BTreeSet};

use super::cells;
use super::frameworks::Entry;
use super::table::{Style, draw};
use crate::model::unit_cost::{self, UnitCost};
use crate::model::work_ratio::{self, WorkRatio};

/// The columns of CSV and JSON, which have a row for each framework and kind of work. The kind `mixed` has ratios alone.
pub const COLUMNS: [&str; 9] = [
    "name",
    "kind",
    "unit_cpu_us",
    "unit_cpu_us_low",
    "unit_cpu_us_high",
    "against",
    "ratio",
    "ratio_low",
    "ratio_high",
];

/// The costs of units of work in one framework.
#[derive(Debug)]
struct Costs {
    name: String,
    title: String,
    kinds: BTreeMap<String, UnitCost>,
}

/// The work of all frameworks, with ratios to one of them.
#[derive(Debug)]
pub struct Work {
    costs: Vec<Costs>,
    /// The position of the framework that the others are compared with.
    against: Option<usize>,
}

impl Work {
    /// The work of `entries`; ratios are to the framework named `against`. Frameworks without measured work are left out.
    pub fn of(entries: &[Entry], against: Option<&str>) -> Self {
        let costs = entries.iter().filter_map(|entry| {
            let warm = unit_cost::measured_in(entry.profile.as_ref()?)?;
            let kinds = unit_cost::kinds(warm).into_iter();
            Some(Costs {
                name: entry.framework.name.clone(),
                title: entry.framework.title.clone(),
                kinds: kinds
                    .filter_map(|kind| Some((kind.clone(), unit_cost::of(warm, &kind)?)))
                    .collect(),
            })
        });
        let costs: Vec<Costs> = costs.collect();
        let against = against.and_then(|name| costs.iter().position(|costs| costs.name == name));
        Self { costs, against }
    }

    fn ratio(&self, costs: &Costs, only: Option<&str>) -> Option<WorkRatio> {
        let base = &self.costs[self.against?];
        match only {
            None => work_ratio::between(&costs.kinds, &base.kinds),
            Some(kind) => {
                let one =
                    |all: &BTreeMap<String, UnitCost>| Some(BTreeMap::from([(kind.to_string(), *all.get(kind)?)]));
                work_ratio::between(&one(&costs.kinds)?, &one(&base.kinds)?)
            }
        }
    }

    /// The rows of [`COLUMNS`].
    pub fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let against = self.against.map_or("", |base| self.costs[base].name.as_str());
        for costs in &self.costs {
            let mut row = |kind: &str, cost: Option<&UnitCost>, ratio: Option<WorkRatio>| {
                let us = |ms: f64| 1e3 * ms;
                let range = cost.and_then(|cost| cost.interval);
                let of_ratio = ratio.as_ref().and_then(|ratio| ratio.interval);
                let mut row = vec![costs.name.clone(), kind.to_string()];
                row.extend(
                    [
                        cost.map(|cost| us(cost.ms)),
                        range.map(|range| us(range.0)),
                        range.map(|range| us(range.1)),
                    ]
                    .map(cells::maybe),
                );
                row.push(against.to_string());
                row.extend(
                    [
                        ratio.as_ref().map(|ratio| ratio.value),
                        of_ratio.map(|range| range.0),
                        of_ratio.map(|range| range.1),
                    ]
                    .map(cells::maybe),
                );
                rows.push(row);
            };
            for (kind, cost) in &costs.kinds {
                row(kind, Some(cost), self.ratio(costs, Some(kind)));
            }
            if self.against.is_some() {
                row("mixed", None, self.ratio(costs, None));
            }
        }
        rows
    }

    /// The table for people: a line for each framework.
    pub fn table(&self, style: Style) -> String {
        let kinds: BTreeSet<&String> = self.costs.iter().flat_map(|costs| costs.kinds.keys()).collect();
        let mut header = vec!["framework".to_string()];
        header.extend(kinds.iter().map(|kind| format!("{kind}, us")));
        header.extend(
            self.against
                .map(|base| format!("CPU against {}", self.costs[base].title)),
        );
        let range = |value: f64, interval: Option<(f64, f64)>| match interval {
            Some((low, high)) => format!("{} [{}, {}]", digits(value), digits(low), digits(high)),
            None => digits(value),
        };
        let rows = self.costs.iter().map(|costs| {
            let mut cells = vec![costs.title.clone()];
            cells.extend(kinds.iter().map(|kind| {
                let cost = costs.kinds.get(*kind);
                cost.map_or(String::new(), |cost| {
                    range(1e3 * cost.ms, cost.interval.map(|(low, high)| (1e3 * low, 1e3 * high)))
                })
            }));
            if self.against.is_some() {
                let ratio = self.ratio(costs, None);
                cells.push(ratio.map_or(String::new(), |ratio| range(ratio.value, ratio.interval)));
            }
            cells
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        draw(style, &header, rows, 1)
    }
}

/// Three significant digits: what the intervals bear.
fn digits(value: f64) -> String {
    let magnitude = value.abs().max(1e-12).log10().floor();
    let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(against: Option<usize>) -> Work {
        let costs = |name: &str, ms: f64| Costs {
            name: name.into(),
            title: name.to_uppercase(),
            kinds: BTreeMap::from(["items", "template"].map(|kind| {
                let cost = UnitCost {
                    ms,
                    interval: Some((0.9 * ms, 1.1 * ms)),
                    bend: None,
                    sizes: (10.0, 400.0),
                };
                (kind.to_string(), cost)
            })),
        };
        Work {
            costs: vec![costs("django", 0.02), costs("gin", 0.002)],
            against,
        }
    }

    #[test]
    fn the_costs_stand_alone_and_with_ratios() {
        let rows = work(None).rows();
        assert_eq!((rows.len(), rows[2][..4].join(" ")), (4, "gin items 2 1.8".into()));
        let rows = work(Some(0)).rows();
        let mixed: Vec<&Vec<String>> = rows.iter().filter(|row| row[1] == "mixed").collect();
        assert_eq!(
            (rows.len(), mixed[1][5].as_str(), mixed[1][6].as_str()),
            (6, "django", "0.1")
        );
        let table = work(Some(0)).table(Style::Plain);
        assert!(
            table.contains("CPU against DJANGO") && table.contains("2.00 [1.80, 2.20]"),
            "{table}"
        );
        assert!(!work(None).table(Style::Plain).contains("against"));
    }
}
