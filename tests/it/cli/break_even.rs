//! More or less of the same traffic: what the next million requests cost, and where another variant becomes the cheapest.

use serde_json::Value;

use crate::common::{Sandbox, table};

/// A request a second that takes half a second with 1 GB.
fn scenario(name: &str, platform: &str) -> String {
    format!(
        "schema = 1\nname = \"{name}\"\nreplications = 2\nwarm-up = \"1h\"\nhorizon = \"3h\"\nframeworks = [\"theory\"]\n\
         [traffic.constant]\ngap = \"1s\"\n\
         [profile.theory]\nmemory = \"512Mi\"\nservice-time = \"500ms\"\ncold-start = \"1s\"\n\
         [slo]\nlatency = \"1s\"\nobjective = 0.9\n\
         [prices]\nlist = \"aws-us-east-1\"\n{platform}"
    )
}

fn both() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "lambda.toml",
        &scenario("lambda", "[platform.lambda]\nmemory = \"1024Mi\"\n"),
    );
    let task = "[platform.fargate]\ncpu = \"1\"\nmemory = \"2Gi\"\nhealth-check-interval = \"0s\"\n\
                [autoscaler.fixed]\nreplicas = 1\n";
    sandbox.write("fargate.toml", &scenario("fargate", task));
    sandbox
}

/// By hand: 0.20 dollars a million requests and 0.0000166667 a GB-second.
const MILLION: f64 = 0.20 + 0.5 * 16.6667;
/// A task with 1 vCPU and 2 GB for 730 hours.
const TASK: f64 = 730.0 * (0.04048 + 2.0 * 0.004445);

fn close(found: f64, wanted: f64, by: f64) {
    assert!((found / wanted - 1.0).abs() < by, "{found}, not {wanted}");
}

/// 730 hours of a request a second are 2.628 million: Lambda costs as much as the task at 1.607 times that.
#[test]
fn the_cheapest_changes_where_two_bills_are_equal() {
    let sandbox = both();
    let found = sandbox
        .run("break-even lambda.toml fargate.toml --points 3 --quiet --format json")
        .ok();
    let answer: Value = serde_json::from_str(&found.stdout).unwrap();
    let [turn] = answer["turns"].as_array().unwrap().as_slice() else {
        panic!("{found}");
    };
    assert_eq!(
        (turn["from"].as_str(), turn["to"].as_str()),
        (Some("lambda/theory"), Some("fargate/theory"))
    );
    let ends = ["traffic_factor_low", "traffic_factor_high"].map(|end| turn[end].as_f64().unwrap());
    let equal = TASK / (2.628 * MILLION);
    assert!(
        ends[0] <= equal * 1.001 && equal <= ends[1] * 1.001,
        "{ends:?}: {equal}"
    );
    assert!(ends[1] <= 1.0201 * ends[0], "{ends:?}");
    close(
        turn["requests_per_month_low"].as_f64().unwrap(),
        2.628e6 * ends[0],
        0.001,
    );
    // The same as a table and as rows.
    let shown = sandbox.run("break-even lambda.toml fargate.toml --points 2").ok();
    assert!(
        shown.stdout.contains("fargate/theory is the cheapest from there on."),
        "{shown}"
    );
    assert!(shown.stderr.contains("do not miss their SLO"), "{shown}");
    let rows = sandbox
        .run("break-even lambda.toml fargate.toml --points 2 --quiet --format csv")
        .ok();
    let rows = table(&rows.stdout);
    let cheapest: Vec<&str> = rows
        .iter()
        .filter(|row| row["cheapest"] == "true")
        .map(|row| row["variant"].as_str())
        .collect();
    assert_eq!(cheapest, ["lambda/theory", "fargate/theory"]);
    let at = |variant: &str, factor: &str| {
        let row = rows
            .iter()
            .find(|row| row["variant"] == variant && row["traffic_factor"] == factor);
        row.unwrap()["monthly_cost_usd"].parse::<f64>().unwrap()
    };
    close(at("lambda/theory", "10"), 26.28 * MILLION, 0.001);
    close(at("fargate/theory", "10"), TASK, 1e-6);
}

/// Who misses the promise is not the cheapest, however little it costs.
#[test]
fn what_misses_its_slo_is_never_the_cheapest() {
    let sandbox = both();
    let found = sandbox
        .run("break-even lambda.toml fargate.toml --points 2 --set slo.latency=100ms --quiet")
        .ok();
    assert!(found.stdout.contains("no variant keeps its SLO"), "{found}");
    assert!(found.stdout.contains("(SLO missed)"), "{found}");
}

