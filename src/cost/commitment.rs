//! Commitments: a promise to spend an amount in each hour for lower rates, and the way in which usage draws on it.
//!
//! The usage of an hour draws on reserved instances first, then on EC2 Instance Savings Plans, then on Compute Savings Plans. The
//! rest is paid on demand. Within a plan, the usage with the highest percentage of savings comes first, and among equals the
//! one with the lower rate. The hour costs the whole commitment. An unused part is lost: nothing carries over to the next hour
//! or plan. Source: AWS Savings Plans User Guide, "Understanding how Savings Plans apply to your usage".
//!
//! Commitments have no upfront payment. State one that does by its cost per hour.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::rate::QUANTITY_DECIMALS;
use crate::model::price::{CommitmentKind, PriceList, Term};

/// Quantities by meter.
type Quantities = BTreeMap<String, Decimal>;

/// A commitment in a file: `[[prices.commitments]]` of a scenario, or `[[commitment]]` of a file of commitments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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

/// The price of a meter under a commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// The meter.
    pub meter: String,
    /// US dollars for one unit under the commitment.
    pub usd: Decimal,
    /// US dollars for one unit on demand, in the first tier.
    pub on_demand_usd: Decimal,
}

/// A commitment with its rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Commitment {
    /// Its name on the bill.
    pub name: String,
    /// Its kind.
    pub kind: CommitmentKind,
    /// Its term.
    pub term: Term,
    /// US dollars for each hour, used or not.
    pub hourly_usd: Decimal,
    /// The meters that it covers, in the order in which usage draws on it.
    pub rates: Vec<Rate>,
    /// Ids of the sources of its usual discounts; empty if all rates are given.
    pub source: Vec<String>,
}

/// The part of an hour's usage that commitments cover, in the order of the commitments.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Units that each commitment covers, by meter.
    pub covered: Vec<Quantities>,
    /// US dollars of each commitment that are used.
    pub used_usd: Vec<Decimal>,
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

/// Draws the usage of so many hours on commitments, as if the usage were spread evenly over the hours. Leaves in `usage` the
/// part that is paid on demand.
pub fn draw(commitments: &[Commitment], usage: &mut Quantities, hours: Decimal) -> Drawn {
    let mut drawn = Drawn {
        covered: Vec::new(),
        used_usd: Vec::new(),
    };
    for commitment in commitments {
        let committed = commitment.hourly_usd * hours;
        let mut money = committed;
        let mut covered = Quantities::new();
        for rate in &commitment.rates {
            let Some(left) = usage.get_mut(&rate.meter) else {
                continue;
            };
            let most = money
                .checked_div(rate.usd)
                .map_or(*left, |most| most.trunc_with_scale(QUANTITY_DECIMALS));
            let units = most.min(*left);
            if units > Decimal::ZERO {
                *left -= units;
                money = (money - units * rate.usd).max(Decimal::ZERO);
                covered.insert(rate.meter.clone(), units);
            }
        }
        drawn.covered.push(covered);
        drawn.used_usd.push(committed - money);
    }
    drawn
}

