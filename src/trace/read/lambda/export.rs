//! The messages of a Lambda log, from each form in which people have them:
//!
//! - what `aws logs get-log-events`, `filter-log-events` and `tail` print, as JSON or as text;
//! - the CSV files of the CloudWatch console and of Logs Insights, also with the fields of `REPORT` as columns;
//! - records of a subscription, and events of the Telemetry API, one a line or as an array;
//! - lines of an export to S3, and messages without any time.
//!
//! A file that was cut off gives what is whole.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::message::{self, Said};
use crate::trace::error::TraceError;
use crate::trace::input::Input;
use crate::trace::read::text;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it was written, in microseconds since 1970; `None` if the file does not say.
    pub at_us: Option<i64>,
    /// The log stream, which is one environment; `None` if the file does not say.
    pub stream: Option<String>,
    /// The log group, such as `/aws/lambda/checkout`; `None` if the file does not say.
    pub group: Option<String>,
    /// The words of the platform in it; `None` if the message is the function's own.
    pub said: Option<Said>,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Form {
    /// `{"events": [...]}`
    Events,
    /// `{"logEvents": [...]}`
    Subscription,
    /// `{"results": [[{"field": ..., "value": ...}]]}`
    Results,
    /// `platform.report` and others, one a line or in an array.
    PlatformEvents,
    /// `timestamp,message`
    Console,
    /// `@timestamp,@message` or fields of `REPORT` as columns.
    Insights,
    /// Lines.
    Lines,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "log events as JSON",
            Self::Subscription => "records of a log subscription",
            Self::Results => "results of a Logs Insights query as JSON",
            Self::PlatformEvents => "platform events as JSON",
            Self::Console => "CSV of the CloudWatch console",
            Self::Insights => "CSV of Logs Insights",
            Self::Lines => "lines of a log",
        })
    }
}

/// The messages of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// The form of the file.
    pub form: Form,
    /// The messages in order of their times, or as in the file where it has none.
    pub events: Vec<Event>,
    /// Pieces of the file that are no message: rows without a time in a file whose rows have one.
    pub without_time: u64,
    /// True if the file ends in the middle of a message.
    pub cut_off: bool,
}

/// Reads the messages of a file, plain or gzip; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, and one in which the platform says nothing.
pub fn read_file(path: &Path) -> Result<Export, TraceError> {
    let (name, mut input) = match path.as_os_str() == "-" {
        true => ("standard input".to_string(), Input::new("standard input", io::stdin())?),
        false => (path.display().to_string(), Input::open(path)?),
    };
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    while !input.ended {
        // A file may be one long line.
        input.row_bytes = 0;
        let count = input
            .read(&mut chunk)
            .map_err(|reason| input.failure(&name, reason, 1, 0))?;
        bytes.extend_from_slice(&chunk[..count]);
    }
    read(&name, &bytes)
}

/// Reads the messages of the bytes of a file.
///
/// # Errors
/// The platform says nothing in the file.
pub fn read(path: &str, bytes: &[u8]) -> Result<Export, TraceError> {
    let text = text::decode(bytes);
    let mut reader = Reader::default();
    let form = match text.trim_start().chars().next() {
        Some('{' | '[') => reader.json(&text),
        _ => reader.text(&text),
    };
    let mut events = reader.events;
    if !events.iter().any(|event| event.said.is_some()) {
        return Err(TraceError::file(
            path,
            "Lambda's platform says nothing in it: no START, REPORT or platform.report",
            "export the whole log of the function, such as with `aws logs filter-log-events --log-group-name /aws/lambda/NAME \
             --output json`",
        ));
    }
    in_order(&mut events);
    Ok(Export {
        form,
        events,
        without_time: reader.without_time,
        cut_off: reader.cut_off,
    })
}

/// Sorts by time. Of the same time the order of the file counts, which is the reverse where the newest comes first.
fn in_order(events: &mut [Event]) {
    let times: Vec<i64> = events.iter().filter_map(|event| event.at_us).collect();
    let count = |falls: fn(&[i64]) -> bool| times.windows(2).filter(|pair| falls(pair)).count();
    if count(|pair| pair[1] < pair[0]) > count(|pair| pair[1] > pair[0]) {
        events.reverse();
    }
    if times.len() == events.len() {
        events.sort_by_key(|event| event.at_us);
    }
}

/// The messages that were read so far.
#[derive(Default)]
struct Reader {
    events: Vec<Event>,
    /// The ids of events: pages of an export can overlap.
    seen: BTreeSet<String>,
    without_time: u64,
    cut_off: bool,
}

impl Reader {
    fn push(&mut self, at_us: Option<i64>, stream: Option<&str>, group: Option<&str>, said: Option<Said>) {
        self.events.push(Event {
            at_us,
            stream: stream.map(str::to_string),
            group: group.map(str::to_string),
            said,
        });
    }

