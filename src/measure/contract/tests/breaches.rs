//! Apps that break the contract, each in one way: the check tells the route and the difference.

use super::*;

type Answer = fn(&str, &str) -> Reply;

/// The differences of an app that should not pass.
fn told(answer: Answer) -> String {
    differences(&checked(answer, "1.2")).expect("a difference")
}

/// The difference of one route of an app that should not pass.
fn told_of(route: &str, answer: Answer) -> String {
    let stop = AtomicBool::new(false);
    let server = Server {
        address: app(answer),
        stop: &stop,
    };
    let route = ROUTES.iter().find(|(name, _)| *name == route).expect("a route");
    check_route(server, None, route).difference.expect("a difference")
}

#[test]
fn each_breach_is_named_with_its_route() {
    assert_eq!(
        differences(&checked(right, "1.3")).unwrap(),
        r#"GET /json: got 200 {"framework":"mine","message":"hello","version":"1.2"}, expected mine 1.3"#
    );
    let hasty = |path: &str, body: &str| match path.starts_with("/io") {
        true => right(&path.replace("=60", "=1"), body),
        false => right(path, body),
    };
    assert!(told(hasty).starts_with("GET /io: GET /io?ms=60: expected"));
    let lenient = |path: &str, body: &str| match path {
        "/echo" if body.contains("\"2\"") => (200, json!({})),
        _ => right(path, body),
    };
    assert!(told(lenient).contains("expected 400 or 422 with an error text, got 200 {}"));
    let rounding = |path: &str, body: &str| match path {
        "/items/271828" => (200, listing(271_829, 20)),
        _ => right(path, body),
    };
    assert!(told(rounding).starts_with("GET /items/{id}: GET /items/271828: expected 200"));
}

/// Each app breaks one rule of one route. The difference must begin as the entry says.
fn each(route: &str, cases: &[(Answer, &str)]) {
    for (answer, expected) in cases {
        let told = told_of(route, *answer);
        assert!(told.starts_with(expected), "{expected}\n{told}");
    }
}

/// The answer of an app that has read another count than the one in the path.
fn as_if(path: &str, from: &str, to: &str) -> Reply {
    right(&path.replace(from, to), "")
}

#[test]
fn wrong_items_are_found() {
    let ignores = |path: &str, body: &str| match path.split_once("?count=") {
        Some((route, _)) if path.starts_with("/items") => right(route, body),
        _ => right(path, body),
    };
    let one_less = |path: &str, body: &str| match path {
        "/items/271828?count=999" => as_if(path, "999", "998"),
        _ => right(path, body),
    };
    let last_is_wrong = |path: &str, body: &str| match path {
        "/items/365?count=9999" => {
            let (status, mut listing) = right(path, body);
            listing["items"][9998]["price"] = json!("1.0");
            (status, listing)
        }
        _ => right(path, body),
    };
    let trims = |path: &str, body: &str| match path {
        "/items/7?count=5%0A" => (200, listing(7, 5)),
        _ => right(path, body),
    };
    let count_first = |path: &str, body: &str| match path {
        "/items/abc?count=0" => (400, json!({"error": "bad count"})),
        _ => right(path, body),
    };
    each(
        "GET /items/{id}",
        &[
            (
                ignores,
                "GET /items/7?count=: expected 400 {\"error\":\"bad count\"}, got 200",
            ),
            (one_less, "GET /items/271828?count=999: expected 200 {\"count\":999,"),
            (last_is_wrong, "GET /items/365?count=9999: expected 200"),
            (
                trims,
                "GET /items/7?count=5%0A: expected 400 {\"error\":\"bad count\"}, got 200",
            ),
            (
                count_first,
                "GET /items/abc?count=0: expected 404 {\"error\":\"not found\"}, got 400",
            ),
        ],
    );
    let whole = told_of("GET /items/{id}", last_is_wrong);
    // Cents: (365 * 37 + 9999 * 1009) mod 100000 + 100 = 2596.
    let end = r#"; the first difference: items[9998].price: expected "25.96", got "1.0""#;
    assert!(whole.ends_with(end), "{whole}");
}

/// The answer of an app that looks at some of the orders only, or that has other rules for the list.
fn lax(path: &str, body: &str, judged: fn(Vec<Value>) -> Option<Vec<Value>>) -> Reply {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    match (path, parsed) {
        ("/validate", Some(Value::Array(list))) => match judged(list) {
            Some(list) => (200, validate::totals(&list)),
            None => (400, json!({"error": "wrong"})),
        },
        _ => right(path, body),
    }
}

fn good(list: Vec<Value>) -> Option<Vec<Value>> {
    list.iter().map(order).collect()
}

