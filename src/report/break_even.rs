//! Which variant is the cheapest at how much traffic: a table of levels, sentences on the changes, CSV and JSON.

use serde_json::{Value, json};

use super::cells::{self, maybe, number};
use super::table::{self, Style, shown};
use crate::study::break_even::{Costing, Level, Scan, Turn};
use crate::study::row::{Number, Value as CostValue};

/// Columns of the CSV: a row for each level and variant.
pub const COLUMNS: [&str; 13] = [
    "traffic_factor",
    "requests_per_month",
    "variant",
    "slo_met",
    "monthly_cost_usd",
    "monthly_cost_usd_low",
    "monthly_cost_usd_high",
    "monthly_cost_usd_meas_low",
    "monthly_cost_usd_meas_high",
    "cheapest",
    "ahead_usd",
    "ahead_usd_low",
    "ahead_usd_high",
];

/// Levels as rows with a column for each variant, and what follows from them.
pub fn text(scan: &Scan, style: Style) -> String {
    let Some(first) = scan.levels.first() else {
        return String::new();
    };
    let names = first
        .variants
        .iter()
        .map(|costing| format!("{}, $/month", costing.variant));
    let mut header = vec!["times the traffic".to_string(), "million requests/month".to_string()];
    header.extend(names);
    header.extend(["cheapest".to_string(), "ahead by, $/month".to_string()]);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = scan.levels.iter().map(|level| {
        let mut cells = vec![short(level.factor), short(requests(level) / 1e6)];
        cells.extend(level.variants.iter().map(|costing| {
            let cost = shown(&costing.cost, None);
            let slo = match (costing.slo_met, costing.undecided) {
                (Some(false), _) => " (SLO missed)",
                (_, true) => " (SLO undecided)",
                _ => "",
            };
            format!("{cost}{slo}")
        }));
        cells.push(level.leader().unwrap_or("none keeps its SLO").to_string());
        let ahead = level.ahead.map(|ahead| {
            let value = CostValue {
                mean: Number::Float(ahead.mean),
                interval: ahead.interval,
                symmetric: true,
                measurement: None,
            };
            shown(&value, None)
        });
        cells.push(ahead.unwrap_or_default());
        cells
    });
    let mut text = table::draw(style, &header, rows.collect(), 0);
    text.push('\n');
    for sentence in sentences(scan) {
        if style == Style::Markdown {
            text.push_str("- ");
        }
        text.push_str(&sentence);
        text.push('\n');
    }
    text
}

/// The levels in words.
fn sentences(scan: &Scan) -> Vec<String> {
    let Some((first, last)) = scan.levels.first().zip(scan.levels.last()) else {
        return Vec::new();
    };
    if scan.turns.is_empty() {
        let range = format!("{} to {} times the traffic", short(first.factor), short(last.factor));
        return vec![match first.leader() {
            Some(leader) => format!("From {range} {leader} is the cheapest at every level that was looked at."),
            None => format!("From {range} no variant keeps its SLO."),
        }];
    }
    let turns = scan.turns.iter().map(|turn| {
        let [low, high] = &turn.between;
        let to = match high.leader() {
            Some(leader) => format!("{leader} is the cheapest"),
            None => "no variant keeps its SLO".to_string(),
        };
        format!(
            "Between {} and {} times the traffic ({} to {} million requests a month) {}: {to} from there on{}.",
            short(low.factor),
            short(high.factor),
            short(requests(low) / 1e6),
            short(requests(high) / 1e6),
            match low.leader() {
                Some(leader) => format!("{leader} ceases to be the cheapest"),
                None => "a variant begins to keep its SLO".to_string(),
            },
            if turn.is_clear() {
                ""
            } else {
                "; the difference is within noise near by"
            }
        )
    });
    turns.collect()
}

/// A row for each level and variant.
pub fn csv(scan: &Scan) -> Vec<u8> {
    let rows = scan.levels.iter().flat_map(|level| {
        let rows = level.variants.iter().enumerate();
        rows.map(move |(v, costing)| row(level, v, costing))
    });
    cells::csv(&COLUMNS, rows)
}

fn row(level: &Level, v: usize, costing: &Costing) -> Vec<String> {
    let cheapest = level.cheapest == Some(v);
    let ahead = level.ahead.filter(|_| cheapest);
    let interval = ahead.and_then(|ahead| ahead.interval);
    vec![
        number(level.factor),
        number(costing.requests),
        costing.variant.clone(),
        costing.slo_met.map(|met| met.to_string()).unwrap_or_default(),
        cells::mean(&costing.cost),
        maybe(costing.cost.interval.map(|i| i.0)),
        maybe(costing.cost.interval.map(|i| i.1)),
        maybe(costing.cost.measurement.map(|i| i.0)),
        maybe(costing.cost.measurement.map(|i| i.1)),
        cheapest.to_string(),
        maybe(ahead.map(|ahead| ahead.mean)),
        maybe(interval.map(|i| i.0)),
        maybe(interval.map(|i| i.1)),
    ]
}

/// Levels and changes.
pub fn json(scan: &Scan) -> String {
    let level = |level: &Level| {
        let variants = level.variants.iter().map(|costing| {
            json!({
                "variant": costing.variant,
                "requests_per_month": costing.requests,
                "slo_met": costing.slo_met,
                "monthly_cost_usd": costing.cost.float(),
                "monthly_cost_usd_low": costing.cost.interval.map(|i| i.0),
                "monthly_cost_usd_high": costing.cost.interval.map(|i| i.1),
                "monthly_cost_usd_meas_low": costing.cost.measurement.map(|i| i.0),
                "monthly_cost_usd_meas_high": costing.cost.measurement.map(|i| i.1),
            })
        });
        json!({
            "traffic_factor": level.factor,
            "variants": variants.collect::<Vec<Value>>(),
            "cheapest": level.leader(),
            "ahead_usd": level.ahead.map(|ahead| ahead.mean),
            "ahead_usd_low": level.ahead.and_then(|ahead| ahead.interval).map(|i| i.0),
            "ahead_usd_high": level.ahead.and_then(|ahead| ahead.interval).map(|i| i.1),
        })
    };
    let turn = |turn: &Turn| {
        let [low, high] = &turn.between;
        json!({
            "from": low.leader(),
            "to": high.leader(),
            "traffic_factor_low": low.factor,
            "traffic_factor_high": high.factor,
            "requests_per_month_low": requests(low),
            "requests_per_month_high": requests(high),
            "clear": turn.is_clear(),
        })
    };
    let answer = json!({
        "schema": 1,
        "levels": scan.levels.iter().map(level).collect::<Vec<Value>>(),
        "turns": scan.turns.iter().map(turn).collect::<Vec<Value>>(),
    });
    let mut text = serde_json::to_string_pretty(&answer).expect("plain data");
    text.push('\n');
    text
}

/// Requests of the first variant; others have as many unless users wait for slow answers.
fn requests(level: &Level) -> f64 {
    level.variants.first().map_or(f64::NAN, |costing| costing.requests)
}

/// A number with three or four digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let decimals = (3 - value.abs().log10().floor() as i32).clamp(0, 8) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}