    /// Values one after the other, whole or in lines among which are the words of the function.
    fn json(&mut self, text: &str) -> Form {
        let mut form = Form::PlatformEvents;
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let mut whole = Vec::new();
        let mut failed = false;
        for value in values.by_ref() {
            match value {
                Ok(value) => whole.push(value),
                Err(_) => failed = true,
            }
            if failed {
                break;
            }
        }
        if failed && whole.is_empty() {
            // Cut off inside the one object, or lines of which the first is no JSON.
            if let Some((kind, values)) = elements(text) {
                self.cut_off = true;
                values.iter().for_each(|value| self.event(value, None));
                return kind;
            }
        }
        if failed {
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                match serde_json::from_str::<Value>(line) {
                    Ok(value) => form = self.value(&value).unwrap_or(form),
                    Err(_) => self.push(None, None, None, message::read(line)),
                }
            }
            // Lines without a time stand among those that have one.
            self.times_of_neighbours();
            return form;
        }
        for value in &whole {
            form = self.value(value).unwrap_or(form);
        }
        form
    }

    /// One value: a file of events, a record of a subscription, a batch, or one event.
    fn value(&mut self, value: &Value) -> Option<Form> {
        let list = |name: &str| value.get(name).and_then(Value::as_array);
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if let Some(events) = list("events") {
            events.iter().for_each(|event| self.event(event, None));
            return Some(Form::Events);
        }
        if let Some(events) = list("logEvents") {
            let from = (text("logStream"), text("logGroup"));
            events.iter().for_each(|event| self.event(event, Some(from)));
            return Some(Form::Subscription);
        }
        if let Some(rows) = list("results") {
            rows.iter().for_each(|row| self.result(row));
            return Some(Form::Results);
        }
        if let Some(values) = value.as_array() {
            return values
                .iter()
                .map(|value| self.value(value))
                .fold(None, |form, own| form.or(own));
        }
        if value.get("record").is_some() {
            let at = text("time").and_then(time);
            self.push(at, None, None, message::event(value));
            return Some(Form::PlatformEvents);
        }
        self.event(value, None);
        text("message").map(|_| Form::Events)
    }

    /// `{"timestamp": ..., "message": ..., "logStreamName": ...}`
    fn event(&mut self, event: &Value, from: Option<(Option<&str>, Option<&str>)>) {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        if text("eventId")
            .or(text("id"))
            .is_some_and(|id| !self.seen.insert(id.to_string()))
        {
            return;
        }
        let at = event.get("timestamp").and_then(moment);
        let (stream, group) = from.unwrap_or((text("logStreamName"), text("logGroupName")));
        let (stream, group) = (stream.map(str::to_string), group.map(str::to_string));
        // A log in JSON is shipped with the event as its message, as text or as an object.
        let said = match event.get("message") {
            Some(Value::String(text)) => message::read(text),
            Some(object) => message::event(object),
            None => None,
        };
        self.push(at, stream.as_deref(), group.as_deref(), said);
    }

    /// `[{"field": "@timestamp", "value": ...}, ...]`
    fn result(&mut self, row: &Value) {
        let cells = row.as_array().into_iter().flatten().filter_map(|cell| {
            let of = |name: &str| cell.get(name).and_then(Value::as_str);
            Some((of("field")?, of("value")?))
        });
        let cells: Vec<(&str, &str)> = cells.collect();
        self.cells(|name| cells.iter().find(|(field, _)| *field == name).map(|(_, value)| *value));
    }

    /// A row of Logs Insights by its columns.
    fn cells<'a>(&mut self, cell: impl Fn(&str) -> Option<&'a str>) {
        let cell = |name: &str| cell(name).filter(|value| !value.is_empty());
        let said = match cell("@message") {
            Some(text) => message::read(text),
            None => reported(&cell),
        };
        let at = cell("@timestamp").and_then(time);
        self.push(at, cell("@logStream"), cell("@log"), said);
    }

    fn text(&mut self, text: &str) -> Form {
        let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let columns: Vec<&str> = head
            .trim()
            .split(',')
            .map(|name| name.trim_matches(['"', ' ']))
            .collect();
        if columns.iter().any(|name| name.starts_with('@')) {
            self.insights(text);
            return Form::Insights;
        }
        if columns == ["timestamp", "message"] {
            self.console(text);
            return Form::Console;
        }
        self.lines(text);
        Form::Lines
    }

    /// A row begins with a time; everything up to the next such line is its message. The console does not quote a message with a bare
    /// carriage return, so that a reader of CSV would lose rows after it.
    fn console(&mut self, text: &str) {
        let mut open: Option<(i64, String)> = None;
        for line in text.lines().skip_while(|line| !line.starts_with("timestamp")).skip(1) {
            match line
                .split_once(',')
                .and_then(|(at, rest)| Some((epoch(at.trim_matches('"'))?, rest)))
            {
                Some((at, rest)) => {
                    self.close(open.take());
                    open = Some((at, rest.to_string()));
                }
                None => match &mut open {
                    Some((_, message)) => {
                        message.push('\n');
                        message.push_str(line);
                    }
                    None => self.without_time += 1,
                },
            }
        }
        self.close(open);
    }

    fn close(&mut self, row: Option<(i64, String)>) {
        let Some((at, message)) = row else { return };
        let message = match message.strip_prefix('"') {
            Some(quoted) => quoted.trim_end().trim_end_matches('"').replace("\"\"", "\""),
            None => message,
        };
        self.push(Some(at), None, None, message::read(&message));
    }

    fn insights(&mut self, text: &str) {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let Ok(header) = reader.headers().cloned() else { return };
        for row in reader.records() {
            let Ok(row) = row else {
                self.without_time += 1;
                continue;
            };
            let of = |name: &str| {
                header
                    .iter()
                    .position(|column| column.trim() == name)
                    .and_then(|at| row.get(at))
            };
            self.cells(of);
        }
    }

    /// Lines that begin with a time, with the stream before or after it, or with neither.
    fn lines(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (at, stream, message) = prefix(line);
            self.push(at, stream, None, message::read(message));
        }
        self.times_of_neighbours();
    }

    /// A message of several lines has its time in the first of them. Where no line has one, there is none.
    fn times_of_neighbours(&mut self) {
        let mut last = None;
        for event in &mut self.events {
            match event.at_us {
                Some(at) => last = Some((at, event.stream.clone())),
                None => {
                    if let Some((at, stream)) = &last {
                        event.at_us = Some(*at);
                        event.stream = event.stream.take().or_else(|| stream.clone());
                        self.without_time += 1;
                    }
                }
            }
        }
        // What comes before the first time stays where it is only if nothing is sorted.
        if let Some(first) = self.events.iter().find_map(|event| event.at_us) {
            self.events.iter_mut().for_each(|event| {
                event.at_us.get_or_insert(first);
            });
        }
    }
}

