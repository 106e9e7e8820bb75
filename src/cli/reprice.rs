//! `reprice`: prices a stored result anew, without simulating.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say, shown};
use super::pricing::PricingArgs;
use crate::cost::bill::{Bill, Terms};
use crate::cost::commitment::Commitment;
use crate::cost::stored::Stored;
use crate::model::price::PriceList;
use crate::report::{cells, costs, stored};
use crate::stats::interval::estimate;
use crate::study::Metric;
use crate::study::estimate::within;

/// Flags of `reprice`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast reprice result --prices aws-us-east-1 --discount lambda=12%")]
pub struct RepriceArgs {
    /// Folder that `simulate` or `compare` wrote with --out
    folder: PathBuf,
    /// Name of a built-in price list, or path of one [default: the list of the run]
    #[arg(long, value_name = "NAME|PATH")]
    prices: Option<String>,
    #[command(flatten)]
    pricing: PricingArgs,
    /// Print the lines of the new bills instead of their totals
    #[arg(long)]
    lines: bool,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

const COLUMNS: [&str; 8] = [
    "scenario",
    "variant",
    "service",
    "stored_monthly_cost_usd",
    "monthly_cost_usd",
    "monthly_cost_usd_low",
    "monthly_cost_usd_high",
    "change_ratio",
];

/// A row of the stored summary.
#[derive(Debug, Deserialize)]
struct Summary {
    scenario: String,
    variant: String,
    service: String,
    monthly_cost_usd: String,
    price_list: String,
}

/// A service of a variant, or all of them, priced anew.
struct Priced {
    scenario: String,
    variant: String,
    service: String,
    /// In each replication.
    totals: Vec<Decimal>,
    mean: Bill,
}

/// `coldcast reprice`
pub fn run(args: &RepriceArgs, quiet: bool) -> Outcome {
    let list = match &args.prices {
        Some(name) => args.pricing.list(name)?,
        None => args.pricing.list(&list_of_run(&args.folder)?)?,
    };
    let commitments = args.pricing.commitments(&list)?;
    let stored = stored::use_of(&args.folder, !commitments.is_empty()).map_err(Failure::input)?;
    let terms = args.pricing.terms();
    let mut priced = Vec::new();
    for variant in &stored {
        priced.extend(price(variant, &list, terms, &commitments)?);
    }
    if args.lines {
        let rows = priced
            .iter()
            .filter(|priced| !priced.mean.lines.is_empty())
            .flat_map(|priced| {
                let lines = priced.mean.lines.iter();
                lines.map(|line| costs::cells(&priced.scenario, &priced.variant, &priced.service, line))
            });
        print(shown(args.format, "costs", &costs::header(), rows.collect(), 8))?;
    } else {
        let before = before(&args.folder)?;
        let rows = priced.iter().map(|priced| row(priced, &before));
        print(shown(args.format, "prices", &COLUMNS, rows.collect(), 3))?;
    }
    if !quiet {
        say(format_args!(
            "\n{}. How use becomes quantities (steps, minimums) is as in the run. Discounts, prices, free tier \
             and commitments of the scenario do not count here: give them as flags.",
            args.pricing.said(&list)
        ));
    }
    Ok(())
}

/// All services of a variant together, where there are several, and each.
fn price(stored: &Stored, list: &PriceList, terms: Terms, commitments: &[Commitment]) -> Result<Vec<Priced>, Failure> {
    let mut by_service: Vec<Vec<Bill>> = vec![Vec::new(); stored.services.len()];
    for metered in &stored.replications {
        let bills = metered.bills(list, terms, commitments).map_err(Failure::input)?;
        by_service
            .iter_mut()
            .zip(bills)
            .for_each(|(bills, bill)| bills.push(bill));
    }
    let new = |service: &str, totals, mean| Priced {
        scenario: stored.scenario.clone(),
        variant: stored.variant.clone(),
        service: service.to_string(),
        totals,
        mean,
    };
    let mut priced = Vec::new();
    if stored.services.len() > 1 {
        let sum = |r: usize| by_service.iter().map(|bills| bills[r].total_usd()).sum::<Decimal>();
        let totals = (0..stored.replications.len()).map(sum).collect();
        priced.push(new(crate::study::row::ALL, totals, Bill::default()));
    }
    for (service, bills) in stored.services.iter().zip(&by_service) {
        let totals = bills.iter().map(Bill::total_usd).collect();
        priced.push(new(service, totals, Bill::mean(bills)));
    }
    Ok(priced)
}

/// The rows of the stored summary.
fn summary(folder: &Path) -> Result<Vec<Summary>, Failure> {
    let name = folder.join("summary.csv");
    let failed = |error: csv::Error| {
        Failure::Input(anyhow::Error::new(error).context(format!("cannot read {}", name.display())))
    };
    let mut reader = csv::Reader::from_path(&name).map_err(failed)?;
    reader.deserialize().collect::<Result<_, _>>().map_err(failed)
}

/// The price list of all variants of a stored result.
fn list_of_run(folder: &Path) -> Result<String, Failure> {
    let lists = summary(folder)?.into_iter().map(|row| row.price_list);
    let lists: BTreeSet<String> = lists.filter(|list| !list.is_empty()).collect();
    let mut lists = lists.into_iter();
    match (lists.next(), lists.next()) {
        (Some(list), None) => Ok(list),
        (None, _) => Err(Failure::Input(anyhow::anyhow!(
            "{} has no prices: name a list with --prices",
            folder.display()
        ))),
        (Some(first), Some(second)) => Err(Failure::Input(anyhow::anyhow!(
            "the variants of {} have different price lists ({first}, {second}): name one with --prices",
            folder.display()
        ))),
    }
}

/// The stored cost by scenario, variant and service.
type Before = BTreeMap<(String, String, String), Decimal>;

fn before(folder: &Path) -> Result<Before, Failure> {
    let rows = summary(folder)?.into_iter().filter_map(|row| {
        let cost = Decimal::from_str_exact(&row.monthly_cost_usd).ok()?;
        Some(((row.scenario, row.variant, row.service), cost))
    });
    Ok(rows.collect())
}

fn row(priced: &Priced, before: &Before) -> Vec<String> {
    let key = (priced.scenario.clone(), priced.variant.clone(), priced.service.clone());
    let before = before.get(&key).copied();
    let count = Decimal::from(priced.totals.len().max(1));
    let mean = priced.totals.iter().sum::<Decimal>() / count;
    let floats: Vec<f64> = priced.totals.iter().filter_map(ToPrimitive::to_f64).collect();
    let estimate = estimate(&floats).map(|estimate| within(Metric::MonthlyCost.kind().range(), estimate).0);
    let interval = estimate.and_then(|estimate| estimate.interval);
    let change = before
        .and_then(|before| mean.checked_div(before))
        .map(|ratio| ratio - Decimal::ONE);
    vec![
        priced.scenario.clone(),
        priced.variant.clone(),
        priced.service.clone(),
        before
            .map(|before| before.round_dp(9).normalize().to_string())
            .unwrap_or_default(),
        mean.round_dp(9).normalize().to_string(),
        cells::maybe(interval.map(|interval| interval.0)),
        cells::maybe(interval.map(|interval| interval.1)),
        change
            .map(|change| change.round_dp(6).normalize().to_string())
            .unwrap_or_default(),
    ]
}
