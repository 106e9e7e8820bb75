//! An autoscaler is one file of rules, one file of keys and one row: the platform knows it through a trait alone.

use std::path::{Path, PathBuf};

use coldcast::scenario::file::autoscaler::AutoscalerSpec;

/// Files that may name an autoscaler: those of the autoscalers, and those of the platform whose autoscaler is its own.
const OWN_FILES: [&str; 2] = ["sim/autoscaler", "sim/platform/knative.rs"];

pub fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file without comments and unit tests.
pub fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The ways in which code names an autoscaler: its module of rules, or the variant of its row.
fn names_in(code: &str, modules: &[String]) -> Vec<String> {
    let rules = modules.iter().map(|module| format!("sim::autoscaler::{module}"));
    let rows = AutoscalerSpec::NAMES.iter().map(|name| {
        let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        format!("AutoscalerSpec::{}", words.collect::<String>())
    });
    rules.chain(rows).filter(|name| code.contains(name.as_str())).collect()
}

#[test]
fn nothing_outside_its_files_names_an_autoscaler() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules: Vec<String> = std::fs::read_dir(src.join("sim/autoscaler"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|module| !["metrics", "series"].contains(&module.as_str()))
        .collect();
    assert!(modules.contains(&"hpa".to_string()), "{modules:?}");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    let mut wrong = Vec::new();
    for path in paths {
        let below = path.strip_prefix(&src).unwrap().display().to_string();
        let is_tests = below.ends_with("tests.rs") || below.contains("/tests/");
        let is_keys = below.starts_with("scenario/") && below.contains("autoscaler");
        if is_tests || is_keys || OWN_FILES.iter().any(|own| below.starts_with(own)) {
            continue;
        }
        let names = names_in(&code(&path), &modules);
        wrong.extend(names.into_iter().map(|name| format!("{below} names {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The test finds such a name.
    let modules = ["hpa".to_string()];
    assert_eq!(
        names_in(
            "use crate::sim::autoscaler::hpa;\nAutoscalerSpec::TargetTracking(_)",
            &modules
        )
        .len(),
        2
    );
}

/// Every row starts from its defaults. One that reads also decides, and one that never acts has a fixed number of pods.
#[test]
fn every_row_starts_from_its_defaults() {
    for name in AutoscalerSpec::NAMES {
        let spec: AutoscalerSpec =
            toml::from_str(&format!("[{name}]")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(spec.name(), *name);
        let plan = spec.part().plan();
        assert!(plan.initial_replicas() <= 100, "{name}");
        let timing = plan.start().timing();
        for period in timing.periods.iter().flat_map(|periods| [periods.read, periods.decide]) {
            assert!(period.0 > 0, "{name}: a period of 0 never ends");
        }
        assert_eq!(
            plan.start().timing(),
            timing,
            "{name}: the timing is the same for each workload"
        );
    }
}
