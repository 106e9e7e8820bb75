//! `catalog prices`: price lists, with the age and the confidence of their figures.

use clap::Args;
use jiff::Zoned;
use jiff::civil::Date;

use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{Format, print, say, shown};
use crate::model::price::{Confidence, MeterPrice, PriceList, Tier};

/// The flags of `catalog prices`.
#[derive(Debug, Args)]
pub struct PricesArgs {
    /// Print every price of this list
    list: Option<String>,
    /// Format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// The age in days above which a figure gets a warning.
const OLD_DAYS: i32 = 365;

const LISTS: [&str; 7] = [
    "list",
    "currency",
    "effective",
    "meters",
    "oldest",
    "older_than_a_year",
    "low_confidence",
];

const PRICES: [&str; 13] = [
    "meter",
    "cloud_service",
    "sku",
    "tier",
    "from",
    "to",
    "usd",
    "per",
    "unit",
    "as_of",
    "confidence",
    "source",
    "note",
];

/// `coldcast catalog prices`
pub fn run(args: &PricesArgs, quiet: bool) -> Outcome {
    let today = Zoned::now().date();
    let Some(name) = &args.list else {
        let lists = PriceList::ids().into_iter().map(PriceList::find);
        let lists: Vec<PriceList> = lists.collect::<Result<_, _>>().map_err(Failure::input)?;
        let rows = lists.iter().map(|list| summary(list, today)).collect();
        print(shown(args.format, "price_lists", &LISTS, rows, 3))?;
        if !quiet {
            say("\nAll prices of one list: `coldcast catalog prices LIST`.");
        }
        return Ok(());
    };
    let list = PriceList::find(name).map_err(Failure::input)?;
    let rows = list.meters().flat_map(|price| {
        let tiers = price.tiers.iter().zip(1..);
        tiers.map(move |(tier, number)| row(price, tier, number))
    });
    print(shown(args.format, "prices", &PRICES, rows.collect(), 3))?;
    if quiet {
        return Ok(());
    }
    for price in list.meters() {
        if price.confidence() == Confidence::Low {
            say(format_args!(
                "warning: `{}` has a low confidence: use your own price",
                price.meter
            ));
        } else if is_old(price, today) {
            let read = price.oldest().map(|read| read.to_string()).unwrap_or_default();
            say(format_args!(
                "warning: `{}` may be older than a year: it was read in {read}",
                price.meter
            ));
        }
    }
    Ok(())
}

fn is_old(price: &MeterPrice, today: Date) -> bool {
    price.oldest().is_some_and(|read| read.age_days(today) > OLD_DAYS)
}

fn summary(list: &PriceList, today: Date) -> Vec<String> {
    let count = |which: &dyn Fn(&MeterPrice) -> bool| list.meters().filter(|price| which(price)).count().to_string();
    let oldest = list.meters().filter_map(MeterPrice::oldest).min();
    vec![
        list.id.clone(),
        "USD".into(),
        list.effective.to_string(),
        count(&|_| true),
        oldest.map(|read| read.to_string()).unwrap_or_default(),
        count(&|price| is_old(price, today)),
        count(&|price| price.confidence() == Confidence::Low),
    ]
}

fn row(price: &MeterPrice, tier: &Tier, number: u32) -> Vec<String> {
    vec![
        price.meter.clone(),
        price.cloud_service.clone(),
        tier.sku.clone(),
        number.to_string(),
        tier.from.normalize().to_string(),
        tier.to.map(|to| to.normalize().to_string()).unwrap_or_default(),
        tier.usd.to_string(),
        price.per.normalize().to_string(),
        price.unit.clone(),
        tier.as_of.map(|read| read.to_string()).unwrap_or_default(),
        tier.confidence.to_string(),
        tier.source.join("; "),
        tier.note.clone().unwrap_or_default(),
    ]
}
