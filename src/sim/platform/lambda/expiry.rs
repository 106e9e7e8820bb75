//! When an environment of Lambda ends. Nothing of it is documented but that environments end every few hours.
//!
//! The defaults are fitted to five real runs of 2020 with 140 hours, 13,229 requests and 197 first uses of an environment: the
//! experiments published with N. Mahmoudi and H. Khazaei, "Performance Modeling of Serverless Computing Platforms", IEEE
//! Transactions on Cloud Computing 2020 (github.com/pacslab/serverless-performance-modeling). Environments of a function without any
//! request end after 632 s; one that is spare while its function works, after 1,443 s; all of them at an age of 108 to 124 minutes; and
//! 0.21 an hour end early. Of those that end by age or early 69% are replaced ahead of requests. One expiry in place of two misses the
//! cold starts of these runs by 16% in the mean, each predicted from the other four; these laws miss them by 6%.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::rng::Stream;
use crate::sim::platform::Lifetime;
use crate::stats::normal;
use crate::units::{PerSecond, SimDuration, SimTime};

/// The random numbers of an environment.
const DRAWS: u64 = 8;

/// `idle-timeout`: after which idle time an environment ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct IdleTimeout {
    /// The time without a request to the whole function; default: mean 632 s, sd 8 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<Spread>,
    /// The idle time of an environment while its function has requests; default: mean 1443 s, sd 115 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spare: Option<Spread>,
    /// In place of both: the shortest idle time of a single law, uniform per environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<SimDuration>,
    /// The longest idle time of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<SimDuration>,
}

/// A normal distribution of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The mean.
    pub mean: SimDuration,
    /// The standard deviation.
    pub sd: SimDuration,
}

/// `max-age`: the age at which an environment ends once it is idle, uniform between two ends; `"2h"` for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MaxAge {
    /// The lowest age.
    pub min: SimDuration,
    /// The highest age.
    pub max: SimDuration,
}

/// The laws by which an environment ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expiry {
    pub(super) idle: IdleTimeout,
    pub(super) max_age: MaxAge,
    /// The rate of early ends of an idle environment.
    pub(super) early_end: PerSecond,
    /// The share that is replaced ahead of requests, of those that end early or by age.
    pub(super) replaced_ahead: f64,
}

const SILENT: Spread = Spread {
    mean: SimDuration::from_secs(632),
    sd: SimDuration::from_secs(8),
};
const SPARE: Spread = Spread {
    mean: SimDuration::from_secs(1443),
    sd: SimDuration::from_secs(115),
};

impl Default for MaxAge {
    fn default() -> Self {
        Self {
            min: SimDuration::from_secs(108 * 60),
            max: SimDuration::from_secs(124 * 60),
        }
    }
}

impl<'de> Deserialize<'de> for MaxAge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Ends {
            min: SimDuration,
            max: SimDuration,
        }
        struct OneOrTwo;
        impl<'de> Visitor<'de> for OneOrTwo {
            type Value = MaxAge;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an age such as \"2h\", or { min = \"108m\", max = \"124m\" }")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<MaxAge, E> {
                let age = text.parse().map_err(E::custom)?;
                Ok(MaxAge { min: age, max: age })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MaxAge, A::Error> {
                let Ends { min, max } = Ends::deserialize(MapAccessDeserializer::new(map))?;
                Ok(MaxAge { min, max })
            }
        }
        deserializer.deserialize_any(OneOrTwo)
    }
}

#[cfg(test)]
crate::units::written_as!(MaxAge: "[duration](scenario.md#values) or `{ min = \"108m\", max = \"124m\" }`");

pub(super) fn early_end() -> PerSecond {
    PerSecond(0.21 / 3600.0)
}

pub(super) fn replaced_ahead() -> f64 {
    0.69
}

impl Spread {
    fn draw(&self, uniform: f64) -> SimDuration {
        let ns = self.mean.0 as f64 + self.sd.0 as f64 * normal::quantile(uniform);
        SimDuration(ns.max(1.0) as u64)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (sd {})", self.mean, self.sd)
    }
}