#[test]
fn lax_validation_is_found() {
    let without_last = |path: &str, body: &str| {
        lax(path, body, |list| {
            orders(&json!(list))?;
            Some(list[..list.len().max(2) - 1].to_vec())
        })
    };
    let not_the_last = |path: &str, body: &str| {
        lax(path, body, |list| match list.len() {
            999 => good(list[..998].to_vec()).map(|_| list),
            1..=9999 => good(list),
            _ => None,
        })
    };
    let not_the_middle = |path: &str, body: &str| {
        lax(path, body, |list| match list.len() {
            999 => good([&list[..1], &list[998..]].concat()).map(|_| list),
            1..=9999 => good(list),
            _ => None,
        })
    };
    let any_number = |path: &str, body: &str| lax(path, body, good);
    let any_length = |path: &str, body: &str| lax(path, body, |list| good(list).filter(|list| !list.is_empty()));
    let no_numbers = |path: &str, body: &str| {
        lax(path, body, |list| {
            let list: Vec<Value> = list.into_iter().filter(|order| !order.is_number()).collect();
            orders(&json!(list))
        })
    };
    let one_order = |path: &str, body: &str| match serde_json::from_str(body) {
        Ok(single @ Value::Object(_)) if path == "/validate" => match order(&single) {
            Some(order) => (200, validate::totals(&[order])),
            None => right(path, body),
        },
        _ => right(path, body),
    };
    let small = |path: &str, body: &str| match body.len() {
        1_048_577.. => (413, json!({"error": "too large"})),
        _ => right(path, body),
    };
    let crashes = |path: &str, body: &str| match path {
        "/validate" if body == "[" => (500, json!({"error": "internal error"})),
        _ => right(path, body),
    };
    let adds_sent = |path: &str, body: &str| match (path, right(path, body)) {
        // Counts the tags of keys that it should have dropped.
        ("/validate", (200, mut totals)) => {
            totals["tags"] = json!(body.matches("\"b\"").count() as u64 + totals["tags"].as_u64().unwrap());
            (200, totals)
        }
        (_, reply) => reply,
    };
    each(
        "POST /validate",
        &[
            (
                without_last,
                "POST /validate at the limits of its rules: expected 200 {\"count\":5,",
            ),
            (not_the_last, "POST /validate with 999 orders, number 999 is {"),
            (not_the_middle, "POST /validate with 999 orders, number 500 is {"),
            (any_number, "POST /validate []: expected 400 or 422"),
            (any_length, "POST /validate with 10000 orders: expected 400 or 422"),
            (
                no_numbers,
                "POST /validate with 3 orders, number 1 is 3: expected 400 or 422",
            ),
            (
                one_order,
                "POST /validate {\"name\":\"order 1\",\"quantity\":14,\"tags\":[\"sale\"]}: expected 400 or 422",
            ),
            (small, "POST /validate of about 3 MB: expected 200"),
            (
                crashes,
                "POST /validate [: expected 400 or 422 with an error text, got 500",
            ),
            (adds_sent, "POST /validate at the limits of its rules: expected 200"),
        ],
    );
}

#[test]
fn wrong_pages_are_found() {
    let unescaped = |path: &str, body: &str| match right(path, body) {
        (200, Value::String(page)) => (200, page.replace("&amp; packed", "& packed").into()),
        reply => reply,
    };
    let line = |path: &str, body: &str| match right(path, body) {
        (200, Value::String(page)) => (200, format!("{page}\n").into()),
        reply => reply,
    };
    let rounds = |path: &str, body: &str| match right(path, body) {
        (200, Value::String(page)) => (200, page.replace("<td>10.00</td>", "<td>10</td>").into()),
        reply => reply,
    };
    let as_json = |path: &str, body: &str| match right(path, body) {
        (200, Value::String(page)) => (200, json!({"page": page})),
        reply => reply,
    };
    let as_html = |path: &str, body: &str| match right(path, body) {
        (400, error) if path.starts_with("/template") => (400, error.to_string().into()),
        reply => reply,
    };
    let usual = |path: &str, body: &str| match path {
        "/template" => (200, page(20).into()),
        _ => right(path, body),
    };
    each(
        "GET /template",
        &[
            (unescaped, "GET /template?count=1: the body differs at byte "),
            (line, "GET /template?count=1: the body differs at byte "),
            (rounds, "GET /template?count=999: the body differs at byte "),
            (
                as_json,
                "GET /template?count=1: content-type is `application/json`, expected `text/html",
            ),
            (as_html, "GET /template: content-type is `text/html; charset=utf-8`"),
            (usual, "GET /template: content-type is `text/html; charset=utf-8`"),
        ],
    );
}

#[test]
fn wrong_totals_are_found() {
    fn changed(path: &str, body: &str, change: fn(&mut Value)) -> Reply {
        let (status, mut totals) = right(path, body);
        if path.starts_with("/compute") && status == 200 {
            change(&mut totals);
        }
        (status, totals)
    }
    let by_sku = |path: &str, body: &str| {
        changed(path, body, |totals| {
            let groups = totals["groups"].as_array_mut().unwrap();
            groups.sort_by_key(|group| group["sku"].as_str().unwrap().to_string());
        })
    };
    let shown_only = |path: &str, body: &str| {
        changed(path, body, |totals| {
            let groups = totals["groups"].as_array().unwrap();
            totals["total"] = groups
                .iter()
                .map(|group| group["amount"].as_u64().unwrap())
                .sum::<u64>()
                .into();
        })
    };
    let one_short = |path: &str, body: &str| {
        changed(path, body, |totals| {
            let groups = totals["groups"].as_array_mut().unwrap();
            groups.truncate(9);
        })
    };
    let first_only = |path: &str, body: &str| match path {
        "/compute?count=20" => as_if(path, "20", "10"),
        _ => right(path, body),
    };
    let hexadecimal = |path: &str, body: &str| match path {
        "/compute?count=0x10" => as_if(path, "0x10", "16"),
        _ => right(path, body),
    };
    let numbers = |path: &str, body: &str| {
        changed(path, body, |totals| {
            totals["total"] = totals["total"].to_string().into();
        })
    };
    each(
        "GET /compute",
        &[
            (by_sku, "GET /compute?count=20: expected 200"),
            (shown_only, "GET /compute?count=999: expected 200"),
            (one_short, "GET /compute?count=20: expected 200"),
            (first_only, "GET /compute?count=20: expected 200"),
            (
                hexadecimal,
                "GET /compute?count=0x10: expected 400 {\"error\":\"bad count\"}, got 200",
            ),
            (numbers, "GET /compute?count=1: expected 200"),
        ],
    );
}
