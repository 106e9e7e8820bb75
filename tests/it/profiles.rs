//! The committed profiles: complete, consistent with their frameworks, and adding up.

use std::collections::HashSet;

use coldcast::model::catalog::FRAMEWORKS;
use coldcast::model::dist::Dist;
use coldcast::model::profile::{CpuMode, FailureKind, FrameworkProfile, MeasuredConfig};
use coldcast::model::{concurrency, framework, overhead, profile, unit_cost};
use coldcast::scenario::profile::{Sized, Wanted, at_size};
use coldcast::sim::setup::ColdStart;
use coldcast::stats::order;
use coldcast::units::{MemoryMib, MilliCpu, SimDuration};

fn profiles() -> Vec<FrameworkProfile> {
    let all: Vec<_> = FRAMEWORKS
        .iter()
        .filter_map(|(_, _, text)| Some(profile::parse((*text)?).unwrap()))
        .collect();
    assert!(!all.is_empty());
    all
}

#[test]
fn each_profile_belongs_to_its_framework() {
    for (name, description, measured) in FRAMEWORKS {
        let framework = framework::parse(description).unwrap();
        let Some(measured) = measured else { continue };
        let profile = profile::parse(measured).unwrap();
        assert_eq!((framework.name.as_str(), profile.name.as_str()), (*name, *name));
        assert_eq!(profile.framework_version.as_ref(), Some(&framework.version), "{name}");
    }
}

/// CPU and memory limits of the full protocol, with the least number of counted starts.
const SIZES: [(u32, u32, usize); 9] = [
    (250, 512, 30),
    (500, 512, 30),
    (1000, 128, 30),
    (1000, 256, 30),
    (1000, 512, 60),
    (1000, 1024, 30),
    (1000, 1769, 30),
    (1000, 3008, 30),
    (2000, 512, 30),
];

#[test]
fn every_size_has_its_cold_starts_or_is_too_small() {
    for profile in profiles() {
        let flat: Vec<_> = profile
            .runs
            .iter()
            .filter(|run| run.cpu_mode == CpuMode::Flat)
            .collect();
        let sizes: Vec<_> = flat.iter().map(|run| (run.cpu.0, run.memory.0)).collect();
        assert_eq!(sizes, SIZES.map(|(cpu, memory, _)| (cpu, memory)), "{}", profile.name);
        for (run, (.., least)) in flat.into_iter().zip(SIZES) {
            let place = format!("{} at {} vCPU, {}", profile.name, run.cpu.as_vcpu(), run.memory);
            let too_small = run.cold.is_empty()
                && run
                    .failures
                    .iter()
                    .all(|failure| failure.kind == FailureKind::OutOfMemory);
            if too_small {
                assert!(!run.failures.is_empty() && run.memory.0 < 512, "{place}");
                continue;
            }
            let counted = run.counted().count();
            assert!(counted >= least, "{place}: {counted} cold starts, {:?}", run.failures);
            let ids: HashSet<_> = run.cold.iter().map(|sample| sample.process_id.as_ref()).collect();
            assert_eq!(ids.len(), run.cold.len(), "{place}: each start is a process of its own");
        }
    }
}

/// From schema 2 on: what a warm run knows about the cost of a request agrees with itself and is settled, and the sizes of AWS
/// Lambda have starts with boosted init.
#[test]
fn profiles_of_schema_2_have_work_rates_and_the_sizes_of_lambda() {
    for profile in profiles().into_iter().filter(|profile| profile.schema >= 2) {
        let name = &profile.name;
        let boosted = profile.runs.iter().filter(|run| run.cpu_mode == CpuMode::BoostedInit);
        let sizes: Vec<_> = boosted.map(|run| (run.cpu.0, run.memory.0)).collect();
        assert_eq!(
            sizes,
            [(72, 128), (289, 512), (579, 1024), (1000, 1769), (1700, 3008)],
            "{name}"
        );
        let reference = |run: &&MeasuredConfig| run.cpu.0 == 1000 && run.memory.0 == 512;
        let run = profile.runs.iter().find(reference).unwrap();
        assert_eq!(run.doubts(), Vec::<String>::new(), "{name}");
        let warm = run.warm.as_ref().unwrap();
        let lines = unit_cost::lines(warm);
        assert_eq!(
            lines.keys().collect::<Vec<_>>(),
            ["compute", "items", "template", "validate"],
            "{name}"
        );
        for (kind, line) in lines {
            assert!(
                line.per_unit.interval.is_some_and(|(low, _)| low > 0.0),
                "{name}, {kind}: {line:?}"
            );
        }
        assert!(
            overhead::of_json(warm, 1.0).is_some() && overhead::after_work(warm, 1.0).is_some(),
            "{name}"
        );
        assert_eq!(warm.responses.len(), 3, "{name}");
    }
}

