//! The table "Adding something" of ARCHITECTURE.md: each row has a test that holds its promise of one file and one line.

use std::collections::BTreeSet;
use std::path::Path;

use coldcast::PlatformSpec;

use crate::layers::source::files;

/// A row of the table, and the test that holds it: its file and its function.
const HELD: [(&str, &str, &str); 10] = [
    (
        "a framework",
        "src/model/catalog.rs",
        "every_file_under_models_has_a_row",
    ),
    (
        "a price list",
        "src/model/catalog.rs",
        "every_file_under_models_has_a_row",
    ),
    (
        "node types",
        "src/model/catalog.rs",
        "every_file_under_models_has_a_row",
    ),
    (
        "a way of billing",
        "src/cost/meter/list/tests.rs",
        "a_new_way_of_billing_is_one_file_and_one_row",
    ),
    (
        "a platform",
        "tests/it/extending.rs",
        "every_platform_has_a_file_and_a_row",
    ),
    (
        "an autoscaler",
        "tests/it/autoscalers.rs",
        "nothing_outside_its_files_names_an_autoscaler",
    ),
    (
        "a result file",
        "src/report/tests.rs",
        "every_report_applies_where_it_should_and_writes_its_columns",
    ),
    (
        "a metric of a result",
        "src/study/metric.rs",
        "every_metric_has_a_name_of_its_own_a_title_a_unit_and_a_sentence",
    ),
    (
        "a place to measure on",
        "src/measure/targets.rs",
        "each_file_of_a_place_has_its_line",
    ),
    ("traffic", "src/trace/tests.rs", "no_other_file_names_a_row"),
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_row_of_the_table_has_its_test() {
    let text = read("ARCHITECTURE.md");
    let (_, section) = text.split_once("\n## Adding something").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = section
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let rows: BTreeSet<&str> = cells
        .map(str::trim)
        .filter(|cell| !cell.starts_with("---"))
        .skip(1)
        .collect();
    let held: BTreeSet<&str> = HELD.iter().map(|(row, ..)| *row).collect();
    assert_eq!(rows, held, "the table in ARCHITECTURE.md, and the tests named here");
    for (row, file, test) in HELD {
        let found = read(file).contains(&format!("#[test]\n{}fn {test}(", indent(file)));
        assert!(found, "{row}: {file} has no test `{test}`");
    }
}

/// The indentation of tests: those in files of tests stand at the margin, others in a module.
fn indent(file: &str) -> &'static str {
    if file.starts_with("tests/") || file.ends_with("tests.rs") {
        ""
    } else {
        "    "
    }
}

/// A platform is a file of `sim/platform`, or a folder beside it, that implements the trait for its settings, and a row of the registry that names it.
/// That a platform needs nothing else is shown by `examples/own_platform.rs`, which is outside of the crate.
#[test]
fn every_platform_has_a_file_and_a_row() {
    let registry = read("src/sim/platform.rs");
    let rows = registry.lines().filter_map(|line| {
        let (key, rest) = line.trim().strip_prefix('"')?.split_once("\" => ")?;
        let module = rest.split_once('(')?.1.split_once("::")?.0;
        Some((key.to_string(), module.to_string()))
    });
    let rows: Vec<(String, String)> = rows.collect();
    let keys: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, PlatformSpec::NAMES);
    let files: BTreeSet<String> = files()
        .into_iter()
        .filter(|file| file.code.has("impl PlatformKind for"))
        .filter_map(|file| {
            let below = file.path.strip_prefix("sim/platform/")?;
            Some(below.split('/').next()?.trim_end_matches(".rs").to_string())
        })
        .collect();
    let modules: BTreeSet<String> = rows.into_iter().map(|(_, module)| module).collect();
    assert_eq!(files, modules);
}
