//! `bill`: prices a table of metered quantities, such as last month's usage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::PathBuf;

use clap::Args;
use rust_decimal::{Decimal, RoundingStrategy};

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use super::pricing::PricingArgs;
use crate::cost::bill::Bill;
use crate::cost::currency::Currency;
use crate::cost::usage::{self, GroupUsage, UsageTable};
use crate::cost::{Slice, bill_committed};
use crate::model::catalog;
use crate::model::price::PriceList;
use crate::report::table::{self, Style};
use crate::report::{cells, costs, frameworks};

/// Flags of `bill`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast bill embedded:example --format table")]
pub struct BillArgs {
    /// CSV with the header meter,quantity[,group][,hour]; quantities are in the units of the price list, and a month's, or those of
    /// the hours that are listed; - is standard input, embedded:example a table to try it with
    usage: PathBuf,
    /// Name of a built-in price list, or path of one
    #[arg(long, value_name = "NAME|PATH", default_value = "aws-us-east-1")]
    prices: String,
    #[command(flatten)]
    pricing: PricingArgs,
    /// Tell the total in another currency as well, at a fixed rate: what a US dollar comes to
    #[arg(long, value_name = "CODE=RATE")]
    currency: Option<Currency>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
}

/// `coldcast bill`
pub fn run(args: &BillArgs, quiet: bool) -> Outcome {
    let list = args.pricing.list(&args.prices)?;
    let commitments = args.pricing.commitments(&list)?;
    let metered = read(args, &list)?;
    let usage = &metered.usage;
    let terms = args.pricing.terms();
    let price = |group: &dyn Fn(&str) -> String| -> Result<BTreeMap<String, Bill>, Failure> {
        let slices = slices(&metered, terms.month.hours(), group);
        let hours = slices.iter().map(|slice| slice.hours).sum();
        bill_committed(&list, &slices, &terms, &commitments, hours).map_err(Failure::input)
    };
    let bill = price(&|_| String::new())?.remove("").unwrap_or_default();
    let rows = || bill.lines.iter().map(|line| costs::cells("", "", "", line));
    match args.format {
        Format::Csv => print(cells::csv(&costs::header(), rows()))?,
        Format::Json => print(frameworks::objects("costs", &costs::header(), rows()))?,
        Format::Table => print(table(&bill, Style::Plain))?,
        Format::Markdown => print(table(&bill, Style::Markdown))?,
    }
    let total = bill.total_usd();
    say(format_args!(
        "total {total} USD; with each line rounded to the cent first: {} USD",
        cents(bill.lines.iter().map(|line| line.cost_usd))
    ));
    if let Some(currency) = &args.currency {
        say(format_args!("that is {} at {currency}", currency.shown(total)));
    }
    if quiet {
        return Ok(());
    }
    say(args.pricing.said(&list));
    for commitment in &commitments {
        say(commitment.said());
    }
    if !commitments.is_empty() && metered.hours.is_none() {
        say("there is no column `hour`: commitments are drawn on as if usage were spread evenly over the month");
    }
    if usage.len() > 1 || !usage.contains_key("") {
        for (group, bill) in price(&str::to_string)? {
            let group = if group.is_empty() { "no group" } else { &group };
            say(format_args!("of which {group}: {} USD", bill.total_usd()));
        }
    }
    let meters: BTreeSet<&String> = usage.values().flat_map(BTreeMap::keys).collect();
    for meter in meters {
        let price = list.price(meter).map_err(Failure::input)?;
        if price.confidence() == crate::model::price::Confidence::Low {
            say(format_args!(
                "warning: the price of `{meter}` has a low confidence; give your own with --set-price {meter}=USD"
            ));
        }
    }
    Ok(())
}

/// The hours of a table, by groups of a name of `group`; a month of so many hours, where it does not tell them apart.
fn slices(table: &UsageTable, month: Decimal, group: &dyn Fn(&str) -> String) -> Vec<Slice> {
    let slice = |hours, usage: &GroupUsage| {
        let mut slice = Slice {
            hours,
            ..Slice::default()
        };
        for (name, quantities) in usage {
            let own = slice.usage.entry(group(name)).or_default();
            for (meter, quantity) in quantities {
                *own.entry(meter.clone()).or_default() += quantity;
            }
        }
        slice
    };
    match &table.hours {
        None => vec![slice(month, &table.usage)],
        Some(hours) => hours.values().map(|usage| slice(Decimal::ONE, usage)).collect(),
    }
}

fn read(args: &BillArgs, list: &PriceList) -> Result<UsageTable, Failure> {
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
