use super::*;
use crate::model::price::PriceList;

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
