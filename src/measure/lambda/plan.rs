//! The plan of a measurement on Lambda: the things that it would create, its calls, its time and its cost.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::{Cause, Request, Source};
use crate::measure::progress::human;
use crate::model::price::{PriceError, PriceList};
use crate::units::MemoryMib;

/// The seconds of a start of which nothing is known.
const UNKNOWN_START_S: f64 = 2.0;
/// The seconds that a change of a configuration or a new version takes until it counts.
const CHANGE_S: f64 = 3.0;
/// The looks at the state after a change.
const LOOKS: u64 = 6;
/// The seconds of a warm invocation that are billed, and those that its caller waits.
const WARM_S: f64 = 0.01;
const WARM_WALL_S: f64 = 0.08;
/// The seconds for which each invocation of a burst keeps its environment.
pub const BURST_HOLD_S: f64 = 1.0;

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The things that would be created, in words.
    pub creates: Vec<String>,
    /// The starts and the warm invocations.
    pub starts: u64,
    /// The warm invocations.
    pub warm: u64,
    /// The calls by action.
    pub calls: Vec<(&'static str, u64)>,
    /// The seconds that it takes.
    pub seconds: f64,
    /// The expected cost in US dollars.
    pub usd: Decimal,
    /// The list of the prices.
    pub prices: String,
    /// The grounds of the plan, in sentences.
    pub rests_on: Vec<String>,
}

/// The price of GB-seconds and of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    gb_second: Decimal,
    request: Decimal,
    id: String,
}

impl Prices {
    /// The prices of a list.
    ///
    /// # Errors
    /// The list has none of Lambda.
    pub fn of(list: &PriceList, arm: bool) -> Result<Self, PriceError> {
        let unit = |meter: &str| list.price(meter).map(|price| price.tiers[0].unit_price_usd);
        Ok(Self {
            gb_second: unit(if arm {
                "lambda.duration.arm"
            } else {
                "lambda.duration.x86"
            })?,
            request: unit("lambda.requests")?,
            id: list.id.clone(),
        })
    }

    /// The cost of invocations with so many billed seconds in all.
    pub fn usd(&self, memory: MemoryMib, billed_s: f64, invocations: u64) -> Decimal {
        let gb = Decimal::from(memory.0) / Decimal::from(1024);
        let seconds = Decimal::from_f64_retain(billed_s).unwrap_or_default();
        (gb * seconds * self.gb_second + Decimal::from(invocations) * self.request).normalize()
    }

    /// The most that one start with its warm invocations can cost: each until the function's timeout.
    pub fn most(&self, request: &Request, memory: MemoryMib) -> Decimal {
        let invocations = u64::from(1 + request.warm).max(u64::from(request.burst));
        self.usd(memory, invocations as f64 * request.timeout.as_secs_f64(), invocations)
    }
}

/// The plan of a measurement.
pub fn plan(request: &Request, prices: &Prices) -> Plan {
    let (mut calls, mut usd, mut seconds) = (Calls::default(), Decimal::ZERO, 0.0);
    let (mut starts, mut warm) = (0u64, 0u64);
    let mut creates = Vec::new();
    let mut unknown = Vec::new();
    calls.add("lambda:GetAccountSettings", 1);
    for subject in &request.subjects {
        creates.push(format!("function coldcast-<run>-{}", subject.name));
        if let Source::Framework { .. } = subject.source {
            creates.push(format!(
                "repository coldcast-<run>-{} in ECR with one image",
                subject.name
            ));
            calls.add("ecr:CreateRepository", 1);
            calls.add("ecr:DeleteRepository", 1);
            seconds += 60.0;
        }
        calls.add("lambda:CreateFunction", 1);
        calls.add("lambda:GetFunctionConfiguration", LOOKS);
        calls.add("lambda:DeleteFunction", 1);
        seconds += 15.0;
        let start_s = subject.expected_start_s.unwrap_or(UNKNOWN_START_S);
        if subject.expected_start_s.is_none() {
            unknown.push(subject.name.as_str());
        }
        for &memory in &request.memory {
            for &cause in &request.causes {
                let n = u64::from(request.samples);
                let (changes, each_s) = match cause {
                    Cause::Burst => (n.div_ceil(u64::from(request.burst.max(1))), start_s + BURST_HOLD_S),
                    _ => (n, start_s),
                };
                calls.add("lambda:GetAccountSettings", changes);
                calls.add("lambda:UpdateFunctionConfiguration", changes);
                calls.add("lambda:GetFunctionConfiguration", changes * LOOKS);
                if cause == Cause::Version {
                    calls.add("lambda:PublishVersion", changes);
                    calls.add("lambda:DeleteFunction", changes);
                    calls.add("lambda:GetFunctionConfiguration", changes * LOOKS);
                }
                let after = match cause {
                    Cause::Burst => 0,
                    _ => n * u64::from(request.warm),
                };
                calls.add("lambda:InvokeFunction", n + after);
                starts += n;
                warm += after;
                usd += prices.usd(memory, n as f64 * each_s + after as f64 * WARM_S, n + after);
                seconds += changes as f64 * (CHANGE_S + each_s) + after as f64 * WARM_WALL_S;
            }
        }
    }
    let gaps: f64 = request.idle_gaps.iter().map(|gap| gap.as_secs_f64()).sum();
    if gaps > 0.0 {
        let looks = request.idle_gaps.len() as u64 * request.subjects.len() as u64;
        calls.add("lambda:InvokeFunction", 2 * looks);
        seconds += gaps;
    }
    let mut rests_on = vec![
        format!(
            "prices of {}: those of another region differ by some ten per cent",
            prices.id
        ),
        "a start is expected to take what was measured in containers at 1 vCPU".to_string(),
    ];
    if !unknown.is_empty() {
        rests_on.push(format!(
            "{UNKNOWN_START_S} s for {}, of which nothing is known",
            unknown.join(", ")
        ));
    }
    if request.snap_start {
        rests_on.push("snapshots of Python cost cache and restores beyond this; those of Java nothing".into());
    }
    if request
        .subjects
        .iter()
        .any(|subject| matches!(subject.source, Source::Framework { .. }))
    {
        rests_on.push("the storage of images for the time of the run, less than a cent, is not counted".into());
    }
    Plan {
        creates,
        starts,
        warm,
        calls: calls.0,
        seconds,
        usd,
        prices: prices.id.clone(),
        rests_on,
    }
}

