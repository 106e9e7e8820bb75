//! When a move pays back: what it costs once, over what it saves each month against the first variant.
//!
//! Differences are paired, so that the interval of the saving is that of both with the same traffic and random numbers. A saving whose interval
//! holds 0 may never pay back, and then the months have no upper end.

use super::table::{self, Style};
use crate::study::{Metric, Study};

/// The saving of a move to a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Payback {
    /// The variant.
    pub variant: String,
    /// Where the move begins.
    pub baseline: String,
    /// US dollars a month; negative where the variant costs more.
    pub saving: f64,
    /// 95% interval of it.
    pub saving_interval: Option<(f64, f64)>,
    /// Months until the move has paid back; `None`: never.
    pub months: Option<f64>,
    /// Months by the ends of the saving's interval, the shorter first; an end that is `None`: never.
    pub months_interval: Option<(Option<f64>, Option<f64>)>,
}

/// Returns the savings of a move to each other variant that costs `once_usd` once. Variants whose cost is not known are left out.
pub fn paybacks(study: &Study, once_usd: f64) -> Vec<Payback> {
    let months = |saving: f64| (saving > 0.0).then(|| once_usd / saving);
    let costs = study
        .differences()
        .into_iter()
        .filter(|d| d.metric == Metric::MonthlyCost);
    costs
        .map(|d| {
            // What is saved is what the variant costs less.
            let interval = d.difference.interval.map(|(low, high)| (-high, -low));
            Payback {
                variant: d.variant,
                baseline: d.baseline,
                saving: -d.difference.mean,
                saving_interval: interval,
                months: months(-d.difference.mean),
                months_interval: interval.map(|(low, high)| (months(high), months(low))),
            }
        })
        .collect()
}

/// The table; empty where no cost is known.
pub fn table(study: &Study, once_usd: f64, style: Style) -> String {
    let paybacks = paybacks(study, once_usd);
    let Some(first) = paybacks.first() else {
        return String::new();
    };
    let from = format!("from {} to", first.baseline);
    let header = [from.as_str(), "saves $/month", "95%", "months to pay back", "95%"];
    let range = |low: String, high: String| format!("[{low}, {high}]");
    let rows = paybacks.iter().map(|payback| {
        vec![
            payback.variant.clone(),
            format!("{:.2}", payback.saving),
            payback
                .saving_interval
                .map(|(low, high)| range(format!("{low:.2}"), format!("{high:.2}")))
                .unwrap_or_default(),
            months(payback.months),
            payback
                .months_interval
                .map(|(short, long)| range(months(short), months(long)))
                .unwrap_or_default(),
        ]
    });
    table::draw(style, &header, rows.collect(), 1)
}

fn months(months: Option<f64>) -> String {
    match months {
        None => "never".into(),
        Some(months) => format!("{months:.1}"),
    }
}
