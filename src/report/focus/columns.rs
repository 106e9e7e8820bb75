//! The columns of `focus.csv`.

use serde_json::json;

use super::charge::{Charge, tags};
use super::format::{number, priced_unit, slug, unit};
use crate::cost::bill::{CommitmentPart, CommitmentRole};
use crate::model::nodes::Cloud;
use crate::model::price::CommitmentKind;
use crate::report::column::{Cell, Column, column};

/// The columns in the order of the file. Those that are always empty are there because the specification demands them.
pub(super) fn columns<'a>() -> [Column<Charge<'a>>; 56] {
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
                    _ if Cloud::is_spot_meter(&of.line.meter) => "Dynamic",
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
pub(super) fn commitment_columns<'a>() -> [Column<Charge<'a>>; 7] {
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
