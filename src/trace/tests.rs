//! Tests of the registry of traffic: each row is one file, answers for itself, and is named nowhere else.

use std::path::{Path, PathBuf};

use super::guess::{Columns, UnknownFile};
use super::*;
use crate::rng::Draws;

fn read(text: &str) -> Result<Traffic, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// The traffic of each row, made from the row's example.
fn examples() -> Vec<(&'static str, Traffic)> {
    let rows = Traffic::examples().into_iter();
    rows.map(|(name, text)| {
        let traffic = read(&format!("[{name}]\n{text}")).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, traffic)
    })
    .collect()
}

/// A folder with the files that the examples name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let requests: String = (0..500).map(|k| format!("f{},{k}.25,0.1\n", k % 3)).collect();
    let files = [
        ("requests.csv", format!("func,arrival_s,duration_s\n{requests}")),
        (
            "invocations_per_function_md.anon.d01.csv",
            "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,200,0,100\no,b,g,timer,0,150,30\n".to_string(),
        ),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn open(base: &Path) -> Open<'_> {
    Open {
        base,
        draws: Draws::new(1, 0),
        entity: 0,
        horizon: Some(SimDuration::from_secs(4 * 3600)),
    }
}

#[test]
fn rows_are_strict_tables() {
    let poisson = read("[poisson]\nrate = \"50/s\"").unwrap();
    assert_eq!(poisson.name(), "poisson");
    assert!(read("[poisson]\nrate = \"50/s\"\nrat = 1").unwrap_err().contains("rat"));
    let unknown = read("[poison]\nrate = \"50/s\"").unwrap_err();
    assert!(unknown.contains("unknown variant"), "{unknown}");
    for (name, text) in Traffic::examples() {
        let error = read(&format!("[{name}]\n{text}\nno-such-key = 1")).unwrap_err();
        assert!(error.contains("no-such-key"), "{name}: {error}");
    }
    let idle = read("[constant]\ngap = \"0s\"").unwrap().problems();
    assert!(idle[0].starts_with("traffic.constant: "), "{idle:?}");
}

#[test]
fn the_example_of_every_row_gives_sorted_arrivals_within_the_run() {
    let folder = folder();
    let open = open(folder.path());
    let names: Vec<&str> = examples().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Traffic::NAMES);
    for (name, traffic) in examples() {
        assert_eq!((traffic.name(), traffic.problems()), (name, Vec::new()));
        let all = collect(traffic.open(&open).unwrap()).unwrap();
        assert!(all.is_sorted_by_key(|arrival| arrival.at), "{name}");
        assert!(all.iter().all(|arrival| arrival.at.0 < open.until()), "{name}");
        // The simulator makes the requests of a closed loop.
        assert_eq!(all.is_empty(), traffic.closed_loop().is_some(), "{name}");
        let durations = all.iter().any(|arrival| arrival.duration.is_some());
        assert_eq!(durations, traffic.carries_durations(), "{name}");
    }
}

#[test]
fn every_row_says_how_it_is_scaled() {
    let folder = folder();
    let open = open(folder.path());
    for (name, traffic) in examples() {
        let (twice, repeat) = traffic.scaled(2.0);
        let recorded = traffic.path().is_some();
        assert_eq!(repeat, if recorded { 2.0 } else { 1.0 }, "{name}");
        assert_eq!(twice == traffic, recorded, "{name}: generated traffic has another rate");
        if let (Some(before), Some(after)) = (traffic.closed_loop(), twice.closed_loop()) {
            assert_eq!(after.users, 2 * before.users);
            continue;
        }
        let count = |traffic: &Traffic, repeat| collect(traffic.open_repeated(repeat, &open).unwrap()).unwrap().len();
        let (before, after) = (count(&traffic, 1.0) as f64, count(&twice, repeat) as f64);
        // Azure's day has timers, which are not called more often than before, and bursts.
        let tolerance = if name == "azure-day" { 0.25 } else { 0.05 };
        assert!(
            (after / before - 2.0).abs() < tolerance + 10.0 / before.sqrt(),
            "{name}: {before}, {after}"
        );
    }
}

