//! A platform, a kind of traffic and a report that are not part of the crate.
//!
//!     cargo run --example own_platform
//!
//! The platform has a fixed number of instances and no queue (the loss system M/M/c/c when arrivals are Poisson's). The traffic
//! comes in bursts. The report is a line of text per variant.

use coldcast::platform::{Admission, FleetView, Platform, PlatformKind, Reject, Shape};
use coldcast::traffic::{Arrival, Open, Opened, Source, TraceError, TrafficKind};
use coldcast::units::{SimDuration, SimTime};
use coldcast::{
    Assumption, Draws, Manifest, Metric, Options, PlatformSpec, Progress, Report, Study, Traffic, write_files,
};

/// Instances that are always up. A request that finds all of them busy is turned away.
#[derive(Clone, Copy)]
struct Booths {
    instances: u32,
}

impl PlatformKind for Booths {
    fn problems(&self) -> Vec<String> {
        match self.instances {
            0 => vec!["there must be an instance".into()],
            _ => Vec::new(),
        }
    }

    fn assumptions(&self) -> Vec<Assumption> {
        Vec::new()
    }

    fn shape(&self) -> Shape {
        Shape::default()
    }

    fn build(&self, _: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(*self)
    }
}

impl Platform for Booths {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            Admission::Warm
        } else {
            Admission::Reject(Reject::MaxInstances)
        }
    }

    fn replicas(&self) -> u32 {
        self.instances
    }
}

/// A number of requests at the same instant, again and again.
#[derive(Clone, Copy)]
struct Bursts {
    requests: u32,
    every: SimDuration,
}

impl TrafficKind for Bursts {
    fn example() -> &'static str {
        ""
    }

    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let end = open.horizon.ok_or(TraceError::NoHorizon { traffic: "bursts" })?;
        let source = Bursting {
            bursts: *self,
            next: SimTime::ZERO,
            end: SimTime::ZERO + end,
        };
        Ok(Opened::generated(source, end))
    }
}

/// The arrivals of [`Bursts`].
struct Bursting {
    bursts: Bursts,
    next: SimTime,
    end: SimTime,
}

impl Source for Bursting {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        if self.next >= self.end {
            return Ok(false);
        }
        out.extend(std::iter::repeat_n(
            Arrival::new(self.next),
            self.bursts.requests as usize,
        ));
        self.next = self.next + self.bursts.every;
        Ok(true)
    }
}

/// A line per variant: the share of requests that were turned away.
struct Losses;

impl Report for Losses {
    fn name(&self) -> &str {
        "losses.txt"
    }

    fn doc(&self) -> &str {
        "The share of requests that were turned away, a line per variant."
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let lines = study.variants.iter().map(|variant| {
            let rejected = variant.all().float(Metric::Rejected)?;
            let share = rejected / variant.all().float(Metric::Requests)?;
            Some(format!(
                "{} on {}: {share:.3} lost\n",
                variant.name(),
                variant.all().platform
            ))
        });
        lines.collect::<Option<String>>().map(String::into_bytes)
    }
}

const SCENARIO: &str = r#"
schema = 1
name = "booths"
replications = 2
horizon = "1h"
frameworks = ["server"]
[traffic.constant]
gap = "1s"
[platform.fixed]
[profile.server]
service-time = "100ms"
cold-start = "0s"
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut plan = coldcast::plan(&coldcast::from_text(SCENARIO)?)?;
    let variant = &mut plan.variants[0];
    variant.platform = PlatformSpec::own("booths", Booths { instances: 3 });
    variant.services[0].traffic = Traffic::own(
        "bursts",
        Bursts {
            requests: 4,
            every: SimDuration::from_secs(1),
        },
    );
    let study = coldcast::run(&plan.variants, Options::default(), &Progress::default())?;
    let folder = std::env::temp_dir().join(format!("own-platform-{}", std::process::id()));
    write_files(&folder, &[&Losses], &study, &Manifest::of(&[&plan], &study)?)?;
    let text = std::fs::read_to_string(folder.join(Losses.name()))?;
    std::fs::remove_dir_all(&folder)?;
    print!("{text}");
    // Of four requests at a time three are served.
    assert_eq!(text, "server on booths: 0.250 lost\n");
    Ok(())
}
