//! The warm-up of code: the extra cost of the first requests of an instance, found in the warm-up curve of a profile. The
//! usual causes are just-in-time compilers and caches.

use std::ops::Range;

use super::profile::WarmRun;
use crate::stats::change_points::{self, Settling, Shape};

/// The smallest latency without the round trip, in milliseconds: latencies at or below the round trip count as this much.
const SHORTEST_MS: f64 = 1e-6;

/// The warm-up of code in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeWarmUp {
    /// The levels of the latencies without the round trip.
    pub settling: Settling,
    /// The number of requests of the curve.
    pub requests: usize,
    /// The stretches before the end of the curve, each with the number of the request after it and with its extra cost. The
    /// second request of an instance has number 0. The extra cost is the mean latency in the stretch less the mean at the
    /// end, in milliseconds, and 0 if it is negative.
    pub extra_ms: Vec<(u32, f64)>,
    /// The extra cost of all requests before the end in milliseconds of CPU time, from the CPU time of equal parts of the
    /// curve. It checks that higher latencies come from work and not from stalls. `None` if CPU time was not measured or no
    /// whole part lies at the end.
    pub cpu_ms: Option<f64>,
}

/// Returns the warm-up of code in a warm run; `None` if its curve is too short.
pub fn detect(warm: &WarmRun) -> Option<CodeWarmUp> {
    detect_after(warm, 0)
}

/// Returns the warm-up of code without the first `skipped` requests of the curve; `None` if the rest is too short.
pub fn detect_after(warm: &WarmRun, skipped: usize) -> Option<CodeWarmUp> {
    let net = |ms: &f64| (ms - warm.round_trip_ms).max(SHORTEST_MS);
    let latencies: Vec<f64> = warm.warm_up_ms.iter().skip(skipped).map(net).collect();
    let settling = change_points::settling(&latencies)?;
    let mean = |from: usize, to: usize| latencies[from..to].iter().sum::<f64>() / (to - from) as f64;
    let until = settling.end.start;
    let late = mean(until, settling.end.end);
    let before = settling.segments.iter().filter(|segment| segment.start < until);
    let extra = before.map(|segment| {
        let end = segment.end.min(until);
        (end as u32, (mean(segment.start, end) - late).max(0.0))
    });
    Some(CodeWarmUp {
        extra_ms: extra.collect(),
        cpu_ms: cpu(&warm.warm_up_cpu_ms, skipped..skipped + until, warm.warm_up_ms.len()),
        requests: latencies.len(),
        settling,
    })
}

impl CodeWarmUp {
    /// Returns true if the first requests cost more than later ones. If the curve does not settle, the extra cost over its last
    /// quarter is a lower bound, and it counts only if CPU time does not contradict it.
    pub fn warms(&self) -> bool {
        match self.settling.shape {
            Shape::Warms => true,
            Shape::NoSteadyState => self.settling.falls && self.cpu_ms.is_none_or(|ms| ms > 0.0),
            Shape::Flat | Shape::Slows => false,
        }
    }

    /// Returns the extra cost of all stretches together, in milliseconds.
    pub fn total_ms(&self) -> f64 {
        let begins = std::iter::once(0).chain(self.extra_ms.iter().map(|&(end, _)| end));
        let each = begins.zip(&self.extra_ms);
        each.map(|(begin, &(end, extra))| f64::from(end - begin) * extra).sum()
    }
}