/// `/items` makes twenty objects, `/json` one: an app in which the latter costs more does something foolish for each request,
/// such as looking up the framework's version.
#[test]
fn less_work_costs_less() {
    for profile in profiles() {
        for run in &profile.runs {
            let Some(warm) = &run.warm else { continue };
            let cpu = |route: &str| order::median(&order::sorted(warm.routes[route].cpu_per_request().iter().copied()));
            let (json, items) = (cpu("json"), cpu("items"));
            assert!(
                json < items,
                "{} at {}: {json:?} and {items:?} ms",
                profile.name,
                run.cpu
            );
        }
    }
}

#[test]
fn every_cpu_limit_has_a_warm_run_and_one_vcpu_a_long_one() {
    for profile in profiles() {
        for run in profile.runs.iter().filter(|run| run.memory.0 == 512) {
            let place = format!("{} at {}", profile.name, run.cpu);
            let warm = run.warm.as_ref().unwrap_or_else(|| panic!("{place}: no warm run"));
            let routes: Vec<&str> = warm.routes.keys().map(String::as_str).collect();
            assert_eq!(routes, ["echo", "healthz", "items", "json"], "{place}");
            // Batches end with the time for them, so that a slow framework on little CPU has fewer; p95 takes 59.
            let least = if run.cpu.0 < 1000 { 100 } else { 200 };
            for (name, route) in &warm.routes {
                assert!(route.service_time_ms.len() >= least, "{place}: {name}");
                assert!(
                    !route.cpu_ms.is_empty() && route.cpu_loaded_ms.len() >= 5,
                    "{place}: {name}"
                );
            }
            assert!(
                warm.warm_up_ms.len() as f64 >= (11.0 * warm.warm_up_rate).min(200.0)
                    && warm.idle.anon_bytes.is_some()
                    && warm.idle.pss_bytes.is_some(),
                "{place}"
            );
            assert!(concurrency::detect(warm).is_some(), "{place}");
            assert_eq!(warm.errors, 0, "{place}");
            if run.cpu.0 == 1000 {
                assert_eq!(warm.plateaus.len(), 4, "{place}");
                // An instance that had died before would have answered nothing.
                assert!(warm.plateaus.iter().all(|plateau| plateau.completed > 0), "{place}");
                let rate = warm.stable_rate.as_ref().and_then(|stable| stable.rate);
                assert!(rate.is_some_and(|rate| rate > 0.0), "{place}");
            }
        }
    }
}

#[test]
fn each_image_met_the_contract_before_it_was_measured() {
    for profile in profiles() {
        let check = profile.contract.as_ref().unwrap_or_else(|| panic!("{}", profile.name));
        // Profiles of the first schema were measured before the contract had the four kinds of work in sizes.
        let whole = if profile.schema == 1 { (7, 67) } else { (10, 171) };
        assert_eq!((check.routes, check.requests), whole, "{}", profile.name);
        assert!(check.command.ends_with(&profile.name), "{}", check.command);
        assert!(!profile.blocks.is_empty(), "{}", profile.name);
    }
}

#[test]
fn phases_add_up_to_what_the_client_saw() {
    for profile in profiles() {
        for sample in profile.runs.iter().flat_map(|run| &run.cold) {
            let phases = sample.phase_sum_ms();
            let probe_interval = profile.provenance.probe_interval_ms.max(0.0025 * sample.total_ms);
            let error = (phases - sample.total_ms).abs();
            assert!(error <= 2.0 + probe_interval, "{}: {sample:?}", profile.name);
        }
    }
}

/// Runs that were stopped after their last cold start and gone on with: what the prober had used until then was not kept.
const RESUMED: [&str; 3] = ["quarkus", "spring-boot", "spring-boot-aot"];

