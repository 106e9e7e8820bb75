//! `infracost.json`: the projected bill in the format of infracost's output, version 0.2, which tools for pull requests read: a
//! project for each variant, a resource for each service, a cost component for each line of its bill. Decimals are text, as in that
//! format.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Report;
use super::manifest::Manifest;
use crate::cost::bill::{Bill, BillLine};
use crate::study::{Study, VariantResult};

/// `infracost.json`.
#[derive(Debug)]
pub struct Infracost;

impl Report for Infracost {
    fn name(&self) -> &str {
        "infracost.json"
    }

    fn doc(&self) -> &str {
        "The bill in the format of infracost's output, version 0.2, for comments on pull requests."
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let priced: Vec<&VariantResult> = study
            .variants
            .iter()
            .filter(|variant| !variant.bills.is_empty())
            .collect();
        let hours = priced.first()?.billing.as_ref()?.month.hours();
        let hourly = |monthly: Decimal| text(monthly / hours);
        let projects: Vec<Value> = priced.iter().map(|variant| project(variant, hours)).collect();
        // The variants are alternatives: the total is that of the first one.
        let first = priced.first()?.total_usd();
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
}

fn project(variant: &VariantResult, hours: Decimal) -> Value {
    let total = variant.total_usd();
    let resources = variant
        .bills
        .iter()
        .map(|(service, bill)| resource(variant, service, bill, hours));
    json!({
        "name": variant.name(),
        "metadata": { "scenario": variant.scenario(), "seed": variant.all().seed },
        "breakdown": {
            "resources": resources.collect::<Vec<_>>(),
            "totalHourlyCost": text(total / hours),
            "totalMonthlyCost": text(total),
            "totalMonthlyUsageCost": text(total),
        },
    })
}

fn resource(variant: &VariantResult, service: &str, bill: &Bill, hours: Decimal) -> Value {
    let framework = &variant.row_of(service).framework;
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