#[test]
fn functions_one_by_one_are_as_many_as_together() {
    let folder = folder();
    let open = open(folder.path());
    let mut split = 0;
    for (name, traffic) in examples() {
        let Some(functions) = traffic.functions(&open) else {
            continue;
        };
        split += 1;
        let together = collect(traffic.open(&open).unwrap()).unwrap();
        let mut alone = Vec::new();
        for function in 0..functions.count() {
            let mut source = functions.open(function);
            while source.refill(&mut alone).unwrap() {}
        }
        assert_eq!(alone.len(), together.len(), "{name}");
    }
    assert!(split >= 2, "{split} rows have functions");
}

#[test]
fn recorded_rows_recognise_their_files_and_can_be_inspected() {
    let folder = folder();
    let mut kinds = Vec::new();
    for (name, traffic) in examples() {
        let found = traffic.inspect(folder.path());
        let Some(path) = traffic.path() else {
            let error = found.unwrap_err().to_string();
            assert!(error.contains("has no file to inspect"), "{name}: {error}");
            continue;
        };
        kinds.push(name);
        let found = found.unwrap();
        assert!(
            (found.format, found.path.as_str()) == (name, path) && found.requests > 0,
            "{found:?}"
        );
        let file = UnknownFile::open(path, folder.path(), Columns::default()).unwrap();
        assert_eq!(Traffic::guess(&file, None).unwrap().name(), name);
        let mut skipping = traffic.clone();
        skipping.set_on_bad_line(OnBadLine::Skip);
        assert_ne!(skipping, traffic, "{name} has a rule for bad lines");
    }
    assert_eq!(kinds, Traffic::file_kinds());
}

#[test]
fn the_kind_of_a_file_can_be_chosen_by_name() {
    let folder = folder();
    let file = UnknownFile::open("requests.csv", folder.path(), Columns::default()).unwrap();
    let missing = Traffic::guess(&file, Some("counts")).unwrap_err();
    assert!(missing.hints()[0].contains("--count-column"), "{missing}");
    let unknown = Traffic::guess(&file, Some("parquet")).unwrap_err();
    assert!(unknown.hints()[0].contains("azure-2019"), "{unknown}");
}

/// Rust files below `src` that are not tests, as paths relative to `src`.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    let texts = paths.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&src).unwrap().to_path_buf(), text)
    });
    texts.collect()
}

/// A row is named by its own file and by the registry, so adding a kind of traffic takes one file and one row.
#[test]
fn no_other_file_names_a_row() {
    let sources = sources();
    let registry = include_str!("../trace.rs");
    let rows = registry.lines().filter_map(|line| {
        let (key, rest) = line.trim().strip_prefix('"')?.split_once("\" => ")?;
        let (variant, rest) = rest.split_once('(')?;
        let (module, spec) = rest.strip_suffix("),")?.split_once("::")?;
        Some((key, variant, module, spec))
    });
    let mut checked = Vec::new();
    for (key, variant, module, spec) in rows {
        checked.push(key);
        assert_eq!(spec, format!("{variant}Spec"), "{key}");
        let own = Path::new("trace").join(module);
        assert!(
            sources.iter().any(|(path, _)| *path == own.with_extension("rs")),
            "{key} has no file"
        );
        for (path, text) in &sources {
            let is_test = path.ends_with("tests.rs");
            if path.starts_with(&own) || *path == own.with_extension("rs") || path.ends_with("trace.rs") || is_test {
                continue;
            }
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            // The library's face shows a row to those who write a queue without a scenario.
            let shown =
                |line: &&str| path.ends_with("lib.rs") && line.trim_start().starts_with("pub use crate::trace::");
            for line in lines.filter(|line| !shown(line)) {
                let names = [
                    format!("Traffic::{variant}"),
                    spec.to_string(),
                    format!("traffic.{key}"),
                ];
                let named = names.iter().find(|name| line.contains(name.as_str()));
                assert!(named.is_none(), "{}: {line}", path.display());
                let within = ["trace", "scenario", "study"]
                    .iter()
                    .any(|folder| path.starts_with(folder));
                let quoted = within && line.contains(&format!("\"{key}\""));
                assert!(!quoted, "{}: {line}", path.display());
            }
        }
    }
    assert_eq!(checked, Traffic::NAMES);
}
