use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicBool;

use super::items::listing;
use super::template::page;
use super::*;
use crate::measure::warm::routes::Routes;

mod breaches;

/// A status and a body. A text is sent as HTML, anything else as JSON.
pub(crate) type Reply = (u16, Value);

/// An app that answers as `answer` says; it ends with the process.
pub(crate) fn app(answer: fn(&str, &str) -> Reply) -> SocketAddr {
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
                let (kind, body) = match body {
                    Value::String(html) => ("text/html; charset=utf-8", html),
                    json => ("application/json", json.to_string()),
                };
                count += 1;
                write!(
                    reader.get_mut(),
                    "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nx-process-id: 0123456789abcdef\r\n\
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

pub(crate) fn right(path: &str, body: &str) -> Reply {
    let number = |text: &str, most: u64| {
        let number: u64 = text.parse().ok()?;
        (number <= most && text.bytes().all(|b| b.is_ascii_digit())).then_some(number)
    };
    let (route, query) = path.split_once('?').unwrap_or((path, ""));
    let count = |usual: Option<u32>| match query.strip_prefix("count=") {
        None => usual,
        Some(text) if text.starts_with('0') => None,
        Some(text) => number(text, 9999).map(|count| count as u32),
    };
    let counted = |usual: Option<u32>, answer: &dyn Fn(u32) -> Value| match count(usual) {
        None => (400, json!({"error": "bad count"})),
        Some(count) => (200, answer(count)),
    };
    let refused = (422, json!({"error": "wrong"}));
    match route {
        "/healthz" => (200, json!({"status": "ok"})),
        "/json" => (200, json!({"message": "hello", "framework": "mine", "version": "1.2"})),
        "/echo" => match serde_json::from_str(body).ok().as_ref().and_then(order) {
            Some(order) => (200, order),
            None => refused,
        },
        "/validate" => match serde_json::from_str(body).ok().as_ref().and_then(orders) {
            Some(orders) => (200, validate::totals(&orders)),
            None => refused,
        },
        "/template" => counted(None, &|count| page(count).into()),
        "/compute" => counted(None, &compute::totals),
        "/cpu" | "/io" => match number(query.strip_prefix("ms=").unwrap_or_default(), 10_000) {
            None => (400, json!({"error": "bad ms"})),
            Some(ms) => {
                std::thread::sleep(Duration::from_millis(ms));
                let key = format!("{}_ms", &route[1..]);
                (200, Value::Object([(key, json!(ms))].into_iter().collect()))
            }
        },
        _ => {
            let id = route.strip_prefix("/items/").filter(|id| !id.starts_with('0'));
            match id.and_then(|id| number(id, 1_000_000)) {
                Some(id) => counted(Some(20), &|count| listing(id, count)),
                None => (404, json!({"error": "not found"})),
            }
        }
    }
}

/// An order without the keys that it should not have; `None` if it breaks a rule.
fn order(order: &Value) -> Option<Value> {
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

fn orders(list: &Value) -> Option<Vec<Value>> {
    let list = list.as_array().filter(|list| (1..=9999).contains(&list.len()))?;
    list.iter().map(order).collect()
}

fn checked(answer: fn(&str, &str) -> Reply, version: &str) -> Vec<Checked> {
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
    assert_eq!(right, [1, 1, 39, 23, 40, 21, 21, 12, 12, 1]);
}

#[test]
fn the_requests_of_a_measurement_are_answered() {
    let stop = AtomicBool::new(false);
    let server = Server {
        address: app(right),
        stop: &stop,
    };
    let mut connection = server.connect().unwrap();
    for kind in Routes::Contract.kinds() {
        for (units, request) in kind.sizes {
            let answer = server.answer(&mut connection, &request).unwrap();
            let body = String::from_utf8(answer.body).unwrap();
            assert_eq!(answer.status, 200, "{} {units}", kind.name);
            let rows = body.matches("<tr>").count() as u32;
            let counted = body.contains(&format!("\"count\":{units},"));
            assert!(counted || rows == units, "{} {units}: {body}", kind.name);
        }
    }
}
