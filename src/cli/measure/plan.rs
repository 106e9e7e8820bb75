//! `coldcast measure plan`: the time that a measurement will take.

use comfy_table::{CellAlignment, Table, presets};

use crate::measure::{Estimate, Measurement, estimate, human};

/// A row for each framework and a total.
pub fn table(measurement: &Measurement) -> String {
    let estimates: Vec<Estimate> = measurement
        .subjects
        .iter()
        .map(|subject| estimate(subject, &measurement.configs, measurement.quick))
        .collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "framework",
        "configurations",
        "cold starts",
        "for",
        "warm runs",
        "for",
        "start times from",
    ]);
    for row in &estimates {
        table.add_row([
            row.name.clone(),
            row.configs.to_string(),
            row.starts.to_string(),
            human(row.cold),
            row.warm_runs.to_string(),
            human(row.warm),
            row.measured
                .as_ref()
                .map_or("assumption".into(), |day| format!("profile of {day}")),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let whole = estimates.iter().map(|row| row.cold + row.warm).sum();
    format!(
        "{}\nAbout {} in all on an idle machine, without builds of images.\n",
        lines.join("\n"),
        human(whole)
    )
}
