//! `what-if.csv`, and its table: the violations that vanish if something is switched off.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv, docs};
use super::manifest::Manifest;
use super::table::{self, Style};
use crate::study::Study;
use crate::study::what_if::WhatIf as Row;

/// `what-if.csv`.
#[derive(Debug)]
pub struct WhatIf;

/// The columns in the order of the file.
pub fn columns<'a>() -> [Column<&'a Row>; 4] {
    [
        column("variant", "", "The name of the variant.", |of| Cell::text(&of.variant)),
        column("switched_off", "", "What is switched off.", |of| Cell::text(of.switch)),
        column(
            "slo_violations",
            "requests",
            "The violations of the variant as it is, in the mean over replications.",
            |of| Cell::number(of.before),
        ),
        column(
            "slo_violations_without",
            "requests",
            "The violations with it switched off.",
            |of| Cell::number(of.after),
        ),
    ]
}

impl Report for WhatIf {
    fn name(&self) -> &str {
        "what-if.csv"
    }

    fn doc(&self) -> &str {
        "The violations that vanish if something is switched off, with the same random numbers; with `--explain what-if`."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        (!study.what_if.is_empty()).then(|| csv(&columns(), &study.what_if))
    }
}

/// The table for people; empty if nothing was switched off.
pub fn table(study: &Study, style: Style) -> String {
    if study.what_if.is_empty() {
        return String::new();
    }
    let rows = study.what_if.iter().map(|row| {
        let gone = match row.before > 0.0 {
            true => format!("{:.0}%", 100.0 * (row.before - row.after) / row.before),
            false => String::new(),
        };
        vec![
            row.variant.clone(),
            row.switch.to_string(),
            format!("{:.1}", row.before),
            format!("{:.1}", row.after),
            gone,
        ]
    });
    let header = ["variant", "what if", "SLO violations", "then", "of them gone"];
    table::draw(style, &header, rows.collect(), 2)
}
