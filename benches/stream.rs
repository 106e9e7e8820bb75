//! Speed and memory of a run that streams its traffic from a CSV file, with the real program:
//! `cargo bench --bench stream`, and with 10^8 rows `cargo bench --bench stream -- --full`.

use std::path::Path;
use std::process::Command;

const SCENARIO: &str = r#"schema = 1
name = "stream"
seed = 1
replications = 1
frameworks = ["trace"]

[traffic.csv]
path = "events.csv"
function-column = "func"
time-column = "arrival_s"
duration-column = "duration_s"

[platform.scale-per-request]
keep-alive = "600s"

[profile.trace]
service-time = "900ms"
cold-start = "250ms"
"#;

fn main() {
    let mut rows = vec![1_000_000_u64, 10_000_000];
    if std::env::args().any(|word| word == "--full") {
        rows.push(100_000_000);
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for traces");
    let path = folder.path();
    std::fs::write(path.join("stream.toml"), SCENARIO).expect("room for a scenario");
    println!("| rows | CPU s | wall s | M requests per CPU s | peak RSS, MiB |");
    println!("|-----:|------:|-------:|---------------------:|--------------:|");
    for rows in rows {
        let rows = rows.to_string();
        let generate =
            "trace generate poisson --rate 300/s --functions 100 --seed 1 --out events.csv --quiet --requests";
        coldcast(path, &[generate, &rows].join(" "));
        coldcast(path, "simulate stream.toml --quiet --threads 1 --out result");
        let text = std::fs::read_to_string(path.join("result/manifest.json")).expect("a manifest");
        let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let number = |name: &str| manifest["run"][name].as_f64().expect("a number");
        let requests = manifest["simulated_requests"].as_f64().expect("a number");
        let (cpu, wall, peak) = (number("cpu_s"), number("wall_s"), number("peak_resident_bytes"));
        println!(
            "| {requests} | {cpu:.2} | {wall:.2} | {:.2} | {:.0} |",
            requests / cpu / 1e6,
            peak / 1048576.0
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
