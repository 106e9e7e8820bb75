//! `[client]`: how long those who send requests wait for an answer, and when they try again.

use serde::Deserialize;

use crate::assumption::{Assumption, Topic};
use crate::sim::client::{Backoff, Budget, Client, Jitter, Retry, Rule, Users};
use crate::units::SimDuration;

/// `[client]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ClientSpec {
    /// How long the answer to one attempt is waited for; `None`: as long as it takes.
    pub timeout: Option<SimDuration>,
    /// Most attempts after the first.
    pub retries: u32,
    /// The failures that are retried.
    pub retry_on: Vec<Lost>,
    /// Waits between attempts.
    pub backoff: BackoffSpec,
    /// Limit on the retries of all requests together; `None`: none.
    pub budget: Option<BudgetSpec>,
    /// Sessions that requests belong to, for `routing = "sticky"`.
    pub sessions: Option<u32>,
}

/// How an attempt can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Lost {
    /// It was turned away.
    Rejected,
    /// It was not answered in time.
    TimedOut,
    /// Its instance was killed.
    Failed,
}

/// Waits between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct BackoffSpec {
    /// Before the first retry.
    pub first: SimDuration,
    /// Each further wait over the one before.
    pub factor: f64,
    /// Longest.
    pub most: SimDuration,
    /// How chance changes them.
    pub jitter: Jitter,
}

/// Limit on the retries of all requests together.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BudgetSpec {
    /// Retries for each request, such as 0.1.
    pub ratio: f64,
    /// Most retries saved up.
    #[serde(default = "ten")]
    pub burst: u32,
}

fn ten() -> u32 {
    10
}

impl Default for ClientSpec {
    fn default() -> Self {
        Self {
            timeout: None,
            retries: 0,
            retry_on: vec![Lost::Rejected, Lost::TimedOut, Lost::Failed],
            backoff: BackoffSpec::default(),
            budget: None,
            sessions: None,
        }
    }
}

impl Default for BackoffSpec {
    fn default() -> Self {
        Self {
            first: SimDuration::from_millis(100),
            factor: 2.0,
            most: SimDuration::from_secs(20),
            jitter: Jitter::Full,
        }
    }
}

impl ClientSpec {
    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.timeout == Some(SimDuration::ZERO) {
            problems.push("`client.timeout` must be above 0; leave it out to wait as long as it takes".into());
        }
        if self.retries > 0 && self.retry_on.is_empty() {
            problems.push(
                "`client.retry-on` is empty: no attempt would ever be repeated; set `retries = 0` for that".into(),
            );
        }
        if self.sessions == Some(0) {
            problems.push("`client.sessions` must be at least 1".into());
        }
        let BackoffSpec {
            first, factor, most, ..
        } = self.backoff;
        if !(1.0..=1000.0).contains(&factor) {
            problems.push(format!(
                "`client.backoff.factor` is {factor}; it must be between 1 and 1000"
            ));
        }
        if first > most {
            problems.push("`client.backoff.first` must not be above `client.backoff.most`".into());
        }
        if let Some(BudgetSpec { ratio, .. }) = self.budget
            && !(0.0..=1000.0).contains(&ratio)
        {
            problems.push(format!(
                "`client.budget.ratio` is {ratio}; it is the number of retries for each request, such as 0.1"
            ));
        }
        problems
    }

    /// Returns the behaviour of the clients for the simulator.
    pub fn client(&self, users: Option<Users>) -> Client {
        let BackoffSpec {
            first,
            factor,
            most,
            jitter,
        } = self.backoff;
        let rule = |lost| {
            (self.retries > 0 && self.retry_on.contains(&lost)).then_some(Rule {
                most: self.retries,
                backoff: Backoff {
                    first,
                    factor,
                    most,
                    jitter,
                },
            })
        };
        Client {
            timeout: self.timeout,
            retry: Retry {
                rejected: rule(Lost::Rejected),
                timed_out: rule(Lost::TimedOut),
                failed: rule(Lost::Failed),
                together: true,
                max_age: None,
                budget: self.budget.map(|BudgetSpec { ratio, burst }| Budget { ratio, burst }),
            },
            users,
            sessions: self.sessions.unwrap_or(0),
        }
    }

    /// In words, for the assumptions.
    pub fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = Vec::new();
        if let Some(timeout) = self.timeout {
            lines.push(Topic::Client.small(format!(
                "clients wait {timeout} for the answer to one attempt; what they no longer wait for is worked on all the same"
            )));
        }
        if self.retries > 0 {
            let BackoffSpec {
                first,
                factor,
                most,
                jitter,
            } = self.backoff;
            let jitter = match jitter {
                Jitter::None => "exactly that long",
                Jitter::Full => "uniform between nothing and that",
                Jitter::Equal => "uniform between half of that and that",
            };
            lines.push(
                Topic::Client
                    .small(format!(
                        "clients try again up to {} times after {first}, each further wait {factor} times the one before and at \
                         most {most}, {jitter}",
                        self.retries
                    ))
                    .source("AWS Architecture Blog, \"Exponential Backoff And Jitter\": kinds of jitter", "2026"),
            );
            if let Some(BudgetSpec { ratio, burst }) = self.budget {
                lines.push(Topic::Client.small(format!(
                    "all retries together are at most {ratio} for each request, {burst} of them saved up"
                )));
            }
            lines
                .push(Topic::Client.note(
                    "a request counts once, its latency runs from its first attempt, and each attempt is billed",
                ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> ClientSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_not_named_is_not_tried_again() {
        let client = spec("retries = 3\nretry-on = ['rejected', 'failed']").client(None);
        assert_eq!(client.retry.rejected.map(|rule| rule.most), Some(3));
        assert_eq!(client.retry.failed, client.retry.rejected);
        assert_eq!(client.retry.timed_out, None);
        assert_eq!(spec("timeout = '2s'").client(None).retry.rejected, None);
    }

    #[test]
    fn settings_without_sense_are_problems() {
        for (text, expected) in [
            ("timeout = '2s'\nretries = 2", 0),
            ("timeout = '0s'", 1),
            ("retries = 2\nretry-on = []", 1),
            ("backoff = { factor = 0.5 }", 1),
            ("backoff = { first = '30s' }", 1),
            ("budget = { ratio = -1 }", 1),
        ] {
            assert_eq!(spec(text).problems().len(), expected, "{text}");
        }
    }
}
