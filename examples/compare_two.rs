//! Compares two frameworks on AWS Lambda: latency, cost per month, and the difference with the same requests for both.
//!
//!     cargo run --example compare_two

use coldcast::{Metric, Options, Progress};

const SCENARIO: &str = r#"
schema = 1
name = "shop"
replications = 10
horizon = "6h"
frameworks = ["gin", "spring-boot"]

[traffic.poisson]
rate = "2/s"

[slo]
latency = "300ms"
objective = 0.99

[platform.lambda]
memory = "1769Mi"

[prices]
list = "aws-us-east-1"
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = coldcast::plan(&coldcast::from_text(SCENARIO)?)?;
    let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
    println!("framework    p99, ms  USD per month");
    for variant in &study.variants {
        let p99 = variant
            .all()
            .float(Metric::LatencyP99)
            .ok_or("no request was answered")?;
        let usd = variant.all().float(Metric::MonthlyCost).ok_or("no prices")?;
        println!("{:11}  {p99:7.1}  {usd:13.2}", variant.name());
    }
    let difference = study.paired(0, 1, Metric::MonthlyCost).ok_or("no prices")?;
    let half = difference.half_width().ok_or("one replication")?;
    println!("spring-boot less gin: {:.2} ±{half:.2} USD per month", difference.mean);
    assert!(
        difference.mean - half > 0.0,
        "the bill of spring-boot must be the larger one"
    );
    Ok(())
}
