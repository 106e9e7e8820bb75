//! Traces that cannot be read, and files that may not be.

use insta::assert_snapshot;

use crate::common::{EVENTS, Sandbox};

/// `check` and `simulate` say the same, and `trace inspect` finds it too.
#[track_caller]
fn refuse(text: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("events.csv", text);
    let ran = sandbox.run("check events.toml");
    assert_eq!(
        ran.to_string(),
        sandbox.run("simulate events.toml --out r --quiet").to_string()
    );
    assert_eq!(sandbox.names("r"), Vec::<String>::new());
    assert_eq!(sandbox.run("trace inspect events.csv").code, Some(2));
    ran.to_string()
}

#[test]
fn a_bad_line_has_its_number() {
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,0,1\na,5,1\na,4.5,1\n"), @"");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,0,1\na,5,1\na,6"), @"");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,-1,1\n"), @"");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,NaN,1\n"), @"");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,1,inf\n"), @"");
    // Deep inside, where the first rows were fine.
    let rows: String = (0..20_000).map(|i| format!("a,{i},1\n")).collect();
    assert_snapshot!(refuse(&format!("func,arrival_s,duration_s\n{rows}a,7,1\n")), @"");
}

#[test]
fn a_file_without_requests_is_said() {
    assert_snapshot!(refuse(""), @"");
    assert_snapshot!(refuse("func,arrival_s,duration_s\n"), @"");
}

#[test]
fn missing_files_and_columns_are_named() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate events.toml"), @"");
    std::fs::create_dir(sandbox.path("events.csv")).unwrap();
    assert_snapshot!(sandbox.run("simulate events.toml"), @"");
    sandbox.write("other.csv", "name,time\na,1\n");
    assert_snapshot!(sandbox.run("simulate events.toml --set traffic.csv.path=other.csv"), @"");
    assert_snapshot!(sandbox.run("trace inspect nope.csv"), @"");
    assert_snapshot!(sandbox.run("trace inspect embedded:nope"), @"");
}

#[test]
fn what_may_not_be_read_is_the_environments_doing() {
    let sandbox = Sandbox::new();
    sandbox.write("events.csv", "func,arrival_s,duration_s\na,0,1\n");
    sandbox.write("prices.toml", "");
    sandbox.write(
        "priced.toml",
        &(EVENTS.to_string() + "\n[prices]\nlist = \"prices.toml\"\n"),
    );
    // Root may read everything, so the program runs as nobody.
    let nobody = "chmod 755 .; run() { if [ $(id -u) = 0 ]; then setpriv --reuid 65534 --clear-groups \"$COLDCAST\" \"$@\"; \
                  else coldcast \"$@\"; fi; }; run --version >/dev/null 2>&1 || { echo unable; exit 0; };";
    let run = |script: &str| sandbox.shell(&format!("{nobody} {script}"));
    if run("").stdout == "unable" {
        eprintln!("skipped: the program cannot be run as another user here");
        return;
    }
    assert_snapshot!(run("chmod 0 shop.toml; run simulate shop.toml"), @"");
    assert_snapshot!(run("chmod 0 events.csv; run simulate events.toml --quiet"), @"");
    assert_snapshot!(run("chmod 644 events.csv; chmod 0 prices.toml; run check priced.toml"), @"");
    assert_snapshot!(run("mkdir closed; chmod 0 closed; run simulate pair.toml --out closed/r"), @"");
    assert_snapshot!(run("mkdir -p full; chmod 555 full; run simulate pair.toml --quiet --out full"), @"");
}
