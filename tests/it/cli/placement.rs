//! `--placement-bracket`: what a trace of counts leaves open.

use crate::common::{SHOP, Sandbox, table};

/// Ten minutes with 60 requests in each, of 1 s, on instances that stay.
const MINUTES: &str = r#"schema = 1
name = "minutes"
replications = 2
frameworks = ["second"]

[traffic.counts]
path = "counts.csv"

[platform.scale-per-request]
keep-alive = "1h"

[profile.second]
service-time = "1s"
cold-start = "0s"
"#;

#[test]
fn the_bracket_goes_from_smooth_over_bursty_to_all_at_once() {
    let sandbox = Sandbox::new();
    let counts: String = (0..10).map(|minute| format!("{},60\n", 60 * minute)).collect();
    sandbox.write("counts.csv", &format!("t_s,requests\n{counts}"));
    sandbox.write("s.toml", MINUTES);
    sandbox
        .run("simulate s.toml --quiet --placement-bracket --out out")
        .ok();
    let rows = table(&sandbox.read("out/summary.csv"));
    let names: Vec<&str> = rows.iter().map(|row| row["variant"].as_str()).collect();
    assert_eq!(names, ["second, uniform", "second, clustered", "second, start"]);
    assert!(rows.iter().all(|row| row["requests"] == "600"));
    let peaks: Vec<f64> = rows.iter().map(|row| row["instances_peak"].parse().unwrap()).collect();
    assert!(peaks[0] < peaks[1] && peaks[1] < peaks[2], "{peaks:?}");
    assert_eq!(peaks[2], 60.0);
}

#[test]
fn traffic_that_leaves_nothing_open_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("shop.toml", SHOP);
    let refused = sandbox.run("simulate shop.toml --quiet --placement-bracket");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("this scenario has none"), "{}", refused.stderr);
}
