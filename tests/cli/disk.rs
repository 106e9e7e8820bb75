//! Result files are whole or absent, whatever the disk does.

use insta::assert_snapshot;

use crate::common::Sandbox;

#[test]
fn out_must_be_a_folder() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate shop.toml --out shop.toml"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --out shop.toml/deeper"), @"");
    assert_snapshot!(sandbox.run("trace generate web-shop --out ."), @"");
    std::fs::create_dir_all(sandbox.path("r/costs.csv")).unwrap();
    assert_snapshot!(sandbox.run("simulate shop.toml --quiet --out r"), @"");
    assert_eq!(sandbox.names("r"), ["costs.csv"]);
}

#[test]
fn a_file_beyond_the_limit_leaves_nothing() {
    let sandbox = Sandbox::new();
    let ran = sandbox.shell("ulimit -f 1; \"$COLDCAST\" simulate shop.toml --quiet --out r");
    assert_snapshot!(ran, @"");
    assert_eq!(sandbox.names("r"), Vec::<String>::new());
    let ran = sandbox.shell("ulimit -f 8; \"$COLDCAST\" trace generate web-shop --out week.csv");
    assert_snapshot!(ran, @"");
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
    // A file system of 64 KiB that only this child sees.
    let script = "mkdir small && mount -t tmpfs -o size=64k tmpfs small || { echo unable; exit 0; }
        coldcast simulate shop.toml --quiet --set seed=1 --out small >/dev/null; cp small/summary.csv before
        head -c 30000 /dev/zero > small/filler
        coldcast simulate shop.toml --quiet --set seed=2 --set horizon=1h --out small; echo exit $?
        cmp before small/summary.csv && echo untouched; ls -A small";
    let ran = sandbox.shell(&format!(
        "unshare --map-root-user --mount bash -c '{}' 2>&1",
        format!("coldcast() {{ \"$COLDCAST\" \"$@\"; }}\n{script}")
    ));
    if ran.stdout.contains("unable") || ran.stdout.starts_with("unshare:") {
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    assert_snapshot!(ran.stdout, @"");
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
