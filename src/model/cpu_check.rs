//! The check of a warm run against itself: CPU time per request was measured under two loads, and the CPU limit bounds it.
//!
//! 1. CPU time per request times a rate that the server kept cannot exceed the CPU limit. A warm run that says so by more than a quarter
//!    is wrong; by more than a tenth is a doubt.
//! 2. The bursts (a closed loop) and the last plateau (an open loop) must agree within 15%. Like is compared with like: the
//!    plateau runs at nine tenths of the highest stable rate, so the server still sleeps now and then. What that costs is
//!    taken from the gap law of the same run, if it has one. A plateau at less than 80% of the CPU limit is not compared.

use super::overhead;
use super::profile::{RouteRun, SettlingEnd, WarmRun};
use crate::stats::order;

/// The share of the limit by which CPU time per request times rate may exceed it. The rate comes from a longer loop than the CPU time, and
/// other programs slow the one and not the other: 8 to 9% on a quiet machine (Gin under half a core), up to 17% on a busy one
/// (2026-12-01). Code that is not warm yet, or a wrong counter, is off by factors.
const TOLERANCE: f64 = 0.25;
/// The share from which the excess is told.
const TOLD: f64 = 0.10;
/// The largest distance of two loads, as a share.
const AGREE_WITHIN: f64 = 0.15;
/// The share of the CPU limit from which bursts keep a server busy.
const BUSY: f64 = 0.7;
/// The share of the CPU limit from which a plateau is near saturation.
const NEAR_SATURATION: f64 = 0.8;

/// Returns true if a route's CPU time per request times `rate` per second exceeds a CPU limit in vCPUs by more than the
/// tolerance.
pub fn exceeds(route: &RouteRun, rate: f64, vcpu: f64) -> bool {
    loaded(route).is_some_and(|cpu_ms| cpu_ms * rate / 1e3 > (1.0 + TOLERANCE) * vcpu)
}

/// Returns a sentence about a warm run at a CPU limit in vCPUs whose CPU time per request times a rate exceeds that limit; `None`
/// if it is possible.
pub fn impossible(warm: &WarmRun, vcpu: f64) -> Option<String> {
    let (name, route) = main(warm)?;
    let rates = [
        ("saturation rate", warm.saturation_rps),
        (
            "highest stable rate",
            warm.stable_rate.as_ref().and_then(|stable| stable.rate),
        ),
    ];
    rates.into_iter().find_map(|(what, rate)| {
        let rate = rate.filter(|&rate| exceeds(route, rate, vcpu))?;
        let cpu_ms = loaded(route)?;
        Some(format!(
            "CPU time per request on route {name} ({cpu_ms:.4} ms) times the {what} ({rate:.0} per second) is {:.2} vCPU, which \
             exceeds the limit of {vcpu} vCPU: CPU time per request is wrong",
            cpu_ms * rate / 1e3
        ))
    })
}

/// Returns a sentence for each reason to doubt the CPU time per request of a warm run at a CPU limit in vCPUs; none for runs of
/// schema 1, which did not wait for it to settle.
pub fn doubts(warm: &WarmRun, vcpu: f64) -> Vec<String> {
    let Some(settling) = &warm.settling else {
        return Vec::new();
    };
    let mut doubts = Vec::new();
    let up = |end: SettlingEnd| end == SettlingEnd::TimeUp;
    if up(settling.end) {
        doubts.push(format!(
            "CPU time per request had not settled after {:.0} s: it may be too high",
            settling.seconds
        ));
    }
    if let Some(work) = warm.work_settling.as_ref().filter(|work| up(work.end)) {
        doubts.push(format!(
            "CPU time of the work in sizes had not settled after {:.0} s: it may be too high",
            work.seconds
        ));
    }
    doubts.extend(excess(warm, vcpu));
    doubts.extend(idle(warm, vcpu));
    doubts.extend(disagreement(warm, vcpu));
    doubts
}

/// The sentence about CPU time per request that is more than the saturation rate leaves for it.
fn excess(warm: &WarmRun, vcpu: f64) -> Option<String> {
    let (name, route) = main(warm)?;
    let used = loaded(route)? * warm.saturation_rps? / 1e3;
    (used > (1.0 + TOLD) * vcpu).then(|| {
        format!(
            "CPU time per request on route {name} times the saturation rate is {used:.2} of {vcpu} vCPU: CPU time per request may be up to \
             {:.0}% too high",
            100.0 * (used / vcpu - 1.0)
        )
    })
}

/// The sentence about bursts that left the server time to sleep. Above one vCPU that is usual: a server with one thread cannot
/// use more.
fn idle(warm: &WarmRun, vcpu: f64) -> Option<String> {
    let (name, route) = main(warm)?;
    let used = loaded(route)? * warm.saturation_rps? / 1e3;
    (vcpu <= 1.0 && used < BUSY * vcpu).then(|| {
        format!(
            "the bursts on route {name} used only {used:.2} of {vcpu} vCPU, because the handler waits, or because the load generator or \
             other programs were the limit: CPU time per request is that of a server that sleeps in between"
        )
    })
}

