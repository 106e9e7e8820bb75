//! Assumptions: choices and approximations on the way to an answer, as data that reports can sort and select.
//!
//! An assumption is one expression: `Topic::Capacity.large("Cloud Run evaluates the load every 5s")`.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How much an assumption can move an answer, the largest effect first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Weight {
    /// It can change a latency, a violation rate or a bill by a factor of two or more.
    Factor,
    /// It can change one of them by more than 10 %.
    Large,
    /// It changes them by less than 10 %.
    Small,
    /// It changes nothing by itself: it says how to read the result.
    Note,
}

/// The part of the model that an assumption is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Topic {
    /// Limits and rules of the platform.
    Platform,
    /// Starts of instances, and the first requests after a start.
    ColdStart,
    /// The number of instances and the time until they change.
    Capacity,
    /// The arrivals.
    Traffic,
    /// The service time of a request: framework overhead and the work of the handler.
    Work,
    /// Sharing of CPU inside an instance.
    Concurrency,
    /// Memory of an instance.
    Memory,
    /// Timeouts, retries and sessions of the clients.
    Client,
    /// Nodes, images and the scheduler of a cluster.
    Cluster,
    /// Rules and metrics of an autoscaler.
    Autoscaler,
    /// Prices and billing rules.
    Price,
    /// The measurement that a profile comes from.
    Profile,
}

/// A number that an assumption stands for, with the values between which it can lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Figure {
    /// The value in use.
    pub value: f64,
    /// The lowest plausible value.
    pub low: f64,
    /// The highest plausible value.
    pub high: f64,
}

/// A choice or an approximation that the answer depends on.
///
/// Assumptions are ordered by weight, then by topic, then by text. Two with the same three are equal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assumption {
    /// How much it can move an answer.
    pub weight: Weight,
    /// The part of the model that it is about.
    pub topic: Topic,
    /// The assumption in words, on one line.
    pub text: String,
    /// The document or measurement that supports it; `None`: nothing does, it is a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The day, month or year in which the source was read, as far as it is known: `2026-11-23`, `2026-11` or `2026`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The number, where the assumption is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
}

impl Topic {
    /// An assumption of this topic.
    pub fn assumption(self, weight: Weight, text: impl Into<String>) -> Assumption {
        let text = text.into();
        debug_assert!(!text.contains('\n'), "an assumption is one line: {text}");
        Assumption {
            weight,
            topic: self,
            text,
            source: None,
            date: None,
            figure: None,
        }
    }

    /// An assumption that can move an answer by a factor of two or more.
    pub fn factor(self, text: impl Into<String>) -> Assumption {
        self.assumption(Weight::Factor, text)
    }

    /// An assumption that can move an answer by more than 10 %.
    pub fn large(self, text: impl Into<String>) -> Assumption {
        self.assumption(Weight::Large, text)
    }

    /// An assumption that moves an answer by less than 10 %.
    pub fn small(self, text: impl Into<String>) -> Assumption {
        self.assumption(Weight::Small, text)
    }

    /// An assumption that says how to read the result.
    pub fn note(self, text: impl Into<String>) -> Assumption {
        self.assumption(Weight::Note, text)
    }
}

impl Assumption {
    /// Adds the document or measurement that supports it, and when it was read. A number in the text that neither the scenario nor
    /// the profile gives needs one, unless the text calls it a choice.
    #[must_use]
    pub fn source(self, source: impl Into<String>, date: impl Into<String>) -> Self {
        Self {
            source: Some(source.into()),
            date: Some(date.into()),
            ..self
        }
    }

    /// Adds the number in use and the values between which it can lie.
    #[must_use]
    pub fn figure(self, value: f64, low: f64, high: f64) -> Self {
        Self {
            figure: Some(Figure { value, low, high }),
            ..self
        }
    }

    /// The document or measurement that supports it and when it was read, in words; `None`: it is a choice.
    pub fn support(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        Some(match &self.date {
            Some(date) => format!("{source}, read {date}"),
            None => source.clone(),
        })
    }

    /// The key of the order.
    fn key(&self) -> (Weight, Topic, &str) {
        (self.weight, self.topic, &self.text)
    }
}

impl PartialEq for Assumption {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Assumption {}

impl PartialOrd for Assumption {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Assumption {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_heaviest_comes_first_and_none_comes_twice() {
        let all = [
            Topic::Price.small("b"),
            Topic::Price.note("a"),
            Topic::Price.factor("d"),
            Topic::Platform.small("c"),
            Topic::Price.small("b").figure(1.0, 0.5, 2.0),
        ];
        let sorted: BTreeSet<Assumption> = all.into_iter().collect();
        let texts: Vec<String> = sorted.iter().map(Assumption::to_string).collect();
        assert_eq!(texts, ["d", "c", "b", "a"]);
    }

    #[test]
    fn a_file_holds_what_is_known_and_no_more() {
        let plain = serde_json::to_string(&Topic::ColdStart.large("x")).unwrap();
        assert_eq!(plain, r#"{"weight":"large","topic":"cold-start","text":"x"}"#);
        let full = Topic::Capacity
            .note("y")
            .source("a guide", "2026-11-23")
            .figure(1.0, 0.5, 2.0);
        let full = serde_json::to_string(&full).unwrap();
        let read: Assumption = serde_json::from_str(&full).unwrap();
        assert_eq!(read.figure.map(|figure| figure.high), Some(2.0), "{full}");
        assert_eq!(read.date.as_deref(), Some("2026-11-23"));
        assert_eq!(read.support().as_deref(), Some("a guide, read 2026-11-23"));
        assert_eq!(Topic::Capacity.note("y").support(), None);
    }
}
