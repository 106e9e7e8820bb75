//! The bill of a month: one line for each meter and tier reached. A reader can redo every multiplication, and the total is
//! the sum of the lines.
//!
//! The order of work: scale the quantities from the observed window to the month, deduct the free allowance, divide the rest
//! among the tiers, and apply the prices. If scaling came last, each short window would get the allowance of a whole month
//! and would never leave the first tier.
//!
//! A free allowance belongs to an account and is granted once to a whole bill. Comparisons leave it out by default: it makes
//! small services look free, and an account that uses it elsewhere gets none.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::month::Month;
use super::rate::{self, QUANTITY_DECIMALS};
use crate::model::price::date::AsOf;
use crate::model::price::{CommitmentKind, Confidence, PriceError, PriceList};
use crate::units::SimDuration;

/// The terms of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The time in which the quantities were observed; `None` if they are those of a month.
    pub window: Option<SimDuration>,
    /// The billed month.
    pub month: Month,
    /// True if the free allowance is granted.
    pub free_tier: bool,
}

/// One line of a bill. `cost_usd` is exactly `quantity` times `unit_price_usd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BillLine {
    /// The provider, such as `aws`.
    pub provider: String,
    /// The provider's name of the service.
    pub cloud_service: String,
    /// The region.
    pub region: String,
    /// The provider's name for it on bills.
    pub sku: String,
    /// The meter.
    pub meter: String,
    /// Units that this line bills.
    pub quantity: Decimal,
    /// Units that the free allowance covers. They are on the first line of the meter.
    pub free_quantity: Decimal,
    /// Unit of both quantities.
    pub unit: String,
    /// US dollars for one unit.
    pub unit_price_usd: Decimal,
    /// US dollars for one unit without discounts.
    pub list_unit_price_usd: Decimal,
    /// Units that the quoted price is for: `unit_price_usd * per` is the price on the provider's page.
    pub per: Decimal,
    /// Number of the tier, from 1; 0 for lines that a commitment covers.
    pub tier: u32,
    /// US dollars.
    pub cost_usd: Decimal,
    /// Ids of the price's sources, separated by `; `.
    pub price_source: String,
    /// The day from which the price list is valid.
    pub price_date: Date,
    /// The date on which the price was read; `None` for a price set by hand.
    pub price_as_of: Option<AsOf>,
    /// How reliable the price is.
    #[serde(with = "named")]
    pub confidence: Confidence,
    /// The line's part in a commitment; `None`: it has none.
    pub commitment: Option<CommitmentPart>,
}

/// The part of a line in a commitment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitmentPart {
    /// Name of the commitment.
    pub name: String,
    /// Kind of the commitment.
    pub kind: CommitmentKind,
    /// The role of the line.
    pub role: CommitmentRole,
    /// US dollars for one unit if the cost of the commitment is spread over the usage that it covers.
    pub effective_unit_price_usd: Decimal,
    /// US dollars for one unit on demand.
    pub on_demand_unit_price_usd: Decimal,
}

/// The role of a line in a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitmentRole {
    /// The cost of the commitment itself, used or not.
    Purchase,
    /// Usage that the commitment covers and that costs nothing more.
    Covered,
    /// The part of the commitment that was not used.
    Unused,
}

impl CommitmentRole {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Covered => "covered",
            Self::Unused => "unused",
        }
    }
}

/// How a stored bill writes a confidence: by its name, also the one that no price list may have.
mod named {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::model::price::Confidence;

    const ALL: [Confidence; 4] = [
        Confidence::Low,
        Confidence::Medium,
        Confidence::High,
        Confidence::SetByHand,
    ];

    pub fn serialize<S: Serializer>(confidence: &Confidence, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(confidence)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Confidence, D::Error> {
        let name = String::deserialize(d)?;
        let known = ALL.into_iter().find(|confidence| confidence.to_string() == name);
        known.ok_or_else(|| de::Error::custom(format!("`{name}` is no confidence")))
    }
}

impl BillLine {
    /// US dollars if the cost of commitments is spread over the usage that they cover. These costs have the same sum as the
    /// billed ones.
    pub fn effective_cost_usd(&self) -> Decimal {
        match &self.commitment {
            None => self.cost_usd,
            Some(part) => (self.quantity * part.effective_unit_price_usd).normalize(),
        }
    }
}

/// A month's bill, ordered by meter and tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bill {
    /// Its lines. A meter that was given and not used has a line with quantity 0.
    pub lines: Vec<BillLine>,
}

