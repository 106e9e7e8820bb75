//! The cost of a million requests: on average, of those that keep the SLO, and of the next ones.

use super::table::{self, Style, shown};
use crate::study::{Metric, Study};

const COLUMNS: [(Metric, &str); 3] = [
    (Metric::CostPerMillion, "$ a million requests"),
    (Metric::CostPerMillionGood, "$ a million good ones"),
    (Metric::MarginalCostPerMillion, "$ the next million"),
];

/// The table.
pub fn table(study: &Study, style: Style) -> String {
    let header: Vec<&str> = std::iter::once("variant")
        .chain(COLUMNS.map(|(_, title)| title))
        .collect();
    let rows = study.variants.iter().map(|variant| {
        let cell = |metric| {
            let value = variant.all().values.get(&metric);
            value.map_or(String::new(), |value| shown(value, None))
        };
        let cells = COLUMNS.map(|(metric, _)| cell(metric));
        std::iter::once(variant.name().to_string()).chain(cells).collect()
    });
    table::draw(style, &header, rows.collect(), 1)
}
