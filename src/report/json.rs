//! The answer as JSON: the rows of the summary with numbers as numbers and unknown as null, the bill lines with decimals
//! as strings, and the paired differences.

use serde_json::{Map, Value, json};

use super::answer::Asked;
use super::column::Cell;
use super::{costs, payback, summary};
use crate::study::Study;

/// The whole answer.
pub fn json(study: &Study, asked: Asked) -> String {
    let header = summary::header();
    let rows: Vec<Value> = study
        .rows()
        .map(|row| {
            let cells = header.iter().zip(summary::cells(row));
            Value::Object(
                cells
                    .map(|(name, cell)| (name.clone(), cell.json()))
                    .collect::<Map<_, _>>(),
            )
        })
        .collect();
    let mut answer = json!({ "schema": 1, "summary": rows, "costs": lines(study) });
    if asked.differences {
        let differences = study.differences().into_iter().map(|d| {
            json!({
                "variant": d.variant,
                "baseline": d.baseline,
                "column": d.metric.name(),
                "difference": d.difference.mean,
                "difference_low": d.difference.interval.map(|i| i.0),
                "difference_high": d.difference.interval.map(|i| i.1),
            })
        });
        answer["differences"] = differences.collect();
    }
    if let Some(once) = asked.migration_usd {
        let paybacks = payback::paybacks(study, once).into_iter().map(|payback| {
            let months = payback.months_interval;
            json!({
                "variant": payback.variant,
                "baseline": payback.baseline,
                "saving_usd": payback.saving,
                "saving_usd_low": payback.saving_interval.map(|i| i.0),
                "saving_usd_high": payback.saving_interval.map(|i| i.1),
                "months": payback.months,
                "months_low": months.and_then(|i| i.0),
                "months_high": months.and_then(|i| i.1),
            })
        });
        answer["paybacks"] = paybacks.collect();
    }
    let mut text = serde_json::to_string_pretty(&answer).expect("plain data");
    text.push('\n');
    text
}

/// The lines of all bills; all cells are text, so that decimals keep their digits.
fn lines(study: &Study) -> Vec<Value> {
    let columns = costs::columns();
    let lines = costs::charges(study).map(|charge| {
        let cells = columns.iter().map(|column| (column.name, (column.cell)(&charge)));
        let known = cells.filter(|(_, cell)| *cell != Cell::Unknown);
        Value::Object(
            known
                .map(|(name, cell)| (name.to_string(), cell.plain().into()))
                .collect(),
        )
    });
    lines.collect()
}
