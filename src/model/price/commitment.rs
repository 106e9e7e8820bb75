//! The usual discounts for commitments, by kind, term and meter. They are defaults: real offers differ by instance family
//! and payment, so a user who has a commitment states its rates.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::check::{Draft, Place, decimal};
use super::date::AsOf;
use super::{Confidence, PriceList};

/// The kind of a commitment, in the order in which the usage of an hour draws on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CommitmentKind {
    /// A fixed number of instances of one type in each hour.
    ReservedInstances,
    /// A fixed amount in each hour for instances of one family.
    Ec2InstanceSavingsPlan,
    /// A fixed amount in each hour for instances, containers and functions.
    ComputeSavingsPlan,
}

/// The term of a commitment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Term {
    /// One year.
    #[default]
    #[serde(rename = "1y")]
    OneYear,
    /// Three years.
    #[serde(rename = "3y")]
    ThreeYears,
}

impl CommitmentKind {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReservedInstances => "reserved-instances",
            Self::Ec2InstanceSavingsPlan => "ec2-instance-savings-plan",
            Self::ComputeSavingsPlan => "compute-savings-plan",
        }
    }
}

impl FromStr for CommitmentKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [
            Self::ReservedInstances,
            Self::Ec2InstanceSavingsPlan,
            Self::ComputeSavingsPlan,
        ];
        all.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|kind| kind.name()).collect();
            format!("it must be one of {}", names.join(", "))
        })
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1y" => Ok(Self::OneYear),
            "3y" => Ok(Self::ThreeYears),
            _ => Err("it must be 1y or 3y".into()),
        }
    }
}

impl fmt::Display for CommitmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OneYear => "1y",
            Self::ThreeYears => "3y",
        })
    }
}

/// A discount on the prices of some meters.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitmentDiscount {
    /// The kind of the commitment.
    pub kind: CommitmentKind,
    /// Its term.
    pub term: Term,
    /// The text that the meters begin with, such as `ec2.`.
    pub meters: Vec<String>,
    /// Share of the on-demand price that is saved, from 0 to below 1.
    pub discount: Decimal,
    /// Ids of the sources.
    pub source: Vec<String>,
    /// The date on which the figure was read.
    pub as_of: AsOf,
    /// How reliable the figure is.
    pub confidence: Confidence,
    /// A remark for readers.
    pub note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCommitment {
    kind: CommitmentKind,
    term: Term,
    meters: Vec<String>,
    discount: String,
    source: Vec<String>,
    as_of: String,
    confidence: Confidence,
    note: Option<String>,
}

impl CommitmentDiscount {
    fn names(&self, meter: &str) -> bool {
        self.meters.iter().any(|first| meter.starts_with(first))
    }
}

impl PriceList {
    /// The usual discount of a commitment on a meter; `None` if the commitment does not cover the meter or if the list has no
    /// figure.
    pub fn commitment_discount(&self, kind: CommitmentKind, term: Term, meter: &str) -> Option<&CommitmentDiscount> {
        let fits = |offer: &&CommitmentDiscount| offer.kind == kind && offer.term == term && offer.names(meter);
        self.commitments.iter().find(fits)
    }
}

impl Draft {
    /// Reads one discount. All meters must have been read.
    pub(super) fn commitment(&mut self, place: &Place<'_>, raw: Spanned<RawCommitment>) {
        let line = place.line(raw.span().start);
        let raw = raw.into_inner();
        let at = format!("{line} (commitment {} {})", raw.kind, raw.term);
        self.check_sources(&at, &raw.source);
        let as_of = raw.as_of.parse::<AsOf>();
        if let Err(error) = &as_of {
            self.problem(&at, format_args!("as-of {error}"));
        }
        let discount = decimal(&raw.discount).filter(|discount| *discount < Decimal::ONE);
        if discount.is_none() {
            self.problem(
                &at,
                format_args!(
                    "discount = \"{}\" must be a share of at least 0 and below 1",
                    raw.discount
                ),
            );
        }
        let (Ok(as_of), Some(discount)) = (as_of, discount) else {
            return;
        };
        let offer = CommitmentDiscount {
            kind: raw.kind,
            term: raw.term,
            meters: raw.meters,
            discount,
            source: raw.source,
            as_of,
            confidence: raw.confidence,
            note: raw.note,
        };
        if offer.meters.is_empty() {
            self.problem(&at, "a discount needs at least one meter");
        }
        for first in &offer.meters {
            if !self.meters.keys().any(|meter| meter.starts_with(first)) {
                self.problem(&at, format_args!("no meter begins with `{first}`"));
            }
        }
        let same = self
            .commitments
            .iter()
            .filter(|other| (other.kind, other.term) == (offer.kind, offer.term));
        let twice = same
            .flat_map(|other| self.meters.keys().filter(|meter| other.names(meter)))
            .find(|meter| offer.names(meter))
            .cloned();
        if let Some(meter) = twice {
            self.problem(
                &at,
                format_args!("another discount of this kind and term covers meter `{meter}`"),
            );
        }
        self.commitments.push(offer);
    }
}
