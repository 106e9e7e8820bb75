//! Refreshes a price list from the files in which AWS publishes all its prices (the "offer files" of the Price List Bulk
//! API): the on-demand price of each usage type, tier by tier. A price whose usage type is unknown, or missing in the files,
//! stays as it was and is reported.
//!
//! Source: AWS Billing User Guide, "Reading the service price list files for the AWS Price List Bulk API".

use std::collections::BTreeMap;
use std::io::Read;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::{Table, Value};

use super::{PriceList, parts};

/// One offer file: the products of a service and their prices.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferFile {
    offer_code: String,
    publication_date: String,
    products: BTreeMap<String, Product>,
    terms: Terms,
}

#[derive(Debug, Deserialize)]
struct Product {
    attributes: Attributes,
}

/// The attributes that distinguish products of one usage type. The files have more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(default)]
    usagetype: String,
    region_code: Option<String>,
    operating_system: Option<String>,
    tenancy: Option<String>,
    pre_installed_sw: Option<String>,
    capacitystatus: Option<String>,
    license_model: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Terms {
    #[serde(rename = "OnDemand", default)]
    on_demand: BTreeMap<String, BTreeMap<String, Offer>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    effective_date: String,
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    begin_range: Option<String>,
    end_range: Option<String>,
    price_per_unit: BTreeMap<String, String>,
}

/// A price that differs from that of the older list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The meter.
    pub meter: String,
    /// Units of the month before its tier.
    pub from: String,
    /// US dollars for the quoted number of units, before and after.
    pub usd: [String; 2],
}

/// A refreshed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// Its text.
    pub text: String,
    /// Its id.
    pub id: String,
    /// The number of prices that were read, changed or not.
    pub read: usize,
    /// The prices that changed.
    pub changes: Vec<Change>,
    /// The meters that stay as they were, each with the reason.
    pub kept: Vec<(String, &'static str)>,
}

impl OfferFile {
    /// Reads a file; `name` is for error messages.
    ///
    /// # Errors
    /// If it is not an offer file.
    pub fn read(name: &str, file: impl Read) -> Result<Self, String> {
        let parsed: Self = serde_json::from_reader(file)
            .map_err(|error| format!("{name}: {error}; an offer file is the index.json of a service and region"))?;
        match day(&parsed.publication_date) {
            Some(_) => Ok(parsed),
            None => Err(format!(
                "{name}: publicationDate `{}` is not a date",
                parsed.publication_date
            )),
        }
    }

    fn published(&self) -> Date {
        day(&self.publication_date).unwrap_or(Date::MIN)
    }

    /// The offers for a usage type that fit the list: Linux on shared machines, without other software or a licence.
    fn offers(&self, usage: &str, region: &str) -> impl Iterator<Item = &Offer> {
        let is =
            |value: &Option<String>, wanted: &str| value.as_ref().is_none_or(|value| value == wanted || value == "NA");
        let fits = move |attributes: &Attributes| {
            attributes.usagetype == usage
                && is(&attributes.region_code, region)
                && is(&attributes.operating_system, "Linux")
                && is(&attributes.tenancy, "Shared")
                && is(&attributes.pre_installed_sw, "NA")
                && is(&attributes.capacitystatus, "Used")
                && is(&attributes.license_model, "No License required")
        };
        let products = self
            .products
            .iter()
            .filter(move |(_, product)| fits(&product.attributes));
        products.filter_map(|(sku, _)| self.terms.on_demand.get(sku)?.values().next())
    }
}

/// The day of `2026-11-01T00:00:00Z`.
fn day(stamp: &str) -> Option<Date> {
    super::parse_day(stamp.get(..10)?)
}

