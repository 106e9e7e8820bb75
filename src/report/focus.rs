//! `focus.csv`: the projected bill in the columns of the FinOps Open Cost and Usage Specification, FOCUS 1.2, so that what reads
//! actual bills reads a projection, too. It says of every row that it is one (`x_IsProjection`, and the type of the account).
//!
//! Source: FOCUS 1.2, dataset Cost and Usage: columns, allowed values, formats of numbers, dates and units. Variants are
//! alternatives: a sum makes sense within one `x_Variant`. `BilledCost` of a variant adds up to its `monthly_cost_usd`, in the
//! currency that the scenario asks for.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;

use super::cells;
use crate::cost::bill::{BillLine, CommitmentRole};
use crate::cost::month::Month;
use crate::model::price::CommitmentKind;
use crate::study::{Study, VariantResult};

/// Columns in the order of the file.
pub const COLUMNS: [&str; 56] = [
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_Scenario",
    "x_Variant",
    "x_Framework",
    "x_RunId",
    "x_PriceTableAsOf",
    "x_CostP05",
    "x_CostP95",
    "x_IsProjection",
];

/// Columns that follow where there are commitments.
pub const COMMITMENT_COLUMNS: [&str; 7] = [
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
];

/// What services are, as the specification sorts them: a word in the provider's name, category and subcategory. The first that
/// fits counts.
const SERVICES: [(&str, &str, &str); 15] = [
    ("savings-plan", "Compute", "Other (Compute)"),
    ("reserved-instances", "Compute", "Virtual Machines"),
    ("Lambda", "Compute", "Serverless Compute"),
    ("Functions", "Compute", "Serverless Compute"),
    ("Cloud Run", "Compute", "Containers"),
    ("Container Apps", "Compute", "Containers"),
    ("Container Registry", "Compute", "Containers"),
    ("Container Service", "Compute", "Containers"),
    ("Kubernetes", "Compute", "Containers"),
    ("Compute", "Compute", "Virtual Machines"),
    ("Virtual Machines", "Compute", "Virtual Machines"),
    ("Block Store", "Storage", "Block Storage"),
    ("Load Balancing", "Networking", "Application Networking"),
    ("API Gateway", "Integration", "API Management"),
    ("CloudWatch", "Management and Governance", "Observability"),
];

/// For all other services.
const NETWORK: (&str, &str) = ("Networking", "Network Connectivity");

/// The file; `None` where nothing has a price.
pub fn csv(study: &Study) -> Option<Vec<u8>> {
    let pricings = study.variants.iter().filter_map(|variant| variant.pricing.as_ref());
    let committed = pricings.clone().any(|pricing| !pricing.commitments.is_empty());
    let rows: Vec<Vec<String>> = study
        .variants
        .iter()
        .flat_map(|variant| rows(variant, committed))
        .collect();
    let mut columns = COLUMNS.to_vec();
    if committed {
        columns.extend(COMMITMENT_COLUMNS);
    }
    (!rows.is_empty()).then(|| cells::csv(&columns, rows))
}

fn rows(variant: &VariantResult, committed: bool) -> Vec<Vec<String>> {
    let Some(pricing) = &variant.pricing else {
        return Vec::new();
    };
    let period = period(pricing.month, pricing.list.effective);
    let services = variant.bills.iter().zip(&variant.bill_ranges).enumerate();
    let lines = services.flat_map(|(place, ((service, bill), ranges))| {
        let lines = bill.lines.iter().zip(ranges);
        lines.map(move |(line, range)| (place, service, line, range))
    });
    lines
        .map(|(place, service, line, range)| {
            let mut row = row(variant, (place, service), line, range.as_ref(), &period);
            if committed {
                row.extend(commitment(line));
            }
            row
        })
        .collect()
}

