//! The flags that all pricing verbs share: changes to a price list, allowance and month.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde::Deserialize;

use super::exit::Failure;
use crate::cost::bill::Terms;
use crate::cost::commitment::{self, Commitment, CommitmentSpec};
use crate::cost::month::Month;
use crate::model::price::PriceList;

/// Flags of verbs that price.
#[derive(Debug, Args)]
pub struct PricingArgs {
    /// Another price for a meter, for as many units as the list quotes it for, such as lambda.requests=0.18 (repeatable)
    #[arg(long = "set-price", value_name = "METER=USD")]
    set_prices: Vec<String>,
    /// A discount on a meter, on all meters that begin with a word, or on a cloud service, such as ec2=12% (repeatable)
    #[arg(long = "discount", value_name = "NAME=PERCENT")]
    discounts: Vec<String>,
    /// Grant the provider's free allowance, once to each bill
    #[arg(long)]
    free_tier: bool,
    /// The month that is billed, such as calendar:2026-02; quantities that are a month's already stay as they are
    #[arg(long, value_name = "MONTH", default_value = "730h")]
    month: Month,
    /// TOML file with [[commitment]] tables: savings plans and reserved instances
    #[arg(long, value_name = "FILE")]
    commitments: Option<PathBuf>,
}

/// A file of commitments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commitments {
    #[serde(default)]
    commitment: Vec<CommitmentSpec>,
}

impl PricingArgs {
    /// Returns the commitments at the prices of a list; none without a file.
    ///
    /// # Errors
    /// The file cannot be read, or its content does not fit.
    pub fn commitments(&self, list: &PriceList) -> Result<Vec<Commitment>, Failure> {
        let Some(path) = &self.commitments else {
            return Ok(Vec::new());
        };
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::input(anyhow::Error::new(error).context(format!("cannot read {name}"))))?;
        let file: Commitments = toml::from_str(&text).map_err(|error| Failure::Input(anyhow!("{name}: {error}")))?;
        if file.commitment.is_empty() {
            return Err(Failure::Input(anyhow!(
                "{name}: there is no [[commitment]], such as\n[[commitment]]\nkind = \"compute-savings-plan\"\nhourly = \"3.50\""
            )));
        }
        let problems =
            |problems: Vec<String>| Failure::Input(anyhow!("{name}: {}", problems.join(&format!("\n{name}: "))));
        commitment::resolve(&file.commitment, list).map_err(problems)
    }

    /// A price list with what is changed of it.
    ///
    /// # Errors
    /// There is no such list or meter, or what is given is no price or discount.
    pub fn list(&self, name: &str) -> Result<PriceList, Failure> {
        let mut list = PriceList::find(name).map_err(Failure::input)?;
        let pair = |text: &str, flag: &str, example: &str| -> Result<(String, String), Failure> {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| Failure::Input(anyhow!("`{flag} {text}` has no `=`: write {flag} {example}")))?;
            Ok((name.trim().to_string(), value.trim().to_string()))
        };
        for text in &self.set_prices {
            let (meter, usd) = pair(text, "--set-price", "lambda.requests=0.18")?;
            list.set_price(&meter, &usd).map_err(Failure::input)?;
        }
        for text in &self.discounts {
            let (name, percent) = pair(text, "--discount", "ec2=12%")?;
            list.discount(&name, &percent).map_err(Failure::input)?;
        }
        Ok(list)
    }

    /// Returns the terms of the bill; the observed window is not known here.
    pub fn terms(&self) -> Terms {
        Terms {
            window: None,
            month: self.month,
            free_tier: self.free_tier,
        }
    }

    /// Returns the terms of a bill by this list in words.
    pub fn said(&self, list: &PriceList) -> String {
        let allowance = if self.free_tier {
            "free allowance granted"
        } else {
            "no free allowance"
        };
        let hours = self.month.hours().normalize();
        format!(
            "prices of {}, without tax, {allowance}; a month of {hours} hours",
            list.id
        )
    }
}
