//! How a variant is billed: its price list with changes, the meter of its platform, commitments and extras.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::assumption::Topic;
use crate::cost::commitment::{self, Commitment};
use crate::cost::currency::Currency;
use crate::cost::extras::Extras;
use crate::cost::meter::{Hourly, MeterSpec, MeteredService, ServedMeter};
use crate::cost::month::Month;
use crate::model::price::PriceList;
use crate::model::price::date::parse_day;
use crate::scenario::error::ScenarioError;
use crate::scenario::file::Scenario;
use crate::scenario::file::prices::Prices;
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::sim::platform::kubernetes::ClusterPlan;
use crate::units::SimDuration;

/// How a variant is billed.
#[derive(Debug, Clone)]
pub struct Pricing {
    /// The price list.
    pub list: PriceList,
    /// Length of the month.
    pub month: Month,
    /// True if the free allowance is granted.
    pub free_tier: bool,
    /// The largest monthly cost of a variant in US dollars.
    pub budget: Option<Decimal>,
    /// A currency in which exports show the bill as well.
    pub currency: Option<Currency>,
    /// Commitments in the order in which usage draws on them.
    pub commitments: Vec<Commitment>,
    /// How what happens becomes billed quantities.
    pub meter: MeterSpec,
    /// The costs beside compute.
    pub extras: Option<Extras>,
}

impl Pricing {
    /// A meter for these services.
    pub fn start(&self, warm_up: SimDuration, metered: &[MeteredService]) -> Hourly {
        let services = metered.len();
        let served = self.extras.as_ref().map(|_| ServedMeter::new(warm_up, services));
        Hourly::new(self.meter.start(warm_up, metered), served, services)
    }

    /// Returns true if it needs to know the activity of each instance.
    pub fn needs_activity(&self) -> bool {
        self.meter.needs_activity() || self.extras.as_ref().is_some_and(Extras::needs_activity)
    }

    /// Returns true if requests cause the whole bill, so that a part of the time has a part of the bill.
    pub fn is_by_request(&self) -> bool {
        self.extras.is_none() && self.commitments.is_empty()
    }
}

/// How the variants of a scenario are billed; `None` without `[prices]`, or where the list does not cover the platform.
///
/// # Errors
/// If the price list cannot be read or changed.
pub(super) fn pricing(
    scenario: &Scenario,
    files: Files<'_>,
    cluster: Option<&ClusterPlan>,
) -> Result<Found<Option<Pricing>>, ScenarioError> {
    let mut findings = Findings::default();
    let Some(Prices {
        list,
        month,
        free_tier,
        rules_of,
        budget,
        currency,
        set,
        discounts,
        commitments,
    }) = &scenario.prices
    else {
        return Ok((None, findings));
    };
    let rules_of = findings.take(rules_day(rules_of.as_deref()));
    let budget = findings.take(amount(budget.as_deref()));
    let path = files.path(list);
    let mut list = if list.ends_with(".toml") {
        PriceList::read(&path)?
    } else {
        PriceList::find(list)?
    };
    for (meter, usd) in set {
        list.set_price(meter, usd)?;
        findings.assume(Topic::Price.note(format!("the price of `{meter}` is {usd} US dollars (given)")));
    }
    for (name, percent) in discounts {
        list.discount(name, percent)?;
        findings.assume(Topic::Price.note(format!("{percent} are off the prices of `{name}` (given)")));
    }
    let commitments = commitment::resolve(commitments, &list).unwrap_or_else(|problems| {
        let problems = problems.into_iter();
        findings.problems(problems.map(|problem| format!("`prices.commitments`: {problem}")));
        Vec::new()
    });
    for commitment in &commitments {
        findings.assume(Topic::Price.note(commitment.said()));
    }
    let Some(meter) = MeterSpec::of(&scenario.platform.part().billed_by(cluster), &list, rules_of)? else {
        findings.assume(Topic::Price.factor(format!(
            "no price of {} covers the platform `{}`: its cost is unknown and stays blank",
            list.id,
            scenario.platform.name()
        )));
        return Ok((None, findings));
    };
    if let Some(day) = rules_of {
        findings.assume(Topic::Price.note(format!(
            "invocations are billed by the rules of {day}, at the prices of {}",
            list.id
        )));
    }
    findings.problems(meter.problems(&list));
    if let Some(currency) = currency {
        findings.assume(Topic::Price.note(format!("other currency at a fixed rate: {currency} (given)")));
    }
    let extras = findings.take(extras(scenario, &list));
    findings.assume_all(meter.assumptions());
    findings.assume(Topic::Price.note(format!(
        "a month has {} hours{}; prices of {} without tax",
        month.hours().normalize(),
        if *free_tier {
            ", the free allowance is granted once to each variant"
        } else {
            ", no free allowance is granted"
        },
        list.id
    )));
    let pricing = Pricing {
        list,
        month: *month,
        free_tier: *free_tier,
        budget,
        currency: currency.clone(),
        commitments,
        meter,
        extras,
    };
    Ok((Some(pricing), findings))
}

/// The day of `rules-of`.
fn rules_day(text: Option<&str>) -> Found<Option<Date>> {
    let mut findings = Findings::default();
    let day = text.and_then(parse_day);
    if let Some(text) = text
        && day.is_none()
    {
        findings.problem(format!(
            "`prices.rules-of` is `{text}`; it is a day, such as 2025-07-31"
        ));
    }
    (day, findings)
}

/// The amount of `budget`.
fn amount(text: Option<&str>) -> Found<Option<Decimal>> {
    let mut findings = Findings::default();
    let parsed = text.and_then(|text| Decimal::from_str_exact(text).ok());
    let amount = parsed.filter(|amount| *amount >= Decimal::ZERO);
    if let Some(text) = text
        && amount.is_none()
    {
        findings.problem(format!(
            "`prices.budget` is `{text}`; it is US dollars a month, such as \"500\""
        ));
    }
    (amount, findings)
}

/// Returns the costs beside compute.
fn extras(scenario: &Scenario, list: &PriceList) -> Found<Option<Extras>> {
    let mut findings = Findings::default();
    let Some(spec) = &scenario.extras else {
        return (None, findings);
    };
    let ground = scenario.platform.part().runs_on().ground();
    let extras = findings.ok(Extras::new(spec, ground));
    if let Some(extras) = &extras {
        let missing = extras.meters().into_iter().filter_map(|meter| list.price(meter).err());
        findings.problems(missing.map(|error| format!("[extras]: {error}")));
        findings.assume_all(extras.assumptions());
    }
    (extras, findings)
}
