//! Traffic through the public interface and the command line, with good and bad files of users.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use coldcast::model::arrival::Arrival;
use coldcast::rng::Draws;
use coldcast::trace::{ImportReport, Open, TraceError, Traffic};
use coldcast::units::SimDuration;
use tempfile::TempDir;

const MINUTE: u64 = 60_000_000_000;

// Figures of tests/data/azure2019-excerpt.csv, computed from the file by a script outside this project.
const TOTAL: usize = 27_608;
const PEAK: u64 = 101;
const PEAK_AT: f64 = 416.0 * 60.0;
const DISPERSION: f64 = 4.640_461_701_922_151;

fn open<'a>(base: &'a Path, horizon: Option<&str>) -> Open<'a> {
    Open {
        base,
        draws: Draws::new(1, 0),
        entity: 0,
        horizon: horizon.map(|h| h.parse().unwrap()),
    }
}

/// Returns everything that a `[traffic]` table yields: arrivals, horizon and report.
fn replay(toml: &str, open: &Open<'_>) -> Result<(Vec<Arrival>, Option<SimDuration>, ImportReport), TraceError> {
    let traffic: Traffic = toml::from_str(toml).unwrap();
    assert_eq!(traffic.problems(), Vec::<String>::new());
    let mut opened = traffic.open(open)?;
    let mut all = Vec::new();
    while opened.source.refill(&mut all)? {}
    assert!(all.is_sorted_by_key(|a| a.at));
    Ok((all, opened.horizon, opened.source.report()))
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn azure(header: &str, rows: &[&str]) -> String {
    format!("{header}\n{}\n", rows.join("\n"))
}

/// Counts arrivals by function and minute.
fn cells(all: &[Arrival]) -> Vec<(u32, u64, usize)> {
    let mut found = std::collections::BTreeMap::new();
    for a in all {
        *found.entry((a.function, a.at.0 / MINUTE)).or_insert(0) += 1;
    }
    found
        .into_iter()
        .map(|((function, minute), n)| (function, minute, n))
        .collect()
}

#[test]
fn all_known_headers_of_the_azure_trace_read_alike() {
    let variants = [
        azure(
            "HashOwner,HashApp,HashFunction,Trigger,1,2,3",
            &["o,a,f,http,2,0,1", "o,b,g,timer,0,0,3"],
        ),
        azure(
            "HashOwner,HashApp,HashFunction,Trigger,480,481,482",
            &["o,a,f,http,2,0,1", "o,b,g,timer,0,0,3"],
        ),
        azure(
            "HashFunction,HashApp,HashOwner,minute_1,minute_2,minute_3",
            &["f,a,o,2,0,1", "g,b,o,0,0,3"],
        ),
        azure(
            "HashFunction,HashOwner,HashApp,1_minute,2_minute,3_minute",
            &["f,o,a,2,,1.0", "g,o,b,0,0,3"],
        ),
        // Several rows of one app add up, whichever function they belong to.
        azure(
            "HashOwner,HashApp,HashFunction,Trigger,1,2,3",
            &["o,a,f,http,1,0,1", "o,b,g,timer,0,0,3", "o,a,h,queue,1,0,0"],
        ),
    ];
    for text in variants {
        let folder = folder(&[("day.csv", &text)]);
        let (all, horizon, _) = replay("[azure-2019]\npath = \"day.csv\"", &open(folder.path(), None)).unwrap();
        assert_eq!(cells(&all), [(0, 0, 2), (0, 2, 1), (1, 2, 3)], "{text}");
        assert_eq!(horizon, Some(SimDuration::from_secs(180)));
    }
}

#[test]
fn azure_days_follow_each_other_and_keep_their_numbers() {
    let header: String = (1..=1440).map(|m| format!(",{m}")).collect();
    let day = |rows: &[(&str, usize)]| {
        let rows = rows.iter().map(|&(app, minute)| {
            let cells: String = (1..=1440).map(|m| if m == minute { ",5" } else { ",0" }).collect();
            format!("o,{app},f,http{cells}\n")
        });
        format!(
            "HashOwner,HashApp,HashFunction,Trigger{header}\n{}",
            rows.collect::<String>()
        )
    };
    let folder = folder(&[
        (
            "invocations_per_function_md.anon.d02.csv",
            &day(&[("a", 1), ("b", 1440)]),
        ),
        ("invocations_per_function_md.anon.d03.csv", &day(&[("c", 2), ("b", 1)])),
        ("function_durations_percentiles.anon.d02.csv", "not,read\n"),
    ]);
    let (all, horizon, report) = replay("[azure-2019]\npath = \".\"", &open(folder.path(), None)).unwrap();
    assert_eq!(cells(&all), [(0, 0, 5), (1, 1439, 5), (1, 1440, 5), (2, 1441, 5)]);
    assert_eq!(horizon, Some(SimDuration::from_secs(2 * 86_400)));
    assert_eq!((report.lines, report.kept, report.functions), (4, 4, 3));
    let (cut, horizon, _) = replay("[azure-2019]\npath = \".\"", &open(folder.path(), Some("1d"))).unwrap();
    assert_eq!(
        (cut.as_slice(), horizon),
        (&all[..10], Some(SimDuration::from_secs(86_400)))
    );
}

#[test]
fn real_azure_rows_replay_with_their_counts() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let by_app = "[azure-2019]\npath = \"azure2019-excerpt.csv\"";
    let (all, horizon, report) = replay(by_app, &open(&base, None)).unwrap();
    // The counts come from a script outside this project.
    assert_eq!((all.len(), report.lines, report.functions), (TOTAL, 16, 13));
    assert_eq!(horizon, Some(SimDuration::from_secs(480 * 60)));
    assert!(report.notes[0].contains("starts at minute 480"), "{:?}", report.notes);
    assert_eq!(all, replay(by_app, &open(&base, None)).unwrap().0);
    let by_function = format!("{by_app}\nscaling-unit = \"function\"\nplacement = \"equidistant\"");
    let (all, _, report) = replay(&by_function, &open(&base, None)).unwrap();
    assert_eq!((all.len(), report.functions), (TOTAL, 16));
}