impl Expiry {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let IdleTimeout {
            silent,
            spare,
            min,
            max,
        } = self.idle;
        let single = min.is_some() || max.is_some();
        if single && (silent.is_some() || spare.is_some()) {
            problems.push("`idle-timeout` has either `silent` and `spare`, or `min` and `max`".into());
        } else if min.is_some() != max.is_some() {
            problems.push("`idle-timeout` has both `min` and `max`, or neither".into());
        } else if min > max {
            problems.push("`idle-timeout.min` must not be above `idle-timeout.max`".into());
        }
        for (name, spread) in [("silent", silent), ("spare", spare)] {
            if spread.is_some_and(|spread| spread.mean == SimDuration::ZERO) {
                problems.push(format!("`idle-timeout.{name}.mean` must be above 0"));
            }
        }
        if self.max_age.min > self.max_age.max {
            problems.push("`max-age.min` must not be above `max-age.max`".into());
        }
        if !(0.0..=1.0).contains(&self.replaced_ahead) {
            problems.push(format!(
                "`replaced-ahead` is {}; it is a share, from 0 to 1",
                self.replaced_ahead
            ));
        }
        problems
    }

    /// In words: when idle environments end.
    pub(super) fn idle_text(&self) -> String {
        match (self.idle.min, self.idle.max) {
            (Some(min), Some(max)) => format!("after {min} to {max}, uniform per environment"),
            _ => format!(
                "after {} without a request to its function, or after {} while the function has requests",
                self.idle.silent.unwrap_or(SILENT),
                self.idle.spare.unwrap_or(SPARE)
            ),
        }
    }

    /// When an environment ends that is created at `created`, by its stream of random numbers and its number.
    pub(super) fn lifetime(&self, created: SimTime, stream: Stream, ordinal: u64) -> Lifetime {
        let uniform = |which: u64| stream.uniform(ordinal.wrapping_mul(DRAWS).wrapping_add(which));
        let between = |min: SimDuration, max: SimDuration, uniform: f64| min + max.saturating_sub(min).scale(uniform);
        let (silent, idle) = match (self.idle.min, self.idle.max) {
            (Some(min), Some(max)) => (SimDuration::MAX, between(min, max, uniform(1))),
            _ => (
                self.idle.silent.unwrap_or(SILENT).draw(uniform(0)),
                self.idle.spare.unwrap_or(SPARE).draw(uniform(1)),
            ),
        };
        let PerSecond(rate) = self.early_end;
        Lifetime {
            idle,
            silent,
            idle_in_all: match rate > 0.0 {
                true => SimDuration((-uniform(2).ln() / rate * 1e9) as u64),
                false => SimDuration::MAX,
            },
            latest: created + between(self.max_age.min, self.max_age.max, uniform(3)),
            replaced: uniform(4) < self.replaced_ahead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};

    fn expiry() -> Expiry {
        Expiry {
            idle: IdleTimeout::default(),
            max_age: MaxAge::default(),
            early_end: early_end(),
            replaced_ahead: replaced_ahead(),
        }
    }

    #[test]
    fn lifetimes_have_the_means_of_the_laws() {
        let stream = Draws::new(1, 0).stream(Purpose::KeepAlive, 0);
        let all: Vec<Lifetime> = (0..20_000)
            .map(|k| expiry().lifetime(SimTime::ZERO, stream, k))
            .collect();
        let mean = |of: &dyn Fn(&Lifetime) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        let seconds = |d: SimDuration| d.0 as f64 / 1e9;
        assert!((mean(&|l| seconds(l.silent)) - 632.0).abs() < 0.5);
        assert!((mean(&|l| seconds(l.idle)) - 1443.0).abs() < 4.0);
        assert!((mean(&|l| seconds(l.idle_in_all)) / (3600.0 / 0.21) - 1.0).abs() < 0.03);
        assert!((mean(&|l| l.latest.0 as f64 / 6e10) - 116.0).abs() < 0.2);
        assert!((mean(&|l| f64::from(u8::from(l.replaced))) - 0.69).abs() < 0.015);
    }

    #[test]
    fn a_single_law_knows_no_silence() {
        let single = Expiry {
            idle: toml::from_str("min = '300s'\nmax = '420s'").unwrap(),
            max_age: toml::from_str::<std::collections::BTreeMap<String, MaxAge>>("a = '2h'").unwrap()["a"],
            early_end: PerSecond(0.0),
            ..expiry()
        };
        let stream = Draws::new(1, 0).stream(Purpose::KeepAlive, 0);
        let lifetime = single.lifetime(SimTime::ZERO, stream, 3);
        assert!((300..=420).contains(&(lifetime.idle.0 / 1_000_000_000)));
        assert_eq!(
            (lifetime.silent, lifetime.idle_in_all),
            (SimDuration::MAX, SimDuration::MAX)
        );
        assert_eq!(lifetime.latest.0, 7_200_000_000_000);
    }

    #[test]
    fn halves_of_two_forms_are_refused() {
        for (text, part) in [
            ("min = '300s'", "both `min` and `max`"),
            ("min = '3s'\nmax = '2s'", "must not be above"),
            (
                "min = '3s'\nmax = '9s'\nspare = { mean = '9s', sd = '1s' }",
                "either `silent` and `spare`",
            ),
            ("silent = { mean = '0s', sd = '1s' }", "`idle-timeout.silent.mean`"),
        ] {
            let idle = toml::from_str(text).unwrap();
            let problems = Expiry { idle, ..expiry() }.problems();
            assert!(
                problems.len() == 1 && problems[0].contains(part),
                "{text}: {problems:?}"
            );
        }
        assert_eq!(
            Expiry {
                replaced_ahead: 1.5,
                ..expiry()
            }
            .problems()
            .len(),
            1
        );
        assert!(expiry().problems().is_empty());
    }
}
