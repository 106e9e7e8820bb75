//! The layers of the crate, kept by reading its own source: imports point downward, the simulator is pure, and heavy
//! dependencies stay in the one place that needs them. See ARCHITECTURE.md.

pub mod source;

use std::collections::BTreeMap;
use std::path::Path;

use source::{Code, files};

/// Modules from the bottom up. A module imports from those of lower layers, and from its own.
const LAYERS: [&[&str]; 9] = [
    &["assumption", "units", "rng", "registry", "suggest"],
    &["stats"],
    &["model"],
    &["trace"],
    &["sim", "measure"],
    &["cost"],
    &["scenario"],
    &["study"],
    &["report"],
];

/// Above all layers.
const TOP: [&str; 3] = ["cli", "lib", "main"];

/// Returns true if the code has a path or a macro such as `std::fs` or `println!`, or mentions a single word.
fn names(code: &Code, words: &str) -> bool {
    if words.contains([':', '!']) {
        code.has(words)
    } else {
        code.mentions(words)
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn every_module_has_a_layer() {
    for file in files() {
        assert!(
            layer(&file.module).is_some() || TOP.contains(&file.module.as_str()),
            "{}: say in tests/it/layers.rs and ARCHITECTURE.md in which layer `{}` is",
            file.path,
            file.module
        );
    }
}

#[test]
fn imports_point_downward() {
    let mut wrong = Vec::new();
    for file in files() {
        let Some(own) = layer(&file.module) else { continue };
        // A group `crate::{...}` names its bracket: one `use` each.
        for import in file.imports() {
            let fine = import == file.module || layer(import).is_some_and(|of| of < own);
            if !fine {
                wrong.push(format!("{} imports crate::{import}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_two_halves_meet_only_in_the_profile() {
    for file in files() {
        let imports = file.imports();
        let forbidden: &[&str] = match file.module.as_str() {
            "sim" => &["measure", "trace", "cost", "scenario", "study", "report", "cli"],
            // The reader of logs is one, for the log of a call on Lambda as for traffic.
            "measure" if file.code.has("crate::trace::read") => &["sim", "cost", "scenario", "study"],
            "measure" => &["sim", "trace", "cost", "scenario", "study"],
            "cost" => &["measure", "trace", "scenario", "study", "report", "cli"],
            _ => &[],
        };
        for module in forbidden {
            assert!(!imports.contains(*module), "{} imports crate::{module}", file.path);
        }
    }
}

/// Words that only some files may contain.
#[test]
fn heavy_and_impure_things_stay_where_they_belong() {
    let measuring = |path: &str| path.starts_with("measure") || path.starts_with("cli/measure");
    let rules: BTreeMap<&str, fn(&str) -> bool> = BTreeMap::from([
        (
            "parquet::",
            (|path| path == "report/frame.rs" || path == "trace/parquet.rs") as fn(&str) -> bool,
        ),
        ("anyhow", |path| path.starts_with("cli")),
        ("clap::", |path| path.starts_with("cli") || path == "main.rs"),
        ("thread_rng", |_| false),
        ("StdRng", |_| false),
        ("HashMap", |path| {
            !["sim", "cost", "study", "report"]
                .iter()
                .any(|pure| path.starts_with(pure))
        }),
    ]);
    for file in files() {
        for (word, allowed) in &rules {
            assert!(
                !names(&file.code, word) || allowed(&file.path),
                "{} names {word}",
                file.path
            );
        }
        for word in ["tokio", "bollard", "hyper"] {
            let named = file.code.has(&format!("{word}::"));
            assert!(!named || measuring(&file.path), "{} names {word}", file.path);
        }
    }
}

#[test]
fn the_simulator_is_pure() {
    let outside = [
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "std::process",
        "std::time",
        "std::thread",
        "tokio",
        "parquet",
        "rust_decimal",
        "Usd",
        "println!",
        "anyhow",
        "rayon",
    ];
    for file in files().iter().filter(|file| file.module == "sim") {
        for word in outside {
            assert!(!names(&file.code, word), "{} names {word}", file.path);
        }
    }
    // Money is not the simulator's business, and the simulator is none of the traffic's.
    for file in files()
        .iter()
        .filter(|file| ["trace", "stats", "model"].contains(&file.module.as_str()))
    {
        assert!(
            !file.code.mentions("SystemTime") && !file.code.has("Instant::now"),
            "{}",
            file.path
        );
    }
}

/// Money is decimal from the price list to the bill. Floats of the cost layer are amounts of memory and time, in the files that
/// are named; none of them knows a price.
#[test]
fn money_never_touches_binary_floats() {
    const AMOUNTS: [&str; 4] = [
        "cost/meter/executions.rs",
        "cost/meter/memory_line.rs",
        "cost/meter/nodes.rs",
        "model/price/steps.rs",
    ];
    let floats = ["f64", "f32"];
    let mut seen = 0;
    for file in files() {
        let priced = file.path.starts_with("cost/") || file.path.starts_with("model/price");
        if !priced {
            continue;
        }
        seen += 1;
        let found: Vec<&str> = floats.into_iter().filter(|word| file.code.mentions(word)).collect();
        if AMOUNTS.contains(&file.path.as_str()) {
            let money = if file.code.mentions("usd") {
                Some("usd")
            } else {
                ["Bill", "Price::"].into_iter().find(|word| file.code.has(word))
            };
            assert_eq!(money, None, "{} has floats and money", file.path);
        } else {
            assert!(found.is_empty(), "{}: {found:?}", file.path);
        }
    }
    assert!(seen > 20, "{seen} files");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/prices");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let price = line.strip_prefix("usd").map(|rest| rest.trim_start_matches(" ="));
            let quoted = price.is_none_or(|price| price.trim_start().starts_with('"'));
            assert!(quoted, "{}, line {}: {line}", path.display(), number + 1);
        }
    }
}