#[test]
fn damaged_azure_files_are_errors() {
    let rows = [
        ("HashApp,1,2\na,1,-2\n", "line 2: minute 2 `-2` is negative"),
        ("HashApp,1,2\na,1,x\n", "line 2: minute 2 `x` is not a number"),
        ("HashApp,1,2\na,1\n", "line 2: 2 fields, but the header has 3"),
        (
            "HashApp,1,2\na,1,2\nb,1",
            "line 3: the file ends in the middle of this line (2 of 3 fields)",
        ),
        ("HashApp,1,2\n", "the file has no usable rows"),
        ("HashApp,1,1\na,1,2\n", "two columns are named minute 1"),
        ("HashApp,Average,Count\na,1,2\n", "the file has no columns for minutes"),
        ("HashFunction,1,2\na,1,2\n", "the file has no column HashApp"),
        ("HashApp,1,2\n,1,2\n", "line 2: the row names no app or function"),
    ];
    for (text, expected) in rows {
        let folder = folder(&[("day.csv", text)]);
        let error = replay("[azure-2019]\npath = \"day.csv\"", &open(folder.path(), None)).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(!error.hints()[0].is_empty());
    }
    let folder = folder(&[("day.csv", "HashApp,1,2\na,1,-2\nb,1,2\n")]);
    let skipping = "[azure-2019]\npath = \"day.csv\"\non-bad-line = \"skip\"";
    let (all, _, report) = replay(skipping, &open(folder.path(), None)).unwrap();
    assert_eq!((all.len(), report.skipped, report.functions), (3, 1, 1));
    let error = replay("[azure-2019]\npath = \".\"", &open(folder.path(), None)).unwrap_err();
    assert!(
        error.to_string().ends_with("the folder has no day of the trace"),
        "{error}"
    );
}

