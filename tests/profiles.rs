//! The committed profiles: complete, consistent with their frameworks, and adding up.

use coldcast::model::catalog::FRAMEWORKS;
use coldcast::model::profile::FrameworkProfile;
use coldcast::model::{framework, profile};
use coldcast::scenario::measured;
use coldcast::units::MilliCpu;

fn profiles() -> Vec<FrameworkProfile> {
    let all: Vec<_> = FRAMEWORKS
        .iter()
        .map(|(_, _, text)| profile::parse(text).unwrap())
        .collect();
    assert!(!all.is_empty());
    all
}

#[test]
fn each_profile_belongs_to_its_framework() {
    for (name, description, measured) in FRAMEWORKS {
        let framework = framework::parse(description).unwrap();
        let profile = profile::parse(measured).unwrap();
        assert_eq!((framework.name.as_str(), profile.name.as_str()), (*name, *name));
        assert_eq!(profile.framework_version.as_ref(), Some(&framework.version), "{name}");
    }
}

#[test]
fn every_size_has_thirty_cold_starts_and_a_warm_run() {
    for profile in profiles() {
        let sizes: Vec<u32> = profile.runs.iter().map(|run| run.cpu.0).collect();
        assert_eq!(sizes, [250, 500, 1000, 2000], "{}", profile.name);
        for run in &profile.runs {
            let place = format!("{} at {}", profile.name, run.cpu);
            assert!(run.cold.len() >= 30, "{place}: {} cold starts", run.cold.len());
            assert!(run.failures.is_empty(), "{place}: {:?}", run.failures);
            let warm = run.warm.as_ref().unwrap_or_else(|| panic!("{place}: no warm run"));
            let routes: Vec<&str> = warm.routes.keys().map(String::as_str).collect();
            assert_eq!(routes, ["echo", "healthz", "items", "json"], "{place}");
            assert!(
                warm.routes.values().all(|route| route.service_time_ms.len() >= 200),
                "{place}"
            );
            assert!(warm.routes.values().all(|route| !route.cpu_ms.is_empty()), "{place}");
            assert!(
                warm.warm_up_ms.len() >= 200 && warm.idle.anon_bytes.is_some(),
                "{place}"
            );
            assert_eq!(warm.errors, 0, "{place}");
        }
    }
}

#[test]
fn phases_add_up_to_what_the_client_saw() {
    for profile in profiles() {
        for sample in profile.runs.iter().flat_map(|run| &run.cold) {
            let phases = sample.create_ms + sample.start_ms + sample.boot_ms + sample.first_response_ms;
            let probe_interval = profile.provenance.probe_interval_ms.max(0.0025 * sample.total_ms);
            let error = (phases - sample.total_ms).abs();
            assert!(error <= 2.0 + probe_interval, "{}: {sample:?}", profile.name);
        }
    }
}

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
        assert!(p.prober_cpu_share.is_some_and(|share| share < 0.2), "{}", profile.name);
    }
}

#[test]
fn sizes_between_two_measured_ones_are_interpolated_only_on_request() {
    for profile in profiles() {
        let exact = measured::at_size(&profile, MilliCpu(1000), false).unwrap();
        assert_eq!(exact.between, None);
        let refused = measured::at_size(&profile, MilliCpu(579), false).unwrap_err();
        assert!(
            refused.contains("interpolate = true") && refused.contains("1769Mi"),
            "{refused}"
        );
        let between = measured::at_size(&profile, MilliCpu(579), true).unwrap();
        assert_eq!(between.between, Some((MilliCpu(500), MilliCpu(1000))));
        let total = |sized: &measured::Sized| -> u64 {
            let sum: u64 = sized
                .cold
                .iter()
                .map(|c| (c.sandbox + c.init + c.first_request).0)
                .sum();
            sum / sized.cold.len() as u64
        };
        let low = measured::at_size(&profile, MilliCpu(500), false).unwrap();
        let (a, b) = (total(&low).min(total(&exact)), total(&low).max(total(&exact)));
        assert!((a..=b).contains(&total(&between)), "{}", profile.name);
        let outside = measured::at_size(&profile, MilliCpu(4000), true).unwrap_err();
        assert!(outside.contains("nothing is extrapolated"), "{outside}");
    }
}
