//! `[prices]`: the price list of a scenario, and how its bill is made.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cost::commitment::CommitmentSpec;
use crate::cost::currency::Currency;
use crate::cost::month::Month;

/// `[prices]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prices {
    /// Name of a built-in list, or path of a file.
    pub list: String,
    /// Length of the month that is billed.
    #[serde(default)]
    pub month: Month,
    /// True if each variant gets the free allowance of the provider once.
    #[serde(default)]
    pub free_tier: bool,
    /// The day whose rules decide what is billed, such as 2025-07-31; default: the day from which the list stands.
    pub rules_of: Option<String>,
    /// The largest monthly cost of a variant in US dollars, in quotes.
    pub budget: Option<String>,
    /// A currency in which exports show the bill as well, such as "EUR=0.92": what a US dollar comes to.
    pub currency: Option<Currency>,
    /// Prices in place of the list's, by meter, in quotes: US dollars for as many units as the list quotes them for.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Discounts such as `"12%"` by meter, by the first words of meters, or by cloud service.
    #[serde(default)]
    pub discounts: BTreeMap<String, String>,
    /// The commitments: use or spending that is promised for a lower rate.
    #[serde(default)]
    pub commitments: Vec<CommitmentSpec>,
}
