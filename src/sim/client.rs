//! Client behaviour: timeouts, retries and sessions.
//!
//! Sources: exponential backoff with jitter, M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015;
//! retry budgets, Beyer et al., Site Reliability Engineering, chapter 21, "Handling Overload".

use crate::model::dist::Dist;
use crate::units::SimDuration;

/// The senders of a service's requests.
#[derive(Debug, Clone)]
pub struct Client {
    /// Timeout for the answer to one attempt; `None`: none. The server still finishes abandoned requests.
    pub timeout: Option<SimDuration>,
    /// Rules of retries.
    pub retry: Retry,
    /// A closed loop of users; `None`: requests come with the traffic.
    pub users: Option<Users>,
    /// Sessions that the requests of the traffic belong to, each to any of them with equal chance; each user is one.
    pub sessions: u32,
}

/// Users who ask, wait for the answer, think, and ask again.
#[derive(Debug, Clone)]
pub struct Users {
    /// Number of users.
    pub count: u32,
    /// Time between an answer and the next request, and before the first.
    pub think: Dist,
}

/// The rules of retries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retry {
    /// After a rejected attempt.
    pub rejected: Option<Rule>,
    /// After one that was not answered in time.
    pub timed_out: Option<Rule>,
    /// After an attempt whose instance was killed.
    pub failed: Option<Rule>,
    /// True if a rule counts all retries of a call, false if only those for its own reason.
    pub together: bool,
    /// A call that would be older than this gets no further attempt; `None`: at any age.
    pub max_age: Option<SimDuration>,
    /// Limit of the retries of all clients together; `None`: no limit.
    pub budget: Option<Budget>,
}

/// How often an attempt is repeated for one reason, and after which waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Most retries.
    pub most: u32,
    /// The waits.
    pub backoff: Backoff,
}

/// Waits that grow by a factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Wait before the first retry.
    pub first: SimDuration,
    /// Each further wait over the one before, at least 1.
    pub factor: f64,
    /// Longest wait.
    pub most: SimDuration,
    /// Jitter of the waits.
    pub jitter: Jitter,
}

/// Jitter of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// Not at all.
    None,
    /// Uniform between nothing and the wait.
    Full,
    /// Uniform between half the wait and all of it.
    Equal,
}

/// A limit on retries that grows with the calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Retries earned by each call.
    pub ratio: f64,
    /// Most retries saved up; so many are there at the start.
    pub burst: u32,
}

/// Why an attempt gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Rejected,
    TimedOut,
    Failed,
}

impl Backoff {
    /// The wait before retry `number`, counted from 0; `jitter` is uniform between 0 and 1.
    pub fn wait(&self, number: u32, jitter: f64) -> SimDuration {
        let mut wait = self.first.min(self.most);
        for _ in 0..number {
            let longer = wait.scale(self.factor).min(self.most);
            if longer <= wait {
                break;
            }
            wait = longer;
        }
        match self.jitter {
            Jitter::None => wait,
            Jitter::Full => wait.scale(jitter),
            Jitter::Equal => wait.scale(0.5 + 0.5 * jitter),
        }
    }
}

impl Retry {
    /// The wait before the next attempt of a call that has had `had` retries by reason; `None`: it gets none.
    pub(crate) fn next(&self, reason: Reason, had: [u32; 3], jitter: f64) -> Option<SimDuration> {
        let rule = match reason {
            Reason::Rejected => self.rejected,
            Reason::TimedOut => self.timed_out,
            Reason::Failed => self.failed,
        }?;
        let number = if self.together {
            had.iter().sum()
        } else {
            had[reason as usize]
        };
        (number < rule.most).then(|| rule.backoff.wait(number, jitter))
    }
}

/// A token bucket for retries, in millionths of a retry.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    left: u64,
    most: u64,
    each: u64,
}

const RETRY: u64 = 1_000_000;

impl RetryBudget {
    pub(crate) fn new(budget: Budget) -> Self {
        let most = u64::from(budget.burst) * RETRY;
        Self {
            left: most,
            most,
            each: (budget.ratio * RETRY as f64).round() as u64,
        }
    }

    /// Adds the share of a retry that a call earns.
    pub(crate) fn earn(&mut self) {
        self.left = (self.left + self.each).min(self.most);
    }

    /// Takes one retry. Returns false if there is none.
    pub(crate) fn spend(&mut self) -> bool {
        let enough = self.left >= RETRY;
        if enough {
            self.left -= RETRY;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> SimDuration = SimDuration::from_millis;

    fn backoff(jitter: Jitter) -> Backoff {
        Backoff {
            first: MS(100),
            factor: 2.0,
            most: MS(1_000),
            jitter,
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let plain = backoff(Jitter::None);
        let waits: Vec<_> = (0..6).map(|k| plain.wait(k, 0.9)).collect();
        assert_eq!(waits, [MS(100), MS(200), MS(400), MS(800), MS(1_000), MS(1_000)]);
        assert_eq!(plain.wait(u32::MAX, 0.0), MS(1_000));
        assert_eq!(backoff(Jitter::Full).wait(2, 0.25), MS(100));
        assert_eq!(backoff(Jitter::Equal).wait(2, 0.25), MS(250));
        let steady = Backoff { factor: 1.0, ..plain };
        assert_eq!(steady.wait(u32::MAX, 0.0), MS(100));
    }

    #[test]
    fn a_rule_counts_all_retries_or_its_own() {
        let rule = |most| {
            Some(Rule {
                most,
                backoff: backoff(Jitter::None),
            })
        };
        let own = Retry {
            rejected: rule(3),
            timed_out: rule(1),
            ..Retry::default()
        };
        let together = Retry {
            together: true,
            ..own.clone()
        };
        for (retry, reason, had, wait) in [
            (&own, Reason::Rejected, [0, 0, 0], Some(MS(100))),
            (&own, Reason::Rejected, [2, 1, 0], Some(MS(400))),
            (&own, Reason::Rejected, [3, 0, 0], None),
            (&own, Reason::TimedOut, [2, 0, 0], Some(MS(100))),
            (&own, Reason::TimedOut, [0, 1, 0], None),
            (&own, Reason::Failed, [0, 0, 0], None),
            (&together, Reason::Rejected, [1, 1, 0], Some(MS(400))),
            (&together, Reason::Rejected, [2, 1, 0], None),
            (&together, Reason::TimedOut, [1, 0, 0], None),
        ] {
            assert_eq!(retry.next(reason, had, 0.5), wait, "{reason:?} after {had:?}");
        }
    }

    #[test]
    fn a_budget_is_spent_and_earned_back() {
        let mut budget = RetryBudget::new(Budget { ratio: 0.1, burst: 2 });
        assert_eq!((0..5).filter(|_| budget.spend()).count(), 2);
        (0..9).for_each(|_| budget.earn());
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend() && !budget.spend());
        (0..100).for_each(|_| budget.earn());
        assert_eq!((0..5).filter(|_| budget.spend()).count(), 2);
    }
}