/// The cells of the columns on commitments.
fn commitment(line: &BillLine) -> [String; 7] {
    let Some(part) = &line.commitment else {
        return Default::default();
    };
    let reserved = part.kind == CommitmentKind::ReservedInstances;
    let (quantity, counted) = match (part.role, reserved) {
        (CommitmentRole::Purchase, _) => (String::new(), String::new()),
        (CommitmentRole::Covered, true) => (number(line.quantity), unit(&line.unit)),
        _ => (number(line.effective_cost_usd()), "USD".into()),
    };
    [
        if reserved { "Usage" } else { "Spend" }.into(),
        format!("projection-{}", slug(&part.name)),
        part.name.clone(),
        quantity,
        match part.role {
            CommitmentRole::Purchase => "",
            CommitmentRole::Covered => "Used",
            CommitmentRole::Unused => "Unused",
        }
        .into(),
        part.kind.name().into(),
        counted,
    ]
}

/// First day of the billed month and of the next one: that of the calendar, or, where a month is a number of hours, the one in
/// which the price list begins to hold.
fn period(month: Month, effective: Date) -> [String; 2] {
    let first = match month {
        Month::Calendar { year, month } => Date::new(year, month, 1).unwrap_or(effective),
        Month::Hours(_) => effective.first_of_month(),
    };
    let last = first.last_of_month();
    [first, last.tomorrow().unwrap_or(last)].map(|day| format!("{day}T00:00:00Z"))
}

fn row(
    variant: &VariantResult,
    (place, service): (usize, &String),
    line: &BillLine,
    range: Option<&[Decimal; 2]>,
    [start, end]: &[String; 2],
) -> Vec<String> {
    let summary = &variant.rows[0];
    // Row 0 is that of all services where there are several.
    let own = variant
        .rows
        .iter()
        .find(|row| row.service == *service)
        .unwrap_or(summary);
    let framework = own.framework.clone();
    let (category, subcategory) = SERVICES
        .iter()
        .find(|(word, ..)| line.cloud_service.contains(word))
        .map_or(NETWORK, |&(_, category, subcategory)| (category, subcategory));
    let list = variant.pricing.as_ref().map(|pricing| &pricing.list);
    let provider = list.map_or(line.provider.as_str(), |list| &list.provider_name);
    // What a commitment covers is contracted at the price without it.
    let contracted = line
        .commitment
        .as_ref()
        .map_or(line.unit_price_usd, |part| part.on_demand_unit_price_usd);
    let role = line.commitment.as_ref().map(|part| part.role);
    // Costs are in the currency of the invoice, prices also in that of the list.
    let currency = variant.pricing.as_ref().and_then(|pricing| pricing.currency.as_ref());
    let invoiced = |usd: Decimal| number(currency.map_or(usd, |currency| currency.of(usd)));
    let code = currency.map_or("USD", |currency| currency.code.as_str());
    let (cost, unit_price) = (invoiced(line.cost_usd), contracted * line.per);
    let effective = line.effective_cost_usd();
    let contracted_cost = line.quantity * contracted;
    let list_price = line.list_unit_price_usd * line.per;
    let priced = line.quantity / line.per;
    let list_cost = line.quantity * line.list_unit_price_usd;
    let consumed = !matches!(role, Some(CommitmentRole::Purchase | CommitmentRole::Unused));
    let sku = if line.sku.is_empty() { &line.meter } else { &line.sku };
    let region = list.and_then(|list| list.region_name.clone());
    let account = format!("projection-{}", slug(&summary.scenario));
    let sub_account = format!("{account}-{place}");
    vec![
        String::new(),
        cost,
        account,
        summary.scenario.clone(),
        "Projection".into(),
        code.into(),
        end.clone(),
        start.clone(),
        if role == Some(CommitmentRole::Purchase) {
            "Purchase"
        } else {
            "Usage"
        }
        .into(),
        String::new(),
        match role {
            None => format!("{}, tier {}", line.meter, line.tier),
            Some(role) => format!("{}, {} by commitment", line.meter, role.name()),
        },
        if role == Some(CommitmentRole::Purchase) {
            "Recurring"
        } else {
            "Usage-Based"
        }
        .into(),
        end.clone(),
        start.clone(),
        if consumed {
            number(line.quantity + line.free_quantity)
        } else {
            String::new()
        },
        if consumed { unit(&line.unit) } else { String::new() },
        invoiced(contracted_cost),
        invoiced(unit_price),
        invoiced(effective),
        String::new(),
        provider.into(),
        invoiced(list_cost),
        invoiced(list_price),
        match role {
            Some(CommitmentRole::Covered | CommitmentRole::Unused) => "Committed",
            _ if line.meter.contains(".spot.") => "Dynamic",
            _ => "Standard",
        }
        .into(),
        "USD".into(),
        number(unit_price),
        number(effective),
        number(list_price),
        number(priced),
        priced_unit(line),
        provider.into(),
        provider.into(),
        line.region.clone(),
        region.unwrap_or_default(),
        format!("{}/{service}", summary.variant),
        service.clone(),
        "Service".into(),
        category.into(),
        line.cloud_service.clone(),
        subcategory.into(),
        sku.clone(),
        line.meter.clone(),
        json!({ "x_Tier": line.tier.to_string() }).to_string(),
        format!("{sku}-{}", line.tier),
        sub_account,
        service.clone(),
        "Service".into(),
        tags(variant, place, &framework, service),
        summary.scenario.clone(),
        summary.variant.clone(),
        framework,
        format!("{}-seed-{}", slug(&summary.scenario), summary.seed),
        line.price_as_of.map(|read| read.to_string()).unwrap_or_default(),
        range.map(|range| invoiced(range[0])).unwrap_or_default(),
        range.map(|range| invoiced(range[1])).unwrap_or_default(),
        "true".into(),
    ]
}

