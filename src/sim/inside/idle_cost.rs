//! The further cost of a request if the instance had nothing to do before it: the server is woken, and others have filled its caches
//! meanwhile. Source of the law: [`crate::stats::gap_law`], fitted to the measured CPU time of requests at several rates.

use crate::units::SimDuration;

/// The gap, in time constants, from which the cost is whole to nine digits.
const WHOLE: f64 = 20.0;

/// The further cost of a request by the time since the instance finished its last one: `most (1 - exp(-gap / tau))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IdleCost {
    /// The cost after a long gap: CPU time at one vCPU where requests share the CPU, else time at the speed of the instance.
    pub most: SimDuration,
    /// The time constant, above 0.
    pub tau: SimDuration,
}

impl IdleCost {
    /// The cost after a gap.
    #[inline]
    pub(crate) fn after(&self, gap: SimDuration) -> SimDuration {
        let gaps = gap.0 as f64 / self.tau.0 as f64;
        if gaps >= WHOLE {
            return self.most;
        }
        SimDuration((self.most.0 as f64 * -(-gaps).exp_m1() + 0.5) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_grows_with_the_gap_and_levels_off() {
        let cost = IdleCost {
            most: SimDuration(230_000),
            tau: SimDuration::from_millis(4),
        };
        let after = |gap: SimDuration| cost.after(gap).as_millis_f64();
        assert_eq!(after(SimDuration::ZERO), 0.0);
        assert!((after(SimDuration::from_millis(4)) - 0.23 * (1.0 - 1.0 / std::f64::consts::E)).abs() < 1e-6);
        assert_eq!(after(SimDuration::from_secs(1)), 0.23);
        let steps: Vec<f64> = (0..40).map(|k| after(SimDuration::from_millis(4 * k))).collect();
        assert!(steps.windows(2).all(|pair| pair[0] <= pair[1] && pair[1] <= 0.23));
    }
}
