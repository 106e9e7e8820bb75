//! Price lists: what one provider charges in one region from one day on. A list is a dated file under `models/prices/`
//! or a path of the user's; prices are never looked up during a run.
//!
//! Owns the figures, their sources and the rules by which a service rounds. Knows nothing of quantities or bills. A price
//! is US dollars per unit, a decimal and never a binary float. A price that is missing is an error and never 0.

mod check;
mod commitment;
pub mod date;
mod error;
mod file;
mod host;
mod lambda;
pub mod offers;
mod steps;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::catalog::PRICE_LISTS;
pub use commitment::{CommitmentDiscount, CommitmentKind, Term};
use date::{AsOf, parse_day};
pub use error::PriceError;
pub use host::HostType;
pub use lambda::{LambdaRules, Rounding};
pub use steps::Steps;

/// The only price list format so far.
pub const SCHEMA: u32 = 1;

/// What one provider charges in one region from one day on.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceList {
    /// `<provider>-<region>-<effective>`, such as `aws-us-east-1-2026-11-01`.
    pub id: String,
    /// The provider, such as `aws`.
    pub provider: String,
    /// The region as the provider writes it.
    pub region: String,
    /// The provider's name on its bills; the same as `provider` if the list does not state it.
    pub provider_name: String,
    /// The region's name for people; `None` if the list does not state it.
    pub region_name: Option<String>,
    /// The day from which the list stands.
    pub effective: Date,
    /// SHA-256 of the file's text in hexadecimal; of all its files in order of their names, where there are several.
    pub sha256: String,
    /// Sources by id.
    pub sources: BTreeMap<String, Source>,
    /// Monthly allowances that cost nothing. They belong to an account and are granted once.
    pub free: Vec<FreeAllowance>,
    /// What commitments take off.
    pub commitments: Vec<CommitmentDiscount>,
    meters: BTreeMap<String, MeterPrice>,
    lambda: Option<LambdaRules>,
    steps: BTreeMap<String, Steps>,
    hosts: Vec<HostType>,
}

/// Where a figure was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Title for people.
    pub title: String,
    /// Address, if it has one.
    pub url: Option<String>,
    /// When it was read, or of when it is.
    pub read: AsOf,
}

/// The price of one meter, by tiers.
#[derive(Debug, Clone, PartialEq)]
pub struct MeterPrice {
    /// The meter, such as `lambda.requests`.
    pub meter: String,
    /// The service as the provider names it, such as `AWS Lambda`.
    pub cloud_service: String,
    /// Unit of quantities, such as `GB-second`.
    pub unit: String,
    /// How many units the quoted price is for: 1000000 for "per million requests".
    pub per: Decimal,
    /// At least one, contiguous, the first from 0, the last without end.
    pub tiers: Vec<Tier>,
}

/// One step of a price. Tiers are marginal: each unit costs what its own tier says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Units of the month before this tier.
    pub from: Decimal,
    /// Units of the month at which it ends; `None` is without end.
    pub to: Option<Decimal>,
    /// US dollars for `per` units, as the provider quotes them.
    pub usd: Decimal,
    /// US dollars for one unit: exactly `usd / per`.
    pub unit_price_usd: Decimal,
    /// The same without discounts.
    pub list_unit_price_usd: Decimal,
    /// What the provider calls it on its bills; empty if that was not read.
    pub sku: String,
    /// Ids of the sources.
    pub source: Vec<String>,
    /// When the figure was read; `None` for a price set by hand.
    pub as_of: Option<AsOf>,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Whatever a reader should know.
    pub note: Option<String>,
}

/// Units that cost nothing in each month, shared by the meters named.
#[derive(Debug, Clone, PartialEq)]
pub struct FreeAllowance {
    /// Name of the allowance.
    pub id: String,
    /// Meters that share it.
    pub meters: Vec<String>,
    /// Unit of `quantity` and of every meter named.
    pub unit: String,
    /// Free units in each month.
    pub quantity: Decimal,
    /// Who shares it, for people.
    pub scope: String,
    /// Ids of the sources.
    pub source: Vec<String>,
}

/// How far to trust a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Old, derived from an advertised maximum, or remembered: set your own.
    Low,
    /// One good source, or derived from good ones.
    Medium,
    /// The vendor's own page, or two sources that agree.
    High,
    /// Not from the list: set by the user for this run.
    #[serde(skip)]
    SetByHand,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::SetByHand => "set-by-hand",
        })
    }
}

impl PriceList {
    /// A list by its exact id, by the id without its date (the newest), or by a path that ends in `.toml`.
    pub fn find(name: &str) -> Result<Self, PriceError> {
        if name.ends_with(".toml") {
            return Self::read(Path::new(name));
        }
        let ids = Self::ids();
        let dated = |id: &str| id.strip_prefix(name)?.strip_prefix('-').and_then(parse_day);
        let exact = ids.iter().copied().find(|&id| id == name);
        let newest = || {
            let lists = ids.iter().filter_map(|&id| Some((dated(id)?, id)));
            lists.max().map(|(_, id)| id)
        };
        match exact.or_else(newest) {
            Some(id) => file::build(id, &parts(id)),
            None => Err(PriceError::UnknownList {
                name: name.to_string(),
                known: ids.into_iter().map(str::to_string).collect(),
            }),
        }
    }

