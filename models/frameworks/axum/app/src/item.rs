use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

const TAGS: [&str; 7] = ["new", "sale", "eco", "bulk", "local", "gift", "spare"];

#[derive(Serialize)]
pub struct Listing {
    id: u64,
    count: u64,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: u64,
    name: String,
    price: String,
    created: DateTime<Utc>,
    tags: Vec<&'static str>,
    stock: Stock,
}

#[derive(Serialize)]
struct Stock {
    warehouse: String,
    quantity: u64,
}

impl Listing {
    pub fn new(id: u64, count: u64) -> Self {
        let items = (1..=count).map(|k| Item::new(id, k)).collect();
        Self { id, count, items }
    }
}

impl Item {
    fn new(id: u64, k: u64) -> Self {
        let tag = |number: u64| TAGS[(number % 7) as usize];
        let cents = (id * 37 + k * 1009) % 100_000 + 100;
        let created = 1_767_225_600 + (id * 7919 + k * 3600) % 31_536_000;
        Self {
            id: id * 1000 + k,
            name: format!("item {id}-{k}"),
            price: format!("{:.2}", cents as f64 / 100.0),
            created: DateTime::UNIX_EPOCH + TimeDelta::seconds(created as i64),
            tags: vec![tag(id + k), tag(id + k + 1 + k % 5)],
            stock: Stock {
                warehouse: format!("w{}", (id + k) % 9 + 1),
                quantity: (id * 13 + k * 7) % 500,
            },
        }
    }
}
