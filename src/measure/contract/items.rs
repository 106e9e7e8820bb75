//! The answer that `/items/{id}` must give.

use serde_json::{Value, json};

const TAGS: [&str; 7] = ["new", "sale", "eco", "bulk", "local", "gift", "spare"];

/// The answer for `id`, which lies from 1 to 1,000,000.
pub fn listing(id: u64) -> Value {
    let item = |k: u64| {
        let cents = (id * 37 + k * 1009) % 100_000 + 100;
        let created = 1_767_225_600 + (id * 7919 + k * 3600) % 31_536_000;
        let created = jiff::Timestamp::from_second(created as i64).expect("a second of 2026");
        let tag = |n: u64| TAGS[(n % 7) as usize];
        json!({
            "id": id * 1000 + k,
            "name": format!("item {id}-{k}"),
            "price": format!("{}.{:02}", cents / 100, cents % 100),
            "created": created.to_string(),
            "tags": [tag(id + k), tag(id + k + 1 + k % 5)],
            "stock": {"warehouse": format!("w{}", (id + k) % 9 + 1), "quantity": (id * 13 + k * 7) % 500},
        })
    };
    json!({"id": id, "count": 20, "items": (1..=20).map(item).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_contract() {
        let listing = listing(7);
        assert_eq!(listing["items"].as_array().map(Vec::len), Some(20));
        assert_eq!(
            listing["items"][0],
            json!({"id": 7001, "name": "item 7-1", "price": "13.68", "created": "2026-01-01T16:23:53Z",
                   "tags": ["sale", "bulk"], "stock": {"warehouse": "w9", "quantity": 98}})
        );
    }
}
