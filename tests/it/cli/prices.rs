//! `prices refresh aws`, on files of the shape that AWS publishes, made up here.

use serde_json::{Value, json};

use crate::common::{Sandbox, table};

/// A product of an offer file with its tiers: begin, end, US dollars.
fn product(file: &mut Value, sku: &str, attributes: Value, tiers: &[(&str, &str, &str)]) {
    file["products"][sku] = json!({ "sku": sku, "productFamily": "x", "attributes": attributes });
    let mut dimensions = json!({});
    for (i, (begin, end, usd)) in tiers.iter().enumerate() {
        dimensions[format!("{sku}.T.{i}")] = json!({
            "rateCode": format!("{sku}.T.{i}"), "description": "made up", "beginRange": begin, "endRange": end, "unit": "x",
            "pricePerUnit": { "USD": usd }, "appliesTo": [],
        });
    }
    file["terms"]["OnDemand"][sku][format!("{sku}.T")] = json!({
        "offerTermCode": "T", "sku": sku, "effectiveDate": "2026-11-20T00:00:00Z", "priceDimensions": dimensions,
        "termAttributes": {},
    });
}

fn offers(code: &str) -> Value {
    json!({
        "formatVersion": "v1.0", "disclaimer": "made up", "offerCode": code, "version": "20261124000000",
        "publicationDate": "2026-11-24T12:00:00Z", "products": {}, "terms": { "OnDemand": {} }, "attributesList": {},
    })
}

fn files() -> Sandbox {
    let sandbox = Sandbox::new();
    let here =
        |usage: &str| json!({ "usagetype": usage, "regionCode": "us-east-1", "location": "US East (N. Virginia)" });
    let mut lambda = offers("AWSLambda");
    product(&mut lambda, "A", here("Request"), &[("0", "Inf", "0.0000002100")]);
    product(
        &mut lambda,
        "B",
        here("Lambda-GB-Second"),
        &[
            ("0", "6000000000", "0.0000166667"),
            ("6000000000", "15000000000", "0.0000140000"),
            ("15000000000", "Inf", "0.0000133334"),
        ],
    );
    // The tiers of arm have moved.
    product(
        &mut lambda,
        "C",
        here("Lambda-GB-Second-ARM"),
        &[("0", "1", "0.1"), ("1", "Inf", "0.1")],
    );
    let mut ec2 = offers("AmazonEC2");
    for (sku, system, tenancy, usd) in [
        ("D", "Linux", "Shared", "0.0900000000"),
        ("E", "Windows", "Shared", "0.9000000000"),
        ("F", "Linux", "Dedicated", "0.9500000000"),
    ] {
        let attributes = json!({
            "usagetype": "BoxUsage:m7g.large", "regionCode": "us-east-1", "operatingSystem": system, "tenancy": tenancy,
            "preInstalledSw": "NA", "capacitystatus": "Used", "licenseModel": "No License required", "instanceType": "m7g.large",
        });
        product(&mut ec2, sku, attributes, &[("0", "Inf", usd)]);
    }
    // Two prices for what looks the same here.
    for (sku, usd) in [("G", "1.0"), ("H", "2.0")] {
        product(&mut ec2, sku, here("BoxUsage:m7g.xlarge"), &[("0", "Inf", usd)]);
    }
    sandbox.write("lambda.json", &lambda.to_string());
    sandbox.write("ec2.json", &ec2.to_string());
    sandbox
}

