//! `focus.csv`: the projected bill in the columns of the FinOps Open Cost and Usage Specification, FOCUS 1.2, so that tools for
//! actual bills can read a projection. Every row says that it is a projection (`x_IsProjection`, and the type of the account).
//!
//! Source: FOCUS 1.2, dataset Cost and Usage: columns, allowed values, formats of numbers, dates and units. Variants are
//! alternatives: a sum makes sense within one `x_Variant`. The `BilledCost` of a variant adds up to its `monthly_cost_usd`, in the
//! currency that the scenario asks for.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;

use super::Report;
use super::cells;
use super::column::{Cell, Column, ColumnDoc, column, docs, names, row};
use super::manifest::Manifest;
use crate::cost::bill::{BillLine, CommitmentPart, CommitmentRole};
use crate::cost::month::Month;
use crate::model::price::CommitmentKind;
use crate::study::{Study, VariantResult};

/// `focus.csv`.
#[derive(Debug)]
pub struct Focus;

/// A line of a bill with what the specification asks about it.
#[derive(Debug, Clone, Copy)]
struct Charge<'a> {
    variant: &'a VariantResult,
    /// Position and name of the service.
    place: usize,
    service: &'a str,
    line: &'a BillLine,
    range: Option<&'a [Decimal; 2]>,
    /// First day of the billed month and of the next one.
    period: &'a [String; 2],
}

impl<'a> Charge<'a> {
    fn part(&self) -> Option<&'a CommitmentPart> {
        self.line.commitment.as_ref()
    }

    fn role(&self) -> Option<CommitmentRole> {
        self.part().map(|part| part.role)
    }

    fn is_purchase(&self) -> bool {
        self.role() == Some(CommitmentRole::Purchase)
    }

    /// True if something was used, so that there is a quantity.
    fn is_use(&self) -> bool {
        !matches!(self.role(), Some(CommitmentRole::Purchase | CommitmentRole::Unused))
    }

    /// An amount in the currency of the invoice.
    fn invoiced(&self, usd: Decimal) -> Cell {
        let currency = self
            .variant
            .billing
            .as_ref()
            .and_then(|billing| billing.currency.as_ref());
        number(currency.map_or(usd, |currency| currency.of(usd)))
    }

    /// The price of one unit that was agreed on. What a commitment covers is contracted at the price without it.
    fn contracted(&self) -> Decimal {
        self.part()
            .map_or(self.line.unit_price_usd, |part| part.on_demand_unit_price_usd)
    }

    fn provider(&self) -> &'a str {
        let billing = self.variant.billing.as_ref();
        billing.map_or(&self.line.provider, |billing| &billing.provider_name)
    }

    fn framework(&self) -> &'a str {
        &self.variant.row_of(self.service).framework
    }

    /// Category and subcategory of the service.
    fn category(&self) -> (&'static str, &'static str) {
        SERVICES
            .iter()
            .find(|(word, ..)| self.line.cloud_service.contains(word))
            .map_or(NETWORK, |&(_, category, subcategory)| (category, subcategory))
    }

    fn sku(&self) -> &'a str {
        match self.line.sku.as_str() {
            "" => &self.line.meter,
            sku => sku,
        }
    }

    fn account(&self) -> String {
        format!("projection-{}", slug(self.variant.scenario()))
    }

    /// Quantity and unit that a commitment counts.
    fn committed(&self) -> Option<(Cell, String)> {
        let part = self.part()?;
        match (part.role, part.kind == CommitmentKind::ReservedInstances) {
            (CommitmentRole::Purchase, _) => None,
            (CommitmentRole::Covered, true) => Some((number(self.line.quantity), unit(&self.line.unit))),
            _ => Some((number(self.line.effective_cost_usd()), "USD".into())),
        }
    }
}

