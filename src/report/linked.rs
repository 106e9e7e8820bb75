//! The link of two machines by their panels: the factor of each quantity, and the ratio of each framework.

use super::cells;
use super::table::{Style, draw};
use crate::model::panel::linked::Linked;
use crate::model::panel::{PanelLink, Quantity};

/// The columns of the factors in CSV and JSON.
pub const COLUMNS: [&str; 8] = [
    "quantity",
    "frameworks",
    "factor",
    "factor_low",
    "factor_high",
    "between_frameworks",
    "one_factor_p",
    "one_factor",
];

/// The columns of the ratios in CSV and JSON.
pub const RATIO_COLUMNS: [&str; 3] = ["quantity", "framework", "ratio"];

fn title(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::ColdStart => "cold start",
        Quantity::CpuToReady => "CPU to ready",
        Quantity::JsonCpu => "CPU of /json",
        Quantity::ItemsCpu => "CPU of /items",
    }
}

/// The tables for people: the factors, then the ratios.
pub fn table(first: &PanelLink, second: &PanelLink, linked: &[Linked], style: Style) -> String {
    let header = [
        "quantity",
        "frameworks",
        "second over first",
        "spread between frameworks",
        "p of one factor",
        "one factor",
    ];
    let factors = linked.iter().map(|one| {
        let (low, high) = one.link.interval;
        let test = one.link.test;
        vec![
            title(one.quantity).into(),
            one.link.items.to_string(),
            format!("{:.3} [{low:.3}, {high:.3}]", one.link.factor),
            format!("{:.1}%", 100.0 * one.link.between),
            test.map_or_else(String::new, |test| format!("{:.3}", test.p)),
            test.map_or("", |test| if test.is_enough() { "is enough" } else { "is not enough" })
                .into(),
        ]
    });
    let mut text = format!(
        "first:  {} of {}, {}\nsecond: {} of {}, {}\n\n",
        first.id, first.measured, first.machine, second.id, second.measured, second.machine
    );
    text.push_str(&draw(style, &header, factors.collect(), 1));
    let mut names: Vec<&String> = linked
        .iter()
        .flat_map(|one| one.ratios.iter().map(|(name, _)| name))
        .collect();
    names.sort();
    names.dedup();
    let mut header = vec!["framework"];
    header.extend(linked.iter().map(|one| title(one.quantity)));
    let rows = names.into_iter().map(|name| {
        let ratios = linked.iter().map(|one| {
            let ratio = one.ratios.iter().find(|(other, _)| other == name);
            ratio.map_or_else(String::new, |(_, ratio)| format!("{ratio:.3}"))
        });
        std::iter::once(name.clone()).chain(ratios).collect()
    });
    text.push('\n');
    text.push_str(&draw(style, &header, rows.collect(), 1));
    text.push_str(
        "\nFactors have 95% intervals of a random-effects model. One factor is enough if Welch's test of equal ratios (for CPU per \
         request the F test with pooled variances) has p of at least 0.05.\n",
    );
    text
}

/// The rows of the factors, in the order of [`COLUMNS`].
pub fn rows(linked: &[Linked]) -> Vec<Vec<String>> {
    let row = |one: &Linked| {
        vec![
            one.quantity.name().to_string(),
            one.link.items.to_string(),
            cells::maybe(Some(one.link.factor)),
            cells::maybe(Some(one.link.interval.0)),
            cells::maybe(Some(one.link.interval.1)),
            cells::maybe(Some(one.link.between)),
            cells::maybe(one.link.test.map(|test| test.p)),
            one.link
                .test
                .map(|test| test.is_enough().to_string())
                .unwrap_or_default(),
        ]
    };
    linked.iter().map(row).collect()
}

/// The rows of the ratios, in the order of [`RATIO_COLUMNS`].
pub fn ratio_rows(linked: &[Linked]) -> Vec<Vec<String>> {
    let rows = linked.iter().flat_map(|one| {
        one.ratios.iter().map(|(name, ratio)| {
            vec![
                one.quantity.name().to_string(),
                name.clone(),
                cells::maybe(Some(*ratio)),
            ]
        })
    });
    rows.collect()
}
