use super::*;
use crate::model::price::PriceList;
use crate::sim::fact::{Activity, Fact, Finished, FleetState, Outcome, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::PlatformSpec;
use crate::units::{SimDuration, SimTime};

const MIB: f64 = 1_048_576.0;

fn at(ms: u64) -> SimTime {
    SimTime(ms * 1_000_000)
}

fn activity(instance: u64, ms: u64, starting: bool, requests: u32) -> Fact {
    Fact::Activity(Activity {
        service: 0,
        function: 0,
        instance,
        at: at(ms),
        starting,
        requests,
    })
}

fn stopped(instance: u64, created: u64, ms: u64) -> Fact {
    Fact::Stopped {
        service: 0,
        function: 0,
        instance,
        created: at(created),
        at: at(ms),
    }
}

fn finished(instance: u64, arrived: u64, started: u64, ms: u64) -> Fact {
    Fact::Finished(Finished {
        service: 0,
        function: 0,
        index: 0,
        arrived: at(arrived),
        started: at(started),
        finished: at(ms),
        instance,
        cold: false,
        first_use: false,
        init: SimDuration::ZERO,
        outcome: Outcome::Completed,
        role: Role::Request,
        provisioned: false,
    })
}

fn sampled(ms: u64) -> Fact {
    Fact::Sampled {
        service: 0,
        at: at(ms),
        area: FleetState::default(),
    }
}

/// The usage of one service after `facts`. The first `warm_up` milliseconds do not count.
fn usage(spec: &MeterSpec, memory: Option<MemoryLine>, warm_up: u64, facts: &[Fact]) -> Usage {
    let mut meter = spec.start(
        SimDuration::from_millis(warm_up),
        &[MeteredService {
            memory,
            requests: (0, 0),
        }],
    );
    facts.iter().for_each(|fact| meter.observe(fact));
    meter.usage().swap_remove(0)
}

/// The meter of a platform by the prices of `list`. `lines` is the text of the platform's table.
fn meter(platform: &str, lines: &str, list: &str) -> MeterSpec {
    let table: PlatformSpec = toml::from_str(&format!("[{platform}]\n{lines}")).unwrap();
    let list = PriceList::find(list).unwrap();
    MeterSpec::of(&table.part().billed_by(None), &list, None)
        .unwrap()
        .unwrap()
}

fn cloud_run(lines: &str) -> MeterSpec {
    meter("cloud-run", lines, "gcp-us-central1")
}

fn flex(lines: &str) -> MeterSpec {
    meter("azure-flex", lines, "azure-eastus")
}

fn consumption(lines: &str) -> MeterSpec {
    meter("azure-functions", lines, "azure-eastus")
}

/// An instance starts at 0, is up at 400 ms with a request, has a second one from 500 to 650 ms, is idle from 700 ms on, and has a
/// third from 1 s on, which still runs at the last sample.
fn one_instance() -> Vec<Fact> {
    vec![
        activity(0, 0, true, 0),
        activity(0, 400, false, 1),
        activity(0, 500, false, 2),
        finished(0, 500, 500, 650),
        activity(0, 650, false, 1),
        finished(0, 0, 400, 700),
        activity(0, 700, false, 0),
        sampled(900),
        activity(0, 1_000, false, 1),
        sampled(1_210),
        finished(0, 1_000, 1_000, 1_500),
        activity(0, 1_500, false, 0),
    ]
}

#[test]
fn overlapping_requests_share_time_and_open_intervals_end_at_the_last_sample() {
    let Usage::CloudRun(usage) = usage(&cloud_run(""), None, 0, &one_instance()) else {
        panic!()
    };
    // 700 ms, and 210 ms of 500, which are rounded up to 300.
    assert_eq!((usage.billed_ms, usage.start_ms, usage.requests), (1_000, 400, 3));
    assert_eq!(usage.active_ns, 910_000_000);
}

/// The first request begins at the end of the start, and a waiting request at the end of another one. The instance is active
/// without interruption, and the billed time is rounded up once.
#[test]
fn an_instance_that_is_idle_for_no_time_is_not_idle() {
    let facts = [
        activity(0, 0, true, 0),
        activity(0, 410, false, 0),
        activity(0, 410, false, 1),
        activity(0, 720, false, 0),
        activity(0, 720, false, 1),
        activity(0, 1_030, false, 0),
        sampled(2_000),
        activity(0, 3_000, false, 1),
        activity(0, 3_010, false, 0),
        stopped(0, 0, 4_000),
        sampled(5_000),
    ];
    let Usage::CloudRun(usage) = usage(&cloud_run(""), None, 0, &facts) else {
        panic!()
    };
    // 1,030 ms are rounded up to 1,100, and 10 to 100.
    assert_eq!((usage.billed_ms, usage.active_ns), (1_200, 1_040_000_000));
    let Usage::Flex(flex) = super::tests::usage(&flex(""), None, 0, &facts) else {
        panic!()
    };
    // Requests run from 410 to 1,030 ms, and for 10 ms: a second each.
    assert_eq!(flex.billed_ms, 2_000);
}

#[test]
fn time_before_the_end_of_the_warm_up_is_not_billed() {
    let meter = cloud_run("min-instances = 1");
    let Usage::CloudRun(usage) = usage(&meter, None, 550, &one_instance()) else {
        panic!()
    };
    // 150 ms of the first interval are rounded up to 200. The start and the first two requests were before the end of the warm-up.
    assert_eq!((usage.billed_ms, usage.start_ms, usage.requests), (500, 0, 1));
    // Nothing is active from 700 to 1,000 ms.
    assert_eq!(usage.idle_ns, 300_000_000);
}

#[test]
fn an_instance_that_ended_is_billed_for_a_minute_at_least() {
    let meter = cloud_run("billing = 'instance'");
    let facts = [
        activity(0, 0, false, 0),
        activity(1, 10_000, true, 0),
        activity(1, 12_000, false, 0),
        stopped(1, 10_000, 20_000),
        sampled(100_050),
    ];
    let Usage::CloudRun(usage) = usage(&meter, None, 0, &facts) else {
        panic!()
    };
    assert_eq!((usage.billed_ms, usage.start_ms), (60_000 + 100_100, 2_000));
}

#[test]
fn flex_bills_a_second_at_least_and_no_start() {
    let Usage::Flex(on_demand) = usage(&flex(""), None, 0, &one_instance()) else {
        panic!()
    };
    // From 400 to 700 ms, which is billed as a second. The minimum does not apply to the interval that is not over.
    assert_eq!((on_demand.billed_ms, on_demand.executions), (1_000 + 300, 3));
    let Usage::Flex(ready) = usage(&flex("always-ready = 1"), None, 0, &one_instance()) else {
        panic!()
    };
    assert_eq!((ready.billed_ms, ready.executions), (0, 0));
    assert_eq!((ready.ready_ms, ready.ready_executions), (1_300, 3));
    assert_eq!(ready.baseline_ns, 1_210_000_000);
}

/// 300 MiB with one execution, 100 more for each further one.
const LINE: MemoryLine = MemoryLine {
    at_one: 300.0 * MIB,
    growth: 100.0 * MIB,
};

#[test]
fn executions_share_memory_while_they_run_together() {
    let Usage::Executions(usage) = usage(&consumption(""), Some(LINE), 0, &one_instance()) else {
        panic!()
    };
    // The first runs alone for 100 and 50 ms, and for 150 ms with another one (200 MiB each). Its mean of 250 MiB is rounded up
    // to 256. The second always runs with the first: 200 MiB are rounded up to 256. The third is alone: 300 become 384.
    assert_eq!(usage.mib_ms, 256 * 300 + 256 * 150 + 384 * 500);
    assert_eq!(usage.executions, 3);
}

#[test]
fn short_executions_are_billed_for_a_tenth_of_a_second_and_at_most_the_memory_of_the_instance() {
    let facts = [activity(0, 0, false, 1), finished(0, 0, 0, 7), activity(0, 7, false, 0)];
    let huge = MemoryLine {
        at_one: 5_000.0 * MIB,
        growth: 0.0,
    };
    for (line, mib) in [(LINE, 384), (huge, 1_536)] {
        let Usage::Executions(usage) = usage(&consumption(""), Some(line), 0, &facts) else {
            panic!()
        };
        assert_eq!(usage.mib_ms, mib * 100);
    }
}
