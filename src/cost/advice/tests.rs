use super::*;
use crate::cost::commitment::Rate;
use crate::model::price::{CommitmentKind, Term};

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn plan(rates: &[(&str, &str, &str)]) -> Commitment {
    let rates = rates.iter().map(|(meter, usd, on_demand)| Rate {
        meter: (*meter).into(),
        usd: dec(usd),
        on_demand_usd: dec(on_demand),
    });
    Commitment {
        name: "plan".into(),
        kind: CommitmentKind::ComputeSavingsPlan,
        term: Term::OneYear,
        hourly_usd: Decimal::ZERO,
        rates: rates.collect(),
        source: Vec::new(),
    }
}

fn hours(nodes: &[&str]) -> Vec<Slice> {
    let slice = |nodes: &&str| Slice {
        hours: Decimal::ONE,
        usage: BTreeMap::from([(
            String::new(),
            BTreeMap::from([("ec2.m7g.large".to_string(), dec(nodes))]),
        )]),
    };
    nodes.iter().map(slice).collect()
}

fn advice(nodes: &[&str], plan: &Commitment) -> Advice {
    let replications = [(hours(nodes), Terms::default())];
    let list = PriceList::find("aws-us-east-1").unwrap();
    let used = ReplicatedUsage {
        replications: &replications,
        list: &list,
        hours: Decimal::from(nodes.len()),
    };
    advise(used, plan, dec("0.3")).unwrap()
}

/// A plan at three quarters of the price pays for a node that is up in more than three of four hours. Here four hours have two
/// nodes and one hour has ten. By hand: two nodes are worth a plan, and a third, which is up in one of five hours, is not.
/// That is 2 x 0.0612 dollars an hour.
#[test]
fn the_best_level_is_where_one_more_node_would_be_idle_too_often() {
    let plan = plan(&[("ec2.m7g.large", "0.0612", "0.0816")]);
    let advice = advice(&["2", "2", "10", "2", "2"], &plan);
    let best = advice.levels.iter().find(|level| level.best).unwrap();
    assert_eq!(best.hourly_usd, dec("0.122"));
    // Of 18 node-hours 10 are covered; 0.122 is sold and not 0.1224.
    let covered = dec("0.122") / dec("0.0612") * dec("5");
    let by_hand = dec("0.61") + (dec("18") - covered) * dec("0.0816");
    assert!((best.monthly_cost_usd - by_hand).abs() < dec("0.000001"), "{best:?}");
    assert_eq!(best.used_ratio.unwrap().round_dp(6), Decimal::ONE);
    // Nothing committed: 18 and 12.6 node-hours on demand.
    let none = &advice.levels[0];
    assert_eq!(
        (none.monthly_cost_usd, none.less_traffic_usd),
        (dec("1.4688"), dec("1.02816"))
    );
    assert_eq!(none.used_ratio, None);
    // With 30% less traffic four hours have 1.4 nodes, all covered, and one has 7.
    let covered = dec("5.6") + dec("0.122") / dec("0.0612");
    let with_less = dec("0.61") + (dec("12.6") - covered) * dec("0.0816");
    assert!((best.less_traffic_usd - with_less).abs() < dec("0.000001"), "{best:?}");
    // No level is cheaper.
    assert!(
        advice
            .levels
            .iter()
            .all(|level| level.monthly_cost_usd >= best.monthly_cost_usd)
    );
    let last = advice.levels.last().unwrap();
    assert_eq!(last.hourly_usd, dec("0.612"), "ten nodes");
    assert_eq!(last.covered_ratio, Some(Decimal::ONE));
}

#[test]
fn nothing_is_committed_if_usage_is_too_rare() {
    let plan = plan(&[("ec2.m7g.large", "0.0612", "0.0816")]);
    let advice = advice(&["1", "0", "0", "0"], &plan);
    assert!(advice.levels[0].best);
    assert!(advice.levels[0].hourly_usd.is_zero());
}

/// The result agrees with a search over every level.
#[test]
fn the_best_level_is_that_of_an_exhaustive_search() {
    let plan = plan(&[("ec2.m7g.large", "0.0561", "0.0816")]);
    let nodes = ["3", "1", "4", "1", "5", "9", "2", "6", "5", "3", "5"];
    let best = advice(&nodes, &plan)
        .levels
        .into_iter()
        .find(|level| level.best)
        .unwrap();
    let replications = [(hours(&nodes), Terms::default())];
    let list = PriceList::find("aws-us-east-1").unwrap();
    let used = ReplicatedUsage {
        replications: &replications,
        list: &list,
        hours: Decimal::from(nodes.len()),
    };
    for milli in 0..=600 {
        let at = Commitment {
            hourly_usd: Decimal::new(milli, 3),
            ..plan.clone()
        };
        let cost = mean(used, &at).unwrap().total;
        assert!(
            cost >= best.monthly_cost_usd - dec("0.005"),
            "{milli}: {cost}, {best:?}"
        );
    }
}