/// The lead of the cheapest holds what thirty starts leave open, and so do the bills; without draws they are blank.
#[test]
fn the_measurement_is_part_of_the_lead() {
    let sandbox = Sandbox::new();
    let text = scenario("functions", "[platform.lambda]\nmemory = \"1769Mi\"\n");
    let text = text
        .replace("[\"theory\"]", "[\"express\", \"gin\"]")
        .replace("gap = \"1s\"", "gap = \"15m\"");
    let (before, after) = text.split_once("[profile.theory]").unwrap();
    let after = after.split_once("[slo]").unwrap().1;
    sandbox.write(
        "s.toml",
        &format!("{before}[slo]{after}").replace("horizon = \"3h\"", "horizon = \"3d\""),
    );
    let at = |draws: u32| {
        let rows = sandbox
            .run(&format!(
                "break-even s.toml --from 1 --to 2 --points 2 --quiet --format csv --measurement-draws {draws}"
            ))
            .ok();
        table(&rows.stdout)
    };
    let (with, without) = (at(4), at(0));
    let number = |row: &std::collections::BTreeMap<String, String>, column: &str| row[column].parse::<f64>().unwrap();
    let width = |row: &std::collections::BTreeMap<String, String>, column: &str| {
        number(row, &format!("{column}_high")) - number(row, &format!("{column}_low"))
    };
    for (with, without) in with.iter().zip(&without) {
        assert!(width(with, "monthly_cost_usd_meas") > 0.0, "{with:?}");
        assert_eq!(without["monthly_cost_usd_meas_low"], "");
        assert_eq!(with["monthly_cost_usd"], without["monthly_cost_usd"]);
        if with["cheapest"] == "true" {
            assert!(width(with, "ahead_usd") > width(without, "ahead_usd"), "{with:?}");
        }
    }
}

/// By the request the next million costs what any does; a task that is there anyway serves it for nothing.
#[test]
fn the_next_million_costs_what_more_traffic_adds() {
    let sandbox = both();
    let found = sandbox
        .run("compare lambda.toml fargate.toml --marginal --quiet --out out")
        .ok();
    assert!(found.stdout.contains("$ the next million"), "{found}");
    let rows = table(&sandbox.read("out/summary.csv"));
    let number = |row: usize, column: &str| rows[row][column].parse::<f64>().unwrap();
    close(number(0, "marginal_cost_per_million_usd"), MILLION, 0.005);
    close(number(0, "cost_per_million_requests_usd"), MILLION, 0.001);
    assert_eq!(number(1, "marginal_cost_per_million_usd"), 0.0);
    close(number(1, "cost_per_million_requests_usd"), TASK / 2.628, 0.001);
    close(number(1, "requests_per_month"), 2.628e6, 0.001);
    // Without the second run it is unknown, and not 0.
    sandbox.run("simulate lambda.toml --quiet --out plain").ok();
    let plain = &table(&sandbox.read("plain/summary.csv"))[0];
    assert_eq!(plain["marginal_cost_per_million_usd"], "");
}

/// Recorded traffic is repeated or left out arrival by arrival; what is made has another rate.
#[test]
fn traffic_factor_makes_more_or_less_of_the_same() {
    let sandbox = Sandbox::new();
    let text = scenario("recorded", "[platform.lambda]\nmemory = \"1024Mi\"\n")
        .replace(
            "[traffic.constant]\ngap = \"1s\"",
            "[traffic.csv]\npath = \"t.csv\"\ntime-column = \"t\"",
        )
        .replace("warm-up = \"1h\"\n", "");
    sandbox.write("s.toml", &text);
    let trace: String = (0..400).map(|i| format!("{}\n", 10 * i)).collect();
    sandbox.write("t.csv", &format!("t\n{trace}"));
    let requests = |factor: &str| {
        let ran = sandbox
            .run(&format!(
                "simulate s.toml --quiet --format csv --set traffic-factor={factor}"
            ))
            .ok();
        table(&ran.stdout)[0]["requests"].parse::<f64>().unwrap()
    };
    assert_eq!(requests("1"), 400.0);
    assert_eq!(requests("3"), 1200.0);
    // Five standard deviations of a binomial number.
    assert!((requests("0.5") - 200.0).abs() < 50.0);
    let said = sandbox
        .run("simulate s.toml --assumptions --set traffic-factor=1.5")
        .ok();
    assert!(said.stderr.contains("1.5 times the traffic"), "{said}");
}

#[test]
fn what_cannot_be_searched_is_said() {
    let sandbox = both();
    for (line, says) in [
        ("break-even lambda.toml", "one variant only"),
        (
            "break-even lambda.toml fargate.toml --from 3 --to 2",
            "--from 3 is not below --to 2",
        ),
        ("break-even lambda.toml fargate.toml --from 0", "such as 0.5"),
        ("break-even lambda.toml fargate.toml --points 1", "2..=1000"),
        (
            "simulate lambda.toml --set traffic-factor=0",
            "`traffic-factor` is 0; it says how many times",
        ),
        ("simulate lambda.toml --set traffic-factor=-1", "`traffic-factor` is -1"),
        (
            "simulate lambda.toml --set traffic-factor=nan",
            "`traffic-factor` is NaN",
        ),
    ] {
        let ran = sandbox.run(line);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(says), "{ran}");
    }
    let unpriced = scenario("fixed", "[platform.fixed]\n");
    sandbox.write("fixed.toml", &unpriced);
    let ran = sandbox.run("break-even lambda.toml fixed.toml --quiet");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("what `fixed/theory` costs is not known"), "{ran}");
}
