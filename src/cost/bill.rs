//! A month's bill: one line per meter and tier reached. A reader can redo every multiplication, and the total is the sum
//! of the lines.
//!
//! Order of work: quantities are scaled from the observed window to the month, then the free allowance is taken off,
//! then tiers divide what is left, then the price applies. Scaling last would give each short window a whole month's
//! allowance and would never leave the first tier.
//!
//! A free allowance belongs to an account and is granted once to a whole bill. Comparisons therefore leave it off unless
//! told otherwise: it makes whatever is small look free, and an account that already uses it elsewhere gets none.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::month::Month;
use super::rate::{self, QUANTITY_DECIMALS};
use crate::model::price::date::AsOf;
use crate::model::price::{CommitmentKind, Confidence, PriceError, PriceList};
use crate::units::SimDuration;

/// What a bill covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// How long the quantities were observed; `None` if they are a month's already.
    pub window: Option<SimDuration>,
    /// The month that is billed.
    pub month: Month,
    /// Whether the free allowance is granted.
    pub free_tier: bool,
}

/// One line of a bill. `cost_usd` is exactly `quantity` times `unit_price_usd`.
#[derive(Debug, Clone, PartialEq)]
pub struct BillLine {
    /// The provider, such as `aws`.
    pub provider: String,
    /// The service as the provider names it.
    pub cloud_service: String,
    /// The region.
    pub region: String,
    /// What the provider calls it on its bills.
    pub sku: String,
    /// The meter.
    pub meter: String,
    /// Units that this line charges for.
    pub quantity: Decimal,
    /// Units that the free allowance covers, on the meter's first line.
    pub free_quantity: Decimal,
    /// Unit of both quantities.
    pub unit: String,
    /// US dollars for one unit.
    pub unit_price_usd: Decimal,
    /// The same without discounts.
    pub list_unit_price_usd: Decimal,
    /// Units that the provider quotes the price for; `unit_price_usd * per` is the figure on its page.
    pub per: Decimal,
    /// Number of the tier, from 1.
    pub tier: u32,
    /// US dollars.
    pub cost_usd: Decimal,
    /// Ids of the price's sources, separated by `; `.
    pub price_source: String,
    /// The day from which the price list stands.
    pub price_date: Date,
    /// When this figure was read; `None` for a price set by hand.
    pub price_as_of: Option<AsOf>,
    /// How far to trust the figure.
    pub confidence: Confidence,
    /// What it has to do with a commitment; `None`: nothing.
    pub commitment: Option<CommitmentPart>,
}

/// The part that a line has in a commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitmentPart {
    /// Name of the commitment.
    pub name: String,
    /// What is promised.
    pub kind: CommitmentKind,
    /// Which part it is.
    pub role: CommitmentRole,
    /// US dollars that a unit of the line comes to once what was committed is spread over what it covers.
    pub effective_unit_price_usd: Decimal,
    /// US dollars for a unit on demand.
    pub on_demand_unit_price_usd: Decimal,
}

/// What a line has to do with a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitmentRole {
    /// It is what was promised, used or not.
    Purchase,
    /// It is usage that costs nothing more, as the commitment covers it.
    Covered,
    /// It is money of the commitment that nothing was used for.
    Unused,
}

impl CommitmentRole {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Covered => "covered",
            Self::Unused => "unused",
        }
    }
}

impl BillLine {
    /// US dollars once what was committed is spread over what it covers. These add up to the same as what is billed.
    pub fn effective_cost_usd(&self) -> Decimal {
        match &self.commitment {
            None => self.cost_usd,
            Some(part) => (self.quantity * part.effective_unit_price_usd).normalize(),
        }
    }
}

/// A month's bill, ordered by meter and tier.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    /// Its lines; meters that were asked for and not used have a line with quantity 0.
    pub lines: Vec<BillLine>,
}

/// Why there is no bill.
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
    #[error("nothing was observed: the window is 0s long and cannot be scaled to a month of {month}")]
    EmptyWindow {
        /// The month.
        month: Month,
    },
    /// A quantity or a sum has more digits than a decimal holds.
    #[error("meter `{meter}`: {quantity} units are too many to be priced exactly")]
    TooLarge {
        /// The meter, or `total`.
        meter: String,
        /// Units as given.
        quantity: Decimal,
    },
}

impl BillError {
    /// What to try next, one sentence each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Price(error) => error.hints(),
            Self::Negative { .. } => vec!["quantities are what was used; credits are not part of a bill here".into()],
            Self::EmptyWindow { .. } => vec!["make the horizon longer than the warm-up".into()],
            Self::TooLarge { .. } => {
                vec!["check the unit: requests are single requests, durations are GB-seconds".into()]
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

/// Prices what an account used, by meter. Quantities are in the units of the list: requests are single requests.
pub fn bill(list: &PriceList, usage: &BTreeMap<String, Decimal>, terms: &Terms) -> Result<Bill, BillError> {
    price_month(list, &scale(usage, terms)?, terms.free_tier)
}

/// What a quantity is multiplied with to be a month's.
pub(super) fn factor(terms: &Terms) -> Result<Decimal, BillError> {
    let month = terms.month;
    match terms.window {
        None => Ok(Decimal::ONE),
        Some(window) => month.factor(window).ok_or(BillError::EmptyWindow { month }),
    }
}

/// The month's quantities, rounded to nano-units.
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
