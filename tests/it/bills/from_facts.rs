//! Billed quantities of random traffic, compared with an independent count from the log of facts.

use super::*;
use crate::common::platform_run::observed;
use coldcast::cost::meter::{Meter, MeterSpec, MeteredService};
use coldcast::sim::fact::Fact;
use coldcast::sim::observe::Observer;
use coldcast::sim::platform::{PlatformSpec, cloud_run, lambda};
use proptest::prelude::*;

/// An observer that keeps all facts and passes them on to a meter.
struct Both {
    log: Vec<Fact>,
    meter: Meter,
}

impl Observer for Both {
    fn observe(&mut self, fact: &Fact) {
        self.log.push(*fact);
        self.meter.observe(fact);
    }
}

/// Returns the billed quantities of a run and its facts.
fn ran(
    platform: &PlatformSpec,
    list: &PriceList,
    gaps_ms: &[u32],
    service: f64,
    init: f64,
) -> (BTreeMap<String, Decimal>, Vec<Fact>) {
    let spec = MeterSpec::of(&platform.part().billed_by(None), list, None)
        .unwrap()
        .unwrap();
    let mut both = Both {
        log: Vec::new(),
        meter: spec.start(SimDuration::ZERO, &[MeteredService::default()]),
    };
    let arrivals: Vec<f64> = gaps_ms
        .iter()
        .scan(0, |at, gap| {
            *at += gap;
            Some(f64::from(*at) / 1e3)
        })
        .collect();
    let horizon = arrivals.last().unwrap() + 200.0;
    observed(
        platform.part(),
        &arrivals,
        [service, init, horizon],
        spec.needs_activity(),
        &mut both,
    );
    let usage = both.meter.usage().swap_remove(0);
    (spec.quantities(&usage), both.log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The sum of initialisation and handler of each invocation is rounded up to the next millisecond. A GB has 1,024 MB.
    #[test]
    fn lambda_bills_each_invocation_of_the_log(
        gaps_ms in prop::collection::vec(0u32..3_000, 1..60),
        service_us in 1u32..4_000_000,
        init_us in 0u32..9_000_000,
        memory in 128u32..10_240,
    ) {
        let spec: lambda::LambdaSpec = toml::from_str(&format!("memory = '{memory}Mi'\ntimeout = '900s'")).unwrap();
        let platform = PlatformSpec::Lambda(spec);
        let (service, init) = (f64::from(service_us) / 1e6, f64::from(init_us) / 1e6);
        let (quantities, log) = ran(&platform, &aws(), &gaps_ms, service, init);
        let (mut requests, mut mib_ms) = (0u64, 0u128);
        for fact in &log {
            if let Fact::Finished(request) = fact {
                let init = if request.cold { request.init.0 } else { 0 };
                let ns = init + (request.finished.0 - request.started.0);
                requests += 1;
                mib_ms += u128::from(ns.div_ceil(1_000_000)) * u128::from(memory);
            }
        }
        prop_assert_eq!(requests as usize, gaps_ms.len());
        prop_assert_eq!(quantities[REQUESTS], Decimal::from(requests));
        let gb_seconds = Decimal::from(mib_ms) / Decimal::from(1_024_000);
        prop_assert_eq!(quantities[X86].normalize(), gb_seconds.normalize());
    }

    /// An instance is billed while it starts and while it has a request, and overlapping requests share time. Each interval is rounded
    /// up to the next 100 ms.
    #[test]
    fn cloud_run_bills_the_union_of_the_intervals_of_an_instance(
        gaps_ms in prop::collection::vec(0u32..3_000, 1..60),
        service_us in 1u32..4_000_000,
        init_us in 1u32..9_000_000,
        concurrency in 1u32..5,
    ) {
        let spec: cloud_run::CloudRunSpec = toml::from_str(&format!("concurrency = {concurrency}\nstartup-cpu-boost = false")).unwrap();
        let platform = PlatformSpec::CloudRun(spec);
        let list = PriceList::find("gcp-us-central1").unwrap();
        let (service, init) = (f64::from(service_us) / 1e6, f64::from(init_us) / 1e6);
        let (quantities, log) = ran(&platform, &list, &gaps_ms, service, init);
        // Intervals by instance: its start, and each request.
        let mut spans: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        let mut starting: BTreeMap<u64, u64> = BTreeMap::new();
        let mut requests = 0u64;
        for fact in &log {
            match fact {
                Fact::Activity(activity) if activity.starting => {
                    starting.entry(activity.instance).or_insert(activity.at.0);
                }
                Fact::Activity(activity) => {
                    if let Some(created) = starting.remove(&activity.instance) {
                        spans.entry(activity.instance).or_default().push((created, activity.at.0));
                    }
                }
                Fact::Finished(request) => {
                    requests += 1;
                    spans.entry(request.instance).or_default().push((request.started.0, request.finished.0));
                }
                _ => {}
            }
        }
        let mut ms = 0u64;
        for spans in spans.values_mut() {
            spans.sort_unstable();
            let (mut from, mut to) = spans[0];
            for &(start, end) in &spans[1..] {
                if start > to {
                    ms += (to - from).div_ceil(100_000_000) * 100;
                    (from, to) = (start, end);
                }
                to = to.max(end);
            }
            ms += (to - from).div_ceil(100_000_000) * 100;
        }
        prop_assert_eq!(quantities["cloud-run.request.requests"], Decimal::from(requests));
        // One vCPU and half a GiB.
        prop_assert_eq!(quantities["cloud-run.request.cpu"].normalize(), Decimal::new(ms as i64, 3).normalize());
        let memory = Decimal::new(ms as i64, 3) / Decimal::from(2);
        prop_assert_eq!(quantities["cloud-run.request.memory"].normalize(), memory.normalize());
    }
}
