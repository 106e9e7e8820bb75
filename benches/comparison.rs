//! One CSV of invocations under every routing rule, for a table beside other simulators' figures on the same file:
//! `cargo bench --bench comparison`. With `-- --keep DIR` the file stays there for the others.

use std::path::Path;
use std::process::Command;

const SCENARIO: &str = r#"schema = 1
name = "comparison"
seed = 1
replications = 1
frameworks = ["trace"]

[traffic.csv]
path = "invocations.csv"
function-column = "func"
time-column = "arrival_s"
duration-column = "duration_s"

[platform.scale-per-request]
keep-alive = "600s"

[profile.trace]
service-time = "900ms"
cold-start = "250ms"
"#;

const ROUTINGS: [&str; 9] = [
    "newest",
    "oldest",
    "most-recently-used",
    "least-recently-used",
    "random",
    "round-robin",
    "least-outstanding",
    "random-of-two",
    "most-loaded",
];

fn main() {
    let mut words = std::env::args().skip_while(|word| word != "--keep").skip(1);
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the trace");
    let folder = words.next().map_or(temporary.path().to_path_buf(), Into::into);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("comparison.toml"), SCENARIO).expect("room for a scenario");
    let generate = "trace generate poisson --rate 300/s --functions 100 --seed 1 --requests 5000000 --quiet --out";
    coldcast(&folder, &format!("{generate} invocations.csv"));
    println!("| simulator | routing | M invocations per CPU s | peak RSS, MiB | cold starts |");
    println!("|-----------|---------|------------------------:|--------------:|------------:|");
    for routing in ROUTINGS {
        let set = format!("--set platform.scale-per-request.routing={routing}");
        coldcast(
            &folder,
            &format!("simulate comparison.toml {set} --quiet --threads 1 --out result"),
        );
        let read = |name: &str| std::fs::read_to_string(folder.join("result").join(name)).expect("a result");
        let manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
        let summary = read("summary.csv");
        let mut lines = summary.lines().map(|line| line.split(','));
        let (header, mut row) = (lines.next().expect("a header"), lines.next().expect("a row"));
        let place = header
            .into_iter()
            .position(|name| name == "cold_starts")
            .expect("a column");
        let number = |name: &str| manifest["run"][name].as_f64().expect("a number");
        println!(
            "| coldcast | {routing} | {:.2} | {:.0} | {} |",
            manifest["simulated_requests"].as_f64().expect("a number") / number("cpu_s") / 1e6,
            number("peak_resident_bytes") / 1048576.0,
            row.nth(place).expect("a cell")
        );
    }
}

fn coldcast(folder: &Path, line: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_coldcast"))
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "coldcast {line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
