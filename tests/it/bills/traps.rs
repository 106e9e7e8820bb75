//! Common mistakes in bills, each with figures that distinguish the correct sum from the wrong one. Other mistakes are tested in
//! their modules: LCUs and traffic between zones (`cost::extras`), overlapping requests and Azure's steps of memory
//! (`cost::meter`), commitments by the hour (`cost::commitment`), spot nodes in their first hour (`cost::meter::nodes`),
//! SnapStart of Java (`tests/it/cli/snap_start.rs`), missing and negative figures (`rules.rs`, `model::price`).

use super::*;
use coldcast::cost::bill::bill;
use coldcast::cost::lambda::{billed_ms, billed_storage, gb_seconds};
use coldcast::cost::meter::{MeterSpec, MeteredService};
use coldcast::sim::fact::{Activity, Fact, FleetState};
use coldcast::sim::observe::Observer;
use coldcast::sim::platform::{PlatformSpec, fargate};
use coldcast::units::{MemoryMib, SimTime};

fn total(rows: &[(&str, &str)], month: &str, free_tier: bool) -> Decimal {
    bill(&aws(), &usage(rows), &terms(None, month, free_tier))
        .unwrap()
        .total_usd()
        .normalize()
}

/// Duration on provisioned environments has no free allowance: 400,000 GB-seconds cost 400,000 x 0.0000097222 dollars.
#[test]
fn the_free_tier_is_not_for_duration_on_provisioned_concurrency() {
    let provisioned = bill(
        &aws(),
        &usage(&[("lambda.pc_duration.x86", "400000")]),
        &terms(None, "730h", true),
    )
    .unwrap();
    assert_eq!(provisioned.lines[0].free_quantity, Decimal::ZERO);
    assert_eq!(provisioned.total_usd().normalize(), dec("3.88888"));
    assert_eq!(total(&[(X86, "400000")], "730h", true), Decimal::ZERO);
}

/// A cluster in extended support costs 0.60 dollars an hour in total, not 0.60 in addition to 0.10.
#[test]
fn extended_support_is_the_whole_price_of_a_cluster() {
    assert_eq!(
        total(&[("eks.cluster.extended_support", "730")], "730h", false),
        dec("438")
    );
    assert_eq!(
        total(&[("eks.cluster.standard_support", "730")], "730h", false),
        dec("73")
    );
}

/// 10.5 ms of initialisation and 10.5 ms of handler are 21 ms. If they were rounded separately, they would be 22.
#[test]
fn initialisation_and_handler_are_rounded_together() {
    let list = aws();
    let rules = list.lambda_rules().unwrap();
    assert_eq!(billed_ms(10_500_000, 10_500_000, rules, true), 21);
}

/// The price of one hour for a month of 730 hours and for one of 30 days.
#[test]
fn a_month_of_730_hours_is_not_one_of_720() {
    let run = |month: &str| {
        let hour = Some(SimDuration::from_secs(3_600));
        bill(
            &aws(),
            &usage(&[("eks.cluster.standard_support", "1")]),
            &terms(hour, month, false),
        )
        .unwrap()
        .total_usd()
        .normalize()
    };
    assert_eq!((run("730h"), run("720h")), (dec("73"), dec("72")));
}

/// 1,000 MB for 1,024 seconds are 1,000 GB-seconds, as a GB has 1,024 MB.
#[test]
fn a_gigabyte_has_1024_megabytes() {
    let list = aws();
    let rules = list.lambda_rules().unwrap();
    assert_eq!(gb_seconds(1_000 * 1_024_000, rules), dec("1000"));
}

/// 512 MB of ephemeral storage are free. Of 1,024 MB the other half is billed.
#[test]
fn ephemeral_storage_is_billed_above_the_free_part() {
    let list = aws();
    let rules = list.lambda_rules().unwrap();
    assert_eq!(billed_storage(MemoryMib(512), rules), MemoryMib(0));
    assert_eq!(billed_storage(MemoryMib(1_024), rules), MemoryMib(512));
}

/// The tiers of arm end at 7.5 and 18.75 billion GB-seconds, those of x86 at 6 and 15. At 7 billion, arm is in its first tier.
#[test]
fn arm_has_other_tiers_than_x86() {
    assert_eq!(total(&[(ARM, "7000000000")], "730h", false), dec("93333.8"));
    assert_eq!(total(&[(X86, "7000000000")], "730h", false), dec("115000.2"));
}

/// Three tasks of 20 s are billed as three minutes, not as one.
#[test]
fn the_minimum_of_fargate_is_for_each_task() {
    let spec: fargate::FargateSpec = toml::from_str("cpu = \"1\"\nmemory = \"2Gi\"").unwrap();
    let spec = MeterSpec::of(&PlatformSpec::Fargate(spec).part().billed_by(None), &aws(), None)
        .unwrap()
        .unwrap();
    let metered = MeteredService {
        requests: (1_000, 2_048),
        ..MeteredService::default()
    };
    let mut meter = spec.start(SimDuration::ZERO, &[metered]);
    let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
    for instance in 0..3 {
        let created = at(100 * instance);
        meter.observe(&Fact::Activity(Activity {
            service: 0,
            function: 0,
            instance,
            at: created,
            starting: true,
            requests: 0,
        }));
        meter.observe(&Fact::Stopped {
            service: 0,
            function: 0,
            instance,
            created,
            at: at(100 * instance + 20),
        });
    }
    meter.observe(&Fact::Sampled {
        service: 0,
        at: at(3_600),
        area: FleetState::default(),
    });
    let quantities = spec.quantities(&meter.usage()[0]);
    assert_eq!(quantities["fargate.vcpu.x86"], dec("0.05"));
    assert_eq!(quantities["fargate.memory.x86"], dec("0.1"));
}

/// 600,000 requests and 300,000 GB-seconds are within the allowance. The rest is 0 and not negative.
#[test]
fn nothing_becomes_negative_after_the_free_tier() {
    assert_eq!(
        total(&[(REQUESTS, "600000"), (X86, "300000")], "730h", true),
        Decimal::ZERO
    );
}