/// The columns in the order of the file. Those that are always empty are there because the specification demands them.
fn columns<'a>() -> [Column<Charge<'a>>; 56] {
    [
        column("AvailabilityZone", "", "Always empty.", |_| Cell::Unknown),
        column("BilledCost", "BillingCurrency", "The cost of the line.", |of| {
            of.invoiced(of.line.cost_usd)
        }),
        column("BillingAccountId", "", "The id of the projection.", |of| {
            Cell::text(of.account())
        }),
        column("BillingAccountName", "", "The name of the scenario.", |of| {
            Cell::text(of.variant.scenario())
        }),
        column("BillingAccountType", "", "`Projection`.", |_| Cell::text("Projection")),
        column(
            "BillingCurrency",
            "",
            "The currency that the scenario asks for, or `USD`.",
            |of| {
                let currency = of
                    .variant
                    .billing
                    .as_ref()
                    .and_then(|billing| billing.currency.as_ref());
                Cell::text(currency.map_or("USD", |currency| currency.code.as_str()))
            },
        ),
        column(
            "BillingPeriodEnd",
            "",
            "The end of the billed month, exclusive.",
            |of| Cell::text(&of.period[1]),
        ),
        column("BillingPeriodStart", "", "The start of the billed month.", |of| {
            Cell::text(&of.period[0])
        }),
        column(
            "ChargeCategory",
            "",
            "`Usage`, or `Purchase` for the fee of a commitment.",
            |of| Cell::text(if of.is_purchase() { "Purchase" } else { "Usage" }),
        ),
        column("ChargeClass", "", "Always empty: there are no corrections.", |_| {
            Cell::Unknown
        }),
        column(
            "ChargeDescription",
            "",
            "The meter with its tier, or with its part in a commitment.",
            |of| {
                Cell::text(match of.role() {
                    None => format!("{}, tier {}", of.line.meter, of.line.tier),
                    Some(role) => format!("{}, {} by commitment", of.line.meter, role.name()),
                })
            },
        ),
        column(
            "ChargeFrequency",
            "",
            "`Usage-Based`, or `Recurring` for the fee of a commitment.",
            |of| Cell::text(if of.is_purchase() { "Recurring" } else { "Usage-Based" }),
        ),
        column("ChargePeriodEnd", "", "The end of the billed month, exclusive.", |of| {
            Cell::text(&of.period[1])
        }),
        column("ChargePeriodStart", "", "The start of the billed month.", |of| {
            Cell::text(&of.period[0])
        }),
        column(
            "ConsumedQuantity",
            "ConsumedUnit",
            "The quantity that is used, with what is free.",
            |of| {
                Cell::maybe(of.is_use().then_some(of.line), |line| {
                    number(line.quantity + line.free_quantity)
                })
            },
        ),
        column("ConsumedUnit", "", "The unit of that quantity.", |of| {
            Cell::maybe(of.is_use().then_some(of.line), |line| Cell::text(unit(&line.unit)))
        }),
        column(
            "ContractedCost",
            "BillingCurrency",
            "The quantity at the contracted price.",
            |of| of.invoiced(of.line.quantity * of.contracted()),
        ),
        column(
            "ContractedUnitPrice",
            "BillingCurrency",
            "The price of a pricing unit after discounts, without commitments.",
            |of| of.invoiced(of.contracted() * of.line.per),
        ),
        column(
            "EffectiveCost",
            "BillingCurrency",
            "The cost with the fees for commitments spread over the use that they cover.",
            |of| of.invoiced(of.line.effective_cost_usd()),
        ),
        column("InvoiceId", "", "Always empty: there is no invoice.", |_| Cell::Unknown),
        column("InvoiceIssuerName", "", "The provider.", |of| Cell::text(of.provider())),
        column("ListCost", "BillingCurrency", "The quantity at the list price.", |of| {
            of.invoiced(of.line.quantity * of.line.list_unit_price_usd)
        }),
        column(
            "ListUnitPrice",
            "BillingCurrency",
            "The list price of a pricing unit.",
            |of| of.invoiced(of.line.list_unit_price_usd * of.line.per),
        ),
        column(
            "PricingCategory",
            "",
            "`Standard`, `Dynamic` for spot prices, or `Committed`.",
            |of| {
                Cell::text(match of.role() {
                    Some(CommitmentRole::Covered | CommitmentRole::Unused) => "Committed",
                    _ if of.line.meter.contains(".spot.") => "Dynamic",
                    _ => "Standard",
                })
            },
        ),
        column("PricingCurrency", "", "The currency of the price list: `USD`.", |_| {
            Cell::text("USD")
        }),
        column(
            "PricingCurrencyContractedUnitPrice",
            "USD",
            "`ContractedUnitPrice` in the currency of the price list.",
            |of| number(of.contracted() * of.line.per),
        ),
        column(
            "PricingCurrencyEffectiveCost",
            "USD",
            "`EffectiveCost` in the currency of the price list.",
            |of| number(of.line.effective_cost_usd()),
        ),
        column(
            "PricingCurrencyListUnitPrice",
            "USD",
            "`ListUnitPrice` in the currency of the price list.",
            |of| number(of.line.list_unit_price_usd * of.line.per),
        ),
        column(
            "PricingQuantity",
            "PricingUnit",
            "The charged quantity in pricing units.",
            |of| number(of.line.quantity / of.line.per),
        ),
        column(
            "PricingUnit",
            "",
            "The unit that the list quotes the price for.",
            |of| Cell::text(priced_unit(of.line)),
        ),
        column("ProviderName", "", "The provider.", |of| Cell::text(of.provider())),
        column("PublisherName", "", "The provider.", |of| Cell::text(of.provider())),
        column("RegionId", "", "The region of the price.", |of| {
            Cell::text(&of.line.region)
        }),
        column("RegionName", "", "The name of that region.", |of| {
            let billing = of.variant.billing.as_ref();
            Cell::maybe(billing.and_then(|billing| billing.region_name.as_ref()), Cell::text)
        }),
        column("ResourceId", "", "The variant and the service.", |of| {
            Cell::text(format!("{}/{}", of.variant.name(), of.service))
        }),
        column("ResourceName", "", "The service.", |of| Cell::text(of.service)),
        column("ResourceType", "", "`Service`.", |_| Cell::text("Service")),
        column("ServiceCategory", "", "The category of the provider's service.", |of| {
            Cell::text(of.category().0)
        }),
        column("ServiceName", "", "The provider's service.", |of| {
            Cell::text(&of.line.cloud_service)
        }),
        column(
            "ServiceSubcategory",
            "",
            "The subcategory of the provider's service.",
            |of| Cell::text(of.category().1),
        ),
        column("SkuId", "", "The provider's id of the price, or the meter.", |of| {
            Cell::text(of.sku())
        }),
        column("SkuMeter", "", "The meter.", |of| Cell::text(&of.line.meter)),
        column("SkuPriceDetails", "", "The tier of the price, as JSON.", |of| {
            Cell::text(json!({ "x_Tier": of.line.tier.to_string() }))
        }),
        column("SkuPriceId", "", "`SkuId` with the tier.", |of| {
            Cell::text(format!("{}-{}", of.sku(), of.line.tier))
        }),
        column(
            "SubAccountId",
            "",
            "The id of the service within the projection.",
            |of| Cell::text(format!("{}-{}", of.account(), of.place)),
        ),
        column("SubAccountName", "", "The service.", |of| Cell::text(of.service)),
        column("SubAccountType", "", "`Service`.", |_| Cell::text("Service")),
        column(
            "Tags",
            "",
            "The tags of the service, with `framework` and `service`, as JSON.",
            |of| Cell::text(tags(of.variant, of.place, of.framework(), of.service)),
        ),
        column("x_Scenario", "", "The scenario.", |of| {
            Cell::text(of.variant.scenario())
        }),
        column(
            "x_Variant",
            "",
            "The variant. Variants are alternatives: add up within one.",
            |of| Cell::text(of.variant.name()),
        ),
        column("x_Framework", "", "The framework.", |of| Cell::text(of.framework())),
        column("x_RunId", "", "The scenario and the seed.", |of| {
            Cell::text(format!(
                "{}-seed-{}",
                slug(of.variant.scenario()),
                of.variant.all().seed
            ))
        }),
        column("x_PriceTableAsOf", "", "The day on which the price was read.", |of| {
            Cell::maybe(of.line.price_as_of, Cell::text)
        }),
        column(
            "x_CostP05",
            "BillingCurrency",
            "The 5th percentile of the line over the replications.",
            |of| Cell::maybe(of.range, |range| of.invoiced(range[0])),
        ),
        column(
            "x_CostP95",
            "BillingCurrency",
            "The 95th percentile of the line over the replications.",
            |of| Cell::maybe(of.range, |range| of.invoiced(range[1])),
        ),
        column("x_IsProjection", "", "Always `true`.", |_| Cell::Flag(true)),
    ]
}