/// A bill that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// A meter has no price.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// A quantity is below 0.
    #[error("meter `{meter}` has the negative quantity {quantity}")]
    Negative {
        /// The meter.
        meter: String,
        /// Its quantity.
        quantity: Decimal,
    },
    /// The window is empty, so nothing can be scaled to a month.
    #[error("nothing was observed: a window of 0s cannot be scaled to a month of {month}")]
    EmptyWindow {
        /// The month.
        month: Month,
    },
    /// A quantity or a sum has more digits than a decimal can hold.
    #[error("meter `{meter}`: {quantity} units are too many to be priced exactly")]
    TooLarge {
        /// The meter, or `total`.
        meter: String,
        /// Units as given.
        quantity: Decimal,
    },
}

impl BillError {
    /// Hints on what to do next, one sentence each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Price(error) => error.hints(),
            Self::Negative { .. } => vec!["write quantities that were used; bills here have no credits".into()],
            Self::EmptyWindow { .. } => vec!["make the horizon longer than the warm-up".into()],
            Self::TooLarge { .. } => {
                vec!["check the unit: requests are single requests, and durations are GB-seconds".into()]
            }
        }
    }
}

impl Bill {
    /// The sum of the lines in US dollars, all digits kept.
    pub fn total_usd(&self) -> Decimal {
        self.lines.iter().map(|line| line.cost_usd).sum::<Decimal>().normalize()
    }
}

/// Prices the usage of an account, by meter. Quantities are in the units of the list: requests are single requests.
///
/// # Errors
/// A meter without a price, a negative quantity, an empty window, or an amount beyond a decimal.
pub fn bill(list: &PriceList, usage: &BTreeMap<String, Decimal>, terms: &Terms) -> Result<Bill, BillError> {
    price_month(list, &scale(usage, terms)?, terms.free_tier)
}

/// The factor that scales a quantity to a month.
pub(super) fn factor(terms: &Terms) -> Result<Decimal, BillError> {
    let month = terms.month;
    match terms.window {
        None => Ok(Decimal::ONE),
        Some(window) => month.factor(window).ok_or(BillError::EmptyWindow { month }),
    }
}

/// The quantities of the month, rounded to nano-units.
pub(super) fn scale(usage: &BTreeMap<String, Decimal>, terms: &Terms) -> Result<BTreeMap<String, Decimal>, BillError> {
    let factor = factor(terms)?;
    let scaled = usage.iter().map(|(meter, &quantity)| {
        if quantity < Decimal::ZERO {
            let meter = meter.clone();
            return Err(BillError::Negative { meter, quantity });
        }
        let scaled = quantity.checked_mul(factor).ok_or_else(|| too_large(meter, quantity))?;
        Ok((meter.clone(), scaled.round_dp(QUANTITY_DECIMALS).normalize()))
    });
    scaled.collect()
}

fn too_large(meter: &str, quantity: Decimal) -> BillError {
    BillError::TooLarge {
        meter: meter.to_string(),
        quantity,
    }
}

/// Prices the quantities of one month.
pub(super) fn price_month(
    list: &PriceList,
    month: &BTreeMap<String, Decimal>,
    free_tier: bool,
) -> Result<Bill, BillError> {
    let free = match free_tier {
        true => rate::free_units(list, month),
        false => BTreeMap::new(),
    };
    let mut lines = Vec::new();
    for (meter, &used) in month {
        let price = list.price(meter)?;
        let free = free.get(meter).copied().unwrap_or_default();
        for slice in rate::slices(&price.tiers, used - free) {
            let tier = slice.tier;
            let cost_usd =
                rate::exact_product(slice.quantity, tier.unit_price_usd).ok_or_else(|| too_large(meter, used))?;
            lines.push(BillLine {
                provider: list.provider.clone(),
                cloud_service: price.cloud_service.clone(),
                region: list.region.clone(),
                sku: tier.sku.clone(),
                meter: meter.clone(),
                quantity: slice.quantity.normalize(),
                free_quantity: if slice.number == 1 {
                    free.normalize()
                } else {
                    Decimal::ZERO
                },
                unit: price.unit.clone(),
                unit_price_usd: tier.unit_price_usd,
                list_unit_price_usd: tier.list_unit_price_usd,
                per: price.per,
                tier: slice.number,
                cost_usd,
                price_source: tier.source.join("; "),
                price_date: list.effective,
                price_as_of: tier.as_of,
                confidence: tier.confidence,
                commitment: None,
            });
        }
    }
    // From here on the sum of the lines is exact.
    if rate::exact_sum(lines.iter().map(|line| line.cost_usd)).is_none() {
        return Err(too_large("total", month.values().copied().max().unwrap_or_default()));
    }
    Ok(Bill { lines })
}
