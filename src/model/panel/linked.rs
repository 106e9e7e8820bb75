//! The link of two machines by their panels.

use std::collections::BTreeMap;

use super::{PanelLink, Quantity};
use crate::rng::Stream;
use crate::stats::link::{Link, link};
use crate::stats::normal;

/// One quantity of two panels.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// The quantity.
    pub quantity: Quantity,
    /// The ratio of the second panel to the first, by framework.
    pub ratios: Vec<(String, f64)>,
    /// The common factor.
    pub link: Link,
}

/// Links two machines by all frameworks that both panels have in the same release. A quantity without such a framework is left
/// out.
pub fn between(first: &PanelLink, second: &PanelLink) -> Vec<Linked> {
    let of = |quantity: Quantity| {
        let both = first.frameworks.iter().filter_map(|(name, one)| {
            let other = second.frameworks.get(name)?;
            let figures = (one.figures.get(&quantity)?, other.figures.get(&quantity)?);
            (one.version == other.version).then_some((name.clone(), figures))
        });
        let both: Vec<_> = both.collect();
        let pairs: Vec<_> = both.iter().map(|(_, (a, b))| (a.logged(), b.logged())).collect();
        Some(Linked {
            quantity,
            ratios: both.into_iter().map(|(name, (a, b))| (name, b.ms / a.ms)).collect(),
            link: link(&pairs, quantity.variances())?,
        })
    };
    Quantity::ALL.into_iter().filter_map(of).collect()
}

/// A factor with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    /// The factor.
    pub value: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, high) = self.interval;
        write!(f, "{:.3} [{low:.3}, {high:.3}]", self.value)
    }
}

impl Factor {
    /// A factor as it might have come out, by its interval and a uniform random number.
    fn drawn(&self, uniform: f64) -> f64 {
        let (low, high) = self.interval;
        let deviation = match low > 0.0 {
            true => (high / low).ln() / (2.0 * 1.959_964),
            false => 0.0,
        };
        self.value * (deviation * normal::quantile(uniform)).exp()
    }

    /// The factor that changes nothing.
    pub const ONE: Self = Self {
        value: 1.0,
        interval: (1.0, 1.0),
    };
}

/// The factors that bring times of one machine to another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The factor of cold starts.
    pub cold: Factor,
    /// The factor of CPU time in cold starts.
    pub cpu_to_ready: Factor,
    /// The factor of requests with little work.
    pub requests: Factor,
    /// The factor of the handler's work.
    pub work: Factor,
}

impl Scale {
    /// The scale as it might have come out if the panels had been taken once more, by their intervals.
    pub fn drawn(&self, stream: Stream) -> Self {
        let each = |k: u64, factor: Factor| Factor {
            value: factor.drawn(stream.uniform(k)),
            ..factor
        };
        Self {
            cold: each(0, self.cold),
            cpu_to_ready: each(1, self.cpu_to_ready),
            requests: each(2, self.requests),
            work: each(3, self.work),
        }
    }

    /// The scale from the machine of one panel to that of another. A panel without loads on warm instances, or with too few
    /// frameworks in common, stands in with its cold starts. `None` if the panels have nothing in common.
    pub fn between(from: &PanelLink, to: &PanelLink) -> Option<Self> {
        let same = Self {
            cold: Factor::ONE,
            cpu_to_ready: Factor::ONE,
            requests: Factor::ONE,
            work: Factor::ONE,
        };
        if from.id == to.id {
            return Some(same);
        }
        let linked = between(from, to).into_iter().map(|one| {
            let factor = Factor {
                value: one.link.factor,
                interval: one.link.interval,
            };
            (one.quantity, factor)
        });
        let linked: BTreeMap<Quantity, Factor> = linked.collect();
        let cold = *linked.get(&Quantity::ColdStart)?;
        let or = |quantity: Quantity, other: Factor| linked.get(&quantity).copied().unwrap_or(other);
        let cpu_to_ready = or(Quantity::CpuToReady, cold);
        let requests = or(Quantity::JsonCpu, cpu_to_ready);
        Some(Self {
            cold,
            cpu_to_ready,
            requests,
            work: or(Quantity::ItemsCpu, requests),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::panel;
    use super::*;

    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    #[test]
    fn two_panels_of_one_machine_agree() {
        let pairs = 400;
        let mut held = BTreeMap::from(Quantity::ALL.map(|quantity| (quantity, 0)));
        for seed in 0..pairs {
            let (first, second) = (
                panel(2 * seed, "aa", &NAMES, 1.0, 0.05),
                panel(2 * seed + 1, "aa", &NAMES, 1.0, 0.05),
            );
            for one in between(&first.link(), &second.link()) {
                let (low, high) = one.link.interval;
                *held.get_mut(&one.quantity).unwrap() += u64::from(low <= 1.0 && 1.0 <= high);
            }
        }
        for (quantity, held) in held {
            let share = held as f64 / pairs as f64;
            assert!((0.92..=0.98).contains(&share), "{quantity:?}: {share}");
        }
    }

    #[test]
    fn a_slower_machine_is_scaled_to_the_other() {
        let (slow, quick) = (
            panel(1, "aa", &NAMES, 2.0, 0.03).link(),
            panel(2, "bb", &NAMES, 1.0, 0.03).link(),
        );
        let scale = Scale::between(&slow, &quick).unwrap();
        for factor in [scale.cold, scale.cpu_to_ready, scale.requests, scale.work] {
            assert!((factor.value - 0.5).abs() < 0.03, "{scale:?}");
            assert!(factor.interval.0 < factor.value && factor.value < factor.interval.1);
        }
        assert_eq!(Scale::between(&slow, &slow).unwrap().cold, Factor::ONE);
        let one = &between(&slow, &quick)[0];
        assert!(one.ratios.len() == 8 && one.link.test.unwrap().is_enough(), "{one:?}");
    }

    #[test]
    fn other_releases_are_not_compared() {
        let first = panel(1, "aa", &["a", "b"], 1.0, 0.03).link();
        let mut second = panel(2, "bb", &["a", "b"], 1.0, 0.03).link();
        second.frameworks.get_mut("a").unwrap().version = "2.0".into();
        assert_eq!(between(&first, &second)[0].link.items, 1);
        second.frameworks.remove("b");
        assert_eq!(
            (between(&first, &second), Scale::between(&first, &second)),
            (Vec::new(), None)
        );
    }
}
