//! `bill` and `catalog prices`: published bills line by line, and what is wrong with a table.

use crate::common::{Sandbox, table};

/// The total of a table of usage with each line rounded to the cent, as vendors print it, and the lines.
#[track_caller]
fn priced(usage: &[(&str, &str)], flags: &str) -> (String, Vec<(String, String)>) {
    let sandbox = Sandbox::new();
    let lines: String = usage
        .iter()
        .map(|(meter, quantity)| format!("{meter},{quantity}\n"))
        .collect();
    sandbox.write("usage.csv", &format!("meter,quantity\n{lines}"));
    let ran = sandbox.run(&format!("bill usage.csv {flags}")).ok();
    let rounded = ran.stderr.split("rounded to the cent first: ").nth(1).unwrap();
    let rows = table(&ran.stdout).into_iter().map(|row| {
        assert_eq!((row["variant"].as_str(), row["service"].as_str()), ("", ""));
        (row["meter"].clone(), row["cost_usd"].clone())
    });
    (rounded.split(' ').next().unwrap().to_string(), rows.collect())
}

/// Examples that vendors publish; what each is of is said beside it. Quantities by hand from the inputs there.
#[test]
fn published_bills_come_out_to_the_cent() {
    // AWS Lambda pricing page: 3,000,000 requests of 120 ms at 1,536 MB; 540,000 GB-seconds.
    let mobile = [("lambda.requests", "3000000"), ("lambda.duration.x86", "540000")];
    assert_eq!(priced(&mobile, "--free-tier").0, "2.73");
    // AWS Lambda pricing page: 100 environments for 8 h, 500,000 requests of 100 ms on them and 2,500,000 of 120 ms beside.
    let launch = [
        ("lambda.requests", "3000000"),
        ("lambda.provisioned_concurrency.x86", "4320000"),
        ("lambda.pc_duration.x86", "75000"),
        ("lambda.duration.x86", "450000"),
    ];
    assert_eq!(priced(&launch, "--free-tier").0, "19.96");
    // AWS Fargate pricing page: five tasks of 1 vCPU, 2 GB and 30 GB of storage for ten minutes a day, 30 days.
    let tasks = [
        ("fargate.vcpu.x86", "25"),
        ("fargate.memory.x86", "50"),
        ("fargate.ephemeral_storage", "250"),
    ];
    assert_eq!(priced(&tasks, "").0, "1.26");
    // Elastic Load Balancing pricing page: 720 h, bytes are the largest dimension, 1.08 LCU.
    let balancer = [("elb.alb.hour", "720"), ("elb.alb.lcu", "777.6")];
    assert_eq!(priced(&balancer, "").0, "22.42");
    // Amazon API Gateway pricing page: a billion requests of an HTTP API, over two tiers.
    let (total, lines) = priced(&[("api-gateway.http", "1e9")], "");
    assert_eq!((total.as_str(), lines.len()), ("930.00", 2));
    // NAT gateway: a month of 730 h and 100 GB.
    let gateway = [("network.nat.hour", "730"), ("network.nat.data", "100")];
    assert_eq!(priced(&gateway, "").0, "37.35");
    // Cloud Run in a region of tier 2: 500,000 requests of 3.6 s on 1 vCPU and 0.5 GiB.
    let run = [
        ("cloud-run.request.cpu", "1800000"),
        ("cloud-run.request.memory", "900000"),
        ("cloud-run.request.requests", "500000"),
    ];
    assert_eq!(priced(&run, "--prices gcp-europe-west3").0, "63.83");
    // Azure Functions documentation: 3,540,123 executions of 495 ms at 490 MB, which is 512.
    let executions = [
        ("functions.consumption.duration", "876180.4425"),
        ("functions.consumption.executions", "3540123"),
    ];
    assert_eq!(priced(&executions, "--prices azure-eastus").0, "14.73");
}

/// A GB at each edge of the tiers of traffic to the internet, by hand: 10,240 at 0.09, 40,960 at 0.085, 102,400 at 0.07 and what is
/// above at 0.05; with the free 100 GB taken off first.
#[test]
fn tiers_are_marginal_and_the_allowance_comes_first() {
    let total = |gb: &str, flags: &str| {
        let (_, lines) = priced(&[("network.egress.internet", gb)], flags);
        lines.iter().map(|(_, usd)| usd.parse::<f64>().unwrap()).sum::<f64>()
    };
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} and not {expected}");
    close(total("10240", ""), 921.6);
    close(total("10241", ""), 921.685);
    close(total("51201", ""), 921.6 + 3_481.6 + 0.07);
    close(total("153601", ""), 921.6 + 3_481.6 + 7_168.0 + 0.05);
    close(total("10340", "--free-tier"), 921.6);
    close(total("50", "--free-tier"), 0.0);
}

