//! Every row of the list of reports, on studies to which it applies and does not apply.

use std::path::Path;

use super::*;
use crate::scenario::{self, plan};
use crate::study::{Options, Progress};

/// A service without prices and SLO.
const PLAIN: &str = "schema = 1\nname = \"plain\"\nframeworks = [\"theory\"]\nhorizon = \"60s\"\nreplications = 2\n\
                     [traffic.poisson]\nrate = \"5/s\"\n[platform.fixed]\n[profile.theory]\nmemory = \"128Mi\"\n\
                     service-time = \"100ms\"\ncold-response = \"1s\"\n";

/// The reports, and those of the studies to which each applies: a cluster with tags and commitments, functions one by one with
/// every request recorded, and [`PLAIN`].
const APPLIES: &[(&str, [bool; 3])] = &[
    ("summary.csv", [true, true, true]),
    ("costs.csv", [true, true, true]),
    ("replications.csv", [true, true, true]),
    ("violations.csv", [true, true, true]),
    ("what-if.csv", [false, false, false]),
    ("timeline.csv", [true, true, true]),
    ("showback.csv", [true, false, false]),
    ("meters.csv", [true, true, false]),
    ("hours.csv", [true, true, false]),
    ("focus.csv", [true, true, false]),
    ("infracost.json", [true, true, false]),
    ("allocation.csv", [true, false, false]),
    ("packing.csv", [true, false, false]),
    ("functions.csv", [false, true, false]),
    #[cfg(feature = "parquet")]
    ("requests.parquet", [false, false, true]),
    #[cfg(feature = "plot")]
    ("cost-latency.svg", [true, true, false]),
    #[cfg(feature = "xlsx")]
    ("report.xlsx", [true, true, true]),
    ("report.md", [true, true, true]),
    ("study.json", [true, true, true]),
    ("manifest.json", [true, true, true]),
];

fn study(path: &Path, sets: &[&str], options: Options) -> Study {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let plan = plan::plan(&scenario::load(Some(path), &sets).unwrap()).unwrap();
    crate::study::run(&plan.variants, options, &Progress::default()).unwrap()
}

fn studies() -> [Study; 3] {
    let shipped = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("models/scenarios")
            .join(name)
    };
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.toml");
    std::fs::write(&plain, PLAIN).unwrap();
    let few = ["traffic.azure-day.functions=5", "traffic.azure-day.invocations=2000"];
    let functions = Options {
        record_functions: true,
        ..Options::default()
    };
    let requests = Options {
        record_requests: true,
        ..Options::default()
    };
    [
        study(
            &shipped("eks-committed.toml"),
            &["horizon=30m", "replications=2"],
            Options::default(),
        ),
        study(&shipped("azure-day.toml"), &few, functions),
        study(&plain, &[], requests),
    ]
}

#[test]
fn every_report_applies_where_it_should_and_writes_its_columns() {
    let names: Vec<&str> = REPORTS.iter().map(|report| report.name()).collect();
    assert_eq!(names, APPLIES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let manifest = Manifest::default();
    let studies = studies();
    for (report, (name, applies)) in REPORTS.iter().zip(APPLIES) {
        assert!(report.doc().ends_with('.'), "{name}");
        for column in report.columns() {
            assert!(
                !column.name.is_empty() && column.doc.ends_with('.'),
                "{name}: {column:?}"
            );
        }
        for (study, applies) in studies.iter().zip(applies) {
            let content = report.write(study, &manifest);
            assert_eq!(content.is_some(), *applies, "{name} of {}", study.variants[0].name());
            if let Some(content) = content.filter(|_| name.ends_with(".csv")) {
                let mut reader = csv::Reader::from_reader(content.as_slice());
                let header = reader.headers().unwrap().clone();
                let columns = report.columns();
                let documented = columns.iter().map(|column| column.name).take(header.len());
                let ends = |name: &str| name.ends_with("_low") || name.ends_with("_high");
                let written: Vec<&str> = header
                    .iter()
                    .filter(|name| *report.name() != *"summary.csv" || !ends(name))
                    .collect();
                assert_eq!(documented.collect::<Vec<_>>(), written, "{name}");
            }
        }
    }
}

#[cfg(feature = "parquet")]
#[test]
fn recorded_requests_come_back_from_the_file() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let [.., study] = studies();
    let file = Report::write(&frame::Requests, &study, &Manifest::default()).unwrap();
    let mut on_disk = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut on_disk, &file).unwrap();
    let reader = SerializedFileReader::new(on_disk).unwrap();
    assert_eq!(reader.num_row_groups(), study.variants.len());
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let recorded = study
        .variants
        .iter()
        .flat_map(|variant| variant.requests.iter().map(move |request| (variant, request)));
    assert_eq!(rows.len(), recorded.clone().count());
    assert!(!rows.is_empty());
    for (row, (variant, request)) in rows.iter().zip(recorded) {
        let seconds = |ns: u64| Field::Double(ns as f64 / 1e9);
        let expected = [
            ("variant", Field::Str(variant.name().into())),
            (
                "service",
                Field::Str(variant.services[usize::from(request.service)].clone()),
            ),
            ("function", Field::UInt(request.function)),
            ("arrived_s", seconds(request.arrived)),
            ("started_s", request.started.map_or(Field::Null, seconds)),
            ("finished_s", seconds(request.finished)),
            (
                "latency_ms",
                Field::Double((request.finished - request.arrived) as f64 / 1e6),
            ),
            ("cold", Field::Bool(request.cold)),
            ("outcome", Field::Str(request.outcome.into())),
        ];
        let read: Vec<(&str, Field)> = row
            .get_column_iter()
            .map(|(name, field)| (name.as_str(), field.clone()))
            .collect();
        assert_eq!(read, expected);
    }
}

#[test]
fn a_meter_that_was_not_used_in_an_hour_has_no_row_there() {
    let [cluster, ..] = studies();
    let hours = Report::write(&meters::Hours, &cluster, &Manifest::default()).unwrap();
    let mut reader = csv::Reader::from_reader(hours.as_slice());
    for row in reader.records() {
        assert_ne!(&row.unwrap()[7], "0");
    }
}
