//! The queue M/M/1 against theory: one server, Poisson arrivals, exponential service times.
//!
//!     cargo run --example mm1
//!
//! With λ arrivals and μ services per second, a request stays 1 / (μ - λ) seconds on average (Kleinrock, Queueing Systems,
//! volume 1, 1975, chapter 3).

use coldcast::{Metric, Options, Progress};

/// Services per second.
const SERVICES: f64 = 10.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("load  theory, ms  simulated, ms");
    for arrivals in [2.0, 5.0, 8.0] {
        let text = format!(
            r#"
            schema = 1
            name = "mm1"
            replications = 40
            warm-up = "500s"
            horizon = "10000s"
            frameworks = ["server"]
            [traffic.poisson]
            rate = "{arrivals}/s"
            [platform.fixed]
            replicas = 1
            [profile.server]
            service-time = {{ exponential = {{ mean = "100ms" }} }}
            cold-start = "0s"
            "#
        );
        let plan = coldcast::plan(&coldcast::from_text(&text)?)?;
        let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
        let (low, high) = study.variants[0]
            .all()
            .interval(Metric::LatencyMean)
            .ok_or("one replication")?;
        let theory = 1e3 / (SERVICES - arrivals);
        println!("{:4.1}  {theory:10.1}  {low:.1} to {high:.1}", arrivals / SERVICES);
        assert!(
            low < theory && theory < high,
            "theory is outside of the 95% interval of the simulation"
        );
    }
    Ok(())
}