#[test]
fn prices_can_be_set_and_discounted() {
    let nodes = [
        ("ec2.m7i.large", "100"),
        ("ec2.spot.m5.large", "100"),
        ("elb.alb.hour", "100"),
    ];
    let costs = |flags: &str| -> Vec<String> { priced(&nodes, flags).1.into_iter().map(|(_, usd)| usd).collect() };
    assert_eq!(costs(""), ["10.08", "3.835", "2.25"]);
    assert_eq!(costs("--set-price ec2.m7i.large=0.09"), ["9", "3.835", "2.25"]);
    // By the first word of a meter, by the meter, and by the service.
    assert_eq!(costs("--discount ec2=10%"), ["9.072", "3.4515", "2.25"]);
    assert_eq!(costs("--discount ec2.m7i.large=50%"), ["5.04", "3.835", "2.25"]);
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "meter,quantity\nelb.alb.hour,100\n");
    let by_service = sandbox.run("bill u.csv --discount 'Elastic Load Balancing=100%'");
    assert!(by_service.stderr.starts_with("total 0 USD"), "{by_service}");
    for (flag, said) in [
        ("--set-price ec2.m7i.large", "has no `=`"),
        ("--set-price ec2.m7i.larg=1", "did you mean: ec2.m7i.large"),
        ("--set-price ec2.m7i.large=-1", "is not a price"),
        ("--discount ec2=120%", "is not a discount"),
        ("--discount ec3=12%", "has no price for meter `ec3`"),
    ] {
        let ran = sandbox.run(&format!("bill u.csv {flag}"));
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(said), "{ran}");
    }
}

#[test]
fn groups_share_a_bill_that_adds_up() {
    let sandbox = Sandbox::new();
    // Together 3,000,000 requests of which one is free, pro rata.
    sandbox.write(
        "u.csv",
        "meter,quantity,group\nlambda.requests,2000000,shop\nlambda.requests,1000000,\n",
    );
    let ran = sandbox.run("bill u.csv --free-tier").ok();
    assert!(
        ran.stderr
            .starts_with("total 0.4 USD; with each line rounded to the cent first: 0.40 USD"),
        "{ran}"
    );
    assert!(ran.stderr.contains("of which no group: 0.133333333"), "{ran}");
    assert!(ran.stderr.contains("of which shop: 0.266666666"), "{ran}");
    let rows = table(&ran.stdout);
    assert_eq!(
        (
            rows.len(),
            rows[0]["quantity"].as_str(),
            rows[0]["free_quantity"].as_str()
        ),
        (1, "2000000", "1000000")
    );
}

#[test]
fn a_bad_table_is_refused_with_its_lines() {
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "meter,quantity\nlambda.requests,\nlambda.duration,5\n");
    let ran = sandbox.run("bill u.csv");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.stderr
            .contains("u.csv:2: quantity `` of `lambda.requests` is missing"),
        "{ran}"
    );
    assert!(ran.stderr.contains("u.csv:3: price list aws-us-east-1"), "{ran}");
    assert!(ran.stderr.contains("lambda.duration.x86"), "{ran}");
    assert_eq!(ran.stdout, "");
    let none = sandbox.run("bill none.csv");
    assert_eq!(none.code, Some(2), "{none}");
    assert!(none.stderr.contains("none.csv"), "{none}");
}

/// Every list is shown, and every figure of it with its date and source.
#[test]
fn price_lists_are_shown_with_age_and_confidence() {
    let sandbox = Sandbox::new();
    let lists = table(&sandbox.run("catalog prices --format csv").ok().stdout);
    assert!(
        lists.iter().any(|list| list["list"].starts_with("aws-us-east-1-")),
        "{lists:?}"
    );
    for list in &lists {
        let prices = table(
            &sandbox
                .run(&format!("catalog prices {} --format csv", list["list"]))
                .ok()
                .stdout,
        );
        let mut meters: Vec<&str> = prices.iter().map(|price| price["meter"].as_str()).collect();
        meters.dedup();
        assert_eq!(meters.len().to_string(), list["meters"]);
        assert!(
            prices
                .iter()
                .all(|price| !price["as_of"].is_empty() && !price["source"].is_empty())
        );
    }
    let ran = sandbox.run("catalog prices aws-us-east-1").ok();
    assert!(
        ran.stderr
            .contains("warning: `fargate.spot.vcpu.x86` has a low confidence"),
        "{ran}"
    );
    let nodes = table(&sandbox.run("catalog nodes --format csv").ok().stdout);
    let large = nodes.iter().find(|node| node["type"] == "m7i.large").unwrap();
    assert_eq!(
        (
            large["allocatable_vcpu"].as_str(),
            large["allocatable_mib"].as_str(),
            large["usd_per_hour"].as_str()
        ),
        ("1.93", "7518", "0.1008")
    );
}
