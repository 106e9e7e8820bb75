use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use serde::{Serialize, Serializer};

use crate::input::Order;

const STATUSES: [&str; 4] = ["open", "paid & packed", "sent", "<returned>"];

#[derive(Serialize)]
pub struct Totals {
    count: usize,
    quantity: u64,
    tags: usize,
}

impl Totals {
    pub fn of(orders: &[Order]) -> Self {
        Self {
            count: orders.len(),
            quantity: orders.iter().map(|order| order.quantity).sum(),
            tags: orders.iter().map(|order| order.tags.len()).sum(),
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Writes an HTML table of orders.
pub fn page(count: u64) -> String {
    let mut page = String::from("<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table>");
    for k in 1..=count {
        let name = escape(&format!("Fish & chips <{k}> from w{}", k * 7 % 9 + 1));
        let price = (k * 1009 % 100_000 + 100) as f64 / 100.0;
        let status = escape(STATUSES[(k % 4) as usize]);
        // Writing to a string never fails.
        let _ = write!(
            page,
            "<tr><td>{k}</td><td>{name}</td><td>{price:.2}</td><td>{status}</td></tr>"
        );
    }
    page.push_str("</table></body></html>");
    page
}

struct Line {
    sku: u64,
    quantity: u64,
    cents: u64,
}

#[derive(Serialize)]
pub struct Group {
    #[serde(serialize_with = "label")]
    sku: u64,
    lines: u64,
    quantity: u64,
    amount: u64,
}

#[derive(Serialize)]
pub struct Summary {
    count: u64,
    total: u64,
    groups: Vec<Group>,
}

fn label<S: Serializer>(sku: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("sku-{sku}"))
}

fn lines(count: u64) -> Vec<Line> {
    (1..=count)
        .map(|k| Line {
            sku: (k * k * 7 + k * 17) % 50,
            quantity: k * 13 % 9 + 1,
            cents: k * 7919 % 9973 + 1,
        })
        .collect()
}

impl Summary {
    /// Groups order lines and keeps the ten groups with the largest amounts.
    pub fn of(count: u64) -> Self {
        let mut groups: HashMap<u64, Group> = HashMap::new();
        for line in lines(count) {
            let group = groups.entry(line.sku).or_insert(Group {
                sku: line.sku,
                lines: 0,
                quantity: 0,
                amount: 0,
            });
            group.lines += 1;
            group.quantity += line.quantity;
            group.amount += line.quantity * line.cents;
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| (Reverse(group.amount), group.sku));
        let total = groups.iter().map(|group| group.amount).sum();
        groups.truncate(10);
        Self { count, total, groups }
    }
}
