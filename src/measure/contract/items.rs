//! The kind `items`: the answer that `/items/{id}?count=N` must give.

use serde_json::{Value, json};

use super::client::Client;
use super::count;

pub(super) const TAGS: [&str; 7] = ["new", "sale", "eco", "bulk", "local", "gift", "spare"];
/// The number of items without `count`.
const USUAL: u32 = 20;

/// The answer for `id`, which lies from 1 to 1,000,000, with `count` items.
pub(super) fn listing(id: u64, count: u32) -> Value {
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
    json!({"id": id, "count": count, "items": (1..=u64::from(count)).map(item).collect::<Vec<_>>()})
}

/// Checks ids, counts, and that a bad id comes before a bad count.
pub(super) fn check(client: &mut Client<'_>) -> Result<(), String> {
    for id in [1, 7, 42, 365, 99_999, 271_828, 1_000_000] {
        client.get(&format!("/items/{id}"), 200, &listing(id, USUAL))?;
    }
    for path in [
        "0",
        "1000001",
        "-1",
        "+7",
        "007",
        "7.0",
        "abc",
        "7a",
        "%20",
        "99999999999999999999",
        "0?count=3",
        "abc?count=0",
    ] {
        client.get(&format!("/items/{path}"), 404, &json!({"error": "not found"}))?;
    }
    count::bad_counts(client, "/items/7")?;
    for (id, count) in [42, 1_000_000, 7, 271_828, 365].into_iter().zip(count::CHECKED) {
        client.get(&format!("/items/{id}?count={count}"), 200, &listing(id, count))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_contract() {
        let listing = listing(7, 3);
        assert_eq!(listing["count"], 3);
        assert_eq!(listing["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(
            listing["items"][0],
            json!({"id": 7001, "name": "item 7-1", "price": "13.68", "created": "2026-01-01T16:23:53Z",
                   "tags": ["sale", "bulk"], "stock": {"warehouse": "w9", "quantity": 98}})
        );
    }
}