/// Returns the CPU time of the `early` requests above that of later ones in milliseconds. `parts` are the mean CPU times of
/// equal parts of all `requests`.
fn cpu(parts: &[f64], early: Range<usize>, requests: usize) -> Option<f64> {
    let bound = |part: usize| part * requests / parts.len();
    let late = (0..parts.len()).filter(|&part| bound(part) >= early.end);
    let late: Vec<f64> = late.map(|part| parts[part]).collect();
    let steady = late.iter().sum::<f64>() / late.len() as f64;
    let of_part = |part: usize| {
        let (from, to) = (bound(part).max(early.start), bound(part + 1).min(early.end));
        to.saturating_sub(from) as f64
    };
    let excess = (0..parts.len())
        .map(|part| (parts[part] - steady) * of_part(part))
        .sum();
    (!late.is_empty()).then_some(excess)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::{FrameworkProfile, parse};

    const SYNTHETIC: &str = include_str!("../../tests/data/synthetic-profile.json");

    /// A run with a curve of levels in milliseconds above a round trip of 1 ms, and with CPU times of equal parts.
    fn curve(levels: &[(usize, f64)], cpu: &[f64]) -> WarmRun {
        let profile: FrameworkProfile = parse(SYNTHETIC).unwrap();
        let mut warm = profile.runs[0].warm.clone().unwrap();
        assert_eq!(warm.round_trip_ms, 1.0);
        // A ripple of a percent, of which each level holds as much above as below.
        let ripple = |k: usize| if k.is_multiple_of(2) { 1.01 } else { 0.99 };
        let levels = levels
            .iter()
            .flat_map(|&(n, level)| (0..n).map(move |k| 1.0 + level * ripple(k)));
        warm.warm_up_ms = levels.collect();
        warm.warm_up_cpu_ms = cpu.to_vec();
        warm
    }

    fn rounded(found: &CodeWarmUp) -> Vec<(u32, f64)> {
        let round = |ms: f64| (ms * 1e6).round() / 1e6;
        found.extra_ms.iter().map(|&(end, ms)| (end, round(ms))).collect()
    }

    #[test]
    fn stretches_cost_their_excess_over_the_end() {
        // CPU time of tenths, each of 40 requests.
        let cpu = [6.0, 6.0, 5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0];
        let found = detect(&curve(&[(100, 8.0), (60, 5.0), (240, 4.0)], &cpu)).unwrap();
        assert!(found.warms());
        assert_eq!(rounded(&found), [(100, 4.0), (160, 1.0)]);
        assert_eq!(found.total_ms().round(), 460.0);
        // 40 x 2 + 40 x 2 + 40 x 1.
        assert_eq!(found.cpu_ms, Some(200.0));
    }

    #[test]
    fn skipped_requests_do_not_count() {
        let levels = [(40, 8.0), (360, 4.0)];
        let mut longer = curve(&levels, &[]);
        longer.warm_up_ms.insert(0, 1e6);
        assert_eq!(detect_after(&longer, 1), detect(&curve(&levels, &[])));
        // Parts of 40 of which the first has lost a request.
        let cpu = [3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let skipped = detect_after(&curve(&[(41, 8.0), (359, 4.0)], &cpu), 1).unwrap();
        assert_eq!(skipped.cpu_ms, Some(78.0));
    }

    #[test]
    fn a_stretch_below_the_end_has_no_extra_cost() {
        let found = detect(&curve(&[(40, 5.0), (60, 3.0), (300, 4.0)], &[])).unwrap();
        assert!(found.warms());
        assert_eq!(rounded(&found), [(40, 1.0), (100, 0.0)]);
        assert_eq!(found.cpu_ms, None);
    }

    #[test]
    fn a_curve_that_never_settles_is_compared_with_its_last_quarter() {
        let levels = [(200, 8.0), (120, 4.0), (80, 2.0)];
        let falls = detect(&curve(&levels, &[])).unwrap();
        assert_eq!(falls.settling.shape, Shape::NoSteadyState);
        assert!(falls.warms());
        // The last 100: 20 of 4 ms and 80 of 2 ms, so 2.4 ms.
        assert_eq!(rounded(&falls), [(200, 5.6), (300, 1.6)]);
        // As much CPU time at first as at the end: stalls.
        assert!(!detect(&curve(&levels, &[1.0; 10])).unwrap().warms());
        assert!(detect(&curve(&levels, &[2.0, 1.0, 1.0, 1.0])).unwrap().warms());
    }

    #[test]
    fn flat_slow_and_short_curves_do_not_warm() {
        assert!(!detect(&curve(&[(400, 4.0)], &[])).unwrap().warms());
        assert!(!detect(&curve(&[(100, 4.0), (300, 8.0)], &[])).unwrap().warms());
        assert_eq!(detect(&curve(&[(30, 4.0)], &[])), None);
    }
}
