//! Commands that succeed.

use insta::assert_snapshot;

use crate::common::{SHOP, Sandbox};

#[test]
fn simulate_answers_and_tells_what_it_assumed() {
    // One request a second, of which the first starts an environment and takes 500 ms; 1 - 1/599 is 99.83%.
    assert_snapshot!(Sandbox::new().run("simulate shop.toml"), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    steady   met             99.83            0.17      100      100     2.73

    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    --- stderr

    ± is half the 95% interval of the mean over 2 replications.
    The 3 assumptions that matter most:
    - Lambda ends an idle environment after 632s (sd 8s) without a request to its function, or after 1443s (sd 115s) while the function has requests, at an age of 108m to 124m, and early at a rate of 0.21 an hour; 69% of those that end by age or early are replaced ahead of requests (undocumented; the defaults come from five runs of 2020)
    - Lambda routes a request by the rule `most-recently-used` (undocumented; a choice)
    - Lambda starts at most 1,000 environments at once and 100 more per second for each function, refilled continuously (documented are 1,000 per 10 s)
    2 more: add --assumptions, or see manifest.json of --out.
    simulated 1198 requests [...]
    ");
}

#[test]
fn one_replication_has_no_intervals() {
    let sandbox = Sandbox::new();
    let ran = sandbox
        .run("simulate shop.toml --set replications=1 --format markdown")
        .ok();
    assert!(
        ran.stderr.starts_with("\nOne replication gives no intervals.\n"),
        "{ran}"
    );
    assert_snapshot!(ran.stdout, @r"
    | variant | SLO | within 300 ms, % | cold starts, % | p50, ms | p99, ms | $/month |
    |---------|-----|------------------|----------------|---------|---------|---------|
    | steady  | met |           99.833 |          0.167 |     100 |     100 |   2.726 |

    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    ");
    let csv = sandbox
        .run("simulate shop.toml --set replications=1 --format csv --quiet")
        .ok();
    for (column, cell) in &crate::common::table(&csv.stdout)[0] {
        if column.ends_with("_low") || column.ends_with("_high") {
            assert_eq!(cell, "", "{column}");
        }
    }
}

#[test]
fn quiet_leaves_nothing_but_the_answer() {
    assert_snapshot!(Sandbox::new().run("simulate shop.toml --quiet"), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    steady   met             99.83            0.17      100      100     2.73

    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    ");
}

#[test]
fn every_format_is_what_its_name_says() {
    let sandbox = Sandbox::new();
    for verb in ["simulate", "compare"] {
        let answer = |format: &str| {
            sandbox
                .run(&format!("{verb} pair.toml --quiet --format {format}"))
                .ok()
                .stdout
        };
        assert!(answer("table").starts_with("variant  SLO"), "{}", answer("table"));
        assert!(answer("markdown").starts_with("| variant | SLO"));
        let json: serde_json::Value = serde_json::from_str(&answer("json")).unwrap();
        let csv = crate::common::table(&answer("csv"));
        assert_eq!((json["summary"].as_array().unwrap().len(), csv.len()), (2, 2));
        for (object, row) in json["summary"].as_array().unwrap().iter().zip(&csv) {
            assert_eq!(object.as_object().unwrap().len(), row.len());
            assert_eq!(object["variant"], row["variant"]);
            assert_eq!(object["latency_p99_ms"].to_string(), row["latency_p99_ms"]);
            assert_eq!(object["nodes_mean"], serde_json::Value::Null);
        }
        assert_eq!(json["differences"].is_array(), verb == "compare");
    }
}

#[test]
fn set_changes_any_value() {
    let sandbox = Sandbox::new();
    // Twice the memory is twice the GB-seconds: 132057 more at 0.0000166667 dollars are 2.20.
    assert_snapshot!(sandbox.run("simulate shop.toml --quiet --set platform.lambda.memory=1Gi"), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    steady   met             99.83            0.17      100      100     4.93

    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    ");
    // Another kind of traffic takes the place of the one that was there.
    assert_snapshot!(sandbox.run("check shop.toml --quiet --set traffic.poisson.rate=3/s"), @r"
    exit 0
    --- stdout
    shop.toml is valid: steady
    ");
    assert_snapshot!(sandbox.run("simulate mall.toml --quiet --set service.search.framework=quick --format csv").ok()
        .stdout.lines().map(|line| line.split(',').take(4).collect::<Vec<_>>().join(",")).collect::<Vec<_>>().join("\n"), @r"
    scenario,variant,service,framework
    mall,mall,all,quick
    mall,mall,checkout,quick
    mall,mall,search,quick
    ");
    let hashed = |line: &str| {
        sandbox.run(&format!("simulate shop.toml --quiet --out r {line}")).ok();
        let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
        manifest["scenarios"]["shop"].as_str().unwrap().to_string()
    };
    assert_ne!(hashed(""), hashed("--set seed=8"));
}

#[test]
fn compare_pairs_every_candidate_with_the_first() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "two.toml",
        &SHOP.replace("frameworks = [\"steady\"]", "frameworks = [\"steady\", \"lazy\"]"),
    );
    let lazy = "profile.lazy.service-time=200ms --set profile.lazy.cold-start=900ms";
    assert_snapshot!(sandbox.run(&format!("compare two.toml --quiet --set {lazy}")), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    steady   met             99.83            0.17      100      100     2.73
    lazy     met             99.67            0.33      200      200     4.96

    less steady  within SLO, points  cold starts, points  p50, ms  p99, ms  $/month
    lazy                      -0.17                +0.17     +100     +100    +2.24

    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    lazy kept its promise: 0.33% of requests waited for a start (900 ms each); the rest was within 300 ms.
    ");
    assert_snapshot!(sandbox.run(&format!("compare two.toml --quiet --set {lazy} --frameworks lazy,steady")), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    lazy     met             99.67            0.33      200      200     4.96
    steady   met             99.83            0.17      100      100     2.73

    less lazy  within SLO, points  cold starts, points  p50, ms  p99, ms  $/month
    steady                  +0.17                -0.17     -100     -100    -2.24

    lazy kept its promise: 0.33% of requests waited for a start (900 ms each); the rest was within 300 ms.
    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    ");
}

#[test]
fn compare_takes_two_scenarios() {
    let sandbox = Sandbox::new();
    let other = SHOP.replace("512Mi", "1Gi");
    sandbox.write("big.toml", &other.replace("\"shop\"", "\"big shop\""));
    assert_snapshot!(sandbox.run("compare shop.toml big.toml --quiet"), @r"
    exit 0
    --- stdout
    variant          SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    shop/steady      met             99.83            0.17      100      100     2.73
    big shop/steady  met             99.83            0.17      100      100     4.93

    less shop/steady  within SLO, points  cold starts, points  p50, ms  p99, ms  $/month
    big shop/steady                 0.00                 0.00        0        0    +2.20

    shop/steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    big shop/steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    ");
    // Copies keep the name they were made from; their paths tell them apart.
    sandbox.write("copy.toml", &other);
    assert_snapshot!(sandbox.run("compare shop.toml copy.toml --quiet"), @r"
    exit 0
    --- stdout
    variant           SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    shop.toml/steady  met             99.83            0.17      100      100     2.73
    copy.toml/steady  met             99.83            0.17      100      100     4.93

    less shop.toml/steady  within SLO, points  cold starts, points  p50, ms  p99, ms  $/month
    copy.toml/steady                     0.00                 0.00        0        0    +2.20

    shop.toml/steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    copy.toml/steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    ");
    sandbox.run("compare shop.toml copy.toml --quiet --out r").ok();
    let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
    assert_eq!(manifest["scenarios"].as_object().unwrap().len(), 2);
    assert_snapshot!(sandbox.run("compare shop.toml shop.toml"), @r"
    exit 2
    --- stderr
    error: both scenarios are shop.toml: name two files
    ");
    sandbox.write("lucky.toml", &other.replace("seed = 7", "seed = 8"));
    assert_snapshot!(sandbox.run("compare shop.toml lucky.toml"), @r"
    exit 2
    --- stderr
    error: the two scenarios have the `seed` 7 and 8, and the `replications` 2 and 2: a paired comparison needs the same random numbers; add --set seed=7 --set replications=2
    ");
    sandbox.run("compare shop.toml lucky.toml --set seed=7 --quiet").ok();
}

#[test]
fn check_runs_nothing_and_says_what_it_would_assume() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run("check pair.toml").ok();
    assert!(
        ran.stderr
            .contains("the free allowance is granted once to each variant"),
        "{ran}"
    );
    assert_snapshot!(ran.stdout, @r"pair.toml is valid: quick, slow");
    sandbox.write("events.csv", "func,arrival_s,duration_s\na,0,0.1\nb,1,0.2\nb,2,\n");
    assert_snapshot!(sandbox.run("check events.toml"), @r"
    exit 0
    --- stdout
    events.toml is valid: quick
    --- stderr
    traffic of events: read 3 lines, used 3, functions: 2
    ");
}

#[test]
fn catalog_and_inspect_answer_in_every_format() {
    let sandbox = Sandbox::new();
    for format in ["table", "markdown", "json", "csv"] {
        let catalog = sandbox
            .run(&format!("catalog frameworks --format {format} --quiet"))
            .ok();
        assert!(catalog.stderr.is_empty() && !catalog.stdout.is_empty(), "{catalog}");
        let trace = sandbox
            .run(&format!(
                "trace inspect embedded:web-shop-week --format {format} --quiet"
            ))
            .ok();
        assert!(trace.stdout.contains("web-shop-week"), "{trace}");
        if format == "json" {
            for text in [catalog.stdout, trace.stdout] {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
    }
}

/// Ratios are those of the shipped profiles, so what is asked for here is their shape.
#[test]
fn published_figures_stand_beside_measured_ones_and_are_marked() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run("catalog frameworks --against published").ok();
    let gin = ran.stdout.lines().find(|line| line.starts_with("Gin ")).unwrap();
    let cells: Vec<f64> = gin
        .split_whitespace()
        .skip(1)
        .map(|cell| cell.parse().unwrap())
        .collect();
    assert_eq!([cells[1], cells[4], cells[7]], [20.0, 200.0, 12.0], "{gin}");
    assert!(
        (cells[3] / cells[4] - cells[5]).abs() < 0.006,
        "measured over published: {gin}"
    );
    assert!(ran.stderr.contains("not measured by this project"), "{ran}");
    let csv = sandbox.run("catalog frameworks --format csv").ok().stdout;
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let published = header.iter().filter(|name| name.starts_with("published_")).count();
    assert_eq!((header.len(), published), (35, 4), "{header:?}");
}

#[test]
fn frameworks_are_set_against_one_of_them() {
    let sandbox = Sandbox::new();
    let csv = sandbox.run("catalog frameworks --against gin --format csv").ok().stdout;
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    assert_eq!(header[..3], ["name", "quantity", "unit"]);
    let rows: Vec<Vec<&str>> = lines.collect();
    assert!(rows.iter().all(|row| row[0] != "gin" && row[4] == "gin"));
    let number = |text: &str| text.parse::<f64>().unwrap();
    let spring = rows
        .iter()
        .find(|row| row[..2] == ["spring-boot", "cold start"])
        .unwrap();
    let (value, base, ratio) = (number(spring[3]), number(spring[5]), number(spring[6]));
    assert!(value > base && ratio > 1.5 && spring[9] == "true", "{spring:?}");
    // Pairs within blocks and medians of the whole are not the same, yet near.
    assert!((ratio * base / value - 1.0).abs() < 0.2, "{spring:?}");
    assert!(number(spring[7]) < ratio && ratio < number(spring[8]), "{spring:?}");
    let table = sandbox.run("catalog frameworks --against gin").ok();
    assert!(
        table.stdout.contains("cold starts differ") && table.stderr.contains("Ratios to Gin"),
        "{table}"
    );
    assert_snapshot!(sandbox.run("catalog frameworks --against gim"), @r"
    exit 2
    --- stderr
    error: there is no measured framework `gim`; did you mean `gin`?
    ");
}

#[test]
fn what_was_not_measured_is_said_to_be_and_has_no_figures() {
    let sandbox = Sandbox::new();
    let table = sandbox.run("catalog frameworks").ok().stdout;
    let native = table.lines().find(|line| line.starts_with("Quarkus (native)")).unwrap();
    assert!(native.contains("not measured"), "{native}");
    assert!(!native.contains('['), "{native}");
    assert!(
        table.contains("published, not measured") && table.contains("Host A: "),
        "{table}"
    );
    let csv = sandbox.run("catalog frameworks --format csv").ok().stdout;
    let row = csv.lines().find(|line| line.starts_with("quarkus-native,")).unwrap();
    let blank = ",".repeat(23);
    assert!(row.contains(&format!("coroutines{blank}50,800,50,")), "{row}");
    let detail = sandbox.run("catalog frameworks quarkus-native").ok().stdout;
    assert!(detail.contains("not measured yet"), "{detail}");
    let refused = sandbox.run("compare --frameworks quarkus-native,gin");
    assert!(
        refused.code == Some(2) && refused.stderr.contains("`quarkus-native` was not measured yet"),
        "{refused}"
    );
}

#[test]
fn one_framework_is_shown_in_full() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run("catalog frameworks gin").ok();
    for text in [
        "Gin ",
        "cold start, ms",
        "warm instance",
        "warm-up: ",
        "concurrency: ",
        "the declared coroutines",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {ran}");
    }
    assert_eq!(
        ran.stdout,
        sandbox.run("catalog frameworks gin").ok().stdout,
        "resampling repeats itself"
    );
    assert_snapshot!(sandbox.run("catalog frameworks expres"), @r"
    exit 2
    --- stderr
    error: there is no measured framework `expres`; did you mean `express`?
    ");
}

/// One event loop at 70% utilisation: M/D/1 has 217 ms on average, without sharing each request takes its own 100 ms.
#[test]
fn requests_inside_an_instance_wait_for_each_other() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "shared.toml",
        "schema = 1\nname = \"shared\"\nreplications = 4\nhorizon = \"2h\"\nframeworks = [\"theory\"]\n\
         [traffic.poisson]\nrate = \"7/s\"\n[platform.fixed]\nconcurrency = 1000\n\
         [profile.theory]\nservice-time = \"100ms\"\ncold-start = \"0s\"\n",
    );
    let mean = |set: &str| -> f64 {
        let ran = sandbox
            .run(&format!("simulate shared.toml --quiet --format csv {set}"))
            .ok();
        let mut lines = ran.stdout.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let column = lines
            .next()
            .unwrap()
            .iter()
            .position(|name| *name == "latency_mean_ms")
            .unwrap();
        lines.next().unwrap()[column].parse().unwrap()
    };
    assert!((mean("") - 100.0).abs() < 1.0);
    let shared = mean("--set instance.model=event-loop");
    assert!((shared / 216.7 - 1.0).abs() < 0.05, "{shared}");
    assert_snapshot!(sandbox.run("simulate shared.toml --set instance.model=prefork"), @r"
    exit 2
    --- stderr
    error: shared.toml has a problem:
      - `instance.workers` is missing: say how many
    ");
}

#[test]
fn a_plan_says_what_a_measurement_takes() {
    let sandbox = Sandbox::new();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models/frameworks");
    let ran = sandbox.run(&format!("measure plan gin echo --models {models}")).ok();
    let row = |name: &str| {
        let line = ran
            .stdout
            .lines()
            .find(|line| line.trim_start().starts_with(name))
            .unwrap();
        line.split_whitespace().take(3).map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(row("gin"), ["gin", "9", "225"], "{ran}");
    assert_eq!(row("echo"), ["echo", "9", "225"], "{ran}");
    assert!(ran.stdout.contains("in all on an idle machine"), "{ran}");
    let quick = sandbox
        .run(&format!("measure plan gin --quick --cpu 0.5,1 -n 7 --models {models}"))
        .ok();
    assert!(quick.stdout.contains(" 2           14 "), "{quick}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = Sandbox::new();
    for line in [
        "simulate pair.toml --format json",
        "trace inspect embedded:web-shop-week",
        "trace generate web-shop",
        "trace generate poisson --rate 100/s --requests 200000",
        "catalog frameworks --format csv",
    ] {
        let ran = sandbox.shell(&format!("set -o pipefail; coldcast {line} --quiet | true"));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}: {ran}");
    }
    // stderr too: what cannot be told is not told.
    let ran = sandbox.shell("coldcast simulate shop.toml 2>/dev/full");
    assert!(ran.code == Some(0) && ran.stdout.contains("steady"), "{ran}");
}

#[test]
fn skipped_lines_are_counted_and_shown() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "events.csv",
        "func,arrival_s,duration_s\na,0,0.1\nb,1,0.2\na,0.5,0.1\na,2,nan\na,3,-1\na,4,1e400\na,5\na,600,0.1\n",
    );
    assert_snapshot!(sandbox.run("simulate events.toml --on-bad-line skip --out r"), @r"
    exit 0
    --- stdout
    variant  SLO  within SLO, %  cold starts, %  p50, ms  p99, ms  $/month
    quick                                66.667      500      600
    --- stderr
    traffic of events: read 8 lines, used 3, functions: 2
    traffic of events: skipped 5 lines that could not be read; the first:
    traffic of events:   line 4: arrival_s 0.5 is before the line above (1 s): not in time order
    traffic of events:   line 5: duration_s `nan` is not a number
    traffic of events:   line 6: duration_s `-1` is negative

    One replication gives no intervals.
    wrote r
    simulated 3 requests [...]
    ");
    let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
    let import = &manifest["imports"]["events"];
    assert_eq!(
        (&import["lines"], &import["kept"], &import["skipped"]),
        (&8.into(), &3.into(), &5.into())
    );
    // The same where the scenario asks for it.
    let ran = sandbox.run("check events.toml --set traffic.csv.on-bad-line=skip").ok();
    assert!(ran.stderr.contains("skipped 5 lines"), "{ran}");
}

#[test]
fn text_of_a_scenario_is_no_formula_in_a_spreadsheet() {
    let sandbox = Sandbox::new();
    let answer = |format: &str| {
        let line = format!("simulate shop.toml --quiet --set 'name==1+1' --format {format} --out r");
        sandbox.run(&line).ok().stdout
    };
    assert!(answer("csv").lines().nth(1).unwrap().starts_with("'=1+1,steady,all,"));
    assert!(
        sandbox
            .read("r/costs.csv")
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("'=1+1,steady,all,")
    );
    assert!(answer("json").contains("\"scenario\": \"=1+1\""));
}

#[test]
fn colour_is_a_choice() {
    let sandbox = Sandbox::new();
    for (line, coloured) in [
        ("--color always simulate --help", true),
        ("--color=always simulate --help", true),
        ("simulate --help --color never", false),
        ("simulate --help", false),
    ] {
        assert_eq!(sandbox.run(line).ok().stdout.contains('\u{1b}'), coloured, "{line}");
    }
}