/// Returns a built-in list with the prices of offer files in place of its own.
///
/// # Errors
/// If there is no such list, or if the result is not a valid list.
pub fn refresh(list: &PriceList, files: &[OfferFile]) -> Result<Refreshed, String> {
    let effective = files.iter().map(OfferFile::published).max().unwrap_or(list.effective);
    let mut merged = Table::new();
    for (name, text) in parts(&list.id) {
        let part: Table = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        merge(&mut merged, part);
    }
    let codes: Vec<&str> = files.iter().map(|file| file.offer_code.as_str()).collect();
    let source = Table::from_iter([
        (
            "title".to_string(),
            Value::from(format!("AWS Price List Bulk API, {}", codes.join(", "))),
        ),
        ("read".to_string(), Value::from(effective.to_string())),
    ]);
    if let Some(Value::Table(sources)) = merged.get_mut("sources") {
        sources.insert(SOURCE.into(), Value::Table(source));
    }
    merged.insert("effective".into(), Value::from(effective.to_string()));
    let mut refreshed = Refreshed {
        text: String::new(),
        id: String::new(),
        read: 0,
        changes: Vec::new(),
        kept: Vec::new(),
    };
    if let Some(Value::Array(prices)) = merged.get_mut("price") {
        for price in prices.iter_mut().filter_map(Value::as_table_mut) {
            let meter = text(price, "meter").to_string();
            match dimension(price, files, &list.region) {
                Ok((dimension, since)) => {
                    refreshed.read += 1;
                    refreshed.changes.extend(take(price, &meter, &dimension, since)?);
                }
                Err(reason) => refreshed.kept.push((meter, reason)),
            }
        }
    }
    refreshed.kept.dedup();
    let body = toml::to_string(&merged).map_err(|error| error.to_string())?;
    refreshed.text = format!(
        "# Written by `coldcast prices refresh aws` from {} and the list {}.\n\n{body}",
        codes.join(", "),
        list.id
    );
    let checked = PriceList::parse("the refreshed list", &refreshed.text).map_err(|error| error.to_string())?;
    refreshed.id = checked.id;
    Ok(refreshed)
}

/// The id of the source of refreshed prices.
const SOURCE: &str = "aws-bulk";

fn text<'a>(price: &'a Table, key: &str) -> &'a str {
    price.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Adds the tables and arrays of one file of a list to those of the others.
fn merge(into: &mut Table, part: Table) {
    for (key, value) in part {
        match (into.get_mut(&key), value) {
            (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
            (Some(Value::Table(all)), Value::Table(more)) => merge(all, more),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Returns the price in the files for the tier of `price`, and the day from which it is valid.
fn dimension(price: &Table, files: &[OfferFile], region: &str) -> Result<(Dimension, Date), &'static str> {
    let usage = text(price, "sku");
    if usage.is_empty() {
        return Err("its usage type is unknown");
    }
    let bound = |key: &str| price.get(key).and_then(Value::as_str).and_then(super::check::decimal);
    let (from, to) = (bound("tier-from").unwrap_or_default(), bound("tier-to"));
    let mut found: Option<(Dimension, Date)> = None;
    let mut any = false;
    for offer in files.iter().flat_map(|file| file.offers(usage, region)) {
        any = true;
        let since = day(&offer.effective_date).ok_or("its effective date cannot be read")?;
        let tier = offer
            .price_dimensions
            .values()
            .find(|dimension| dimension.bounds() == Some((from, to)));
        match (tier, &found) {
            (Some(tier), None) => found = Some((tier.clone(), since)),
            (Some(tier), Some((other, _))) if tier.usd() != other.usd() => {
                return Err("several products with different prices share its usage type");
            }
            _ => {}
        }
    }
    match found {
        Some(found) => Ok(found),
        None if any => Err("the tiers in the files have other bounds"),
        None => Err("its usage type is not in the files"),
    }
}

impl Dimension {
    fn bounds(&self) -> Option<(Decimal, Option<Decimal>)> {
        let bound = |text: &str| super::check::decimal(text);
        let from = bound(self.begin_range.as_deref().unwrap_or("0"))?;
        match self.end_range.as_deref().unwrap_or("Inf") {
            "Inf" => Some((from, None)),
            to => Some((from, Some(bound(to)?))),
        }
    }

    fn usd(&self) -> Option<Decimal> {
        super::check::decimal(self.price_per_unit.get("USD")?)
    }
}

/// Writes the price that was read into the list. Returns the change, if there is one.
fn take(price: &mut Table, meter: &str, dimension: &Dimension, since: Date) -> Result<Option<Change>, String> {
    let per = super::check::decimal(text(price, "per")).unwrap_or(Decimal::ONE);
    let usd = dimension
        .usd()
        .and_then(|usd| usd.checked_mul(per))
        .ok_or_else(|| format!("{meter}: no price in US dollars"))?
        .normalize();
    let before = text(price, "usd").to_string();
    let from = text(price, "tier-from").to_string();
    let changed = super::check::decimal(&before) != Some(usd);
    let set = [
        ("usd", Value::from(usd.to_string())),
        ("as-of", Value::from(since.to_string())),
        ("confidence", Value::from("high")),
        ("source", Value::Array(vec![Value::from(SOURCE)])),
    ];
    for (key, value) in set {
        price.insert(key.into(), value);
    }
    price.remove("note");
    Ok(changed.then(|| Change {
        meter: meter.to_string(),
        from: if from.is_empty() { "0".into() } else { from },
        usd: [before, usd.to_string()],
    }))
}