/// The columns that follow where there are commitments.
fn commitment_columns<'a>() -> [Column<Charge<'a>>; 7] {
    [
        column(
            "CommitmentDiscountCategory",
            "",
            "`Spend` for savings plans, `Usage` for reserved instances.",
            |of| {
                let reserved = |part: &CommitmentPart| part.kind == CommitmentKind::ReservedInstances;
                Cell::maybe(of.part(), |part| {
                    Cell::text(if reserved(part) { "Usage" } else { "Spend" })
                })
            },
        ),
        column("CommitmentDiscountId", "", "The id of the commitment.", |of| {
            Cell::maybe(of.part(), |part| Cell::text(format!("projection-{}", slug(&part.name))))
        }),
        column("CommitmentDiscountName", "", "The name of the commitment.", |of| {
            Cell::maybe(of.part(), |part| Cell::text(&part.name))
        }),
        column(
            "CommitmentDiscountQuantity",
            "CommitmentDiscountUnit",
            "The quantity that the commitment covers or leaves unused.",
            |of| Cell::maybe(of.committed(), |(quantity, _)| quantity),
        ),
        column(
            "CommitmentDiscountStatus",
            "",
            "`Used` or `Unused`; empty for its fee.",
            |of| match of.role() {
                None | Some(CommitmentRole::Purchase) => Cell::Unknown,
                Some(CommitmentRole::Covered) => Cell::text("Used"),
                Some(CommitmentRole::Unused) => Cell::text("Unused"),
            },
        ),
        column("CommitmentDiscountType", "", "The kind of commitment.", |of| {
            Cell::maybe(of.part(), |part| Cell::text(part.kind.name()))
        }),
        column("CommitmentDiscountUnit", "", "The unit of that quantity.", |of| {
            Cell::maybe(of.committed(), |(_, unit)| Cell::text(unit))
        }),
    ]
}

