use super::*;
use crate::sim::fact::FleetState;

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

const CLUSTER: &str = "eks.cluster.standard_support";

fn spec() -> NodesMeterSpec {
    NodesMeterSpec {
        kinds: vec!["ec2.m7i.large".into(), "ec2.m7i.xlarge".into()],
        control_plane: CLUSTER.into(),
        spot: false,
        notes: Vec::new(),
    }
}

/// Two hours whose first half hour is warm-up. There are two nodes from the start, of which one goes at 3,600 s, and a third
/// node of another kind comes at 1,800 s. By hand: 1.5 + 0.5 hours, and 1.5 hours.
#[test]
fn nodes_are_billed_from_the_warm_up_on_and_shared_by_requests() {
    let mut meter = NodesMeter::new(2, SimDuration::from_secs(1_800), &[(1_000, 512), (1_000, 1_536)]);
    let node = |kind, seconds, comes| Fact::Node {
        kind,
        at: at(seconds),
        change: if comes { NodeChange::Comes } else { NodeChange::Goes },
    };
    let sampled = |service, seconds, pods: i128| Fact::Sampled {
        service,
        at: at(seconds),
        area: FleetState {
            busy: pods * i128::from(seconds) * 1_000_000_000,
            ..FleetState::default()
        },
    };
    for fact in [
        node(0, 0, true),
        node(0, 0, true),
        sampled(0, 1_800, 1),
        sampled(1, 1_800, 1),
        node(1, 1_800, true),
        node(0, 3_600, false),
        sampled(0, 7_200, 1),
        sampled(1, 7_200, 1),
    ] {
        meter.observe(&fact);
    }
    let usage = meter.usage();
    let mut all = usage[0].clone();
    all.add(&usage[1]);
    let quantity = |usage: &NodesUsage, meter: &str| spec().quantities(usage)[meter].to_string();
    assert_eq!(quantity(&all, "ec2.m7i.large"), "2");
    assert_eq!(quantity(&all, "ec2.m7i.xlarge"), "1.5");
    assert_eq!(quantity(&all, CLUSTER), "1.5");
    // Half of the CPU and a quarter of the memory: three eighths.
    assert_eq!(quantity(&usage[0], "ec2.m7i.large"), "0.75");
    assert_eq!(quantity(&usage[1], "ec2.m7i.xlarge"), "0.9375");
}

/// Two spot nodes that came at 0 and at 1,800 s are taken back at 3,000 s and at 7,200 s; the warm-up takes half an hour. By
/// hand: the first node was in its first hour and is free, and the second costs its 1.5 hours.
#[test]
fn spot_nodes_that_are_taken_back_within_an_hour_are_free() {
    let spot = NodesMeterSpec {
        kinds: vec!["ec2.spot.m5.large".into()],
        control_plane: CLUSTER.into(),
        spot: false,
        notes: Vec::new(),
    };
    let mut meter = NodesMeter::new(1, SimDuration::from_secs(1_800), &[(1_000, 512)]);
    let node = |seconds, change| Fact::Node {
        kind: 0,
        at: at(seconds),
        change,
    };
    let taken = |launched| NodeChange::TakenBack { launched: at(launched) };
    for fact in [
        node(0, NodeChange::Comes),
        node(1_800, NodeChange::Comes),
        node(3_000, taken(0)),
        node(7_200, taken(1_800)),
        Fact::Sampled {
            service: 0,
            at: at(9_000),
            area: FleetState::default(),
        },
    ] {
        meter.observe(&fact);
    }
    let usage = meter.usage();
    assert_eq!(spot.quantities(&usage[0])["ec2.spot.m5.large"].to_string(), "1.5");
}
