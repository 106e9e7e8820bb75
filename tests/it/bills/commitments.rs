//! Bills with random commitments and random usage, compared with rules that always hold.

use super::*;
use coldcast::cost::bill::{BillLine, CommitmentRole};
use coldcast::cost::commitment::{CommitmentSpec, resolve};
use coldcast::cost::{Slice, bill_committed, bill_groups};
use proptest::prelude::*;

const NODE: &str = "ec2.m7g.large";
const OTHER: &str = "ec2.c7g.large";

/// Node-hours in thousandths by hour, group and type.
fn slices(hours: &[Vec<(u32, u32)>]) -> Vec<Slice> {
    let slice = |groups: &Vec<(u32, u32)>| Slice {
        hours: Decimal::ONE,
        usage: groups
            .iter()
            .enumerate()
            .map(|(i, &(nodes, others))| {
                let usage = BTreeMap::from([
                    (NODE.to_string(), Decimal::new(nodes.into(), 3)),
                    (OTHER.to_string(), Decimal::new(others.into(), 3)),
                ]);
                (format!("group-{i}"), usage)
            })
            .collect(),
    };
    hours.iter().map(slice).collect()
}

proptest! {
    #[test]
    fn usage_is_billed_once_and_commitments_are_paid_in_full(
        hours in (1usize..4).prop_flat_map(|groups| {
            prop::collection::vec(prop::collection::vec((0u32..5_000, 0u32..5_000), groups), 1..7)
        }),
        family in 0u32..400,
        compute in 0u32..400,
        reserved in 0u32..3,
    ) {
        let list = aws();
        let text = format!(
            "[[commitment]]\nkind = \"reserved-instances\"\ninstance-type = \"c7g.large\"\ncount = {reserved}\n\
             [[commitment]]\nkind = \"ec2-instance-savings-plan\"\nfamily = \"m7g\"\nhourly = \"0.{family:03}\"\n\
             [[commitment]]\nkind = \"compute-savings-plan\"\nhourly = \"0.{compute:03}\"\n"
        );
        let specs: BTreeMap<String, Vec<CommitmentSpec>> = toml::from_str(&text).unwrap();
        let commitments = resolve(&specs["commitment"], &list).unwrap();
        let slices = slices(&hours);
        let terms = terms(Some(SimDuration::from_secs(3_600 * hours.len() as u64)), "730h", false);
        let month = dec("730");
        let bills = bill_committed(&list, &slices, &terms, &commitments, month).unwrap();
        bills.values().for_each(assert_exact);
        let sum = |of: &dyn Fn(&BillLine) -> Decimal| -> Decimal {
            bills.values().flat_map(|bill| &bill.lines).map(of).sum()
        };
        let total = sum(&|line| line.cost_usd);
        // Spreading the cost of commitments does not change the sum.
        prop_assert!((sum(&BillLine::effective_cost_usd) - total).abs() < dec("0.0000001"));
        // Every hour of every commitment is paid.
        let committed: Decimal = commitments.iter().map(|commitment| commitment.hourly_usd * month).sum();
        let purchased = sum(&|line| match &line.commitment {
            Some(part) if part.role == CommitmentRole::Purchase => line.cost_usd,
            _ => Decimal::ZERO,
        });
        prop_assert!((purchased - committed).abs() < dec("0.0000001"), "{} and {}", purchased, committed);
        // All usage is on the bill once, on demand or covered.
        let mut groups: BTreeMap<String, BTreeMap<String, Decimal>> = BTreeMap::new();
        for slice in &slices {
            for (group, usage) in &slice.usage {
                for (meter, quantity) in usage {
                    *groups.entry(group.clone()).or_default().entry(meter.clone()).or_default() += quantity;
                }
            }
        }
        let plain = bill_groups(&list, &groups, &terms).unwrap();
        for (group, bill) in &plain {
            for line in &bill.lines {
                let own = bills[group].lines.iter().filter(|own| own.meter == line.meter);
                let found: Decimal = own.map(|own| own.quantity).sum();
                prop_assert!((found - line.quantity).abs() < dec("0.000001"), "{}: {} and {}", line.meter, found, line.quantity);
            }
        }
        // Commitments add at most their own cost, and save at most the cost of the covered usage.
        let on_demand: Decimal = plain.values().map(Bill::total_usd).sum();
        prop_assert!(total <= on_demand + committed + dec("0.0000001"));
        prop_assert!(total + dec("0.0000001") >= on_demand - on_demand * dec("0.57"));
    }
}
