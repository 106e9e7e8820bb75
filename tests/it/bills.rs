//! Bills, compared with vendors' published examples and with independent arithmetic.

mod commitments;
mod examples;
mod from_facts;
mod properties;
mod rules;
mod traps;

use std::collections::BTreeMap;

use coldcast::cost::bill::{Bill, Terms};
use coldcast::model::price::PriceList;
use coldcast::units::SimDuration;
use rust_decimal::{Decimal, RoundingStrategy};

const X86: &str = "lambda.duration.x86";
const ARM: &str = "lambda.duration.arm";
const REQUESTS: &str = "lambda.requests";

fn aws() -> PriceList {
    PriceList::find("aws-us-east-1-2026-11-01").unwrap()
}

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn usage(rows: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    rows.iter()
        .map(|&(meter, quantity)| (meter.to_string(), dec(quantity)))
        .collect()
}

fn terms(window: Option<SimDuration>, month: &str, free_tier: bool) -> Terms {
    let month = month.parse().unwrap();
    Terms {
        window,
        month,
        free_tier,
    }
}

/// Rounds to cents, half up, as the vendor's page does for each line.
fn cents(usd: Decimal) -> Decimal {
    usd.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn lines(bill: &Bill) -> Vec<String> {
    let lines = bill.lines.iter();
    let text = lines.map(|line| {
        let (meter, tier, cost) = (&line.meter, line.tier, line.cost_usd);
        format!(
            "{meter}/{tier}: {} x {} = {cost}, free {}",
            line.quantity, line.unit_price_usd, line.free_quantity
        )
    });
    text.collect()
}

/// Checks that every line is a product and that the total is the sum.
fn assert_exact(bill: &Bill) {
    for line in &bill.lines {
        assert_eq!(line.quantity * line.unit_price_usd, line.cost_usd, "{line:?}");
        assert_eq!(
            (line.quantity * line.unit_price_usd).normalize().scale(),
            line.cost_usd.scale(),
            "{line:?}"
        );
        assert!(
            line.quantity >= Decimal::ZERO && line.free_quantity >= Decimal::ZERO,
            "{line:?}"
        );
    }
    assert_eq!(
        bill.lines.iter().map(|line| line.cost_usd).sum::<Decimal>(),
        bill.total_usd()
    );
}