#[derive(Default)]
struct Calls(Vec<(&'static str, u64)>);

impl Calls {
    fn add(&mut self, action: &'static str, count: u64) {
        match self.0.iter_mut().find(|(name, _)| *name == action) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((action, count)),
        }
    }
}

impl Plan {
    /// The plan for people.
    pub fn text(&self, region: &str) -> String {
        let mut text = format!("Would create in {region}, with the tag {}:\n", super::journal::TAG);
        for thing in &self.creates {
            let _ = writeln!(text, "  {thing}");
        }
        let _ = writeln!(
            text,
            "{} cold starts and {} warm invocations. Calls:",
            self.starts, self.warm
        );
        let most = self.calls.iter().map(|(action, _)| action.len()).max().unwrap_or(0);
        for (action, count) in &self.calls {
            let _ = writeln!(text, "  {action:most$}  {count:>7}");
        }
        let _ = writeln!(
            text,
            "Takes about {}, and costs about {} dollars.",
            human(std::time::Duration::from_secs_f64(self.seconds)),
            dollars(self.usd)
        );
        for sentence in &self.rests_on {
            let _ = writeln!(text, "- {sentence}");
        }
        text
    }
}

/// An amount with two digits that count.
pub fn dollars(usd: Decimal) -> String {
    let mut decimals = 2;
    let mut scaled = usd * Decimal::from(10);
    while scaled < Decimal::ONE && scaled > Decimal::ZERO && decimals < 8 {
        scaled *= Decimal::from(10);
        decimals += 1;
    }
    format!("{:.*}", decimals as usize, usd.round_dp(decimals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::lambda::LambdaSubject;

    fn request() -> Request {
        let subject = |name: &str, expected_start_s| LambdaSubject {
            name: name.into(),
            path: "/healthz".into(),
            port: 8080,
            source: Source::Image("111122223333.dkr.ecr.us-east-1.amazonaws.com/x@sha256:1".into()),
            expected_start_s,
        };
        Request {
            subjects: vec![subject("express", Some(0.5)), subject("mine", None)],
            memory: vec![MemoryMib(1024)],
            arm: false,
            samples: 50,
            causes: vec![Cause::Nonce],
            burst: 10,
            warm: 10,
            role: String::new(),
            timeout: super::super::TIMEOUT,
            snap_start: false,
            idle_gaps: Vec::new(),
            max_usd: None,
            out: "measured".into(),
            seed: 1,
            command: String::new(),
        }
    }

    fn prices() -> Prices {
        Prices::of(&PriceList::find("aws-us-east-1").unwrap(), false).unwrap()
    }

    #[test]
    fn the_cost_is_that_of_the_price_list_by_hand() {
        let plan = plan(&request(), &prices());
        assert_eq!((plan.starts, plan.warm), (100, 1_000));
        // 50 starts of 0.5 s and of 2 s with 1 GB, 1,000 warm ones of 10 ms, and 1,100 requests.
        let expected = (50.0 * 2.5 + 1_000.0 * 0.01) * 0.0000166667 + 1_100.0 * 0.2e-6;
        let usd: f64 = plan.usd.to_string().parse().unwrap();
        assert!((usd / expected - 1.0).abs() < 1e-6, "{usd} {expected}");
        let of = |name: &str| {
            plan.calls
                .iter()
                .find(|(action, _)| *action == name)
                .map(|(_, count)| *count)
        };
        assert_eq!(of("lambda:InvokeFunction"), Some(1_100));
        assert_eq!(of("lambda:CreateFunction"), Some(2));
        assert_eq!(of("lambda:PublishVersion"), None);
        let text = plan.text("us-east-1");
        assert!(
            text.contains("function coldcast-<run>-express") && text.contains("0.0025 dollars"),
            "{text}"
        );
        assert!(text.contains("2 s for mine"), "{text}");
    }

    #[test]
    fn small_amounts_keep_two_digits() {
        let shown = |text: &str| dollars(text.parse().unwrap());
        assert_eq!(shown("12.3456"), "12.35");
        assert_eq!(shown("0.0024701"), "0.0025");
        assert_eq!(shown("0"), "0.00");
    }
}
