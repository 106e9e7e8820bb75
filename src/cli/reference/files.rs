//! The files of a result and their columns, from the reports that write them.

use std::fmt::Write as _;

use crate::report::REPORTS;

/// A table of all files, then a table of columns for each file that has them.
pub(super) fn markdown() -> String {
    let mut text = String::from("| file | content |\n|---|---|\n");
    for report in REPORTS {
        let _ = writeln!(text, "| `{}` | {} |", report.name(), cell(report.doc()));
    }
    for report in REPORTS {
        let columns = report.columns();
        if columns.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n## {}\n\n| column | unit | meaning |\n|---|---|---|\n",
            report.name()
        );
        for column in columns {
            let ends = if column.has_interval {
                ", `_low`, `_high`, `_meas_low`, `_meas_high`"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "| `{}`{ends} | {} | {} |",
                column.name,
                cell(column.unit),
                cell(column.doc)
            );
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
