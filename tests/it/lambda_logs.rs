//! Logs of AWS Lambda out of public repositories, each with what is in it, counted by other means. They are not shipped.

use std::path::PathBuf;

use coldcast::trace::read::lambda::{Form, export, invocations};

/// The reports of a file, those after an initialisation and after a restore, and the sum of their durations in milliseconds.
const TRUTH: [(&str, Form, usize, usize, usize, f64); 13] = [
    (
        "lambda_text/snapstart-console-export.csv",
        Form::Console,
        2,
        0,
        1,
        2_926.41,
    ),
    (
        "lambda_text/photoalbum-console-export.csv",
        Form::Console,
        1,
        1,
        0,
        1_494.68,
    ),
    (
        "lambda_text/autoscheduler-console-export.csv",
        Form::Console,
        5,
        1,
        0,
        7_712.98,
    ),
    ("lambda_text/mlops-tail.txt", Form::Lines, 22, 0, 0, 5_783.97),
    ("lambda_text/bearjetso-utf16.txt", Form::Lines, 10, 5, 0, 3_531.16),
    (
        "lambda_text/smartcv-filter-log-events-bom.json",
        Form::Events,
        7,
        2,
        0,
        282.93,
    ),
    ("lambda_text/cliniivr-get-log-events.json", Form::Events, 2, 1, 0, 81.45),
    (
        "lambda_json/datadog-invocation.json",
        Form::Subscription,
        1,
        0,
        0,
        619.31,
    ),
    ("lambda_json/datadog-coldstart.json", Form::Subscription, 1, 1, 0, 1.76),
    (
        "lambda_json/datadog-timeout.json",
        Form::Subscription,
        1,
        1,
        0,
        3_003.16,
    ),
    (
        "lambda_json/powertuning-platform-events.jsonl",
        Form::PlatformEvents,
        3,
        1,
        1,
        149.79,
    ),
    ("bugs/15-lambda-json-mixed.jsonl", Form::PlatformEvents, 2, 1, 0, 27.02),
    ("bugs/16-lambda-report-fields.txt", Form::Lines, 6, 2, 1, 3_365.78),
];

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("COLDCAST_TRAFFIC_CASES").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/traffic");
    named.or_else(|| Some(beside())).filter(|folder| folder.is_dir())
}

#[test]
fn public_logs_hold_what_was_counted() {
    let Some(folder) = folder() else {
        eprintln!("the public logs are not there");
        return;
    };
    for (name, form, reports, inits, restores, sum) in TRUTH {
        let export = export::read_file(&folder.join(name)).unwrap();
        assert_eq!(export.form, form, "{name}");
        let all = invocations(&export.events);
        let count =
            |of: fn(&coldcast::trace::read::lambda::Report) -> bool| all.iter().filter(|one| of(&one.report)).count();
        let found = (
            all.len(),
            count(|report| report.init_ms.is_some()),
            count(|report| report.restore_ms.is_some()),
        );
        assert_eq!(found, (reports, inits, restores), "{name}");
        let total: f64 = all.iter().filter_map(|one| one.report.duration_ms).sum();
        assert!((total - sum).abs() < 0.005, "{name}: {total}");
        assert!(all.iter().all(|one| one.report.doubts.is_empty()), "{name}");
        assert_eq!(export.cut_off, name.contains("smartcv"), "{name}");
    }
    for (name, timeouts) in [
        ("lambda_text/autoscheduler-console-export.csv", 1),
        ("lambda_json/datadog-timeout.json", 1),
    ] {
        let export = export::read_file(&folder.join(name)).unwrap();
        let all = invocations(&export.events);
        let ended = all
            .iter()
            .filter(|one| one.report.status.as_deref() == Some("timeout"))
            .count();
        assert_eq!(ended, timeouts, "{name}");
    }
    // The one report that a reader of CSV loses after a quote that is not closed.
    let export = export::read_file(&folder.join("lambda_text/cflatency-console-export.csv")).unwrap();
    let all = invocations(&export.events);
    assert_eq!(
        (all.len(), all[0].report.duration_ms, all[0].report.max_memory_mb),
        (1, Some(3_006.46), Some(4.0))
    );
    for name in ["lambda_text/weblog-insights.csv", "nginx/crowdsec-nginx-mixed.log"] {
        let error = export::read_file(&folder.join(name)).unwrap_err().to_string();
        assert!(
            error.contains("Lambda's platform says nothing in it"),
            "{name}: {error}"
        );
    }
}
