//! The costs of a service beside its compute.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::common::{Sandbox, table};

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap_or_else(|_| panic!("`{text}` is no decimal"))
}

const EXTRAS: &str = "\n[extras]\nresponse-size = \"1KiB\"\ninternet = true\npublic-ipv4 = 2\n\n[extras.load-balancer]\n\n\
                      [extras.logs]\nsize = \"2KiB\"\nretention = \"1460h\"\n\n[prices]";

fn quantities(sandbox: &Sandbox, folder: &str) -> BTreeMap<String, Decimal> {
    let mut sums = BTreeMap::new();
    for row in table(&sandbox.read(&format!("{folder}/costs.csv"))) {
        *sums.entry(row["meter"].clone()).or_default() += dec(&row["quantity"]);
    }
    sums
}

/// A request each second: by hand for a month of 730 h. Requests are as many as Lambda bills.
#[test]
fn a_load_balancer_logs_and_traffic_are_on_the_bill() {
    let sandbox = Sandbox::new();
    let shop = sandbox.read("shop.toml");
    sandbox.write("extras.toml", &shop.replace("\n[prices]", EXTRAS));
    sandbox.run("simulate shop.toml --quiet --out without").ok();
    let ran = sandbox.run("simulate extras.toml --assumptions --out with").ok();
    assert!(ran.to_string().contains("LCUs are worked out for each hour"), "{ran}");
    let (without, with) = (quantities(&sandbox, "without"), quantities(&sandbox, "with"));
    let requests = with["lambda.requests"];
    assert_eq!(requests, without["lambda.requests"]);
    let close = |meter: &str, expected: Decimal| {
        let found = with[meter];
        assert!(
            (found - expected).abs() < dec("0.000001"),
            "{meter}: {found} and not {expected}"
        );
    };
    close("elb.alb.hour", dec("730"));
    close("network.public_ipv4", dec("1460"));
    // One new connection a second is a 25th of an LCU.
    close("elb.alb.lcu", requests / dec("3600") / dec("25"));
    close("network.egress.internet", requests / dec("1048576"));
    close("cloudwatch.lambda_logs", requests / dec("524288"));
    close("cloudwatch.logs.storage", requests / dec("524288") * dec("2"));
    // The bill is the sum of its lines, and what is charged over time has no cost in a part of the time.
    let lines = table(&sandbox.read("with/costs.csv"));
    let total: Decimal = lines.iter().map(|row| dec(&row["cost_usd"])).sum();
    let summary = table(&sandbox.read("with/summary.csv"));
    assert_eq!(total.normalize(), dec(&summary[0]["monthly_cost_usd"]).normalize());
    let timeline = table(&sandbox.read("with/timeline.csv"));
    assert!(timeline.iter().all(|row| row["cost_usd"].is_empty()));
}

/// Services share a load balancer by their requests.
#[test]
fn services_share_what_is_in_front_of_them() {
    let sandbox = Sandbox::new();
    let mall = sandbox.read("mall.toml");
    sandbox.write("extras.toml", &mall.replacen("\n[prices]", EXTRAS, 1));
    sandbox.run("simulate extras.toml --quiet --out r").ok();
    let rows = table(&sandbox.read("r/costs.csv"));
    let of = |service: &str, meter: &str| {
        let own = rows
            .iter()
            .filter(|row| row["service"] == service && row["meter"] == meter);
        own.map(|row| dec(&row["quantity"])).sum::<Decimal>()
    };
    let hours = [of("checkout", "elb.alb.hour"), of("search", "elb.alb.hour")];
    assert!((hours[0] + hours[1] - dec("730")).abs() < dec("0.000001"), "{hours:?}");
    // Both get the same traffic.
    assert!((hours[0] / hours[1] - Decimal::ONE).abs() < dec("0.2"), "{hours:?}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sandbox = Sandbox::new();
    let shop = sandbox.read("shop.toml");
    for (extras, part) in [
        ("internet = true", "needs `extras.response-size`"),
        ("response-size = \"12\"", "12KB"),
        ("public-ip = 2", "unknown field `public-ip`"),
        ("[extras.registry]", "the size of the image of `steady` is not known"),
        ("[extras.nat]\npulls = true", "functions do not pull images"),
    ] {
        sandbox.write(
            "bad.toml",
            &shop.replace("\n[prices]", &format!("\n[extras]\n{extras}\n\n[prices]")),
        );
        let ran = sandbox.run("check bad.toml");
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
    let unpriced = shop.replace(
        "\n[prices]\nlist = \"aws-us-east-1\"\n",
        "\n[extras]\npublic-ipv4 = 1\n",
    );
    sandbox.write("bad.toml", &unpriced);
    let ran = sandbox.run("check bad.toml");
    assert!(ran.stderr.contains("[extras] needs [prices]"), "{ran}");
    let google = shop
        .replace("[platform.lambda]\nmemory = \"512Mi\"", "[platform.cloud-run]")
        .replace(
            "\n[prices]\nlist = \"aws-us-east-1\"",
            "\n[extras]\npublic-ipv4 = 1\n\n[prices]\nlist = \"gcp-us-central1\"",
        );
    sandbox.write("bad.toml", &google);
    let ran = sandbox.run("check bad.toml");
    assert!(ran.stderr.contains("[extras]: price list gcp-us-central1"), "{ran}");
}
