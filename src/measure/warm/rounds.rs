//! Loads in rounds that go on until CPU time per request has settled. A runtime that compiles while it runs gets faster for up
//! to a minute or two. Only rounds from the time at which nothing falls any more describe a warm server.
//!
//! Each round loads every item once: every route, or every size of every kind of work. So drift of the machine hits all items
//! alike. Odd rounds go backwards, so that no item always follows the same one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::measure::load::round3;
use crate::model::profile::{Settling, SettlingEnd};
use crate::stats::settled::has_settled;

/// The smallest window. A server that is so slow that the time ends before the fewest rounds is judged by shorter windows.
const SHORTEST_WINDOW: usize = 4;
/// The number of rounds that may fail before the loads end.
const FAILURES: u32 = 3;

/// The rule for the end of the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The number of rounds of one window. An item has settled if its last two windows say so (see `stats::settled`). The last
    /// two windows count.
    pub window: usize,
    /// The smallest number of rounds.
    pub fewest: usize,
    /// The time after which no further round begins.
    pub longest: Duration,
}

/// The rounds that were taken.
#[derive(Debug, PartialEq)]
pub struct Rounds {
    /// The CPU milliseconds per request of each item, one value for each round.
    pub cpu_ms: Vec<Vec<f64>>,
    /// The way in which they settled.
    pub settling: Settling,
}

impl Rule {
    /// Takes rounds of `items` loads. `load` loads one item and returns its CPU milliseconds per request, or `None` if it was
    /// not answered; a round with such a load does not count.
    pub fn rounds(self, items: usize, stop: &AtomicBool, mut load: impl FnMut(usize) -> Option<f64>) -> Rounds {
        let began = Instant::now();
        let mut cpu_ms = vec![Vec::new(); items];
        let mut settled = vec![false; items];
        let (mut rounds, mut failures) = (0, 0);
        let mut window = self.window;
        let end = loop {
            let mut order: Vec<usize> = (0..items).collect();
            if rounds % 2 == 1 {
                order.reverse();
            }
            let mut values = vec![None; items];
            for item in order {
                values[item] = load(item);
            }
            match values.into_iter().collect::<Option<Vec<f64>>>() {
                Some(values) => {
                    rounds += 1;
                    cpu_ms.iter_mut().zip(values).for_each(|(item, value)| item.push(value));
                }
                None => failures += 1,
            }
            settled
                .iter_mut()
                .zip(&cpu_ms)
                .for_each(|(settled, values)| *settled |= has_settled(values, self.window));
            if rounds >= self.fewest && settled.iter().all(|&settled| settled) {
                break SettlingEnd::Settled;
            }
            if began.elapsed() >= self.longest || failures >= FAILURES || stop.load(Ordering::Relaxed) {
                let shorter = (rounds / 2).min(self.window);
                let judged = shorter >= SHORTEST_WINDOW.min(self.window) && rounds < self.fewest;
                if judged && failures < FAILURES && cpu_ms.iter().all(|values| has_settled(values, shorter)) {
                    window = shorter;
                    break SettlingEnd::Settled;
                }
                break SettlingEnd::TimeUp;
            }
        };
        Rounds {
            cpu_ms,
            settling: Settling {
                rounds: rounds as u32,
                counted_from: rounds.saturating_sub(2 * window) as u32,
                seconds: round3(began.elapsed().as_secs_f64()),
                end,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        window: 4,
        fewest: 10,
        longest: Duration::from_secs(60),
    };

    fn rounds(rule: Rule, cost: impl Fn(usize, usize) -> Option<f64>) -> Rounds {
        let stop = AtomicBool::new(false);
        let mut taken = [0; 2];
        rule.rounds(2, &stop, |item| {
            taken[item] += 1;
            cost(item, taken[item] - 1)
        })
    }

    #[test]
    fn rounds_end_when_every_item_has_settled_and_the_last_two_windows_count() {
        let flat = rounds(RULE, |item, _| Some(1.0 + item as f64));
        assert_eq!((flat.settling.rounds, flat.settling.counted_from), (10, 2));
        assert_eq!((flat.settling.end, flat.cpu_ms[1].len()), (SettlingEnd::Settled, 10));
        // The second item gets cheaper by a tenth in each of its first twenty rounds.
        let late = rounds(RULE, |item, k| {
            Some(if item == 0 { 1.0 } else { 0.9f64.powi(k.min(20) as i32) })
        });
        assert!((25..=30).contains(&late.settling.rounds), "{:?}", late.settling);
        assert_eq!(late.settling.counted_from, late.settling.rounds - 8);
    }

    #[test]
    fn time_ends_rounds_that_never_settle() {
        let rule = Rule {
            longest: Duration::ZERO,
            ..RULE
        };
        let cut = rounds(rule, |_, k| Some(0.9f64.powi(k as i32)));
        assert_eq!((cut.settling.end, cut.settling.rounds), (SettlingEnd::TimeUp, 1));
    }

    #[test]
    fn a_slow_server_is_judged_by_shorter_windows() {
        let rule = Rule {
            window: 12,
            fewest: 24,
            ..RULE
        };
        // The end comes after 15 rounds.
        let slow = |cost: fn(i32) -> f64| {
            let stop = AtomicBool::new(false);
            let mut taken = 0;
            let taken = rule.rounds(1, &stop, |_| {
                taken += 1;
                stop.store(taken == 15, Ordering::Relaxed);
                Some(cost(taken))
            });
            taken.settling
        };
        let flat = slow(|_| 80.0);
        assert_eq!(
            (flat.rounds, flat.counted_from, flat.end),
            (15, 1, SettlingEnd::Settled)
        );
        let falling = slow(|k| 80.0 * 0.9f64.powi(k));
        assert_eq!((falling.rounds, falling.end), (15, SettlingEnd::TimeUp));
    }

    #[test]
    fn a_round_without_an_answer_does_not_count_and_three_end_the_loads() {
        let once = rounds(RULE, |_, k| (k != 4).then_some(1.0));
        assert_eq!((once.settling.rounds, once.cpu_ms[0].len()), (10, 10));
        let dead = rounds(RULE, |item, k| (item == 0 || k < 2).then_some(1.0));
        assert_eq!((dead.settling.rounds, dead.settling.end), (2, SettlingEnd::TimeUp));
        assert_eq!((dead.cpu_ms[0].len(), dead.cpu_ms[1].len()), (2, 2));
    }

    #[test]
    fn odd_rounds_go_backwards() {
        let stop = AtomicBool::new(false);
        let mut order = Vec::new();
        let rule = Rule {
            window: 1,
            fewest: 2,
            ..RULE
        };
        rule.rounds(3, &stop, |item| {
            order.push(item);
            Some(1.0)
        });
        assert_eq!(order, [0, 1, 2, 2, 1, 0]);
    }
}
