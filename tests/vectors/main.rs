//! Reference vectors of upstream autoscalers and of the scheduler, through the simulator's own code. The folder in
//! `COLDCAST_VECTORS` takes the place of the project's own copy. See `tests/vectors/README.md`.

mod hpa;
mod kpa;
mod scheduler;

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

type Check = fn(&str, &Value, &Value) -> Option<Result<(), String>>;

fn folder() -> PathBuf {
    match std::env::var_os("COLDCAST_VECTORS") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"),
    }
}

/// Runs every vector of a file, prints how many pass, and fails if one does not.
fn all(name: &str, check: Check) {
    let path = folder().join(format!("{name}_vectors.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let vectors = file["vectors"].as_array().expect("a list of vectors");
    let failed: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let (id, kind) = (&vector["id"], vector["kind"].as_str().unwrap_or_default());
            match check(kind, &vector["inputs"], &vector["expected"]) {
                Some(Ok(())) => None,
                Some(Err(why)) => Some(format!("{id} ({kind}): {why}")),
                None => Some(format!("{id}: kind `{kind}` is not known")),
            }
        })
        .collect();
    // Not `println!`: the line is shown also where the harness captures output.
    let passed = vectors.len() - failed.len();
    #[expect(clippy::explicit_write, reason = "the harness captures what `println!` prints")]
    writeln!(std::io::stdout(), "{name}: {passed} of {}", vectors.len()).unwrap();
    assert!(!vectors.is_empty(), "{}: no vectors", path.display());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn horizontal_pod_autoscaler() {
    all("hpa", hpa::check);
}

#[test]
fn knative_pod_autoscaler() {
    all("kpa", kpa::check);
}

#[test]
fn kube_scheduler() {
    all("scheduler", scheduler::check);
}
