use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicBool;

use super::*;

/// An app that answers as `answer` says; it ends with the process.
pub(crate) fn app(answer: fn(&str, &str) -> (u16, Value)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut count = 0;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                let path = line.split(' ').nth(1).unwrap().to_string();
                let mut length = 0;
                loop {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                    if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let (status, body) = answer(&path, &String::from_utf8(body).unwrap());
                let body = body.to_string();
                count += 1;
                write!(
                    reader.get_mut(),
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nx-process-id: 0123456789abcdef\r\n\
                     x-request-count: {count}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .unwrap();
                line.clear();
            }
        }
    });
    address
}

pub(crate) fn right(path: &str, body: &str) -> (u16, Value) {
    let number = |text: &str, most: u64| {
        let number: u64 = text.parse().ok()?;
        (number <= most && text.bytes().all(|b| b.is_ascii_digit())).then_some(number)
    };
    let (route, query) = path.split_once('?').unwrap_or((path, ""));
    match route {
        "/healthz" => (200, json!({"status": "ok"})),
        "/json" => (200, json!({"message": "hello", "framework": "mine", "version": "1.2"})),
        "/echo" => order(body).map_or((422, json!({"error": "wrong"})), |order| (200, order)),
        "/cpu" | "/io" => match number(query.strip_prefix("ms=").unwrap_or_default(), 10_000) {
            None => (400, json!({"error": "bad ms"})),
            Some(ms) => {
                std::thread::sleep(Duration::from_millis(ms));
                let key = format!("{}_ms", &route[1..]);
                (200, Value::Object([(key, json!(ms))].into_iter().collect()))
            }
        },
        _ => match route.strip_prefix("/items/").filter(|id| !id.starts_with('0')) {
            Some(id) => match number(id, 1_000_000) {
                Some(id) => (200, listing(id)),
                None => (404, json!({"error": "not found"})),
            },
            None => (404, json!({"error": "not found"})),
        },
    }
}

fn order(body: &str) -> Option<Value> {
    let order: Value = serde_json::from_str(body).ok()?;
    let name = order["name"]
        .as_str()
        .filter(|name| (1..=100).contains(&name.chars().count()))?;
    let quantity = order["quantity"]
        .as_u64()
        .filter(|quantity| (1..=1000).contains(quantity))?;
    let tags = match &order["tags"] {
        Value::Null => &Vec::new(),
        tags => tags.as_array()?,
    };
    let fits = tags.len() <= 10 && tags.iter().all(Value::is_string);
    fits.then(|| json!({"name": name, "quantity": quantity, "tags": tags}))
}

fn checked(answer: fn(&str, &str) -> (u16, Value), version: &str) -> Vec<Checked> {
    let stop = AtomicBool::new(false);
    let server = Server {
        address: app(answer),
        stop: &stop,
    };
    let identity = Identity {
        framework: "mine".into(),
        version: version.into(),
    };
    check(server, Some(&identity))
}

#[test]
fn an_app_that_keeps_the_contract_passes() {
    let checked = checked(right, "1.2");
    assert_eq!(differences(&checked), None);
    let right: Vec<u32> = checked.iter().map(|checked| checked.right).collect();
    assert_eq!(right, [1, 1, 17, 23, 12, 12, 1]);
}

#[test]
fn each_breach_is_named_with_its_route() {
    let told = |answer: fn(&str, &str) -> (u16, Value), version: &str| {
        differences(&checked(answer, version)).expect("a difference")
    };
    assert_eq!(
        told(right, "1.3"),
        r#"GET /json: got 200 {"framework":"mine","message":"hello","version":"1.2"}, expected mine 1.3"#
    );
    let hasty = |path: &str, body: &str| match path.starts_with("/io") {
        true => right(&path.replace("=60", "=1"), body),
        false => right(path, body),
    };
    assert!(told(hasty, "1.2").starts_with("GET /io: GET /io?ms=60: expected"));
    let lenient = |path: &str, body: &str| match path {
        "/echo" if body.contains("\"2\"") => (200, json!({})),
        _ => right(path, body),
    };
    assert!(told(lenient, "1.2").contains("expected 400 or 422 with an error text, got 200 {}"));
    let rounding = |path: &str, body: &str| match path {
        "/items/271828" => (200, listing(271_829)),
        _ => right(path, body),
    };
    assert!(told(rounding, "1.2").starts_with("GET /items/{id}: GET /items/271828: expected 200"));
}
