//! The kind `compute`: the totals that `/compute?count=N` must give.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::Client;
use super::count;

/// The number of groups in an answer.
const SHOWN: usize = 10;

/// The totals of the lines of one `sku`.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    lines: u64,
    quantity: u64,
    amount: u64,
}

/// The answer for `count` order lines.
pub(super) fn totals(count: u32) -> Value {
    let mut groups: BTreeMap<u64, Group> = BTreeMap::new();
    for k in 1..=u64::from(count) {
        let quantity = k * 13 % 9 + 1;
        let group = groups.entry((k * k * 7 + k * 17) % 50).or_default();
        group.lines += 1;
        group.quantity += quantity;
        group.amount += quantity * (k * 7919 % 9973 + 1);
    }
    let total: u64 = groups.values().map(|group| group.amount).sum();
    // The map is in the order of `sku`, and the sort is stable.
    let mut groups: Vec<(u64, Group)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.amount));
    let shown = groups.iter().take(SHOWN).map(|(sku, group)| {
        json!({"sku": format!("sku-{sku}"), "lines": group.lines, "quantity": group.quantity, "amount": group.amount})
    });
    json!({"count": count, "total": total, "groups": shown.collect::<Vec<_>>()})
}

/// Checks totals of each size, and bad counts.
pub(super) fn check(client: &mut Client<'_>) -> Result<(), String> {
    count::refused(client, "/compute")?;
    count::bad_counts(client, "/compute")?;
    for count in count::CHECKED {
        client.get(&format!("/compute?count={count}"), 200, &totals(count))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_contract() {
        assert_eq!(
            totals(3),
            json!({"count": 3, "total": 107_642, "groups": [
                {"sku": "sku-12", "lines": 1, "quantity": 9, "amount": 52_794},
                {"sku": "sku-24", "lines": 1, "quantity": 5, "amount": 39_600},
                {"sku": "sku-14", "lines": 1, "quantity": 4, "amount": 15_248},
            ]})
        );
        let twelve = totals(12);
        assert_eq!(twelve["total"], 371_709);
        assert_eq!(twelve["groups"].as_array().map(Vec::len), Some(8));
        assert_eq!(
            twelve["groups"][0],
            json!({"sku": "sku-34", "lines": 2, "quantity": 15, "amount": 87_024})
        );
        assert_eq!(
            twelve["groups"][1],
            json!({"sku": "sku-12", "lines": 3, "quantity": 15, "amount": 85_020})
        );
    }

    #[test]
    fn an_answer_has_ten_groups_at_most() {
        let many = totals(9999);
        assert_eq!(many["groups"].as_array().map(Vec::len), Some(10));
        // Computed by hand elsewhere: the sum goes over all groups, and not over those that are shown.
        assert_eq!(many["total"], 249_435_464);
    }
}