/// The categories of services in the specification: a word in the provider's name, category and subcategory. The first that
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

/// The category of all other services.
const NETWORK: (&str, &str) = ("Networking", "Network Connectivity");

impl Report for Focus {
    fn name(&self) -> &str {
        "focus.csv"
    }

    fn doc(&self) -> &str {
        "The bill in the columns of FOCUS 1.2, for tools that read actual bills. Its last seven columns are there only where the \
         scenario has commitments."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        let mut all = docs(&columns());
        all.extend(docs(&commitment_columns()));
        all
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let committed = study
            .variants
            .iter()
            .filter_map(|variant| variant.billing.as_ref())
            .any(|billing| billing.committed);
        let mut header = names(&columns());
        if committed {
            header.extend(names(&commitment_columns()));
        }
        let rows: Vec<Vec<String>> = study
            .variants
            .iter()
            .flat_map(|variant| rows(variant, committed))
            .collect();
        (!rows.is_empty()).then(|| cells::csv(&header, rows))
    }
}

fn rows(variant: &VariantResult, committed: bool) -> Vec<Vec<String>> {
    let Some(billing) = &variant.billing else {
        return Vec::new();
    };
    let period = &period(billing.month, billing.effective);
    let (columns, commitment_columns) = (columns(), commitment_columns());
    let services = variant.bills.iter().zip(&variant.bill_ranges).enumerate();
    let charges = services.flat_map(|(place, ((service, bill), ranges))| {
        let lines = bill.lines.iter().zip(ranges);
        lines.map(move |(line, range)| Charge {
            variant,
            place,
            service,
            line,
            range: range.as_ref(),
            period,
        })
    });
    let rows = charges.map(|charge| {
        let mut cells = row(&columns, &charge);
        if committed {
            cells.extend(row(&commitment_columns, &charge));
        }
        cells
    });
    rows.collect()
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

/// The tags of a service, with its name and framework.
fn tags(variant: &VariantResult, place: usize, framework: &str, service: &str) -> String {
    let mut tags = variant.tags.get(place).cloned().unwrap_or_default();
    tags.entry("framework".into()).or_insert_with(|| framework.into());
    tags.entry("service".into()).or_insert_with(|| service.into());
    json!(tags).to_string()
}

/// A plain number with a decimal point, all its digits and at least ten decimals.
fn number(amount: Decimal) -> Cell {
    let mut amount = amount.normalize();
    if amount.scale() < 10 {
        amount.rescale(10);
    }
    Cell::Number(amount.to_string())
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
        let shown = |text: &str| number(Decimal::from_str_exact(text).unwrap()).plain();
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
