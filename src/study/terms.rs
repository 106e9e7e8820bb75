//! The terms of a variant's bills, as far as reports tell them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cost::currency::Currency;
use crate::cost::month::Month;
use crate::scenario::plan::Pricing;

/// The terms of a variant's bills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Billing {
    /// The month that is billed.
    pub month: Month,
    /// The day from which the price list holds.
    pub effective: Date,
    /// The name of the provider.
    pub provider_name: String,
    /// The name of the region, where the list has one.
    pub region_name: Option<String>,
    /// A currency in which reports show the bill as well.
    pub currency: Option<Currency>,
    /// True if there are commitments.
    pub committed: bool,
}

impl Billing {
    pub(super) fn of(pricing: &Pricing) -> Self {
        Self {
            month: pricing.month,
            effective: pricing.list.effective,
            provider_name: pricing.list.provider_name.clone(),
            region_name: pricing.list.region_name.clone(),
            currency: pricing.currency.clone(),
            committed: !pricing.commitments.is_empty(),
        }
    }
}
