use super::*;
use crate::cost::commitment::Rate;
use crate::cost::month::Month;
use crate::model::price::{CommitmentKind, Term};
use crate::units::SimDuration;

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn list() -> PriceList {
    PriceList::find("aws-us-east-1").unwrap()
}

/// A plan of 0.0408 dollars an hour, which is one m7g.large at half its price.
fn plan() -> Vec<Commitment> {
    vec![Commitment {
        name: "plan".into(),
        kind: CommitmentKind::ComputeSavingsPlan,
        term: Term::ThreeYears,
        hourly_usd: dec("0.0408"),
        rates: vec![Rate {
            meter: "ec2.m7g.large".into(),
            usd: dec("0.0408"),
            on_demand_usd: dec("0.0816"),
        }],
        source: Vec::new(),
    }]
}

fn slice(nodes: &[(&str, &str)]) -> Slice {
    let usage = nodes.iter().map(|(group, hours)| {
        (
            (*group).to_string(),
            BTreeMap::from([("ec2.m7g.large".to_string(), dec(hours))]),
        )
    });
    Slice {
        hours: Decimal::ONE,
        usage: usage.collect(),
    }
}

fn sum(bills: &BTreeMap<String, Bill>, of: fn(&BillLine) -> Decimal) -> Decimal {
    bills
        .values()
        .flat_map(|bill| &bill.lines)
        .map(of)
        .sum::<Decimal>()
        .normalize()
}

/// Two hours: in the first one 3 nodes of `a` and 1 of `b`, in the second none. Over a month of 730 hours that is 365 times
/// as much. By hand: the plan covers 1 node-hour of the first hour, three quarters of it for `a`, and is lost in the second;
/// 3 node-hours are on demand.
#[test]
fn the_bill_has_the_plan_and_what_is_beyond_it() {
    let slices = [slice(&[("a", "3"), ("b", "1")]), slice(&[("a", "0"), ("b", "0")])];
    let terms = Terms {
        window: Some(SimDuration::from_secs(7_200)),
        month: Month::default(),
        free_tier: false,
    };
    let bills = bill_committed(&list(), &slices, &terms, &plan(), dec("730")).unwrap();
    // 3 x 365 x 0.0816 on demand, 730 x 0.0408 committed.
    assert_eq!(sum(&bills, |line| line.cost_usd), dec("119.136"));
    assert_eq!(sum(&bills, BillLine::effective_cost_usd), dec("119.136"));
    let covered = |group: &str| {
        let covered = bills[group].lines.iter().find(|line| {
            line.commitment
                .as_ref()
                .is_some_and(|part| part.role == CommitmentRole::Covered)
        });
        covered.map(|line| line.quantity.to_string())
    };
    assert_eq!(covered("a").as_deref(), Some("273.75"));
    assert_eq!(covered("b").as_deref(), Some("91.25"));
    // Half of the plan is lost.
    let unused = |line: &BillLine| match &line.commitment {
        Some(part) if part.role == CommitmentRole::Unused => line.quantity,
        _ => Decimal::ZERO,
    };
    assert_eq!(sum(&bills, unused), dec("14.892"));
    let quantity = |line: &BillLine| match line.meter.as_str() {
        "ec2.m7g.large" => line.quantity,
        _ => Decimal::ZERO,
    };
    assert_eq!(sum(&bills, quantity), dec("1460"), "nothing that was used is lost");
}

#[test]
fn a_commitment_without_usage_is_paid_all_the_same() {
    let bills = bill_committed(&list(), &[slice(&[("", "0")])], &Terms::default(), &plan(), dec("730")).unwrap();
    assert_eq!(sum(&bills, |line| line.cost_usd), dec("29.784"));
    assert_eq!(sum(&bills, BillLine::effective_cost_usd), dec("29.784"));
}

/// The mean of two bills keeps what belongs to the commitment apart from what does not.
#[test]
fn bills_with_commitments_have_a_mean() {
    let terms = Terms::default();
    let one = |nodes| bill_committed(&list(), &[slice(&[("", nodes)])], &terms, &plan(), dec("1")).unwrap();
    let bills: Vec<Bill> = ["0", "3"]
        .into_iter()
        .flat_map(|nodes| one(nodes).into_values())
        .collect();
    let mean = Bill::mean(&bills);
    // 0.0408, and 0.0408 + 2 x 0.0816.
    assert_eq!(mean.total_usd(), dec("0.1224"));
    let effective: Decimal = mean.lines.iter().map(BillLine::effective_cost_usd).sum();
    assert_eq!(effective, dec("0.1224"));
}
