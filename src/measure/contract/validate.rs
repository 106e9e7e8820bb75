//! The kind `validate`: lists of orders, and the answer that `/validate` must give.

use serde_json::{Value, json};

use super::client::{Client, shown};
use super::count;
use super::echo::broken_orders;
use super::items::TAGS;
use crate::measure::http::Request;

/// The order number `k` of a measurement.
fn order(k: u32) -> Value {
    let tags: Vec<&str> = (0..k % 4).map(|j| TAGS[((k + j) % 7) as usize]).collect();
    json!({"name": format!("order {k}"), "quantity": k * 13 % 1000 + 1, "tags": tags})
}

/// The first `count` orders of a measurement.
pub(super) fn orders(count: u32) -> Vec<Value> {
    (1..=count).map(order).collect()
}

/// The body with which a measurement asks `/validate` for `count` orders.
pub(in crate::measure) fn measured_orders(count: u32) -> String {
    Value::from(orders(count)).to_string()
}

/// The answer for a list of good orders.
pub(super) fn totals(orders: &[Value]) -> Value {
    let quantity: u64 = orders.iter().filter_map(|order| order["quantity"].as_u64()).sum();
    let tags: usize = orders
        .iter()
        .filter_map(|order| order["tags"].as_array())
        .map(Vec::len)
        .sum();
    json!({"count": orders.len(), "quantity": quantity, "tags": tags})
}

/// Checks good lists of each size, lists with one bad order at each place, and bodies that are no list of orders. What takes
/// longest comes last.
pub(super) fn check(client: &mut Client<'_>) -> Result<(), String> {
    accepted(client, "at the limits of its rules", &limits())?;
    for body in [
        "[]",
        "{}",
        &order(1).to_string(),
        r#"{"orders":[]}"#,
        "3",
        "null",
        r#""text""#,
        "[",
        r#"[{"name":"n","quantity":2},"#,
        "no JSON",
    ] {
        client.refused("/validate", body, body)?;
    }
    // Each rule is broken once, in turn by the first order, one in the middle, and the last.
    for (number, broken) in broken_orders().into_iter().enumerate() {
        with_one_bad(client, 5, number % 3, broken)?;
    }
    for (place, broken) in [json!(3), Value::Null, json!([])].into_iter().enumerate() {
        with_one_bad(client, 3, place, broken)?;
    }
    with_one_bad(client, 1, 0, json!({"name": "n", "quantity": "2"}))?;
    for place in 0..3 {
        with_one_bad(client, 999, place, json!({"name": "n", "quantity": 0}))?;
    }
    for count in count::CHECKED {
        accepted(client, &format!("with {count} orders"), &orders(count))?;
    }
    let too_many = Value::from(orders(count::LARGEST + 1)).to_string();
    client.refused("/validate", "with 10000 orders", &too_many)?;
    accepted(client, "of about 3 MB", &heavy())
}

/// Checks that the app accepts these orders and adds them up.
fn accepted(client: &mut Client<'_>, told: &str, orders: &[Value]) -> Result<(), String> {
    let body = Value::from(orders).to_string();
    let what = format!("POST /validate {told}");
    client.expect(&what, &Request::post_json("/validate", &body), 200, &totals(orders))
}

/// Checks that the app refuses `count` orders of which one is bad. `place` is 0 for the first, 1 for one in the middle, and 2
/// for the last.
fn with_one_bad(client: &mut Client<'_>, count: u32, place: usize, bad: Value) -> Result<(), String> {
    let mut orders = orders(count);
    let at = place * (orders.len() - 1) / 2;
    let told = format!("with {count} orders, number {} is {}", at + 1, shown(&bad.to_string()));
    orders[at] = bad;
    client.refused("/validate", &told, &Value::from(orders).to_string())
}

/// Good orders at the limits of the rules: shortest and longest values, no tags, and keys that the app drops.
fn limits() -> Vec<Value> {
    vec![
        json!({"name": "n", "quantity": 1, "tags": []}),
        json!({"name": "n".repeat(100), "quantity": 1000, "tags": vec!["t"; 10]}),
        json!({"name": "caf\u{e9} \u{2615} & <b>", "quantity": 7, "tags": ["a", ""]}),
        json!({"name": "n", "quantity": 2}),
        json!({"name": "n", "quantity": 3, "tags": ["a"], "unknown": {"tags": ["b"]}}),
    ]
}

/// The largest number of orders, with long names and many tags: about 3 MB of JSON.
fn heavy() -> Vec<Value> {
    let heavy = |k| json!({"name": format!("{k:0>100}"), "quantity": k % 1000 + 1, "tags": vec!["a longer tag"; 10]});
    (1..=count::LARGEST).map(heavy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_contract() {
        let orders = orders(3);
        assert_eq!(
            orders,
            [
                json!({"name": "order 1", "quantity": 14, "tags": ["sale"]}),
                json!({"name": "order 2", "quantity": 27, "tags": ["eco", "bulk"]}),
                json!({"name": "order 3", "quantity": 40, "tags": ["bulk", "local", "gift"]}),
            ]
        );
        assert_eq!(totals(&orders), json!({"count": 3, "quantity": 81, "tags": 6}));
    }

    #[test]
    fn the_heavy_list_is_larger_than_usual_limits_and_within_that_of_the_contract() {
        let length = Value::from(heavy()).to_string().len();
        assert!((2_700_000..4 << 20).contains(&length), "{length} bytes");
    }
}
