//! Result files are whole or absent, whatever the disk does.

use insta::assert_snapshot;

use crate::common::{Sandbox, skip};

#[test]
fn out_must_be_a_folder() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate shop.toml --out shop.toml"), @r"
    exit 2
    --- stderr
    error: cannot write shop.toml: File exists (os error 17)
    hint: choose a folder with --out, not a file
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --out shop.toml/deeper"), @r"
    exit 2
    --- stderr
    error: cannot write shop.toml/deeper: Not a directory (os error 20)
    hint: choose a folder with --out, not a file
    ");
    assert_snapshot!(sandbox.run("trace generate web-shop --out ."), @r"
    exit 2
    --- stderr
    error: cannot write .: this is a folder
    ");
    std::fs::create_dir_all(sandbox.path("r/costs.csv")).unwrap();
    assert_snapshot!(sandbox.run("simulate shop.toml --quiet --out r"), @r"
    exit 2
    --- stderr
    error: cannot write r/costs.csv: is a directory
    hint: a folder has the name of a result file; choose another folder with --out
    ");
    assert_eq!(sandbox.names("r"), ["costs.csv"]);
}

#[test]
fn a_file_beyond_the_limit_leaves_nothing() {
    let sandbox = Sandbox::new();
    let ran = sandbox.shell("ulimit -f 1; \"$COLDCAST\" simulate shop.toml --quiet --out r");
    assert_snapshot!(ran, @r"
    exit 3
    --- stderr
    error: cannot write r/summary.csv: File too large (os error 27)
    hint: raise the limit for the size of files (ulimit -f); no half-written file was left
    ");
    assert_eq!(sandbox.names("r"), Vec::<String>::new());
    let ran = sandbox.shell("ulimit -f 8; \"$COLDCAST\" trace generate web-shop --out week.csv");
    assert_snapshot!(ran, @r"
    exit 3
    --- stderr
    error: cannot write week.csv: File too large (os error 27)
    ");
    let left: Vec<_> = sandbox
        .names(".")
        .into_iter()
        .filter(|name| name.contains("week"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_full_disk_keeps_the_old_files() {
    let sandbox = Sandbox::new();
    // A small file system that only this child sees, filled up to two pages.
    let script = r#"mkdir small && mount -t tmpfs -o size=1m tmpfs small || exit 77
        "$COLDCAST" simulate shop.toml --quiet --set seed=1 --out small >printed || exit 78
        cp small/summary.csv before; head -c 8192 /dev/zero >small/spare
        head -c 4000000 /dev/zero >small/filler 2>/dev/null; rm small/spare
        "$COLDCAST" simulate shop.toml --quiet --set seed=2 --out small >printed; echo exit $?
        cmp before small/summary.csv && echo the old summary is still there; rm small/filler; ls -A small"#;
    sandbox.write("full.sh", script);
    let ran = sandbox.shell("unshare --mount bash full.sh 2>&1 || unshare --map-root-user --mount bash full.sh 2>&1");
    if !ran.stdout.contains("exit ") {
        skip::<()>(&format!("no file system can be mounted here: {ran}"));
        return;
    }
    assert_snapshot!(ran.stdout, @r"
    error: cannot write small/costs.csv: No space left on device (os error 28)
    hint: free some space, or choose another folder with --out; no half-written file was left
    exit 3
    the old summary is still there
    cost-latency.svg
    costs.csv
    focus.csv
    hours.csv
    infracost.json
    manifest.json
    meters.csv
    replications.csv
    report.md
    report.xlsx
    study.json
    summary.csv
    timeline.csv
    violations.csv
    ");
}

#[test]
fn an_answer_that_cannot_be_printed_is_a_failure() {
    let sandbox = Sandbox::new();
    for line in [
        "simulate shop.toml --quiet",
        "check shop.toml --quiet",
        "catalog frameworks",
        "trace inspect embedded:web-shop-week --quiet",
        "trace generate web-shop",
    ] {
        let ran = sandbox.shell(&format!("coldcast {line} >/dev/full"));
        assert_eq!(ran.code, Some(3), "{line}: {ran}");
        assert!(
            ran.stderr
                .starts_with("error: cannot write standard output: No space left"),
            "{line}: {ran}"
        );
    }
}
