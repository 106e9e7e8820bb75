//! The check of `/echo`, and the ways in which an order breaks a rule.

use serde_json::{Value, json};

use super::client::{Client, shown};
use crate::measure::http::Request;

/// An order with one value that breaks a rule, for each rule.
pub(super) fn broken_orders() -> Vec<Value> {
    let mut orders = vec![json!({}), json!({"name": "n"}), json!({"quantity": 2})];
    for (key, bad) in [
        ("name", json!("")),
        ("name", json!("n".repeat(101))),
        ("name", json!(5)),
        ("name", Value::Null),
        ("quantity", json!(0)),
        ("quantity", json!(1001)),
        ("quantity", json!("2")),
        ("quantity", json!(1.5)),
        ("quantity", Value::Null),
        ("tags", json!(vec!["t"; 11])),
        ("tags", json!([1])),
        ("tags", json!("t")),
    ] {
        let mut order = json!({"name": "n", "quantity": 2});
        order[key] = bad;
        orders.push(order);
    }
    orders
}

/// Checks that good orders come back, and that bad bodies are refused.
pub(super) fn check(client: &mut Client<'_>) -> Result<(), String> {
    let mut back = |sent: Value, expected: &Value| {
        let body = sent.to_string();
        let what = format!("POST /echo {}", shown(&body));
        client.expect(&what, &Request::post_json("/echo", &body), 200, expected)
    };
    for order in [
        json!({"name": "n", "quantity": 1, "tags": []}),
        json!({"name": "n".repeat(100), "quantity": 1000, "tags": vec!["t"; 10]}),
        json!({"name": "caf\u{e9} \u{2615}", "quantity": 7, "tags": ["a", ""]}),
    ] {
        back(order.clone(), &order)?;
    }
    let plain = json!({"name": "n", "quantity": 2, "tags": []});
    back(json!({"name": "n", "quantity": 2}), &plain)?;
    back(json!({"name": "n", "quantity": 2, "unknown": 1}), &plain)?;
    for bad in broken_orders().into_iter().chain([json!([]), json!(3)]) {
        let body = bad.to_string();
        client.refused("/echo", &shown(&body), &body)?;
    }
    client.refused("/echo", "{\"name\":", "{\"name\":")
}
