//! The rules for price lists that TOML cannot express. All problems are collected, each with its line.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use toml::Spanned;

use super::date::{AsOf, parse_day};
use super::file::{RawFree, RawList, RawPrice, RawSource};
use super::host::HostType;
use super::lambda::{LambdaRules, RawLambda};
use super::steps::RawSteps;
use super::{CommitmentDiscount, FreeAllowance, MeterPrice, SCHEMA, Source, Steps, Tier};

/// The most decimals of a unit price. Together with the 9 decimals of a quantity the product still fits a decimal.
const MAX_PRICE_DECIMALS: u32 = 19;

/// Reads a plain decimal of at least 0. Returns `None` for blank text, NaN, exponents, and more digits than a decimal holds.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number = plain.then(|| Decimal::from_str_exact(text).ok())??;
    Some(number.normalize())
}

/// Returns `usd / per` if it is exact and short enough to be multiplied by a quantity.
pub(super) fn unit_price(usd: Decimal, per: Decimal) -> Option<Decimal> {
    let one = usd.checked_div(per)?.normalize();
    (one.checked_mul(per)? == usd && one.scale() <= MAX_PRICE_DECIMALS).then_some(one)
}

/// A file, to locate problems.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Place<'_> {
    pub(super) fn line(&self, offset: usize) -> String {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        format!("{} line {line}", self.name)
    }
}

/// The content that has been read so far, and its problems.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) meters: BTreeMap<String, MeterPrice>,
    pub(super) free: Vec<FreeAllowance>,
    pub(super) commitments: Vec<CommitmentDiscount>,
    pub(super) lambda: Option<LambdaRules>,
    pub(super) steps: BTreeMap<String, Steps>,
    pub(super) hosts: Vec<HostType>,
    pub(super) provider_name: Option<String>,
    pub(super) region_name: Option<String>,
    pub(super) problems: Vec<String>,
}

impl Draft {
    pub(super) fn problem(&mut self, at: &str, text: impl std::fmt::Display) {
        self.problems.push(format!("{at}: {text}"));
    }

