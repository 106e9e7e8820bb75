//! Traces that cannot be read, and files that may not be.

use insta::assert_snapshot;

use crate::common::{EVENTS, Sandbox, skip};

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
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,0,1\na,5,1\na,4.5,1\n"), @r"
    exit 2
    --- stderr
    error: events.csv, line 4: arrival_s 4.5 is before the line above (5 s): not in time order
    hint: sort the file by time, for instance: (head -1 F; tail -n +2 F | sort -t, -k2,2g) > SORTED
    ");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,0,1\na,5,1\na,6"), @r#"
    exit 2
    --- stderr
    error: events.csv, line 4: the file ends in the middle of this line (2 of 3 fields)
    hint: download the file again, or skip the line with on-bad-line = "skip"
    "#);
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,-1,1\n"), @r"
    exit 2
    --- stderr
    error: events.csv, line 2: arrival_s `-1` is negative
    hint: shift the times so that the first is 0
    ");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,NaN,1\n"), @r"
    exit 2
    --- stderr
    error: events.csv, line 2: arrival_s `NaN` is not a number
    hint: times are decimal seconds since the start or since 1970, such as 12.345, or dates such as 2026-03-02T10:00:00Z
    ");
    assert_snapshot!(refuse("func,arrival_s,duration_s\na,1,inf\n"), @r"
    exit 2
    --- stderr
    error: events.csv, line 2: duration_s `inf` is too large
    hint: durations are decimal seconds, such as 0.120; leave the cell empty if unknown
    ");
    // Deep inside, where the first rows were fine.
    let rows: String = (0..20_000).map(|i| format!("a,{i},1\n")).collect();
    assert_snapshot!(refuse(&format!("func,arrival_s,duration_s\n{rows}a,7,1\n")), @r"
    exit 2
    --- stderr
    error: events.csv, line 20002: arrival_s 7 is before the line above (19999 s): not in time order
    hint: sort the file by time, for instance: (head -1 F; tail -n +2 F | sort -t, -k2,2g) > SORTED
    ");
}

#[test]
fn a_file_without_requests_is_said() {
    assert_snapshot!(refuse(""), @r"
    exit 2
    --- stderr
    error: events.csv: the file is empty
    hint: its first line must name the columns
    ");
    assert_snapshot!(refuse("func,arrival_s,duration_s\n"), @r"
    exit 2
    --- stderr
    error: events.csv: the file has no usable rows
    hint: it needs at least one line below the header
    ");
}

#[test]
fn missing_files_and_columns_are_named() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate events.toml"), @r"
    exit 2
    --- stderr
    error: cannot read events.csv: No such file or directory (os error 2)
    hint: check the name; in a scenario, relative paths start at the folder of the scenario file
    ");
    std::fs::create_dir(sandbox.path("events.csv")).unwrap();
    assert_snapshot!(sandbox.run("simulate events.toml"), @r"
    exit 2
    --- stderr
    error: events.csv: this is a folder
    hint: give a file in it
    ");
    sandbox.write("other.csv", "name,time\na,1\n");
    assert_snapshot!(sandbox.run("simulate events.toml --set traffic.csv.path=other.csv"), @r"
    exit 2
    --- stderr
    error: other.csv has no column `arrival_s` (its columns: name, time)
    hint: set time-column to a column of the file; the first line must name the columns
    ");
    assert_snapshot!(sandbox.run("trace inspect nope.csv"), @r"
    exit 2
    --- stderr
    error: cannot read nope.csv: No such file or directory (os error 2)
    hint: check the name; in a scenario, relative paths start at the folder of the scenario file
    ");
    assert_snapshot!(sandbox.run("trace inspect embedded:nope"), @r"
    exit 2
    --- stderr
    error: embedded:nope: there is no built-in trace of this name
    hint: the built-in traces are: embedded:web-shop-week
    ");
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
        skip::<()>("the program cannot be run as another user here");
        return;
    }
    assert_snapshot!(run("chmod 0 shop.toml; run simulate shop.toml"), @r"
    exit 3
    --- stderr
    error: cannot read shop.toml: Permission denied (os error 13)
    hint: give the path of a scenario file, or no path for the built-in scenario
    ");
    assert_snapshot!(run("chmod 0 events.csv; run simulate events.toml --quiet"), @r"
    exit 3
    --- stderr
    error: cannot read events.csv: Permission denied (os error 13)
    ");
    assert_snapshot!(run("chmod 644 events.csv; chmod 0 prices.toml; run check priced.toml"), @r"
    exit 3
    --- stderr
    error: cannot read price list prices.toml: Permission denied (os error 13)
    hint: a name that ends in .toml is the path of a file; omit .toml to use a built-in list
    ");
    assert_snapshot!(run("mkdir closed; chmod 0 closed; run simulate pair.toml --out closed/r"), @r"
    exit 3
    --- stderr
    error: cannot write closed/r: Permission denied (os error 13)
    hint: choose a folder that you may write to with --out
    ");
    assert_snapshot!(run("mkdir -p full; chmod 555 full; run simulate pair.toml --quiet --out full"), @r"
    exit 3
    --- stderr
    error: cannot write full/summary.csv: Permission denied (os error 13)
    hint: choose a folder that you may write to with --out
    ");
}