#[test]
fn csv_files_stream_and_stop_at_the_horizon() {
    let rows: String = (0..20_000)
        .map(|i| format!("{},f{},{}.5\n", i / 10, i % 7, i / 100))
        .collect();
    let folder = folder(&[("events.csv", &format!("unused,func,at\n{rows}"))]);
    let table = "[csv]\npath = \"events.csv\"\ntime-column = \"at\"\nfunction-column = \"func\"";
    let (all, horizon, report) = replay(table, &open(folder.path(), None)).unwrap();
    assert_eq!(
        (all.len(), horizon, report.kept, report.functions),
        (20_000, None, 20_000, 7)
    );
    assert_eq!(all[1].function, 1);
    let (cut, horizon, report) = replay(table, &open(folder.path(), Some("100s"))).unwrap();
    assert_eq!(
        (cut.len(), horizon, report.kept),
        (10_000, Some(SimDuration::from_secs(100)), 10_000)
    );
}

#[test]
fn gzip_is_recognised_and_a_cut_off_file_is_an_error() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for i in 0..200_000 {
        writeln!(gzip, "{}", if i == 0 { "t".to_string() } else { format!("{i}.125") }).unwrap();
    }
    let bytes = gzip.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = "[csv]\npath = \"x.csv\"\ntime-column = \"t\"";
    std::fs::write(folder.path().join("x.csv"), &bytes).unwrap();
    assert_eq!(replay(table, &open(folder.path(), None)).unwrap().0.len(), 199_999);
    std::fs::write(folder.path().join("x.csv"), &bytes[..bytes.len() - 100]).unwrap();
    let error = replay(table, &open(folder.path(), None)).unwrap_err();
    assert!(
        error.to_string().contains("the gzip file is cut off after line"),
        "{error}"
    );
}

#[test]
fn generated_traffic_repeats_itself_and_ends_at_the_horizon() {
    let kinds = [
        "[poisson]\nrate = \"3/s\"",
        "[constant]\ngap = \"700ms\"",
        "[diurnal]\nmean-rate = \"3/s\"",
        "[flash-crowd]\nbase-rate = \"1/s\"\nstart = \"10m\"",
    ];
    for kind in kinds {
        let (all, horizon, _) = replay(kind, &open(Path::new("."), Some("1h"))).unwrap();
        assert!(all.len() > 1000 && all.last().unwrap().at.0 < 60 * MINUTE, "{kind}");
        assert_eq!(horizon, Some(SimDuration::from_secs(3600)));
        assert_eq!(all, replay(kind, &open(Path::new("."), Some("1h"))).unwrap().0);
        let (half, ..) = replay(kind, &open(Path::new("."), Some("30m"))).unwrap();
        assert_eq!(
            half,
            all[..half.len()],
            "{kind}: a longer run starts like a shorter one"
        );
        assert!(matches!(
            replay(kind, &open(Path::new("."), None)),
            Err(TraceError::NoHorizon { .. })
        ));
    }
}

fn coldcast(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coldcast"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn inspect_prints_the_figures_of_real_rows() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let output = coldcast(
        &["trace", "inspect", "azure2019-excerpt.csv", "--format", "json"],
        &base,
    );
    assert!(output.status.success(), "{output:?}");
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found["format"], "azure-2019");
    assert_eq!(found["requests"], TOTAL);
    assert_eq!(found["peak_minute"], PEAK);
    assert_eq!(found["peak_minute_at_s"], PEAK_AT);
    let dispersion = found["dispersion_60s"].as_f64().unwrap();
    assert!((dispersion - DISPERSION).abs() < 1e-6, "{dispersion}");
    assert!(found["peak_second"].is_null());
}

#[test]
fn the_readme_of_the_built_in_traces_shows_what_inspect_prints() {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let readme = std::fs::read_to_string(traces.join("README.md")).unwrap();
    let shown = coldcast(
        &["trace", "inspect", "embedded:web-shop-week", "--format", "markdown"],
        &traces,
    );
    assert!(readme.contains(&stdout(&shown)), "{}", stdout(&shown));
}