#[test]
fn provenance_tells_how_to_repeat_it() {
    for profile in profiles() {
        let p = &profile.provenance;
        assert!(p.command.starts_with("coldcast measure docker"), "{}", p.command);
        for (what, text) in [
            ("host CPU", &p.host_cpu),
            ("kernel", &p.kernel),
            ("engine", &p.engine_version),
            ("image", &p.image_id),
            ("start", &p.started),
        ] {
            assert!(!text.is_empty(), "{}: {what} is blank", profile.name);
        }
        let resumed = RESUMED.contains(&profile.name.as_str());
        let small = p.prober_cpu_share.map_or(resumed, |share| share < 0.05);
        assert!(small, "{}: {:?}", profile.name, p.prober_cpu_share);
    }
}

fn wanted(cpu: u32, interpolate: bool) -> Wanted<'static> {
    Wanted {
        cpu: MilliCpu(cpu),
        memory: None,
        interpolate,
        boosted: false,
        memory_for: &|cpu| Some(MemoryMib(cpu.0 * 1769 / 1000)),
    }
}

/// Mean cold start in nanoseconds.
fn mean_start(sized: &Sized) -> f64 {
    let totals = sized
        .cold
        .iter()
        .map(|c| (c.sandbox + c.init + c.first_request).0 as f64);
    totals.sum::<f64>() / sized.cold.len() as f64
}

#[test]
fn sizes_between_two_measured_ones_are_interpolated_only_on_request() {
    for profile in profiles() {
        let exact = at_size(&profile, &wanted(1000, false)).unwrap();
        assert_eq!(exact.law, None);
        let refused = at_size(&profile, &wanted(579, false)).unwrap_err();
        assert!(
            refused.contains("interpolate = true") && refused.contains("1769Mi"),
            "{refused}"
        );
        let between = at_size(&profile, &wanted(579, true)).unwrap();
        let law = between.law.clone().unwrap();
        assert_eq!(law.sizes, [250, 500, 1000, 2000].map(MilliCpu));
        assert_eq!(law.nearest, MilliCpu(500));
        let low = at_size(&profile, &wanted(500, false)).unwrap();
        assert_eq!(between.cold.len(), low.cold.len());
        // A law over four sizes may miss each of the two neighbours.
        let (a, b) = (mean_start(&low), mean_start(&exact));
        let range = a.min(b) * (1.0 - 2.0 * law.start_miss)..=a.max(b);
        assert!(range.contains(&mean_start(&between)), "{}", profile.name);
        for outside in [249, 2001, 4000] {
            let refused = at_size(&profile, &wanted(outside, true)).unwrap_err();
            assert!(refused.contains("nothing is extrapolated"), "{refused}");
        }
    }
}

/// Predicts the measurements at half a vCPU from the other sizes. With `--nocapture` it prints the errors of the
/// prediction.
#[test]
fn a_size_that_is_held_out_is_foretold() {
    let median = |sized: &Sized, phase: fn(&ColdStart) -> SimDuration| {
        order::median(&order::sorted(sized.cold.iter().map(|c| phase(c).as_millis_f64()))).unwrap()
    };
    // Stalls of a CPU quota make the mean of a handler, and no size above one vCPU tells of them; the median is foretold.
    let middle = |overhead: &Dist| match overhead {
        Dist::Empirical(values) => values[values.len() / 2].as_millis_f64(),
        other => panic!("{other:?}"),
    };
    for profile in profiles() {
        let measured = at_size(&profile, &wanted(500, false)).unwrap();
        let mut without = profile.clone();
        without.runs.retain(|run| run.cpu != MilliCpu(500));
        let foretold = at_size(&without, &wanted(500, true)).unwrap();
        let miss = |phase: fn(&ColdStart) -> SimDuration| median(&foretold, phase) / median(&measured, phase) - 1.0;
        let whole = miss(|c| c.sandbox + c.init + c.first_request);
        println!(
            "{}: start {:+.1}%, initialisation {:+.1}%, first request {:+.1}%, empty handler {:+.1}%, CPU of /items {:+.1}%",
            profile.name,
            100.0 * whole,
            100.0 * miss(|c| c.init),
            100.0 * miss(|c| c.first_request),
            100.0 * (middle(&foretold.overhead) / middle(&measured.overhead) - 1.0),
            100.0 * (foretold.cpu_ms["items"] / measured.cpu_ms["items"] - 1.0),
        );
        assert!(whole.abs() < 0.3, "{}: {whole}", profile.name);
    }
}
