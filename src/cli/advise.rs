//! `advise`: how much to commit to, by what a stored result used hour by hour.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use rust_decimal::Decimal;

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say, shown};
use super::pricing::PricingArgs;
use crate::cost::bill::Terms;
use crate::cost::commitment::{Commitment, CommitmentSpec};
use crate::cost::stored::Stored;
use crate::cost::{Advice, Level, ReplicatedUsage, Slice, advise};
use crate::model::price::{CommitmentKind, PriceList, Term};

/// Flags of `advise`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast advise result --term 3y")]
pub struct AdviseArgs {
    /// Folder that `simulate` or `compare` wrote with --out
    folder: PathBuf,
    /// Name of a built-in price list, or path of one
    #[arg(long, value_name = "NAME|PATH", default_value = "aws-us-east-1")]
    prices: String,
    #[command(flatten)]
    pricing: PricingArgs,
    /// The kind of commitment: compute-savings-plan or ec2-instance-savings-plan
    #[arg(long, value_name = "KIND", default_value = "compute-savings-plan")]
    kind: CommitmentKind,
    /// For how long: 1y or 3y, which decides the usual rates
    #[arg(long, value_name = "TERM", default_value = "1y")]
    term: Term,
    /// The family of instances of an EC2 Instance Savings Plan, such as m7g
    #[arg(long, value_name = "FAMILY")]
    family: Option<String>,
    /// US dollars for a unit of a meter under the plan, such as fargate.vcpu.x86=0.032 (repeatable)
    #[arg(long = "rate", value_name = "METER=USD")]
    rates: Vec<String>,
    /// By how much traffic may fall short, for the last columns
    #[arg(long, value_name = "PERCENT", default_value = "30%")]
    less: String,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

const COLUMNS: [&str; 11] = [
    "scenario",
    "variant",
    "commitment_usd_per_hour",
    "monthly_cost_usd",
    "saving_usd",
    "saving_ratio",
    "used_ratio",
    "covered_ratio",
    "less_traffic_cost_usd",
    "less_traffic_saving_usd",
    "best",
];

/// `coldcast advise`
pub fn run(args: &AdviseArgs, quiet: bool) -> Outcome {
    let list = args.pricing.list(&args.prices)?;
    if !args.pricing.commitments(&list)?.is_empty() {
        return Err(Failure::Input(anyhow!(
            "`advise` looks at one new plan alone: leave --commitments out; `reprice --commitments` prices several together"
        )));
    }
    let commitment = commitment(args, &list)?;
    let less = args
        .less
        .strip_suffix('%')
        .and_then(|percent| Decimal::from_str_exact(percent).ok())
        .filter(|percent| *percent >= Decimal::ZERO && *percent <= Decimal::ONE_HUNDRED)
        .ok_or_else(|| {
            Failure::Input(anyhow!(
                "`--less {}` is no share of traffic: write --less 30%",
                args.less
            ))
        })?;
    let mut rows = Vec::new();
    for variant in crate::report::stored::use_of(&args.folder, true).map_err(Failure::input)? {
        let advice = of(
            &variant,
            &list,
            args.pricing.terms(),
            &commitment,
            less / Decimal::ONE_HUNDRED,
        )?;
        rows.extend(advice.levels.iter().map(|level| row(&variant, &advice, level)));
    }
    print(shown(args.format, "levels", &COLUMNS, rows, 2))?;
    if !quiet {
        say(format_args!(
            "\n{}. A {} for {}: its level is dollars an hour, used or not, of which each hour draws anew; savings are those against no \
             commitment; the last columns are for {} less traffic. {}.",
            args.pricing.said(&list),
            args.kind,
            args.term,
            args.less,
            if commitment.source.is_empty() {
                "All rates are given".to_string()
            } else {
                format!(
                    "Rates that are not given are the usual ones of {}",
                    commitment.source.join(", ")
                )
            }
        ));
    }
    Ok(())
}

/// The plan, its level left open.
fn commitment(args: &AdviseArgs, list: &PriceList) -> Result<Commitment, Failure> {
    if args.kind == CommitmentKind::ReservedInstances {
        return Err(Failure::Input(anyhow!(
            "`advise` knows savings plans; an ec2-instance-savings-plan has the usual rates of reserved instances"
        )));
    }
    let mut rates = BTreeMap::new();
    for text in &args.rates {
        let (meter, usd) = text.split_once('=').ok_or_else(|| {
            Failure::Input(anyhow!(
                "`--rate {text}` has no `=`: write --rate fargate.vcpu.x86=0.032"
            ))
        })?;
        rates.insert(meter.trim().to_string(), usd.trim().to_string());
    }
    let spec = CommitmentSpec {
        rates,
        ..CommitmentSpec::plan(args.kind, args.term, args.family.clone(), Decimal::ZERO)
    };
    spec.resolve(list).map_err(|problem| Failure::Input(anyhow!(problem)))
}

fn of(
    variant: &Stored,
    list: &PriceList,
    terms: Terms,
    commitment: &Commitment,
    less: Decimal,
) -> Result<Advice, Failure> {
    let replications: Vec<(Vec<Slice>, Terms)> = variant
        .replications
        .iter()
        .map(|metered| (metered.slices(), metered.terms(terms)))
        .collect();
    let used = ReplicatedUsage {
        replications: &replications,
        list,
        hours: terms.month.hours(),
    };
    advise(used, commitment, less).map_err(Failure::input)
}

fn row(variant: &Stored, advice: &Advice, level: &Level) -> Vec<String> {
    let none = &advice.levels[0];
    let usd = |amount: Decimal| {
        let mut cents = amount.round_dp(2);
        cents.rescale(2);
        cents.to_string()
    };
    let ratio = |ratio: Option<Decimal>| ratio.map(|ratio| ratio.round_dp(4).normalize().to_string());
    let saving = none.monthly_cost_usd - level.monthly_cost_usd;
    vec![
        variant.scenario.clone(),
        variant.variant.clone(),
        level.hourly_usd.to_string(),
        usd(level.monthly_cost_usd),
        usd(saving),
        ratio(saving.checked_div(none.monthly_cost_usd)).unwrap_or_default(),
        ratio(level.used_ratio).unwrap_or_default(),
        ratio(level.covered_ratio).unwrap_or_default(),
        usd(level.less_traffic_usd),
        usd(none.less_traffic_usd - level.less_traffic_usd),
        if level.best { "best" } else { "" }.to_string(),
    ]
}