    /// Reads the header that all files share: provider, region and effective day.
    pub(super) fn header(&mut self, raws: &[(Place<'_>, RawList)]) -> Option<(String, String, jiff::civil::Date)> {
        let (first_place, first) = raws.first()?;
        for (place, raw) in raws {
            if raw.schema != SCHEMA {
                self.problem(
                    place.name,
                    format_args!("schema = {} is not supported; it must be {SCHEMA}", raw.schema),
                );
            }
            if raw.currency != "USD" {
                // Currencies are never mixed in a total, and price lists have no exchange rates.
                self.problem(place.name, format_args!("currency = `{}` must be USD", raw.currency));
            }
            if raw.provider.trim().is_empty() || raw.region.trim().is_empty() {
                self.problem(place.name, "provider and region must not be blank");
            }
            if (&raw.provider, &raw.region, &raw.effective) != (&first.provider, &first.region, &first.effective) {
                self.problem(
                    place.name,
                    format_args!("the header differs from that of {}", first_place.name),
                );
            }
        }
        for (place, raw) in raws {
            let names = [
                (&mut self.provider_name, &raw.provider_name, "provider-name"),
                (&mut self.region_name, &raw.region_name, "region-name"),
            ];
            for (known, given, key) in names {
                match (&*known, given) {
                    (Some(known), Some(given)) if known != given => self.problems.push(format!(
                        "{}: {key} = `{given}`, but another file of the list has `{known}`",
                        place.name
                    )),
                    (None, Some(given)) => *known = Some(given.clone()),
                    _ => {}
                }
            }
        }
        let effective = parse_day(&first.effective);
        if effective.is_none() {
            self.problem(
                first_place.name,
                format_args!("effective = `{}` is not a day such as 2026-11-01", first.effective),
            );
        }
        Some((first.provider.clone(), first.region.clone(), effective?))
    }

    /// Reads the sources of one file.
    pub(super) fn sources(&mut self, place: &Place<'_>, sources: &BTreeMap<String, RawSource>) {
        for (id, raw) in sources {
            match raw.read.parse() {
                Ok(read) => {
                    let source = Source {
                        title: raw.title.clone(),
                        url: raw.url.clone(),
                        read,
                    };
                    // Files of one list may repeat a source if its content is the same.
                    let before = self.sources.insert(id.clone(), source);
                    if before.is_some_and(|before| before != self.sources[id]) {
                        self.problem(
                            place.name,
                            format_args!("source `{id}` is defined twice with different content"),
                        );
                    }
                }
                Err(error) => self.problem(place.name, format_args!("source `{id}`: {error}")),
            }
        }
    }

    pub(super) fn check_sources(&mut self, at: &str, ids: &[String]) {
        if ids.is_empty() {
            self.problem(at, "a figure needs at least one source");
        }
        for id in ids {
            if !self.sources.contains_key(id) {
                let hint = crate::suggest::did_you_mean(id, self.sources.keys().map(String::as_str));
                self.problem(at, format_args!("unknown source `{id}`{hint}"));
            }
        }
    }

    /// Reads one price.
    pub(super) fn price(&mut self, place: &Place<'_>, raw: &Spanned<RawPrice>) {
        let line = place.line(raw.span().start);
        let raw = raw.get_ref();
        let at = format!("{line} ({})", raw.meter);
        self.check_sources(&at, &raw.source);
        for (key, text) in [
            ("meter", &raw.meter),
            ("cloud-service", &raw.cloud_service),
            ("sku", raw.sku.as_ref().unwrap_or(&raw.meter)),
            ("unit", &raw.unit),
        ] {
            if text.trim().is_empty() {
                self.problem(&at, format_args!("{key} must not be blank"));
            }
        }
        let as_of = raw.as_of.parse::<AsOf>();
        if let Err(error) = &as_of {
            self.problem(&at, format_args!("as-of {error}"));
        }
        let mut number = |key: &str, text: &str| {
            let number = decimal(text);
            if number.is_none() {
                self.problem(
                    &at,
                    format_args!("{key} = \"{text}\" is not a plain decimal of at least 0"),
                );
            }
            number
        };
        let usd = number("usd", &raw.usd);
        let per = number("per", &raw.per);
        let from = raw
            .tier_from
            .as_ref()
            .map_or(Some(Decimal::ZERO), |t| number("tier-from", t));
        let to = raw.tier_to.as_ref().map(|text| number("tier-to", text));
        let (Some(usd), Some(per), Some(from), Ok(as_of)) = (usd, per, from, as_of) else {
            return;
        };
        let Some(unit_price_usd) = unit_price(usd, per) else {
            self.problem(
                &at,
                format_args!("usd / per must be exact with at most {MAX_PRICE_DECIMALS} decimals"),
            );
            return;
        };
        let price = self.meters.entry(raw.meter.clone()).or_insert_with(|| MeterPrice {
            meter: raw.meter.clone(),
            cloud_service: raw.cloud_service.clone(),
            unit: raw.unit.clone(),
            per,
            tiers: Vec::new(),
        });
        let same = (&price.cloud_service, &price.unit, price.per) == (&raw.cloud_service, &raw.unit, per);
        price.tiers.push(Tier {
            from,
            to: to.flatten(),
            usd,
            unit_price_usd,
            list_unit_price_usd: unit_price_usd,
            sku: raw.sku.clone().unwrap_or_default(),
            source: raw.source.clone(),
            as_of: Some(as_of),
            confidence: raw.confidence,
            note: raw.note.clone(),
        });
        if !same {
            self.problem(&at, "all tiers of a meter need the same cloud-service, unit and per");
        }
    }

    /// Sorts the tiers of each meter and checks that they cover every quantity exactly once.
    pub(super) fn tiers(&mut self) {
        for (meter, price) in &mut self.meters {
            price.tiers.sort_by_key(|tier| tier.from);
            let mut reached = Some(Decimal::ZERO);
            for tier in &price.tiers {
                let from = tier.from;
                match reached {
                    Some(end) if end == from => {}
                    Some(end) if end < from => {
                        self.problems
                            .push(format!("{meter}: no price between {end} and {from}"));
                    }
                    _ => self
                        .problems
                        .push(format!("{meter}: two prices overlap from {from} on")),
                }
                if tier.to.is_some_and(|to| to <= from) {
                    self.problems
                        .push(format!("{meter}: the tier from {from} ends before it begins"));
                }
                reached = tier.to;
            }
            if let Some(end) = reached {
                self.problems
                    .push(format!("{meter}: no price above {end}; the last tier has no tier-to"));
            }
        }
    }

    /// Reads one free allowance. All meters must have been read.
    pub(super) fn free(&mut self, place: &Place<'_>, raw: &Spanned<RawFree>) {
        let line = place.line(raw.span().start);
        let raw = raw.get_ref();
        let at = format!("{line} (free {})", raw.id);
        self.check_sources(&at, &raw.source);
        if raw.meters.is_empty() {
            self.problem(&at, "an allowance needs at least one meter");
        }
        for (i, meter) in raw.meters.iter().enumerate() {
            match self.meters.get(meter) {
                None => self.problem(&at, format_args!("meter `{meter}` has no price")),
                Some(price) if price.unit != raw.unit => {
                    let unit = price.unit.clone();
                    self.problem(
                        &at,
                        format_args!("meter `{meter}` has the unit {unit} and not {}", raw.unit),
                    );
                }
                Some(_) => {}
            }
            if raw.meters[..i].contains(meter) || self.free.iter().any(|free| free.meters.contains(meter)) {
                self.problem(&at, format_args!("another allowance covers meter `{meter}`"));
            }
        }
        match decimal(&raw.quantity) {
            Some(quantity) => self.free.push(FreeAllowance {
                id: raw.id.clone(),
                meters: raw.meters.clone(),
                unit: raw.unit.clone(),
                quantity,
                scope: raw.scope.clone(),
                source: raw.source.clone(),
            }),
            None => self.problem(
                &at,
                format_args!("quantity = \"{}\" is not a plain decimal", raw.quantity),
            ),
        }
    }

    /// Reads the rounding rules of one service.
    pub(super) fn steps(&mut self, place: &Place<'_>, service: String, raw: Spanned<RawSteps>) {
        let at = format!("{} (billing.steps.{service})", place.line(raw.span().start));
        let raw = raw.into_inner();
        self.check_sources(&at, &raw.source);
        match raw.check() {
            Ok(steps) if !self.steps.contains_key(&service) => {
                self.steps.insert(service, steps);
            }
            Ok(_) => self.problem(&at, "the rules are defined twice"),
            Err(problems) => problems.into_iter().for_each(|problem| self.problem(&at, problem)),
        }
    }

    /// Reads the rules of AWS Lambda.
    pub(super) fn lambda(&mut self, place: &Place<'_>, raw: Spanned<RawLambda>) {
        let at = format!("{} (billing.lambda)", place.line(raw.span().start));
        let raw = raw.into_inner();
        self.check_sources(&at, &raw.source);
        if self.lambda.is_some() {
            self.problem(&at, "the rules are defined twice");
        }
        match raw.check() {
            Ok(rules) => self.lambda = Some(rules),
            Err(problems) => {
                for problem in problems {
                    self.problem(&at, problem);
                }
            }
        }
    }
}