/// The whole elements of the list in a file of events that is cut off, and its form.
fn elements(text: &str) -> Option<(Form, Vec<Value>)> {
    let lists = [("\"events\"", Form::Events), ("\"logEvents\"", Form::Subscription)];
    let found = lists
        .into_iter()
        .find_map(|(name, form)| Some((text.find(name)? + name.len(), form)));
    let (from, form) = match found {
        Some((at, form)) => (at + text[at..].find('[')? + 1, form),
        None => (
            text.find('[').filter(|at| text[..*at].trim().is_empty())? + 1,
            Form::Events,
        ),
    };
    let mut rest = &text[from..];
    let mut values = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t', '\r', '\n']);
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => values.push(value),
            _ => break,
        }
        rest = &rest[stream.byte_offset()..];
    }
    (!values.is_empty()).then_some((form, values))
}

/// The report that the columns of Logs Insights make up. Memory is in bytes there.
fn reported<'a>(cell: &impl Fn(&str) -> Option<&'a str>) -> Option<Said> {
    let number = |name: &str| {
        let number = cell(name)?.trim().parse::<f64>().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    let megabytes = |name: &str| number(name).map(|bytes| if bytes >= 1e6 { bytes / 1e6 } else { bytes });
    let duration_ms = number("@duration")?;
    Some(Said::Report(message::Report {
        request_id: cell("@requestId").map(str::to_string),
        duration_ms: Some(duration_ms),
        billed_ms: number("@billedDuration"),
        memory_mb: megabytes("@memorySize"),
        max_memory_mb: megabytes("@maxMemoryUsed"),
        init_ms: number("@initDuration"),
        restore_ms: number("@restoreDuration"),
        billed_restore_ms: number("@billedRestoreDuration"),
        ..message::Report::default()
    }))
}

/// The time and the stream at the beginning of a line, and what follows.
fn prefix(line: &str) -> (Option<i64>, Option<&str>, &str) {
    let (mut at, mut stream, mut rest) = (None, None, line.trim_start());
    for _ in 0..2 {
        let word = rest.split([' ', '\t']).next().unwrap_or_default();
        if at.is_none() && word.contains('T') && time(word).is_some() {
            at = time(word);
        } else if stream.is_none() && is_stream(word) {
            stream = Some(word);
        } else {
            break;
        }
        rest = rest[word.len()..].trim_start();
    }
    (at, stream, rest)
}

/// `2026/02/14/[$LATEST]d4d758d0872b4fff9546e5acf5b3dfd3`, also with the name of the function in front of the bracket.
fn is_stream(word: &str) -> bool {
    let Some((date, rest)) = word.split_once('[') else {
        return false;
    };
    date.len() >= 10
        && date.as_bytes()[4] == b'/'
        && date[..4].bytes().all(|c| c.is_ascii_digit())
        && rest.contains(']')
}

/// Microseconds since 1970 of a number or a text.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) => epoch(&value.to_string()),
        Value::String(text) => time(text),
        _ => None,
    }
}

/// Microseconds since 1970 of a number of milliseconds.
fn epoch(text: &str) -> Option<i64> {
    let ms: i64 = text.parse().ok()?;
    // 2001 to 2286, so that no count is taken for a time.
    (1_000_000_000_000..10_000_000_000_000)
        .contains(&ms)
        .then(|| 1_000 * ms)
}

/// Microseconds since 1970 of a time in words. One without a zone is UTC, which all of AWS writes.
fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond());
    }
    let civil: DateTime = text.parse().ok()?;
    let at = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_microsecond()).or_else(|| epoch(text))
}
