//! A day of Azure Functions at full size, with the real program: `cargo bench --bench azure_day`, and with a hundredth of it
//! `cargo bench --bench azure_day -- --quick`.

use std::path::Path;
use std::process::Command;

fn main() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/scenarios/azure-day.toml");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for results");
    let quick = std::env::args().any(|word| word == "--quick");
    println!("| threads | functions | requests | wall s | CPU s | M requests per CPU s | peak RSS, MiB |");
    println!("|--------:|----------:|---------:|-------:|------:|---------------------:|--------------:|");
    for threads in ["2", "1"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coldcast"));
        command
            .arg("simulate")
            .arg(&scenario)
            .args(["--quiet", "--record", "functions"]);
        command
            .args(["--threads", threads, "--out", "result"])
            .current_dir(folder.path());
        if quick {
            command.args(["--set", "traffic.azure-day.invocations=9100420.48"]);
        }
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = |name: &str| std::fs::read_to_string(folder.path().join("result").join(name)).expect("a result");
        let manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
        let number = |name: &str| manifest["run"][name].as_f64().expect("a number");
        let requests = manifest["simulated_requests"].as_f64().expect("a number");
        let (cpu, wall, peak) = (number("cpu_s"), number("wall_s"), number("peak_resident_bytes"));
        println!(
            "| {threads} | {} | {requests} | {wall:.1} | {cpu:.1} | {:.2} | {:.0} |",
            read("functions.csv").lines().count() - 1,
            requests / cpu / 1e6,
            peak / 1048576.0
        );
    }
}
