//! Stabilisation: recent recommendations hold a change back.

use crate::units::{SimDuration, SimTime};

/// A recommendation of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommendation {
    /// When.
    pub at: SimTime,
    /// Replicas.
    pub replicas: u32,
}

fn remember(log: &mut Vec<Recommendation>, stale: Option<usize>, recommendation: Recommendation) {
    match stale {
        Some(slot) => log[slot] = recommendation,
        None => log.push(recommendation),
    }
}

/// Without `behavior`: the highest of `desired` and the recommendations of the window. Notes `desired`. With a window of 0 no
/// recommendation holds: upstream's clock has moved on since the last one, so that all of them are older than the window.
pub fn stabilised(log: &mut Vec<Recommendation>, desired: u32, window: SimDuration, now: SimTime) -> u32 {
    let old = |past: &Recommendation| window == SimDuration::ZERO || past.at + window < now;
    let stale = log.iter().rposition(old);
    let recent = log.iter().filter(|past| !old(past)).map(|past| past.replicas);
    let highest = recent.fold(desired, u32::max);
    remember(
        log,
        stale,
        Recommendation {
            at: now,
            replicas: desired,
        },
    );
    highest
}

/// With `behavior`: no more than the least that was recommended in the window upwards, and no less than the most in that
/// downwards. Notes `desired`.
pub fn stabilised_with_behavior(
    log: &mut Vec<Recommendation>,
    desired: u32,
    current: u32,
    (up, down): (SimDuration, SimDuration),
    now: SimTime,
) -> u32 {
    let newer = |past: &Recommendation, window| past.at + window > now;
    let older = |past: &Recommendation, window| past.at + window < now;
    let low = log
        .iter()
        .filter(|past| newer(past, up))
        .map(|past| past.replicas)
        .fold(desired, u32::min);
    let high = log
        .iter()
        .filter(|past| newer(past, down))
        .map(|past| past.replicas)
        .fold(desired, u32::max);
    let stale = log.iter().rposition(|past| older(past, up) && older(past, down));
    remember(
        log,
        stale,
        Recommendation {
            at: now,
            replicas: desired,
        },
    );
    current.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_recommendation_holds_to_the_end_of_the_window_and_not_beyond() {
        let window = SimDuration::from_secs(300);
        for (now, replicas) in [(400, 8), (401, 3)] {
            let mut log = vec![Recommendation {
                at: at(100),
                replicas: 8,
            }];
            assert_eq!(stabilised(&mut log, 3, window, at(now)), replicas);
            assert_eq!(log.len(), if now == 400 { 2 } else { 1 });
        }
        // With behavior the end is left out.
        for (now, replicas) in [(399, 8), (400, 3)] {
            let mut log = vec![Recommendation {
                at: at(100),
                replicas: 8,
            }];
            let windows = (SimDuration::ZERO, window);
            assert_eq!(stabilised_with_behavior(&mut log, 3, 8, windows, at(now)), replicas);
        }
    }

    #[test]
    fn with_a_window_of_zero_not_even_a_recommendation_of_this_instant_holds() {
        let log = || {
            vec![Recommendation {
                at: at(100),
                replicas: 8,
            }]
        };
        assert_eq!(stabilised(&mut log(), 3, SimDuration::ZERO, at(100)), 3);
        let windows = (SimDuration::ZERO, SimDuration::ZERO);
        for (desired, current) in [(3, 8), (9, 3)] {
            assert_eq!(
                stabilised_with_behavior(&mut log(), desired, current, windows, at(100)),
                desired
            );
        }
    }

    #[test]
    fn both_windows_hold_the_number_where_it_is() {
        let windows = (SimDuration::from_secs(60), SimDuration::from_secs(60));
        let log = |replicas| vec![Recommendation { at: at(90), replicas }];
        // Four a while ago and nine now: five are neither too few nor too many.
        assert_eq!(stabilised_with_behavior(&mut log(4), 9, 5, windows, at(100)), 5);
        assert_eq!(stabilised_with_behavior(&mut log(7), 9, 5, windows, at(100)), 7);
        assert_eq!(stabilised_with_behavior(&mut log(4), 3, 5, windows, at(100)), 4);
    }
}
