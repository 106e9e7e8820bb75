//! The answer as JSON: the rows of the summary with numbers as numbers and unknown as null, the bill lines with decimals
//! as strings, and the paired differences.

use serde_json::{Map, Value, json};

use super::{costs, payback, summary};
use crate::study::Study;

/// Columns of the summary that are text even when they look like numbers.
const TEXT: [&str; 9] = [
    "scenario",
    "variant",
    "service",
    "framework",
    "platform",
    "price_list",
    "price_date",
    "profile_source",
    "rejected_reasons",
];

/// The whole answer.
pub fn json(study: &Study, compared: bool, migration_usd: Option<f64>) -> String {
    let header = summary::header();
    let rows: Vec<Value> = study
        .rows()
        .map(|row| {
            let cells = header.iter().zip(summary::cells(row));
            Value::Object(
                cells
                    .map(|(name, cell)| (name.clone(), value(name, cell)))
                    .collect::<Map<_, _>>(),
            )
        })
        .collect();
    let mut answer = json!({ "schema": 1, "summary": rows, "costs": lines(study) });
    if compared {
        let differences = study.differences().into_iter().map(|d| {
            json!({
                "variant": d.variant,
                "baseline": d.baseline,
                "column": d.column,
                "difference": d.difference.mean,
                "difference_low": d.difference.interval.map(|i| i.0),
                "difference_high": d.difference.interval.map(|i| i.1),
            })
        });
        answer["differences"] = differences.collect();
    }
    if let Some(once) = migration_usd {
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

fn value(name: &str, cell: String) -> Value {
    match cell.as_str() {
        "" => Value::Null,
        _ if TEXT.contains(&name) => Value::String(cell),
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        number => number.parse().map(Value::Number).unwrap_or(Value::String(cell)),
    }
}

fn lines(study: &Study) -> Vec<Value> {
    let lines = study.variants.iter().flat_map(|variant| {
        let row = &variant.rows[0];
        variant.bills.iter().flat_map(move |(service, bill)| {
            bill.lines.iter().map(move |line| {
                let cells = costs::cells(&row.scenario, &row.variant, service, line);
                let cells = costs::COLUMNS.iter().zip(cells);
                let cells = cells.map(|(name, cell)| (name.to_string(), Value::String(cell)));
                Value::Object(cells.filter(|(_, cell)| cell != "").collect())
            })
        })
    });
    lines.collect()
}