/// The sentence about a plateau near saturation that disagrees with the bursts.
fn disagreement(warm: &WarmRun, vcpu: f64) -> Option<String> {
    let (name, route) = main(warm)?;
    let bursts = loaded(route)?;
    let plateau = warm.plateaus.iter().rev().find(|plateau| plateau.errors == 0)?;
    let (cpu_s, completed) = (plateau.cpu_s?, plateau.completed as f64);
    let load = cpu_s / plateau.seconds / vcpu;
    if load < NEAR_SATURATION || completed < 1.0 {
        return None;
    }
    let measured = cpu_s * 1e3 / completed;
    let law = overhead::of_json(warm, vcpu).filter(|law| law.busy > 0.0);
    let expected = law.map_or(bursts, |law| bursts * law.mean(plateau.rate, load) / law.busy);
    let apart = measured / expected - 1.0;
    (apart.abs() > AGREE_WITHIN).then(|| {
        format!(
            "two loads disagree about CPU time per request on route {name}: {measured:.4} ms at {:.0} per second, where the \
             bursts ({bursts:.4} ms) let {expected:.4} ms be expected ({:+.0} %)",
            plateau.rate,
            100.0 * apart
        )
    })
}

/// The main route with its name.
fn main(warm: &WarmRun) -> Option<(&'static str, &RouteRun)> {
    ["json", "healthz"]
        .into_iter()
        .find_map(|name| Some((name, warm.routes.get(name)?)))
}

/// The median CPU time per request in milliseconds on a busy server.
fn loaded(route: &RouteRun) -> Option<f64> {
    order::median(&order::sorted(route.cpu_loaded_ms.iter().copied()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::profile::{Plateau, Settling, StableRate};

    /// A warm run with this CPU time per request on `json` and this saturation rate.
    pub fn warm(cpu_ms: f64, saturation: f64) -> WarmRun {
        let mut warm: WarmRun = serde_json::from_str(
            r#"{"warm_up_ms":[],"warm_up_rate":1,"warm_up_cpu_ms":[],"round_trip_ms":0.1,"routes":{},
                "idle":{"anon_bytes":null,"pss_bytes":null,"working_set_bytes":null},
                "loaded":{"anon_bytes":null,"pss_bytes":null,"working_set_bytes":null},
                "peak_anon_bytes":null,"anon_bytes_per_in_flight":null,"idle_cpu_ms_per_s":null,
                "saturation_rps":null,"parallel_io":[],"parallel_cpu":[],"errors":0}"#,
        )
        .unwrap();
        warm.saturation_rps = Some(saturation);
        warm.settling = Some(Settling {
            rounds: 24,
            counted_from: 0,
            seconds: 15.0,
            end: SettlingEnd::Settled,
        });
        let route = RouteRun {
            service_time_ms: vec![],
            cpu_ms: vec![],
            cpu_batch: 50,
            cpu_loaded_ms: vec![cpu_ms; 24],
            unsettled_cpu_loaded_ms: vec![],
        };
        warm.routes.insert("json".into(), route);
        warm
    }

    fn plateau(rate: f64, cpu_ms: f64) -> Plateau {
        let completed = (rate * 30.0) as u64;
        Plateau {
            rate,
            seconds: 30.0,
            completed,
            errors: 0,
            late_share: 0.0,
            cpu_s: Some(completed as f64 * cpu_ms / 1e3),
            latency_ms: vec![],
            anon_bytes: vec![],
            end: Default::default(),
        }
    }

    #[test]
    fn more_cpu_than_the_limit_is_impossible() {
        // The Spring Boot of an earlier protocol: 0.0906 ms times 36,000 per second.
        let sentence = impossible(&warm(0.0906, 36_000.0), 1.0).unwrap();
        assert!(
            sentence.contains("3.26 vCPU") && sentence.contains("saturation rate"),
            "{sentence}"
        );
        assert_eq!(impossible(&warm(0.0333, 29_000.0), 1.0), None);
        assert_eq!(impossible(&warm(0.0366, 30_000.0), 1.0), None, "within the tolerance");
        assert!(doubts(&warm(0.0366, 30_000.0), 1.0).is_empty());
        assert!(doubts(&warm(0.0390, 30_000.0), 1.0)[0].contains("up to 17% too high"));
        assert!(impossible(&warm(0.0417, 30_000.0), 1.0).is_some());
        let mut stable = warm(0.04, 20_000.0);
        stable.stable_rate = Some(StableRate {
            rate: Some(32_000.0),
            in_flight: None,
            trials: vec![],
        });
        assert!(impossible(&stable, 1.0).unwrap().contains("highest stable rate"));
        assert_eq!(impossible(&stable, 2.0), None);
    }

    #[test]
    fn two_loads_must_agree_near_saturation() {
        let mut run = warm(0.02, 50_000.0);
        run.plateaus = vec![plateau(45_000.0, 0.021)];
        assert_eq!(doubts(&run, 1.0), Vec::<String>::new());
        run.plateaus = vec![plateau(30_000.0, 0.031)];
        let doubts = doubts(&run, 1.0);
        assert!(doubts.len() == 1 && doubts[0].contains("+55 %"), "{doubts:?}");
        run.plateaus = vec![plateau(10_000.0, 0.031)];
        assert!(super::doubts(&run, 1.0).is_empty(), "far from saturation");
    }

    #[test]
    fn bursts_that_leave_the_cpu_idle_are_doubted() {
        let slept = doubts(&warm(0.0718, 6360.0), 1.0);
        assert!(
            slept.len() == 1 && slept[0].contains("only 0.46 of 1 vCPU"),
            "{slept:?}"
        );
        assert!(doubts(&warm(0.0718, 6360.0), 2.0).is_empty(), "one thread");
        assert!(doubts(&warm(0.0216, 44_192.0), 1.0).is_empty());
    }

    #[test]
    fn a_load_that_never_settled_is_doubted_and_an_old_run_is_not_judged() {
        let mut run = warm(0.02, 50_000.0);
        run.settling.as_mut().unwrap().end = SettlingEnd::TimeUp;
        assert!(doubts(&run, 1.0)[0].contains("had not settled after 15 s"));
        run.settling = None;
        assert!(doubts(&run, 1.0).is_empty());
    }
}