#[test]
fn a_list_is_renewed_from_what_the_provider_publishes() {
    let sandbox = files();
    let ran = sandbox
        .run("prices refresh aws lambda.json ec2.json --out new.toml --format csv")
        .ok();
    let changes = table(&ran.stdout);
    let change = |meter: &str, from: &str| {
        let found = changes
            .iter()
            .find(|row| row["meter"] == meter && row["tier_from"] == from);
        found.map(|row| (row["usd_before"].clone(), row["usd_after"].clone()))
    };
    let pair = |before: &str, after: &str| Some((before.to_string(), after.to_string()));
    assert_eq!(changes.len(), 3, "{ran}");
    // Per million, as the list quotes it.
    assert_eq!(change("lambda.requests", "0"), pair("0.20", "0.21"));
    assert_eq!(
        change("lambda.duration.x86", "6000000000"),
        pair("0.000015", "0.000014")
    );
    assert_eq!(change("ec2.m7g.large", "0"), pair("0.0816", "0.09"));
    for said in [
        "wrote new.toml as aws-us-east-1-2026-11-24",
        "kept lambda.duration.arm: the tiers in the files have other bounds",
        "kept ec2.m7g.xlarge: several products with different prices share its usage type",
        "kept ec2.c7g.large: its usage type is not in the files",
        "kept lambda.snapstart.cache: its usage type is unknown",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran}");
    }
    // The new list is a list: it prices, and says where its figures are from.
    sandbox.write(
        "usage.csv",
        "meter,quantity\nlambda.requests,3000000\nec2.m7g.large,10\nec2.c7g.large,1\n",
    );
    let bill = sandbox.run("bill usage.csv --prices new.toml").ok();
    let rows = table(&bill.stdout);
    let cell = |meter: &str, column: &str| rows.iter().find(|row| row["meter"] == meter).unwrap()[column].clone();
    assert_eq!(cell("lambda.requests", "cost_usd"), "0.63");
    assert_eq!(cell("ec2.m7g.large", "cost_usd"), "0.9");
    assert_eq!(cell("ec2.m7g.large", "price_source"), "aws-bulk");
    assert_eq!(cell("ec2.m7g.large", "price_as_of"), "2026-11-20");
    assert_ne!(cell("ec2.c7g.large", "price_source"), "aws-bulk");
}

#[test]
fn what_cannot_be_read_leaves_nothing_behind() {
    let sandbox = files();
    sandbox.write("bad.json", "{ \"offerCode\": 1 }");
    sandbox.write("empty.json", &offers("AWSLambda").to_string());
    for (line, part) in [
        ("prices refresh aws none.json --out new.toml", "cannot read none.json"),
        (
            "prices refresh aws bad.json --out new.toml",
            "an offer file is the index.json",
        ),
        (
            "prices refresh aws empty.json --out new.toml",
            "the files have no price of the list",
        ),
        ("prices refresh aws lambda.json --out new.txt", "ends in .toml"),
        (
            "prices refresh aws lambda.json --out new.toml --list azure-eastus",
            "name a built-in list of AWS",
        ),
        ("prices refresh aws --out new.toml", "required"),
    ] {
        let ran = sandbox.run(line);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
    assert!(!sandbox.names("").contains(&"new.toml".to_string()));
}

/// Answers each request on a port of its own with this text, or with a status.
fn serve(status: &'static str, body: String) -> String {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/offers/index.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    address
}

#[test]
fn a_file_may_be_fetched_from_its_address() {
    let sandbox = files();
    let from_file = sandbox
        .run("prices refresh aws lambda.json ec2.json --out file.toml --format csv")
        .ok();
    let address = serve("200 OK", sandbox.read("lambda.json"));
    let fetched = sandbox
        .run(&format!(
            "prices refresh aws {address} ec2.json --out fetched.toml --format csv"
        ))
        .ok();
    assert_eq!(fetched.stdout, from_file.stdout, "{fetched}");
    assert_eq!(sandbox.read("fetched.toml"), sandbox.read("file.toml"));
    assert!(fetched.stderr.contains(&format!("fetching {address}")), "{fetched}");
    // What is not there, and what nobody serves, is no fault of the input; nothing is written.
    let missing = serve("404 Not Found", "nothing here".into());
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/index.json", listener.local_addr().unwrap())
    };
    for (address, says) in [(missing, "404"), (closed, "cannot fetch")] {
        let ran = sandbox.run(&format!("prices refresh aws {address} --out no.toml"));
        assert_eq!(ran.code, Some(3), "{ran}");
        assert!(ran.stderr.contains(says) && ran.stderr.contains("by its path"), "{ran}");
        assert!(!sandbox.path("no.toml").exists());
    }
    let page = serve("200 OK", "<html>no offers</html>".into());
    let ran = sandbox.run(&format!("prices refresh aws {page} --out no.toml"));
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("index.json of a service and region"), "{ran}");
}
