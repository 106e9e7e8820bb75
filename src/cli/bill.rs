//! `bill`: prices a table of metered quantities, such as last month's usage.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use clap::Args;
use rust_decimal::{Decimal, RoundingStrategy};

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use super::pricing::PricingArgs;
use crate::cost::bill::{Bill, bill};
use crate::cost::bill_groups;
use crate::cost::usage::{self, Usage};
use crate::model::catalog;
use crate::model::price::PriceList;
use crate::report::table::{self, Style};
use crate::report::{cells, costs, frameworks};

/// Flags of `bill`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast bill embedded:example --format table")]
pub struct BillArgs {
    /// CSV with the header meter,quantity[,group]; quantities are a month's, in the units of the price list; - is standard input,
    /// embedded:example a table to try it with
    usage: PathBuf,
    /// Name of a built-in price list, or path of one
    #[arg(long, value_name = "NAME|PATH", default_value = "aws-us-east-1")]
    prices: String,
    #[command(flatten)]
    pricing: PricingArgs,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
}

/// `coldcast bill`
pub fn run(args: &BillArgs, quiet: bool) -> Outcome {
    let list = args.pricing.list(&args.prices)?;
    let usage = read(args, &list)?;
    let terms = args.pricing.terms();
    let mut together: BTreeMap<String, Decimal> = BTreeMap::new();
    for (meter, &quantity) in usage.values().flatten() {
        *together.entry(meter.clone()).or_default() += quantity;
    }
    let bill = bill(&list, &together, &terms).map_err(Failure::input)?;
    let rows = || bill.lines.iter().map(|line| costs::cells("", "", "", line));
    match args.format {
        Format::Csv => print(cells::csv(&costs::COLUMNS, rows()))?,
        Format::Json => print(frameworks::objects("costs", &costs::COLUMNS, rows()))?,
        Format::Table => print(table(&bill, Style::Plain))?,
        Format::Markdown => print(table(&bill, Style::Markdown))?,
    }
    let total = bill.total_usd();
    say(format_args!(
        "total {total} USD; with each line rounded to the cent first: {} USD",
        cents(bill.lines.iter().map(|line| line.cost_usd))
    ));
    if quiet {
        return Ok(());
    }
    say(args.pricing.said(&list));
    if usage.len() > 1 || !usage.contains_key("") {
        for (group, bill) in bill_groups(&list, &usage, &terms).map_err(Failure::input)? {
            let group = if group.is_empty() { "no group" } else { &group };
            say(format_args!("of which {group}: {} USD", bill.total_usd()));
        }
    }
    for meter in together.keys() {
        let price = list.price(meter).map_err(Failure::input)?;
        if price.confidence() == crate::model::price::Confidence::Low {
            say(format_args!(
                "warning: the price of `{meter}` has a low confidence; give your own with --set-price {meter}=USD"
            ));
        }
    }
    Ok(())
}

fn read(args: &BillArgs, list: &PriceList) -> Result<Usage, Failure> {
    if args.usage.as_os_str() == "embedded:example" {
        return usage::read("embedded:example", catalog::USAGE.as_bytes(), list).map_err(Failure::input);
    }
    if args.usage.as_os_str() == "-" {
        return usage::read("standard input", io::stdin().lock(), list).map_err(Failure::input);
    }
    let file = File::open(&args.usage).map_err(|error| {
        let name = args.usage.display();
        Failure::input(anyhow::Error::new(error).context(format!("cannot read {name}")))
    })?;
    usage::read(&args.usage.display().to_string(), file, list).map_err(Failure::input)
}

/// The sum of amounts that are rounded to the cent first, half up.
fn cents(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    let round = |amount: Decimal| amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    let mut sum: Decimal = amounts.map(round).sum();
    sum.rescale(2);
    sum
}

fn table(bill: &Bill, style: Style) -> String {
    let header = [
        "cloud service",
        "meter",
        "unit",
        "tier",
        "quantity",
        "free",
        "USD per unit",
        "USD",
    ];
    let rows = bill.lines.iter().map(|line| {
        vec![
            line.cloud_service.clone(),
            line.meter.clone(),
            line.unit.clone(),
            line.tier.to_string(),
            line.quantity.normalize().to_string(),
            line.free_quantity.normalize().to_string(),
            line.unit_price_usd.normalize().to_string(),
            cents(std::iter::once(line.cost_usd)).to_string(),
        ]
    });
    table::draw(style, &header, rows.collect(), 3)
}