/// Tags of a service with what it is and runs on.
fn tags(variant: &VariantResult, place: usize, framework: &str, service: &str) -> String {
    let mut tags = variant.tags.get(place).cloned().unwrap_or_default();
    tags.entry("framework".into()).or_insert_with(|| framework.into());
    tags.entry("service".into()).or_insert_with(|| service.into());
    json!(tags).to_string()
}

/// A plain number with a decimal point, all its digits and at least ten decimals.
fn number(amount: Decimal) -> String {
    let mut amount = amount.normalize();
    if amount.scale() < 10 {
        amount.rescale(10);
    }
    amount.to_string()
}

/// A unit as the specification writes it: capitalised, in the plural, with hyphens.
fn unit(unit: &str) -> String {
    let words: Vec<String> = unit.split('-').map(capital).collect();
    let joined = words.join("-");
    let counted = ["Hour", "Second", "Minute", "Month"];
    if counted.iter().any(|word| joined.ends_with(word)) {
        format!("{joined}s")
    } else {
        joined
    }
}

fn priced_unit(line: &BillLine) -> String {
    let unit = unit(&line.unit);
    if line.per == Decimal::ONE {
        unit
    } else {
        format!("{} {unit}", line.per.normalize())
    }
}

fn capital(word: &str) -> String {
    // vCPU is written so.
    if word.starts_with("vCPU") {
        return word.to_string();
    }
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

/// Letters, digits and hyphens of a name.
fn slug(name: &str) -> String {
    let clean = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_point_and_all_their_digits() {
        let shown = |text: &str| number(Decimal::from_str_exact(text).unwrap());
        assert_eq!(shown("2"), "2.0000000000");
        assert_eq!(shown("0.1234567890123"), "0.1234567890123");
        assert_eq!(shown("0"), "0.0000000000");
    }

    #[test]
    fn units_are_capitalised_and_counted() {
        let shown = [
            "GB-second",
            "requests",
            "vCPU-hour",
            "instance-hour",
            "GB",
            "hour",
            "GB-month",
        ]
        .map(unit);
        let expected = [
            "GB-Seconds",
            "Requests",
            "vCPU-Hours",
            "Instance-Hours",
            "GB",
            "Hours",
            "GB-Months",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_month_of_hours_is_the_one_in_which_the_list_begins() {
        let day = "2026-11-15".parse().unwrap();
        assert_eq!(
            period(Month::default(), day),
            ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"]
        );
        let leap = "calendar:2028-02".parse().unwrap();
        assert_eq!(period(leap, day), ["2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"]);
    }
}
