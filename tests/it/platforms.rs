//! A platform is one file and one row: the rest of the crate knows it through the trait `PlatformKind` alone.

use std::path::Path;

use coldcast::sim::platform::PlatformSpec;

use crate::autoscalers::{code, sources};

/// The platform whose folder has the cluster that others run on: its plan is named by who resolves it.
const CLUSTER: &str = "kubernetes";

/// The variant of a row: `LambdaManaged` for `lambda-managed`.
fn variant(key: &str) -> String {
    let words = key.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

/// The ways in which code names a platform: its variant, its type of settings, its module, and its table in a message.
fn names_in(code: &str) -> Vec<String> {
    let names = PlatformSpec::NAMES.iter().flat_map(|key| {
        let module = key.replace('-', "_");
        let variant = variant(key);
        let settings = format!("platform::{module}::{variant}Spec");
        let import = format!("platform::{module}");
        let table = format!("platform.{key}.");
        let header = format!("[platform.{key}");
        [
            Some(format!("PlatformSpec::{variant}")),
            Some(settings),
            Some(import).filter(|_| *key != CLUSTER),
            Some(table),
            Some(header),
        ]
    });
    names.flatten().filter(|name| code.contains(name.as_str())).collect()
}

#[test]
fn nothing_outside_its_file_names_a_platform() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    let mut wrong = Vec::new();
    for path in paths {
        let below = path.strip_prefix(&src).unwrap().display().to_string();
        let is_tests = below.ends_with("tests.rs") || below.contains("/tests/");
        if is_tests || below.starts_with("sim/platform") {
            continue;
        }
        let names = names_in(&code(&path));
        wrong.extend(names.into_iter().map(|name| format!("{below} names {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The test finds such names.
    let found = names_in("use crate::sim::platform::lambda;\nPlatformSpec::CloudRun(_) => \"[platform.fargate.x]\"");
    assert_eq!(found.len(), 4, "{found:?}");
}
