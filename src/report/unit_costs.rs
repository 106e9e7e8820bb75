//! What a million requests cost: in the mean, those that were answered in time, and the next ones.

use super::table::{self, Style, with_interval};
use crate::study::{Study, marginal};

const COLUMNS: [(&str, &str); 3] = [
    ("cost_per_million_requests_usd", "$ a million requests"),
    ("cost_per_million_good_requests_usd", "$ a million good ones"),
    (marginal::COLUMN, "$ the next million"),
];

/// The table.
pub fn table(study: &Study, style: Style) -> String {
    let header: Vec<&str> = std::iter::once("variant")
        .chain(COLUMNS.map(|(_, title)| title))
        .collect();
    let rows = study.variants.iter().map(|variant| {
        let row = &variant.rows[0];
        let cell = |column: &str| {
            let value = row.values.get(column);
            value.map_or(String::new(), |value| with_interval(value.float(), value.interval))
        };
        let cells = COLUMNS.map(|(column, _)| cell(column));
        std::iter::once(row.variant.clone()).chain(cells).collect()
    });
    table::draw(style, &header, rows.collect(), 1)
}