#[test]
fn inspect_describes_events_and_every_format_prints() {
    let folder = folder(&[(
        "events.csv",
        "func,arrival_s,duration_s\na,0.5,1\nb,0.75,1\na,61,1\na,200.5,1\n",
    )]);
    let csv = coldcast(&["trace", "inspect", "events.csv", "--format", "csv"], folder.path());
    let text = stdout(&csv);
    let (header, row) = text.trim_end().split_once('\n').unwrap();
    let value = |name: &str| {
        row.split(',')
            .nth(header.split(',').position(|h| h == name).unwrap())
            .unwrap()
    };
    let expected = [
        ("format", "csv"),
        ("functions", "2"),
        ("requests", "4"),
        ("first_s", "0.5"),
        ("span_s", "200"),
        ("mean_rate_per_s", "0.02"),
        ("peak_second", "2"),
        ("peak_minute", "2"),
        ("idle_minutes_share", "0.25"),
    ];
    for (name, expected) in expected {
        assert_eq!(value(name), expected, "{name}");
    }
    for format in ["table", "markdown", "json"] {
        let output = coldcast(&["trace", "inspect", "events.csv", "--format", format], folder.path());
        assert!(
            output.status.success() && stdout(&output).contains("events.csv"),
            "{output:?}"
        );
    }
}

#[test]
fn a_bad_file_exits_with_2_and_says_what_to_do() {
    let folder = folder(&[("events.csv", "func,when\na,1\na,x\n")]);
    let output = coldcast(&["trace", "inspect", "events.csv"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no column looks like an arrival time") && text.contains("hint: name it with --time-column"));
    let output = coldcast(
        &["trace", "inspect", "events.csv", "--time-column", "whe"],
        folder.path(),
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("has no column `whe`") && text.contains("did you mean `when`?"),
        "{text}"
    );
    let output = coldcast(
        &["trace", "inspect", "events.csv", "--time-column", "when"],
        folder.path(),
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("events.csv, line 3: when `x` is not a number"), "{text}");
    let skip = [
        "trace",
        "inspect",
        "events.csv",
        "--time-column",
        "when",
        "--on-bad-line",
        "skip",
    ];
    let output = coldcast(&skip, folder.path());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("skipped 1 lines") && text.contains("line 3: when `x`"),
        "{text}"
    );
}

#[test]
fn generated_files_are_whole_repeatable_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    let poisson = [
        "trace",
        "generate",
        "poisson",
        "--rate",
        "50/s",
        "--requests",
        "5000",
        "--functions",
        "9",
        "--out",
    ];
    for name in ["a.csv", "b.csv"] {
        let output = coldcast(&[&poisson[..], &[name]].concat(), folder.path());
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty());
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("a.csv") == read("b.csv") && read("a.csv").lines().count() == 5001);
    let shop = coldcast(&["trace", "generate", "web-shop", "--seed", "1"], folder.path());
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/web-shop-week.csv");
    assert!(shop.stdout == std::fs::read(shipped).unwrap());
    let output = coldcast(&[&poisson[..], &["no-such-folder/a.csv"]].concat(), folder.path());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// Each function of the Azure trace has the same arrivals one by one as together, under every placement.
#[test]
fn functions_of_the_azure_trace_have_the_same_arrivals_one_by_one() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (unit, placement) in [
        ("app", "\"uniform\""),
        ("function", "{ clustered = {} }"),
        ("function", "\"equidistant\""),
    ] {
        for horizon in [None, Some("90m")] {
            let text = format!(
                "[azure-2019]\npath = \"azure2019-excerpt.csv\"\nscaling-unit = \"{unit}\"\nplacement = {placement}"
            );
            let open = open(&data, horizon);
            let (together, length, report) = replay(&text, &open).unwrap();
            let functions = toml::from_str::<Traffic>(&text).unwrap().functions(&open).unwrap();
            assert_eq!(Some(functions.length()), length);
            assert_eq!(format!("{:?}", functions.report()), format!("{report:?}"));
            let mut found = 0;
            for function in 0..functions.count() {
                let (mut source, mut alone) = (functions.open(function), Vec::new());
                while source.refill(&mut alone).unwrap() {}
                let own = together.iter().filter(|arrival| arrival.function == function);
                let own: Vec<Arrival> = own.map(|arrival| arrival.of(0)).collect();
                assert_eq!(alone, own, "{unit} {function}, {placement}");
                if horizon.is_none() {
                    assert_eq!(functions.weight(function), own.len() as f64);
                }
                found += alone.len();
            }
            assert_eq!(found, together.len());
        }
    }
    // Errors are left to the opening of all functions together, which reports them.
    let broken: Traffic = toml::from_str("[azure-2019]\npath = \"nothing.csv\"").unwrap();
    assert!(broken.functions(&open(&data, None)).is_none());
}