impl Commitment {
    /// Describes the commitment, as an assumption of the bill.
    pub fn said(&self) -> String {
        let usual = if self.source.is_empty() {
            "at given rates".to_string()
        } else {
            format!(
                "at the usual {} rates unless others are given ({})",
                self.term,
                self.source.join(", ")
            )
        };
        format!(
            "commitment `{}`: {} US dollars for each hour, used or not, {usual}; an unused part is lost at the end of each hour",
            self.name, self.hourly_usd
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn rate(meter: &str, on_demand: &str, usd: &str) -> Rate {
        Rate {
            meter: meter.into(),
            usd: dec(usd),
            on_demand_usd: dec(on_demand),
        }
    }

    fn plan(kind: CommitmentKind, hourly: &str, rates: Vec<Rate>) -> Commitment {
        Commitment {
            name: kind.name().into(),
            kind,
            term: Term::OneYear,
            hourly_usd: dec(hourly),
            rates,
            source: Vec::new(),
        }
    }

    fn quantities(pairs: &[(&str, &str)]) -> Quantities {
        pairs
            .iter()
            .map(|(meter, units)| ((*meter).to_string(), dec(units)))
            .collect()
    }

    /// Two hours with a commitment of 1 dollar at half the price: the commitment of the idle first hour is lost.
    #[test]
    fn nothing_carries_over_to_the_next_hour() {
        let plans = [plan(
            CommitmentKind::ComputeSavingsPlan,
            "1",
            vec![rate("a", "1", "0.5")],
        )];
        let mut idle = quantities(&[("a", "0")]);
        assert_eq!(draw(&plans, &mut idle, Decimal::ONE).used_usd, [Decimal::ZERO]);
        let mut busy = quantities(&[("a", "10")]);
        let drawn = draw(&plans, &mut busy, Decimal::ONE);
        assert_eq!(drawn.covered, [quantities(&[("a", "2")])]);
        assert_eq!(busy["a"], dec("8"));
    }

    /// The unused part of the family plan does not help the Compute plan, and reserved instances come before both.
    #[test]
    fn plans_draw_in_order_and_do_not_share_what_is_left() {
        let plans = [
            plan(
                CommitmentKind::ReservedInstances,
                "0.6",
                vec![rate("ec2.m", "1", "0.6")],
            ),
            plan(
                CommitmentKind::Ec2InstanceSavingsPlan,
                "5",
                vec![rate("ec2.m", "1", "0.65")],
            ),
            plan(
                CommitmentKind::ComputeSavingsPlan,
                "0.75",
                vec![rate("ec2.m", "1", "0.7"), rate("f", "1", "0.75")],
            ),
        ];
        let mut usage = quantities(&[("ec2.m", "3"), ("f", "4")]);
        let drawn = draw(&plans, &mut usage, Decimal::ONE);
        assert_eq!(
            drawn.covered,
            [
                quantities(&[("ec2.m", "1")]),
                quantities(&[("ec2.m", "2")]),
                quantities(&[("f", "1")])
            ]
        );
        assert_eq!(drawn.used_usd, [dec("0.6"), dec("1.3"), dec("0.75")]);
        assert_eq!(usage, quantities(&[("ec2.m", "0"), ("f", "3")]));
    }

    #[test]
    fn the_usual_rates_do_not_cover_requests_and_spot_nodes() {
        let list = PriceList::find("aws-us-east-1").unwrap();
        let spec = CommitmentSpec::plan(CommitmentKind::ComputeSavingsPlan, Term::ThreeYears, None, Decimal::ONE);
        let plan = spec.resolve(&list).unwrap();
        let covers = |meter: &str| {
            plan.rates
                .iter()
                .find(|rate| rate.meter == meter)
                .map(|rate| rate.usd.to_string())
        };
        assert_eq!(covers("ec2.m7g.large").unwrap(), "0.0408");
        assert_eq!(covers("lambda.requests"), None);
        assert_eq!(covers("ec2.spot.m5.large"), None);
        assert_eq!(covers("fargate.ephemeral_storage"), None);
        // EC2 and Fargate save half, Lambda 17%; of equal savings the lower rate comes first.
        let first = &plan.rates[0];
        assert!(first.usd * dec("2") == first.on_demand_usd, "{first:?}");
        assert!(plan.rates.last().unwrap().meter.starts_with("lambda."));
        let year = CommitmentSpec {
            term: Term::OneYear,
            ..spec
        };
        let plan = year.resolve(&list).unwrap();
        assert!(
            plan.rates.iter().all(|rate| !rate.meter.starts_with("fargate.")),
            "no figure is known"
        );
    }

    #[test]
    fn keys_that_do_not_fit_are_reported() {
        let list = PriceList::find("aws-us-east-1").unwrap();
        let problem = |text: &str| {
            let spec: CommitmentSpec = toml::from_str(text).unwrap();
            resolve(&[spec], &list).unwrap_err().remove(0)
        };
        for (text, part) in [
            ("kind = \"compute-savings-plan\"", "needs `hourly`"),
            ("kind = \"compute-savings-plan\"\nhourly = \"-1\"", "`hourly` is `-1`"),
            (
                "kind = \"compute-savings-plan\"\nhourly = \"1\"\ncount = 3",
                "`count` does not apply",
            ),
            ("kind = \"ec2-instance-savings-plan\"\nhourly = \"1\"", "needs `family`"),
            (
                "kind = \"ec2-instance-savings-plan\"\nhourly = \"1\"\nfamily = \"q9\"",
                "has no meter that",
            ),
            ("kind = \"reserved-instances\"\ncount = 3", "needs `instance-type`"),
            (
                "kind = \"reserved-instances\"\ninstance-type = \"m7g.large\"",
                "needs `count`",
            ),
            (
                "kind = \"compute-savings-plan\"\nhourly = \"1\"\nrates = { \"lambda.request\" = \"0.1\" }",
                "did you mean: lambda.requests",
            ),
            (
                "kind = \"compute-savings-plan\"\nhourly = \"1\"\nrates = { \"ec2.m7g.large\" = \"9\" }",
                "at most the 0.0816 on demand",
            ),
        ] {
            assert!(problem(text).contains(part), "{text}: {}", problem(text));
        }
        let twice = CommitmentSpec::plan(CommitmentKind::ComputeSavingsPlan, Term::OneYear, None, Decimal::ONE);
        let problems = resolve(&[twice.clone(), twice], &list).unwrap_err();
        assert!(problems[0].contains("give each its own `name`"), "{problems:?}");
    }
}
