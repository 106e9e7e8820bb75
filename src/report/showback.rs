//! `showback.csv`: the projected bill by the tags of services (team, environment, cost centre). For each tag the rows of a variant
//! add up to its bill; what has no such tag is in the row `untagged`, which is always there.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::cells;
use crate::study::{Study, VariantResult};

/// Columns in the order of the file.
pub const COLUMNS: [&str; 6] = ["scenario", "variant", "tag", "value", "monthly_cost_usd", "share"];

/// For services without a tag.
const UNTAGGED: &str = "untagged";

/// The file; `None` where nothing has a price, or no service has a tag.
pub fn csv(study: &Study) -> Option<Vec<u8>> {
    let variants = study.variants.iter().filter(|variant| !variant.bills.is_empty());
    let tags: BTreeSet<&str> = variants
        .clone()
        .flat_map(|variant| variant.tags.iter().flat_map(BTreeMap::keys))
        .map(String::as_str)
        .collect();
    let rows = variants.flat_map(|variant| tags.iter().flat_map(move |tag| rows(variant, tag)));
    let rows: Vec<Vec<String>> = rows.collect();
    (!rows.is_empty()).then(|| cells::csv(&COLUMNS, rows))
}

fn rows(variant: &VariantResult, tag: &str) -> Vec<Vec<String>> {
    let mut costs: BTreeMap<&str, Decimal> = BTreeMap::from([(UNTAGGED, Decimal::ZERO)]);
    for ((_, bill), tags) in variant.bills.iter().zip(&variant.tags) {
        let value = tags.get(tag).map_or(UNTAGGED, String::as_str);
        *costs.entry(value).or_default() += bill.total_usd();
    }
    let total: Decimal = costs.values().sum();
    let row = &variant.rows[0];
    costs
        .into_iter()
        .map(|(value, cost)| {
            let share = cost.checked_div(total);
            vec![
                row.scenario.clone(),
                row.variant.clone(),
                tag.to_string(),
                value.to_string(),
                cost.normalize().to_string(),
                share
                    .map(|share| share.round_dp(9).normalize().to_string())
                    .unwrap_or_default(),
            ]
        })
        .collect()
}