    /// A list from one file.
    pub fn read(path: &Path) -> Result<Self, PriceError> {
        let text = std::fs::read_to_string(path).map_err(|source| PriceError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let name = path.display().to_string();
        file::build(&name, &[(&name, &text)])
    }

    /// A list from the text of one file; `name` is for error messages.
    pub fn parse(name: &str, text: &str) -> Result<Self, PriceError> {
        file::build(name, &[(name, text)])
    }

    /// Ids of the built-in lists, in order.
    pub fn ids() -> Vec<&'static str> {
        let mut ids: Vec<_> = PRICE_LISTS.iter().map(|(name, _)| id_of(name)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The price of a meter.
    pub fn price(&self, meter: &str) -> Result<&MeterPrice, PriceError> {
        self.meters.get(meter).ok_or_else(|| PriceError::UnknownMeter {
            meter: meter.to_string(),
            list: self.id.clone(),
            nearest: crate::suggest::nearest(meter, self.meters.keys().map(String::as_str)),
        })
    }

    /// All prices in order of their meters.
    pub fn meters(&self) -> impl Iterator<Item = &MeterPrice> {
        self.meters.values()
    }

    /// How AWS Lambda turns an invocation into billed quantities.
    pub fn lambda_rules(&self) -> Result<&LambdaRules, PriceError> {
        self.lambda.as_ref().ok_or_else(|| PriceError::NoRules {
            list: self.id.clone(),
            service: "lambda",
        })
    }

    /// How a service rounds what it bills for, such as `azure-flex`.
    pub fn steps(&self, service: &'static str) -> Result<&Steps, PriceError> {
        self.steps.get(service).ok_or_else(|| PriceError::NoRules {
            list: self.id.clone(),
            service,
        })
    }

    /// Takes a discount such as `12%` off the prices of a meter, of all meters that begin with a word (`ec2`), or of a cloud
    /// service as the provider names it.
    pub fn discount(&mut self, name: &str, percent: &str) -> Result<(), PriceError> {
        let bad = || PriceError::BadDiscount {
            name: name.to_string(),
            percent: percent.to_string(),
        };
        let hundred = Decimal::ONE_HUNDRED;
        let off = percent
            .strip_suffix('%')
            .and_then(check::decimal)
            .filter(|off| *off <= hundred);
        let left = (hundred - off.ok_or_else(bad)?) / hundred;
        let word = format!("{name}.");
        let named =
            |price: &MeterPrice| price.meter == name || price.meter.starts_with(&word) || price.cloud_service == name;
        let mut found = false;
        for price in self.meters.values_mut().filter(|price| named(price)) {
            found = true;
            for tier in &mut price.tiers {
                let usd = tier.usd.checked_mul(left).ok_or_else(bad)?.normalize();
                tier.unit_price_usd = check::unit_price(usd, price.per).ok_or_else(bad)?;
                tier.usd = usd;
                let before = tier.note.take().map(|note| format!("{note}; ")).unwrap_or_default();
                tier.note = Some(format!("{before}less {percent}"));
            }
        }
        if found { Ok(()) } else { self.price(name).map(|_| ()) }
    }

    /// Replaces the price of a meter by one that holds in all tiers. `usd` is for as many units as the list quotes it
    /// for: `0.20` for `lambda.requests` means per million.
    pub fn set_price(&mut self, meter: &str, usd: &str) -> Result<(), PriceError> {
        self.price(meter)?;
        let bad = || PriceError::BadPrice {
            meter: meter.to_string(),
            usd: usd.to_string(),
        };
        let price = self.meters.get_mut(meter).ok_or_else(bad)?;
        let amount = check::decimal(usd).ok_or_else(bad)?;
        let unit_price_usd = check::unit_price(amount, price.per).ok_or_else(bad)?;
        let sku = price.tiers[0].sku.clone();
        price.tiers = vec![Tier {
            from: Decimal::ZERO,
            to: None,
            usd: amount,
            unit_price_usd,
            list_unit_price_usd: unit_price_usd,
            sku,
            source: vec!["set-by-hand".to_string()],
            as_of: None,
            confidence: Confidence::SetByHand,
            note: None,
        }];
        Ok(())
    }
}

impl MeterPrice {
    /// The earliest date among its tiers; `None` for a price set by hand.
    pub fn oldest(&self) -> Option<AsOf> {
        self.tiers.iter().filter_map(|tier| tier.as_of).min()
    }

    /// The least trusted of its tiers.
    pub fn confidence(&self) -> Confidence {
        let least = self.tiers.iter().map(|tier| tier.confidence).min();
        least.unwrap_or(Confidence::Low)
    }
}

/// The id in a catalog name: all before the first dot.
fn id_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The files of a list in order of their names.
fn parts(id: &str) -> Vec<(&'static str, &'static str)> {
    let mut parts: Vec<_> = PRICE_LISTS
        .iter()
        .copied()
        .filter(|(name, _)| id_of(name) == id)
        .collect();
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests;
