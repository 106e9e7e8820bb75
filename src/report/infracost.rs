//! `infracost.json`: the projected bill in the shape of infracost's output, version 0.2, which tools for pull requests read: a
//! project for each variant, a resource for each service, a cost component for each line of its bill. Decimals are text, as
//! there.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::cost::bill::{Bill, BillLine};
use crate::study::{Study, VariantResult};

/// The file; `None` where nothing has a price.
pub fn json(study: &Study) -> Option<Vec<u8>> {
    let priced: Vec<&VariantResult> = study
        .variants
        .iter()
        .filter(|variant| !variant.bills.is_empty())
        .collect();
    let hours = priced.first()?.pricing.as_ref()?.month.hours();
    let hourly = |monthly: Decimal| text(monthly / hours);
    let projects: Vec<Value> = priced
        .iter()
        .map(|variant| {
            let total = total(variant);
            json!({
                "name": variant.rows[0].variant,
                "metadata": { "scenario": variant.rows[0].scenario, "seed": variant.rows[0].seed },
                "breakdown": {
                    "resources": variant.bills.iter().map(|(service, bill)| resource(variant, service, bill, hours)).collect::<Vec<_>>(),
                    "totalHourlyCost": hourly(total),
                    "totalMonthlyCost": text(total),
                    "totalMonthlyUsageCost": text(total),
                },
            })
        })
        .collect();
    // The variants are alternatives: the total is that of the first one.
    let first = total(priced.first()?);
    let root = json!({
        "version": "0.2",
        "currency": "USD",
        "projects": projects,
        "totalHourlyCost": hourly(first),
        "totalMonthlyCost": text(first),
        "totalMonthlyUsageCost": text(first),
        "summary": { "note": "a projection by coldcast; projects are alternatives, and the totals are those of the first one" },
    });
    let mut text = serde_json::to_vec_pretty(&root).expect("plain data");
    text.push(b'\n');
    Some(text)
}

fn total(variant: &VariantResult) -> Decimal {
    variant.bills.iter().map(|(_, bill)| bill.total_usd()).sum()
}

fn resource(variant: &VariantResult, service: &str, bill: &Bill, hours: Decimal) -> Value {
    let row = variant.rows.iter().find(|row| row.service == service);
    let framework = &row.unwrap_or(&variant.rows[0]).framework;
    let total = bill.total_usd();
    json!({
        "name": service,
        "resourceType": "coldcast_service",
        "tags": { "framework": framework },
        "metadata": {},
        "hourlyCost": text(total / hours),
        "monthlyCost": text(total),
        "costComponents": bill.lines.iter().map(|line| component(line, hours)).collect::<Vec<_>>(),
    })
}

fn component(line: &BillLine, hours: Decimal) -> Value {
    let quantity = line.quantity / line.per;
    let unit = if line.per == Decimal::ONE {
        line.unit.clone()
    } else {
        format!("{} {}", line.per.normalize(), line.unit)
    };
    json!({
        "name": format!("{}, tier {}", line.meter, line.tier),
        "unit": unit,
        "hourlyQuantity": text(quantity / hours),
        "monthlyQuantity": text(quantity),
        "price": text(line.unit_price_usd * line.per),
        "hourlyCost": text(line.cost_usd / hours),
        "monthlyCost": text(line.cost_usd),
        "usageBased": true,
        "priceNotFound": false,
    })
}

fn text(amount: Decimal) -> String {
    amount.normalize().to_string()
}
