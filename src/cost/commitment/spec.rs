//! Commitments as files state them, and their rates by a price list.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Commitment, Rate};
use crate::model::price::{CommitmentKind, PriceList, Term};

/// A commitment in a file: `[[prices.commitments]]` of a scenario, or `[[commitment]]` of a file of commitments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CommitmentSpec {
    /// Its kind.
    pub kind: CommitmentKind,
    /// Its name on the bill; default: its kind.
    pub name: Option<String>,
    /// Its term, which decides the usual rates.
    #[serde(default)]
    pub term: Term,
    /// Savings plans: US dollars an hour, in quotes, such as `"3.50"`.
    pub hourly: Option<String>,
    /// EC2 Instance Savings Plans: the instance family, such as `m7g`.
    pub family: Option<String>,
    /// Reserved instances: the instance type, such as `m7g.large`.
    pub instance_type: Option<String>,
    /// Reserved instances: their number.
    pub count: Option<u32>,
    /// US dollars for one unit by meter, in quotes; default: the on-demand price less the usual discount of the price list.
    #[serde(default)]
    pub rates: BTreeMap<String, String>,
}

impl CommitmentSpec {
    /// Returns a savings plan of so many dollars an hour, at the usual rates.
    pub fn plan(kind: CommitmentKind, term: Term, family: Option<String>, hourly: Decimal) -> Self {
        Self {
            kind,
            name: None,
            term,
            hourly: Some(hourly.to_string()),
            family,
            instance_type: None,
            count: None,
            rates: BTreeMap::new(),
        }
    }

    /// The texts that the meters in its scope begin with.
    fn scope(&self) -> Result<Vec<String>, String> {
        let unfit = |key: &str, set: bool| match set {
            true => Err(format!("`{key}` does not apply to {}", self.kind)),
            false => Ok(()),
        };
        let needed = |key: &str, example: &str| format!("{} needs `{key}`, such as {key} = {example}", self.kind);
        match self.kind {
            CommitmentKind::ReservedInstances => {
                unfit("hourly", self.hourly.is_some())?;
                unfit("family", self.family.is_some())?;
                let of = self.instance_type.as_ref();
                let of = of.ok_or_else(|| needed("instance-type", "\"m7g.large\""))?;
                self.count.ok_or_else(|| needed("count", "3"))?;
                Ok(vec![format!("ec2.{of}")])
            }
            CommitmentKind::Ec2InstanceSavingsPlan => {
                unfit("instance-type", self.instance_type.is_some())?;
                unfit("count", self.count.is_some())?;
                let family = self.family.as_ref();
                let family = family.ok_or_else(|| needed("family", "\"m7g\""))?;
                Ok(vec![format!("ec2.{family}.")])
            }
            CommitmentKind::ComputeSavingsPlan => {
                unfit("family", self.family.is_some())?;
                unfit("instance-type", self.instance_type.is_some())?;
                unfit("count", self.count.is_some())?;
                Ok(["ec2.", "fargate.", "lambda."].map(str::to_string).to_vec())
            }
        }
    }

    /// Works out the rates from a price list.
    ///
    /// # Errors
    /// The first key that does not fit, with the reason.
    pub fn resolve(&self, list: &PriceList) -> Result<Commitment, String> {
        let scope = self.scope()?;
        let in_scope = |meter: &str| match self.kind {
            CommitmentKind::ReservedInstances => meter == scope[0],
            _ => scope.iter().any(|first| meter.starts_with(first)),
        };
        let mut rates = Vec::new();
        let mut source = Vec::new();
        for price in list.meters().filter(|price| in_scope(&price.meter)) {
            let on_demand_usd = price.tiers[0].unit_price_usd;
            let usual = list.commitment_discount(self.kind, self.term, &price.meter);
            let usd = match (self.rates.get(&price.meter), usual) {
                (Some(text), _) => self.rate(&price.meter, text)?,
                (None, Some(offer)) => {
                    source.extend(
                        offer
                            .source
                            .iter()
                            .filter(|id| !source.contains(*id))
                            .cloned()
                            .collect::<Vec<_>>(),
                    );
                    (on_demand_usd * (Decimal::ONE - offer.discount)).normalize()
                }
                (None, None) => continue,
            };
            if usd <= Decimal::ZERO || usd > on_demand_usd {
                return Err(format!(
                    "the rate of `{}` is {usd} US dollars; it must be above 0 and at most the {on_demand_usd} on demand",
                    price.meter
                ));
            }
            rates.push(Rate {
                meter: price.meter.clone(),
                usd,
                on_demand_usd,
            });
        }
        for meter in self.rates.keys() {
            list.price(meter).map_err(|error| {
                let hints = error.hints().join("; ");
                format!("`rates`: {error}; {hints}")
            })?;
            if !in_scope(meter) {
                return Err(format!("`rates`: {} does not cover `{meter}`", self.kind));
            }
        }
        if rates.is_empty() {
            return Err(format!(
                "price list {} has no meter that {} for {} covers; check the provider of the list and the name",
                list.id,
                self.kind,
                scope.join(", ")
            ));
        }
        // Compares the ratio usd / on demand without a division.
        rates.sort_by(|a, b| {
            let (paid_a, paid_b) = (a.usd * b.on_demand_usd, b.usd * a.on_demand_usd);
            paid_a.cmp(&paid_b).then(a.usd.cmp(&b.usd)).then(a.meter.cmp(&b.meter))
        });
        let hourly_usd = match (&self.hourly, self.count) {
            (_, Some(count)) => rates[0].usd * Decimal::from(count),
            (Some(text), None) => Decimal::from_str_exact(text)
                .ok()
                .filter(|usd| *usd >= Decimal::ZERO)
                .ok_or_else(|| format!("`hourly` is `{text}`; it must be US dollars an hour, such as \"3.50\""))?,
            (None, None) => return Err(format!("{} needs `hourly`, such as hourly = \"3.50\"", self.kind)),
        };
        Ok(Commitment {
            name: self.name.clone().unwrap_or_else(|| self.kind.name().to_string()),
            kind: self.kind,
            term: self.term,
            hourly_usd: hourly_usd.normalize(),
            rates,
            source,
        })
    }

    fn rate(&self, meter: &str, text: &str) -> Result<Decimal, String> {
        let rate = Decimal::from_str_exact(text);
        rate.map_err(|_| {
            format!("`rates`: `{text}` is not a price for `{meter}`; write US dollars for one unit, such as \"0.03\"")
        })
    }
}

/// Works out the rates of commitments. Returns them in the order in which usage draws on them.
///
/// # Errors
/// All problems, each with the number of its commitment.
pub fn resolve(specs: &[CommitmentSpec], list: &PriceList) -> Result<Vec<Commitment>, Vec<String>> {
    let mut commitments: Vec<Commitment> = Vec::new();
    let mut problems = Vec::new();
    for (spec, number) in specs.iter().zip(1..) {
        match spec.resolve(list) {
            Ok(commitment) if commitments.iter().any(|other| other.name == commitment.name) => {
                let name = commitment.name;
                problems.push(format!(
                    "commitment {number}: another commitment has the name `{name}`; give each its own `name`"
                ));
            }
            Ok(commitment) => commitments.push(commitment),
            Err(problem) => problems.push(format!("commitment {number}: {problem}")),
        }
    }
    commitments.sort_by_key(|commitment| commitment.kind);
    if problems.is_empty() {
        Ok(commitments)
    } else {
        Err(problems)
    }
}
