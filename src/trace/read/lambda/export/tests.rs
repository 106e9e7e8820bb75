//! Each form of a file, and files that are cut off or damaged.

use super::*;

const REPORT: &str =
    "REPORT RequestId: a-1\\tDuration: 5.00 ms\\tBilled Duration: 6 ms\\tMemory Size: 128 MB\\tMax Memory Used: 50 MB";

/// The words of the platform in a file: times in microseconds, and a word for each.
fn told(text: &str) -> (Form, Vec<(Option<i64>, &'static str)>) {
    let export = read("f", text.as_bytes()).unwrap();
    let word = |said: &Said| match said {
        Said::Start { .. } => "start",
        Said::Report(_) => "report",
        Said::InitStart => "init",
        Said::Done { .. } => "done",
        _ => "other",
    };
    let said = export
        .events
        .iter()
        .filter_map(|event| Some((event.at_us, word(event.said.as_ref()?))));
    (export.form, said.collect())
}

#[test]
fn every_form_gives_the_same_messages() {
    let start = "START RequestId: a-1 Version: 1";
    let tabs = REPORT.replace("\\t", "\t");
    let expected = [
        (Some(1_600_000_000_000_000), "start"),
        (Some(1_600_000_000_005_000), "report"),
    ];
    let events = format!(
        r#"[{{"timestamp":1600000000000,"message":"{start}\n"}},{{"timestamp":1600000000005,"message":"{REPORT}\n"}}]"#
    );
    let iso = ["2020-09-13T12:26:40.000", "2020-09-13T12:26:40.005"];
    let forms = [
        (Form::Events, format!(r#"{{"events":{events},"nextToken":"x"}}"#)),
        (Form::Events, events.clone()),
        (
            Form::Subscription,
            format!(r#"{{"messageType":"DATA_MESSAGE","logStream":"s","logGroup":"g","logEvents":{events}}}"#),
        ),
        (
            Form::Console,
            format!("timestamp,message\n1600000000000,\"{start}\n\"\n1600000000005,\"{tabs}\n\"\n"),
        ),
        (
            Form::Insights,
            format!(
                "@timestamp,@message\n{},\"{tabs}\n\"\n{},{start}\n",
                iso[1].replace('T', " "),
                iso[0].replace('T', " ")
            ),
        ),
        (Form::Lines, format!("{}Z {start}\n{}Z {tabs}\n", iso[0], iso[1])),
        (
            Form::Lines,
            format!(
                "{}+00:00 2020/09/13/[1]abc {start}\n{}+00:00 2020/09/13/[1]abc {tabs}\n",
                iso[0], iso[1]
            ),
        ),
        (
            Form::Lines,
            format!(
                "2020/09/13/[1]abc {}Z {start}\n2020/09/13/[1]abc {}Z {tabs}\n",
                iso[0], iso[1]
            ),
        ),
        (
            Form::PlatformEvents,
            format!(
                "{{\"time\":\"{}Z\",\"type\":\"platform.start\",\"record\":{{\"requestId\":\"a-1\"}}}}\n\
                 {{\"time\":\"{}Z\",\"type\":\"platform.report\",\"record\":{{\"requestId\":\"a-1\",\"metrics\":{{\"durationMs\":5}}}}}}\n",
                iso[0], iso[1]
            ),
        ),
        (
            Form::Results,
            format!(
                r#"{{"results":[[{{"field":"@timestamp","value":"{}"}},{{"field":"@message","value":"{REPORT}"}}],[{{"field":"@timestamp","value":"{}"}},{{"field":"@message","value":"{start}"}}]]}}"#,
                iso[1], iso[0]
            ),
        ),
    ];
    for (form, text) in forms {
        assert_eq!(told(&text), (form, expected.to_vec()), "{text}");
    }
    // Messages without times.
    assert_eq!(
        told(&format!("{start}\n\t{tabs}\n")),
        (Form::Lines, vec![(None, "start"), (None, "report")])
    );
}

#[test]
fn a_file_that_is_cut_off_gives_what_is_whole() {
    let whole = format!(r#"{{"events":[{{"timestamp":1600000000005,"message":"{REPORT}"}},{{"timestamp":16000"#);
    let export = read("f", whole.as_bytes()).unwrap();
    assert!(export.cut_off);
    assert_eq!(export.events.len(), 1);
}

#[test]
fn pages_that_overlap_count_once() {
    let event = format!(r#"{{"eventId":"1","timestamp":1600000000005,"message":"{REPORT}"}}"#);
    assert_eq!(
        told(&format!(r#"{{"events":[{event}]}}{{"events":[{event}]}}"#))
            .1
            .len(),
        1
    );
}

#[test]
fn lines_of_the_function_between_json_are_no_obstacle() {
    let text = "{\"time\":\"2026-03-02T10:00:01Z\",\"type\":\"platform.start\",\"record\":{\"requestId\":\"1\"}}\n\
                {\"PutRequest\": {\n  \"Item\": {\"PK\": \"x, not closed\n\
                {\"level\":\"INFO\",\"time\":\"2026-03-02T10:00:02Z\",\"type\":\"platform.report\",\"msg\":\"no record\"}\n\
                {\"time\":\"2026-03-02T10:00:03Z\",\"type\":\"platform.report\",\"record\":{\"requestId\":\"1\"}}\n";
    let (form, said) = told(text);
    assert_eq!((form, said.len()), (Form::PlatformEvents, 2));
}

#[test]
fn a_quote_that_is_not_closed_swallows_no_row() {
    let tabs = REPORT.replace("\\t", "\t");
    let text = format!(
        "timestamp,message\n1600000000000,'\"-----\n\"\n1600000000001,\"a \"\"word\"\"\n\"\n1600000000005,\"{tabs}\n\"\n"
    );
    let export = read("f", text.as_bytes()).unwrap();
    assert_eq!(export.events.len(), 3);
    assert!(matches!(export.events[2].said, Some(Said::Report(_))));
}

#[test]
fn columns_of_insights_make_up_a_report() {
    let text = "@timestamp,@requestId,@duration,@billedDuration,@initDuration,@memorySize,@maxMemoryUsed\n\
                2024-07-14 23:58:58.036,a-1,12.5,13,250.5,1.28E8,5.2E7\n";
    let export = read("f", text.as_bytes()).unwrap();
    let Some(Said::Report(report)) = &export.events[0].said else {
        panic!("{export:?}");
    };
    assert_eq!(
        (
            report.duration_ms,
            report.init_ms,
            report.memory_mb,
            report.max_memory_mb
        ),
        (Some(12.5), Some(250.5), Some(128.0), Some(52.0))
    );
}

#[test]
fn a_file_of_something_else_is_refused() {
    for text in [
        "",
        "a,b\n1,2\n",
        "{\"a\": 1}",
        "127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 3\n",
    ] {
        let error = read("f.log", text.as_bytes()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("f.log: Lambda's platform says nothing in it"),
            "{error}"
        );
    }
}
