//! Price lists: the prices of one provider in one region from one day on. A list is a dated file in `models/prices/` or a
//! file of the user. Prices are never looked up during a run.
//!
//! This module holds the figures, their sources and the rules by which a service rounds. It knows neither quantities nor
//! bills. A price is US dollars per unit, as a decimal and never as a binary float. A missing price is an error and never 0.

mod change;
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

/// The version of the price list format.
pub const SCHEMA: u32 = 1;

/// The prices of one provider in one region from one day on.
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
    /// The day from which the list is valid.
    pub effective: Date,
    /// SHA-256 of the text of the list's files, in the order of their names, in hexadecimal.
    pub sha256: String,
    /// Sources by id.
    pub sources: BTreeMap<String, Source>,
    /// Free monthly allowances. They belong to an account and are granted once.
    pub free: Vec<FreeAllowance>,
    /// Discounts for commitments.
    pub commitments: Vec<CommitmentDiscount>,
    meters: BTreeMap<String, MeterPrice>,
    lambda: Option<LambdaRules>,
    steps: BTreeMap<String, Steps>,
    hosts: Vec<HostType>,
}

/// The source of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Title for people.
    pub title: String,
    /// Address, if it has one.
    pub url: Option<String>,
    /// The day on which it was read, or the date of the source.
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
    /// Units that the quoted price is for: 1000000 for "per million requests".
    pub per: Decimal,
    /// Tiers in rising order without gaps: at least one, the first from 0, the last without end.
    pub tiers: Vec<Tier>,
}

/// One step of a price. Tiers are marginal: each unit costs the price of its own tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Units of the month before this tier.
    pub from: Decimal,
    /// Units of the month at which it ends; `None`: it has no end.
    pub to: Option<Decimal>,
    /// US dollars for `per` units, as the provider quotes the price.
    pub usd: Decimal,
    /// US dollars for one unit, which is exactly `usd / per`.
    pub unit_price_usd: Decimal,
    /// US dollars for one unit without discounts.
    pub list_unit_price_usd: Decimal,
    /// The provider's name for it on bills; empty if it was not read.
    pub sku: String,
    /// Ids of the sources.
    pub source: Vec<String>,
    /// The date on which the figure was read; `None` for a price set by hand.
    pub as_of: Option<AsOf>,
    /// How reliable the figure is.
    pub confidence: Confidence,
    /// A remark for readers.
    pub note: Option<String>,
}

/// Units that are free in each month. Several meters may share them.
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
    /// Who shares it, in words.
    pub scope: String,
    /// Ids of the sources.
    pub source: Vec<String>,
}

/// How reliable a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// An old figure, one derived from an advertised maximum, or one from memory. Set your own.
    Low,
    /// A figure from one good source, or one derived from good sources.
    Medium,
    /// A figure from the vendor's own page, or from two sources that agree.
    High,
    /// A figure that the user set for this run.
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
    /// Finds a list by its exact id, by its id without the date (the newest one), or by a path that ends in `.toml`.
    ///
    /// # Errors
    /// If there is no such list, or if it is not valid.
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

    /// Reads a list from one file.
    ///
    /// # Errors
    /// If the file cannot be read, or if the list is not valid.
    pub fn read(path: &Path) -> Result<Self, PriceError> {
        let text = std::fs::read_to_string(path).map_err(|source| PriceError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let name = path.display().to_string();
        file::build(&name, &[(&name, &text)])
    }

    /// Reads a list from the text of one file; `name` is for error messages.
    ///
    /// # Errors
    /// If the list is not valid.
    pub fn parse(name: &str, text: &str) -> Result<Self, PriceError> {
        file::build(name, &[(name, text)])
    }

    /// The ids of the built-in lists, in order.
    pub fn ids() -> Vec<&'static str> {
        let mut ids: Vec<_> = PRICE_LISTS.iter().map(|(name, _)| id_of(name)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The price of a meter.
    ///
    /// # Errors
    /// If the list has none.
    pub fn price(&self, meter: &str) -> Result<&MeterPrice, PriceError> {
        self.meters.get(meter).ok_or_else(|| PriceError::UnknownMeter {
            meter: meter.to_string(),
            list: self.id.clone(),
            nearest: crate::suggest::nearest(meter, self.meters.keys().map(String::as_str)),
        })
    }

    /// All prices in the order of their meters.
    pub fn meters(&self) -> impl Iterator<Item = &MeterPrice> {
        self.meters.values()
    }

    /// The rules by which AWS Lambda bills an invocation.
    ///
    /// # Errors
    /// If the list has none.
    pub fn lambda_rules(&self) -> Result<&LambdaRules, PriceError> {
        self.lambda.as_ref().ok_or_else(|| PriceError::NoRules {
            list: self.id.clone(),
            service: "lambda",
        })
    }

    /// The rules by which a service, such as `azure-flex`, rounds.
    ///
    /// # Errors
    /// If the list has none.
    pub fn steps(&self, service: &'static str) -> Result<&Steps, PriceError> {
        self.steps.get(service).ok_or_else(|| PriceError::NoRules {
            list: self.id.clone(),
            service,
        })
    }
}

impl MeterPrice {
    /// The oldest date among its tiers; `None` for a price set by hand.
    pub fn oldest(&self) -> Option<AsOf> {
        self.tiers.iter().filter_map(|tier| tier.as_of).min()
    }

    /// The confidence in the least reliable of its tiers.
    pub fn confidence(&self) -> Confidence {
        let least = self.tiers.iter().map(|tier| tier.confidence).min();
        least.unwrap_or(Confidence::Low)
    }
}

/// The id in a catalog name: everything before the first dot.
fn id_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The files of a list in the order of their names.
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
